"""Edits a second, durable, as clients send them: ten on one sequence, four on a project of 1,000 shots.

The floor of the second is what a shot database does (SQLModel over SQLite): each edit reads the row, changes the object
and writes the row in a transaction of its own, on the same disk with the same synchronous=FULL.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, local
from time import perf_counter
from typing import Final

from genlock.application.application import Accepted, Application, Envelope
from genlock.application.commands import Command, CreateSequence
from genlock.bench import Result, interleaved, p50
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
EDITS: Final = 400
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
    rates = []
    for _ in range(ROUNDS):
        rates.append(
            _rate(
                CLIENTS,
                lambda client: _stream(
                    app,
                    client,
                    ((SlipItem(f"i{client * 20 + k % 20}", 1), sequence) for k in range(EDITS)),
                ),
            )
        )
    app.close()
    store.close()
    return Result("durable edits a second, 10 clients", p50(rates), "1/s", 5000, at_least=True)


def _shots(folder: Path) -> Iterator[Result]:
    """Yields edits a second of 4 clients on 1,000 shots, over those of a row a shot."""
    store = open_store(folder / "shots.genlock")
    app = Application(store)
    project = _done(app, CreateProject("Bench"))
    shots = [_done(app, CreateShot(project, f"SH{k:04}")) for k in range(SHOTS)]
    turn = count()

    def edits(client: int) -> Iterator[tuple[Command, str]]:
        for k in range(EDITS):
            yield ChangeBrief(Brief(prompt=f"take {next(turn)}")), shots[(k * EDITORS + client) % SHOTS]

    def streaming() -> None:
        _rate(EDITORS, lambda client: _stream(app, client, edits(client)))

    def waiting() -> None:
        _rate(EDITORS, lambda client: _wait(app, client, edits(client)))

    for name, pragma in (("SQLite's defaults", "delete"), ("tuned, WAL", "wal")):
        rows = _Rows(folder / f"{pragma}.sqlite", pragma)
        for how, work in (("streaming", streaming), ("each waiting", waiting)):
            floor, ours = interleaved(3, rows.edit, work)
            per = EDITORS * EDITS
            yield Result(
                f"4 clients on 1,000 shots, {how}, over a row a shot ({name})",
                per / p50(ours),
                "1/s",
                10 if pragma == "delete" else 1,
                floor=per / p50(floor),
                at_least=True,
            )
    app.close()
    store.close()


class _Rows:
    """A shot table as an ORM keeps it: every edit reads its row, changes the object, writes all columns, commits."""

    def __init__(self, path: Path, journal: str) -> None:
        self._path = path
        self._journal = journal
        self._held = local()
        db = self._db()
        columns = ", ".join(f"c{k} TEXT" for k in range(20))
        db.execute(f"CREATE TABLE shot (id INTEGER PRIMARY KEY, prompt TEXT, {columns})")
        db.execute("BEGIN")
        values = ["text"] * 21
        marks = ", ".join("?" * 22)
        db.executemany(f"INSERT INTO shot VALUES ({marks})", ([k, *values] for k in range(SHOTS)))
        db.execute("COMMIT")

    def _db(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._held, "db", None)
        if found is None:
            found = self._held.db = sqlite3.connect(self._path, timeout=60, isolation_level=None)
            found.execute(f"PRAGMA journal_mode={self._journal}")
            found.execute("PRAGMA synchronous=FULL")
        return found

    def edit(self) -> None:
        _rate(EDITORS, self._client)

    def _client(self, client: int) -> None:
        db = self._db()
        names = ", ".join(f"c{k} = ?" for k in range(20))
        for k in range(EDITS):
            id_ = (k * EDITORS + client) % SHOTS
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT * FROM shot WHERE id = ?", (id_,)).fetchone()
            shot = {"prompt": f"take {k}", "rest": list(row[2:])}
            db.execute(f"UPDATE shot SET prompt = ?, {names} WHERE id = ?", (shot["prompt"], *shot["rest"], id_))
            db.execute("COMMIT")
        db.close()
        del self._held.db


_commands = count()


def _done(app: Application, command: Command, target: str = "") -> str:
    return app.execute(Envelope(id=f"b{next(_commands)}", command=command, target=target)).target


def _rate(clients: int, work: Callable[[int], object]) -> float:
    """Runs the clients, each on a thread; returns how many edits a second all of them did."""
    threads = [Thread(target=work, args=(client,)) for client in range(clients)]
    begin = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients * EDITS / (perf_counter() - begin)


def _stream(app: Application, client: int, edits: Iterable[tuple[Command, str]]) -> None:
    """Sends edits as a host does: without waiting for each answer, a window of them on the way."""
    waiting: deque[Future[Accepted]] = deque()
    for command, target in edits:
        envelope = Envelope(id=f"b{next(_commands)}", command=command, target=target, actor=f"a{client}")
        waiting.append(app.submit(envelope))
        if len(waiting) >= WINDOW:
            waiting.popleft().result()
    for future in waiting:
        future.result()


def _wait(app: Application, client: int, edits: Iterable[tuple[Command, str]]) -> None:
    for command, target in edits:
        app.execute(Envelope(id=f"b{next(_commands)}", command=command, target=target, actor=f"a{client}"))
