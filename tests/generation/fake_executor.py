"""An executor that makes nothing: what an engine's name says happens."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from threading import Condition, Thread

from genlock.errors import Refused
from genlock.generation.engine import Engines, Lane
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
    Watcher,
)
from genlock.project.shot import Take


class FakeExecutor:
    """`slow` runs until it is cancelled or let go, `broken` fails, `killed` loses its worker, `hungry` lacks memory for
    the plan `large`, all else finishes at once. Stages are asked for, and their parts held as models would be:
    `held` says on which tier. A lost worker loses them."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.tickets: list[Ticket] = []
        self._queue: deque[tuple[Ticket, Listener]] = deque()
        self._current: Ticket | None = None
        self._cancelled: set[str] = set()
        self._let_go: set[str] = set()
        self.held: dict[Lane, dict[str, str]] = {}
        self._watcher: Watcher = lambda lane, what: None
        self._proceed: dict[str, tuple[Move, ...]] = {}
        self._due: list[tuple[Lane, tuple[Move, ...]]] = []
        self._changed = Condition()
        self._open = False
        self._thread = Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        if not self._open:
            self._open = True
            self._thread.start()

    def submit(self, ticket: Ticket, listener: Listener) -> None:
        with self._changed:
            if not self._open:
                raise Refused("wrong_state")
            here = [held.job for held, _ in self._queue] + ([self._current.job] if self._current else [])
            if ticket.job in here:
                raise Refused("wrong_state")
            self.tickets.append(ticket)
            self._queue.append((ticket, listener))
            self._changed.notify_all()

    def cancel(self, job: str) -> None:
        with self._changed:
            waiting = [entry for entry in self._queue if entry[0].job == job]
            for entry in waiting:
                self._queue.remove(entry)
            if self._current is not None and self._current.job == job:
                self._cancelled.add(job)
            self._changed.notify_all()
        for _, listener in waiting:
            listener(Stopped(job))

    def close(self) -> None:
        with self._changed:
            was_open, self._open = self._open, False
            self._changed.notify_all()
        if was_open:
            self._thread.join(5)

    def proceed(self, job: str, moves: tuple[Move, ...] = ()) -> None:
        with self._changed:
            if self._current is not None and self._current.job == job:
                self._proceed[job] = moves
                self._changed.notify_all()

    def move(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        with self._changed:
            self._due.append((lane, moves))
            self._changed.notify_all()

    def watch(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def let_go(self, job: str) -> None:
        """Lets a slow job finish."""
        with self._changed:
            self._let_go.add(job)
            self._changed.notify_all()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._due or not self._open)
            self._shift()
            with self._changed:
                if not self._open:
                    break
                if not self._queue:
                    continue
                ticket, listener = self._queue.popleft()
                self._current = ticket
            outcome = self._run(ticket, listener)
            with self._changed:
                self._current = None
                self._cancelled.discard(ticket.job)
                self._proceed.pop(ticket.job, None)
            listener(outcome)
        for ticket, listener in self._queue:
            listener(Stopped(ticket.job))

    def _run(self, ticket: Ticket, listener: Listener) -> Outcome:
        job, engine = ticket.job, ticket.plan.engine
        listener(Progress(job, 1, 2, "frames"))
        sizes = {component.name: component.bytes for component in ticket.plan.components}
        for stage in ticket.plan.stages:
            listener(Staging(job, stage.name))
            if not self._wait(job, self._proceed):
                return Stopped(job)
            self._make(ticket.plan.lane, self._proceed.pop(job))
            for name in stage.components:
                if self.held.setdefault(ticket.plan.lane, {}).get(name) != "device":
                    self.held[ticket.plan.lane][name] = "device"
                    self._watcher(ticket.plan.lane, Moved(name, "device", sizes[name], 0.01))
        if engine == "slow" and not self._wait(job, self._let_go):
            return Stopped(job)
        if engine == "broken":
            return Failed(job, "engine_failed", "a wheel came off")
        if engine == "killed":
            self.held.pop(ticket.plan.lane, None)
            self._watcher(ticket.plan.lane, Gone())
            return Failed(job, "worker_lost", "it died")
        if engine == "hungry" and ticket.plan.name == "large":
            return Failed(job, "needs_memory", "too much")
        listener(Progress(job, 2, 2, "frames"))
        return Finished(job, Take(id=f"take-{job}", number=ticket.number, path=f"{ticket.output}/{ticket.stem}.mov"))

    def _wait(self, job: str, for_: Container[str]) -> bool:
        """Makes moves until the job is let through; False when it is cancelled before."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: job in for_ or job in self._cancelled or self._due or not self._open)
                if job in self._cancelled or not self._open:
                    return False
                if job in for_ and not self._due:
                    return True
            self._shift()

    def _shift(self) -> None:
        with self._changed:
            due, self._due = self._due, []
        for lane, moves in due:
            self._make(lane, moves)

    def _make(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        held = self.held.setdefault(lane, {})
        for move in moves:
            tier = move.to if move.component in held else "disk"
            if tier == "disk":
                held.pop(move.component, None)
            else:
                held[move.component] = tier
            self._watcher(lane, Moved(move.component, tier))
