"""The event store as the application sees it: commands in, events out, whatever database lies below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from genlock.errors import BadInput, Refused, StoreError
from genlock.event import Event
from genlock.store import chain, snapshots
from genlock.store.ledger import Entry, Ledger
from genlock.store.mapper import EventMapper
from genlock.store.records import CommandRow, Commit, Head, Lean, Meta, Recorded
from genlock.store.sqlite import SQLiteRecorder, open_sqlite

PAGE: Final = 1000
"""Events read at a time: few round trips. Pages of 100 cost a little less an event (1.8 against 2.1 times raw SQL)."""

TAIL: Final = 64
"""Events at the end of the log that are proven when a store is opened."""

SMALL: Final = 16 << 20
"""Bytes up to which a file is also checked page by page when it is opened (about 2 ms a MiB)."""


class EventStore:
    """One append-only log of events, in versions by aggregate and in notification ids over all.

    Safe to use from any thread: appends take their turn, reads use connections of their own. Every event read is proven
    by its checksum, and a read that would leave an event out raises StoreError(store_corrupt).
    """

    def __init__(self, ledger: Ledger, mapper: EventMapper | None = None) -> None:
        self.ledger = ledger
        self.mapper = mapper or EventMapper()

    @property
    def meta(self) -> Meta:
        """What the store says about itself."""
        return self.ledger.meta

    @property
    def log_id(self) -> str:
        """The name of this history (hex)."""
        return self.ledger.meta.log_id

    @property
    def location(self) -> str:
        """Where it is: a path, or a URL without its password."""
        return self.ledger.location

    # -- writing

    def append(self, commits: Sequence[Commit]) -> list[list[Recorded]]:
        """Writes the commits in one transaction, all or none, and returns what each became, with its ids.

        It is on the disk when this returns. Raises Refused: stale_version (an event does not follow its aggregate's
        version), command_id_reused, no_change (a commit without events); StoreError: store_full, store_unwritable,
        store_busy.
        """
        empty = [commit.command_id for commit in commits if not commit.events]
        if empty:
            raise Refused("no_change", "A command without events is not stored.", command_ids=empty)
        stored = [self.mapper.to_stored_event(event) for commit in commits for event in commit.events]
        entries = [Entry(c.command_id, c.actor, c.digest, len(c.events)) for c in commits]
        try:
            ids = iter(self.ledger.insert(stored, entries))
        except StoreError:
            # The answer to a commit can be lost although it was made: by an interruption, or with the connection.
            if not (landed := self._landed(stored, entries)):
                raise
            ids = iter(landed)
        states = (each.state for each in stored)
        return [[Recorded(next(ids), event, next(states)) for event in commit.events] for commit in commits]

    # -- reading

    def read(self, originator: UUID, *, after: int = 0, upto: int | None = None) -> Iterator[Event]:
        """Yields an aggregate's events with `after` < version <= `upto` in order; nothing for one that is not there."""
        key, version = originator.hex, after
        while True:
            head, rows = self.ledger.page(key, version, upto, PAGE)
            for row in rows:
                version += 1
                if row[1] != version:
                    raise self._missing(key, version)
            yield from self._events(rows)
            if len(rows) < PAGE:
                break
        if version < (head if upto is None else min(head, upto)) or version > max(head, after):
            raise self._missing(key, version + 1)

    def since(self, cursor: int, limit: int = 1000) -> list[Recorded]:
        """Returns up to `limit` events beyond the cursor, a notification id, in order."""
        cursor = max(cursor, 0)
        rows = self.ledger.tail(cursor, limit)
        if rows and rows[-1][0] - cursor != len(rows):
            raise self._hole(rows, cursor)
        return [Recorded(row[0], event, row[3]) for row, event in zip(rows, self._events(rows), strict=True)]

    def recorded(self, first_id: int, last_id: int) -> list[Recorded]:
        """Returns the events with ids from `first_id` to `last_id`, both included."""
        return self.since(first_id - 1, max(0, last_id - first_id + 1))

    def find_command(self, command_id: str) -> CommandRow | None:
        """Returns what is kept of a command, None for one never stored."""
        return self.ledger.find_command(command_id)

    def find_commands(self, command_ids: Sequence[str]) -> dict[str, CommandRow]:
        """Returns what is kept of those commands that were stored, in one look-up."""
        return {row.command_id: row for row in self.ledger.find_commands(command_ids)}

    def originators(self, topic_names: tuple[str, ...]) -> list[UUID]:
        """Returns the aggregates whose first event has one of these names (with or without `@schema`), oldest first."""
        names = {name.partition("@")[0] for name in topic_names}
        return [UUID(head.originator) for head in self.heads() if head.name in names]

    def heads(self) -> list[Head]:
        """Returns how far each aggregate has come, oldest first. Raises StoreError(store_corrupt) when they do not add up
        to the log."""
        last, heads = self.ledger.heads()
        try:
            whole = sum(head.version for head in heads) == last and all(len(head.originator) == 32 for head in heads)
        except TypeError:  # a damaged page can give a column of another type
            whole = False
        if not whole:
            raise StoreError("store_corrupt", f"The heads in {self.location} do not add up to the log's {last} events.")
        for head in heads:
            if not self.mapper.knows(head.name):
                message = f"{self.location} holds {head.name!r}, which this Genlock does not know."
                raise StoreError("unknown_event", message, originator=head.originator)
        return heads

    def tip(self) -> int:
        """Returns the last notification id, 0 while there is none."""
        return self.ledger.newest()[0]

    # -- snapshots

    def put_snapshot(self, originator: UUID, version: int, schema: str, state_bytes: bytes) -> None:
        """Keeps the state of an aggregate at a version; `schema` says how the bytes are to be read."""
        self.ledger.put_snapshot(snapshots.row(originator, version, schema, state_bytes))

    def get_snapshot(self, originator: UUID, upto: int | None = None) -> tuple[int, str, bytes] | None:
        """Returns (version, schema, state) of the newest whole snapshot at or below `upto`; a damaged one is passed over,
        for the events hold everything."""
        for found in self.ledger.get_snapshots(originator.hex, upto):
            if snapshots.is_whole(found):
                return found.version, found.schema, found.state
        return None

    def close(self) -> None:
        """Closes the store and releases its lock; idempotent."""
        self.ledger.close()

    # -- proof

    def check_tail(self, count: int = TAIL) -> None:
        """Proves the newest `count` events by the chain. Raises StoreError: store_tampered, store_corrupt."""
        last, _ = self.ledger.newest()
        begin = max(0, last - count - 1)
        rows = self.ledger.since(begin, count + 1)
        for at, row in enumerate(rows, begin + 1):
            if row.id != at:
                raise StoreError("store_tampered", f"Event {at} is missing in {self.location}.", id=at)
        tip = chain.START if last <= count else rows.pop(0).chain
        for row in rows:
            self.mapper.read(row)
            tip = chain.link(tip, row.originator, row.version, row.topic, row.state)
            if tip != row.chain:
                raise StoreError("store_tampered", f"The chain breaks at event {row.id} ({row.topic}).", id=row.id)

    def _landed(self, stored: Sequence[StoredEvent], entries: Sequence[Entry]) -> list[int]:
        """Returns the ids of events that were stored although an error was reported, nothing when they were not."""
        with suppress(StoreError):
            command = self.ledger.find_command(entries[0].command_id)
            rows = self.ledger.since(command.first_id - 1, len(stored)) if command else []
            if [row.state for row in rows] == [each.state for each in stored]:
                return [row.id for row in rows]
        return []

    def _events(self, rows: list[Lean]) -> list[Event]:
        events = self.mapper.read_all(rows)
        if len(events) < len(rows):
            bad = rows[len(events)][0]
            for row in self.ledger.since(bad - 1, 1):
                self.mapper.read(row)  # says what is wrong with it, and names it
            raise StoreError("store_corrupt", f"Event {bad} in {self.location} does not read.", id=bad)
        return events

    def _missing(self, originator: str, version: int) -> StoreError:
        message = f"Version {version} of {originator} is missing in {self.location}."
        return StoreError("store_corrupt", message, originator=originator, version=version)

    def _hole(self, rows: list[Lean], cursor: int) -> StoreError:
        at = next(k for k, row in enumerate(rows, cursor + 1) if row[0] != k)
        return StoreError("store_corrupt", f"Event {at} is missing in {self.location}.", id=at)


