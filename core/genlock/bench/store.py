"""Figures of the event store: against raw sqlite3, in the same folder, in the same run.

GENLOCK_BENCH_FULL=1 replays a million events (100,000 otherwise) and kills the writers 200 times (25 otherwise).
"""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from threading import Thread
from time import process_time, sleep
from uuid import UUID, uuid4

import orjson
from msgspec.structs import replace

from genlock.bench import Result, interleaved, p50, p99
from genlock.event import Event
from genlock.store import Commit, EventStore, open_store
from genlock.store.verify import verify
from genlock.timeline.events import Content, SequenceCreated, SequenceEdited
from genlock.timeline.ops import ItemPatch, ItemSet
from genlock.timeline.rate import Rate

REEL = UUID(int=0x5EE1)
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
MISSED = 1000
TABLE = (
    "CREATE TABLE events (id INTEGER PRIMARY KEY, originator TEXT, version INTEGER, topic TEXT, state BLOB, "
    "UNIQUE (originator, version))"
)


def run() -> Iterator[Result]:
    """Yields the figures of the store."""
    full = os.environ.get("GENLOCK_BENCH_FULL") == "1"
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        yield from _append(Path(folder))
        yield from _replay(Path(folder), 1_000_000 if full else 100_000)
        yield from _kill(Path(folder), 200 if full else 25)


def edit(version: int) -> SequenceEdited:
    """Returns the commonest event, a trim, as large as it is in real life."""
    before, after = ItemPatch(source_in=86400, duration=96), ItemPatch(source_in=86412, duration=84)
    return SequenceEdited(
        originator_id=REEL, originator_version=version, timestamp=NOW, actor="anna", host="resolve",
        command_id=f"0192f3a4-7c1e-7000-8000-{version:012d}", label="Trim A001_C003",
        intent="TrimItem", ops=(ItemSet(f"i{version % 9973:016x}", before, after),),
    )  # fmt: skip


def created() -> SequenceCreated:
    return SequenceCreated(
        originator_id=REEL, originator_version=1, timestamp=NOW, project="p", content=Content("Reel", Rate(24))
    )


def commit(*events: Event) -> Commit:
    return Commit(events[0].command_id or uuid4().hex, "anna", b"0123456789abcdef", events)


