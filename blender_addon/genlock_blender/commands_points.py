# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that say what to mask, drawn on the picture in the preview."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from . import compat, desk, picking, scenery
from .commands import needs
from .scenery import Cannot
from .translations import tr

INSIDE, OUTSIDE = (0.2, 0.9, 0.4, 1.0), (0.95, 0.25, 0.25, 1.0)
DOT = 5.0
_drawing: list[Any] = []
"""The draw handler while points are drawn."""


class Target:
    """The strip whose picture is clicked on: its item, the file's frame at the playhead, and where the picture lies."""

    def __init__(self, context: Any) -> None:
        """Raises Cannot where the active strip shows no picture of a file at the playhead."""
        held = desk.desk()
        model, place = held.model(), held.place(context)
        if model is None:
            raise Cannot("Genlock is not connected")
        item = scenery.active(model, place)
        sequence = scenery.sequence_of(model, place)
        self.seen = scenery.shown(model, place, item["id"])
        start = sequence.start(item["id"])
        if self.seen.rendered:
            raise Cannot("{name} is no picture or clip: render it to a file first", name=scenery.name_of(item))
        if not start <= place.frame < start + int(item["duration"]):
            raise Cannot("Put the playhead on the active strip first")
        self.on = 0 if self.seen.still else scenery.source_frame(item, sequence, place.frame)
        strip = compat.edit_scene(context).sequence_editor.active_strip
        self.frame = frame_of(compat.edit_scene(context), strip, self.seen.info or {})


def frame_of(scene: Any, strip: Any, info: dict[str, Any]) -> picking.Frame:
    """Returns how a strip's picture lies in the preview."""
    render = scene.render
    size = (int(info.get("width") or 0), int(info.get("height") or 0))
    move = getattr(strip, "transform", None)
    return picking.Frame(
        size if all(size) else (render.resolution_x, render.resolution_y),
        (render.resolution_x, render.resolution_y),
        (move.offset_x, move.offset_y) if move is not None else (0.0, 0.0),
        (move.scale_x, move.scale_y) if move is not None else (1.0, 1.0),
        move.rotation if move is not None else 0.0,
        tuple(getattr(move, "origin", (0.5, 0.5))),
        (bool(getattr(strip, "use_flip_x", False)), bool(getattr(strip, "use_flip_y", False))),
    )


def preview_at(context: Any, x: int, y: int) -> Any:
    """Returns the preview region under a point of the window; None beside all of them."""
    for area in context.window.screen.areas:
        if area.type != "SEQUENCE_EDITOR" or area.spaces.active.view_type == "SEQUENCER":
            continue
        for region in area.regions:
            inside = region.x <= x < region.x + region.width and region.y <= y < region.y + region.height
            if region.type == "PREVIEW" and inside:
                return region
    return None


class GENLOCK_OT_draw_points(bpy.types.Operator):
    """Click in the preview on what to mask. Ctrl and click: what does not belong to it"""

    bl_idname = "genlock.draw_points"
    bl_label = "Draw Points"
    bl_options: ClassVar = {"REGISTER"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        held = desk.desk()
        place = held.place(context)
        reason = str(scenery.apart()) if place.apart else "No strip is active"
        return needs(cls, held.model() is not None and bool(place.active), reason)

    def invoke(self, context: Any, event: Any) -> set[str]:
        try:
            self.target = Target(context)
        except Cannot as cannot:
            self.report({"WARNING"}, desk.said(cannot))
            return {"CANCELLED"}
        held = context.window_manager.genlock_form
        if held.on != self.target.on:
            held.points.clear()
        held.on = self.target.on
        self.before = [(tuple(point.at), point.inside) for point in held.points]
        begin_drawing(self.target.frame)
        context.workspace.status_text_set(
            tr("Click: belongs to it   Ctrl Click: does not   Backspace: take back   Enter: done   Esc: as before")
        )
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        held = context.window_manager.genlock_form
        if event.type in ("RET", "NUMPAD_ENTER", "SPACE") and event.value == "PRESS":
            return self.end(context, {"FINISHED"})
        if event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
            held.points.clear()
            for at, inside in self.before:
                add_point(context, at, inside)
            return self.end(context, {"CANCELLED"})
        if event.type == "BACK_SPACE" and event.value == "PRESS":
            if held.points:
                held.points.remove(len(held.points) - 1)
            redraw(context)
            return {"RUNNING_MODAL"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        region = preview_at(context, event.mouse_x, event.mouse_y)
        if region is None:
            return {"PASS_THROUGH"}
        at = region.view2d.region_to_view(event.mouse_x - region.x, event.mouse_y - region.y)
        found = picking.pixel(self.target.frame, *at)
        if found is not None:
            add_point(context, found, not event.ctrl)
            redraw(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context: Any) -> None:
        self.end(context, {"CANCELLED"})

    def end(self, context: Any, result: set[str]) -> set[str]:
        """Leaves the mode: nothing of it stays on the screen."""
        end_drawing()
        context.workspace.status_text_set(None)
        redraw(context)
        desk.desk().forget_forecast()
        return result


class GENLOCK_OT_clear_points(bpy.types.Operator):
    """Forget the points"""

    bl_idname = "genlock.clear_points"
    bl_label = "Clear Points"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, len(context.window_manager.genlock_form.points) > 0, "There are no points")

    def execute(self, context: Any) -> set[str]:
        context.window_manager.genlock_form.points.clear()
        desk.desk().forget_forecast()
        return {"FINISHED"}


def add_point(context: Any, at: Any, inside: bool) -> None:
    """Adds a point in pixels of the file."""
    point = context.window_manager.genlock_form.points.add()
    point.at, point.inside = at, inside


def redraw(context: Any) -> None:
    """Draws the sequencers of the window again."""
    for area in context.window.screen.areas:
        if area.type == "SEQUENCE_EDITOR":
            area.tag_redraw()


def begin_drawing(frame: picking.Frame) -> None:
    """Shows the points over the preview until `end_drawing`."""
    end_drawing()
    handler = bpy.types.SpaceSequenceEditor.draw_handler_add(draw, (frame,), "PREVIEW", "POST_PIXEL")
    _drawing.append(handler)


def end_drawing() -> None:
    """Shows them no more."""
    while _drawing:
        bpy.types.SpaceSequenceEditor.draw_handler_remove(_drawing.pop(), "PREVIEW")


def draw(frame: picking.Frame) -> None:
    """Draws the points in the preview that is drawn at this moment."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    context = bpy.context
    view = context.region.view2d
    try:
        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    except ValueError:  # its name before 4.0
        shader = gpu.shader.from_builtin("2D_UNIFORM_COLOR")
    for point in context.window_manager.genlock_form.points:
        x, y = view.view_to_region(*picking.view(frame, *point.at), clip=False)
        corners = ((x - DOT, y), (x, y - DOT), (x + DOT, y), (x, y + DOT))
        batch = batch_for_shader(shader, "TRIS", {"pos": corners}, indices=((0, 1, 2), (2, 3, 0)))
        shader.bind()
        shader.uniform_float("color", INSIDE if point.inside else OUTSIDE)
        batch.draw(shader)


CLASSES = (GENLOCK_OT_draw_points, GENLOCK_OT_clear_points)
