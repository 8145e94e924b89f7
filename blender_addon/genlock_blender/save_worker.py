# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves a sequence as a .blend in a Blender of its own: `blender --background --python save_worker.py -- JOB.json`, or the
same with a Python that has bpy: `python save_worker.py JOB.json`.

The job is one JSON object (see `Job`); where the daemon is stands in GENLOCK_URL and GENLOCK_TOKEN. This file lies in the
unpacked extension, whose wheels it uses. What happens is told on stdout in lines that begin with `genlock: ` and go on as
JSON: {"total", "done"} as strips appear, then {"path", "strips", "frames", "missing", "troubles"} or {"error": {"code",
"message"}}.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

PREFIX: Final = "genlock: "
PATIENCE: Final = 120.0
"""Seconds in which nothing appears, after which this gives up."""
OLDEST: Final = (4, 2, 0)
STEP: Final = 0.005
CALM: Final = 0.3
"""Seconds for which everything must have been as wanted."""
BUDGET: Final = 0.5
"""Seconds of a tick: nobody waits for a window here."""


class Job(NamedTuple):
    """What to save: ids of a project and a sequence, the file. `relative`: paths count from the file's folder."""

    project: str
    sequence: str
    out: str
    relative: bool = False


class Unfit(Exception):
    """It cannot be done; the text is for a person."""


def tell(**fields: Any) -> None:
    """Prints one line for whoever started this."""
    sys.stdout.write(f"{PREFIX}{json.dumps(fields)}\n")
    sys.stdout.flush()


def run(job: Job) -> None:
    """Links an empty scene, waits until it shows the sequence, and saves. Raises Unfit."""
    import bpy

    if bpy.app.version < OLDEST:
        raise Unfit(f"Blender 4.2 or newer is needed, and this is {bpy.app.version_string}.")

    from genlock_blender import compat, reading
    from genlock_blender.bridge import Bridge

    scene = _begin()
    compat.register()  # a marker's id is a property of ours
    bridge = Bridge()
    try:
        bridge.connect()
        bridge.link_existing(scene, job.sequence, job.project)
        scene.name = _wait(bridge, scene, job.sequence) or scene.name
        picture = reading.read(scene)
        last = max((strip.right for strip in picture.strips if not strip.parent), default=scene.frame_start + 1)
        scene.frame_end = last - 1
        status = bridge.status(scene)
        bridge.file_saves(job.out)
        bpy.ops.wm.save_as_mainfile(filepath=job.out, compress=False, relative_remap=job.relative)
    finally:
        bridge.close()
        compat.unregister()
    told = {**status.held, **status.troubles}
    tell(
        path=job.out,
        strips=len(picture.strips),
        frames=last - scene.frame_start,
        missing=[strip.name for strip in picture.strips if strip.missing],
        troubles=[
            f"{key}: {sentence[1] if isinstance(sentence, (list, tuple)) else sentence}"
            for key, sentence in told.items()
        ],
    )


def _begin() -> Any:
    """Opens Blender's own start file for editing video, empties its sequencer and returns the scene."""
    import bpy

    from genlock_blender import compat

    bpy.ops.wm.read_homefile(use_factory_startup=True, app_template="Video_Editing")
    scene = bpy.context.scene
    scene.frame_start = 1
    if scene.sequence_editor is not None:
        scene.sequence_editor_clear()
    compat.editor(scene)
    for workspace in bpy.data.workspaces:
        if hasattr(workspace, "sequencer_scene"):
            workspace.sequencer_scene = scene
    return scene


def _wait(bridge: Any, scene: Any, sequence: str) -> str:
    """Pumps until the scene shows the sequence as it is, and returns its name. Raises Unfit."""
    from genlock_blender import compat
    from genlock_blender.links import Broken, Linked
    from genlock_client.sync import Idle, Stopped

    last, shown, calm = time.monotonic(), -1, 0.0
    while True:
        now = time.monotonic()
        bridge.pump(budget=BUDGET)
        link = bridge.links.get(scene.session_uid)
        state = link.state if link is not None else None
        if bridge.ended is not None:
            raise Unfit(f"The daemon turned this down: {bridge.ended.message}")
        if isinstance(state, Broken):
            raise Unfit(state.sentence)
        if isinstance(state, Linked) and isinstance(state.sync.state, Stopped):
            raise Unfit(state.sync.state.reason)
        model = bridge.session.model.sequences.get(sequence) if bridge.session is not None else None
        if isinstance(state, Linked) and model is not None:
            there = len(compat.strips_all(compat.editor(scene)))
            if there != shown:
                shown, last = there, now
                tell(total=max(there, len(model.items)), done=there)
            level = isinstance(state.sync.state, Idle) and 0 < model.version == state.sync.base
            calm = (calm or now) if level else 0.0
            if calm and now - calm >= CALM:
                return str(model.name)
        if now - last > PATIENCE:
            notes = "; ".join(bridge.notes)
            raise Unfit(f"The scene did not come to show the sequence: {bridge.status(scene).sentence} {notes}")
        time.sleep(STEP)


def _imports() -> None:
    """Lets this script import the extension that it is a part of, and what that brings along."""
    addon = Path(__file__).resolve().parent
    sys.path[:0] = [str(addon.parent), *(str(wheel) for wheel in sorted((addon / "wheels").glob("*.whl")))]


def main(arguments: list[str]) -> int:
    """Reads the job, saves and returns an exit code."""
    try:
        job = Job(**json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    except (IndexError, OSError, ValueError, TypeError) as error:
        tell(error={"code": "bad_request", "message": f"The job cannot be read: {error}."})
        return 2
    _imports()
    try:
        run(job)
    except (Unfit, RuntimeError) as error:  # Blender's own words are RuntimeErrors
        tell(error={"code": "blender_failed", "message": str(error).strip().removeprefix("Error: ")})
        return 1
    return 0


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    code = main(given)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the file is saved, and leaving Blender in an orderly way has crashed and hung
