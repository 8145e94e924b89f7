"""Long work: states, progress, cancelling."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

from genlock.daemon import tasks as tasks_module
from genlock.daemon.tasks import Task, Tasks
from genlock.errors import BadInput, GenlockError, NotFound


def end_of(tasks: Tasks, task: Task) -> dict[str, Any]:
    tasks.close()
    return tasks.get(task.id).view()


def test_a_task_runs_and_tells_how_far_it_is() -> None:
    told: list[dict[str, Any]] = []
    tasks = Tasks(lambda task: told.append(task.view()))

    def work(on_progress: Any, cancelled: Any) -> str:
        on_progress(5, 5)
        return "made"

    task = tasks.start("render", "p", work)
    assert end_of(tasks, task) == {
        "task": task.id, "kind": "render", "done": 5, "total": 5, "state": "done", "result": "made",
    }  # fmt: skip
    assert [view["state"] for view in told] == ["running", "running", "done"]


def test_progress_is_told_sparingly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "TELL_SECONDS", 60.0)
    told: list[int] = []
    tasks = Tasks(lambda task: told.append(task.done))
    task = tasks.start("x", "", lambda on_progress, cancelled: [on_progress(n, 1000) for n in range(1000)] and None)
    assert end_of(tasks, task)["done"] == 999
    assert len(told) <= 4


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (BadInput("bad_value", "No."), "failed", "bad_value"),
        (GenlockError("cancelled"), "cancelled", None),
        (RuntimeError("ours alone"), "failed", "internal"),
    ],
)
def test_a_task_that_raises_ends_in_order(error: Exception, state: str, code: str | None) -> None:
    tasks = Tasks(lambda task: None)

    def work(on_progress: Any, cancelled: Any) -> None:
        raise error

    seen = end_of(tasks, tasks.start("x", "", work))
    assert seen["state"] == state
    assert seen.get("error", {}).get("code") == code
    assert "ours alone" not in str(seen)


def test_a_waiting_task_is_cancelled_before_it_begins() -> None:
    tasks, gate, begun = Tasks(lambda task: None), Event(), []
    first = tasks.start("x", "", lambda on_progress, cancelled: gate.wait(5))
    second = tasks.start("x", "", lambda on_progress, cancelled: begun.append(1))
    tasks.cancel(second.id)
    gate.set()
    assert end_of(tasks, second)["state"] == "cancelled"
    assert tasks.get(first.id).view()["state"] == "done"
    assert begun == []


def test_old_tasks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_module, "KEPT", 3)
    tasks = Tasks(lambda task: None)
    made = []
    for _ in range(8):
        made.append(tasks.start("x", "", lambda on_progress, cancelled: None))
        while tasks.get(made[-1].id).view()["state"] != "done":
            pass
    with pytest.raises(NotFound):
        tasks.get(made[0].id)
    assert end_of(tasks, made[-1])["state"] == "done"
