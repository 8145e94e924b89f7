# SPDX-License-Identifier: GPL-3.0-or-later
"""The Generate panel: what can be made here, by whom, and what it would take."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from . import desk
from .commands_generate import request_of
from .offers import OFFERS, offer
from .panel import Tab, draw_messages, lines
from .translations import tr

MASKING = ("mask", "track", "inpaint")
LONG = ("new", "strips", "extend")
"""Actions whose length a person chooses."""


class GENLOCK_PT_generate(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_generate"
    bl_label = "Generate"

    def draw(self, context: Any) -> None:
        draw_generate(self.layout, context)


def draw_generate(layout: Any, context: Any) -> None:
    """Draws the form of the chosen action, its forecast, and the button, grey with a reason where it cannot be made."""
    held, form = desk.desk(), context.window_manager.genlock_form
    action = form.action if form.action in {each.action for each in OFFERS} else "new"
    reason = held.reason(context, action)
    _draw_actions(layout, context, action)
    if action not in ("mask", "track"):
        more = {"placeholder": tr("What is to be seen")} if PLACEHOLDER else {}
        layout.prop(form, "prompt", text="", icon="TEXT", **more)
    if action in MASKING:
        _draw_selection(layout, form, action)
    if action == "retake":
        _draw_range(layout, context)
    _draw_fields(layout, form, action)
    if reason:
        lines(layout, reason, "INFO")
    else:
        _draw_forecast(layout, context, action)
    row = layout.row()
    row.scale_y = 1.4
    row.enabled = not reason
    chosen = offer(action)
    row.operator("genlock.generate", text=tr(chosen.label), icon=chosen.icon, translate=False).action = action
    draw_messages(layout, context)


PLACEHOLDER = "placeholder" in bpy.types.UILayout.bl_rna.functions["prop"].parameters
"""Fields can say what belongs into them while they are empty."""


def _draw_actions(layout: Any, context: Any, action: str) -> None:
    held = desk.desk()
    grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    for each in OFFERS:
        cell = grid.row(align=True)
        cell.active = not held.reason(context, each.action)  # dim, yet it can be chosen, to read why not
        button = cell.operator(
            "genlock.choose", text=tr(each.label), icon=each.icon, depress=each.action == action, translate=False
        )
        button.action = each.action


def _draw_selection(layout: Any, form: Any, action: str) -> None:
    column = layout.column(align=True)
    column.prop(form, "text", text="", icon="VIEWZOOM")
    row = column.row(align=True)
    row.operator("genlock.draw_points", icon="CURSOR")
    row.operator("genlock.clear_points", text="", icon="X")
    if form.points:
        inside = sum(1 for point in form.points if point.inside)
        one = tr("1 point inside, {m} outside, on frame {frame}")
        text = one if inside == 1 else tr("{n} points inside, {m} outside, on frame {frame}")
        said = text.format(n=inside, m=len(form.points) - inside, frame=form.on)
        column.label(text=said, translate=False)
    if action == "track":
        layout.prop(form, "direction")


def _draw_range(layout: Any, context: Any) -> None:
    row = layout.row(align=True)
    for edge, text in (("IN", "In"), ("OUT", "Out"), ("STRIP", "Strip"), ("CLEAR", "Clear")):
        row.operator("genlock.mark", text=tr(text), translate=False).edge = edge
    span = desk.desk().place(context).span
    if span is not None:
        text = tr("Frames {first} to {last} of the sequence").format(first=span[0], last=span[1] - 1)
        layout.label(text=text, translate=False)


def _draw_fields(layout: Any, form: Any, action: str) -> None:
    column = layout.column()
    column.use_property_split = True
    column.use_property_decorate = False
    if action in ("new", "strips"):
        column.prop(form, "still")
    if action in LONG:
        column.prop(form, "frames")
    if action == "strips":
        column.prop(form, "use")
        column.prop(form, "strength")
    column.prop(form, "engine")
    if action in ("mask", "track"):
        return
    column.prop(form, "negative")
    column.prop(form, "seed")
    if action != "gap":
        column.prop(form, "variants")
    if action in (*LONG, "gap", "again"):
        column.prop(form, "own_size")
        if form.own_size:
            column.prop(form, "width")
            column.prop(form, "height")


def _draw_forecast(layout: Any, context: Any, action: str) -> None:
    found = desk.desk().forecast(context, action)
    if found is None:
        return
    box = layout.box().column(align=True)
    if found.error:
        box.alert = True
        lines(box, found.error, "ERROR")
        return
    lines(box, found.way, "NODE_COMPOSITING" if not found.draft else "GREASEPENCIL")
    if found.draft:
        lines(box, tr("A draft: no model for this is here"))
    for text in (found.cost, found.waits, *found.notes):
        lines(box, text)


class GENLOCK_PT_engines(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_engines"
    bl_parent_id = "GENLOCK_PT_generate"
    bl_label = "Engines"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        draw_engines(self.layout, context)


def draw_engines(layout: Any, context: Any) -> None:
    """Draws who can make what is chosen, and what the others lack."""
    held, form = desk.desk(), context.window_manager.genlock_form
    held.ask_engines()
    chosen = next((each for each in OFFERS if each.action == form.action), OFFERS[0])
    able = [each for each in held.engines if not chosen.mode or chosen.mode in each.modes]
    if not able:
        layout.label(
            text=tr("No engine is known yet") if not held.engines else tr("No engine does this"), translate=False
        )
    for each in able:
        lines(layout, f"{each.name}: {each.reason or tr('ready')}", "ERROR" if each.reason else "CHECKMARK")


class GENLOCK_PT_history(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_history"
    bl_parent_id = "GENLOCK_PT_generate"
    bl_label = "Strip History"
    bl_options: ClassVar = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        draw_history(self.layout, context)


def draw_history(layout: Any, context: Any) -> None:
    """Draws how the active strip's takes came to be, the newest first."""
    held = desk.desk()
    takes = held.takes(context)
    if not takes:
        layout.label(text=tr("The active strip shows no shot"), translate=False)
        return
    for take in reversed(takes):
        made = ", ".join(
            part for part in (take.engine or tr("given"), f"{tr('seed')} {take.seed}" if take.seed else "") if part
        )
        icon = "RADIOBUT_ON" if take.selected else "RADIOBUT_OFF" if take.kind == "picture" else "MOD_MASK"
        lines(layout, f"v{take.number:03d}: {made}", icon)
        if take.prompt:
            lines(layout, take.prompt)
    if request_of(held.shot(context)):
        layout.operator("genlock.settings_from_take", icon="COPYDOWN")


CLASSES = (GENLOCK_PT_generate, GENLOCK_PT_engines, GENLOCK_PT_history)
