"""Who holds which memory, lane by lane and component by component: a state machine without a clock, driven by the daemon's
arbiter and by the simulator alike.

Three accounts, all in bytes of the device:

- *reservations*: a lease reserves its largest stage from `admit` to `release`. Their sum stays below the budget, so a
  stage always fits once what nobody uses has left: no two jobs can wait for each other.
- *commitments*: what the present stages need plus what stays resident unlocked. `enter` chooses evictions until
  they are within the budget.
- what is *really there*: a component that was told to leave counts until `moved` confirms it.

How the arbiter uses it, in order:

1. `admit`; on Wait again after any release, shrink, loss or change of the budget.
2. `enter` when the engine begins a stage. When `Entered.ready`, the moves (all of this lane) go along with
   `Executor.proceed`. Otherwise all of them go out with `Executor.move` at once, each to its lane, and `proceed` without
   any follows when `ready(lease)` says so, which `moved` and `lost` change. A move that was ordered must be sent even
   when its job ends before: it counts until it is reported. A process makes moves while its own job waits for a stage;
   a lease waits only for moves ordered before, so no circle can form.
3. `moved` for everything a process reports, `lost` when one dies, `release` at the end, however it came. Whenever
   `over` is not 0 then, `trim`: a part proved larger than planned, or what a job left behind is too much by now.

Host memory is the second tier where the machine has one: what leaves the device goes there, and what is worth least
there falls to disk. A component that a stage brings up no longer counts for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from genlock.generation.engine import Component, Lane, Plan, Tier
from genlock.generation.executor import Move
from genlock.generation.memory import policy
from genlock.generation.memory.holdings import Lease, Resident
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.outlook import Ahead, Key, Outlook, Phase, phases
from genlock.generation.memory.traces import VISIBLE, Budget, Job, Trace

RECORDED: Final = 2000
"""Jobs and changes of the budget that are kept as a trace."""

SLOTS: Final[Mapping[Lane, int]] = {"heavy": 1, "interactive": 1}


class Entry(Struct, frozen=True):
    """A component that is somewhere, for people to look at. `last_used` is the number of the stage that used it last."""

    component: str
    bytes: int
    lane: Lane
    tier: Tier
    locked_by: str
    last_used: int
    leaving: bool = False


class Eviction(Struct, frozen=True):
    """An order to a lane's process, with why."""

    lane: Lane
    move: Move
    reason: str


class Admitted(Struct, frozen=True):
    """The lease is granted."""

    lease: int
    reason: str


class Wait(Struct, frozen=True):
    """Not now. `bytes_missing` is 0 when a slot is missing; `blockers` own the leases in the way."""

    reason: str
    bytes_missing: int
    blockers: tuple[str, ...]


class Never(Struct, frozen=True):
    """Not with this budget, whoever leaves."""

    reason: str


class Entered(Struct, frozen=True):
    """A stage was entered. `moves` first, then the process brings in `loads`, which takes about `seconds`. `ready` says
    whether it may begin at once."""

    moves: tuple[Eviction, ...]
    loads: tuple[Component, ...]
    seconds: float
    ready: bool


class Forecast(Struct, frozen=True):
    """What would happen to a plan now: `leave` are components that go for its largest stage, `seconds` go into bringing in
    its own; `blockers` own what it waits for, `reason` says why, empty when it `fits_now`."""

    bytes: int
    fits_now: bool
    leave: tuple[str, ...]
    seconds: float
    blockers: tuple[str, ...]
    reason: str


