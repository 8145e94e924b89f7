# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders what a generation takes in, in another Blender and from a copy of the scene, while the user goes on working.

    rendering = start(scene, strips=("3f2a...",))        # writes a copy (milliseconds) and starts a process
    state = rendering.poll()                             # from the tick; never waits
    if isinstance(state, Rendered):
        use(state.path)
    rendering.close()                                    # ends what still runs, takes all of its files away

The user's file, scene and undo history stay as they are. There is no thread: the process writes what it says to a file.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import bpy

from . import compat
from .render_worker import KINDS, PREFIX, SUFFIXES, Job

PATIENCE: Final = 900.0
"""Seconds without another frame after which the process counts as stuck."""
WORKER: Final = Path(__file__).with_name("render_worker.py")
TAIL: Final = 400
"""How many characters of the last output an error carries."""
LEAVING: Final = 3.0
"""How many seconds `close` gives a killed process to be gone."""


class Working(NamedTuple):
    """It runs: `done` of `total` frames; `total` is 0 until the copy is open."""

    done: int
    total: int


class Rendered(NamedTuple):
    """It is done. `path` is the file, or for pictures the folder; `codec` what it is written in."""

    path: Path
    frames: int
    codec: str


class Failed(NamedTuple):
    """It will not come: `code` is one of docs/errors.md, `message` one sentence."""

    code: str
    message: str


class Cancelled(NamedTuple):
    """It was called off."""


State = Working | Rendered | Failed | Cancelled


class Rendering:
    """One rendering. `poll` it until it is no longer Working, take the file, then `close` it."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], clock: Callable[[], float]) -> None:
        self.folder = folder
        self.state: State = Working(0, 0)
        self._process = process
        self._clock = clock
        self._log = folder / "log.txt"
        self._read = 0
        self._heard = clock()
        self._end: State | None = None

    def poll(self) -> State:
        """Reads what the process said since the last time and returns where it is; never waits."""
        if not isinstance(self.state, Working):
            return self.state
        code = self._process.poll()  # before reading: what it said at its end is then in the file
        self._hear()
        if self._end is not None:
            self.state = self._end
        elif code is not None:
            self.state = Failed("render_failed", f"Blender ended without a word (exit code {code}). {self._tail()}")
        elif self._clock() - self._heard > PATIENCE:
            self._process.kill()
            self.state = Failed("render_failed", f"No frame came for {PATIENCE:.0f} seconds.")
        return self.state

    def cancel(self) -> None:
        """Calls it off; nothing happens when it has ended."""
        if isinstance(self.poll(), Working):
            self._process.kill()
            self.state = Cancelled()

    def close(self) -> None:
        """Ends the process and removes the copy, the log and what was rendered: move it away first."""
        _running.discard(self)
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # stuck in the kernel: the system reaps it
            self._process.wait(LEAVING)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _hear(self) -> None:
        with self._log.open("rb") as log:
            log.seek(self._read)
            text = log.read()
        whole = text.rfind(b"\n") + 1
        self._read += whole
        for line in text[:whole].decode("utf-8", "replace").splitlines():
            if line.startswith(PREFIX):
                self._heard = self._clock()
                self._take(json.loads(line[len(PREFIX) :]))

    def _take(self, said: dict[str, Any]) -> None:
        done, total = self.state if isinstance(self.state, Working) else (0, 0)
        if "error" in said:
            self._end = Failed(said["error"]["code"], said["error"]["message"])
        elif "path" in said:
            self._end = Rendered(Path(said["path"]), said["frames"], said["codec"])
        else:
            self.state = Working(said.get("done", done), said.get("total", total))

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-TAIL:].strip()


_running: set[Rendering] = set()


def start(
    scene: Any,
    *,
    strips: Sequence[str] = (),
    first: int | None = None,
    last: int | None = None,
    kind: str = "prores",
    size: tuple[int, int] = (0, 0),
    clock: Callable[[], float] = time.monotonic,
) -> Rendering:
    """Writes a copy of the scene and starts rendering it.

    `strips` are ids or names: they are rendered alone, with their inputs and children; none stands for all of the scene.
    The frames are `first` to `last` (exclusive), by default those of the strips or of the scene; `kind` is prores (H.264
    without loss where Blender has no ProRes), h264 or png; `size` in pixels is covered by a whole percentage of the
    scene's, which (0, 0) stands for. Raises OSError when the copy cannot be written or Blender cannot be started.
    Handlers of saving run, as they do for any copy.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")
    folder = Path(tempfile.mkdtemp(prefix="genlock-render-"))
    try:
        copy = folder / "copy.blend"
        _write(copy)
        out = str(folder / f"input{SUFFIXES[kind]}")
        job = Job(str(copy), out, scene.name, tuple(strips), first, last, kind, size)
        (folder / "job.json").write_text(json.dumps(job._asdict()), encoding="utf-8")
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                command(folder / "job.json"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
    except (OSError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(f"The rendering cannot be started: {error}") from error
    rendering = Rendering(folder, process, clock)
    _running.add(rendering)
    return rendering


def command(job: Path) -> list[str]:
    """Returns the command that renders a job: this Blender once more, or the Python that has it as a module."""
    if bpy.app.binary_path:
        return [bpy.app.binary_path, "--background", "--python", str(WORKER), "--", str(job)]
    return [sys.executable, str(WORKER), str(job)]


def register() -> None:
    """There is nothing to register."""


def unregister() -> None:
    """Ends what still renders: nobody is left to take it."""
    for rendering in list(_running):
        rendering.close()


def _write(path: Path) -> None:
    """Writes the file as it stands to another place. Not `libraries.write`: Blender 5.2 crashes in it over scene strips."""
    windows = compat.windows()
    with bpy.context.temp_override(window=windows[0]) if windows else contextlib.nullcontext():
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, check_existing=False, compress=False)
