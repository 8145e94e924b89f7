"""Runs jobs in child processes of this machine, on lanes of their own."""

from __future__ import annotations

import contextlib
import shutil
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Condition, Event, Thread, Timer
from time import monotonic
from typing import Final, assert_never

from genlock.errors import GenerationError, Refused
from genlock.generation.channel import Beat, Cancel, Ready, Run
from genlock.generation.engine import Engines, Lane
from genlock.generation.executor import Failed, Finished, Listener, Outcome, Progress, Stopped, Ticket
from genlock.generation.nursery import Child, Nursery, nursery
from genlock.generation.worker import LOG

GRACE: Final = 0.5
"""Seconds between asking a job to stop and killing its worker."""

STALL: Final = 30.0
"""Seconds of silence after which a worker counts as hung; a living one says something every second."""

WARM_AFTER: Final = 1.0
"""Seconds after the start at which workers are prepared, so that preparing does not slow the start itself."""

_LOG_TAIL: Final = 64 << 10


class LocalExecutor:
    """Executor over worker processes, `slots` of them a lane (one without). A crash costs the job that ran, and nothing
    else."""

    def __init__(
        self,
        engines: Engines | None = None,
        *,
        slots: Mapping[Lane, int] | None = None,
        nursery_: Nursery | None = None,
        grace: float = GRACE,
        stall: float = STALL,
        warm_after: float = WARM_AFTER,
    ) -> None:
        self.engines = engines or Engines()
        self._nursery = nursery_ or nursery()
        self._lanes = {
            lane: [_Worker(self._nursery, self.engines.targets, grace) for _ in range(count)]
            for lane, count in (slots or {"heavy": 1, "interactive": 1}).items()
        }
        self._stall, self._warm_after = stall, warm_after
        self._closing = Event()
        self._warmer: Timer | None = None
        self._started = False

    def start(self) -> None:
        """Starts the lanes; worker processes come with the first job, or a moment later."""
        if self._started:
            return
        self._started = True
        for lane, workers in self._lanes.items():
            for worker in workers:
                Thread(target=worker.loop, name=f"generation-{lane}", daemon=True).start()
        Thread(target=self._watch, name="generation-watch", daemon=True).start()
        self._warmer = Timer(self._warm_after, self._nursery.warm)
        self._warmer.daemon = True
        self._warmer.start()

    def submit(self, ticket: Ticket, listener: Listener) -> None:
        """Puts a job on its plan's lane."""
        if not self._started or self._closing.is_set():
            raise Refused("wrong_state", "The executor is not running.")
        if any(worker.has(ticket.job) for worker in self._workers()):
            raise Refused("wrong_state", f"The job {ticket.job} is here already.")
        min(self._lanes.get(ticket.plan.lane, self._lanes["heavy"]), key=_Worker.load).add(ticket, listener)

    def cancel(self, job: str) -> None:
        """Ends a job wherever it is."""
        for worker in self._workers():
            worker.cancel(job)

    def close(self) -> None:
        """Stops every job and every worker."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._warmer is not None:
            self._warmer.cancel()
        for worker in self._workers():
            worker.close(started=self._started)
        self._nursery.close()

    def pids(self) -> dict[Lane, list[int]]:
        """Returns the process ids of the workers alive."""
        return {lane: [w.child.pid for w in workers if w.child is not None] for lane, workers in self._lanes.items()}

    def _workers(self) -> Iterator[_Worker]:
        for workers in self._lanes.values():
            yield from workers

    def _watch(self) -> None:
        while not self._closing.wait(min(1.0, self._stall / 4)):
            for worker in self._workers():
                worker.check(self._stall)


class _Worker:
    """One slot of a lane: its queue, its child process, and the thread that talks to it."""

    def __init__(self, nursery_: Nursery, targets: dict[str, str], grace: float) -> None:
        self.child: Child | None = None
        self._nursery, self._targets, self._grace = nursery_, targets, grace
        self._queue: deque[tuple[Ticket, Listener]] = deque()
        self._changed = Condition()
        self._current: Ticket | None = None
        self._cancelled = False
        self._stalled = False
        self._heard = monotonic()
        self._closing = False
        self._done = Event()

    # -- callers' threads

    def has(self, job: str) -> bool:
        with self._changed:
            return any(ticket.job == job for ticket, _ in self._queue) or (
                self._current is not None and self._current.job == job
            )

    def load(self) -> int:
        with self._changed:
            return len(self._queue) + (self._current is not None)

    def add(self, ticket: Ticket, listener: Listener) -> None:
        with self._changed:
            self._queue.append((ticket, listener))
            self._changed.notify()

    def cancel(self, job: str) -> None:
        with self._changed:
            waiting = [entry for entry in self._queue if entry[0].job == job]
            for entry in waiting:
                self._queue.remove(entry)
            running = self._current if self._current is not None and self._current.job == job else None
            if running is not None:
                self._cancelled = True
            child = self.child
        for _, listener in waiting:
            listener(Stopped(job))
        if running is not None and child is not None:
            child.channel.send(Cancel(job))
            killer = Timer(self._grace, self._kill_if_running, (running, child))
            killer.daemon = True
            killer.start()

    def close(self, *, started: bool) -> None:
        with self._changed:
            self._closing = True
            waiting = list(self._queue)
            self._queue.clear()
            self._cancelled = True
            child = self.child
            self._changed.notify()
        for ticket, listener in waiting:
            listener(Stopped(ticket.job))
        if child is not None:
            child.kill()
        if started:
            self._done.wait(5)

    def check(self, stall: float) -> None:
        """Kills a worker that runs a job and has been silent for too long."""
        with self._changed:
            hung = self._current is not None and self.child is not None and monotonic() - self._heard > stall
            self._stalled = self._stalled or hung
            child = self.child
        if hung and child is not None:
            child.kill()

    def _kill_if_running(self, ticket: Ticket, child: Child) -> None:
        with self._changed:
            still = self._current is ticket and self.child is child
        if still:
            child.kill()

    # -- the lane's own thread

    def loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if self._closing:
                    break
                ticket, listener = self._queue.popleft()
                self._current, self._cancelled, self._stalled = ticket, False, False
            outcome = self._run(ticket, listener)
            with self._changed:
                self._current = None
            listener(outcome)
            self._replace()
        self._bury()
        self._done.set()

    def _run(self, ticket: Ticket, listener: Listener) -> Outcome:
        fresh = self.child is None
        outcome = self._attempt(ticket, listener)
        if outcome is None and not fresh and not self._cancelled:
            # A worker that died while idle is found out by the next job, which it cannot have touched.
            outcome = self._attempt(ticket, listener)
        if outcome is not None and not isinstance(outcome, Failed):
            return outcome
        if outcome is None:
            outcome = self._lost(ticket)
        return Stopped(ticket.job) if self._cancelled else outcome

    def _attempt(self, ticket: Ticket, listener: Listener) -> Outcome | None:
        """Returns the outcome; None when the worker was gone before it said a word about the job."""
        try:
            child = self._child()
        except GenerationError as error:
            return Failed(ticket.job, error.code, error.message)
        child.channel.send(Run(ticket, self._targets))
        if self._cancelled:
            child.channel.send(Cancel(ticket.job))
        spoken = False
        while (report := child.channel.report()) is not None:
            self._heard = monotonic()
            match report:
                case Progress():
                    listener(report)
                case Finished() | Failed() | Stopped():
                    return report
                case Beat(job=job):
                    spoken = spoken or job == ticket.job
                case Ready():
                    pass
                case _:
                    assert_never(report)
        self._bury()
        return self._lost(ticket) if spoken else None

    def _child(self) -> Child:
        if self.child is None:
            child = self._nursery.birth()
            with self._changed:
                self.child, self._heard = child, monotonic()
        self._heard = monotonic()
        return self.child

    def _lost(self, ticket: Ticket) -> Outcome:
        """Clears away what a dead worker left of a job and keeps its log."""
        self._bury()
        log = Path(ticket.output) / f"{ticket.stem}.log"
        why = f"said nothing for long and was ended (log: {log.name})" if self._stalled else f"died (log: {log.name})"
        with contextlib.suppress(OSError):
            if not self._cancelled:
                log.write_bytes((ticket.desk / LOG).read_bytes()[-_LOG_TAIL:])
        shutil.rmtree(ticket.desk, ignore_errors=True)
        return Failed(ticket.job, "worker_lost", f"The worker process {why}.")

    def _replace(self) -> None:
        """Has a new worker ready before the next job asks for one."""
        if self.child is None and not self._closing:
            with contextlib.suppress(GenerationError):  # said again, to whom it concerns, by the next job
                self._child()

    def _bury(self) -> None:
        with self._changed:
            child, self.child = self.child, None
        if child is not None:
            child.bury()
