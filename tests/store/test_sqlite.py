"""The SQLite file: its settings, and what is refused at the door."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent

from genlock.errors import StoreError
from genlock.store import open_store
from genlock.store.sqlite import SQLiteRecorder
from genlock.store.store import EventStore
from tests.contract.event_store import commit, created
from tests.store.stores import PROJECT, SEQUENCE, change, filled


def recorder(path: Path) -> SQLiteRecorder:
    ledger = open_store(path).ledger
    assert isinstance(ledger, SQLiteRecorder)
    return ledger


def test_every_connection_is_set_for_durability(tmp_path: Path) -> None:
    ledger = recorder(tmp_path / "a.genlock")
    with ledger.connection() as first, ledger.connection() as second:
        assert first is not second
        for connection in (first, second):
            found = {
                name: connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync", "temp_store")
            }
            assert found == {
                "journal_mode": "wal",
                "synchronous": 2,
                "fullfsync": 1,
                "checkpoint_fullfsync": 1,
                "temp_store": 2,
            }
    ledger.close()


def test_closing_leaves_one_file(tmp_path: Path) -> None:
    filled(tmp_path / "a.genlock").close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.genlock", "a.genlock.lock"]


def test_everything_is_there_after_opening_again(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    before, log = store.since(0), store.log_id
    store.close()
    store = open_store(str(tmp_path / "a.genlock"))
    assert (store.since(0), store.log_id) == (before, log)
    assert store.get_snapshot(SEQUENCE) == (21, "test@1", b"whole")
    store.close()


def test_the_folder_is_made(tmp_path: Path) -> None:
    open_store(tmp_path / "new" / "deep" / "a b?c#d%20.genlock").close()
    assert (tmp_path / "new" / "deep" / "a b?c#d%20.genlock").exists()
    open_store(tmp_path / "new" / "deep" / "a b?c#d%20.genlock").close()


def test_an_id_is_never_given_out_twice(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, "DELETE FROM stored_events WHERE notification_id > 20")
    with pytest.raises(StoreError) as error:
        open_store(path)
    assert error.value.code == "store_tampered"
    assert error.value.details["id"] == 21


def test_ids_survive_a_vacuum(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path)
    before = store.since(0)
    store.close()
    connection = sqlite3.connect(path)
    connection.execute("VACUUM")
    connection.close()
    store = open_store(path)
    assert store.since(0) == before
    ((recorded,),) = store.append([commit(created(uuid4()))])
    assert recorded.id == 24
    store.close()


def test_the_librarys_own_ways_work_on_our_tables(tmp_path: Path) -> None:
    ledger = recorder(tmp_path / "a.genlock")
    a = uuid4()
    events = [StoredEvent(a, version, "ProjectCreated@1", b"{}") for version in (1, 2, 3)]
    assert ledger.insert_events(events) == [1, 2, 3]
    assert list(ledger.select_events(a)) == events
    assert list(ledger.select_events(a, gt=1, lte=3, desc=True, limit=1)) == [events[2]]
    assert [n.id for n in ledger.select_notifications(2, 10)] == [2, 3]
    assert [n.id for n in ledger.select_notifications(2, 10, inclusive_of_start=False)] == [3]
    assert [n.id for n in ledger.select_notifications(None, 10, stop=2, topics=["ProjectCreated@1"])] == [1, 2]
    assert list(ledger.select_notifications(None, 10, topics=["Other@1"])) == []
    assert ledger.max_notification_id() == 3
    ledger.close()


# -- refused at the door


def refused(path: Path) -> StoreError:
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError) as error:
        open_store(path)
    if path.is_file():
        assert path.read_bytes() == before
    return error.value


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    path.write_bytes(b"RIFF" + bytes(range(256)) * 40)
    assert refused(path).code == "store_corrupt"


def test_somebody_elses_database_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()
    assert refused(path).code == "store_corrupt"


def test_a_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    filled(path, 300).close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refused(path).code == "store_corrupt"


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "store_unwritable"


def test_a_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as error:
        open_store(tmp_path / "file" / "a.genlock")
    assert error.value.code == "store_unwritable"


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    path.touch()
    store = open_store(path)
    store.append([commit(created(PROJECT))])
    store.close()


def test_newer_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, "UPDATE meta SET value = '2' WHERE key = 'schema'")
    error = refused(path)
    assert error.code == "store_version"
    assert "2" in error.message


@pytest.mark.parametrize(
    "sql", ["DELETE FROM meta", "UPDATE meta SET value = 'x'", "DELETE FROM meta WHERE key = 'log_id'"]
)
def test_a_store_that_does_not_say_what_it_is(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, sql)
    assert refused(path).code == "store_corrupt"


def test_a_changed_event_near_the_end_is_found_on_opening(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, "UPDATE stored_events SET state = replace(state, 'SH0010', 'SH0011') WHERE notification_id = 22")
    error = refused(path)
    assert error.code == "store_tampered"
    assert error.details == {
        "id": 22, "originator": SEQUENCE.hex, "version": 21, "topic": "SequenceEdited@1",
    }  # fmt: skip


def test_an_event_of_a_newer_genlock(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock", 200)
    ledger = store.ledger
    ledger.insert([StoredEvent(uuid4(), 1, "SequenceEdited@9", b"{}")], [])
    with pytest.raises(StoreError) as error:
        store.since(0, 10_000)
    assert (error.value.code, error.value.details["id"]) == ("unknown_event", store.tip())
    assert len(list(store.read(SEQUENCE))) == 201
    store.close()


def test_a_damaged_snapshot_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, "UPDATE snapshots SET state = X'00' WHERE version = 21")
    store = open_store(path)
    assert store.get_snapshot(SEQUENCE) == (10, "test@1", b"half")
    store.close()


HEADS = [
    "UPDATE heads SET version = 5 WHERE name = 'SequenceCreated'",
    "DELETE FROM heads WHERE name = 'SequenceCreated'",
    "UPDATE heads SET version = 500 WHERE name = 'SequenceCreated'",
]


@pytest.mark.parametrize("sql", [*HEADS, "UPDATE heads SET name = 'SequenceCreatec' WHERE name = 'SequenceCreated'"])
def test_heads_that_do_not_add_up_are_found_on_opening(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, sql)
    assert refused(path).code in ("store_corrupt", "unknown_event")


@pytest.mark.parametrize("sql", HEADS)
def test_a_history_is_never_read_short(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, sql)
    store = open_store(path, prove=False)
    with pytest.raises(StoreError) as error:
        list(store.read(SEQUENCE))
    assert error.value.code == "store_corrupt"
    store.close()


@pytest.mark.parametrize("writing", [True, False])
def test_a_connection_that_cannot_be_had_costs_one_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writing: bool
) -> None:
    ledger = recorder(tmp_path / "a.genlock")
    store = EventStore(ledger)
    pool = ledger.datastore.pool
    pool.pool_timeout = 0.5
    held = [pool.get_connection(is_writer=False) for _ in range(pool.num_in_pool)]

    def none_left() -> None:
        raise sqlite3.OperationalError("unable to open database file")

    with monkeypatch.context() as patch:
        patch.setattr(pool, "_create_connection", none_left)
        with pytest.raises(StoreError):
            store.put_snapshot(SEQUENCE, 1, "x", b"{}") if writing else store.tip()
    for connection in held:
        pool.put_connection(connection)
    store.put_snapshot(SEQUENCE, 1, "x", b"{}")
    assert (pool._num_writers, pool._num_readers) == (0, 0)
    store.close()
