# SPDX-License-Identifier: GPL-3.0-or-later
"""The Jobs panel: the daemon's queue."""

from __future__ import annotations

from typing import Any

import bpy

from . import bridge as bridges
from . import desk
from .commands_jobs import job_of
from .listing import progress, word
from .panel import Tab, lines
from .render_input import Working
from .translations import tr

PREVIEW_SCALE = 8.0


class GENLOCK_PT_jobs(Tab, bpy.types.Panel):
    bl_idname = "GENLOCK_PT_jobs"
    bl_label = "Jobs"

    def draw(self, context: Any) -> None:
        draw_jobs(self.layout, context)


def draw_jobs(layout: Any, context: Any) -> None:
    """Draws the queue and, of the chosen job, what there is to be seen and done."""
    book, manager = bridges.bridge().jobs, context.window_manager
    draw_renders(layout)
    if book is None or not book.jobs():
        layout.label(text=tr("No job"), translate=False)
        return
    layout.template_list("GENLOCK_UL_jobs", "", manager, "genlock_rows", manager, "genlock_row", rows=4)
    job = job_of(context)
    if job is not None:
        draw_details(layout, job)
    layout.operator("genlock.jobs_cancel", icon="X")


def draw_renders(layout: Any) -> None:
    """Draws what another Blender renders for a request."""
    for state in desk.desk().renders.under_way:
        if isinstance(state, Working):
            progress(layout, state.done / state.total if state.total else 0.0, tr("Input is rendered"))


def draw_details(layout: Any, job: Any) -> None:
    """Draws one job: its picture, how far it is, whom it waits for, why it failed."""
    box = layout.box().column(align=True)
    lines(box, f"{job.code}: {word(job.mode)}" + (f" ({job.engine})" if job.engine else ""))
    if job.preview:
        icon = desk.desk().thumbs.show(job.id, job.preview)
        if icon:
            box.template_icon(icon_value=icon, scale=PREVIEW_SCALE)
    if job.state == "running":
        progress(box, job.fraction, f"{job.phase} {job.done}/{job.total}")
    lines(box, job.sentence)
    if job.forecast:
        lines(box, job.forecast, "SORTTIME")
    row = layout.row(align=True)
    if job.can_cancel:
        row.operator("genlock.job_cancel", icon="X").job = job.id
    if job.can_retry:
        row.operator("genlock.job_retry", icon="FILE_REFRESH").job = job.id


CLASSES = (GENLOCK_PT_jobs,)
