# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs: rows that hold an id, drawn from the daemon's own queue."""

from __future__ import annotations

from typing import Any

import bpy

from . import bridge as bridges
from .commands_jobs import job_of
from .translations import tr

ICONS = {
    "waiting": "SORTTIME",
    "running": "PLAY",
    "succeeded": "CHECKMARK",
    "failed": "ERROR",
    "cancelled": "X",
}


class GENLOCK_UL_jobs(bpy.types.UIList):
    """Jobs, the running ones first."""

    bl_idname = "GENLOCK_UL_jobs"

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int,
    ) -> None:
        draw_job(layout, job_of(context, item.job))

    def filter_items(self, context: Any, data: Any, property: str) -> tuple[list[int], list[int]]:
        rows = getattr(data, property)
        wanted = self.filter_name.casefold()
        book = bridges.bridge().jobs
        jobs = {job.id: job for job in book.jobs()} if book is not None else {}
        flags = [self.bitflag_filter_item if matches(jobs.get(row.job), wanted) else 0 for row in rows]
        return flags, []


def matches(job: Any, wanted: str) -> bool:
    """Whether a job is meant by what was typed into the list's filter."""
    return job is not None and wanted in f"{job.code} {job.mode} {job.engine} {job.state}".casefold()


def draw_job(layout: Any, job: Any) -> None:
    """Draws one row: what it is, how far it is, and the one thing that can be done about it."""
    row = layout.row(align=True)
    if job is None:
        row.label(text=tr("Gone"))
        return
    row.label(text=f"{job.code} {word(job.mode)}", icon=ICONS.get(job.state, "DOT"), translate=False)
    if job.state == "running":
        progress(row, job.fraction, f"{job.fraction:.0%}")
    elif job.state != "succeeded":  # its icon says that
        row.label(text=short(job), translate=False)
    if job.can_cancel:
        row.operator("genlock.job_cancel", text="", icon="X").job = job.id
    elif job.can_retry:
        row.operator("genlock.job_retry", text="", icon="FILE_REFRESH").job = job.id


def short(job: Any) -> str:
    """Returns the few words about a job that fit into its row."""
    if job.state == "waiting":
        return tr("Next") if job.position == 1 else tr("Place {n}").format(n=job.position)
    return tr(job.state.capitalize())


def word(mode: str) -> str:
    """Returns a mode as a person says it."""
    return tr(mode.replace("_", " ").capitalize())


def progress(layout: Any, fraction: float, text: str) -> None:
    """A progress bar, or its text where Blender has none (before 4.0)."""
    if hasattr(layout, "progress"):
        layout.progress(factor=fraction, text=text, type="BAR", translate=False)
    else:
        layout.label(text=text, translate=False)


CLASSES = (GENLOCK_UL_jobs,)
