"""A working day in minutes: clients edit, drop and come back; the daemon must neither lose, leak nor slow down."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.rest import Rest

SECONDS = float(os.environ.get("GENLOCK_SOAK_SECONDS", "180"))
CLIENTS = 4
PACE = 0.02
"""Seconds between a client's edits."""

GROWTH = 48 * 2**20
"""Bytes the daemon may grow after a fifth of the time: it keeps 16 MiB of recent events and up to 64 open sequences."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(int(SECONDS) * 2 + 300)]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[Endpoint, int]]:
    env = {**os.environ, "GENLOCK_HOME": str(tmp_path), "GENLOCK_RUNTIME_DIR": str(tmp_path / "run")}
    command = [sys.executable, "-m", "genlock", "up", "--port", "0", "--store", str(tmp_path / "soak.genlock")]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield _endpoint(tmp_path / "run"), process.pid
        finally:
            process.terminate()
            assert process.wait(60) == 0


def _endpoint(folder: Path) -> Endpoint:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for file in folder.glob("daemon-*.json"):
            found = json.loads(file.read_text())
            return Endpoint(found["port"], found["token"])
        time.sleep(0.05)
    raise AssertionError(f"no daemon announced itself in {folder}")


class Editor(threading.Thread):
    """Appends, trims and removes at random; every so often it hangs up and resumes from its cursor."""

    def __init__(self, endpoint: Endpoint, project: str, sequence: str, track: str, number: int) -> None:
        super().__init__(name=f"editor-{number}")
        self.endpoint, self.project, self.sequence, self.track = endpoint, project, sequence, track
        self.random = random.Random(number)
        self.acknowledged = 0
        self.waits: list[tuple[float, float]] = []
        self.failure: BaseException | None = None
        self.mine: list[str] = []
        self.until = time.monotonic() + SECONDS

    def run(self) -> None:
        try:
            while time.monotonic() < self.until:
                with Connection.open(self.endpoint, host="soak", actor=self.name, project=self.project) as connection:
                    for _ in range(self.random.randrange(20, 200)):
                        self.edit(connection)
        except BaseException as error:
            self.failure = error
            raise

    def edit(self, connection: Connection) -> None:
        command: dict[str, Any]
        if len(self.mine) > 50:
            command = {"do": "ExtractItems", "items": [self.mine.pop(0)]}
        elif self.mine and self.random.random() < 0.5:
            name = f"{self.name} {self.acknowledged}"
            command = {"do": "RenameItem", "item": self.random.choice(self.mine), "name": name}
        else:
            id_ = f"i{self.name}-{self.acknowledged}"
            self.mine.append(id_)
            item = {"id": id_, "source": {"type": "generator", "generator": "bars"}, "duration": 24}
            command = {"do": "AppendItem", "track": self.track, "item": item}
        begun = time.monotonic()
        connection.command(command, self.sequence)
        self.waits.append((begun, time.monotonic() - begun))
        self.acknowledged += 1
        for _ in connection.events(timeout=PACE):
            break


def resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def handles(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_nothing_is_lost_nothing_leaks_and_nothing_slows_down(daemon: tuple[Endpoint, int]) -> None:
    endpoint, pid = daemon
    rest = Rest.at(endpoint)
    project = str(rest.command({"do": "CreateProject", "name": "Soak"})["target"])
    sequence = str(rest.command({"do": "CreateSequence", "project": project, "name": "Reel"})["created"][0])
    track = rest.get(f"/api/sequences/{sequence}")["tracks"][0]["id"]
    editors = [Editor(endpoint, project, sequence, track, number) for number in range(CLIENTS)]
    begun = time.monotonic()
    for editor in editors:
        editor.start()
    time.sleep(SECONDS / 5)
    early, open_early = resident(pid), handles(pid)
    for editor in editors:
        editor.join()
    assert [editor.failure for editor in editors] == [None] * CLIENTS
    acknowledged = sum(editor.acknowledged for editor in editors)
    state = rest.get(f"/api/sequences/{sequence}")
    assert state["version"] == 1 + acknowledged, "every acknowledged edit is one version, and nothing else is"
    items = [item["id"] for item in state["tracks"][0]["items"]]
    assert sorted(items) == sorted(id_ for editor in editors for id_ in editor.mine)
    assert resident(pid) - early < GROWTH
    assert handles(pid) <= open_early + 4
    waits = sorted((at - begun, wait) for editor in editors for at, wait in editor.waits)
    fifth = len(waits) // 5
    first, last = (sorted(w for _, w in part)[len(part) // 2] for part in (waits[:fifth], waits[-fifth:]))
    assert last <= 2 * first + 0.002, (
        f"the median answer took {first * 1000:.1f} ms, and {last * 1000:.1f} ms at the end"
    )
    assert rest.post("/api/store/verify")["ok"]
