# SPDX-License-Identifier: GPL-3.0-or-later
"""The Genlock tab: how the scene stands, what could not be sent or shown, and what two people did at once."""

from __future__ import annotations

from typing import Any

import bpy

from . import bridge as bridges
from . import desk
from .asking import Going
from .commands import LINKED, status
from .scenery import Cannot
from .translations import tr

ICONS = {
    "absent": "UNLINKED",
    "denied": "LOCKED",
    "connecting": "SORTTIME",
    "unlinked": "LINKED",
    "linking": "SORTTIME",
    "linked": "CHECKMARK",
    "working": "FILE_REFRESH",
    "paused": "PAUSE",
    "offline": "UNLINKED",
    "asking": "QUESTION",
    "stopped": "ERROR",
}
WIDTH = 46
"""Characters of a line where the sidebar's width is not known: labels do not wrap."""
NARROW = 16
LETTER, EDGES = 6.1, 62
"""Pixels of a letter in the middle, and of what stands beside the text: tabs, margins, a box, an icon's room."""
MOST = 8
"""Rows of a list that may be long; the rest is counted."""


class Tab:
    """A panel of the Genlock tab. Areas that show only the preview have none: the tab would stand there twice."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Genlock"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return bool(context.space_data is not None and context.space_data.view_type != "PREVIEW")


def lines(layout: Any, text: str, icon: str = "NONE") -> None:
    """Writes a sentence over as many lines as it needs."""
    row, most = "", width()
    for each in text.split():
        if row and len(row) + len(each) >= most:
            layout.label(text=row, icon=icon, translate=False)
            row, icon = "", "BLANK1" if icon != "NONE" else icon
        row = f"{row} {each}".strip()
    if row:
        layout.label(text=row, icon=icon, translate=False)


def width() -> int:
    """Returns how many characters a line of the sidebar has that is drawn at this moment."""
    region = bpy.context.region
    if region is None or region.type != "UI":
        return WIDTH
    return max(NARROW, int((region.width / bpy.context.preferences.system.ui_scale - EDGES) / LETTER))


class GENLOCK_PT_connection(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_connection"
    bl_label = "Connection"

    def draw(self, context: Any) -> None:
        draw_connection(self.layout, context)


def draw_connection(layout: Any, context: Any) -> None:
    """Draws how the scene stands and what can be done about it."""
    found = status(context)
    box = layout.column(align=True)
    box.alert = found.state in ("denied", "stopped")
    lines(box, tr(found.sentence), ICONS.get(found.state, "DOT"))
    if found.hint:
        lines(box, tr(found.hint))
    if found.local_changes and found.state not in ("offline", "denied"):  # those say it themselves
        one = found.local_changes == 1
        text = tr("1 local change is not sent yet" if one else "{n} local changes are not sent yet")
        box.label(text=text.format(n=found.local_changes), translate=False)
    if found.refusal:
        lines(box, tr("Not taken: {why}").format(why=found.refusal), "ERROR")
    for choice in found.choices:
        row = layout.row()
        row.operator("genlock.relink", text=tr(CHOICES.get(choice, choice)), translate=False).choice = choice
    if found.state == "unlinked":
        column = layout.column(align=True)
        column.operator("genlock.link_new", icon="ADD")
        column.operator("genlock.link_existing", icon="VIEWZOOM")
    row = layout.row(align=True)
    if bridges.bridge().session is None:
        row.operator("genlock.connect", icon="LINKED")
    else:
        row.operator("genlock.open_panel", icon="URL")
        row.operator("genlock.disconnect", text="", icon="UNLINKED")
    if found.state in LINKED:
        row.operator("genlock.sync_now", text="", icon="FILE_REFRESH")
        row.operator("genlock.unlink", text="", icon="X")
    draw_kept(layout, tr("Only in Blender"), found.held)
    draw_kept(layout, tr("Cannot be shown"), found.troubles)


CHOICES = {"fork": "A Sequence of Its Own", "continue": "The Same Sequence", "unlink": "Unlink"}


def draw_kept(layout: Any, title: str, kept: dict[str, tuple[str, str]]) -> None:
    """Draws strips that stay behind, and why."""
    if not kept:
        return
    box = layout.box()
    box.label(text=f"{title}: {len(kept)}", icon="INFO", translate=False)
    for name in list(kept)[:MOST]:
        lines(box, f"{name}: {tr(kept[name][1])}")
    if len(kept) > MOST:
        box.label(text=tr("and {n} more").format(n=len(kept) - MOST), translate=False)


class GENLOCK_PT_conflicts(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_conflicts"
    bl_label = "Conflicts"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return super().poll(context) and bool(status(context).conflicts)

    def draw(self, context: Any) -> None:
        draw_conflicts(self.layout, context)


CONFLICT = {"ours": "Keep What Stands", "theirs": "Take the Other", "both": "Keep Both", "manual": "Settled by Hand"}


def draw_conflicts(layout: Any, context: Any) -> None:
    """Draws what two people did to the same thing, and how it can be settled."""
    conflicts = status(context).conflicts
    for conflict in conflicts[:MOST]:
        box = layout.box()
        lines(box, str(conflict.get("message", "")), "ERROR")
        column = box.column(align=True)
        for choice in conflict.get("choices", ()):
            button = column.operator("genlock.resolve", text=tr(CONFLICT.get(choice, choice)), translate=False)
            button.conflict, button.choice = conflict["id"], choice
    if len(conflicts) > MOST:
        layout.label(text=tr("and {n} more").format(n=len(conflicts) - MOST), translate=False)


def draw_messages(layout: Any, context: Any) -> None:
    """Draws what was asked for and what came of it."""
    steps = desk.desk().walks.steps
    if not steps:
        return
    box = layout.box()
    for step in steps[:MOST]:
        if isinstance(step, Going):
            lines(box, f"{tr(step.label)}: {tr(step.waits)}", "SORTTIME")
        elif step.error is not None:
            error = step.error
            text = desk.said(error) if isinstance(error, Cannot) else " ".join((error.message, error.hint)).strip()
            lines(box, f"{tr(step.label)}: {text}", "ERROR")
        else:
            lines(box, f"{tr(step.label)}: {tr(step.sentence)}", "CHECKMARK")
    box.operator("genlock.walks_forget", icon="X")


CLASSES = (GENLOCK_PT_connection, GENLOCK_PT_conflicts)
