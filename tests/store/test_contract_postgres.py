"""The PostgreSQL store keeps the contract, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent

from genlock.errors import BadInput, StoreError
from genlock.store import EventStore, open_store, postgres
from genlock.store.backup import backup
from genlock.store.fork import fork
from genlock.store.jsonl import export, import_
from genlock.store.postgres import PostgresRecorder
from genlock.store.stats import stats
from genlock.store.verify import verify
from tests.contract.event_store import EventStoreContract, commit, created, fill
from tests.store import stores
from tests.store.postgres_server import database, server

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def maintenance() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def url(maintenance: str) -> str:
    """The URL of a database of its own."""
    return database(maintenance)


@pytest.fixture
def store(url: str) -> Iterator[EventStore]:
    store = open_store(url)
    yield store
    store.close()


class TestPostgreSQL(EventStoreContract):
    pass


def test_the_log_is_there_after_opening_again(url: str) -> None:
    a = uuid4()
    store = open_store(url)
    log = store.log_id
    fill(store, a, 30)
    store.close()
    again = open_store(url)
    assert (again.log_id, again.tip(), len(list(again.read(a)))) == (log, 30, 30)
    again.close()


def test_a_store_that_was_closed_is_free_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "PATIENCE", 0.0)
    for _ in range(20):
        open_store(url).close()


def test_a_second_process_is_refused_with_the_pid_of_the_first(store: EventStore, url: str) -> None:
    code = "import sys\nfrom genlock.store import open_store\nopen_store(sys.argv[1])"
    other = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
    assert "store_busy" in other.stderr or "has postgresql" in other.stderr
    with pytest.raises(StoreError) as error:
        open_store(url)
    assert error.value.code == "store_busy"
    assert error.value.details["pid"] == os.getpid()
    assert str(os.getpid()) in error.value.message


def test_the_lock_of_a_dead_process_is_taken_over(url: str) -> None:
    code = "import sys, os\nfrom genlock.store import open_store\nopen_store(sys.argv[1]); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, url], check=False)
    store = open_store(url)
    store.append([commit(created(uuid4()))])
    store.close()


def test_no_function_of_the_library_is_made(store: EventStore, url: str) -> None:
    with psycopg.connect(url) as connection:
        (count,) = connection.execute(
            "SELECT COUNT(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public'"
        ).fetchone()
    assert count == 0


def test_a_changed_event_is_found(store: EventStore, url: str) -> None:
    a = uuid4()
    fill(store, a, 5)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE stored_events SET topic = 'ProjectCreated@1' WHERE notification_id = 3")
    with pytest.raises(StoreError) as error:
        list(store.read(a))
    assert error.value.code == "store_tampered"
    assert error.value.details["id"] == 3


def test_newer_tables_are_refused(url: str) -> None:
    open_store(url).close()
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema'")
    with pytest.raises(StoreError) as error:
        open_store(url)
    assert error.value.code == "store_version"
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema'")
    open_store(url).close()


def test_a_lost_connection_costs_one_append_at_most(store: EventStore, maintenance: str) -> None:
    a = uuid4()
    fill(store, a, 3)
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname NOT IN ('postgres') AND pid <> pg_backend_pid()"
        )
    for _ in range(20):
        try:
            store.append([commit(created(uuid4()))])
        except StoreError as error:
            assert error.code == "store_unreachable"  # noqa: PT017 - whether it happens is up to the pool
        else:
            break
    else:
        pytest.fail("the store did not come back")
    assert len(list(store.read(a))) == 3
    store.check_tail(100)


def test_what_an_operator_does_with_it(store: EventStore, url: str, maintenance: str, tmp_path: Path) -> None:
    stores.fill(store)
    report = verify(store)
    assert report.ok
    assert stats(store)["events"] == 23
    backup(store, tmp_path / "a.backup")
    fork(store, tmp_path / "b.genlock", 10)
    export(store, tmp_path / "log.jsonl")
    copy, part = open_store(tmp_path / "a.backup"), open_store(tmp_path / "b.genlock")
    assert (copy.log_id, verify(copy).tip) == (store.log_id, report.tip)
    assert stores.all_events(part) == stores.all_events(store)[:10]
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE other_{url.rpartition('_')[2]}")
    other = open_store(f"{maintenance.rpartition('/')[0]}/other_{url.rpartition('_')[2]}")
    assert import_(tmp_path / "log.jsonl", other) == 23
    assert verify(other).tip == report.tip
    assert other.since(0) == store.since(0)
    for each in (copy, part, other):
        each.close()


def test_the_librarys_own_ways_work_on_our_tables(store: EventStore) -> None:
    ledger = store.ledger
    assert isinstance(ledger, PostgresRecorder)
    a = uuid4()
    events = [StoredEvent(a.hex, version, "ProjectCreated@1", b"{}") for version in (1, 2, 3)]
    assert ledger.insert_events(events) == [1, 2, 3]
    assert list(ledger.select_events(a.hex)) == events
    assert list(ledger.select_events(a.hex, gt=1, lte=3, desc=True, limit=1)) == [events[2]]
    assert [n.id for n in ledger.select_notifications(2, 10, inclusive_of_start=False)] == [3]
    assert [n.id for n in ledger.select_notifications(None, 10, stop=2, topics=["ProjectCreated@1"])] == [1, 2]
    assert ledger.max_notification_id() == 3


def test_no_server_there() -> None:
    with pytest.raises(StoreError) as error:
        open_store("postgresql://nobody:secret@127.0.0.1:1/none")
    assert error.value.code == "store_unreachable"
    assert "secret" not in str(error.value.to_dict())


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://a b c=",
        "postgresql://ann:sec%zzret@127.0.0.1/x",
        "postgresql://ann:sec/ret@127.0.0.1/x",
        "postgresql://ann:12/secret@127.0.0.1/x",
        "postgresql://ann:secret@127.0.0.1:port/x",
        "postgresql://ann:secret@127.0.0.1/x?secret=1",
        "mysql://ann:secret@127.0.0.1/x",
    ],
)
def test_a_url_that_is_none_is_refused_and_its_password_not_repeated(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        open_store(wrong)
    assert error.value.code == "bad_value"
    told = str(error.value.to_dict())
    assert not [part for part in ("sec%zz", "secret", "sec", "ret@") if part in told]