def open_store(url: str | Path, *, lock: bool = True, mounts: str | None = None, prove: bool = True) -> EventStore:
    """Opens the store at a path (SQLite, made when missing), a `postgresql://` URL, or `memory:`.

    With `lock` no second process can have it open. `mounts` replaces the system's mount table. Without `prove` the end of
    the log is not checked, so that `verify` can tell what is wrong with a damaged store. Raises StoreError: store_busy,
    store_on_network, store_unwritable, store_full, store_version, store_corrupt, store_tampered, store_unreachable;
    BadInput(bad_value) for a URL that is none.
    """
    if url == "memory:":
        from genlock.store.memory import MemoryLedger

        return EventStore(MemoryLedger())
    ledger: Ledger
    if isinstance(url, str) and url.startswith(("postgresql://", "postgres://")):
        ledger = _postgres()(url, lock=lock)
    elif isinstance(url, str) and "://" in url:
        kind = url.partition("://")[0]
        raise BadInput("bad_value", f"A store is a file or a postgresql:// URL, not {kind}://.")
    else:
        ledger = open_sqlite(Path(url), lock=lock, mounts=mounts)
    store = EventStore(ledger)
    if prove:
        with ExitStack() as undo:
            undo.callback(store.close)
            _prove(store)
            undo.pop_all()
    return store


def _postgres() -> Callable[..., Ledger]:
    try:
        from genlock.store.postgres import open_postgres
    except ModuleNotFoundError as error:
        hint = "Install Genlock with its extra: pip install 'genlock[postgres]'."
        raise StoreError("store_unreachable", f"PostgreSQL needs {error.name}.", hint=hint) from error
    return open_postgres


def _prove(store: EventStore) -> None:
    if isinstance(store.ledger, SQLiteRecorder):
        _check_file(store.ledger)
    store.check_tail()
    store.heads()


def _check_file(ledger: SQLiteRecorder) -> None:
    given, last = ledger.sequence(), ledger.newest()[0]
    if given != last:
        message = f"The newest events are gone: {given} were stored in {ledger.path}, {last} are there."
        raise StoreError("store_tampered", message, id=last + 1)
    if ledger.size()["file"] <= SMALL and (damage := ledger.damage()):
        raise StoreError("store_corrupt", f"{ledger.path} is damaged: {damage[0]}.", damage=damage[:10])
