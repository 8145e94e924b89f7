"""Edits a second, durable: ten clients on one sequence inside the application, four on 1,000 shots through the network
(`bench.shots`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import perf_counter
from typing import Final

from genlock.application.application import Accepted, Application, Envelope
from genlock.application.commands import Command, CreateSequence
from genlock.bench import Result, shots
from genlock.project.commands import CreateProject
from genlock.store.store import open_store
from genlock.timeline.commands import AppendItem, SlipItem
from genlock.timeline.model import Item, Media

CLIENTS: Final = 10
WINDOW: Final = 32
"""Commands a client has on the way before it waits for the oldest."""

SECONDS: Final = 1.0
"""How long a round lasts: a disk that answers fast for a moment and slowly after it evens out."""

ROUNDS: Final = 5


def run() -> Iterator[Result]:
    """Yields the figures of the application."""
    with TemporaryDirectory() as folder:
        yield _grouped(Path(folder))
        yield from shots.run(Path(folder))


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
