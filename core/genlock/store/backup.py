"""Backups of a running store, and putting one back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from genlock.errors import BadInput, NotFound, StoreError
from genlock.store.fork import copy, one_at_a_time, renamed
from genlock.store.lockfile import LockFile
from genlock.store.records import ForkedFrom
from genlock.store.sqlite import SQLiteRecorder, open_sqlite, sqlite_errors
from genlock.store.store import EventStore
from genlock.store.verify import verify

PAGES: int = 4096
"""Database pages copied at a time; between two of them writers get their turn."""


@one_at_a_time
def backup(store: EventStore, path: Path) -> int:
    """Copies the store, while it is in use, to one SQLite file, in place of an older backup; returns its size in bytes.

    The file appears whole or not at all and may lie on a network share. A PostgreSQL or in-memory store becomes a SQLite
    file with the same log. Raises StoreError.
    """
    path = path.expanduser().absolute()
    if path == Path(store.location):
        raise BadInput("bad_value", "A backup cannot take the place of the store itself.")
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            partial.unlink()
        if isinstance(store.ledger, SQLiteRecorder):
            _copy_pages(store.ledger, partial)
        else:
            copy(store.ledger, partial, store.tip(), store.meta, mounts="")  # a share is fine for a backup
        _flush(partial)
        partial.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise StoreError("store_unwritable", f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return path.stat().st_size


def restore(backup_file: Path, store_file: Path) -> Path | None:
    """Puts a backup in the place of a store and returns where the old file went (`NAME.replaced-1`, -2, ...).

    The backup is proven first, and the store must not be open. The log gets a new id, so that no client goes on from
    events that are gone. Raises NotFound(no_such_file); StoreError: store_busy, and what verify finds in the backup.
    """
    source, target = backup_file.expanduser().absolute(), store_file.expanduser().absolute()
    if not source.is_file():
        raise NotFound("no_such_file", f"There is no backup {source}.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = LockFile(target)
        try:
            incoming = target.with_name(target.name + ".incoming")
            shutil.copyfile(source, incoming)
            _prove(incoming, source)
            old = _set_aside(target)
            incoming.replace(target)
            _flush(target.parent)
        finally:
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    incoming.with_name(incoming.name + suffix).unlink()
            lock.release()
    except OSError as error:
        raise StoreError("store_unwritable", f"{target} cannot be written: {error.strerror}.") from error
    return old


def _copy_pages(ledger: SQLiteRecorder, partial: Path) -> None:
    with ledger.connection() as source, sqlite_errors(partial):
        target = sqlite3.connect(partial)
        try:
            source.backup(target, pages=PAGES)
            # A backup is one file: as a write-ahead log it would be three.
            target.execute("PRAGMA journal_mode=DELETE")
        finally:
            target.close()


def _prove(incoming: Path, source: Path) -> None:
    """Proves the copy and gives it a log id of its own."""
    ledger = open_sqlite(incoming, lock=False)
    try:
        report = verify(EventStore(ledger))
        if not report.ok:
            first = report.problems[0]
            raise StoreError(first.code, f"The backup {source} is damaged itself: {first.message}")
        last, tip = ledger.newest()
        ledger.set_meta(renamed(ledger.meta, ForkedFrom(ledger.meta.log_id, last, tip.hex())))
    finally:
        ledger.close()


def _set_aside(target: Path) -> Path | None:
    if not target.exists():
        return None
    number = 1
    while (aside := target.with_name(f"{target.name}.replaced-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # the log goes with its file: it may hold events not yet in it
        with suppress(FileNotFoundError):
            target.with_name(target.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside


def _flush(path: Path) -> None:
    """Asks the system to put a file or a folder's entries on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # a folder cannot be flushed there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
