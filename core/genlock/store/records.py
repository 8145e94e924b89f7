"""The values that go into the store and come out of it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from genlock.event import Event


class Commit(Struct, frozen=True):
    """What one command does: its events, in order, at least one.

    `digest` says what the command was (blake2b of its JSON), so that the same id with another command is told apart.
    """

    command_id: str
    actor: str
    digest: bytes
    events: tuple[Event, ...]


class Recorded(Struct, frozen=True):
    """A stored event: its notification id, which is its place in the log (1, 2, 3, ... without holes), and the JSON as
    stored."""

    id: int
    event: Event
    state: bytes


class CommandRow(Struct, frozen=True):
    """What is kept of a command: who gave it, what it was, and the ids of its first and last event."""

    command_id: str
    actor: str
    digest: bytes
    first_id: int
    last_id: int


class Row(NamedTuple):
    """One event as its table holds it. `originator` is the aggregate's id in hex."""

    id: int
    originator: str
    version: int
    topic: str
    state: bytes
    chain: bytes
    checksum: int


Lean = tuple[int, int, str, bytes, int]
"""What reading an event takes: its id, version, topic, state and checksum."""


class Head(NamedTuple):
    """How far one aggregate has come; `name` is the name (topic without schema) of its first event."""

    originator: str
    name: str
    first_id: int
    version: int


class SnapshotRow(NamedTuple):
    """One stored snapshot."""

    originator: str
    version: int
    schema: str
    state: bytes
    checksum: int


class Meta(Struct, frozen=True):
    """What a store says about itself.

    `log_id` names this history: the same notification id under another log id is another event. `schema` is the version
    of the tables, `created` an ISO time (UTC), `forked_from` where the first part of the log came from.
    """

    log_id: str
    schema: int
    created: str
    forked_from: ForkedFrom | None = None


class ForkedFrom(Struct, frozen=True):
    """The log that the first `id` events came from, and the chain's tip (hex) there."""

    log: str
    id: int
    tip: str
