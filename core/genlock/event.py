"""The envelope every stored event shares."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

EventKind = Literal["edit", "undo", "redo", "revert", "import", "sync", "merge"]
"""Why the event was made: `sync` echoes a host's own change and is not on the undo stack; the rest is."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One durable fact about one aggregate.

    `originator_id` and `originator_version` (1, 2, 3, ...) name the aggregate and the version this event makes of it.
    `timestamp` is UTC. `actor` is who did it, `host` where (resolve, blender, panel, cli, daemon), `command_id` the
    client-made id that makes the command idempotent, `ref` the version an undo, redo or revert refers to, `label` a line
    for the history list. Stored under the topic `Name@schema`; raise `schema` and add an upcaster when the meaning changes.
    """

    schema: ClassVar[int] = 1

    originator_id: UUID
    originator_version: int
    timestamp: datetime
    actor: str = ""
    host: str = ""
    command_id: str = ""
    kind: EventKind = "edit"
    ref: int | None = None
    label: str = ""

    @classmethod
    def topic(cls) -> str:
        """Returns the stable name under which events of this class are stored."""
        return f"{cls.__name__}@{cls.schema}"
