# SPDX-License-Identifier: GPL-3.0-or-later
"""The Takes panel: what came of the active strip's shot."""

from __future__ import annotations

from typing import Any

import bpy

from . import desk
from .panel import Tab
from .translations import tr

SCALE = 4.5


class GENLOCK_PT_takes(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_takes"
    bl_label = "Takes"

    def draw(self, context: Any) -> None:
        draw_takes(self.layout, context)


def draw_takes(layout: Any, context: Any) -> None:
    """Draws the takes as pictures, each with what can be done with it."""
    held = desk.desk()
    shot, takes = held.shot(context), held.takes(context)
    if shot is None:
        layout.label(text=tr("The active strip shows no shot"), translate=False)
        return
    row = layout.row(align=True)
    row.operator("genlock.take_step", text="", icon="TRIA_LEFT").by = -1
    row.label(text=heading(shot, takes), translate=False)
    row.operator("genlock.take_step", text="", icon="TRIA_RIGHT").by = 1
    grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    for take in reversed(takes):
        draw_take(grid.box().column(align=True), held, take)
    layout.operator("genlock.compare_end", icon="X")


def heading(shot: dict[str, Any], takes: list[Any]) -> str:
    """Returns the shot's code and which take is shown."""
    number = next((take.number for take in takes if take.selected), 0)
    return f"{shot['code']} v{number:03d}" if number else f"{shot['code']}: {tr('no take yet')}"


def draw_take(layout: Any, held: Any, take: Any) -> None:
    """Draws one take."""
    if take.kind != "text":
        icon = held.thumbs.icon(take.digest, take.frames // 2)
        if icon:
            layout.template_icon(icon_value=icon, scale=SCALE)
        else:
            layout.label(text="", icon="IMAGE_DATA")
    row = layout.row(align=True)
    name = f"v{take.number:03d}"
    if take.kind == "picture":
        chosen = row.operator("genlock.take_select", text=name, depress=take.selected, translate=False)
        chosen.take = take.id
        if not take.selected:
            for how, icon in (("MUTED", "HIDE_ON"), ("WIPE", "MOD_MIRROR")):
                compare = row.operator("genlock.take_compare", text="", icon=icon)
                compare.take, compare.how = take.id, how
    elif take.kind == "mask":
        row.label(text=name, icon="MOD_MASK", translate=False)
        row.operator("genlock.lay_over", text="", icon="IMPORT").take = take.id
    else:
        row.label(text=name, icon="TEXT", translate=False)
    if take.engine:
        layout.label(text=take.engine, translate=False)


CLASSES = (GENLOCK_PT_takes,)
