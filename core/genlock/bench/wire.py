"""The wire: an edit to its durable answer, fan-out, resume; floors are sqlite3 and bare `websockets` on the same machine.

The daemon runs in a process of its own, as it does in a studio; clients and floors run here.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import broadcast
from websockets.asyncio.server import serve as bare_serve

from genlock.bench import Result, p50, p99

EDITS = 400
FANS = 10
FAN_ROUNDS = 150
CROWD = 200
CROWD_ROUNDS = 25
MISSED = 1000
RESUMES = 7

PLAIN: dict[str, Any] = {"compression": None, "proxy": None, "ping_interval": None, "max_queue": None}
"""Clients that keep what they are not asked for: a client that stops reading would not answer pings either."""

DAEMON = """
import json, sys
from genlock.daemon.server import serve
serve(sys.argv[1], 0, roots=[sys.argv[2]],
      on_ready=lambda running: print(json.dumps([running.base_url, running.token]), flush=True))
"""


def run() -> Iterator[Result]:
    """Yields the figures of the wire."""
    with tempfile.TemporaryDirectory(prefix="genlock-bench-") as name, _daemon(Path(name)) as (base, token):
        yield from asyncio.run(_all(Path(name), base.replace("http", "ws") + "/ws", token))


@contextmanager
def _daemon(folder: Path) -> Iterator[tuple[str, str]]:
    environment = {**os.environ, "GENLOCK_RUNTIME_DIR": str(folder / "run"), "GENLOCK_HOME": str(folder / "home")}
    command = [sys.executable, "-c", DAEMON, str(folder / "bench.genlock"), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        base, token = json.loads(process.stdout.readline())
        yield base, token
    finally:
        process.terminate()
        process.communicate(timeout=20)


async def _all(folder: Path, url: str, token: str) -> list[Result]:
    async with _client(url, token, None) as (first, _):
        project = (await _command(first, "", do="CreateProject", name="Bench"))["created"][0]
    async with _client(url, token, project) as (editor, _):
        sequence = (await _command(editor, "", do="CreateSequence", project=project, name="Reel"))["created"][0]
        made = await _first_track(url, token, project, sequence)
        edit = _Edits(editor, sequence, made)
        await edit.prepare()
        return [
            *await _edit_to_answer(folder, edit),
            *await _to_all(url, token, project, edit),
            await _crowd(url, token, project, edit),
            await _resume(folder, url, token, project, edit),
        ]


@asynccontextmanager
async def _client(
    url: str, token: str, project: str | None, cursor: Any = None
) -> AsyncIterator[tuple[ClientConnection, dict[str, Any]]]:
    headers = {"authorization": f"Bearer {token}"}
    async with connect(url, additional_headers=headers, max_size=None, **PLAIN) as wire:
        hello = {
            "type": "hello",
            "protocol": 1,
            "host": "bench",
            "actor": "bench",
            "project": project,
            "cursor": cursor,
        }
        await wire.send(json.dumps(hello))
        yield wire, json.loads(await wire.recv())


async def _command(wire: ClientConnection, target: str, **command: Any) -> dict[str, Any]:
    await wire.send(json.dumps({"type": "command", "id": uuid4().hex, "target": target, "command": command}))
    while True:
        message: dict[str, Any] = json.loads(await wire.recv())
        if message["type"] in ("accepted", "refused"):
            assert message["type"] == "accepted", message
            return message


async def _first_track(url: str, token: str, project: str, sequence: str) -> str:
    async with _client(url, token, project) as (_, welcome):
        shown = next(s for s in welcome["snapshot"]["sequences"] if s["id"] == sequence)
        return str(shown["tracks"][0]["id"])


class _Edits:
    """One edit over and over: an item is renamed."""

    def __init__(self, wire: ClientConnection, sequence: str, track: str) -> None:
        self.wire, self.sequence, self.track = wire, sequence, track
        self.item = "i" + uuid4().hex[:16]
        self._count = 0

    async def prepare(self) -> None:
        item = {"id": self.item, "duration": 24, "source": {"type": "generator", "generator": "bars"}}
        await _command(self.wire, self.sequence, do="AppendItem", track=self.track, item=item)

    async def __call__(self) -> dict[str, Any]:
        self._count += 1
        return await _command(self.wire, self.sequence, do="RenameItem", item=self.item, name=f"take {self._count}")


async def _edit_to_answer(folder: Path, edit: _Edits) -> list[Result]:
    floor = sqlite3.connect(folder / "floor.db", isolation_level=None)
    floor.execute("PRAGMA journal_mode=WAL")
    floor.execute("PRAGMA synchronous=FULL")
    floor.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, state BLOB)")
    floors, edits = [], []
    gc.collect()
    for _ in range(EDITS):
        begin = perf_counter()
        floor.execute("BEGIN IMMEDIATE")
        floor.execute("INSERT INTO t (state) VALUES (?)", (b"x" * 250,))
        floor.execute("COMMIT")
        floors.append(perf_counter() - begin)
        begin = perf_counter()
        await edit()
        edits.append(perf_counter() - begin)
    floor.close()
    return [
        Result("wire: edit to durable answer, p50", p50(edits) * 1000, "ms", 6, p50(floors) * 1000),
        Result("wire: edit to durable answer, p99", p99(edits) * 1000, "ms", 25),
    ]


async def _to_all(url: str, token: str, project: str, edit: _Edits) -> list[Result]:
    """From sending a command to the last of FANS clients having its event."""
    async with AsyncExitStack() as stack:
        fans = [(await stack.enter_async_context(_client(url, token, project)))[0] for _ in range(FANS)]
        times = []
        for _ in range(FAN_ROUNDS):
            begin = perf_counter()
            waiting = [asyncio.create_task(_next_events(fan)) for fan in fans]
            answer = asyncio.create_task(edit())
            await asyncio.gather(*waiting)
            times.append(perf_counter() - begin)
            await answer
    return [Result(f"wire: command to all of {FANS} clients, p50", p50(times) * 1000, "ms", 5)]


async def _next_events(wire: ClientConnection) -> str:
    while True:
        text = await wire.recv(decode=True)
        if text.startswith('{"type":"events"'):
            return text


async def _crowd(url: str, token: str, project: str, edit: _Edits) -> Result:
    """One event to CROWD clients, against `websockets.broadcast` of the same bytes from a bare server to as many.

    Both servers are processes of their own; what is timed is from the first client having it to the last, so that
    neither the commit nor the way to the server counts.
    """
    async with AsyncExitStack() as stack:
        fans = [(await stack.enter_async_context(_client(url, token, project)))[0] for _ in range(CROWD)]
        await asyncio.sleep(0.5)
        text = await _sample(fans, edit)
        bare = await stack.enter_async_context(_bare_crowd(text))
        floors, subjects = [], []
        for _ in range(CROWD_ROUNDS):
            floors.append(await _spread(bare.clients, bare.shout))
            subjects.append(await _spread(fans, edit))
    return Result(f"wire: one event to {CROWD} clients", p50(subjects) * 1000, "ms", 1.25, p50(floors) * 1000)


async def _sample(fans: list[ClientConnection], edit: _Edits) -> str:
    waiting = [asyncio.create_task(_next_events(fan)) for fan in fans]
    await edit()
    return (await asyncio.gather(*waiting))[0]


async def _spread(clients: list[ClientConnection], trigger: Callable[[], Awaitable[Any]]) -> float:
    """Seconds from the first client having the message to the last."""
    first: list[float] = []

    async def wait(client: ClientConnection) -> float:
        await _next_events(client)
        now = perf_counter()
        first[:] = first or [now]
        return now

    waiting = [asyncio.create_task(wait(client)) for client in clients]
    await asyncio.sleep(0)
    done = asyncio.ensure_future(trigger())
    times = await asyncio.gather(*waiting)
    await done
    return max(times) - first[0]


class _Bare:
    """As many clients of a bare server, and how to make it shout."""

    def __init__(self, clients: list[ClientConnection], caller: ClientConnection) -> None:
        self.clients, self._caller = clients, caller

    async def shout(self) -> None:
        await self._caller.send("now")


@asynccontextmanager
async def _bare_crowd(text: str) -> AsyncIterator[_Bare]:
    command = [sys.executable, "-m", "genlock.bench.wire", str(len(text))]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(text.encode() + b"\n")
    await process.stdin.drain()
    url = f"ws://127.0.0.1:{int(await process.stdout.readline())}"
    try:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connect(url, **PLAIN)) for _ in range(CROWD)]
            caller = await stack.enter_async_context(connect(url + "/caller", **PLAIN))
            yield _Bare(clients, caller)
    finally:
        process.terminate()
        await process.wait()


async def _bare_server() -> None:
    """The floor's process: every message of the caller is broadcast as the text read from standard input."""
    text = sys.stdin.readline().rstrip("\n")
    crowd: set[Any] = set()

    async def handler(wire: Any) -> None:
        if wire.request.path != "/caller":
            crowd.add(wire)
            await wire.wait_closed()
            return
        async for _ in wire:
            broadcast(crowd, text)

    async with bare_serve(handler, "127.0.0.1", 0, compression=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
        await server.serve_forever()


async def _resume(folder: Path, url: str, token: str, project: str, edit: _Edits) -> Result:
    """From hello to the last of MISSED events, against reading the same rows with sqlite3."""
    async with _client(url, token, project) as (_, welcome):
        cursor = welcome["cursor"]
    for _ in range(MISSED):
        last = await edit()
    head = last["cursor"]["id"]
    floor = sqlite3.connect(f"file:{folder / 'bench.genlock'}?mode=ro", uri=True)
    table, order = _event_table(floor)
    floors, subjects = [], []
    for _ in range(RESUMES):
        begin = perf_counter()
        rows = floor.execute(f"SELECT * FROM {table} WHERE {order} > ? ORDER BY {order}", (cursor["id"],)).fetchall()
        floors.append(perf_counter() - begin)
        assert len(rows) == MISSED
        subjects.append(await _come_back(url, token, project, cursor, head))
    floor.close()
    return Result(f"wire: resume of {MISSED:,} missed events", p50(subjects) * 1000, "ms", 4, p50(floors) * 1000)


async def _come_back(url: str, token: str, project: str, cursor: dict[str, Any], head: int) -> float:
    """Seconds from saying hello to having the last event; the frames are read as text, as the floor's rows are."""
    headers = {"authorization": f"Bearer {token}"}
    end = f'"id":{head}}}}}'
    async with connect(url, additional_headers=headers, max_size=None, **PLAIN) as wire:
        hello = {"type": "hello", "protocol": 1, "project": project, "cursor": cursor}
        begin = perf_counter()
        await wire.send(json.dumps(hello))
        welcome = await wire.recv()
        frames = [await _next_events(wire)]
        while not frames[-1].endswith(end):
            frames.append(await _next_events(wire))
        took = perf_counter() - begin
    assert json.loads(welcome)["behind"] == MISSED
    assert sum(len(json.loads(frame)["events"]) for frame in frames) == MISSED
    return took


def _event_table(database: sqlite3.Connection) -> tuple[str, str]:
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
        for order in ("id", "notification_id"):
            if order in columns and "state" in columns and "originator" in " ".join(columns):
                return name, order
    raise LookupError("the store has no event table")


if __name__ == "__main__":
    asyncio.run(_bare_server())
