"""Shots and jobs, to read."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Query

from genlock.application.world import plain
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import HEX, AggregateId, Uses
from genlock.daemon.views import JobState, ShotView

router = APIRouter(prefix="/api")


@router.get("/shots/{shot}", **answers(ShotView))
def shot(shot: AggregateId, services: Uses) -> Answer:
    """One shot with its takes."""
    return Answer(plain(services.app.shot(shot)))


@router.get("/jobs", **answers(list[JobState]))
def jobs(
    services: Uses,
    project: str | None = Query(None, pattern=HEX),
    status: Literal["waiting", "running", "succeeded", "failed", "cancelled"] | None = None,
) -> Answer:
    """Jobs, the next to run first."""
    return Answer(services.app.jobs(project, status))


@router.get("/jobs/{job}", **answers(JobState))
def job(job: AggregateId, services: Uses) -> Answer:
    """One job."""
    return Answer(services.app.job(job))
