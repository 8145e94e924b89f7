"""Runs the tests of `inside` in one version of Blender: each file in a process of its own, which a crash cannot outlive."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
INSIDE = Path(__file__).with_name("inside")
FILES = sorted(path.name for path in INSIDE.glob("test_*.py"))
SECONDS = 300.0
SLOW_SECONDS = 1800.0
NOTHING_COLLECTED = 5
SHOWN = 12000
"""Characters of output that a failure shows: its end."""


def interpreter(version: str) -> Path:
    """Returns the Python that has this Blender; without it the test is skipped, or fails under REQUIRE_BLENDER."""
    folder = ROOT / f".venv-bpy-{version}"
    place = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not place.exists():
        missing = f"there is no {folder.name}: `python3 dev.py test` makes it"
        if os.environ.get("REQUIRE_BLENDER"):
            pytest.fail(f"REQUIRE_BLENDER is set, but {missing}")
        pytest.skip(missing)
    return place


def run(version: str, name: str, tmp_path: Path, *, slow: bool = False) -> None:
    """Runs one file of `inside`; fails with what it printed."""
    command = [
        str(interpreter(version)), "-m", "pytest", "-q", "-c", str(INSIDE / "pytest.ini"), str(INSIDE / name),
        "-m", "slow" if slow else "not slow", f"--basetemp={tmp_path / 'inside'}",
    ]  # fmt: skip
    ours = ("PYTHONPATH", "BLENDER_USER_RESOURCES", "GENLOCK_RUNTIME_DIR", "GENLOCK_HOME", "GENLOCK_STORE")
    kept = {key: value for key, value in os.environ.items() if key not in ours and not key.startswith("PYTEST_")}
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT,
            env={**kept, "GENLOCK_PYTHON": sys.executable}, start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(SLOW_SECONDS if slow else SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(process)
    said = log.read_text(errors="replace")[-SHOWN:]
    if code == NOTHING_COLLECTED:
        pytest.skip("nothing in this file belongs to this run")
    if code != 0:
        ending = "did not end in time" if code is None else f"ended with {code}"
        pytest.fail(f"{name} in Blender {version} {ending}\n{said}", pytrace=False)
    print(said)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and what it started: a daemon, a rendering."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
