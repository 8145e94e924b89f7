"""What goes into the application and what comes out of it."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from genlock.application.commands import Command
from genlock.event import Event, EventKind


class Envelope(Struct, frozen=True, kw_only=True):
    """A command with who gives it.

    `id` is made by the client and makes the command idempotent. `target` is the aggregate's id (32 hex digits, empty for
    what makes a new one). `base_version` is the version the client saw; with `strict` a command on an older one is
    refused, else it is decided on the present one. `kind` may be edit, sync, merge or import; undo, redo and revert are
    commands of their own. `label` is a line for the history (empty: the edit's own).
    """

    id: str
    command: Command
    target: str = ""
    actor: str = ""
    host: str = "cli"
    base_version: int | None = None
    strict: bool = False
    kind: EventKind = "edit"
    label: str = ""

    @property
    def digest(self) -> bytes:
        """Says what the command is: two envelopes of one id and one digest are the same command, sent twice."""
        return blake2b(self.target.encode() + b"\0" + msgspec.json.encode(self.command), digest_size=16).digest()


class Accepted(Struct, frozen=True, kw_only=True):
    """A command that is durable.

    `version` is the target's after it; `first_id` and `last_id` are the notification ids of its events; `duplicate` says
    that the same command was accepted before and this is its first result; `created` are the ids of new aggregates.
    """

    command_id: str
    target: str
    version: int
    first_id: int
    last_id: int
    duplicate: bool = False
    created: tuple[str, ...] = ()


class Published(Struct, frozen=True):
    """A durable event on its way to clients: its notification id, its JSON as stored, what it changed as absolute upserts
    `[kind, id, value | null]`, and the project it belongs to."""

    id: int
    event: Event
    state: bytes
    effects: list[list[Any]]
    project: str


class HistoryEntry(Struct, frozen=True, kw_only=True):
    """One line of a sequence's history. `undone`: it was taken back and not made again since."""

    version: int
    kind: EventKind
    intent: str
    label: str
    actor: str
    host: str
    timestamp: datetime
    ref: int | None = None
    undone: bool = False
