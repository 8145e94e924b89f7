"""The recorder for PostgreSQL: a studio server's store, with the tables, chain and promises of the SQLite one.

Never with the library's database functions (POSTGRES_ENABLE_DB_FUNCTIONS): they drop the table lock, and then a reader
that follows the log misses events (67 to 162 of 6,000 to 10,000, measured).
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from select import select
from time import monotonic, sleep
from typing import Any, Final, cast

import psycopg
import psycopg.errors
from eventsourcing.persistence import PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore, PostgresFactory
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import tuple_row
from psycopg.sql import SQL
from psycopg_pool import PoolClosed

from genlock.errors import BadInput, StoreError
from genlock.store.ledger import Entry
from genlock.store.records import CommandRow, Row
from genlock.store.tables import INSERT_META, TABLES, Tables, meta_rows, new_meta, read_meta, write_events, write_rows

LOCK_KEY: Final = 0x474E4C4B
"""The advisory lock that one daemon holds in the store's database ("GNLK")."""

NAMES: Final = {"serial": "BIGINT PRIMARY KEY", "integer": "BIGINT", "blob": "BYTEA"}

CONNECT: Final = 5
"""Seconds to wait for the server."""

PATIENCE: Final = 0.5
"""Seconds the server may take to notice that the last holder died."""

POOL: Final = {"POSTGRES_POOL_SIZE": "2", "POSTGRES_MAX_OVERFLOW": "8", "POSTGRES_CONNECT_TIMEOUT": str(CONNECT)}


