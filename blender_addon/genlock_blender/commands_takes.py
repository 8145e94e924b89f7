# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does about takes of the active strip."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from . import comparing, desk, generating
from .commands import needs, send
from .scenery import Cannot
from .translations import tr


class _OfShot:
    @classmethod
    def poll(cls, context: Any) -> bool:
        held = desk.desk()
        return needs(cls, held.model() is not None and held.shot(context) is not None, "The active strip shows no shot")


class GENLOCK_OT_take_select(_OfShot, bpy.types.Operator):
    """Show this take wherever the shot stands"""

    bl_idname = "genlock.take_select"
    bl_label = "Select Take"

    __annotations__ = {"take": StringProperty(options={"SKIP_SAVE"})}

    def execute(self, context: Any) -> set[str]:
        return _select(self, context, self.take)


class GENLOCK_OT_take_step(_OfShot, bpy.types.Operator):
    """Show the next or the previous take"""

    bl_idname = "genlock.take_step"
    bl_label = "Next Take"

    __annotations__ = {"by": IntProperty(name="Steps", default=1, options={"SKIP_SAVE"})}

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return tr("Show the next take") if properties.by > 0 else tr("Show the previous take")

    def execute(self, context: Any) -> set[str]:
        held = desk.desk()
        model = held.model()
        try:
            take = comparing.step(model, held.place(context), self.by) if model is not None else ""
        except Cannot as cannot:
            self.report({"INFO"}, desk.said(cannot))
            return {"CANCELLED"}
        return _select(self, context, take)


def _select(operator: Any, context: Any, take: str) -> set[str]:
    held = desk.desk()
    model = held.model()
    if model is None:
        return {"CANCELLED"}
    try:
        command, target, label = comparing.select(model, held.place(context), take)
    except Cannot as cannot:
        operator.report({"WARNING"}, desk.said(cannot))
        return {"CANCELLED"}
    return send(operator, command, target, label)


class GENLOCK_OT_take_compare(_OfShot, bpy.types.Operator):
    """Lay this take over the strip, to look at both"""

    bl_idname = "genlock.take_compare"
    bl_label = "Compare Take"

    __annotations__ = {
        "take": StringProperty(options={"SKIP_SAVE"}),
        "how": EnumProperty(
            name="How",
            items=(
                ("MUTED", "On a Muted Channel", "Whole; switch it on and off with H and Alt H"),
                ("WIPE", "Left Half", "The left half is this take, the right half the shown one"),
            ),
        ),
    }

    def execute(self, context: Any) -> set[str]:
        held = desk.desk()
        model = held.model()
        if model is None:
            return {"CANCELLED"}
        try:
            walk = comparing.compare(model, held.place(context), self.take, self.how == "WIPE")
        except Cannot as cannot:
            self.report({"WARNING"}, desk.said(cannot))
            return {"CANCELLED"}
        held.start("Compare Take", walk)
        return {"FINISHED"}


class GENLOCK_OT_compare_end(bpy.types.Operator):
    """Take compared takes off the timeline again"""

    bl_idname = "genlock.compare_end"
    bl_label = "End Comparison"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, bool(_compared(context)), "Nothing is compared")

    def execute(self, context: Any) -> set[str]:
        command = {"do": "LiftItems", "items": _compared(context)}
        return send(self, command, desk.desk().place(context).sequence, "End comparison")


def _compared(context: Any) -> list[str]:
    held = desk.desk()
    model, place = held.model(), held.place(context)
    return comparing.compared(model, place) if model is not None and place.sequence in model.sequences else []


class GENLOCK_OT_lay_over(_OfShot, bpy.types.Operator):
    """Lay this mask over the strip, as a clip with alpha on a channel above"""

    bl_idname = "genlock.lay_over"
    bl_label = "Lay Mask over Strip"

    __annotations__ = {"take": StringProperty(options={"SKIP_SAVE"})}

    def execute(self, context: Any) -> set[str]:
        held = desk.desk()
        model, shot, place = held.model(), held.shot(context), held.place(context)
        if model is None or shot is None:
            return {"CANCELLED"}
        try:
            walk = generating.lay_over(model, place, place.active, shot["id"], self.take)
        except Cannot as cannot:
            self.report({"WARNING"}, desk.said(cannot))
            return {"CANCELLED"}
        held.start("Lay Mask over Strip", walk)
        return {"FINISHED"}


CLASSES = (
    GENLOCK_OT_take_select,
    GENLOCK_OT_take_step,
    GENLOCK_OT_take_compare,
    GENLOCK_OT_compare_end,
    GENLOCK_OT_lay_over,
)
