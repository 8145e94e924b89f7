"""Long work outside the log: renders and the like. A task lives until the daemon ends; its progress goes to clients."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from genlock.errors import GenlockError, NotFound

log = logging.getLogger("genlock.tasks")

KEPT = 200
TELL_SECONDS = 0.1
"""Progress goes out no more often than this."""


class Waiting(Struct, frozen=True, tag="waiting", tag_field="is"):
    pass


class Running(Struct, frozen=True, tag="running", tag_field="is"):
    pass


class Done(Struct, frozen=True, tag="done", tag_field="is"):
    result: Any = None


class Failed(Struct, frozen=True, tag="failed", tag_field="is"):
    error: dict[str, Any]


class Cancelled(Struct, frozen=True, tag="cancelled", tag_field="is"):
    pass


TaskState = Waiting | Running | Done | Failed | Cancelled


class Task(Struct, frozen=True):
    """One task: `kind` says what ("render"), `done` of `total` how far, in the kind's own unit (frames)."""

    id: str
    kind: str
    project: str
    state: TaskState = Waiting()
    done: int = 0
    total: int = 0

    def view(self) -> dict[str, Any]:
        """Returns the JSON shape of REST and wire."""
        seen: dict[str, Any] = {"task": self.id, "kind": self.kind, "done": self.done, "total": self.total}
        match self.state:
            case Done(result=result):
                return {**seen, "state": "done", "result": result}
            case Failed(error=error):
                return {**seen, "state": "failed", "error": error}
            case Waiting():
                return {**seen, "state": "waiting"}
            case Running():
                return {**seen, "state": "running"}
            case Cancelled():
                return {**seen, "state": "cancelled"}


Work = Callable[[Callable[[int, int], None], Callable[[], bool]], Any]
"""What a task does: gets `on_progress(done, total)` and `cancelled()`, returns a JSON-ready result. It ends by raising
GenlockError("cancelled") when it was cancelled."""


class Tasks:
    """Runs tasks on its own threads, one after the other."""

    def __init__(self, on_change: Callable[[Task], None]) -> None:
        self._on_change = on_change
        self._tasks: dict[str, Task] = {}
        self._stops: dict[str, Event] = {}
        self._told = 0.0
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(1, "genlock-task")

    def start(self, kind: str, project: str, work: Work) -> Task:
        """Queues a task and returns it."""
        task = Task(secrets.token_hex(8), kind, project)
        with self._lock:
            self._forget()
            self._tasks[task.id], self._stops[task.id] = task, Event()
        self._pool.submit(self._run, task.id, work)
        return task

    def get(self, id_: str) -> Task:
        """Returns a task; NotFound when there is none of that id."""
        with self._lock:
            task = self._tasks.get(id_)
        if task is None:
            raise NotFound("not_found", f"There is no task {id_!r}.")
        return task

    def cancel(self, id_: str) -> Task:
        """Asks a task to stop, and returns it as it is now."""
        task = self.get(id_)
        self._stops[id_].set()
        return task

    def close(self) -> None:
        """Cancels everything and waits for it."""
        for stop in list(self._stops.values()):
            stop.set()
        self._pool.shutdown(wait=True)

    def _run(self, id_: str, work: Work) -> None:
        stop = self._stops[id_]
        if stop.is_set():
            self._change(id_, state=Cancelled())
            return
        self._change(id_, state=Running())
        try:
            result = work(lambda done, total: self._progress(id_, done, total), stop.is_set)
        except GenlockError as error:
            self._change(id_, state=Cancelled() if error.code == "cancelled" else Failed(error.to_dict()))
        except Exception:
            # the boundary of a background task: it must end as failed, whatever happened
            log.exception("the task %s failed", id_)
            self._change(id_, state=Failed(GenlockError("internal").to_dict()))
        else:
            self._change(id_, state=Done(result))

    def _progress(self, id_: str, done: int, total: int) -> None:
        quiet = monotonic() - self._told < TELL_SECONDS and done < total
        self._change(id_, quiet=quiet, done=done, total=total)

    def _change(self, id_: str, *, quiet: bool = False, **fields: Any) -> None:
        with self._lock:
            task = self._tasks[id_] = replace(self._tasks[id_], **fields)
            if quiet:
                return
            self._told = monotonic()
        self._on_change(task)

    def _forget(self) -> None:
        """Drops the oldest ended tasks beyond KEPT."""
        ended = [t.id for t in self._tasks.values() if not isinstance(t.state, Waiting | Running)]
        for id_ in ended[: max(0, len(self._tasks) - KEPT)]:
            del self._tasks[id_], self._stops[id_]
