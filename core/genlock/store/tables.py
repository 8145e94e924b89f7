"""The tables in SQL, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final, Protocol, cast
from uuid import UUID, uuid4

import msgspec
from eventsourcing.persistence import Notification, StoredEvent

from genlock.errors import Refused, StoreError
from genlock.store import chain
from genlock.store.ledger import Entry, Ledger
from genlock.store.records import CommandRow, ForkedFrom, Head, Lean, Meta, Row, SnapshotRow

SCHEMA: Final = 1
"""The version of the tables; a store with a newer one is refused."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS stored_events (
        notification_id {serial},
        originator_id TEXT NOT NULL,
        originator_version {integer} NOT NULL,
        topic TEXT NOT NULL,
        state {blob} NOT NULL,
        chain {blob} NOT NULL,
        checksum {integer} NOT NULL,
        UNIQUE (originator_id, originator_version))""",
    """CREATE TABLE IF NOT EXISTS heads (
        originator_id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        first_id {integer} NOT NULL,
        version {integer} NOT NULL){compact}""",
    """CREATE TABLE IF NOT EXISTS commands (
        first_id {integer} PRIMARY KEY,
        last_id {integer} NOT NULL,
        command_id TEXT NOT NULL UNIQUE,
        actor TEXT NOT NULL,
        digest {blob} NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS snapshots (
        originator_id TEXT NOT NULL,
        version {integer} NOT NULL,
        schema TEXT NOT NULL,
        state {blob} NOT NULL,
        checksum {integer} NOT NULL,
        PRIMARY KEY (originator_id, version))""",
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
EVENT = "notification_id, originator_id, originator_version, topic, state, chain, checksum"
LEAN = "notification_id, originator_version, topic, state, checksum"
COMMAND = "command_id, actor, digest, first_id, last_id"
SNAPSHOT = "originator_id, version, schema, state, checksum"
INSERT_EVENT = f"INSERT INTO stored_events ({EVENT}) VALUES (?,?,?,?,?,?,?)"
INSERT_COMMAND = f"INSERT INTO commands ({COMMAND}) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"
INSERT_HEAD = (
    "INSERT INTO heads (originator_id, name, first_id, version) VALUES (?,?,?,?) "
    "ON CONFLICT (originator_id) DO UPDATE SET version = excluded.version"
)
INSERT_SNAPSHOT = (
    f"INSERT INTO snapshots ({SNAPSHOT}) VALUES (?,?,?,?,?) "
    "ON CONFLICT (originator_id, version) DO UPDATE "
    "SET schema = excluded.schema, state = excluded.state, checksum = excluded.checksum"
)
INSERT_META = "INSERT INTO meta (key, value) VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
NEWEST = "SELECT notification_id, chain FROM stored_events ORDER BY notification_id DESC LIMIT 1"


class Cursor(Protocol):
    """What both databases' cursors can do; `?` marks a parameter."""

    @property
    def rowcount(self) -> int: ...

    def execute(self, sql: str, params: Sequence[Any] = ..., /) -> Any: ...

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Any: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> Any: ...


def write_events(cursor: Cursor, events: Sequence[StoredEvent], entries: Sequence[Entry]) -> list[int]:
    """Writes events and commands inside a transaction that excludes other writers; returns the notification ids."""
    rows, commands = made_rows(*_newest(cursor), events, entries)
    write_rows(cursor, rows, commands)
    return [row.id for row in rows]


def made_rows(
    last: int, tip: bytes, events: Sequence[StoredEvent], entries: Sequence[Entry]
) -> tuple[list[Row], list[CommandRow]]:
    """Returns the rows that follow notification `last` and the chain's `tip`."""
    rows = []
    for event in events:
        origin = event.originator_id
        originator = origin.hex if isinstance(origin, UUID) else origin
        last += 1
        tip = chain.link(tip, originator, event.originator_version, event.topic, event.state)
        check = chain.checksum(event.topic, event.originator_version, event.state)
        rows.append(Row(last, originator, event.originator_version, event.topic, event.state, tip, check))
    commands, at = [], 0
    for entry in entries:
        first, at = rows[at].id, at + entry.count
        commands.append(CommandRow(entry.command_id, entry.actor, entry.digest, first, rows[at - 1].id))
    return rows, commands


def write_rows(cursor: Cursor, rows: Sequence[Row], commands: Sequence[CommandRow]) -> None:
    """Writes rows whose ids and chain are known already; raises Refused when they do not fit what is there."""
    heads = {}
    for originator, group in groupby(sorted(rows, key=lambda row: row.originator), lambda row: row.originator):
        heads[originator] = _advance(cursor, originator, list(group))
    taken = [(c.command_id, c.actor, c.digest, c.first_id, c.last_id) for c in commands]
    if taken:
        cursor.executemany(INSERT_COMMAND, taken)
        if cursor.rowcount != len(taken):
            raise Refused("command_id_reused", command_ids=[c.command_id for c in commands])
    cursor.executemany(INSERT_HEAD, list(heads.values()))
    cursor.executemany(INSERT_EVENT, rows)


def _newest(cursor: Cursor) -> tuple[int, bytes]:
    cursor.execute(NEWEST)
    row = cursor.fetchone()
    return (row[0], row[1]) if row else (0, chain.START)


def _advance(cursor: Cursor, originator: str, rows: list[Row]) -> Head:
    """Returns the aggregate's head after the rows; raises Refused(stale_version) when they do not follow it."""
    cursor.execute("SELECT name, first_id, version FROM heads WHERE originator_id=?", (originator,))
    found = cursor.fetchone()
    name, first, version = found or (rows[0].topic.partition("@")[0], rows[0].id, 0)
    for row in rows:
        version += 1
        if row.version != version:
            raise Refused(
                "stale_version",
                f"Version {row.version} of {originator} does not follow version {version - 1}.",
                originator=originator,
                version=row.version,
                head=version - 1,
            )
    return Head(originator, name, first, version)


class Tables(Ledger):
    """The part of a recorder that is the same SQL on both databases."""

    @abstractmethod
    def fetch(self, *statements: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
        """Returns the rows of the statements, all read in one transaction."""

    @abstractmethod
    def store(self, sql: str, *rows: Sequence[Any]) -> None:
        """Runs a statement for each of the rows in one transaction."""

    def _one(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.fetch((sql, params))[0]

    # -- the library's contract, which a recorder takes over by name: the library's own class comes first

    def convert_originator_id(self, originator_id: str) -> UUID | str:
        """Returns an id as the library wants it."""
        return originator_id

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Returns the notifications from `start`, as the library's own log and projections ask for them."""
        where, params = ["notification_id>=?"], [(start or 0) + (start is not None and not inclusive_of_start)]
        if stop is not None:
            where.append("notification_id<=?")
            params.append(stop)
        marks = f"AND topic IN ({','.join('?' * len(topics))}) " if topics else ""
        sql = (
            "SELECT notification_id, originator_id, originator_version, topic, state FROM stored_events "
            f"WHERE {' AND '.join(where)} {marks}ORDER BY notification_id LIMIT ?"
        )
        return [
            Notification(id=i, originator_id=self.convert_originator_id(o), originator_version=v, topic=t, state=s)
            for i, o, v, t, s in self.fetch((sql, (*params, *topics, limit)))[0]
        ]

    # -- events

    def page(self, originator: str, after: int, upto: int | None, limit: int) -> tuple[int, list[Lean]]:
        where, params = "", [originator, after]
        if upto is not None:
            where = "AND originator_version<=? "
            params.append(upto)
        head, rows = self.fetch(
            ("SELECT version FROM heads WHERE originator_id=?", (originator,)),
            (
                f"SELECT {LEAN} FROM stored_events WHERE originator_id=? AND originator_version>? {where}"
                "ORDER BY originator_version LIMIT ?",
                (*params, limit),
            ),
        )
        return (head[0][0] if head else 0), cast("list[Lean]", rows)

    def tail(self, cursor: int, limit: int) -> list[Lean]:
        sql = f"SELECT {LEAN} FROM stored_events WHERE notification_id>? ORDER BY notification_id LIMIT ?"
        return cast("list[Lean]", self._one(sql, cursor, limit))

    def since(self, cursor: int, limit: int) -> list[Row]:
        sql = f"SELECT {EVENT} FROM stored_events WHERE notification_id>? ORDER BY notification_id LIMIT ?"
        return [Row._make(row) for row in self._one(sql, cursor, limit)]

    def newest(self) -> tuple[int, bytes]:
        rows = self._one(NEWEST)
        return (rows[0][0], rows[0][1]) if rows else (0, chain.START)

    def heads(self) -> tuple[int, list[Head]]:
        newest, rows = self.fetch(
            (NEWEST, ()), ("SELECT originator_id, name, first_id, version FROM heads ORDER BY first_id", ())
        )
        return (newest[0][0] if newest else 0), [Head._make(row) for row in rows]

    # -- commands

    def find_command(self, command_id: str) -> CommandRow | None:
        rows = self._one(f"SELECT {COMMAND} FROM commands WHERE command_id=?", command_id)
        return CommandRow(*rows[0]) if rows else None

    def find_commands(self, command_ids: Sequence[str]) -> list[CommandRow]:
        if not command_ids:
            return []
        marks = ",".join("?" * len(command_ids))
        sql = f"SELECT {COMMAND} FROM commands WHERE command_id IN ({marks})"
        return [CommandRow(*row) for row in self._one(sql, *command_ids)]

    def commands(self, after: int, upto: int) -> list[CommandRow]:
        sql = f"SELECT {COMMAND} FROM commands WHERE first_id>? AND first_id<=? ORDER BY first_id"
        return [CommandRow(*row) for row in self._one(sql, after, upto)]

    def count_commands(self) -> int:
        return int(self._one("SELECT COUNT(*) FROM commands")[0][0])

    # -- snapshots

    def put_snapshot(self, row: SnapshotRow) -> None:
        self.store(INSERT_SNAPSHOT, row)

    def get_snapshots(self, originator: str, upto: int | None) -> Iterator[SnapshotRow]:
        below = (1 << 62) if upto is None else upto + 1
        sql = f"SELECT {SNAPSHOT} FROM snapshots WHERE originator_id=? AND version<? ORDER BY version DESC LIMIT 1"
        while rows := self._one(sql, originator, below):
            row = SnapshotRow._make(rows[0])
            yield row
            below = row.version

    def count_snapshots(self) -> int:
        return int(self._one("SELECT COUNT(*) FROM snapshots")[0][0])

    # -- what the store says about itself

    def set_meta(self, meta: Meta) -> None:
        self.store(INSERT_META, *meta_rows(meta))
        self.meta = meta


def new_meta(forked_from: ForkedFrom | None = None) -> Meta:
    """Returns the meta of a new log."""
    return Meta(uuid4().hex, SCHEMA, datetime.now(UTC).isoformat(timespec="seconds"), forked_from)


def meta_rows(meta: Meta) -> list[tuple[str, str]]:
    """Returns the rows of the meta table, one a field, each value JSON."""
    return [(key, msgspec.json.encode(value).decode()) for key, value in msgspec.structs.asdict(meta).items()]


def read_meta(rows: Sequence[tuple[Any, ...]], location: str) -> Meta:
    """Returns the meta of its rows. Raises StoreError: store_version for newer tables, store_corrupt for no such rows."""
    try:
        fields = {key: msgspec.json.decode(value) for key, value in rows}
        schema = fields.get("schema")
        if isinstance(schema, int) and schema > SCHEMA:
            message = f"{location} has tables of version {schema}; this Genlock knows {SCHEMA}."
            raise StoreError("store_version", message)
        return msgspec.convert(fields, Meta)
    except (msgspec.MsgspecError, TypeError) as error:
        raise StoreError("store_corrupt", f"{location} does not say what log it is: {error}") from error
