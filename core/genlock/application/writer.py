"""The one thread that writes: it takes what has queued up, in order, as one group."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from genlock.application.envelope import Accepted, Envelope
from genlock.errors import GenlockError, Refused

log = logging.getLogger(__name__)

GROUP = 64
"""Commands in a transaction at most: more would make the first wait for the last."""


class Task:
    """A command on its way, and the future of its answer."""

    __slots__ = ("envelope", "future")

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.future: Future[Accepted] = Future()


class Writer:
    """Hands groups of tasks to `carry_out`, on its own thread, one group at a time.

    Tasks that it leaves open by raising are answered with what it raised.
    """

    def __init__(self, carry_out: Callable[[list[Task]], None], group: int = GROUP) -> None:
        self._carry_out = carry_out
        self._group = group
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._gate = Lock()
        self._closed = False
        self._thread = Thread(target=self._run, name="genlock-writer", daemon=True)
        self._thread.start()

    def submit(self, envelope: Envelope) -> Future[Accepted]:
        """Queues a command. Raises Refused(shutting_down) after close."""
        task = Task(envelope)
        with self._gate:
            if self._closed:
                raise Refused("shutting_down", "The application is closed.")
            self._queue.put(task)
        return task.future

    def close(self) -> None:
        """Carries out what is queued, then stops; idempotent."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group, last = self._next_group()
            try:
                if group:
                    self._carry_out(group)
            except Exception as error:
                # Background task: every caller gets an answer, and the thread that writes for everybody goes on.
                _answer(group, error)
            if last:
                return

    def _next_group(self) -> tuple[list[Task], bool]:
        group: list[Task] = []
        task = self._queue.get()
        while task is not None:
            group.append(task)
            if len(group) == self._group:
                return group, False
            try:
                task = self._queue.get_nowait()
            except Empty:
                return group, False
        return group, True


def _answer(group: list[Task], error: Exception) -> None:
    if not isinstance(error, GenlockError):
        log.error("A group of %d commands failed", len(group), exc_info=error)
        error = internal(error)
    for task in group:
        if not task.future.done():
            task.future.set_exception(error)


def internal(error: Exception) -> GenlockError:
    """Returns the error that tells of a mistake of ours, with its cause."""
    failure = GenlockError("internal", f"{type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure
