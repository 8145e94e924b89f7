"""The add-on comes and goes without a trace, and Blender's interpreter ends when it should."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import bpy
import pytest
from daemons import Daemon

import genlock_blender
from genlock_blender import compat, keeping
from genlock_blender.bridge import Bridge, bridge

REPOSITORY = Path(__file__).resolve().parents[4]
EXIT_SECONDS = 5.0

SCRIPT = """
import sys, time
sys.path[:0] = [{core!r}, {addon!r}]
import bpy
import genlock_blender
genlock_blender.register()
{more}
print("done", flush=True)
"""


def footprint() -> dict[str, Any]:
    """All that an add-on could leave behind."""
    handlers = {
        name: [h for h in getattr(bpy.app.handlers, name) if "genlock" in getattr(h, "__module__", "")]
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
    }
    classes = sorted(
        c.__name__
        for base in (
            bpy.types.Panel,
            bpy.types.Operator,
            bpy.types.AddonPreferences,
            bpy.types.PropertyGroup,
            bpy.types.UIList,
            bpy.types.Menu,
        )
        for c in base.__subclasses__()
        if "genlock" in c.__module__ and getattr(c, "is_registered", False)
    )
    owners = (bpy.types.Scene, bpy.types.WindowManager, bpy.types.TimelineMarker, bpy.types.Object)
    properties = sorted(f"{o.__name__}.{name}" for o in owners for name in dir(o) if name.startswith("genlock"))
    return {
        "handlers": {k: v for k, v in handlers.items() if v},
        "classes": classes,
        "properties": properties,
        "threads": threading.active_count(),
    }


def test_it_can_be_registered_again_and_leaves_nothing() -> None:
    before = footprint()
    for _ in range(2):
        genlock_blender.register()
        genlock_blender.register()
        there = footprint()
        assert len(there["handlers"]["load_post"]) == 1
        assert "GenlockPreferences" in there["classes"]
        assert "TimelineMarker.genlock_uid" in there["properties"]
        genlock_blender.unregister()
        genlock_blender.unregister()
        assert footprint() == before


def test_the_timer_goes_with_it() -> None:
    from genlock_blender import handlers

    genlock_blender.register()
    assert bpy.app.timers.is_registered(handlers.tick)
    genlock_blender.unregister()
    assert not bpy.app.timers.is_registered(handlers.tick)


@pytest.mark.parametrize(
    "more",
    [
        "",
        "genlock_blender.unregister()",
        "genlock_blender.unregister(); genlock_blender.register()",
        "bpy.ops.wm.read_homefile(use_empty=True)",
    ],
)
def test_the_interpreter_ends_by_itself(more: str, tmp_path: Path) -> None:
    script = SCRIPT.format(core=str(REPOSITORY / "core"), addon=str(REPOSITORY / "blender_addon"), more=more)
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path), "GENLOCK_RUNTIME_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        assert any(line.strip() == "done" for line in process.stdout)  # from here on it only has to end
        _, errors = process.communicate(timeout=EXIT_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors


def until(made: Bridge, state: str) -> None:
    end = time.monotonic() + 20
    while made.status(bpy.context.scene).state != state:
        made.pump()
        assert time.monotonic() < end, (made.status(bpy.context.scene), list(made.notes))
        time.sleep(0.01)


def test_handlers_carry_the_link_through_saving_loading_and_undo(
    scene: Any, daemon: Daemon, project: str, tmp_path: Path
) -> None:
    genlock_blender.register()
    try:
        made = bridge()
        compat.new_effect(compat.strips(compat.editor(scene)), "Red", "COLOR", 1, 1, 25)
        until(made, "unlinked")
        made.link_new(scene, project)
        until(made, "linked")
        path = tmp_path / "film.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        assert bpy.context.scene[keeping.KEY]["path"] == str(path)
        assert bpy.context.scene[keeping.KEY]["version"] > 1
        bpy.ops.wm.open_mainfile(filepath=str(path))
        assert made.links == {}
        until(made, "linked")
        bpy.ops.ed.undo_push(message="Begin")
        compat.strips(compat.editor(bpy.context.scene))["Red"].mute = True
        bpy.ops.ed.undo_push(message="Mute")
        until(made, "working")
        until(made, "linked")
        bpy.ops.ed.undo()
        until(made, "working")
        until(made, "linked")
        sequence = made.status(bpy.context.scene).sequence
        history = daemon.rest.get(f"/api/sequences/{sequence}/history")
        entries = history["entries"] if isinstance(history, dict) else history
        assert entries[0]["label"] == "Undo in Blender"
    finally:
        genlock_blender.unregister()


def test_a_saved_copy_leaves_the_file_what_it_was(scene: Any, daemon: Daemon, project: str, tmp_path: Path) -> None:
    genlock_blender.register()
    try:
        made = bridge()
        until(made, "unlinked")
        made.link_new(scene, project)
        until(made, "linked")
        path = tmp_path / "film.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "backup.blend"), copy=True)
        made.pump()
        until(made, "linked")
        bpy.ops.wm.save_mainfile()
        bpy.ops.wm.open_mainfile(filepath=str(path))
        until(made, "linked")
    finally:
        genlock_blender.unregister()
