"""One slot of a lane: its queue, its worker process, and the threads that talk to it."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Condition, Event, Thread, Timer
from time import monotonic
from typing import Final

from msgspec import Struct

from genlock.errors import GenerationError
from genlock.generation.channel import Beat, Cancel, Proceed, Ready, Report, Run, Shift
from genlock.generation.devices import device
from genlock.generation.engine import Plan
from genlock.generation.executor import (
    Failed,
    Finished,
    Gone,
    Listener,
    Move,
    Moved,
    Outcome,
    Progress,
    Staging,
    Stopped,
    Ticket,
)
from genlock.generation.memory.machine import Machine, here
from genlock.generation.nursery import Child, InterpreterNursery, Nursery
from genlock.generation.worker import LOG

log = logging.getLogger(__name__)

_LOG_TAIL: Final = 64 << 10


class Setting(Struct, frozen=True):
    """What all slots of an executor have in common. `grace` and `patience` are seconds between asking a job to stop and
    killing its process, without and with models in it; `weighty` says whether a plan needs the model libraries."""

    nursery: Nursery
    targets: dict[str, str]
    machine: Machine | None
    grace: float
    patience: float
    weighty: Callable[[Plan], bool]


class Slot:
    """Runs one job at a time, in the order they came. `tell` hears of the models of its process; without it none are held
    there.

    Everything the process says is read by a thread of its own, so that its end is noticed when it has nothing to do, too;
    it is acted upon by the thread of `loop`, in order.
    """

    def __init__(self, setting: Setting, tell: Callable[[Moved | Gone], None] | None) -> None:
        self.child: Child | None = None
        self.allocated = 0
        """Bytes of a GPU in use, as the worker said last."""
        self._setting, self._tell = setting, tell
        self._held: set[str] = set()
        self._asked: set[str] = set()  # moves that are not answered
        self._interpreter = ""
        self._models = False
        self._queue: deque[tuple[Ticket, Listener]] = deque()
        self._said: deque[tuple[Child | None, Report | None]] = deque()
        self._changed = Condition()
        self._current: Ticket | None = None
        self._cancelled = False
        self._stalled = False
        self._heard = monotonic()
        self._closing = False
        self._done = Event()

    # -- callers' threads

    def has(self, job: str) -> bool:
        """Whether a job waits or runs here."""
        with self._changed:
            return any(ticket.job == job for ticket, _ in self._queue) or self._runs(job)

    def load(self) -> int:
        """Returns how many jobs wait or run here."""
        with self._changed:
            return len(self._queue) + (self._current is not None)

    def add(self, ticket: Ticket, listener: Listener) -> None:
        """Takes a job."""
        with self._changed:
            self._queue.append((ticket, listener))
            self._changed.notify_all()

    def cancel(self, job: str) -> None:
        """Ends a job if it is here."""
        with self._changed:
            waiting = [entry for entry in self._queue if entry[0].job == job]
            for entry in waiting:
                self._queue.remove(entry)
            running = self._current if self._runs(job) else None
            if running is not None:
                self._cancelled = True
            child = self.child
        for _, listener in waiting:
            listener(Stopped(job))
        if running is not None and child is not None:
            self._ask_to_end(running, child)

    def proceed(self, job: str, moves: tuple[Move, ...]) -> None:
        """Lets a job begin its stage if it runs here."""
        with self._changed:
            child = self.child if self._runs(job) else None
            if child is not None:
                self._asked.update(move.component for move in moves)
        if child is not None:
            child.channel.send(Proceed(job, moves))

    def move(self, moves: tuple[Move, ...]) -> None:
        """Asks the process for moves; without one the answer is that nothing is there."""
        with self._changed:
            child = self.child
            if child is None:
                self._said += [(None, Moved(move.component, "disk")) for move in moves]
                self._changed.notify_all()
            else:
                if not self._asked and self._current is None:
                    self._heard = monotonic()  # it had nothing to say so far
                self._asked.update(move.component for move in moves)
        if child is not None:
            child.channel.send(Shift(moves))  # to one that died meanwhile: its end is told

    def close(self, *, started: bool) -> None:
        """Ends everything here."""
        with self._changed:
            self._closing = True
            waiting = list(self._queue)
            self._queue.clear()
            self._cancelled = True
            child = self.child
            self._changed.notify_all()
        for ticket, listener in waiting:
            listener(Stopped(ticket.job))
        if child is not None:
            child.kill()
        if started:
            self._done.wait(5)

    def check(self, stall: float) -> None:
        """Kills a worker that has something to do and has been silent for too long."""
        with self._changed:
            busy = self._current is not None or bool(self._asked)
            hung = busy and self.child is not None and monotonic() - self._heard > stall
            self._stalled = self._stalled or hung
            child = self.child
        if hung and child is not None:
            child.kill()

    def _ask_to_end(self, ticket: Ticket, child: Child) -> None:
        """Asks a worker to stop a job, and kills it should that take too long."""
        child.channel.send(Cancel(ticket.job))
        wait = self._setting.patience if self._held else self._setting.grace
        killer = Timer(wait, self._kill_if_running, (ticket, child))
        killer.daemon = True
        killer.start()

    def _kill_if_running(self, ticket: Ticket, child: Child) -> None:
        with self._changed:
            still = self._current is ticket and self.child is child
        if still:
            child.kill()

    def _runs(self, job: str) -> bool:
        return self._current is not None and self._current.job == job

    # -- the thread that listens to a worker

    def _listen(self, child: Child) -> None:
        report: Report | None = Ready(child.pid)
        while report is not None:
            report = child.channel.report()
            with self._changed:
                self._said.append((child, report))
                self._changed.notify_all()

    # -- the slot's own thread

    def loop(self) -> None:
        """Works until `close`."""
        while self._idle():
            with self._changed:
                ticket, listener = self._queue.popleft()
                self._current, self._cancelled, self._stalled = ticket, False, False
            try:
                outcome = self._run(ticket, listener)
            except Exception as error:  # a background task: whatever went wrong costs this job, not the lane
                log.exception("job %s", ticket.job)
                outcome = Failed(ticket.job, "worker_lost", f"No worker can be had: {type(error).__name__}: {error}")
            with self._changed:
                self._current = None
            listener(outcome)
            self._replace()
        self._bury()
        self._done.set()

    def _idle(self) -> bool:
        """Waits for a job and hears meanwhile what the worker says; False at the end of all."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._said or self._closing)
                if self._closing:
                    return False
                if not self._said:
                    return True
                child, report = self._said.popleft()
            if self._hear(child, report) is None and child is self.child and child is not None:
                self._bury()
                self._replace()

    def _hear(self, child: Child | None, report: Report | None) -> Report | None:
        """Notes what does not concern a job, and returns the report. What a process that is gone had to say of its models
        came before the news of its end, or counts no more."""
        if child is self.child:
            self._heard = monotonic()
        match report:
            case Moved(component=component, tier=tier) if child is None or child is self.child:
                with self._changed:
                    self._asked.discard(component)
                    (self._held.discard if tier == "disk" else self._held.add)(component)
                if self._tell is not None:
                    self._tell(report)
            case Beat(allocated=allocated) if child is self.child:
                self.allocated = allocated
        return report

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
            self._prepare(ticket.plan)
            child = self._child()
        except GenerationError as error:
            return Failed(ticket.job, error.code, error.message)
        where = device(self._setting.machine or here()).name if ticket.plan.components else "cpu"
        child.channel.send(Run(ticket, self._setting.targets, where))
        if self._cancelled:  # before there was a worker to ask
            self._ask_to_end(ticket, child)
        spoken = False
        while (report := self._next(child)) is not None:
            match report:
                case Progress() | Staging():
                    listener(report)
                case Finished() | Failed() | Stopped():
                    return report
                case Beat(job=job):
                    spoken = spoken or job == ticket.job
        self._bury()
        return self._lost(ticket) if spoken else None

    def _next(self, child: Child) -> Report | None:
        """Waits for the next report of a worker; None when it is gone."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._said)
                teller, said = self._said.popleft()
            report = self._hear(teller, said)
            if teller is child:
                return report

    def _prepare(self, plan: Plan) -> None:
        """Makes way for another kind of process where a plan needs one."""
        interpreter = str(plan.how.get("python", ""))
        models = not interpreter and self._setting.weighty(plan)
        with self._changed:
            lighter = self.child is not None and models and not self.child.models and not self._held
        if interpreter != self._interpreter:
            self._bury()
        elif lighter:
            self._bury(silently=True)
        self._interpreter, self._models = interpreter, models or (self._models and not interpreter)

    def _child(self) -> Child:
        if self.child is None:
            nursery = InterpreterNursery(self._interpreter) if self._interpreter else self._setting.nursery
            child = nursery.birth(models=self._models)
            try:
                Thread(target=self._listen, args=(child,), name="generation-listen", daemon=True).start()
            except RuntimeError as error:
                child.bury()
                raise GenerationError("worker_lost", f"Nobody can listen to a worker: {error}.") from error
            with self._changed:
                self.child = child
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

    def _bury(self, *, silently: bool = False) -> None:
        """Frees what is kept of the worker, and tells that its models are gone; of one that holds none only who waits for
        an answer."""
        with self._changed:
            child, self.child = self.child, None
            silently = silently and not self._asked
            self.allocated = 0
            self._held.clear()
            self._asked.clear()
        if child is None:
            return
        child.bury()
        if self._tell is not None and not self._closing and not silently:
            self._tell(Gone())
