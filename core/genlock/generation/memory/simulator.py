"""Plays a trace to a policy and counts the seconds that bringing in weights takes.

`Site` is the truth: it moves what it is told to, charges for it and refuses to hold more than there is. Genlock's player
drives the ledger and the policy of the daemon; rivals.py has the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from genlock.errors import BadInput
from genlock.generation.engine import Component, Lane, Plan, Tier
from genlock.generation.memory.ledger import Admitted, Ledger
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.outlook import Key, Phase, phases
from genlock.generation.memory.traces import Budget, Job, Trace

POLICY: Final = "queue-aware, cheapest set"


class Tally(Struct, frozen=True):
    """What a day cost: seconds spent bringing in weights, bytes brought in, how often, and what left the device."""

    seconds: float
    bytes: int
    loads: int
    evictions: int


class Site:
    """Where components really are, and what it cost to get them there."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.tiers: dict[Key, Tier] = {}
        self.parts: dict[Key, Component] = {}
        self.seconds = 0.0
        self.bytes = self.loads = self.evictions = 0

    def there(self, tier: Tier) -> list[Key]:
        """Returns what is on a tier."""
        return [key for key, at in self.tiers.items() if at == tier]

    def size(self, tier: Tier) -> int:
        """Returns the bytes of a tier."""
        return sum(self.parts[key].bytes for key in self.there(tier))

    def back(self, key: Key, tier: Tier) -> float:
        """Returns the seconds from a tier to the device."""
        part = self.parts[key]
        if tier == "device":
            return 0.0
        return self.machine.reload(part.bytes, pinned=tier == "host", rebuild=part.rebuild)

    def bring(self, key: Key, part: Component) -> None:
        """Brings a component to the device unless it is there."""
        self.parts[key] = part
        tier = self.tiers.get(key, "disk")
        if tier == "device":
            return
        self.seconds += self.back(key, tier)
        self.bytes += part.bytes
        self.loads += 1
        self.tiers[key] = "device"

    def drop(self, key: Key, to: Tier) -> None:
        """Takes a component down."""
        self.evictions += self.tiers[key] == "device"
        self.tiers[key] = to

    def check(self, activation: int, budget: int) -> None:
        """Raises when more is held than there is: a policy that does so proves nothing."""
        if self.size("device") + activation > budget:
            raise BadInput("bad_value", f"{self.machine.name}: {self.size('device') + activation} of {budget} bytes.")
        if self.size("host") > self.machine.host:
            raise BadInput("bad_value", f"{self.machine.name}: {self.size('host')} bytes in host memory.")

    def tally(self) -> Tally:
        """Returns what it cost so far."""
        return Tally(self.seconds, self.bytes, self.loads, self.evictions)


class Player(Protocol):
    """A policy, played to."""

    site: Site

    def run(self, plan: Plan, lane: Lane, budget: int, queue: Sequence[tuple[Lane, Plan]]) -> None:
        """Runs a job; `queue` waits behind it."""


class Genlock:
    """The daemon's own ledger and policy."""

    def __init__(self, machine: Machine) -> None:
        self.site = Site(machine)
        self.ledger = Ledger(machine, 0, slots={"heavy": 1, "interactive": 1, "language": 1, "native": 1})

    def run(self, plan: Plan, lane: Lane, budget: int, queue: Sequence[tuple[Lane, Plan]]) -> None:
        """Runs a job as the arbiter does."""
        ledger, site = self.ledger, self.site
        ledger.set_queue([(lane, plan), *queue])
        for move in ledger.set_budget(budget, "others") if budget != ledger.budget else ():
            self._move(move.lane, move.move.component, move.move.to)
        answer = ledger.admit("job", plan, lane)
        if not isinstance(answer, Admitted):
            raise BadInput("bad_value", f"The plan {plan.name} does not fit: {answer.reason}.")
        ledger.set_queue(queue)
        for phase in phases(plan, lane):
            entered = ledger.enter(answer.lease, phase.name)
            for move in entered.moves:
                self._move(move.lane, move.move.component, move.move.to)
            for part in entered.loads:
                site.bring((lane, part.name), part)
                ledger.moved(lane, part.name, "device", part.bytes)
            site.check(phase.activation, budget)
        ledger.release(answer.lease)

    def _move(self, lane: Lane, component: str, to: Tier) -> None:
        self.site.drop((lane, component), to)
        self.ledger.moved(lane, component, to)


def play(trace: Trace, make: Callable[[Machine], Player] = Genlock) -> Tally:
    """Returns what a trace costs a policy. Raises BadInput(bad_value) for a job that does not fit at all."""
    player = make(trace.machine)
    budget = trace.budget
    jobs = [(one.lane, one.plan) for one in trace.events if isinstance(one, Job)]
    at = 0
    for event in trace.events:
        if isinstance(event, Budget):
            budget = event.budget
            continue
        at += 1
        player.run(event.plan, event.lane, budget, jobs[at : at + trace.visible])
    return player.site.tally()


def steps(trace: Trace) -> list[tuple[Phase, int]]:
    """Returns the stages of a trace in order, each with the budget at that time."""
    budget, found = trace.budget, []
    for event in trace.events:
        if isinstance(event, Budget):
            budget = event.budget
        else:
            found += [(phase, budget) for phase in phases(event.plan, event.lane)]
    return found
