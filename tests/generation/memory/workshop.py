"""Worker processes that hold nothing but a list of what they hold, driven by a ledger as the arbiter drives it, with every
promise of the ledger checked at every step."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from random import Random

from genlock.generation.engine import Component, Lane, Plan, Stage, Tier
from genlock.generation.executor import Move
from genlock.generation.memory.ledger import Admitted, Entered, Eviction, Ledger, Never
from genlock.generation.memory.machine import Machine

LANES: Sequence[Lane] = ("heavy", "interactive", "language")
PATIENCE = 4


class Job:
    """A job with a lease: the stages it still goes through, and the one it is in."""

    def __init__(self, owner: str, lane: Lane, plan: Plan) -> None:
        self.owner, self.lane, self.plan = owner, lane, plan
        self.lease = 0
        self.passed = self.age = 0
        self.stages = deque(stage.name for stage in plan.stages) or deque([""])
        self.entered: Entered | None = None
        self.begun = True
        self.cut = -1

    def needs(self, stage: str) -> dict[str, Component]:
        parts = {part.name: part for part in self.plan.components}
        named = next((one.components for one in self.plan.stages if one.name == stage), tuple(parts))
        return {name: parts[name] for name in named}


class Workshop:
    """Some lanes, their processes, the jobs that wait and those that run."""

    def __init__(self, machine: Machine, budget: int, floor: int) -> None:
        self.machine = machine
        self.ledger = Ledger(machine, budget, floor=floor, slots={"heavy": 2, "interactive": 1, "language": 1})
        self.holds: dict[Lane, dict[str, Tier]] = {lane: {} for lane in LANES}
        self.orders: dict[Lane, deque[Move]] = {lane: deque() for lane in LANES}
        self.sizes: dict[str, int] = {}
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.cuts = 0
        self.evictions = self.loads = self.admitted = self.oldest = 0

    # -- what jobs do

    def arrive(self, owner: str, lane: Lane, plan: Plan) -> None:
        self.sizes |= {part.name: part.bytes for part in plan.components}
        self.waiting.append(Job(owner, lane, plan))
        self.serve()

    def serve(self) -> None:
        """Admits in order; one that fits passes one that does not, a few times."""
        passed: list[Job] = []
        for job in list(self.waiting):
            answer = self.ledger.admit(job.owner, job.plan, job.lane)
            if isinstance(answer, Admitted):
                job.lease = answer.lease
                self.waiting.remove(job)
                self.running.append(job)
                self.admitted += 1
                for other in passed:
                    other.passed += 1
                assert self.ledger.held <= self.ledger.budget
                self.check_lane(job.lane)
            elif isinstance(answer, Never):
                assert not self.ledger.can_fit(job.plan, job.lane)
                self.waiting.remove(job)
            elif answer.bytes_missing:
                assert self.running, "who waits for bytes waits for somebody"
                assert set(answer.blockers) <= {one.owner for one in self.running}
                if job.passed >= PATIENCE:
                    break
                passed.append(job)
            else:
                assert answer.blockers
        self.ledger.set_queue([(job.lane, job.plan) for job in self.waiting])

    def enter(self, job: Job) -> None:
        """Goes to the job's next stage."""
        stage = job.stages.popleft()
        job.stages.append(stage)
        job.entered = self.ledger.enter(job.lease, stage)
        job.begun, job.cut, job.name = False, self.cuts, stage
        lost = {name for name in job.needs(stage) if self.will_be(job.lane, name) != "device"}
        assert {part.name for part in job.entered.loads} == lost, "loads are what is missing, once each"
        assert job.entered.seconds >= 0
        self.send(job.entered.moves)
        if job.entered.ready:
            assert all(move.lane == job.lane for move in job.entered.moves)
            self.begin(job)

    def will_be(self, lane: Lane, name: str) -> Tier:
        """Returns where a component is when every order sent so far is carried out."""
        tier = self.holds[lane].get(name, "disk")
        for move in self.orders[lane]:
            if move.component == name and tier != "disk":
                tier = move.to
        return tier

    def send(self, moves: Sequence[Eviction]) -> None:
        locked = {(job.lane, name) for job in self.running if job.entered for name in job.needs(job.name)}
        for move in moves:
            assert (move.lane, move.move.component) not in locked, "what is in use stays"
            assert move.move.to != "device"
            assert not (self.machine.unified and move.move.to == "host")
            self.orders[move.lane].append(move.move)
            self.evictions += 1
        self.balanced()

    def begin(self, job: Job) -> None:
        """The process makes the moves it was sent, then loads."""
        while self.orders[job.lane]:
            self.work(job.lane)
        assert job.entered
        for part in job.entered.loads:
            assert self.holds[job.lane].get(part.name) != "device", "loaded twice"
            self.holds[job.lane][part.name] = "device"
            self.loads += 1
            self.fits(job)
            self.ledger.moved(job.lane, part.name, "device", part.bytes)
        for name in job.needs(job.name):
            assert self.holds[job.lane].get(name) == "device", "a stage finds what it needs"
        job.begun = True

    def work(self, lane: Lane) -> None:
        """Carries out a process's oldest order."""
        move = self.orders[lane].popleft()
        if self.holds[lane].get(move.component, "disk") == "disk":
            self.ledger.moved(lane, move.component, "disk")
            return
        self.holds[lane][move.component] = move.to
        self.ledger.moved(lane, move.component, move.to)

    def proceed(self) -> None:
        """Lets those begin whose room is there."""
        for job in self.running:
            if not job.begun and self.ledger.ready(job.lease):
                self.begin(job)

    def end(self, job: Job) -> None:
        self.running.remove(job)
        self.ledger.release(job.lease)
        if self.ledger.over:
            self.send(self.ledger.trim())
        self.serve()

    def lose(self, lane: Lane) -> None:
        """A process dies: its jobs fail."""
        self.holds[lane].clear()
        self.orders[lane].clear()
        self.ledger.lost(lane)
        for job in [job for job in self.running if job.lane == lane]:
            self.end(job)

    def budget(self, budget: int) -> None:
        self.cuts += budget < self.ledger.budget
        self.send(self.ledger.set_budget(budget, "others"))
        self.serve()

    # -- promises

    def fits(self, job: Job) -> None:
        """Whether what is really there stays within the budget; jobs that began before a cut cannot be blamed."""
        if self.ledger.over or any(one.entered and one.cut < self.cuts for one in self.running):
            return
        there = sum(self.sizes[name] for held in self.holds.values() for name, tier in held.items() if tier == "device")
        busy = sum(self.activation(one) for one in self.running if one.begun and one.entered)
        assert there + busy + self.activation(job) <= self.ledger.budget

    def activation(self, job: Job) -> int:
        if not job.entered:
            return 0
        return next((one.activation for one in job.plan.stages if one.name == job.name), job.plan.activation)

    def balanced(self) -> None:
        """Whether what was promised fits: else everything that could leave has left."""
        ledger = self.ledger
        idle = [one for one in ledger.entries() if one.tier == "device" and not one.locked_by and not one.leaving]
        assert ledger.committed <= ledger.budget or not idle
        others = sum(one.bytes for one in idle if one.lane != "interactive")
        others += sum(self.present(job) for job in self.running if job.lane != "interactive")
        assert others <= ledger.budget - ledger.floor or not [one for one in idle if one.lane != "interactive"]
        assert ledger.pinned <= ledger.machine.host or ledger.machine.unified

    def present(self, job: Job) -> int:
        return self.activation(job) + sum(part.bytes for part in job.needs(job.name).values()) if job.entered else 0

    def check_lane(self, lane: Lane) -> None:
        ledger = self.ledger
        there = [job for job in self.running if job.lane == lane]
        assert len(there) <= ledger.slots[lane]
        assert sum(bool(job.plan.components) for job in there) <= 1
        others = sum(row["bytes"] for row in ledger.state()["leases"] if row["lane"] != "interactive")
        assert lane == "interactive" or others <= ledger.budget - ledger.floor

    def agrees(self) -> None:
        """Whether the ledger believes what is so, where no order is under way."""
        for lane in LANES:
            if not self.orders[lane]:
                believed = {one.component: one.tier for one in self.ledger.entries() if one.lane == lane}
                assert believed == {name: tier for name, tier in self.holds[lane].items() if tier != "disk"}

    def settle(self) -> None:
        """Ends everything: nobody may be stuck."""
        for _ in range(10 * (len(self.waiting) + len(self.running)) + 10):
            for lane in LANES:
                while self.orders[lane]:
                    self.work(lane)
            self.proceed()
            assert all(job.begun for job in self.running), "with every order done, every stage may begin"
            if not self.waiting and not self.running and not any(self.orders.values()):
                break
            for job in list(self.running):
                self.end(job)
        assert not self.waiting
        assert (self.ledger.held, self.ledger.over) == (0, 0)
        self.agrees()
        for lane in LANES:
            self.lose(lane)
        assert (self.ledger.resident, self.ledger.committed, self.ledger.pinned) == (0, 0, 0)


MODELS = {"a": (7, 18, 4), "b": (4, 9, 1), "c": (2,), "d": (8,), "e": (3, 3)}


def plan(rng: Random) -> Plan:
    """Returns one of the ways of a few models: all at once, stage by stage, streamed, or without any model."""
    name = rng.choice([*MODELS, ""])
    streamed = bool(name) and rng.random() < 0.2
    parts = tuple(
        Component(f"{name}/{at}@{'blocks' if streamed else 'whole'}", 1 if streamed else size, size if streamed else 0)
        for at, size in enumerate(MODELS.get(name, ()))
    )
    if not parts or rng.random() < 0.2:
        return Plan("trial", name, components=parts, activation=rng.randint(0, 3))
    stages = tuple(Stage(f"stage {part.name}", (part.name,), rng.randint(0, 4)) for part in parts)
    return Plan("trial", name, components=parts, stages=stages)
