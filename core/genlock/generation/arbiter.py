"""Who may use the memory, and when. Nothing loads a byte without a lease.

The ledger decides; this shell waits. Jobs are served by priority, then in the order they came; one that fits may pass one
that does not, but only `PATIENCE` times. A lease enters the stages of its plan one by one: what has to leave other lanes
for a stage has left before `enter` returns.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from threading import RLock
from time import monotonic
from types import TracebackType
from typing import Any, Final, Literal, assert_never

from msgspec import Struct, to_builtins

from genlock.errors import GenerationError
from genlock.generation.engine import LANES, Component, Lane, Plan, Tier
from genlock.generation.executor import Move
from genlock.generation.memory import sentences
from genlock.generation.memory.ledger import Admitted, Eviction, Ledger, Never, Wait
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.traces import lines

PATIENCE: Final = 4
"""How often a waiting job may be passed by later ones that fit."""

HISTORY: Final = 256
"""Decisions kept for `genlock memory`."""

MOVING: Final = 30.0
"""Seconds another lane has to let go of what it was asked for. A process that says nothing for as long is ended by the
executor, which lets go of everything."""

SLOTS: Final[Mapping[Lane, int]] = dict.fromkeys(LANES, 1)

Verdict = Literal[
    "granted", "queued", "refused", "abandoned", "shrunk", "released", "entered", "evicted", "stuck", "lost", "budget",
    "fallback",
]  # fmt: skip


class Need(Struct, frozen=True):
    """A job that wants to run a plan. Higher `priority` is served first. A `patient` one waits while other programs hold
    what it needs, instead of being refused: it has no other way worth taking."""

    owner: str
    plan: Plan
    priority: int = 0
    patient: bool = False


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

    def __init__(self, arbiter: Arbiter, need: Need, key: int, since: float) -> None:
        self.need, self.lane, self.key, self.since = need, need.plan.lane, key, since
        self.bytes = need.plan.bytes
        self.used = 0
        """What the worker reported last, in bytes."""
        self.step = (0, 0)
        self.stage = ""
        self.open = True
        self.ordered: dict[str, Move] = {}
        """Moves of its own worker that were not confirmed yet, by component."""
        self.ready: asyncio.Future[None] | None = None
        self._arbiter = arbiter

    async def __aenter__(self) -> Lease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    async def enter(self, stage: str) -> tuple[Move, ...]:
        """Begins a stage of the plan ("" for one without stages): returns the moves that the lease's own worker makes
        first, when all that other workers had to make are done.

        Raises GenerationError(needs_memory) when another worker does not let go or the stage was given back by `shrink`,
        (engine_failed) for a stage the plan does not have.
        """
        return await self._arbiter._enter(self, stage)

    def report(self, done: int, total: int, used: int = 0) -> None:
        """Notes how far the job is and how many bytes it uses."""
        self.step, self.used = (done, total), used or self.used

    def shrink(self, to: int, reason: str = "a part is no longer needed") -> None:
        """Gives back all but `to` bytes early, as after encoding a prompt, but never what the present stage needs; growing
        is not possible."""
        if self.open and 0 <= to < self.bytes:
            self._arbiter._shrink(self, to, reason)

    def release(self) -> None:
        """Gives everything back; a second call does nothing."""
        if self.open:
            self._arbiter._release(self)


class _Waiter:
    def __init__(self, need: Need, number: int) -> None:
        self.need, self.lane, self.number = need, need.plan.lane, number
        self.passed = 0
        self.parked = False
        self.reason = ""
        self.granted: asyncio.Future[Lease] = asyncio.get_running_loop().create_future()

    @property
    def order(self) -> tuple[int, int]:
        return -self.need.priority, self.number


class Arbiter:
    """Grants leases by what the ledger says. All but `state`, `forecast` and `note` belongs to one event loop.

    `mover` asks a lane's worker for moves (Executor.move); each is to be answered by `moved` or `lost`.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        mover: Callable[[Lane, tuple[Move, ...]], None] = lambda lane, moves: None,
        on_decision: Callable[[Decision], None] = lambda _: None,
        clock: Callable[[], float] = monotonic,
        moving: float = MOVING,
    ) -> None:
        self.mover = mover
        self.decisions: deque[Decision] = deque(maxlen=HISTORY)
        self._ledger, self._moving = ledger, moving
        self._limits = {lane: ledger.limit(lane) for lane in ledger.slots}
        """Bytes a lane may have while no other program holds any."""
        self._on_decision, self._clock = on_decision, clock
        self._leases: list[Lease] = []
        self._waiters: list[_Waiter] = []
        self._queue: tuple[Need, ...] = ()
        self._count = 0
        self._lock = RLock()

    @classmethod
    def plain(cls, budget: int, slots: Mapping[Lane, int] = SLOTS, **more: Any) -> Arbiter:
        """Returns one for a machine of one memory, `budget` bytes of it for jobs."""
        machine = Machine("this computer", device=budget)
        return cls(Ledger(machine, budget, slots=slots), **more)

    @property
    def slots(self) -> Mapping[Lane, int]:
        """Leases that may be held at once, by lane."""
        return self._ledger.slots

    @property
    def machine(self) -> Machine:
        """What the memory is of."""
        return self._ledger.machine

    @property
    def held(self) -> int:
        """Bytes reserved by all leases."""
        with self._lock:
            return self._ledger.held

    @property
    def parked(self) -> frozenset[str]:
        """Who waits for other programs only: nothing that runs or waits here is in their way, or they in its."""
        return frozenset(waiter.need.owner for waiter in self._waiters if waiter.parked)

    async def acquire(self, need: Need, deadline: float | None = None) -> Lease:
        """Returns a lease on the plan's lane, waiting for its turn.

        `deadline` is in seconds from now. Raises GenerationError(needs_memory) when the need can never fit, or did not
        within the deadline; cancelling the caller takes it out of the queue.
        """
        with self._lock:
            waiter = _Waiter(need, self._count)
            self._count += 1
            self._waiters.append(waiter)
        self._serve()
        if not waiter.granted.done():
            self._log("queued", need.owner, waiter.lane, need.plan.bytes, waiter.reason or "others came first")
        try:
            return await asyncio.wait_for(asyncio.shield(waiter.granted), deadline)
        except TimeoutError as error:
            self._abandon(waiter, "the deadline passed")
            raise GenerationError(
                "needs_memory",
                f"No room for {sentences.size(need.plan.bytes)} within {deadline:g} seconds: {waiter.reason}.",
                needed=need.plan.bytes,
            ) from error
        except asyncio.CancelledError:
            self._abandon(waiter, "the job was withdrawn")
            raise

    # -- what happens outside

    def moved(self, lane: Lane, component: str, tier: Tier, bytes: int = 0) -> None:
        """Notes that a component is on a tier of a lane's worker."""
        with self._lock:
            self._ledger.moved(lane, component, tier, bytes)
            surplus = self._ledger.trim()
        for lease in self._leases:
            if lease.lane == lane:
                lease.ordered.pop(component, None)
        self._ask("", surplus)
        self._wake()
        self._serve()

    def lost(self, lane: Lane) -> None:
        """Notes that a lane's worker is gone, with all it held."""
        with self._lock:
            self._ledger.lost(lane)
        for lease in self._leases:
            if lease.lane == lane:
                lease.ordered.clear()
        self._log("lost", "", lane, 0, f"the worker of the lane {lane} is gone, with all it held")
        self._wake()
        self._serve()

    def set_budget(self, budget: int, reason: str) -> None:
        """Changes the bytes that may be used; what has to leave for it is asked to."""
        with self._lock:
            before = self._ledger.budget
            evictions = self._ledger.set_budget(budget, reason)
        if budget != before:
            self._log(
                "budget", "", "heavy", budget, f"{sentences.size(before)} became {sentences.size(budget)}: {reason}"
            )
        self._ask("", evictions)
        self._serve()

    def set_queue(self, needs: Iterable[Need]) -> None:
        """Says what is going to run, the next first: what those need stays longer."""
        with self._lock:
            self._queue = tuple(needs)
        self._tell_queue()

    def note(self, owner: str, lane: Lane, reason: str) -> None:
        """Records that a job goes on another way than the one it began with."""
        self._log("fallback", owner, lane, 0, reason)

    # -- what people ask

    def forecast(self, plan: Plan) -> str:
        """Returns what would happen if the plan were to run now, as a sentence. Callable from any thread."""
        with self._lock:
            return sentences.told(self._ledger.forecast(plan, plan.lane))

    def trace(self) -> list[str]:
        """Returns the last jobs and budgets as a trace's lines. Callable from any thread."""
        with self._lock:
            return list(lines(self._ledger.trace()))

    def state(self) -> dict[str, Any]:
        """Returns a JSON-ready picture: the machine, the ledger's books, leases, who waits and for what, and the last
        decisions. Callable from any thread."""
        with self._lock:
            now = self._clock()
            books = self._ledger.state()
            owed = {row["lease"]: row["waits_for"] for row in books["leases"]}
            leases = [_row(lease, now) | {"waits_for": owed[lease.key]} for lease in self._leases]
            needs = self._needs()
            passed = {waiter.need.owner: waiter.passed for waiter in self._waiters}
            waiting = [
                {
                    "owner": need.owner,
                    "lane": need.plan.lane,
                    "bytes": need.plan.bytes,
                    "priority": need.priority,
                    "plan": f"{need.plan.engine}: {need.plan.name}",
                    "passed": passed.get(need.owner, 0),
                    "forecast": sentences.told(self._ledger.forecast(need.plan, need.plan.lane)),
                }
                for need in needs
            ]
            decisions = [{name: getattr(d, name) for name in d.__struct_fields__} for d in self.decisions]
            return {
                **{name: books[name] for name in ("budget", "held", "floor", "resident", "committed", "over")},
                "machine": to_builtins(self._ledger.machine) | {"unified": self._ledger.machine.unified},
                "slots": dict(self._ledger.slots),
                "tiers": books["tiers"],
                "residents": books["residents"],
                "leases": leases,
                "waiting": waiting,
                "decisions": decisions,
            }

    # -- inside

    def _serve(self) -> None:
        """Grants whatever fits, in order; stops where a job has been passed often enough."""
        passed: list[_Waiter] = []
        for waiter in sorted(self._waiters, key=lambda w: w.order):
            if waiter.granted.done():
                continue
            need = waiter.need
            with self._lock:
                answer = self._ledger.admit(need.owner, need.plan, waiter.lane, need.priority)
            waiter.parked = False
            match answer:
                case Admitted():
                    self._grant(waiter, answer, passed)
                case Never(reason=reason) if need.patient and self._is_for_now(need):
                    waiter.parked = True
                    waiter.reason = f"other programs hold what it needs: {reason}"
                case Never(reason=reason):
                    self._refuse(waiter, reason)
                case Wait(reason=reason, bytes_missing=missing):
                    waiter.reason = reason
                    if not missing:
                        continue  # the lane is full: whoever else runs takes nothing from this one
                    if waiter.passed >= PATIENCE:
                        return
                    passed.append(waiter)
                case _:
                    assert_never(answer)

    def _is_for_now(self, need: Need) -> bool:
        """Returns whether only the present budget is in the way."""
        return self._ledger.limit(need.plan.lane) < need.plan.bytes <= self._limits.get(need.plan.lane, 0)

    def _grant(self, waiter: _Waiter, admitted: Admitted, passed: list[_Waiter]) -> None:
        lease = Lease(self, waiter.need, admitted.lease, self._clock())
        with self._lock:
            self._waiters.remove(waiter)
            self._leases.append(lease)
        for other in passed:
            other.passed += 1
        ahead = f"ahead of {len(passed)} that do not fit" if passed else "its turn, and it fits"
        self._log("granted", waiter.need.owner, waiter.lane, lease.bytes, ahead)
        waiter.granted.set_result(lease)
        self._tell_queue()

    def _refuse(self, waiter: _Waiter, reason: str) -> None:
        with self._lock:
            self._waiters.remove(waiter)
        size = waiter.need.plan.bytes
        self._log("refused", waiter.need.owner, waiter.lane, size, reason)
        message = f"The plan {waiter.need.plan.name} can never run here: {reason}."
        waiter.granted.set_exception(GenerationError("needs_memory", message, needed=size, budget=self._ledger.budget))

    def _abandon(self, waiter: _Waiter, reason: str) -> None:
        if waiter.granted.done() and not waiter.granted.cancelled():
            if waiter.granted.exception() is None:
                waiter.granted.result().release()
            return
        waiter.granted.cancel()
        with self._lock:
            self._waiters.remove(waiter)
        self._log("abandoned", waiter.need.owner, waiter.lane, waiter.need.plan.bytes, reason)
        self._serve()

    async def _enter(self, lease: Lease, stage: str) -> tuple[Move, ...]:
        if not lease.open:
            raise GenerationError("needs_memory", f"The job {lease.need.owner} has given its memory back.")
        with self._lock:
            entered = self._ledger.enter(lease.key, stage)
            lease.stage = stage
        own = tuple(eviction for eviction in entered.moves if eviction.lane == lease.lane)
        lease.ordered.update((eviction.move.component, eviction.move) for eviction in own)
        if stage:
            self._log("entered", lease.need.owner, lease.lane, lease.bytes, sentences.entered(stage, entered))
        self._log_evictions(lease.need.owner, own)
        self._ask(lease.need.owner, tuple(eviction for eviction in entered.moves if eviction.lane != lease.lane))
        if not entered.ready:
            await self._until_ready(lease)
        return tuple(eviction.move for eviction in own)

    async def _until_ready(self, lease: Lease) -> None:
        """Waits until other lanes have let go."""
        lease.ready = asyncio.get_running_loop().create_future()
        self._wake()  # a worker may have answered within the order
        try:
            await asyncio.wait_for(lease.ready, self._moving)
        except TimeoutError as error:
            reason = f"what has to leave first did not within {self._moving:g} s"
            self._log("stuck", lease.need.owner, lease.lane, lease.bytes, reason)
            raise GenerationError("needs_memory", f"No room for the stage {lease.stage}: {reason}.") from error
        finally:
            lease.ready = None

    def _wake(self) -> None:
        """Lets go on whose stage may begin."""
        for lease in self._leases:
            if lease.ready is not None and not lease.ready.done() and self._ledger.ready(lease.key):
                lease.ready.set_result(None)

    def _ask(self, owner: str, evictions: tuple[Eviction, ...]) -> None:
        self._log_evictions(owner, evictions)
        for lane in LANES:
            moves = tuple(eviction.move for eviction in evictions if eviction.lane == lane)
            if moves:
                self.mover(lane, moves)

    def _shrink(self, lease: Lease, to: int, reason: str) -> None:
        with self._lock:
            before = self._ledger.held
            self._ledger.shrink(lease.key, to)
            lease.bytes -= before - self._ledger.held
        self._log("shrunk", lease.need.owner, lease.lane, lease.bytes, reason)
        self._serve()

    def _release(self, lease: Lease) -> None:
        with self._lock:
            lease.open = False
            self._leases.remove(lease)
            self._ledger.release(lease.key)
            surplus = self._ledger.trim()  # others may have grown while the job held on to it
        self._ask("", surplus)
        if lease.ordered:  # the job may have ended before its worker made them
            self.mover(lease.lane, tuple(lease.ordered.values()))
        self._log("released", lease.need.owner, lease.lane, 0, "the job ended")
        self._serve()

    def _needs(self) -> list[Need]:
        """Returns who waits, here and before the door, the next first."""
        waiting = [waiter.need for waiter in sorted(self._waiters, key=lambda w: w.order)]
        here = {need.owner for need in waiting} | {lease.need.owner for lease in self._leases}
        return waiting + [need for need in self._queue if need.owner not in here]

    def _tell_queue(self) -> None:
        with self._lock:
            self._ledger.set_queue([(need.plan.lane, need.plan) for need in self._needs()])

    def _log_evictions(self, owner: str, evictions: Iterable[Eviction]) -> None:
        for eviction in evictions:
            place = "host memory" if eviction.move.to == "host" else "disk"
            name = eviction.move.component
            reason = f"evicted {name} to {place}, {eviction.reason}: {self._use(eviction.lane, name)}"
            self._log("evicted", owner, eviction.lane, 0, reason)

    def _use(self, lane: Lane, component: str) -> str:
        """Returns when a component is needed next, in words."""
        needs = self._needs()
        for ahead, need in enumerate(needs):
            if need.plan.lane == lane and any(part.name == component for part in need.plan.components):
                return f"the next {ahead} jobs do not use it" if ahead else "the other parts are worth more"
        return "nobody who waits uses it"

    def _log(self, verdict: Verdict, owner: str, lane: Lane, size: int, reason: str) -> None:
        with self._lock:
            free = self._ledger.budget - self.held
            decision = Decision(verdict, owner, lane, size, free, reason, self._clock())
            self.decisions.append(decision)
        self._on_decision(decision)


def _row(lease: Lease, now: float) -> dict[str, Any]:
    plan = lease.need.plan
    return {
        "owner": lease.need.owner,
        "lane": lease.lane,
        "bytes": lease.bytes,
        "used": lease.used,
        "step": list(lease.step),
        "stage": lease.stage,
        "plan": f"{plan.engine}: {plan.name}",
        "seconds": round(now - lease.since, 3),
        "components": [_part(part) for part in plan.components],
    }


def _part(part: Component) -> dict[str, Any]:
    return {"name": part.name, "bytes": part.bytes}
