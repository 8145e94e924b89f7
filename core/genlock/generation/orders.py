"""What the daemon wants of a worker, kept by the thread that listens for the thread that works."""

from __future__ import annotations

from collections import deque
from threading import Condition

from genlock.generation.channel import Cancel, Order, Proceed, Run, Shift
from genlock.generation.executor import Move


class Orders:
    """`put` from the listening thread, all else from the working one."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._runs: deque[Run] = deque()
        self._moves: list[Move] = []
        self._jobs: set[str] = set()
        self._stopped: set[str] = set()
        self._proceed: Proceed | None = None

    def put(self, order: Order) -> None:
        """Takes an order in."""
        with self._changed:
            match order:
                case Run(ticket=ticket):
                    self._jobs.add(ticket.job)
                    self._runs.append(order)
                case Cancel(job=job):
                    # One for a job that is over already must not stop its retry; one that comes first is said again.
                    if job in self._jobs:
                        self._stopped.add(job)
                case Proceed(job=job):
                    if job in self._jobs:
                        self._proceed = order
                case Shift(moves=moves):
                    self._moves += moves
            self._changed.notify_all()

    def next(self) -> Run | None:
        """Waits for something to do: a job, or None when there are moves."""
        with self._changed:
            self._changed.wait_for(lambda: self._runs or self._moves)
            return None if self._moves else self._runs.popleft()

    def moves(self) -> tuple[Move, ...]:
        """Returns the moves that are due, once."""
        if not self._moves:  # asked at every frame; one that comes this instant is due at the next
            return ()
        with self._changed:
            moves, self._moves = tuple(self._moves), []
        return moves

    def stopped(self, job: str) -> bool:
        """Whether a job is to stop."""
        return job in self._stopped

    def proceed(self, job: str) -> tuple[Move, ...] | None:
        """Waits until a job may begin the stage it asked for, and returns the moves to make first; None when something
        else comes before: moves, or its end."""
        with self._changed:
            self._changed.wait_for(lambda: self._moves or job in self._stopped or self._said(job))
            if self._moves or job in self._stopped or self._proceed is None:
                return None
            moves, self._proceed = self._proceed.moves, None
            return moves

    def over(self, job: str) -> None:
        """Forgets a job that ended."""
        with self._changed:
            self._jobs.discard(job)
            self._stopped.discard(job)
            self._proceed = None

    def _said(self, job: str) -> bool:
        return self._proceed is not None and self._proceed.job == job
