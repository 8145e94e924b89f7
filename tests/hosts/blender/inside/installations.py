"""Runs `installing.py` in a Blender of its own and reads what it says; packs the extension with Genlock's own Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import bpy

SCRIPT = Path(__file__).with_name("installing.py")
PACK = "import sys; from genlock.blender import package; made = package.build(sys.argv[2]); \
open(sys.argv[1] + '/' + made.name, 'wb').write(made.content); print(made.name)"
LEAVES_WITHIN = 5.0
"""Seconds from the last line to the end of the process."""


class Session(NamedTuple):
    """One Blender session: what each step returned, how it ended and how long its end took."""

    steps: list[tuple[str, Any]]
    code: int
    leaving: float
    output: str

    @property
    def is_well(self) -> bool:
        """Whether it ended well and in time. Blender 4.2 as a module crashes at its end when code with callbacks of
        properties was unloaded before, as uninstalling and updating do."""
        unloads = {"uninstall", "upgrade"} & {name.partition(":")[0] for name, _ in self.steps}
        unloads |= {"install"} if sum(name.startswith("install:") for name, _ in self.steps) > 1 else set()
        may_crash = bool(unloads) and bpy.app.version < (4, 3, 0)
        return (self.code == 0 or (may_crash and self.code == -11)) and self.leaving < LEAVES_WITHIN

    def last(self, step: str) -> Any:
        """What the last step of that name returned."""
        return [value for name, value in self.steps if name.partition(":")[0] == step][-1]


def blender(user: Path, *steps: str, seconds: float = 60.0) -> Session:
    """Runs a session in the user folder `user`. Raises subprocess.TimeoutExpired when it never ends."""
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(user)}
    environment.pop("PYTHONPATH", None)
    log = user / "session.txt"
    user.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), *steps, "end"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
    end = time.monotonic() + seconds
    ended = 0.0
    try:
        while process.poll() is None and time.monotonic() < end:
            if not ended and b"\nend\n" in log.read_bytes():
                ended = time.monotonic()
            time.sleep(0.02)
        leaving = time.monotonic() - ended if ended else 0.0
        text = log.read_text(errors="replace")
        if process.returncode is None:
            raise subprocess.TimeoutExpired(process.args, seconds, text)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    told = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("step ")]
    return Session([(name, value) for name, value in told], process.returncode, leaving, text)


def pack(python: str, folder: Path, version: str = "") -> Path:
    """Writes the extension's zip and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([python, "-c", PACK, str(folder), version], check=True, capture_output=True, text=True)
    return folder / done.stdout.strip()
