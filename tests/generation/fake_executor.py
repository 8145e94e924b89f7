"""An executor that makes nothing: what an engine's name says happens."""

from __future__ import annotations

from collections import deque
from threading import Condition, Thread

from genlock.errors import Refused
from genlock.generation.engine import Engines
from genlock.generation.executor import Failed, Finished, Listener, Outcome, Progress, Stopped, Ticket
from genlock.project.shot import Take


class FakeExecutor:
    """`slow` runs until it is cancelled or let go, `broken` fails, `killed` loses its worker, `hungry` lacks memory for
    the plan `large`, all else finishes at once."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.tickets: list[Ticket] = []
        self._queue: deque[tuple[Ticket, Listener]] = deque()
        self._current: Ticket | None = None
        self._cancelled: set[str] = set()
        self._let_go: set[str] = set()
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

    def let_go(self, job: str) -> None:
        """Lets a slow job finish."""
        with self._changed:
            self._let_go.add(job)
            self._changed.notify_all()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or not self._open)
                if not self._open:
                    break
                ticket, listener = self._queue.popleft()
                self._current = ticket
            outcome = self._run(ticket, listener)
            with self._changed:
                self._current = None
                self._cancelled.discard(ticket.job)
            listener(outcome)
        for ticket, listener in self._queue:
            listener(Stopped(ticket.job))

    def _run(self, ticket: Ticket, listener: Listener) -> Outcome:
        job, engine = ticket.job, ticket.plan.engine
        listener(Progress(job, 1, 2, "frames"))
        if engine == "slow":
            with self._changed:
                self._changed.wait_for(lambda: job in self._cancelled | self._let_go or not self._open)
                if job in self._cancelled or not self._open:
                    return Stopped(job)
        if engine == "broken":
            return Failed(job, "engine_failed", "a wheel came off")
        if engine == "killed":
            return Failed(job, "worker_lost", "it died")
        if engine == "hungry" and ticket.plan.name == "large":
            return Failed(job, "needs_memory", "too much")
        listener(Progress(job, 2, 2, "frames"))
        return Finished(job, Take(id=f"take-{job}", number=ticket.number, path=f"{ticket.output}/{ticket.stem}.mov"))
