"""The recorder for SQLite: one file, one writer, every commit on the disk before it is acknowledged."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, local
from time import monotonic, sleep
from typing import Any, Final, cast

from eventsourcing.domain import EventSourcingError
from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    ConnectionUnavailableError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteTransaction,
)

from genlock.errors import StoreError
from genlock.store.ledger import Entry
from genlock.store.lockfile import LockFile
from genlock.store.mounts import refuse_network
from genlock.store.records import CommandRow, Row
from genlock.store.tables import (
    COMMAND,
    EVENT,
    INSERT_META,
    SNAPSHOT,
    TABLES,
    Tables,
    meta_rows,
    new_meta,
    read_meta,
    write_events,
    write_rows,
)

PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",  # NORMAL loses acknowledged events on a power cut (281 of 300 images, measured)
    "fullfsync=1",  # macOS: fsync alone leaves the data in the drive's cache
    "checkpoint_fullfsync=1",
    "temp_store=MEMORY",
    "cache_size=-32768",  # KiB, at most, a connection
)
APPLICATION_ID: Final = 0x474E4C4B
"""Marks the file as a Genlock store ("GNLK")."""

TIMEOUT: Final = 5.0
"""Seconds to wait for somebody else's lock on the file."""

NAMES: Final = {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "integer": "INTEGER", "blob": "BLOB"}

ABSORB: Final = (
    f"INSERT INTO main.stored_events ({EVENT}) SELECT {EVENT} FROM source.stored_events "
    "WHERE notification_id <= :end ORDER BY notification_id",
    f"INSERT INTO main.commands ({COMMAND}) SELECT {COMMAND} FROM source.commands WHERE last_id <= :end ORDER BY first_id",
    "INSERT INTO main.heads (originator_id, name, first_id, version) SELECT originator_id, name, first_id, "
    "(SELECT MAX(e.originator_version) FROM main.stored_events e WHERE e.originator_id = h.originator_id) "
    "FROM source.heads h WHERE first_id <= :end",
    f"INSERT INTO main.snapshots ({SNAPSHOT}) SELECT {SNAPSHOT} FROM source.snapshots s WHERE version <= "
    "(SELECT h.version FROM main.heads h WHERE h.originator_id = s.originator_id)",
)
"""A log up to an event, from an attached file."""

FULL: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE)
"""A quota or a file size limit shows as SQLITE_IOERR_WRITE; the shared memory file fails by its size."""

UNWRITABLE: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)
BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Transaction(SQLiteTransaction):
    """Takes the write lock at once: a read lock that is upgraded later can fail without waiting."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        except sqlite3.Error:
            self.connection.rollback()  # it can fail and have begun
            raise
        return cursor


class Connection(SQLiteConnection):
    """A connection that is usable again after a commit that failed, as on a full disk."""

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with Transaction(self, commit=commit) as cursor, cursor:
            yield cursor

    def commit(self) -> None:
        try:
            super().commit()
        except sqlite3.Error:
            self._sqlite_conn.rollback()
            raise

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection below."""
        return self._sqlite_conn


