"""What `bench.blender` measures, inside Blender's own Python: `python sequencer.py MEASURE JSON` prints one JSON object.

The add-on is driven as its timer drives it: `pump`, then a pause as long as `pump` asked for.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import bpy

import genlock_blender
from genlock_blender import applying, compat, reading
from genlock_blender.bridge import bridge

STEP = 50
"""Frames from one strip's start to the next."""
LENGTH = 48
PATIENCE = 120.0


def say(found: dict[str, Any]) -> None:
    """Prints an object for the process that started this one."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def scene_of(strips: int) -> Any:
    """Returns a fresh scene with colour strips in rows of a thousand, one row a channel."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    editor = scene.sequence_editor_create()
    workspace = bpy.context.window.workspace
    if hasattr(workspace, "sequencer_scene"):
        workspace.sequencer_scene = scene
    for number in range(strips):
        start = 1 + number % 1000 * STEP
        compat.new_effect(compat.strips(editor), f"c{number:05d}", "COLOR", 1 + number // 1000, start, start + LENGTH)
    return scene


def pump_until(reached: Callable[[], bool], *, after: Callable[[float], None] = lambda _: None) -> None:
    """Pumps at the add-on's own pace until something is so; `after` gets the seconds of each call."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise SystemExit(f"not reached: {bridge().status(bpy.context.scene)}")
        begin = time.perf_counter()
        pause = bridge().pump()
        after(time.perf_counter() - begin)
        time.sleep(max(0.0, min(pause, 1.0)))


def pump_for(seconds: float) -> None:
    """Pumps at the add-on's own pace for a while."""
    end = time.monotonic() + seconds
    pump_until(lambda: time.monotonic() > end)


def settled(scene: Any) -> bool:
    """Whether the scene is in step with the daemon."""
    status = bridge().status(scene)
    return status.state == "linked" and not status.local_changes


def linked(strips: int) -> Any:
    """Returns a scene that is linked to a sequence made of it."""
    scene = scene_of(strips)
    bridge().connect()
    pump_until(lambda: bridge().status(scene).state == "unlinked")
    bridge().link_new(scene)
    pump_until(lambda: settled(scene))
    return scene


def joined(project: str, sequence: str) -> Any:
    """Returns an empty scene that was linked to a sequence that exists."""
    scene = scene_of(0)
    bridge().connect()
    pump_until(lambda: bridge().status(scene).state == "unlinked")
    bridge().link_existing(scene, sequence, project)
    pump_until(lambda: settled(scene))
    return scene


def idle(strips: int, seconds: float) -> dict[str, Any]:
    """The share of a core that a linked scene costs while nobody does anything."""
    scene = linked(strips)
    pump_for(2)
    wall, busy = time.monotonic(), time.process_time()
    pump_for(seconds)
    share = (time.process_time() - busy) / (time.monotonic() - wall)
    return {"share": share, "strips": len(compat.strips_all(scene.sequence_editor))}


def adds(project: str, sequence: str, count: int) -> dict[str, Any]:
    """The longest tick while strips come from elsewhere."""
    scene = joined(project, sequence)
    say({"ready": True})
    ticks: list[float] = []
    begin = time.monotonic()
    pump_until(lambda: len(compat.strips_all(scene.sequence_editor)) >= count and settled(scene), after=ticks.append)
    ticks.sort()
    return {"longest": ticks[-1], "second": ticks[-2], "seconds": time.monotonic() - begin, "ticks": len(ticks)}


def placing(strips: int) -> dict[str, Any]:
    """Misplaced strips after a ripple of all of them and after the reversal of their order."""
    scene = scene_of(strips)
    reading.stamp(scene, {strip.name: strip.name for strip in compat.strips_all(scene.sequence_editor)})
    found: dict[str, Any] = {}
    last = 1 + (strips - 1) * STEP
    turns: dict[str, Callable[[int], int]] = {"ripple": lambda at: at + 24, "reversal": lambda at: last + 49 - at}
    for name, start in turns.items():
        before = reading.read(scene)
        shadow = {strip.key: strip for strip in before.strips}
        moved = tuple(_moved(strip, start(strip.left)) for strip in before.strips)
        begin = time.perf_counter()
        work = applying.Applier(scene).begin(before._replace(strips=moved), shadow)
        while not work.step(10.0):
            pass
        found[f"{name}_seconds"] = time.perf_counter() - begin
        wanted = {strip.key: (strip.channel, strip.left, strip.right) for strip in moved}
        now = {strip.key: (strip.channel, strip.left, strip.right) for strip in reading.read(scene).strips}
        found[name] = sum(1 for key, place in wanted.items() if now.get(key) != place)
    return found


def _moved(strip: Any, left: int) -> Any:
    by = left - strip.left
    return strip._replace(left=left, right=strip.right + by, content_start=strip.content_start + by)


def edits(rounds: int) -> dict[str, Any]:
    """Moves a strip again and again; the moments of its edits, on the machine's one monotonic clock."""
    scene = linked(20)
    link = bridge().status(scene)
    say({"project": link.project, "sequence": link.sequence})
    sys.stdin.readline()
    key = next(strip["genlock_id"] for strip in compat.strips_all(scene.sequence_editor) if strip.name == "c00010")
    moments = {}
    for number in range(rounds):
        pump_for(0.9 + 0.137 * (number % 5))
        strip = bridge().strip_of(scene, key)
        target = 60_000 + number * 100
        setattr(strip, compat.A.start, target)
        bpy.context.view_layer.update()
        moments[target] = time.monotonic()
    pump_for(2)
    return {"moments": moments}


def watches(project: str, sequence: str, rounds: int) -> dict[str, Any]:
    """The moments at which the other Blender's edits are in this one."""
    scene = joined(project, sequence)
    say({"ready": True})
    moments: dict[int, float] = {}

    def look(_: float) -> None:
        for strip in compat.strips_all(scene.sequence_editor):
            left = int(getattr(strip, compat.A.left))
            if left >= 60_000 and left not in moments:
                moments[left] = time.monotonic()

    pump_until(lambda: len(moments) >= rounds, after=look)
    return {"moments": moments}


def leaving(strips: int) -> dict[str, Any]:
    """Links, unregisters and ends; how long the process takes from there is for the caller to see."""
    linked(strips)
    genlock_blender.unregister()
    return {"unregistered": time.time()}


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each for each in (idle, adds, placing, edits, watches, leaving)
}


def main() -> None:
    """Runs one measure with the add-on registered, and leaves nothing behind."""
    genlock_blender.register()
    try:
        found = MEASURES[sys.argv[1]](**json.loads(sys.argv[2]))
        say(found)
    finally:
        genlock_blender.unregister()


if __name__ == "__main__":
    os.environ.setdefault("GENLOCK_ACTOR", "bench")
    main()