class MarkedCursor:
    """A cursor that takes `?` for a parameter, so that both databases share their SQL."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor
        cursor.row_factory = tuple_row

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def execute(self, sql: str, params: Sequence[Any] = (), /) -> Any:
        return self._cursor.execute(cast("Any", sql.replace("?", "%s")), params)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Any:
        return self._cursor.executemany(cast("Any", sql.replace("?", "%s")), rows)

    def fetchone(self) -> Any:
        return self._cursor.fetchone()

    def fetchall(self) -> Any:
        return self._cursor.fetchall()


class PostgresRecorder(PostgresApplicationRecorder, Tables):
    """The library's recorder with explicit notification ids, the chain, commands and snapshots.

    Ids are counted under the table lock rather than by a sequence, so that a rolled back insert leaves no hole.
    """

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str = "stored_events") -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self.sql_create_statements = [
            SQL(cast("Any", statement.format(**NAMES, compact=""))).format() for statement in TABLES
        ]
        self.lock: AdvisoryLock | None = None
        self.url = ""

    @property
    def location(self) -> str:
        return self.url

    def _create_table(self, curs: psycopg.Cursor[Any]) -> None:
        cursor = MarkedCursor(curs)
        # Two processes that make the tables at once would collide in the catalogue.
        cursor.execute("SELECT pg_advisory_xact_lock(?)", (LOCK_KEY + 1,))
        cursor.execute("SELECT to_regclass('meta') IS NOT NULL")
        if not cursor.fetchone()[0]:
            super()._create_table(curs)
            cursor.executemany(INSERT_META, meta_rows(new_meta()))
        cursor.execute("SELECT key, value FROM meta")
        self.meta = read_meta(cursor.fetchall(), self.location)

    # -- the library's contract

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Writes in one transaction under the table lock, and never again by itself: the library's retry would report a
        clash with its own event when only the acknowledgement was lost."""
        with self._writing() as cursor:
            return write_events(cursor, stored_events, kwargs.get("commands", ()))

    select_notifications = Tables.select_notifications

    # -- ours

    def fetch(self, *statements: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
        with postgres_errors(self.url), self.datastore.transaction(commit=False) as raw:
            cursor = MarkedCursor(raw)
            found = []
            if len(statements) > 1:
                # Statements of one read must see one state; READ COMMITTED gives each its own.
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            for sql, params in statements:
                cursor.execute(sql, params)
                found.append(cursor.fetchall())
            return found

    def store(self, sql: str, *rows: Sequence[Any]) -> None:
        with postgres_errors(self.url), self.datastore.transaction(commit=True) as raw:
            MarkedCursor(raw).executemany(sql, rows)

    def insert(self, events: Sequence[StoredEvent], entries: Sequence[Entry]) -> list[int]:
        with postgres_errors(self.url):
            return list(self.insert_events(events, commands=entries))

    def adopt(self, rows: Sequence[Row], commands: Sequence[CommandRow]) -> None:
        with postgres_errors(self.url), self._writing() as cursor:
            write_rows(cursor, rows, commands)

    @contextmanager
    def _writing(self) -> Iterator[MarkedCursor]:
        if self.lock:
            self.lock.keep()
        with self.datastore.transaction(commit=True) as raw:
            self._lock_table(raw)
            yield MarkedCursor(raw)

    def damage(self) -> list[str]:
        return []  # the server's business: pg_amcheck and data checksums

    def size(self) -> dict[str, Any]:
        rows = self.fetch(("SELECT pg_total_relation_size('stored_events'), pg_database_size(current_database())", ()))
        events, database = rows[0][0]
        return {"events": events, "database": database}

    def close(self) -> None:
        self.datastore.close()
        if self.lock:
            self.lock.release()
            self.lock = None


class StoreFactory(PostgresFactory):
    """Makes our recorder, through the library's extension points."""

    application_recorder_class = PostgresRecorder


class AdvisoryLock:
    """Holds the store's advisory lock on a connection of its own; the server lets go when the process dies.

    Raises StoreError(store_busy) with the holder's pid and host, store_unreachable without a server.
    """

    def __init__(self, url: str, shown: str) -> None:
        self._url = url
        self._shown = shown
        self._take()

    def keep(self) -> None:
        """Makes sure that the lock is still held, taking it again after a lost connection."""
        if self._is_lost():
            self._connection.close()
            self._take()

    def release(self) -> None:
        """Lets go; idempotent."""
        with suppress(psycopg.Error):
            # Closing alone is heard by the server some time later, and until then the next daemon would be refused.
            self._connection.execute("SELECT pg_advisory_unlock_all()")
        self._connection.close()

    def _is_lost(self) -> bool:
        if self._connection.closed:
            return True
        readable, _, _ = select([self._connection.fileno()], [], [], 0)
        if not readable:
            return False
        try:  # the server only speaks unasked to say goodbye, or something harmless
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return True
        return False

    def _is_granted(self) -> bool:
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
        return bool(row and row[0])

    def _take(self) -> None:
        name = f"genlock pid {os.getpid()}"
        with postgres_errors(self._shown):
            self._connection = psycopg.connect(
                self._url, autocommit=True, application_name=name, connect_timeout=CONNECT, row_factory=tuple_row
            )
            until = monotonic() + PATIENCE
            while not self._is_granted():
                if monotonic() > until:
                    break
                sleep(PATIENCE / 10)
            else:
                return
            found = self._connection.execute(
                "SELECT a.application_name, COALESCE(a.client_hostname, host(a.client_addr), 'this host') "
                "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                "WHERE l.locktype = 'advisory' AND l.granted AND l.objid = %s",
                (LOCK_KEY,),
            ).fetchone()
            self._connection.close()
        who, host = found or ("another process", "an unknown host")
        pid = int(who.rsplit(" ", 1)[-1]) if who.rsplit(" ", 1)[-1].isdecimal() else None
        raise StoreError("store_busy", f"{who} on {host} has {self._shown} open.", pid=pid)


def open_postgres(url: str, *, lock: bool = True) -> PostgresRecorder:
    """Opens the store in a PostgreSQL database, making its tables when there are none.

    Raises StoreError: store_unreachable, store_busy, store_version; BadInput(bad_value) for a URL that is none.
    """
    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq quotes the part it cannot read, which may be the password
        raise _no_url() from None
    host, port = parts.get("host", "127.0.0.1"), parts.get("port", "5432")
    name = parts.get("dbname", "genlock")
    if not port.replace(",", "").isdigit() or ("@" in name and "user" not in parts):
        raise _no_url()  # a password with a slash is taken for port and name, which are shown
    shown = f"postgresql://{host}:{port}/{name}"
    others = {key: value for key, value in parts.items() if key not in ("host", "port", "dbname", "user", "password")}
    env = {
        **POOL,
        "POSTGRES_DBNAME": name,
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": port,
        "POSTGRES_USER": parts.get("user") or os.environ.get("PGUSER") or getpass.getuser(),
        "POSTGRES_PASSWORD": parts.get("password", ""),
        "ORIGINATOR_ID_TYPE": "text",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "no",
    }
    with ExitStack() as undo:
        held = AdvisoryLock(url, shown) if lock else None
        if held:
            undo.callback(held.release)
        factory = StoreFactory(env)
        undo.callback(factory.close)
        # The library knows the five above only; what else the URL says (sslmode, options) is handed on.
        factory.datastore.pool.kwargs = {**cast("dict[str, Any]", factory.datastore.pool.kwargs), **others}
        with postgres_errors(shown):
            recorder = cast("PostgresRecorder", factory.application_recorder())
        recorder.lock, recorder.url = held, shown
        undo.pop_all()
    return recorder


def _no_url() -> BadInput:
    hint = "postgresql://USER@HOST:PORT/NAME; in a password write all but letters and digits as %XX."
    return BadInput("bad_value", "That is no PostgreSQL URL.", hint=hint)


@contextmanager
def postgres_errors(shown: str) -> Iterator[None]:
    """Turns the library's and psycopg's errors into StoreError."""
    try:
        yield
    except (PersistenceError, psycopg.Error) as error:
        cause = error if isinstance(error, psycopg.Error) else error.__cause__
        raise StoreError(_code(cause), f"{shown}: {str(cause).strip()}") from error


def _code(error: BaseException | None) -> str:
    match error:
        case PoolClosed():
            return "shutting_down"
        case psycopg.errors.DiskFull():
            return "store_full"
        case psycopg.errors.InsufficientPrivilege() | psycopg.errors.ReadOnlySqlTransaction():
            return "store_unwritable"
        case psycopg.errors.LockNotAvailable():
            return "store_busy"
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return "store_unreachable"
        case _:
            return "store_corrupt"
