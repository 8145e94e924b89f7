# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does to have something made. The strip appears as others' edits do, so these change none themselves."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty, IntProperty

from . import compat, desk, form
from .commands import needs
from .offers import OFFERS, offer
from .scenery import Cannot
from .translations import tr

ACTIONS = tuple((each.action, each.label, each.tip, each.icon, number) for number, each in enumerate(OFFERS))


class GENLOCK_OT_generate(bpy.types.Operator):
    """Make a take here, as the Generate panel says"""

    bl_idname = "genlock.generate"
    bl_label = "Generate"

    __annotations__ = {
        "action": EnumProperty(name="What", items=ACTIONS, options={"SKIP_SAVE"}),
    }

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return tr(offer(properties.action).tip)

    @classmethod
    def poll(cls, context: Any) -> bool:
        held = desk.desk()
        said = [held.reason(context, each.action) for each in OFFERS]
        return needs(cls, not all(said), said[0])

    def execute(self, context: Any) -> set[str]:
        held = desk.desk()
        reason = held.reason(context, self.action)
        if reason:
            self.report({"WARNING"}, reason)
            return {"CANCELLED"}
        try:
            walk = held.plan(context, self.action)
        except Cannot as cannot:
            self.report({"WARNING"}, desk.said(cannot))
            return {"CANCELLED"}
        held.start(offer(self.action).label, walk)
        self.report({"INFO"}, tr("Asked for: {what}").format(what=tr(offer(self.action).label)))
        return {"FINISHED"}


class GENLOCK_OT_choose(bpy.types.Operator):
    """Choose what the Generate panel is about"""

    bl_idname = "genlock.choose"
    bl_label = "Choose What to Make"

    __annotations__ = {"action": EnumProperty(name="What", items=ACTIONS)}

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return tr(offer(properties.action).tip)

    def execute(self, context: Any) -> set[str]:
        context.window_manager.genlock_form.action = self.action
        return {"FINISHED"}


class GENLOCK_OT_mark(bpy.types.Operator):
    """Mark the range to make again: the scene's preview range"""

    bl_idname = "genlock.mark"
    bl_label = "Mark Range"
    bl_options: ClassVar = {"REGISTER", "UNDO"}

    __annotations__ = {
        "edge": EnumProperty(
            name="Edge",
            items=(
                ("IN", "In", "The range begins here"),
                ("OUT", "Out", "The range ends with this frame"),
                ("STRIP", "Strip", "The range is that of the active strip"),
                ("CLEAR", "Clear", "No range"),
            ),
        ),
        "offset": IntProperty(name="Offset", description="Frames from the playhead", options={"SKIP_SAVE"}),
    }

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, compat.edit_scene(context) is not None, "No scene is shown")

    def execute(self, context: Any) -> set[str]:
        scene = compat.edit_scene(context)
        frame = scene.frame_current + self.offset
        if self.edge == "CLEAR":
            scene.use_preview_range = False
            return {"FINISHED"}
        strip = scene.sequence_editor.active_strip if scene.sequence_editor is not None else None
        if self.edge == "STRIP" and strip is None:
            self.report({"WARNING"}, tr("No strip is active"))
            return {"CANCELLED"}
        begin, end = scene.frame_preview_start, scene.frame_preview_end
        if not scene.use_preview_range:
            begin, end = (frame, max(frame, int(scene.frame_end))) if self.edge == "IN" else (scene.frame_start, frame)
        if self.edge == "STRIP":
            begin, end = int(getattr(strip, compat.A.left)), int(getattr(strip, compat.A.right)) - 1
        elif self.edge == "IN":
            begin, end = frame, max(frame, end)
        else:
            begin, end = min(begin, frame), frame
        scene.use_preview_range = True
        scene.frame_preview_start, scene.frame_preview_end = begin, end
        return {"FINISHED"}


class GENLOCK_OT_settings_from_take(bpy.types.Operator):
    """Fill the Generate panel with the settings that the active strip's take was made with"""

    bl_idname = "genlock.settings_from_take"
    bl_label = "Settings of This Take"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, bool(request_of(desk.desk().shot(context))), "The active strip shows no generated take")

    def execute(self, context: Any) -> set[str]:
        form.write(context, request_of(desk.desk().shot(context)))
        return {"FINISHED"}


def request_of(shot: dict[str, Any] | None) -> dict[str, Any]:
    """Returns what the shown take was asked for as; {} for a take that was not generated."""
    take = (shot or {}).get("takes", {}).get((shot or {}).get("selected"))
    found: dict[str, Any] = ((take or {}).get("provenance") or {}).get("request") or {}
    return found


CLASSES = (GENLOCK_OT_generate, GENLOCK_OT_choose, GENLOCK_OT_mark, GENLOCK_OT_settings_from_take)
