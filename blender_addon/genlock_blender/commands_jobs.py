# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does about jobs: they belong to the daemon, so these only ask."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import StringProperty

from . import bridge as bridges
from . import desk
from .commands import needs, send


def job_of(context: Any, id_: str = "") -> Any:
    """Returns the job with this id, or the one chosen in the list; None where there is none."""
    book = bridges.bridge().jobs
    found = book.jobs() if book is not None else []
    if id_:
        return next((job for job in found if job.id == id_), None)
    rows, at = context.window_manager.genlock_rows, context.window_manager.genlock_row
    wanted = rows[at].job if 0 <= at < len(rows) else ""
    return next((job for job in found if job.id == wanted), None)


class _OfJob:
    __annotations__ = {
        "job": StringProperty(description="The job's id, or empty for the chosen one", options={"SKIP_SAVE"})
    }

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, bridges.bridge().session is not None, "Genlock is not connected")


class GENLOCK_OT_job_cancel(_OfJob, bpy.types.Operator):
    """Take the job out of the queue, or stop it; nothing of it is kept"""

    bl_idname = "genlock.job_cancel"
    bl_label = "Cancel Job"

    def execute(self, context: Any) -> set[str]:
        job = job_of(context, self.job)
        if job is None or not job.can_cancel:
            return {"CANCELLED"}
        return send(self, {"do": "CancelJob"}, job.id, "Cancel")


class GENLOCK_OT_job_retry(_OfJob, bpy.types.Operator):
    """Put the job back into the queue"""

    bl_idname = "genlock.job_retry"
    bl_label = "Retry Job"

    def execute(self, context: Any) -> set[str]:
        job = job_of(context, self.job)
        if job is None or not job.can_retry:
            return {"CANCELLED"}
        return send(self, {"do": "RetryJob"}, job.id, "Retry")


class GENLOCK_OT_jobs_cancel(bpy.types.Operator):
    """Cancel the jobs that wait for the shots of the selected strips; of others nothing is touched"""

    bl_idname = "genlock.jobs_cancel"
    bl_label = "Cancel Waiting Jobs of Selection"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, bool(_waiting(context)), "No job waits for the selected strips")

    def execute(self, context: Any) -> set[str]:
        for job in _waiting(context):
            send(self, {"do": "CancelJob"}, job.id, "Cancel")
        return {"FINISHED"}


def _waiting(context: Any) -> list[Any]:
    held, book = desk.desk(), bridges.bridge().jobs
    model = held.model()
    if model is None or book is None:
        return []
    place = held.place(context)
    sequence = model.sequences.get(place.sequence)
    items = sequence.items if sequence is not None else {}
    shots = {items[key]["source"].get("shot") for key in place.chosen if key in items}
    return [job for job in book.jobs() if job.state == "waiting" and job.shot in shots]


class GENLOCK_OT_walks_forget(bpy.types.Operator):
    """Clear the messages below"""

    bl_idname = "genlock.walks_forget"
    bl_label = "Clear Messages"

    def execute(self, context: Any) -> set[str]:
        desk.desk().walks.forget()
        return {"FINISHED"}


CLASSES = (GENLOCK_OT_job_cancel, GENLOCK_OT_job_retry, GENLOCK_OT_jobs_cancel, GENLOCK_OT_walks_forget)
