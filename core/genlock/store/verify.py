"""Proves a whole log: nothing was changed, removed, added or put out of order since it was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from genlock.errors import StoreError
from genlock.store import chain, snapshots
from genlock.store.mapper import place
from genlock.store.records import Row
from genlock.store.sqlite import SQLiteRecorder
from genlock.store.store import EventStore

PAGE: Final = 2000
END: Final = 1 << 62
"""An id beyond all."""

MOST: Final = 100
"""Problems after which a report stops: one broken page would fill it otherwise."""


class Problem(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong: a code of the error table and a sentence; where an event is concerned, which one."""

    code: str
    message: str
    id: int = 0
    originator: str = ""
    version: int = 0
    topic: str = ""


class Report(Struct, frozen=True):
    """What a proof found. `tip` is the chain's (hex) after the last event: compare it with one kept elsewhere."""

    log: str
    events: int
    aggregates: int
    commands: int
    snapshots: int
    tip: str
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


class _Walk:
    """The state of one walk over the log."""

    def __init__(self) -> None:
        self.last = 0
        self.tip = chain.START
        self.versions: dict[str, int] = {}
        self.firsts: dict[str, tuple[str, int]] = {}
        self.claimed = 0  # the last event that a command has
        self.named: dict[int, str] = {}  # the command that each event of a page names


def verify(store: EventStore) -> Report:
    """Walks the whole log and returns what it found; the first problem with an event names the first bad one.

    Checks the chain, every checksum, that every event reads, that ids and versions have no holes, that the table of
    heads and the table of commands agree with the events, the snapshots, and the database's own pages and indexes.
    """
    walk, problems = _Walk(), []
    found = (
        problem
        for part in (
            _events(store, walk),
            _heads(store, walk),
            _snapshots(store),
            _pages(store),
        )
        for problem in part
    )
    for problem in found:
        problems.append(problem)
        if len(problems) >= MOST:
            break
    return Report(
        log=store.log_id,
        events=walk.last,
        aggregates=len(walk.versions),
        commands=_count(store.ledger.count_commands),
        snapshots=_count(store.ledger.count_snapshots),
        tip=walk.tip.hex(),
        problems=tuple(problems),
    )


def _count(ask: Any) -> int:
    try:
        return int(ask())
    except StoreError:  # reported by the walk already
        return 0


def _events(store: EventStore, walk: _Walk) -> Iterator[Problem]:
    cursor, limit = 0, PAGE
    while True:
        try:
            rows = store.ledger.since(cursor, limit)
        except StoreError as error:
            if limit > 1:
                limit = 1  # to find the very event that cannot be read
                continue
            message = f"The log cannot be read beyond event {walk.last}: {error.message}"
            yield Problem(error.code, message, walk.last + 1)
            return
        walk.named.clear()
        for row in rows:
            yield from _event(store, walk, row)
        yield from _commands(store, walk, cursor, rows[-1].id if rows else END)
        if not rows:
            break
        cursor = rows[-1].id
    if isinstance(store.ledger, SQLiteRecorder) and (given := store.ledger.sequence()) != walk.last:
        message = f"{given} events were stored, the last one there is {walk.last}."
        yield Problem("store_tampered", message, walk.last + 1)


def _event(store: EventStore, walk: _Walk, row: Row) -> Iterator[Problem]:
    if row.id != walk.last + 1:
        yield Problem("store_tampered", f"Events {walk.last + 1} to {row.id - 1} are missing.", walk.last + 1)
    walk.last = row.id
    try:
        linked = chain.link(walk.tip, row.originator, row.version, row.topic, row.state)
    except (TypeError, AttributeError):  # a damaged page can give a column of another type
        yield Problem("store_tampered", f"Event {row.id} is not what was written.", **_named(row))
        return
    if linked != row.chain:
        yield Problem("store_tampered", f"The chain breaks at event {row.id} ({row.topic}).", **_named(row))
    walk.tip = row.chain if isinstance(row.chain, bytes) else linked
    expected = walk.versions.get(row.originator, 0) + 1
    if row.version != expected:
        message = f"Event {row.id} is version {row.version} of {row.originator}, {expected} was due."
        yield Problem("store_tampered", message, **_named(row))
    walk.versions[row.originator] = row.version
    walk.firsts.setdefault(row.originator, (row.topic.partition("@")[0], row.id))
    try:
        event = store.mapper.read(row)
    except StoreError as error:
        yield Problem(error.code, error.message, **_named(row))
        return
    walk.named[row.id] = event.command_id
    if (event.originator_id.hex, event.originator_version) != (row.originator, row.version):
        yield Problem("store_tampered", f"Event {row.id} is filed under another aggregate.", **_named(row))


def _named(row: Row) -> dict[str, Any]:
    fields = place(row)
    return {key: value for key, value in fields.items() if isinstance(value, int) == (key in ("id", "version"))}


def _heads(store: EventStore, walk: _Walk) -> Iterator[Problem]:
    try:
        heads = {head.originator: head for head in store.ledger.heads()[1]}
    except StoreError as error:
        yield Problem(error.code, f"The heads cannot be read: {error.message}")
        return
    for originator, version in walk.versions.items():
        head = heads.pop(originator, None)
        if head is None or (head.version, head.name, head.first_id) != (version, *walk.firsts[originator]):
            yield Problem("store_corrupt", f"The head of {originator} is not its last event.", originator=originator)
    for originator in heads:
        yield Problem("store_corrupt", f"All events of {originator} are missing.", originator=str(originator))


def _commands(store: EventStore, walk: _Walk, after: int, upto: int) -> Iterator[Problem]:
    """Compares the commands that begin in (after, upto] with the events just walked over."""
    try:
        commands = store.ledger.commands(after, upto)
    except StoreError as error:
        yield Problem(error.code, f"The commands cannot be read: {error.message}")
        return
    last = store.ledger.newest()[0] if commands else 0
    for command in commands:
        if not (isinstance(command.last_id, int) and walk.claimed < command.first_id <= command.last_id <= last):
            message = f"Command {command.command_id} claims events it cannot have."
            yield Problem("store_corrupt", message, command.first_id)
            continue
        walk.claimed = command.last_id
        for id_ in range(command.first_id, command.last_id + 1):
            if walk.named.get(id_) and walk.named[id_] != command.command_id:
                message = f"Event {id_} is of command {walk.named[id_]}, and filed under {command.command_id}."
                yield Problem("store_corrupt", message, id_)


def _snapshots(store: EventStore) -> Iterator[Problem]:
    try:
        for head in store.ledger.heads()[1]:
            for row in store.ledger.get_snapshots(head.originator, None):
                if not snapshots.is_whole(row):
                    message = f"The snapshot of {head.originator} at version {row.version} is damaged; it is not used."
                    yield Problem("store_corrupt", message, originator=head.originator, version=row.version)
    except StoreError as error:
        yield Problem(error.code, f"The snapshots cannot be read: {error.message}")


def _pages(store: EventStore) -> Iterator[Problem]:
    try:
        damage = store.ledger.damage()
    except StoreError as error:
        damage = [error.message]
    for line in damage:
        yield Problem("store_corrupt", f"The database reports: {line}")
