"""Copies of a log, whole or up to an event, into a new SQLite file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import Final, ParamSpec, TypeVar

from msgspec.structs import replace

from genlock.errors import BadInput, NotFound, StoreError
from genlock.store.ledger import Ledger
from genlock.store.records import CommandRow, ForkedFrom, Meta, Row
from genlock.store.sqlite import SQLiteRecorder, open_sqlite
from genlock.store.store import EventStore
from genlock.store.tables import new_meta

PAGE: Final = 5000

P = ParamSpec("P")
T = TypeVar("T")
_turn: Final = RLock()


def one_at_a_time(write: Callable[P, T]) -> Callable[P, T]:
    """Lets one copy be written after the other: two of the same name would write to the same partial file."""

    @wraps(write)
    def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        with _turn:
            return write(*args, **kwargs)

    return waiting


def fork(store: EventStore, path: Path, at: int | None = None) -> Meta:
    """Makes a new store at `path` (which must not exist) of the events up to id `at` (None: all), and returns its meta.

    Its chain goes on from there under a log id of its own; `forked_from` names the old log, the id and the tip. Raises
    NotFound(no_such_version) for an id beyond the log, BadInput(bad_value) for one inside a command, and StoreError.
    """
    last, _ = store.ledger.newest()
    end = last if at is None else at
    if not 0 <= end <= last:
        raise NotFound("no_such_version", f"The log has events 1 to {last}; {end} is none of them.")
    _refuse_inside(store.ledger, end)
    tip = store.ledger.since(end - 1, 1)[0].chain if end else bytes(16)
    meta = new_meta(ForkedFrom(store.log_id, end, tip.hex()))
    return copy(store.ledger, path, end, meta)


@one_at_a_time
def copy(source: Ledger, path: Path, end: int, meta: Meta, *, mounts: str | None = None) -> Meta:
    """Copies the log up to id `end` with its snapshots into a new file under the meta given; the file appears whole or
    not at all. `mounts` as in open_store. Raises BadInput(bad_value) when it exists, and StoreError."""
    path = path.expanduser().absolute()
    if path.exists():
        raise BadInput("bad_value", f"{path} exists already.", hint="Choose another name.")
    partial = path.with_name(path.name + ".partial")
    _remove(partial)
    target = open_sqlite(partial, lock=False, mounts=mounts)
    try:
        if isinstance(source, SQLiteRecorder):
            target.absorb(source.path, end)
        else:
            _copy_rows(source, target, end)
        target.set_meta(meta)
        target.close()
        partial.replace(path)
    except OSError as error:
        raise StoreError("store_unwritable", f"{path} cannot be written: {error.strerror}.") from error
    finally:
        target.close()
        _remove(partial)
    return meta


def pages(source: Ledger, cursor: int, end: int) -> Iterator[tuple[list[Row], list[CommandRow]]]:
    """Yields the events in (cursor, end] with their commands, a few thousand at a time; a command is never cut.

    Raises StoreError(store_corrupt) when the log ends before.
    """
    while cursor < end:
        rows = source.since(cursor, min(PAGE, end - cursor))
        if not rows:
            raise StoreError("store_corrupt", f"Event {cursor + 1} is missing in {source.location}.", id=cursor + 1)
        commands = source.commands(cursor, rows[-1].id)
        if commands and commands[-1].last_id > rows[-1].id:
            rows += source.since(rows[-1].id, commands[-1].last_id - rows[-1].id)
        yield rows, commands
        cursor = rows[-1].id


def _refuse_inside(ledger: Ledger, at: int) -> None:
    around = ledger.commands(max(0, at - PAGE), at)
    if around and around[-1].last_id > at:
        first, last = around[-1].first_id, around[-1].last_id
        message = f"Event {at} lies inside one command (events {first} to {last})."
        raise BadInput("bad_value", message, hint=f"Fork at {first - 1} or at {last}.")


def _copy_rows(source: Ledger, target: Ledger, end: int) -> None:
    for rows, commands in pages(source, 0, end):
        target.adopt(rows, commands)
    for head in target.heads()[1]:
        for row in source.get_snapshots(head.originator, head.version):
            target.put_snapshot(row)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()


def renamed(meta: Meta, origin: ForkedFrom) -> Meta:
    """Returns the meta under a new log id that says where the log came from."""
    return replace(new_meta(origin), created=meta.created)
