"""Runs jobs in child processes of this machine, on lanes of their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import partial
from threading import Event, Thread, Timer
from typing import Final

from genlock.errors import NotFound, Refused
from genlock.generation.engine import LANES, Engines, Lane, Plan
from genlock.generation.executor import Gone, Listener, Move, Moved, Ticket, Watcher
from genlock.generation.memory.machine import Machine
from genlock.generation.nursery import Nursery, nursery
from genlock.generation.slot import Setting, Slot

GRACE: Final = 0.5
PATIENCE: Final = 10.0
"""Seconds between asking a job to stop and killing its worker: where it holds models they would all be lost, and a job that
asks at its steps stops long before."""

STALL: Final = 30.0
"""Seconds of silence after which a worker counts as hung; a living one says something every second."""

WARM_AFTER: Final = 1.0
"""Seconds after the start at which workers are prepared, so that preparing does not slow the start itself."""

SLOTS: Final[Mapping[Lane, int]] = dict.fromkeys(LANES, 1)


class LocalExecutor:
    """Executor over worker processes, `slots` of them a lane (one without). A crash costs the job that ran, and the models
    its process held. `machine` says where models compute."""

    def __init__(
        self,
        engines: Engines | None = None,
        *,
        slots: Mapping[Lane, int] | None = None,
        nursery_: Nursery | None = None,
        machine: Machine | None = None,
        grace: float = GRACE,
        patience: float = PATIENCE,
        stall: float = STALL,
        warm_after: float = WARM_AFTER,
    ) -> None:
        self.engines = engines or Engines()
        self._nursery = nursery_ or nursery()
        self._watcher: Watcher = _nobody
        self._stall, self._warm_after = stall, warm_after
        setting = Setting(self._nursery, self.engines.targets, machine, grace, patience, self._weighty)
        self._lanes: dict[Lane, list[Slot]] = {
            lane: [Slot(setting, partial(self._tell, lane) if number == 0 else None) for number in range(count)]
            for lane, count in (slots or SLOTS).items()
        }
        self._closing = Event()
        self._warmer: Timer | None = None
        self._started = False

    def start(self) -> None:
        """Starts the lanes; worker processes come with the first job, or a moment later."""
        if self._started:
            return
        self._started = True
        for lane, slots in self._lanes.items():
            for slot in slots:
                Thread(target=slot.loop, name=f"generation-{lane}", daemon=True).start()
        Thread(target=self._check, name="generation-watch", daemon=True).start()
        self._warmer = Timer(self._warm_after, self._warm)
        self._warmer.daemon = True
        self._warmer.start()

    def submit(self, ticket: Ticket, listener: Listener) -> None:
        """Puts a job on its plan's lane."""
        if not self._started or self._closing.is_set():
            raise Refused("wrong_state", "The executor is not running.")
        if any(slot.has(ticket.job) for slot in self._slots()):
            raise Refused("wrong_state", f"The job {ticket.job} is here already.")
        slots = self._lane(ticket.plan.lane)
        # Those that need no models keep the way free for those that do.
        slot = slots[0] if ticket.plan.components else min(reversed(slots), key=Slot.load)
        slot.add(ticket, listener)

    def cancel(self, job: str) -> None:
        """Ends a job wherever it is."""
        for slot in self._slots():
            slot.cancel(job)

    def proceed(self, job: str, moves: tuple[Move, ...] = ()) -> None:
        """Lets a job begin its stage."""
        for slot in self._slots():
            slot.proceed(job, moves)

    def move(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        """Asks the lane's first worker for moves; where there is none, nothing is held and all are answered at once."""
        self._lane(lane)[0].move(moves)

    def watch(self, watcher: Watcher) -> None:
        """Names who is told."""
        self._watcher = watcher

    def close(self) -> None:
        """Stops every job and every worker."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._warmer is not None:
            self._warmer.cancel()
        for slot in self._slots():
            slot.close(started=self._started)
        self._nursery.close()

    def pids(self) -> dict[Lane, list[int]]:
        """Returns the process ids of the workers alive."""
        return {lane: [s.child.pid for s in slots if s.child is not None] for lane, slots in self._lanes.items()}

    def allocated(self) -> dict[Lane, int]:
        """Returns the bytes of a GPU that each lane's workers said last they have in use."""
        return {lane: sum(slot.allocated for slot in slots) for lane, slots in self._lanes.items()}

    def _warm(self) -> None:
        self._nursery.warm()
        # Where no model can run, nobody pays for their libraries.
        if any(self._uses_torch(name) and not self.engines.get(name).missing() for name in self.engines.names()):
            self._nursery.warm(models=True)

    def _weighty(self, plan: Plan) -> bool:
        return bool(plan.components) and self._uses_torch(plan.engine)

    def _uses_torch(self, name: str) -> bool:
        with contextlib.suppress(NotFound):
            return "torch" in self.engines.get(name).libraries()
        return False

    def _lane(self, lane: Lane) -> list[Slot]:
        return self._lanes.get(lane) or self._lanes["heavy"]

    def _slots(self) -> Iterator[Slot]:
        for slots in self._lanes.values():
            yield from slots

    def _tell(self, lane: Lane, what: Moved | Gone) -> None:
        self._watcher(lane, what)

    def _check(self) -> None:
        while not self._closing.wait(min(1.0, self._stall / 4)):
            for slot in self._slots():
                slot.check(self._stall)


def _nobody(lane: Lane, what: Moved | Gone) -> None:
    """Watches nothing."""