def _raw(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA fullfsync=1", TABLE):
        connection.execute(statement)
    return connection


def _rows(store: EventStore, first: int, count: int) -> list[tuple[str, int, str, bytes]]:
    states = (store.mapper.encode(edit(version)) for version in range(first, first + count))
    return [(REEL.hex, first + n, "SequenceEdited@1", state) for n, state in enumerate(states)]


# -- writing


def _append(folder: Path) -> Iterator[Result]:
    store, raw = open_store(folder / "append.genlock"), _raw(folder / "append.db")
    store.append([commit(created())])
    (_, _, topic, state) = _rows(store, 2, 1)[0]
    at = {"raw": 1, "store": 1}

    def floor(count: int = 1) -> None:
        raw.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            at["raw"] += 1
            values = (REEL.hex, at["raw"], topic, state)
            raw.execute("INSERT INTO events (originator, version, topic, state) VALUES (?,?,?,?)", values)
        raw.execute("COMMIT")

    def subject(count: int = 1) -> None:
        events = [edit(at["store"] + n) for n in range(1, count + 1)]
        at["store"] += count
        store.append([commit(event) for event in events])

    interleaved(20, floor, subject)
    floors, subjects = interleaved(300, floor, subject)
    yield Result("append, one edit, FULL sync, p50", p50(subjects) * 1e3, "ms", 2.5, p50(floors) * 1e3)
    yield Result("append, one edit, FULL sync, p99", p99(subjects) * 1e3, "ms", 25.0)
    floors, subjects = interleaved(40, lambda: floor(64), lambda: subject(64))
    yield Result("append, 64 commands in one transaction, p50", p50(subjects) * 1e3, "ms", 4.0, p50(floors) * 1e3)
    yield Result("append, grouped by 64", 64 / p50(subjects), "edits/s", 5000.0, at_least=True)
    raw.close()
    store.close()


# -- reading


def _fill(store: EventStore, raw: sqlite3.Connection, count: int) -> None:
    store.append([commit(created())])
    for first in range(2, count + 1, 10_000):
        rows = _rows(store, first, min(10_000, count + 1 - first))
        store.append([commit(edit(version)) for _, version, _, _ in rows])
        raw.execute("BEGIN")
        raw.executemany("INSERT INTO events (originator, version, topic, state) VALUES (?,?,?,?)", rows)
        raw.execute("COMMIT")


def _replay(folder: Path, count: int) -> Iterator[Result]:
    store, raw = open_store(folder / "replay.genlock"), _raw(folder / "replay.db")
    _fill(store, raw, count)

    def floor() -> int:
        seen = 0
        for (state,) in raw.execute("SELECT state FROM events WHERE originator=? ORDER BY version", (REEL.hex,)):
            seen += orjson.loads(state)["originator_version"] > 0
        return seen

    def subject() -> int:
        return sum(event.originator_version > 0 for event in store.read(REEL))

    floors, subjects = _cpu(3, floor, subject)
    name = f"replay of {count:,} events"
    yield Result(name, p50(subjects), "s CPU", 5.0, p50(floors))
    yield Result(name + ", rate", count / p50(subjects), "events/s", 50_000.0, at_least=True)

    def tail() -> object:
        sql = "SELECT id, originator, version, topic, state FROM events WHERE id>? ORDER BY id LIMIT ?"
        return raw.execute(sql, (count - MISSED - 1, MISSED)).fetchall()

    floors, subjects = _cpu(60, tail, lambda: store.since(count - MISSED, MISSED))
    yield Result("resume of 1,000 missed events, p50", p50(subjects) * 1e3, "ms CPU", 4.0, p50(floors) * 1e3)
    raw.close()
    yield from _verify(folder, store)
    store.close()


def _cpu(rounds: int, floor: Callable[[], object], subject: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Measures CPU seconds in turn: reading waits for no disk here, and foreign load would decide it."""
    floors: list[float] = []
    subjects: list[float] = []
    for _ in range(rounds):
        for call, times in ((floor, floors), (subject, subjects)):
            gc.collect()
            begin = process_time()
            call()
            times.append(process_time() - begin)
    return floors, subjects


def _verify(folder: Path, store: EventStore) -> Iterator[Result]:
    small = open_store(folder / "verify.genlock")
    small.append([commit(created())])
    small.append([commit(edit(version)) for version in range(2, 10_001)])
    times = []
    for _ in range(5):
        begin = process_time()
        assert verify(small).ok
        times.append(process_time() - begin)
    small.close()
    yield Result("verify 10,000 events", p50(times) * 1e3, "ms CPU", 500.0)


# -- kill -9


def _kill(folder: Path, times: int) -> Iterator[Result]:
    """Kills four writers again and again; counts what was acknowledged and is gone, and what is wrong in the log."""
    path, random = folder / "kill.genlock", Random(1)
    lost = wrong = acknowledged = 0
    for _ in range(times):
        seen = _killed(path, random.uniform(0.01, 0.15))
        store = open_store(path)
        report = verify(store)  # holes and duplicates in ids and versions are among what it finds
        wrong += len(report.problems)
        for originator, version in seen.items():
            lost += max(0, version - len(list(store.read(originator))))
            acknowledged += 1
        store.close()
    yield Result(f"kill -9 of 4 writers, {times} times: acknowledged events lost", float(lost), "events", 0.0)
    yield Result(f"kill -9 of 4 writers, {times} times: holes and duplicates", float(wrong), "events", 0.0)
    assert acknowledged, "no writer ever got an acknowledgement"


def _killed(path: Path, wait: float) -> dict[UUID, int]:
    process = subprocess.Popen([sys.executable, "-m", "genlock.bench.store", str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as out:
        out.readline()
        sleep(wait)
        process.send_signal(signal.SIGKILL)
        lines = out.read().splitlines(keepends=True)
    process.wait()
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    return {UUID(int=int(originator)): int(version) for originator, version in whole}


def _write(store: EventStore, originator: UUID) -> None:
    version = len(list(store.read(originator)))
    while True:
        version += 1
        event: Event = created() if version == 1 else edit(version)
        store.append([commit(_of(event, originator))])
        os.write(1, b"%d %d\n" % (originator.int, version))


def _of(event: Event, originator: UUID) -> Event:
    command = f"{originator.int}-{event.originator_version}"
    return replace(event, originator_id=originator, command_id=command)


def main(arguments: Sequence[str]) -> None:
    """Writes with four threads until it is killed; each acknowledged append is a line on standard output."""
    store = open_store(arguments[0])
    os.write(1, b"ready\n")
    for number in range(1, 5):
        Thread(target=_write, args=(store, UUID(int=number))).start()


if __name__ == "__main__":
    main(sys.argv[1:])
