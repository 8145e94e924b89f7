"""The daemon's settings, the machine's memory and engines, and the doctor."""

from __future__ import annotations

from fastapi import APIRouter, Request

from genlock.daemon import checkup, settings
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import Uses
from genlock.daemon.settings import DaemonSettings
from genlock.daemon.views import DoctorAnswer, EngineView, MemoryView, TraceAnswer

router = APIRouter(prefix="/api")


@router.get("/settings", **answers(DaemonSettings))
def read_settings(services: Uses) -> Answer:
    """The daemon's settings."""
    return Answer(settings.load(services.settings_file))


@router.patch("/settings", **answers(DaemonSettings, body=DaemonSettings))
async def change_settings(request: Request, services: Uses) -> Answer:
    """Changes the fields given; they count from the next start on."""
    return Answer(settings.change(services.settings_file, await request.body()))


@router.get("/memory", **answers(MemoryView))
def memory(services: Uses) -> Answer:
    """Who holds how much memory, who waits, and why."""
    return Answer(services.memory())


@router.get("/memory/trace", **answers(TraceAnswer))
def memory_trace(services: Uses) -> Answer:
    """The last jobs and budgets, to play to other policies."""
    return Answer(TraceAnswer(services.arbiter.trace()))


@router.get("/engines", **answers(list[EngineView]))
def engines(services: Uses) -> Answer:
    """The engines, and why one cannot run here."""
    return Answer(services.engines.describe())


@router.get("/doctor", **answers(DoctorAnswer))
def doctor(services: Uses) -> Answer:
    """Looks at everything that can be wrong on this machine."""
    checks = list(checkup.checks(services))
    return Answer(DoctorAnswer(all(check.ok for check in checks), checks))
