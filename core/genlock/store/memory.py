"""A log in memory that keeps the contract of the real ones: for tests and for trying something out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import RLock
from typing import Any

from eventsourcing.persistence import StoredEvent

from genlock.errors import Refused, StoreError
from genlock.store import chain
from genlock.store.ledger import Entry, Ledger
from genlock.store.records import CommandRow, Head, Lean, Meta, Row, SnapshotRow
from genlock.store.tables import made_rows, new_meta


class MemoryLedger(Ledger):
    """Everything in dicts and lists under one lock."""

    def __init__(self) -> None:
        self.meta = new_meta()
        self._lock = RLock()
        self._rows: list[Row] = []
        self._streams: dict[str, list[Row]] = {}
        self._heads: dict[str, Head] = {}
        self._commands: dict[str, CommandRow] = {}
        self._snapshots: dict[tuple[str, int], SnapshotRow] = {}
        self._closed = False

    @property
    def location(self) -> str:
        return "memory:"

    def insert(self, events: Sequence[StoredEvent], entries: Sequence[Entry]) -> list[int]:
        with self._open():
            rows, commands = made_rows(*self.newest(), events, entries)
            self.adopt(rows, commands)
            return [row.id for row in rows]

    def adopt(self, rows: Sequence[Row], commands: Sequence[CommandRow]) -> None:
        with self._open():
            heads = dict(self._heads)
            for row in rows:
                head = heads.get(row.originator) or Head(row.originator, row.topic.partition("@")[0], row.id, 0)
                if row.version != head.version + 1:
                    message = f"Version {row.version} of {row.originator} does not follow version {head.version}."
                    raise Refused(
                        "stale_version", message, originator=row.originator, version=row.version, head=head.version
                    )
                heads[row.originator] = head._replace(version=row.version)
            ids = [command.command_id for command in commands]
            if len({*ids, *self._commands}) != len(ids) + len(self._commands):
                raise Refused("command_id_reused", command_ids=ids)
            self._heads = heads
            self._commands.update((command.command_id, command) for command in commands)
            self._rows += rows
            for row in rows:
                self._streams.setdefault(row.originator, []).append(row)

    def page(self, originator: str, after: int, upto: int | None, limit: int) -> tuple[int, list[Lean]]:
        with self._open():
            stream = self._streams.get(originator, [])
            return len(stream), [_lean(row) for row in stream[max(after, 0) : upto][:limit]]

    def tail(self, cursor: int, limit: int) -> list[Lean]:
        return [_lean(row) for row in self.since(cursor, limit)]

    def since(self, cursor: int, limit: int) -> list[Row]:
        with self._open():
            return self._rows[cursor : cursor + limit]

    def heads(self) -> tuple[int, list[Head]]:
        with self._open():
            return len(self._rows), sorted(self._heads.values(), key=lambda head: head.first_id)

    def find_command(self, command_id: str) -> CommandRow | None:
        with self._open():
            return self._commands.get(command_id)

    def commands(self, after: int, upto: int) -> list[CommandRow]:
        with self._open():
            found = [c for c in self._commands.values() if after < c.first_id <= upto]
            return sorted(found, key=lambda command: command.first_id)

    def count_commands(self) -> int:
        return len(self._commands)

    def newest(self) -> tuple[int, bytes]:
        with self._open():
            return (self._rows[-1].id, self._rows[-1].chain) if self._rows else (0, chain.START)

    def put_snapshot(self, row: SnapshotRow) -> None:
        with self._open():
            self._snapshots[row.originator, row.version] = row

    def get_snapshots(self, originator: str, upto: int | None) -> Iterator[SnapshotRow]:
        with self._open():
            found = [row for (key, _), row in self._snapshots.items() if key == originator]
        yield from sorted((row for row in found if upto is None or row.version <= upto), key=lambda row: -row.version)

    def count_snapshots(self) -> int:
        return len(self._snapshots)

    def set_meta(self, meta: Meta) -> None:
        self.meta = meta

    def damage(self) -> list[str]:
        return []

    def size(self) -> dict[str, Any]:
        return {"state": sum(len(row.state) for row in self._rows)}

    def close(self) -> None:
        self._closed = True

    def _open(self) -> RLock:
        if self._closed:
            raise StoreError("shutting_down", "memory: was closed.")
        return self._lock


def _lean(row: Row) -> Lean:
    return row.id, row.version, row.topic, row.state, row.checksum
