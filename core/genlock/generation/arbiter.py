"""Who may use the memory, and when. Nothing loads a byte without a lease.

This arbiter counts: slots a lane and bytes against one budget. Waiting jobs are served by priority, then in the order
they came; one that fits may pass one that does not, but only `PATIENCE` times.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Any, Final, Literal

from msgspec import Struct

from genlock.errors import GenerationError
from genlock.generation.engine import Component, Lane, Plan

PATIENCE: Final = 4
"""How often a waiting job may be passed by later ones that fit."""

HISTORY: Final = 256
"""Decisions kept for `genlock memory`."""

Verdict = Literal["granted", "queued", "refused", "abandoned", "shrunk", "released"]


class Need(Struct, frozen=True, omit_defaults=True):
    """What a job holds while it runs: its model parts, and `activation` bytes on top. Higher `priority` is served first."""

    owner: str
    components: tuple[Component, ...] = ()
    activation: int = 0
    priority: int = 0

    @property
    def bytes(self) -> int:
        return self.activation + sum(component.bytes for component in self.components)

    @classmethod
    def of(cls, owner: str, plan: Plan, priority: int = 0) -> Need:
        """Returns the need of a plan."""
        return cls(owner, plan.components, plan.activation, priority)


class Decision(Struct, frozen=True, omit_defaults=True):
    """One decision with its reason. `bytes` are what the owner holds (or wants) after it, `free` what is left of the
    budget; `at` is monotonic seconds."""

    verdict: Verdict
    owner: str
    lane: Lane
    bytes: int
    free: int
    reason: str
    at: float


class Lease:
    """Memory and a slot, held until released; an async context manager, so that `finally` releases it."""

    def __init__(self, arbiter: Arbiter, need: Need, lane: Lane) -> None:
        self.need, self.lane = need, lane
        self.bytes = need.bytes
        self.used = 0
        """What the worker reported last, in bytes."""
        self.step = (0, 0)
        self.open = True
        self._arbiter = arbiter

    async def __aenter__(self) -> Lease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def report(self, done: int, total: int, used: int = 0) -> None:
        """Notes how far the job is and how many bytes it uses."""
        self.step, self.used = (done, total), used or self.used

    def shrink(self, to: int, reason: str = "a part is no longer needed") -> None:
        """Gives back all but `to` bytes early, as after encoding a prompt; growing is not possible."""
        if self.open and 0 <= to < self.bytes:
            self._arbiter._shrink(self, to, reason)

    def release(self) -> None:
        """Gives everything back; a second call does nothing."""
        if self.open:
            self._arbiter._release(self)


class _Waiter:
    def __init__(self, need: Need, lane: Lane, number: int) -> None:
        self.need, self.lane, self.number = need, lane, number
        self.passed = 0
        self.granted: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()

    @property
    def order(self) -> tuple[int, int]:
        return -self.need.priority, self.number


class Arbiter:
    """Grants leases within `budget` bytes and `slots` a lane. All but `state` belongs to one event loop."""

    def __init__(
        self,
        budget: int,
        slots: Mapping[Lane, int] | None = None,
        *,
        on_decision: Callable[[Decision], None] = lambda _: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.budget = budget
        self.slots: dict[Lane, int] = dict(slots or {"heavy": 1, "interactive": 1})
        self.decisions: deque[Decision] = deque(maxlen=HISTORY)
        self._on_decision, self._clock = on_decision, clock
        self._leases: list[Lease] = []
        self._waiters: list[_Waiter] = []
        self._count = 0
        self._lock = Lock()

    @property
    def held(self) -> int:
        """Bytes held by all leases."""
        return sum(lease.bytes for lease in self._leases)

    async def acquire(self, need: Need, lane: Lane = "heavy", deadline: float | None = None) -> Lease:
        """Returns a lease, waiting for its turn.

        `deadline` is in seconds from now. Raises GenerationError(needs_memory) when the need can never fit, or did not
        within the deadline; cancelling the caller takes it out of the queue.
        """
        if need.bytes > self.budget or not self.slots.get(lane):
            reason = (
                f"needs {need.bytes} bytes of a budget of {self.budget}" if self.slots.get(lane) else "no such lane"
            )
            self._log("refused", need.owner, lane, need.bytes, reason)
            raise GenerationError("needs_memory", f"The job {reason}.", needed=need.bytes, budget=self.budget)
        waiter = _Waiter(need, lane, self._count)
        self._count += 1
        with self._lock:
            self._waiters.append(waiter)
        self._serve()
        if not waiter.granted.done():
            self._log("queued", need.owner, lane, need.bytes, self._obstacle(waiter) or "others came first")
        try:
            return await asyncio.wait_for(asyncio.shield(waiter.granted), deadline)
        except TimeoutError as error:
            self._abandon(waiter, "the deadline passed")
            raise GenerationError(
                "needs_memory", f"No room for {need.bytes} bytes within {deadline:g} seconds.", needed=need.bytes
            ) from error
        except asyncio.CancelledError:
            self._abandon(waiter, "the job was withdrawn")
            raise

    def state(self) -> dict[str, Any]:
        """Returns a JSON-ready picture of budget, leases, queue and the last decisions. Callable from any thread."""
        with self._lock:
            leases, waiters, decisions = list(self._leases), list(self._waiters), list(self.decisions)
        return {
            "budget": self.budget,
            "held": sum(lease.bytes for lease in leases),
            "slots": dict(self.slots),
            "leases": [
                {
                    "owner": lease.need.owner,
                    "lane": lease.lane,
                    "bytes": lease.bytes,
                    "used": lease.used,
                    "step": list(lease.step),
                    "components": [{"name": c.name, "bytes": c.bytes} for c in lease.need.components],
                }
                for lease in leases
            ],
            "waiting": [
                {"owner": w.need.owner, "lane": w.lane, "bytes": w.need.bytes, "priority": w.need.priority}
                for w in sorted(waiters, key=lambda w: w.order)
            ],
            "decisions": [
                {
                    "verdict": d.verdict,
                    "owner": d.owner,
                    "lane": d.lane,
                    "bytes": d.bytes,
                    "reason": d.reason,
                    "at": d.at,
                }
                for d in decisions
            ],
        }

    def _serve(self) -> None:
        """Grants whatever fits, in order; stops where a job has been passed often enough."""
        passed: list[_Waiter] = []
        for waiter in sorted(self._waiters, key=lambda w: w.order):
            if waiter.granted.done():
                continue
            if not self._slot_free(waiter.lane):
                continue  # the lane is full: whoever else runs takes nothing from this one
            if self._obstacle(waiter):
                if waiter.passed >= PATIENCE:
                    return
                passed.append(waiter)
                continue
            self._grant(waiter, passed)

    def _grant(self, waiter: _Waiter, passed: list[_Waiter]) -> None:
        lease = Lease(self, waiter.need, waiter.lane)
        with self._lock:
            self._waiters.remove(waiter)
            self._leases.append(lease)
        for other in passed:
            other.passed += 1
        reason = f"fits, ahead of {len(passed)} that do not" if passed else "its turn, and it fits"
        self._log("granted", waiter.need.owner, waiter.lane, lease.bytes, reason)
        waiter.granted.set_result(lease)

    def _obstacle(self, waiter: _Waiter) -> str:
        """Returns what keeps a waiter from running now; empty when nothing does."""
        if not self._slot_free(waiter.lane):
            return f"every slot of the lane {waiter.lane} is taken"
        free = self.budget - self.held
        return f"{waiter.need.bytes} bytes wanted, {free} free" if waiter.need.bytes > free else ""

    def _slot_free(self, lane: Lane) -> bool:
        return sum(lease.lane == lane for lease in self._leases) < self.slots[lane]

    def _abandon(self, waiter: _Waiter, reason: str) -> None:
        if waiter.granted.done() and not waiter.granted.cancelled():
            waiter.granted.result().release()
            return
        waiter.granted.cancel()
        with self._lock:
            self._waiters.remove(waiter)
        self._log("abandoned", waiter.need.owner, waiter.lane, waiter.need.bytes, reason)
        self._serve()

    def _shrink(self, lease: Lease, to: int, reason: str) -> None:
        with self._lock:
            lease.bytes = to
        self._log("shrunk", lease.need.owner, lease.lane, to, reason)
        self._serve()

    def _release(self, lease: Lease) -> None:
        with self._lock:
            lease.open = False
            self._leases.remove(lease)
        self._log("released", lease.need.owner, lease.lane, 0, "the job ended")
        self._serve()

    def _log(self, verdict: Verdict, owner: str, lane: Lane, size: int, reason: str) -> None:
        decision = Decision(verdict, owner, lane, size, self.budget - self.held, reason, self._clock())
        with self._lock:
            self.decisions.append(decision)
        self._on_decision(decision)


def machine_budget(share: float = 0.5) -> int:
    """Returns `share` of this machine's memory in bytes; 8 GiB where the system does not say."""
    import os

    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * share)
    except (AttributeError, ValueError, OSError):
        return 8 << 30
