"""A fork is the log up to an event under an id of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.errors import BadInput, NotFound, StoreError
from genlock.store import Commit, open_store
from genlock.store.fork import fork
from genlock.store.verify import verify
from tests.store.stores import PROJECT, SEQUENCE, all_events, change, edited, fill, filled


def test_a_whole_fork(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    meta = fork(store, tmp_path / "b.genlock")
    other = open_store(tmp_path / "b.genlock")
    assert all_events(other) == all_events(store)
    assert other.log_id == meta.log_id != store.log_id
    origin = other.meta.forked_from
    assert origin is not None
    assert (origin.log, origin.id, origin.tip) == (store.log_id, 23, verify(store).tip)
    assert other.find_command("edit5") == store.find_command("edit5")
    assert other.get_snapshot(SEQUENCE) == (21, "test@1", b"whole")
    assert verify(other).ok
    store.close()
    other.close()


def test_a_fork_at_an_event_goes_its_own_way(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    fork(store, tmp_path / "b.genlock", 14)
    other = open_store(tmp_path / "b.genlock")
    assert all_events(other) == all_events(store)[:14]
    assert other.get_snapshot(SEQUENCE) == (10, "test@1", b"half")
    assert other.find_command("edit15") is None
    assert other.originators(("ProjectCreated",)) == [PROJECT]
    version = len(list(other.read(SEQUENCE))) + 1
    ((recorded,),) = other.append([Commit("mine", "cleo", b"", (edited(version),))])
    assert recorded.id == 15
    assert verify(other).ok
    store.close()
    other.close()


def test_a_fork_of_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    fork(store, tmp_path / "b.genlock", 0)
    other = open_store(tmp_path / "b.genlock")
    assert other.tip() == 0
    fill(other)
    assert verify(other).ok
    store.close()
    other.close()


def test_a_fork_from_memory(tmp_path: Path) -> None:
    store = open_store("memory:")
    fill(store)
    fork(store, tmp_path / "b.genlock", 10)
    other = open_store(tmp_path / "b.genlock")
    assert all_events(other) == all_events(store)[:10]
    other.close()


def test_what_cannot_be_forked(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    for at in (-1, 24):
        with pytest.raises(NotFound) as missing:
            fork(store, tmp_path / "b.genlock", at)
        assert missing.value.code == "no_such_version"
    with pytest.raises(BadInput) as inside:
        fork(store, tmp_path / "b.genlock", 1)
    assert inside.value.code == "bad_value"
    assert "0 or at 2" in inside.value.hint
    with pytest.raises(BadInput):
        fork(store, tmp_path / "a.genlock", 2)
    assert sorted(p.name for p in tmp_path.iterdir() if "b.gen" in p.name) == []
    assert store.tip() == 23
    store.close()


def test_a_log_with_a_hole_is_not_forked(tmp_path: Path) -> None:
    filled(tmp_path / "a.genlock").close()
    change(tmp_path / "a.genlock", "DELETE FROM stored_events WHERE notification_id = 9")
    store = open_store(tmp_path / "a.genlock", prove=False)
    with pytest.raises(StoreError) as error:
        fork(store, tmp_path / "b.genlock")
    assert error.value.code == "store_corrupt"
    fork(store, tmp_path / "b.genlock", 8)
    store.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.genlock", "a.genlock.lock", "b.genlock"]
