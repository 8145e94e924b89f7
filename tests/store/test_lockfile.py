"""One process a store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from genlock.errors import StoreError
from genlock.store import open_store
from genlock.store.lockfile import LockFile, holder

HOLD = """
import sys, time
from genlock.store import open_store
store = open_store(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_the_pid(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(StoreError) as error:
            open_store(path)
        assert error.value.code == "store_busy"
        assert error.value.details["pid"] == first.pid
        assert str(first.pid) in error.value.message
        assert str(path) in error.value.message
        assert holder(path.with_name("a.genlock.lock")) == first.pid
        first.kill()
    store = open_store(path)
    assert holder(path.with_name("a.genlock.lock")) == os.getpid()
    store.close()


def test_a_lock_file_left_behind_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a.genlock.lock").write_text('{"pid": 1}')
    open_store(tmp_path / "a.genlock").close()


def test_the_same_process_twice(tmp_path: Path) -> None:
    first = open_store(tmp_path / "a.genlock")
    with pytest.raises(StoreError) as error:
        open_store(tmp_path / "a.genlock")
    assert error.value.details["pid"] == os.getpid()
    first.close()
    open_store(tmp_path / "a.genlock").close()


def test_without_the_lock_a_second_one_may_read(tmp_path: Path) -> None:
    first = open_store(tmp_path / "a.genlock")
    second = open_store(tmp_path / "a.genlock", lock=False)
    assert second.tip() == 0
    second.close()
    first.close()


def test_a_store_that_cannot_be_opened_is_not_left_locked(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    path.write_bytes(b"this is no database, and long enough to be looked at" * 20)
    for _ in range(2):
        with pytest.raises(StoreError) as error:
            open_store(path)
        assert error.value.code == "store_corrupt"


def test_releasing_twice(tmp_path: Path) -> None:
    lock = LockFile(tmp_path / "a")
    lock.release()
    lock.release()
    assert holder(lock.path) is None


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"pid": "x"}', "\x00" * 50])
def test_a_lock_file_that_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.lock").write_text(text)
    assert holder(tmp_path / "x.lock") is None
    assert holder(tmp_path / "none.lock") is None
