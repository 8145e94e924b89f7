"""Blender: what the add-on costs, how exact it is and how fast an edit travels, in each Blender of this machine.

A Blender here is an interpreter that has `bpy`: those that `dev.py test` makes beside the sources (`.venv-bpy-*`), or
those named in GENLOCK_BPY, separated as PATH is. What is measured runs there (`sequencer.py`), beside a real daemon.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from genlock.bench import Result, kills, p50
from genlock.errors import GenlockError
from genlock_client.rest import Rest

SOURCES = Path(__file__).resolve().parents[3]
SCRIPT = Path(__file__).with_name("sequencer.py")
IDLE = {1000: 0.005, 5000: 0.02}
"""Strips -> the share of a core that an idle scene may cost."""
IDLE_SECONDS = 15.0
ADDS = 1000
LONGEST_TICK = 20.0
"""Milliseconds: what a person does not notice."""
ROUNDS = 20
TRAVEL = 400.0
"""Milliseconds from an edit in one Blender to its sight in another, the wait for a quiet moment included."""
EXIT = 5.0
PATIENCE = 150.0


def run() -> Iterator[Result]:
    """Yields the figures. Raises GenlockError(blender_absent) without a Blender."""
    pythons = interpreters()
    if not pythons:
        raise GenlockError("blender_absent", "No interpreter with bpy was found.")
    for python in pythons:
        yield from _version(python)


def interpreters() -> list[Path]:
    """Returns the interpreters that have bpy, oldest Blender first."""
    named = os.environ.get("GENLOCK_BPY")
    if named:
        return [Path(part) for part in named.split(os.pathsep) if part]
    found = (*SOURCES.glob(".venv-bpy-*/bin/python"), *SOURCES.glob(".venv-bpy-*/Scripts/python.exe"))
    return sorted(found, key=lambda path: path.parents[1].name)


def _version(python: Path) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="genlock-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        environment = {
            **os.environ,
            "GENLOCK_RUNTIME_DIR": str(folder / "run"),
            "GENLOCK_HOME": str(folder / "home"),
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
            "PYTHONPATH": os.pathsep.join(str(SOURCES / part) for part in ("core", "blender_addon")),
        }
        rest = stack.enter_context(_daemon(folder, environment))
        at = f"blender/{_label(python)}"
        for strips, limit in IDLE.items():
            found = _ask(python, environment, "idle", strips=strips, seconds=IDLE_SECONDS)
            yield Result(f"{at}/idle at {strips:,} strips", found["share"] * 100, "% of a core", limit * 100)
        found = _ask(python, environment, "placing", strips=300)
        for what in ("ripple", "reversal"):
            yield Result(f"{at}/{what} of 300: misplaced", found[what], "strips", 0)
            yield Result(f"{at}/{what} of 300", found[f"{what}_seconds"] * 1000, "ms", 60.0)
        found = _adds(python, environment, rest)
        yield Result(f"{at}/{ADDS:,} remote adds: longest tick", found["longest"] * 1000, "ms", LONGEST_TICK)
        yield Result(f"{at}/{ADDS:,} remote adds", found["seconds"], "s", 60.0)
        times = _travel(python, environment)
        yield Result(f"{at}/edit to another Blender, p50", p50(times) * 1000, "ms", TRAVEL)
        yield Result(f"{at}/exit after unregister", _leaving(python, environment), "s", EXIT)
    yield from kills.rows(at, python, os.environ)


def _label(python: Path) -> str:
    name = python.parents[1].name
    return name.removeprefix(".venv-bpy-") if name.startswith(".venv-bpy-") else str(python)


@contextmanager
def _daemon(folder: Path, environment: dict[str, str]) -> Iterator[Rest]:
    command = [sys.executable, "-m", "genlock", "up", "--store", str(folder / "bench.genlock"), "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not (told := list((folder / "run").glob("daemon-*.json"))):
            if time.monotonic() > deadline or process.poll() is not None:
                raise GenlockError("internal", "The daemon did not start.")
            time.sleep(0.05)
        fields = json.loads(told[0].read_text())
        yield Rest(f"http://127.0.0.1:{fields['port']}", fields["token"])
    finally:
        process.terminate()
        process.wait(20)


def _started(python: Path, environment: dict[str, str], measure: str, **arguments: Any) -> subprocess.Popen[str]:
    command = [str(python), str(SCRIPT), measure, json.dumps(arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Returns the next JSON object that the process prints; Blender prints other lines between them."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            found: dict[str, Any] = json.loads(line)
            return found
    raise GenlockError("internal", f"{process.args!r} ended without an answer.")


def _ask(python: Path, environment: dict[str, str], measure: str, **arguments: Any) -> dict[str, Any]:
    with _started(python, environment, measure, **arguments) as process:
        found = _line(process)
        process.wait(PATIENCE)
    return found


def _adds(python: Path, environment: dict[str, str], rest: Rest) -> dict[str, Any]:
    project = rest.command({"do": "CreateProject", "name": "adds"})["created"][0]
    sequence = rest.command({"do": "CreateSequence", "project": project, "name": "adds"})["created"][0]
    with _started(python, environment, "adds", project=project, sequence=sequence, count=ADDS) as process:
        _line(process)
        rest.command({"do": "Batch", "commands": _colours(rest, sequence)}, sequence)
        found = _line(process)
        process.wait(PATIENCE)
    return found


def _colours(rest: Rest, sequence: str) -> list[dict[str, Any]]:
    """Returns the commands that lay a thousand colours on a free track."""
    tracks = rest.get(f"/api/sequences/{sequence}")["tracks"]
    track = next(track["id"] for track in tracks if track["kind"] == "video" and track["placement"] == "free")
    source = {"type": "generator", "generator": "blender.color", "parameters": {}}
    return [
        {
            "do": "OverwriteItem",
            "track": track,
            "at": number * 50,
            "item": {"id": uuid4().hex, "source": source, "duration": 48, "name": f"c{number}"},
        }
        for number in range(ADDS)
    ]


def _travel(python: Path, environment: dict[str, str]) -> list[float]:
    """Returns the seconds that edits took from one Blender to the other."""
    with _started(python, environment, "edits", rounds=ROUNDS) as editor:
        link = _line(editor)
        with _started(python, environment, "watches", rounds=ROUNDS, **link) as watcher:
            _line(watcher)
            assert editor.stdin is not None
            editor.stdin.write("go\n")
            editor.stdin.flush()
            made = _line(editor)["moments"]
            seen = _line(watcher)["moments"]
            watcher.wait(PATIENCE)
        editor.wait(PATIENCE)
    return [seen[place] - moment for place, moment in made.items() if place in seen]


def _leaving(python: Path, environment: dict[str, str]) -> float:
    with _started(python, environment, "leaving", strips=20) as process:
        began = float(_line(process)["unregistered"])
        process.wait(PATIENCE)
        return time.time() - began
