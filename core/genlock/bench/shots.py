"""Four clients on a project of 1,000 shots, through the network: the daemon against a shot database.

Both serve from a process of their own and their clients run here, four at a time, each changing the prompt of shots at
random. The database's clients wait for each answer, HTTP knows no other way. The daemon's do so too (`each waiting`), or
have up to 32 commands on their way (`streaming`), as a host does that sends a drag or a batch.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from http.client import HTTPConnection
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from genlock.bench import Result, p50
from genlock.bench.wire import DAEMON, PLAIN

EDITORS: Final = 4
SHOTS: Final = 1000
WINDOW: Final = 32
"""Commands a streaming client has on the way before it waits for an answer."""

SECONDS: Final = 1.5
"""How long a round lasts: a disk that answers fast for a moment and slowly after it evens out."""

ROUNDS: Final = 5
TITLE: Final = "4 clients on 1,000 shots over the network"


def run(folder: Path) -> Iterator[Result]:
    """Yields edits a second of the daemon's clients over those of an SQLModel backend's."""
    if find_spec("sqlmodel") is None:
        yield Result(f"{TITLE}: not measured, sqlmodel is missing (dependency group dev)", 0, "1/s", 10, at_least=True)
        return
    database = [sys.executable, "-m", "genlock.bench.rows", str(folder / "rows.sqlite"), str(SHOTS)]
    daemon = [sys.executable, "-c", DAEMON, str(folder / "network.genlock"), str(folder)]
    with served(database) as port, served(daemon) as (url, token):
        studio = asyncio.run(Studio.made(f"{url.replace('http', 'ws')}/ws", token))
        rows, streams, waits = [], [], []
        for _ in range(ROUNDS):
            rows.append(_database(port))
            streams.append(asyncio.run(studio.rate(WINDOW)))
            waits.append(asyncio.run(studio.rate(1)))
    for how, rates, limit in (("streaming", streams, 10), ("each waiting", waits, 1.5)):
        yield Result(f"{TITLE}, {how}, over SQLModel rows", p50(rates), "1/s", limit, floor=p50(rows), at_least=True)


@contextmanager
def served(command: list[str]) -> Iterator[Any]:
    """Starts a server; gives the JSON of the line it prints when it listens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _database(port: int) -> float:
    """Returns the edits a second of four clients of the database, each on a connection that it keeps."""
    begin = perf_counter()

    def client(number: int) -> int:
        dice, done = Random(number), 0
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while perf_counter() - begin < SECONDS:
                change = json.dumps({"prompt": f"take {done}"})
                path = f"/shots/{dice.randint(1, SHOTS)}"
                connection.request("PUT", path, change, {"content-type": "application/json"})
                answer = connection.getresponse()
                shown = json.loads(answer.read())
                assert answer.status == 200, shown
                done += 1
        return done

    with ThreadPoolExecutor(EDITORS) as clients:
        done = sum(clients.map(client, range(EDITORS)))
    return done / (perf_counter() - begin)


class _Message(msgspec.Struct):
    """What a client has to know of a message to go on."""

    type: str
    id: str = ""
    message: str = ""
    target: str = ""


_message: Final = msgspec.json.Decoder(_Message)
_encode: Final = msgspec.json.Encoder().encode


class Studio:
    """A project of 1,000 shots on a daemon, and clients that join it."""

    def __init__(self, url: str, token: str, project: str | None, shots: list[str]) -> None:
        self._url, self._token = url, token
        self._project, self._shots = project, shots
        self._takes = count()

    @classmethod
    async def made(cls, url: str, token: str) -> Studio:
        """Makes the project and its shots through the socket."""
        studio = cls(url, token, None, [])
        async with studio._joined() as wire:
            await wire.send(_command("", do="CreateProject", name="Bench"))
            project = await _accepted(wire)
            for k in range(SHOTS):
                await wire.send(_command("", do="CreateShot", project=project, code=f"SH{k:04}"))
                if k >= WINDOW:
                    studio._shots.append(await _accepted(wire))
            studio._shots += [await _accepted(wire) for _ in range(WINDOW)]
        studio._project = project
        return studio

    async def rate(self, window: int) -> float:
        """Returns the edits a second of four clients with up to `window` commands on their way each."""
        async with AsyncExitStack() as stack:
            wires = [await stack.enter_async_context(self._joined()) for _ in range(EDITORS)]
            begin = perf_counter()
            until = begin + SECONDS
            done = await asyncio.gather(*(self._edit(wire, k, window, until) for k, wire in enumerate(wires)))
            return sum(done) / (perf_counter() - begin)

    async def _edit(self, wire: ClientConnection, number: int, window: int, until: float) -> int:
        dice, sent, answered = Random(number), 0, 0
        while True:
            while sent - answered < window and perf_counter() < until:
                brief = {"prompt": f"take {next(self._takes)}"}
                await wire.send(_command(dice.choice(self._shots), do="ChangeBrief", brief=brief))
                sent += 1
            if answered == sent:
                return answered
            await _accepted(wire)
            answered += 1

    @asynccontextmanager
    async def _joined(self) -> AsyncIterator[ClientConnection]:
        headers = {"authorization": f"Bearer {self._token}"}
        async with connect(self._url, additional_headers=headers, max_size=None, **PLAIN) as wire:
            hello = {"type": "hello", "protocol": 1, "host": "bench", "actor": "bench", "project": self._project}
            await wire.send(_encode({**hello, "cursor": None}), text=True)
            await wire.recv()
            yield wire


def _command(target: str, **command: Any) -> str:
    return _encode({"type": "command", "id": uuid4().hex, "target": target, "command": command}).decode()


async def _accepted(wire: ClientConnection) -> str:
    """Waits for an answer past the events between; returns the aggregate it is about."""
    while True:
        message = _message.decode(await wire.recv())
        if message.type == "accepted":
            return message.target
        assert message.type not in ("refused", "error", "resync"), message.message
