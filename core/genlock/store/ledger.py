"""What a store needs from the tables below it: the contract of the SQLite, PostgreSQL and in-memory recorders."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from eventsourcing.persistence import StoredEvent
from msgspec import Struct

from genlock.store.records import CommandRow, Head, Lean, Meta, Row, SnapshotRow


class Entry(Struct, frozen=True):
    """A command to write beside its events; `count` of them, in the order given."""

    command_id: str
    actor: str
    digest: bytes
    count: int


class Ledger(ABC):
    """The tables of one log. Every method is safe to call from any thread; each is one transaction.

    Errors are StoreError, except Refused for a version clash or a command id already used.
    """

    meta: Meta

    @property
    @abstractmethod
    def location(self) -> str:
        """Where it is, for messages: a path, or a URL without its password."""

    @abstractmethod
    def insert(self, events: Sequence[StoredEvent], entries: Sequence[Entry]) -> list[int]:
        """Writes events and their commands, all or nothing; returns the notification ids."""

    @abstractmethod
    def adopt(self, rows: Sequence[Row], commands: Sequence[CommandRow]) -> None:
        """Writes rows of another log under the ids and chain they have, all or nothing; they must continue this one."""

    @abstractmethod
    def page(self, originator: str, after: int, upto: int | None, limit: int) -> tuple[int, list[Lean]]:
        """Returns the aggregate's version (0: there is none) and its events with `after` < version <= `upto`."""

    @abstractmethod
    def tail(self, cursor: int, limit: int) -> list[Lean]:
        """Returns the events with a notification id beyond the cursor, in order."""

    @abstractmethod
    def since(self, cursor: int, limit: int) -> list[Row]:
        """Returns the whole rows with a notification id beyond the cursor, in order."""

    @abstractmethod
    def heads(self) -> tuple[int, list[Head]]:
        """Returns the last notification id, and all aggregates, oldest first."""

    @abstractmethod
    def find_command(self, command_id: str) -> CommandRow | None:
        """Returns what is kept of a command."""

    def find_commands(self, command_ids: Sequence[str]) -> list[CommandRow]:
        """Returns what is kept of those commands that were stored."""
        return [row for id_ in command_ids if (row := self.find_command(id_)) is not None]

    @abstractmethod
    def commands(self, after: int, upto: int) -> list[CommandRow]:
        """Returns the commands whose first event's id is in (after, upto], in order."""

    @abstractmethod
    def count_commands(self) -> int:
        """Returns how many commands there are."""

    @abstractmethod
    def newest(self) -> tuple[int, bytes]:
        """Returns the last notification id (0: none) and the chain's tip."""

    @abstractmethod
    def put_snapshot(self, row: SnapshotRow) -> None:
        """Keeps a snapshot, in place of one of the same version."""

    @abstractmethod
    def get_snapshots(self, originator: str, upto: int | None) -> Iterator[SnapshotRow]:
        """Yields the aggregate's snapshots, newest first."""

    @abstractmethod
    def count_snapshots(self) -> int:
        """Returns how many snapshots there are."""

    @abstractmethod
    def set_meta(self, meta: Meta) -> None:
        """Replaces what the store says about itself."""

    @abstractmethod
    def damage(self) -> list[str]:
        """Returns what the database itself finds wrong with its pages and indexes; slow on a large store."""

    @abstractmethod
    def size(self) -> dict[str, Any]:
        """Returns sizes in bytes, by part."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of everything; idempotent."""
