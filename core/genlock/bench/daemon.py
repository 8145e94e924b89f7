"""The daemon's weight: how long it takes to be there, and what it holds while nothing happens.

Both are measured in fresh processes. The floor of the start is what any daemon of this make has to import; the floor of the
memory is an empty FastAPI application on uvicorn.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from genlock.bench import Result, p50

ROUNDS = 5
FLOOR_IMPORTS = (
    "fastapi",
    "uvicorn",
    "websockets.server",
    "eventsourcing.persistence",
    "msgspec",
    "immutables",
    "orjson",
)

BARE = """
import asyncio, fastapi, uvicorn, sys
app = fastapi.FastAPI()
@app.get("/health")
async def health() -> dict[str, str]:
    return {}
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print("ready", flush=True)
Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio")).run()
"""
IMPORTS = "import " + ", ".join(FLOOR_IMPORTS) + "; print('ready', flush=True)"
DAEMON = """
import sys
from genlock.daemon.server import serve
serve(sys.argv[1], 0, on_ready=lambda running: print("ready", flush=True))
"""


def run() -> Iterator[Result]:
    """Yields the figures of the daemon's weight."""
    with tempfile.TemporaryDirectory(prefix="genlock-bench-") as name:
        folder = Path(name)
        floors, starts = [], []
        _started(DAEMON, folder)  # writes the bytecode and the empty store
        for _ in range(ROUNDS):
            floors.append(_started(IMPORTS, folder)[0])
            starts.append(_started(DAEMON, folder)[0])
        yield Result("daemon: cold start, to answering", p50(starts) * 1000, "ms", 2, p50(floors) * 1000)
        bare, ours = _started(BARE, folder)[1], _started(DAEMON, folder)[1]
        if bare and ours:
            yield Result("daemon: idle memory", ours / 2**20, "MiB", 2, bare / 2**20)


def _started(code: str, folder: Path) -> tuple[float, int]:
    """Returns seconds from starting a process to its being ready, and the bytes of memory it holds then (0: unknown)."""
    environment = {**os.environ, "GENLOCK_RUNTIME_DIR": str(folder / "run"), "GENLOCK_HOME": str(folder / "home")}
    command = [sys.executable, "-c", code, str(folder / "store" / "idle.genlock")]
    begin = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        took = perf_counter() - begin
        held = _resident(process.pid)
        process.terminate()
    return took, held


def _resident(pid: int) -> int:
    """Returns the memory a process holds in bytes, its peers' shared pages included; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("VmRSS:")), "VmRSS: 0 kB")
    return int(line.split()[1]) * 1024
