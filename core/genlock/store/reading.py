"""A store opened to be read and nothing else: no lock is taken, nothing is written, whoever has it open goes on."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from eventsourcing.sqlite import SQLiteConnection, SQLiteDatastore

from genlock.errors import NotFound, StoreError
from genlock.store.sqlite import APPLICATION_ID, TIMEOUT, Connection, Pool, SQLiteRecorder, sqlite_errors
from genlock.store.store import EventStore
from genlock.store.tables import read_meta

_MODES: Final = ("mode=ro", "immutable=1")
"""The second where the folder cannot be written: SQLite's log needs a file beside the store even to read."""


class ReadingPool(Pool):
    """Connections that cannot write."""

    def _create_connection(self) -> SQLiteConnection:
        for mode in _MODES:
            raw = sqlite3.connect(
                f"{Path(self.db_name).as_uri()}?{mode}",
                uri=True,
                check_same_thread=False,
                isolation_level=None,
                timeout=TIMEOUT,
            )
            try:
                raw.execute("PRAGMA query_only=1")
                raw.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            except sqlite3.OperationalError:
                raw.close()
                if mode == _MODES[-1]:
                    raise
                continue
            raw.row_factory = sqlite3.Row
            return Connection(raw, self.max_age)
        raise AssertionError("unreachable")


class ReadingRecorder(SQLiteRecorder):
    """A recorder on tables that are there."""

    def __init__(self, path: Path) -> None:
        datastore = SQLiteDatastore(str(path))
        datastore.pool = ReadingPool(db_name=str(path))
        super().__init__(datastore)
        mark, tables = self.fetch(("PRAGMA application_id", ()), ("SELECT COUNT(*) FROM sqlite_master", ()))
        if (mark[0][0], bool(tables[0][0])) != (APPLICATION_ID, True):
            raise StoreError("store_corrupt", f"{path} is a database, and no Genlock store.")
        self.meta = read_meta(self.fetch(("SELECT key, value FROM meta", ()))[0], self.location)


def open_for_reading(path: Path) -> EventStore:
    """Opens a store's file to read it; close it when done. Raises NotFound(no_such_file) and StoreError: store_corrupt,
    store_version, store_unwritable."""
    path = path.expanduser().absolute()
    if not path.is_file() or path.stat().st_size == 0:
        raise NotFound("no_such_file", f"{path} is no store.")
    with ExitStack() as undo, sqlite_errors(path):
        recorder = ReadingRecorder(path)
        undo.callback(recorder.close)
        store = EventStore(recorder)
        store.check_tail()
        store.heads()
        undo.pop_all()
    return store