class Ledger:
    """The books. `floor` bytes are the interactive lane's: nobody else may reserve or occupy them."""

    def __init__(self, machine: Machine, budget: int, *, floor: int = 0, slots: Mapping[Lane, int] = SLOTS) -> None:
        self.machine, self.budget, self.slots = machine, budget, dict(slots)
        self._floor = floor
        self._leases: dict[int, Lease] = {}
        self._locks: dict[Key, Component] = {}
        self._residents: dict[Key, Resident] = {}
        self._sizes: dict[Key, int] = {}
        self._outlook = Outlook()
        self._sight: Ahead | None = None
        self._count = 0
        self._record: deque[Job | Budget] = deque([Budget(budget)], maxlen=RECORDED)

    # -- what is held

    @property
    def floor(self) -> int:
        """Bytes kept for the interactive lane."""
        return min(self._floor, self.budget)

    @property
    def held(self) -> int:
        """Bytes reserved by all leases."""
        return sum(map(self._reserved, self._leases.values()))

    @property
    def resident(self) -> int:
        """Bytes of components on the device, leaving ones included."""
        return sum(one.bytes for one in self._residents.values() if one.tier == "device")

    @property
    def committed(self) -> int:
        """Bytes of the present stages and of what stays resident beside them."""
        locks = self._locks
        stay = sum([one.bytes for key, one in self._residents.items() if one.stays and key not in locks])
        return stay + sum(map(self._occupies, self._leases.values()))

    @property
    def over(self) -> int:
        """Bytes promised beyond the budget, after others took memory or a component proved larger than planned."""
        return max(0, self.held - self.budget, self.committed - self.budget)

    @property
    def pinned(self) -> int:
        """Bytes of host memory in use by components, those on their way there included."""
        there, locks = 0, self._locks
        for key, one in self._residents.items():
            if key not in locks and one.going != "disk":
                there += one.bytes if one.going or one.tier == "host" else one.component.pinned
        return there + sum([part.pinned for part in locks.values()])

    def limit(self, lane: Lane) -> int:
        """Returns the bytes that leases of a lane may reserve when no other lane does."""
        return self.budget if lane == "interactive" else self.budget - self.floor

    # -- leases

    def admit(self, owner: str, plan: Plan, lane: Lane, priority: int = 0) -> Admitted | Wait | Never:
        """Reserves the largest stage of a plan, or says what is in the way. Nothing moves yet."""
        lease = Lease(owner, lane, priority, phases(plan, lane))
        obstacle = self._obstacle(lease)
        if obstacle:
            return obstacle
        self._count += 1
        self._leases[self._count] = lease
        self._sight = None
        self._record.append(Job(plan, lane))
        return Admitted(self._count, f"{self._reserved(lease)} bytes reserved, {self.budget - self.held} left")

    def enter(self, lease: int, stage: str) -> Entered:
        """Begins a stage: its components are locked, those of the stage before no longer. Raises GenerationError
        (engine_failed) for a stage the plan does not have, (needs_memory) for one that was given back by `shrink`."""
        one = self._leases[lease]
        phase = one.enter(stage)
        self._lock()
        number = self._outlook.used(phase.needs)
        absent = [(key, part) for key, part in phase.needs.items() if not self._there(key)]
        seconds = sum(self._reload(key, part) for key, part in absent)
        for key in phase.needs:
            found = self._residents.get(key)
            if found:
                found.used = number
        moves = self._make_room(f"room for {stage or 'a job'} of {one.owner}")
        one.pending = self._awaited(one, moves)
        return Entered(moves, tuple(part for _, part in absent), seconds, not one.pending)

    def ready(self, lease: int) -> bool:
        """Returns whether the stage entered last may begin: what had to leave for it in other lanes has left."""
        return not self._leases[lease].pending

    def shrink(self, lease: int, to: int) -> None:
        """Gives back all but `to` bytes, but never what the present stage needs."""
        one = self._leases[lease]
        present = one.phase.bytes if one.phase else 0
        one.granted = min(one.granted, max(to, present, 0))

    def release(self, lease: int) -> None:
        """Ends a lease; its components stay, unlocked. A second call does nothing."""
        self._leases.pop(lease, None)
        self._lock()

    # -- what processes report

    def moved(self, lane: Lane, component: str, tier: Tier, bytes: int = 0) -> None:
        """Notes that a component arrived on a tier, with its real size there (0: as planned)."""
        key = (lane, component)
        one = self._residents.get(key)
        if tier == "disk":
            self._residents.pop(key, None)
        else:
            part = self._planned(key) or (one.component if one else Component(component, bytes))
            if tier == "device" and bytes:
                self._sizes[key] = bytes
            size = bytes or self._sizes.get(key, part.bytes)
            if one is None:
                one = self._residents[key] = Resident(part, size, tier, self._outlook.now, self.machine)
            else:
                one.arrive(part, size, tier, self.machine)
            if one.going == tier:
                one.going = None
        self._settle(key)

    def lost(self, lane: Lane) -> None:
        """Notes that a lane's process died, with all it had. Its leases are their owners' to release."""
        for key in [key for key in self._residents if key[0] == lane]:
            del self._residents[key]
            self._settle(key)

    # -- what surrounds it

    def set_budget(self, budget: int, reason: str) -> tuple[Eviction, ...]:
        """Changes the budget; returns who leaves for it. Leases stay: see `over`."""
        if budget != self.budget:
            self._record.append(Budget(max(0, budget)))
        self.budget = max(0, budget)
        return self._make_room(reason)

    def trim(self, reason: str = "more was there than planned") -> tuple[Eviction, ...]:
        """Returns who leaves for the books to balance again; nobody, most of the time."""
        return self._make_room(reason)

    def set_queue(self, plans: Sequence[tuple[Lane, Plan]]) -> None:
        """Names the jobs that wait, in order: what they need is worth keeping."""
        self._outlook.expect(plans)
        self._sight = None

    def forecast(self, plan: Plan, lane: Lane) -> Forecast:
        """Says what would happen to a plan now. Changes nothing."""
        lease = Lease("", lane, 0, phases(plan, lane))
        obstacle = self._obstacle(lease)
        parts = {key: part for phase in lease.stages for key, part in phase.needs.items()}
        seconds = sum(self._reload(key, part) for key, part in parts.items() if not self._there(key))
        lease.phase = max(lease.stages, key=lambda phase: phase.bytes)
        self._leases[0] = lease
        self._lock()
        leave = tuple(key[1] for key in self._leaving())
        del self._leases[0]
        self._lock()
        blockers = obstacle.blockers if isinstance(obstacle, Wait) else ()
        reason = obstacle.reason if obstacle else ""
        return Forecast(self._reserved(lease), not obstacle, leave, seconds, blockers, reason)

    def can_fit(self, plan: Plan, lane: Lane) -> bool:
        """Returns whether a plan could be admitted once nobody else holds anything."""
        return self._never(Lease("", lane, 0, phases(plan, lane))) is None

    def trace(self) -> Trace:
        """Returns the last jobs and budgets, for the simulator; `traces.lines` makes a file of it."""
        first = next((one.budget for one in self._record if isinstance(one, Budget)), self.budget)
        return Trace(self.machine, first, VISIBLE, tuple(self._record))

    def entries(self) -> tuple[Entry, ...]:
        """Returns every component that is on the device or in host memory."""
        owners = {key: lease.owner for lease in self._leases.values() if lease.phase for key in lease.phase.needs}
        return tuple(
            Entry(key[1], one.bytes, key[0], one.tier, owners.get(key, ""), one.used, leaving=one.going is not None)
            for key, one in self._residents.items()
        )

    def state(self) -> dict[str, Any]:
        """Returns the books, JSON-ready."""
        rows = self.entries()
        return {
            "budget": self.budget,
            "floor": self.floor,
            "held": self.held,
            "resident": self.resident,
            "committed": self.committed,
            "over": self.over,
            "tiers": {
                "device": {"bytes": self.resident, "budget": self.budget},
                "host": {"bytes": self.pinned, "budget": self.machine.host},
            },
            "residents": [
                {
                    "component": row.component,
                    "bytes": row.bytes,
                    "lane": row.lane,
                    "tier": row.tier,
                    "locked_by": row.locked_by,
                    "last_used": row.last_used,
                    "leaving": row.leaving,
                }
                for row in rows
            ],
            "leases": [
                {
                    "lease": number,
                    "owner": one.owner,
                    "lane": one.lane,
                    "priority": one.priority,
                    "bytes": self._reserved(one),
                    "stage": one.phase.name if one.phase else "",
                    "waits_for": sorted(name for _, name in one.pending),
                }
                for number, one in self._leases.items()
            ],
        }

    # -- inside

    def _size(self, key: Key, part: Component) -> int:
        return self._sizes.get(key, part.bytes)

    def _needs(self, phase: Phase) -> int:
        return phase.activation + sum([self._size(key, part) for key, part in phase.needs.items()])

    def _occupies(self, lease: Lease) -> int:
        return self._needs(lease.phase) if lease.phase else 0

    def _reserved(self, lease: Lease) -> int:
        """What was granted, or what the present stage really takes when that is more."""
        return max(lease.granted, self._occupies(lease))

    def _lock(self) -> None:
        """Locks what the present stages name, and nothing else."""
        self._locks, self._sight = {}, None
        for lease in self._leases.values():
            if lease.phase:
                self._locks.update(lease.phase.needs)

    def _planned(self, key: Key) -> Component | None:
        found = (phase.needs.get(key) for lease in self._leases.values() for phase in lease.stages)
        return next((part for part in found if part), None)

    def _there(self, key: Key) -> bool:
        one = self._residents.get(key)
        return one is not None and one.stays

    def _reload(self, key: Key, part: Component) -> float:
        one = self._residents.get(key)
        pinned = one is not None and (one.tier == "host" or one.going == "host") and one.going != "disk"
        return self.machine.reload(part.bytes + part.pinned, pinned=pinned, rebuild=part.rebuild)

    def _never(self, lease: Lease) -> Never | None:
        if not self.slots.get(lease.lane):
            return Never(f"there is no lane {lease.lane}")
        if lease.granted > self.limit(lease.lane):
            return Never(f"needs {lease.granted} bytes of a budget of {self.limit(lease.lane)}")
        if lease.pinned > self.machine.host and not self.machine.unified:
            return Never(f"needs {lease.pinned} bytes of pinned memory of {self.machine.host}")
        return None

    def _obstacle(self, lease: Lease) -> Wait | Never | None:
        never = self._never(lease)
        if never:
            return never
        there = [one for one in self._leases.values() if one.lane == lease.lane]
        models = [one for one in there if one.holds]
        if len(there) >= self.slots[lease.lane]:
            return Wait(f"every slot of the lane {lease.lane} is taken", 0, tuple(one.owner for one in there))
        if lease.holds and models:
            return Wait(f"{models[0].owner} uses the models of the lane {lease.lane}", 0, (models[0].owner,))
        missing = self.held + lease.granted - self.budget
        rivals = list(self._leases.values())
        if lease.lane != "interactive":
            others = [one for one in rivals if one.lane != "interactive"]
            beside = sum(map(self._reserved, others)) + lease.granted - self.limit(lease.lane)
            if beside > missing:
                missing, rivals = beside, others
        if missing > 0:
            free = lease.granted - missing
            return Wait(f"{lease.granted} bytes wanted, {max(0, free)} free", missing, _owners(rivals, self._reserved))
        pinned = sum(one.pinned for one in self._leases.values()) + lease.pinned - self.machine.host
        if lease.pinned and pinned > 0 and not self.machine.unified:
            owners = tuple(one.owner for one in self._leases.values() if one.pinned)
            return Wait(f"{pinned} bytes of pinned memory are missing", pinned, owners)
        return None

    def _make_room(self, reason: str) -> tuple[Eviction, ...]:
        """Orders away whoever must leave the device, and whoever must leave host memory for those."""
        down: dict[Key, Tier] = {}
        for key in self._leaving():
            one = self._residents[key]
            one.going = down[key] = "host" if one.keeps else "disk"
        fallen = self._spilled()
        for key in fallen:
            one = self._residents[key]
            one.going = "disk"
        # what falls to disk first, so that host memory has room for what comes down
        order = [*fallen, *(key for key in down if key not in fallen)]
        return tuple(Eviction(key[0], Move(key[1], self._residents[key].going or "disk"), reason) for key in order)

    def _leaving(self) -> list[Key]:
        """Returns the cheapest residents whose going brings commitments within the budget and others off the floor."""
        idle: list[Key] = []
        others: list[Key] = []
        total = beside = 0
        for key, one in self._residents.items():
            if one.tier == "device" and one.going is None and key not in self._locks:
                idle.append(key)
                total += one.bytes
                if key[0] != "interactive":
                    others.append(key)
                    beside += one.bytes
        for lease in self._leases.values():
            size = self._occupies(lease)
            total += size
            beside += size if lease.lane != "interactive" else 0
        chosen = self._cheapest(others, beside - self.limit("heavy"))
        need = total - self.budget - sum([self._residents[key].bytes for key in chosen])
        if need > 0:
            chosen += self._cheapest([key for key in idle if key not in chosen], need)
        return chosen

    def _cheapest(self, keys: Sequence[Key], need: int) -> list[Key]:
        if need <= 0:
            return []
        ahead = self._ahead()
        room = self.limit("heavy")
        held = []
        for number, key in enumerate(keys):
            one = self._residents[key]
            at, before, rate = ahead.use(key)
            held.append(policy.Held(str(number), one.bytes, one.back, at, rate, before + one.bytes > room))
        return [keys[int(name)] for name in policy.evict(held, need, ahead.stages)]

    def _spilled(self) -> list[Key]:
        """Returns the cheapest components whose going to disk brings host memory within its size."""
        need = self.pinned - self.machine.host
        if need <= 0 or self.machine.unified:
            return []
        ahead = self._ahead()
        keys: list[Key] = []
        held = []
        for key, one in self._residents.items():
            streams = one.component.pinned if one.stays and key not in self._locks else 0
            if streams or (one.in_host and key not in self._locks):
                at, _, rate = ahead.use(key)
                cost = one.back if streams else one.deeper
                held.append(policy.Held(str(len(keys)), streams or one.bytes, cost, at, rate))
                keys.append(key)
        return [keys[int(name)] for name in policy.spill(held, need, ahead.stages)]

    def _ahead(self) -> Ahead:
        if self._sight is None:
            self._sight = self._outlook.ahead([lease.rest for lease in self._leases.values()])
        return self._sight

    def _awaited(self, lease: Lease, moves: tuple[Eviction, ...]) -> set[Key]:
        """Returns what must have left other lanes before a stage may begin: its own moves there, and older ones as long as
        they are in the way."""
        own = {(move.lane, move.move.component) for move in moves if move.lane != lease.lane}
        leaving = {
            key: one.bytes
            for key, one in self._residents.items()
            if one.going and one.tier == "device" and key[0] != lease.lane
        }
        return own | set(leaving) if leaving and self.committed + sum(leaving.values()) > self.budget else own

    def _settle(self, key: Key) -> None:
        one = self._residents.get(key)
        if one is None or one.going is None:
            for lease in self._leases.values():
                lease.pending.discard(key)


def _owners(leases: Iterable[Lease], size: Callable[[Lease], int]) -> tuple[str, ...]:
    return tuple(lease.owner for lease in sorted(leases, key=size, reverse=True))