class Pool(SQLiteConnectionPool):
    """Connections with our pragmas, closed again when one of them fails."""

    def __init__(self, **options: Any) -> None:
        self._closing = Event()
        self._asking = local()
        super().__init__(**options)

    def get_connection(self, timeout: float | None = None, *, is_writer: bool | None = None) -> SQLiteConnection:
        if self._closing.is_set():
            raise ConnectionPoolClosedError
        self._asking.is_writer = is_writer
        connection = super().get_connection(timeout, is_writer=is_writer)
        if self._closing.is_set():
            # Lent after `close` counted those out: to use it now would be to use it while it is being closed, which
            # SQLite answers with a crash of the process.
            with suppress(EventSourcingError):
                self.put_connection(connection)
            raise ConnectionPoolClosedError
        return connection

    def _get_connection(self, timeout: float = 0.0) -> SQLiteConnection:
        try:
            return super()._get_connection(timeout)
        except BaseException:
            # The caller has the turn to write, or is counted as a reader, and the library forgets that when there is no
            # connection to be had: nobody could write ever again.
            is_writer, self._asking.is_writer = self._asking.is_writer, None
            if is_writer:
                self._num_writers -= 1
                self._writer_lock.release()
            elif is_writer is False:
                with self._no_readers:
                    self._num_readers -= 1
            raise

    def close(self) -> None:
        """Lets those finish that are at it, moves the log into the file, and closes every connection; idempotent.

        Who does not finish in time keeps its connection: one in use is never closed.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        until = monotonic() + TIMEOUT
        while self.num_in_use and monotonic() < until:
            sleep(0.002)
        with self._put_condition:
            self._in_use.clear()
        for connection in list(self._pool)[:1]:
            # On a full disk the log stays beside the file, and the next opening goes on from there.
            with suppress(sqlite3.Error):
                cast("Connection", connection).raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        super().close()

    def _create_connection(self) -> SQLiteConnection:
        raw = sqlite3.connect(self.db_name, check_same_thread=False, isolation_level=None, timeout=TIMEOUT)
        try:
            for pragma in PRAGMAS:
                raw.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            raw.close()
            raise
        raw.row_factory = sqlite3.Row
        return Connection(raw, self.max_age)


class SQLiteRecorder(SQLiteApplicationRecorder, Tables):
    """The library's recorder with explicit notification ids, the chain, commands and snapshots."""

    def __init__(self, datastore: SQLiteDatastore, events_table_name: str = "stored_events") -> None:
        super().__init__(datastore, events_table_name)
        self.path = Path(datastore.pool.db_name)
        self.lock: LockFile | None = None
        self.select_max_notification_id_statement = f"SELECT MAX(notification_id) FROM {events_table_name}"

    @property
    def location(self) -> str:
        return str(self.path)

    # -- making the tables

    def construct_create_table_statements(self) -> list[str]:
        return [statement.format(**NAMES, compact=" WITHOUT ROWID") for statement in TABLES]

    def _create_table(self, c: SQLiteCursor) -> None:
        cursor = c.sqlite_cursor
        if cursor.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
            super()._create_table(c)
            cursor.execute(f"PRAGMA application_id={APPLICATION_ID}")
            cursor.executemany(INSERT_META, meta_rows(new_meta()))
        rows = [tuple(row) for row in cursor.execute("SELECT key, value FROM meta").fetchall()]
        self.meta = read_meta(rows, self.location)

    # -- the library's contract

    def _insert_events(self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        return write_events(c.sqlite_cursor, stored_events, kwargs.get("commands", ()))

    select_notifications = Tables.select_notifications

    # -- ours

    def fetch(self, *statements: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
        with sqlite_errors(self.path), self.datastore.transaction(commit=False) as c:
            cursor = c.sqlite_cursor
            cursor.row_factory = None
            return [cursor.execute(sql, params).fetchall() for sql, params in statements]

    def store(self, sql: str, *rows: Sequence[Any]) -> None:
        with sqlite_errors(self.path), self.datastore.transaction(commit=True) as c:
            c.sqlite_cursor.executemany(sql, rows)

    def insert(self, events: Sequence[StoredEvent], entries: Sequence[Entry]) -> list[int]:
        with sqlite_errors(self.path):
            return list(self.insert_events(events, commands=entries) or ())

    def adopt(self, rows: Sequence[Row], commands: Sequence[CommandRow]) -> None:
        with sqlite_errors(self.path), self.datastore.transaction(commit=True) as c:
            write_rows(c.sqlite_cursor, rows, commands)

    def sequence(self) -> int:
        """Returns the highest notification id ever given out, which deleting events does not lower."""
        rows = self.fetch(("SELECT seq FROM sqlite_sequence WHERE name='stored_events'", ()))[0]
        return int(rows[0][0]) if rows else 0

    def damage(self) -> list[str]:
        with sqlite_errors(self.path):
            rows = self.fetch(("PRAGMA integrity_check", ()))[0]
        return [str(row[0]) for row in rows if row[0] != "ok"]

    def size(self) -> dict[str, Any]:
        wal = self.path.with_name(self.path.name + "-wal")
        return {"file": self.path.stat().st_size, "log": wal.stat().st_size if wal.exists() else 0}

    def absorb(self, source: Path, end: int) -> None:
        """Copies another file's log up to id `end`, with its snapshots, into this empty one, inside SQLite."""
        with self.connection() as connection:
            connection.execute("ATTACH DATABASE ? AS source", (str(source),))
            try:
                connection.execute("BEGIN IMMEDIATE")
                copied = connection.execute(ABSORB[0], {"end": end}).rowcount
                if copied != end:
                    raise StoreError("store_corrupt", f"{source} holds {copied} of its first {end} events.")
                for statement in ABSORB[1:]:
                    connection.execute(statement, {"end": end})
                connection.execute("COMMIT")
            finally:
                connection.rollback()
                connection.execute("DETACH DATABASE source")

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lends a connection outside any transaction, as an online backup wants it."""
        with sqlite_errors(self.path), self.datastore.get_connection(commit=False) as connection:
            yield cast("Connection", connection).raw

    def close(self) -> None:
        self.datastore.close()
        if self.lock:
            self.lock.release()


class StoreFactory(SQLiteFactory):
    """Makes our recorder on our pool, through the library's extension points."""

    application_recorder_class = SQLiteRecorder

    def __init__(self, env: dict[str, str]) -> None:
        super().__init__(env)
        self.datastore.pool = Pool(db_name=self.datastore.pool.db_name)


def open_sqlite(path: Path, *, lock: bool = True, mounts: str | None = None) -> SQLiteRecorder:
    """Opens the store file, made when it is missing. `mounts` replaces the system's mount table.

    Raises StoreError: store_on_network, store_busy, store_unwritable, store_full, store_corrupt, store_version.
    """
    path = path.expanduser().absolute()
    refuse_network(path, mounts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        code = "store_full" if error.errno == errno.ENOSPC else "store_unwritable"
        raise StoreError(code, f"{path.parent} cannot be made: {error.strerror}.") from error
    if path.is_dir():
        raise StoreError("store_unwritable", f"{path} is a folder.")
    with ExitStack() as undo:
        held = LockFile(path) if lock else None
        if held:
            undo.callback(held.release)
        _inspect(path)
        factory = StoreFactory({"SQLITE_DBNAME": str(path)})
        undo.callback(factory.close)
        with sqlite_errors(path):
            recorder = cast("SQLiteRecorder", factory.application_recorder())
        recorder.lock = held
        undo.pop_all()
    return recorder


def _inspect(path: Path) -> None:
    """Refuses what is no store of ours before anything is written into it."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with sqlite_errors(path):
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)
        try:
            mark = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
        finally:
            connection.close()
    if tables and mark != APPLICATION_ID:
        raise StoreError("store_corrupt", f"{path} is a database, and no Genlock store.", hint="Give another --store.")


@contextmanager
def sqlite_errors(path: Path) -> Iterator[None]:
    """Turns the library's and SQLite's errors into StoreError."""
    try:
        yield
    except ConnectionPoolClosedError as error:
        raise StoreError("shutting_down", f"{path} was closed.") from error
    except ConnectionUnavailableError as error:
        raise StoreError("store_busy", f"No connection to {path} came free in time.") from error
    except UnicodeDecodeError as error:  # damaged names of tables, in SQLite's own message
        raise StoreError("store_corrupt", f"{path} is damaged: {error}.") from error
    except (PersistenceError, sqlite3.Error) as error:
        cause = error if isinstance(error, sqlite3.Error) else error.__cause__
        raise StoreError(_code(cause), f"{path}: {cause}.") from error


def _code(error: BaseException | None) -> str:
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    primary = extended & 0xFF
    if extended in FULL or primary == sqlite3.SQLITE_FULL:
        return "store_full"
    if primary in UNWRITABLE:
        return "store_unwritable"
    return "store_busy" if primary in BUSY else "store_corrupt"
