"""Runs inside a real Blender with a window: shows the Genlock tab, links the scene, edits, takes a picture.

    blender --factory-startup --python looking.py -- ADDON_FOLDER WHEELS_FOLDER PROJECT OUT_FOLDER

Blender 3.4 has no extensions, so the add-on comes from its sources and its wheels from files. What was seen is left in
OUT_FOLDER: seen.json, window.png, and error.txt when a step failed.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path

import bpy

ADDON, WHEELS, PROJECT, OUT = sys.argv[sys.argv.index("--") + 1 :]
sys.path[:0] = [ADDON, *map(str, Path(WHEELS).glob("*.whl"))]
PERIOD = 0.02
SETTLED = ("linked",)
DEADLINE = 60.0
started = time.monotonic()
seen: dict[str, object] = {"version": bpy.app.version_string, "ticks": 0, "states": []}
areas: dict[str, int] = {}


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def sequencer() -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == "SEQUENCE_EDITOR")


def only_our_tab() -> None:
    """Leaves the Genlock tab alone in the sidebar: which one is open cannot be set from a script in this version."""
    for kind in list(bpy.types.Panel.__subclasses__()):
        place = (getattr(kind, "bl_space_type", ""), getattr(kind, "bl_region_type", ""))
        if place == ("SEQUENCE_EDITOR", "UI") and getattr(kind, "bl_category", "") not in ("", "Genlock"):
            bpy.utils.unregister_class(kind)


def fill_in() -> None:
    """Gives Blender 3.4 what the add-on may count on from 4.2 on, and leaves out what cannot be given."""
    from genlock_blender import hints, interface

    if not hasattr(bpy.types.ID, "session_uid"):
        bpy.types.ID.session_uid = property(lambda block: block.as_pointer() & 0x7FFFFFFF)
    if not hasattr(bpy.app.handlers, "animation_playback_pre"):
        interface.BEHIND = tuple(part for part in interface.BEHIND if part is not hints)


def prepare() -> None:
    import genlock_blender

    fill_in()
    bpy.context.preferences.addons.new().module = "genlock_blender"
    genlock_blender.register()
    area = max(window().screen.areas, key=lambda each: each.width * each.height)
    area.type = "SEQUENCE_EDITOR"
    area.spaces.active.view_type = "SEQUENCER"
    area.spaces.active.show_region_ui = True
    only_our_tab()
    scene = bpy.context.scene
    scene.render.fps = 24
    editor = scene.sequence_editor_create()
    for at, name in enumerate(("Opening", "Harbour", "Ferry")):
        strip = editor.sequences.new_effect(name, "COLOR", 2, frame_start=1 + 60 * at, frame_end=55 + 60 * at)
        strip.color = (0.2 + 0.3 * at, 0.4, 0.8 - 0.3 * at)


def steps():
    """Yields while the window lives on; each yield is a turn of Blender's own loop."""
    from genlock_blender.bridge import bridge

    def until(what, name: str):
        while not what():
            if time.monotonic() - started > DEADLINE:
                raise TimeoutError(f"{name} did not come: {bridge().status(bpy.context.scene)}")
            yield

    scene = bpy.context.scene
    yield from until(lambda: bridge().status(scene).state == "unlinked", "the daemon")
    bridge().link_new(scene, PROJECT, "From the window")
    yield from until(lambda: bridge().status(scene).state in SETTLED, "the link")
    seen["linked after s"] = round(time.monotonic() - started, 2)
    scene.sequence_editor.sequences_all["Ferry"].channel = 3
    yield from until(lambda: bridge().status(scene).local_changes == 0, "the edit")
    begin, ticks = time.monotonic(), seen["ticks"]
    while time.monotonic() - begin < 2.0:
        yield
    seen["ticks a second"] = round((seen["ticks"] - ticks) / (time.monotonic() - begin), 1)
    area = sequencer()
    timeline = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window(), screen=window().screen, area=area, region=timeline):
        bpy.ops.sequencer.view_all()
    for _ in range(30):  # the view moves over several turns
        yield
    with bpy.context.temp_override(window=window(), screen=window().screen, area=area):
        bpy.ops.screen.screenshot(filepath=str(Path(OUT, "window.png")), check_existing=False)
    seen["status"] = list(map(str, bridge().status(scene)[:2]))
    seen["panel"] = sum(region.width for region in area.regions if region.type == "UI")


def finish(error: str = "") -> None:
    if error:
        Path(OUT, "error.txt").write_text(error)
    try:
        import genlock_blender

        genlock_blender.unregister()
        seen["left"] = [name for name in dir(bpy.types) if name.startswith("GENLOCK_")]
    finally:
        Path(OUT, "seen.json").write_text(json.dumps(seen))
        with bpy.context.temp_override(window=window()):
            bpy.ops.wm.quit_blender()


walk = None


def turn() -> float | None:
    global walk
    seen["ticks"] += 1
    try:
        if walk is None:
            prepare()
            walk = steps()
        next(walk)
    except StopIteration:
        finish()
        return None
    except BaseException:
        finish(traceback.format_exc())
        return None
    return PERIOD


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(turn, first_interval=1.0)
