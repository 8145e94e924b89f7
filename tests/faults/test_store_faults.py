"""What the disk, the system and other people do to a store, and what it makes of it: nothing acknowledged is lost, and no
timeline is wrong without somebody being told."""

from __future__ import annotations

import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import sleep
from uuid import UUID, uuid4

import pytest

from genlock.errors import Refused, StoreError
from genlock.store import Commit, EventStore, open_store
from genlock.store.sqlite import SQLiteRecorder
from genlock.store.verify import verify
from tests.contract.event_store import created, renamed
from tests.store.stores import PROJECT, SEQUENCE, all_events, edited, fill, filled

ROOT = Path(__file__).resolve().parents[2]

# -- kill -9


def killed(path: Path, wait: float) -> dict[UUID, int]:
    """Runs the writer, kills it, and returns the newest version of each aggregate that was acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.store_writer", str(path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == b"ready\n"
        sleep(wait)
        process.send_signal(signal.SIGKILL)
        lines = out.read().splitlines(keepends=True)
    process.wait()
    acknowledged: dict[UUID, int] = {}
    for line in lines:
        if line.endswith(b"\n"):
            originator, version = line.split()
            acknowledged[UUID(int=int(originator))] = int(version)
    return acknowledged


def kill_often(path: Path, times: int) -> int:
    random, count = Random(9), 0
    for _ in range(times):
        acknowledged = killed(path, random.uniform(0.005, 0.15))
        store = open_store(path)
        report = verify(store)
        assert report.problems == ()
        for originator, version in acknowledged.items():
            events = list(store.read(originator))
            assert [e.originator_version for e in events] == list(range(1, len(events) + 1))
            assert len(events) >= version
            assert len(events) % 3 == 1, "a commit of three events was torn"
        assert [r.id for r in store.since(0, 1_000_000)] == list(range(1, store.tip() + 1))
        count = store.tip()
        store.close()
    return count


def test_killed_while_four_write_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    assert kill_often(tmp_path / "a.genlock", 25) > 100


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    assert kill_often(tmp_path / "a.genlock", 200) > 1000


def test_killed_while_the_store_is_made(tmp_path: Path) -> None:
    code = "import os, sys, threading\nfrom genlock.store import open_store\n"
    code += "threading.Timer(float(sys.argv[2]), lambda: os.kill(os.getpid(), 9)).start()\nopen_store(sys.argv[1])"
    for step in range(6):
        path = tmp_path / f"{step}.genlock"
        subprocess.run([sys.executable, "-c", code, str(path), str(step * 0.002)], check=False)
        store = open_store(path)
        fill(store, 1)
        assert verify(store).ok
        store.close()


# -- a full disk


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 4 MB."""
    folder = Path(tempfile.mkdtemp(prefix="genlock_full_"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(
            "NO SMALL DISK: mounting a tmpfs is not permitted here (it takes root); see the file size limit test"
        )
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def fill_until_refused(store: EventStore) -> tuple[list[object], StoreError]:
    originator, events = uuid4(), []
    for version in range(1, 100_000):
        event = created(originator, "x" * 4000) if version == 1 else renamed(originator, version, "y" * 4000)
        try:
            store.append([Commit(uuid4().hex, "anna", b"", (event,))])
        except StoreError as error:
            return events, error
        events.append(event)
    raise AssertionError("the disk never filled up")


def test_a_full_disk(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"\0" * 1_000_000)
    store = open_store(small_disk / "a.genlock")
    events, error = fill_until_refused(store)
    assert error.code == "store_full"
    assert error.status == 507
    assert len(events) > 10
    originator = events[0].originator_id
    assert list(store.read(originator)) == events
    for _ in range(3):
        with pytest.raises(StoreError) as again:
            store.append([Commit(uuid4().hex, "anna", b"", (renamed(originator, len(events) + 1, "z" * 9000),))])
        assert again.value.code == "store_full"
        assert all_events(store) == events
    (small_disk / "ballast").unlink()
    event = renamed(originator, len(events) + 1)
    store.append([Commit("after", "anna", b"", (event,))])
    assert list(store.read(originator)) == [*events, event]
    assert verify(store).ok
    store.close()
    store = open_store(small_disk / "a.genlock")
    assert all_events(store) == [*events, event]
    store.close()


def test_opening_on_a_full_disk(small_disk: Path) -> None:
    with pytest.raises(OSError):
        (small_disk / "ballast").write_bytes(b"\0" * 5_000_000)
    with pytest.raises(StoreError) as error:
        open_store(small_disk / "a.genlock")
    assert error.value.code == "store_full"
    (small_disk / "ballast").unlink()
    filled(small_disk / "a.genlock").close()


def test_closing_on_a_full_disk_loses_nothing(small_disk: Path) -> None:
    store = open_store(small_disk / "a.genlock")
    events, _ = fill_until_refused(store)
    store.close()
    store = open_store(small_disk / "a.genlock")
    assert all_events(store) == events
    store.close()


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from genlock.store import open_store
from genlock.errors import StoreError
from tests.faults.test_store_faults import all_events, fill_until_refused, verify
store = open_store(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, hard))
events, error = fill_until_refused(store)
assert error.code == "store_full", error.code
assert all_events(store) == events
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
from tests.contract.event_store import created
from genlock.store import Commit
from uuid import uuid4
store.append([Commit("after", "anna", b"", (created(uuid4()),))])
assert verify(store).ok
store.close()
print(len(events))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.genlock")], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    store = open_store(tmp_path / "a.genlock")
    assert store.tip() == int(done.stdout) + 1
    store.close()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# -- a folder that cannot be written


OPEN = """
import os, sys
from genlock.errors import StoreError
from genlock.store import open_store
if os.geteuid() == 0:  # no permission stops root; the interpreter itself may lie where nobody may not look
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
try:
    open_store(sys.argv[1])
except StoreError as error:
    print(error.code)
"""


def open_as_nobody(path: Path) -> str:
    """Opens a store without root's rights and returns the code of the error."""
    done = subprocess.run([sys.executable, "-c", OPEN, path], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that anybody can enter."""
    folder = Path(tempfile.mkdtemp(prefix="genlock_"))
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o700)
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    assert open_as_nobody(open_folder / "a.genlock") == "store_unwritable"
    assert open_as_nobody(open_folder / "deep" / "a.genlock") == "store_unwritable"


def test_a_store_that_cannot_be_written(open_folder: Path) -> None:
    path = open_folder / "a.genlock"
    filled(path).close()
    before = path.read_bytes()
    path.chmod(0o444)
    (open_folder / "a.genlock.lock").chmod(0o666)
    open_folder.chmod(0o555)
    assert open_as_nobody(path) == "store_unwritable"
    assert path.read_bytes() == before


# -- flipped bytes


def outcome(path: Path, whole: list[object], reel: list[object]) -> str:
    """Opens a damaged store and reads everything. An answer that differs must not come without an error."""
    try:
        store = open_store(path)
    except StoreError as error:
        return f"refused {error.code}"
    try:
        try:
            assert all_events(store) == whole
            assert list(store.read(SEQUENCE)) == reel
            assert store.originators(("SequenceCreated",)) == [SEQUENCE]
            found = store.get_snapshot(SEQUENCE)
            assert found in (None, (21, "test@1", b"whole"), (10, "test@1", b"half"))
            for version in range(2, 22):
                command = store.find_command(f"edit{version}")
                if command is None or command.first_id != version + 1:
                    assert not verify(store).ok
        except StoreError as error:
            assert not verify(store).ok
            return f"found {error.code}"
        return "harmless" if verify(store).ok else "found by verify"
    finally:
        store.close()


@pytest.mark.parametrize("checks", ["all checks of opening", "heads and last id only"])
def test_flipped_bytes_never_give_a_wrong_timeline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checks: str
) -> None:
    if checks == "heads and last id only":
        # The check of every page on opening would find most of them: without it the reads must.
        monkeypatch.setattr("genlock.store.store.SMALL", 0)
        monkeypatch.setattr("genlock.store.store.TAIL", 2)
    path = tmp_path / "a.genlock"
    store = filled(path)
    whole, reel = all_events(store), list(store.read(SEQUENCE))
    store.close()
    good, random = path.read_bytes(), Random(7)
    outcomes: dict[str, int] = {}
    for number in range(400):
        data = bytearray(good)
        for _ in range(1 + number % 3):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        damaged = tmp_path / "b.genlock"
        damaged.write_bytes(data)
        kind = outcome(damaged, whole, reel)
        outcomes[kind] = outcomes.get(kind, 0) + 1
        for suffix in ("-wal", "-shm"):
            damaged.with_name(damaged.name + suffix).unlink(missing_ok=True)
    codes = {kind.split()[-1] for kind in outcomes if kind.startswith(("refused", "found store", "found unknown"))}
    assert codes <= {"store_corrupt", "store_tampered", "store_version", "unknown_event"}, outcomes
    assert sum(count for kind, count in outcomes.items() if kind != "harmless") > 50, outcomes
    print(checks, outcomes)


def test_a_flipped_bit_in_an_event_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path, 200)
    store.close()
    data = bytearray(path.read_bytes())
    at = data.find(b'"originator_version":100,')
    at = data.find(b"SH0010", at)
    data[at + 5] ^= 1
    path.write_bytes(data)
    store = open_store(path)
    with pytest.raises(StoreError) as error:
        list(store.read(SEQUENCE))
    assert error.value.code == "store_tampered"
    assert error.value.details == {
        "id": 101, "originator": SEQUENCE.hex, "version": 100, "topic": "SequenceEdited@1",
    }  # fmt: skip
    assert error.value.hint
    first = verify(store).problems[0]
    assert (first.id, first.version, first.topic) == (101, 100, "SequenceEdited@1")
    assert len(list(store.read(PROJECT))) == 2
    store.close()


# -- a fault at every statement


class Failing:
    """Stands before a connection and lets the n-th call to the database fail, once."""

    def __init__(self, connection: sqlite3.Connection, fuse: list[int]) -> None:
        self._connection = connection
        self._fuse = fuse

    def burn(self) -> None:
        if self._fuse[1]:
            self._fuse[0] -= 1
        if self._fuse == [0, 1]:
            raise sqlite3.OperationalError("disk I/O error (made by the test)")

    def cursor(self) -> FailingCursor:
        return FailingCursor(self._connection.cursor(), self)

    def commit(self) -> None:
        self.burn()
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    def close(self) -> None:
        self._connection.close()

    def execute(self, *arguments: object) -> sqlite3.Cursor:
        return self._connection.execute(*arguments)


class FailingCursor:
    row_factory: object = None

    def __init__(self, cursor: sqlite3.Cursor, failing: Failing) -> None:
        self._cursor = cursor
        self._failing = failing

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def execute(self, *arguments: object) -> FailingCursor:
        self._failing.burn()
        self._cursor.execute(*arguments)
        return self

    def executemany(self, *arguments: object) -> FailingCursor:
        self._failing.burn()
        self._cursor.executemany(*arguments)
        return self

    def fetchone(self) -> object:
        return self._cursor.fetchone()

    def fetchall(self) -> object:
        return self._cursor.fetchall()

    def close(self) -> None:
        self._cursor.close()


def rig(store: EventStore, fuse: list[int]) -> None:
    """Puts the failing connection before the store's only idle one."""
    assert isinstance(store.ledger, SQLiteRecorder)
    for connection in store.ledger.datastore.pool._pool:
        connection._sqlite_conn = Failing(connection._sqlite_conn, fuse)


def test_a_fault_at_any_statement_leaves_what_was_acknowledged(tmp_path: Path) -> None:
    struck = 0
    for n in range(1, 60):
        path = tmp_path / f"{n}.genlock"
        store = open_store(path)
        fuse = [n, 0]  # calls left, and whether they count
        rig(store, fuse)
        acknowledged: list[object] = []
        steps = [(created(PROJECT),), *((renamed(PROJECT, v), renamed(PROJECT, v + 1)) for v in (2, 4, 6))]
        for events in steps:
            commit = Commit(uuid4().hex, "anna", b"", events)
            fuse[1] = 1
            try:
                store.append([commit])
                fuse[1] = 0
            except StoreError:
                fuse[1] = 0
                assert all_events(store) == acknowledged
                assert store.find_command(commit.command_id) is None
                store.append([commit])  # the fault has passed: the same command goes through
            acknowledged += events
            assert all_events(store) == acknowledged
        struck += fuse[0] <= 0
        assert verify(store).ok
        store.close()
        store = open_store(path)
        assert all_events(store) == acknowledged
        store.close()
        if fuse[0] > 0:
            break
    assert struck > 20
    assert fuse[0] > 0, "there are more statements than the test went through"


def test_an_interruption_anywhere_inside_a_statement_changes_nothing(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock", 3)
    assert isinstance(store.ledger, SQLiteRecorder)
    struck = 0
    for n in range(1, 400):
        version = len(list(store.read(SEQUENCE))) + 1
        before = all_events(store)
        left = [n]

        def tick(left: list[int] = left) -> int:
            left[0] -= 1
            return int(left[0] == 0)

        for connection in store.ledger.datastore.pool._pool:
            connection._sqlite_conn.set_progress_handler(tick, 1)
        commit = Commit(f"c{n}", "anna", b"", (edited(version), edited(version + 1)))
        try:
            store.append([commit])
            stored = True
        except StoreError:
            stored = False
        finally:
            for connection in store.ledger.datastore.pool._pool:
                connection._sqlite_conn.set_progress_handler(None, 0)
        struck += left[0] <= 0
        assert all_events(store) == ([*before, *commit.events] if stored else before)
        if stored and left[0] > 0:
            break
    assert struck > 20
    assert verify(store).ok
    store.close()


# -- others


def test_two_processes_without_the_lock_still_cannot_break_the_log(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    first, second = open_store(path, lock=False), open_store(path, lock=False)
    refused = 0
    for turn in range(40):
        for store in (first, second):
            version = 1 + turn
            event = created(PROJECT) if version == 1 else renamed(PROJECT, version)
            try:
                store.append([Commit(uuid4().hex, "anna", b"", (event,))])
            except Refused as error:
                assert error.code == "stale_version"  # noqa: PT017 - one of the two gets it
                refused += 1
    assert refused == 40
    assert verify(first).ok
    assert first.tip() == second.tip() == 40
    first.close()
    second.close()


def test_a_foreign_writer_that_holds_the_file(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    assert isinstance(store.ledger, SQLiteRecorder)
    for connection in store.ledger.datastore.pool._pool:
        connection._sqlite_conn.execute("PRAGMA busy_timeout=50")
    other = sqlite3.connect(tmp_path / "a.genlock")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as error:
        store.append([Commit("c", "anna", b"", (renamed(PROJECT, 3),))])
    assert error.value.code == "store_busy"
    assert len(list(store.read(PROJECT))) == 2
    other.rollback()
    other.close()
    store.append([Commit("c", "anna", b"", (renamed(PROJECT, 3),))])
    store.close()
