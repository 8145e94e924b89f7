"""Edits a second, durable, as clients send them: ten on one sequence, four on a project of 1,000 shots.

The floor of the second is what a shot database does (SQLModel over SQLite): each edit reads the row, changes the object
and writes the row in a transaction of its own, on the same disk with the same synchronous=FULL.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter
from typing import Final

from pydantic import BaseModel

from genlock.application.application import Accepted, Application, Envelope
from genlock.application.commands import Command, CreateSequence
from genlock.bench import Result, p50
from genlock.project.commands import ChangeBrief, CreateProject, CreateShot
from genlock.project.shot import Brief
from genlock.store.store import open_store
from genlock.timeline.commands import AppendItem, SlipItem
from genlock.timeline.model import Item, Media

CLIENTS: Final = 10
WINDOW: Final = 32
"""Commands a client has on the way before it waits for the oldest."""

EDITORS: Final = 4
SHOTS: Final = 1000
FIELDS: Final = 20
SECONDS: Final = 1.0
"""How long a round lasts: a disk that answers fast for a moment and slowly after it evens out."""

ROUNDS: Final = 5


def run() -> Iterator[Result]:
    """Yields the figures of the application."""
    with TemporaryDirectory() as folder:
        yield _grouped(Path(folder))
        yield from _shots(Path(folder))


def _grouped(folder: Path) -> Result:
    store = open_store(folder / "grouped.genlock")
    app = Application(store)
    project = _done(app, CreateProject("Bench"))
    sequence = _done(app, CreateSequence(project, "Reel"))
    track = app.sequence(sequence).order[0]
    for k in range(200):
        _done(app, AppendItem(track, Item(f"i{k}", Media("m1", 0, 100_000), 40)), sequence)

    def client(number: int) -> Iterator[object]:
        slips = (SlipItem(f"i{number * 20 + k % 20}", 1) for k in count())
        return _stream(app, number, ((slip, sequence) for slip in slips))

    # The best round: what else the machine does in the meantime can only slow it.
    best = max(_rate(CLIENTS, client) for _ in range(ROUNDS))
    app.close()
    store.close()
    return Result("durable edits a second, 10 clients", best, "1/s", 5000, at_least=True)


def _shots(folder: Path) -> Iterator[Result]:
    """Yields edits a second of 4 clients on 1,000 shots, over those of a row a shot."""
    store = open_store(folder / "shots.genlock")
    app = Application(store)
    project = _done(app, CreateProject("Bench"))
    shots = [_done(app, CreateShot(project, f"SH{k:04}")) for k in range(SHOTS)]
    turn = count()

    def edits(client: int) -> Iterator[tuple[Command, str]]:
        for k in count():
            yield ChangeBrief(Brief(prompt=f"take {next(turn)}")), shots[(k * EDITORS + client) % SHOTS]

    def streaming() -> float:
        return _rate(EDITORS, lambda client: _stream(app, client, edits(client)))

    def waiting() -> float:
        return _rate(EDITORS, lambda client: _wait(app, client, edits(client)))

    for name, journal, limits in (("as SQLite comes", "delete", (10, 1)), ("tuned, WAL", "wal", (1, 0.3))):
        rows = Rows(folder / f"{journal}.sqlite", journal)
        floors, streams, waits = zip(*((rows.rate(), streaming(), waiting()) for _ in range(3)), strict=True)
        for how, rates, limit in (("streaming", streams, limits[0]), ("each waiting", waits, limits[1])):
            title = f"4 clients on 1,000 shots, {how}, over a row a shot ({name})"
            yield Result(title, p50(list(rates)), "1/s", limit, floor=p50(list(floors)), at_least=True)
    app.close()
    store.close()


class Shot(BaseModel):
    """A row of a shot table, as such backends declare it."""

    id: int
    prompt: str = ""
    fields: tuple[str, ...] = ("text",) * FIELDS


class Rows:
    """A shot table as such backends keep it: an edit reads its row into an object, changes it, writes all columns,
    commits, and reads it back for the answer. Without their session and HTTP layers, which makes it faster than they."""

    def __init__(self, path: Path, journal: str) -> None:
        self._path = path
        self._journal = journal
        db = self._connect()
        columns = ", ".join(f"c{k} TEXT" for k in range(FIELDS))
        db.execute(f"CREATE TABLE shot (id INTEGER PRIMARY KEY, prompt TEXT, {columns})")
        marks = ", ".join("?" * (FIELDS + 2))
        db.execute("BEGIN")
        db.executemany(f"INSERT INTO shot VALUES ({marks})", ([k, *["text"] * (FIELDS + 1)] for k in range(SHOTS)))
        db.execute("COMMIT")
        db.close()

    def rate(self) -> float:
        """Returns edits a second of 4 clients, each on a connection of its own."""
        return _rate(EDITORS, self._client)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        db.execute(f"PRAGMA journal_mode={self._journal}")
        db.execute("PRAGMA synchronous=FULL")
        return db

    def _client(self, client: int) -> Iterator[object]:
        names = ", ".join(f"c{k} = ?" for k in range(FIELDS))
        with closing(self._connect()) as db:
            for k in count():
                id_ = (k * EDITORS + client) % SHOTS
                db.execute("BEGIN IMMEDIATE")
                shot = _read(db, id_)
                shot.prompt = f"take {k}"
                db.execute(f"UPDATE shot SET prompt = ?, {names} WHERE id = ?", (shot.prompt, *shot.fields, id_))
                db.execute("COMMIT")
                yield _read(db, id_).model_dump_json()


def _read(db: sqlite3.Connection, id_: int) -> Shot:
    row = db.execute("SELECT * FROM shot WHERE id = ?", (id_,)).fetchone()
    return Shot.model_validate({"id": row[0], "prompt": row[1], "fields": row[2:]})


_commands = count()


def _done(app: Application, command: Command, target: str = "") -> str:
    return app.execute(Envelope(id=f"b{next(_commands)}", command=command, target=target)).target


def _rate(clients: int, work: Callable[[int], Iterator[object]]) -> float:
    """Runs the clients for a while, each on a thread; returns how many edits a second they did together. `work` yields
    once an edit, when it is durable."""
    done = [0] * clients
    begin = perf_counter()

    def client(number: int) -> None:
        for _ in work(number):
            done[number] += 1
            if perf_counter() - begin > SECONDS:
                return

    threads = [Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (perf_counter() - begin)


def _stream(app: Application, client: int, edits: Iterable[tuple[Command, str]]) -> Iterator[object]:
    """Sends edits as a host does: without waiting for each answer, a window of them on the way."""
    waiting: deque[Future[Accepted]] = deque()
    for command, target in edits:
        envelope = Envelope(id=f"b{next(_commands)}", command=command, target=target, actor=f"a{client}")
        waiting.append(app.submit(envelope))
        if len(waiting) >= WINDOW:
            yield waiting.popleft().result()


def _wait(app: Application, client: int, edits: Iterable[tuple[Command, str]]) -> Iterator[object]:
    for command, target in edits:
        yield app.execute(Envelope(id=f"b{next(_commands)}", command=command, target=target, actor=f"a{client}"))
