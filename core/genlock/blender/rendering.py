"""Renders a .blend with a Blender that is installed, or a Python that has bpy, in a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from genlock.blender import finding, workers
from genlock.blender.finding import Machine
from genlock.errors import BadInput, GenlockError, MediaError, NotFound

VARIABLE: Final = "GENLOCK_BLENDER"
"""Names the program that renders."""
KINDS: Final = {".mov": "prores", ".mp4": "h264", "": "png"}
"""Suffix of what is asked for -> what it is; without one it is a folder of pictures."""


class Result(NamedTuple):
    """What was rendered. `path` is a file or a folder of pictures."""

    path: Path
    frames: int
    codec: str


def program(wish: Path | None, machine: Machine) -> Path:
    """Returns what renders: the one wished for, GENLOCK_BLENDER's, this Python if it has bpy, or the newest Blender.

    Raises NotFound(no_such_file) for a wish that is not there, GenlockError(blender_absent).
    """
    named = wish or (Path(machine.variables[VARIABLE]) if machine.variables.get(VARIABLE) else None)
    if named is not None:
        if not named.is_file():
            raise NotFound("no_such_file", f"There is no program {str(named)!r}.")
        return named
    if importlib.util.find_spec("bpy") is not None:
        return Path(sys.executable)
    for found in finding.blenders(machine):
        if found.program is not None and found.version >= finding.OLDEST:
            return found.program
    raise GenlockError("blender_absent")


def render(
    file: Path,
    out: Path,
    with_: Path,
    *,
    scene: str = "",
    strips: Sequence[str] = (),
    span: tuple[int, int] | None = None,
    size: tuple[int, int] = (0, 0),
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Result:
    """Renders a scene, or some of its strips alone, and returns what came out.

    `strips` are ids or names, `span` the frames (first, exclusive last), by default those of the strips or the scene;
    `told(done, total)` hears of each frame. A movie appears when it is whole. Raises NotFound(no_such_file),
    BadInput(bad_value), GenlockError(blender_failed), MediaError(render_failed) and what the scene makes impossible.
    """
    if not file.is_file():
        raise NotFound("no_such_file", f"There is no file {str(file)!r}.")
    if out.suffix.lower() not in KINDS:
        raise BadInput("bad_value", f"{out.name!r} is no .mov, no .mp4 and no folder.")
    kind = KINDS[out.suffix.lower()]
    partial = out if kind == "png" else out.with_name(f".{out.stem}.partial{out.suffix}")
    first, last = span or (None, None)
    job = {
        "file": str(file.absolute()), "out": str(partial.absolute()), "scene": scene, "strips": list(strips),
        "first": first, "last": last, "kind": kind, "size": list(size),
    }  # fmt: skip
    try:
        result = workers.run(with_, worker(), job, told, failed=lambda text: MediaError("render_failed", text))
        if partial != out:
            partial.replace(out)
    finally:
        if partial != out:
            partial.unlink(missing_ok=True)
    return Result(out, result["frames"], result["codec"])


def worker() -> Path:
    """Returns the script that runs inside Blender. Raises GenlockError(blender_package) when it is not installed."""
    spec = importlib.util.find_spec("genlock_blender")
    for place in spec.submodule_search_locations or () if spec else ():
        if (script := Path(place, "render_worker.py")).is_file():
            return script
    raise GenlockError("blender_package", "The package genlock_blender is not installed.")
