# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sets in the panels. It lives on the window manager, which no .blend file and no undo step holds."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import generating

SESSION = {"SKIP_SAVE"}

USES = (
    ("first", "First Frame", "The first frame that the strip shows"),
    ("last", "Last Frame", "The last frame that the strip shows"),
    ("clip", "Whole Range", "All frames that the strip shows, as a clip that is followed"),
)
WAYS = (
    ("both", "Both", "From the marked frame towards both ends"),
    ("forward", "Forward", "From the marked frame to the end"),
    ("backward", "Backward", "From the marked frame to the beginning"),
)
_engines: list[tuple[str, str, str]] = []
"""The entries handed to Blender, which keeps pointers into them and no copies."""


def engines(self: Any, context: Any) -> list[tuple[str, str, str]]:
    """Returns the entries of the engine menu: those that are known, each with what it needs."""
    from . import desk

    fresh = [("AUTO", "Automatic", "The best engine that can")]
    fresh += [(each.name, each.name, each.reason or "Ready") for each in desk.desk().engines]
    if fresh != _engines:
        _engines[:] = fresh
    return _engines


def _changed(self: Any, context: Any) -> None:
    from . import desk

    desk.desk().forget_forecast()


class GenlockPoint(bpy.types.PropertyGroup):
    """A click on a strip's picture, in pixels of its file from the top left."""

    __annotations__ = {
        "at": FloatVectorProperty(size=2, options=SESSION),
        "inside": BoolProperty(default=True, options=SESSION),
    }


class GenlockRow(bpy.types.PropertyGroup):
    """A row of the job list: the job's id is all it holds, everything else is looked up when it is drawn."""

    __annotations__ = {"job": StringProperty(options=SESSION)}


class GenlockForm(bpy.types.PropertyGroup):
    """The Generate panel's fields."""


def fields() -> dict[str, Any]:
    """Returns the form's properties, made anew each time: Blender 4.2 crashes at exit on properties with functions that a
    class still holds, be it registered or not."""
    return {
        "prompt": StringProperty(
            name="Prompt", description="What is to be seen and heard", maxlen=20000, options=SESSION, update=_changed
        ),
        "negative": StringProperty(
            name="Not", description="What should not be there", maxlen=20000, options=SESSION, update=_changed
        ),
        "seed": IntProperty(
            name="Seed",
            description="The same seed gives the same take; 0 gives each take its own",
            min=0,
            options=SESSION,
        ),
        "frames": IntProperty(
            name="Frames",
            description="Length in frames of the sequence",
            min=1,
            max=216000,
            default=97,
            options=SESSION,
            update=_changed,
        ),
        "own_size": BoolProperty(
            name="Own Size",
            description="Another size than the sequence's",
            default=False,
            options=SESSION,
            update=_changed,
        ),
        "width": IntProperty(name="Width", min=16, max=8192, default=1280, step=2, options=SESSION, update=_changed),
        "height": IntProperty(name="Height", min=16, max=8192, default=720, step=2, options=SESSION, update=_changed),
        "strength": FloatProperty(
            name="Strength",
            description="How closely the selected strips are followed",
            min=0.0,
            max=1.0,
            default=1.0,
            subtype="FACTOR",
            options=SESSION,
        ),
        "still": BoolProperty(
            name="Still", description="One picture instead of a clip", options=SESSION, update=_changed
        ),
        "use": EnumProperty(
            name="Use", description="What of a selected strip is followed", items=USES, options=SESSION
        ),
        "engine": EnumProperty(
            name="Engine", description="Who makes it", items=engines, options=SESSION, update=_changed
        ),
        "variants": IntProperty(
            name="Takes", description="How many takes to make at once", min=1, max=16, default=1, options=SESSION
        ),
        "text": StringProperty(
            name="What", description="What to mask, in words: the ferry", options=SESSION, update=_changed
        ),
        "points": CollectionProperty(type=GenlockPoint, options=SESSION),
        "on": IntProperty(default=0, options=SESSION),
        "direction": EnumProperty(name="Direction", description="Where to follow", items=WAYS, options=SESSION),
        "action": StringProperty(default="new", options=SESSION),
    }


CLASSES = (GenlockPoint, GenlockRow, GenlockForm)
PROPERTIES: dict[str, Any] = {
    "genlock_form": lambda: PointerProperty(type=GenlockForm, options=SESSION),
    "genlock_rows": lambda: CollectionProperty(type=GenlockRow, options=SESSION),
    "genlock_row": lambda: IntProperty(options=SESSION),
}


def read(context: Any) -> generating.Form:
    """Returns the fields as a plain value."""
    held = context.window_manager.genlock_form
    return generating.Form(
        prompt=held.prompt,
        negative=held.negative,
        seed=held.seed,
        frames=held.frames,
        width=held.width if held.own_size else 0,
        height=held.height if held.own_size else 0,
        strength=round(held.strength, 4),
        still=held.still,
        use=held.use,
        engine="" if held.engine in ("", "AUTO") else held.engine,
        variants=held.variants,
        text=held.text,
        points=tuple((round(point.at[0], 1), round(point.at[1], 1), point.inside) for point in held.points),
        on=held.on,
        direction=held.direction,
    )


def write(context: Any, request: dict[str, Any]) -> None:
    """Fills the fields from a take's request."""
    held = context.window_manager.genlock_form
    held.prompt = request.get("prompt", "")
    held.negative = request.get("negative_prompt", "")
    held.seed = min(int(request.get("seed", 0)), 2**31 - 1)
    held.frames = int(request.get("frames", held.frames))
    size = request.get("resolution")
    if size:
        held.own_size, held.width, held.height = True, int(size[0]), int(size[1])
    for condition in request.get("conditioning", ())[:1]:
        held.strength = float(condition.get("strength", 1.0))
    named = {entry[0] for entry in engines(held, context)}
    held.engine = request["engine"] if request.get("engine") in named else "AUTO"


def register() -> None:
    """Registers the groups and hangs them on the window manager."""
    GenlockForm.__annotations__ = fields()
    for each in CLASSES:
        bpy.utils.register_class(each)
    for name, make in PROPERTIES.items():
        setattr(bpy.types.WindowManager, name, make())


def unregister() -> None:
    """Takes them away again."""
    for name in PROPERTIES:
        if hasattr(bpy.types.WindowManager, name):
            delattr(bpy.types.WindowManager, name)
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
    GenlockForm.__annotations__ = {}
    _engines.clear()
