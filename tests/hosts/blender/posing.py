"""Runs inside a real Blender with a window: shows the Genlock tab in the states that docs/blender.md tells of.

`pictures.py` starts it and gives GENLOCK_POSE as JSON. Each picture is a PNG of the window, and a JSON beside it that says
which part of it counts: [left, bottom, width, height] in pixels.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

TOLD = json.loads(os.environ["GENLOCK_POSE"])
OUT = Path(TOLD["out"])
sys.path[:0] = [str(Path(__file__).parent), TOLD["addon"], *map(str, Path(TOLD["wheels"]).glob("*.whl"))]
PERIOD = 0.02
DEADLINE = 90.0
OURS = ("connection", "conflicts", "generate", "engines", "history", "takes", "jobs")


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def area() -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == "SEQUENCE_EDITOR")


def region(kind: str) -> bpy.types.Region:
    return next(region for region in area().regions if region.type == kind)


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
    screen = window().screen
    largest = max(screen.areas, key=lambda each: each.width * each.height)
    largest.type = "SEQUENCE_EDITOR"
    space = largest.spaces.active
    space.view_type = "SEQUENCER_PREVIEW"
    space.show_region_ui = True
    with bpy.context.temp_override(window=window(), screen=screen, area=largest):
        bpy.ops.screen.screen_full_area()
    only_our_tab()


def panels(*wanted: str) -> None:
    """Leaves these panels in the tab, all open, so that a picture shows what its text is about."""
    from genlock_blender import panel, panel_generate, panel_jobs, panel_takes

    kinds = [kind for part in (panel, panel_generate, panel_takes, panel_jobs) for kind in part.CLASSES]
    for kind in reversed(kinds):
        if kind.is_registered:
            bpy.utils.unregister_class(kind)
    for kind in kinds:
        kind.bl_options = set()
        if kind.bl_idname.rpartition("_")[2] in wanted:
            bpy.utils.register_class(kind)


def part(name: str) -> list[int]:
    """The pixels of a region, or of all of the editor."""
    if name == "all":
        held = area()
        return [held.x, held.y, held.width, held.height]
    held = region(name)
    return [held.x, held.y, held.width, held.height]


def rest(seconds: float):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def take(name: str, what: str = "all", high: int = 0):
    """Takes a picture of the editor, or of the upper `high` pixels of its sidebar."""
    for _ in range(2):
        for each in area().regions:
            each.tag_redraw()
        yield from rest(0.7)
    with bpy.context.temp_override(window=window(), screen=window().screen, area=area()):
        bpy.ops.screen.screenshot(filepath=str(OUT / f"{name}.png"), check_existing=False)
    left, bottom, width, height = part(what)
    if high:
        bottom, height = bottom + height - high, high
    (OUT / f"{name}.json").write_text(json.dumps([left, bottom, width, height]))


def until(what, name: str):
    from genlock_blender.bridge import bridge

    end = time.monotonic() + DEADLINE
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"{name} did not come: {bridge().status(bpy.context.scene)} {list(bridge().notes)}")
        yield


def strip(name: str):
    return bpy.context.scene.sequence_editor.sequences_all[name]


def choose(name: str) -> None:
    """Makes a strip the only selected one, and the active one."""
    editor = bpy.context.scene.sequence_editor
    for each in editor.sequences_all:
        each.select = each.name == name
    editor.active_strip = strip(name)


def view_all() -> None:
    for kind in ("WINDOW", "PREVIEW"):
        with bpy.context.temp_override(window=window(), screen=window().screen, area=area(), region=region(kind)):
            if kind == "WINDOW":
                bpy.ops.sequencer.view_all()
            else:
                bpy.ops.sequencer.view_all_preview()


def steps():
    from genlock_blender.bridge import bridge
    from genlock_client.rest import Rest

    scene, manager = bpy.context.scene, bpy.context.window_manager
    daemon = Rest(TOLD["url"], TOLD["token"])

    def state() -> str:
        return bridge().status(scene).state

    panels("connection", "generate", "takes", "jobs")
    yield from until(lambda: state() == "absent", "the absence")
    yield from take("absent", "UI", 520)

    os.environ["GENLOCK_RUNTIME_DIR"] = TOLD["run"]
    yield from until(lambda: state() == "unlinked", "the daemon")
    yield from take("unlinked", "UI", 560)

    size = {"do": "SetSequence", "resolution": [960, 540]}  # as large as the demo's takes
    daemon.command(size, TOLD["sequence"], actor="ada")
    bridge().link_existing(scene, TOLD["sequence"], TOLD["project"])
    yield from until(lambda: state() == "linked", "the link")
    yield from rest(1.0)
    scene.frame_current = scene.frame_start + 300
    view_all()
    choose("SH0010")
    yield from rest(3.0)
    yield from take("linked")

    panels("connection", "generate", "engines")
    form = manager.genlock_form
    form.prompt = "The ferry sounds its horn in fog"
    form.frames = 250
    yield from rest(3.0)
    yield from take("generate", "UI", 820)

    panels("connection", "jobs")
    with bpy.context.temp_override(window=window(), screen=window().screen, area=area(), region=region("WINDOW")):
        bpy.ops.genlock.generate(action="new")
    jobs = bridge().jobs
    yield from until(lambda: any(job.state == "running" and job.preview for job in jobs.jobs()), "the job")
    manager.genlock_row = next(at for at, row in enumerate(manager.genlock_rows) if row.job == jobs.jobs()[0].id)
    yield from take("job")
    yield from until(lambda: not any(job.state in ("waiting", "running") for job in jobs.jobs()), "the end of the job")

    panels("connection", "takes")
    choose("SH0020")
    scene.frame_current = scene.frame_start + 760
    view_all()
    yield from rest(4.0)
    yield from take("takes")

    panels("connection", "conflicts", "takes")
    bridge().disconnect()
    strip("SH0040").name = "The lamp goes out"
    items = [item for track in daemon.get(f"/api/sequences/{TOLD['sequence']}")["tracks"] for item in track["items"]]
    theirs = next(item["id"] for item in items if item["name"] == "SH0040")
    daemon.command({"do": "RenameItem", "item": theirs, "name": "Lamp, last turn"}, TOLD["sequence"], actor="grace")
    yield from rest(1.0)
    bridge().connect()
    yield from until(lambda: bridge().status(scene).conflicts, "the conflict")
    yield from rest(1.0)
    yield from take("conflict", "UI", 420)


def finish(error: str = "") -> None:
    if error:
        (OUT / "error.txt").write_text(error)
        os._exit(1)
    import genlock_blender

    panels(*OURS)
    genlock_blender.unregister()
    with bpy.context.temp_override(window=window()):
        bpy.ops.wm.quit_blender()


walk = None


def turn() -> float | None:
    global walk
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
