"""A backup of a running store, and putting it back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag

import pytest

from genlock.errors import BadInput, NotFound, StoreError
from genlock.store import Commit, EventStore, open_store
from genlock.store.backup import backup, restore
from genlock.store.jsonl import export
from genlock.store.verify import verify
from tests.store.stores import all_events, change, edited, fill, filled


def test_a_backup_is_the_store(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    size = backup(store, tmp_path / "share" / "a.backup")
    copy = open_store(tmp_path / "share" / "a.backup")
    assert all_events(copy) == all_events(store)
    assert copy.log_id == store.log_id
    assert verify(copy).ok
    assert size > 4096
    copy.close()
    store.close()
    assert [p.name for p in (tmp_path / "share").iterdir() if not p.name.endswith(".lock")] == ["a.backup"]


def test_a_backup_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock", 3)
    backup(store, tmp_path / "a.backup")
    store.append([Commit("more", "anna", b"", (edited(5),))])
    backup(store, tmp_path / "a.backup")
    store.close()
    copy = open_store(tmp_path / "a.backup")
    assert copy.tip() == 7
    copy.close()


def test_a_backup_while_somebody_writes_is_a_whole_prefix(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock", 2)
    stop = Flag()

    def write() -> None:
        version = 4
        while not stop.is_set():
            store.append([Commit(f"w{version}", "anna", b"", (edited(version),))])
            version += 1

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        for number in range(3):
            backup(store, tmp_path / f"{number}.backup")
        stop.set()
        writing.result()
    whole = all_events(store)
    store.close()
    for number in range(3):
        copy = open_store(tmp_path / f"{number}.backup")
        assert verify(copy).ok
        events = all_events(copy)
        assert events == whole[: len(events)]
        copy.close()


def test_a_backup_of_a_store_that_is_no_file(tmp_path: Path) -> None:
    store = open_store("memory:")
    fill(store)
    backup(store, tmp_path / "a.backup")
    copy = open_store(tmp_path / "a.backup")
    assert (all_events(copy), copy.log_id) == (all_events(store), store.log_id)
    copy.close()


def test_a_backup_over_the_store_itself_is_refused(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    with pytest.raises(BadInput):
        backup(store, tmp_path / "a.genlock")
    store.close()


def test_restore_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path, 3)
    backup(store, tmp_path / "a.backup")
    log, kept = store.log_id, all_events(store)
    store.append([Commit("more", "anna", b"", (edited(5),))])
    store.close()
    aside = restore(tmp_path / "a.backup", path)
    assert aside == tmp_path / "a.genlock.replaced-1"
    store = open_store(path)
    assert all_events(store) == kept
    assert store.log_id != log
    assert store.meta.forked_from is not None
    assert store.meta.forked_from.log == log
    store.close()
    old = open_store(aside)
    assert old.tip() == 7
    old.close()
    assert restore(tmp_path / "a.backup", path) == tmp_path / "a.genlock.replaced-2"


def test_restore_where_nothing_was(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    backup(store, tmp_path / "a.backup")
    store.close()
    assert restore(tmp_path / "a.backup", tmp_path / "new" / "b.genlock") is None
    copy = open_store(tmp_path / "new" / "b.genlock")
    assert copy.tip() == 23
    copy.close()


def test_restore_over_a_damaged_store(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path)
    backup(store, tmp_path / "a.backup")
    store.close()
    path.write_bytes(b"\0garbage" * 1000)
    aside = restore(tmp_path / "a.backup", path)
    assert aside is not None
    assert aside.read_bytes() == b"\0garbage" * 1000
    store = open_store(path)
    assert store.tip() == 23
    store.close()


def test_restore_refuses_a_damaged_backup_and_leaves_the_store(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path)
    backup(store, tmp_path / "a.backup")
    store.close()
    change(tmp_path / "a.backup", "UPDATE stored_events SET state = X'7B7D' WHERE notification_id = 4")
    with pytest.raises(StoreError) as error:
        restore(tmp_path / "a.backup", path)
    assert error.value.code == "store_tampered"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.backup", "a.genlock", "a.genlock.lock"]
    store = open_store(path)
    assert store.tip() == 23
    store.close()


def test_restore_refuses_a_store_in_use_and_a_missing_backup(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path)
    backup(store, tmp_path / "a.backup")
    with pytest.raises(StoreError) as error:
        restore(tmp_path / "a.backup", path)
    assert error.value.code == "store_busy"
    store.close()
    with pytest.raises(NotFound):
        restore(tmp_path / "none.backup", path)


@pytest.mark.parametrize("write", [backup, export])
def test_two_of_one_name_at_once_do_not_meet(tmp_path: Path, write: Callable[[EventStore, Path], object]) -> None:
    store = filled(tmp_path / "a.genlock")
    with ThreadPoolExecutor(4) as pool:
        for made in [pool.submit(write, store, tmp_path / "copy") for _ in range(24)]:
            made.result()
    store.close()
