"""Long work: how far it is, and how to stop it."""

from __future__ import annotations

from fastapi import APIRouter

from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import Uses
from genlock.daemon.views import TaskView

router = APIRouter(prefix="/api/tasks")


@router.get("/{task}", **answers(TaskView))
async def task(task: str, services: Uses) -> Answer:
    """A task's state; `result` or `error` when it ended."""
    return Answer(services.tasks.get(task).view())


@router.post("/{task}/cancel", **answers(TaskView))
async def cancel(task: str, services: Uses) -> Answer:
    """Asks a task to stop; it ends as cancelled a moment later."""
    return Answer(services.tasks.cancel(task).view())
