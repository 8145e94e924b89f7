"""The optimum: no search finds less, and no policy spends less."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from genlock.errors import BadInput
from genlock.generation.engine import Component, Plan
from genlock.generation.memory import optimum, simulator
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.rivals import RIVALS
from genlock.generation.memory.traces import Budget, Job, Trace, day


def small(seed: int, host: int) -> Trace:
    """A trace of a few parts, small enough to try everything."""
    rng = Random(seed)
    machine = Machine("small", "cuda" if host else "mps", 20, host, link=10.0, disk=2.0)
    parts = [Component(f"part{at}", rng.randint(2, 8), rebuild=rng.choice((0.0, 1.5))) for at in range(4)]
    events: list[Job | Budget] = []
    for _ in range(7):
        if rng.random() < 0.2:
            events.append(Budget(rng.randint(17, 22)))
        some = tuple(rng.sample(parts, rng.randint(1, 2)))
        events.append(Job(Plan("trial", "job", components=some, activation=rng.randint(0, 1))))
    return Trace(machine, 18, 2, tuple(events))


def tried(trace: Trace) -> float:
    """Returns the least cost over every way to place everything, by trying all of them."""
    steps = simulator.steps(trace)
    parts = {key: part for phase, _ in steps for key, part in phase.needs.items()}
    names, machine = list(parts), trace.machine

    def up(key: object, tier: int) -> float:
        part = parts[key]  # type: ignore[index]
        return (machine.reload(part.bytes, pinned=False, rebuild=part.rebuild), part.bytes / machine.link, 0.0)[tier]

    states = {(0,) * len(names): 0.0}
    for phase, budget in steps:
        found: dict[tuple[int, ...], float] = {}
        for state, cost in states.items():
            cost += sum(up(key, tier) for key, tier in zip(names, state, strict=True) if key in phase.needs)
            ranges = [(2,) if key in phase.needs else range(tier + 1) for key, tier in zip(names, state, strict=True)]
            for after in product(*ranges):
                sizes = [parts[key].bytes for key in names]
                device = sum(size for size, tier in zip(sizes, after, strict=True) if tier == 2)
                host = sum(size for size, tier in zip(sizes, after, strict=True) if tier == 1)
                if device + phase.activation <= budget and host <= machine.host:
                    found[after] = min(found.get(after, cost), cost)
        states = found
    return min(states.values())


@pytest.mark.parametrize("host", [0, 9])
@pytest.mark.parametrize("seed", range(6))
def test_trying_everything_finds_nothing_cheaper(seed: int, host: int) -> None:
    trace = small(seed, host)
    assert optimum.seconds(trace) == pytest.approx(tried(trace))


@pytest.mark.parametrize("seed", range(20))
def test_no_policy_beats_it(seed: int) -> None:
    trace = small(seed, seed % 3 * 5)
    least = optimum.seconds(trace)
    for make in (simulator.Genlock, *RIVALS.values()):
        assert simulator.play(trace, make).seconds >= least - 1e-9


def test_when_everything_fits_it_is_the_first_loads() -> None:
    trace = day("141 GB", 0)
    parts = {part.name: part for job in trace.events if isinstance(job, Job) for part in job.plan.components}
    first = sum(trace.machine.reload(one.bytes, pinned=False, rebuild=one.rebuild) for one in parts.values())
    assert optimum.seconds(trace) == pytest.approx(first)


def test_what_cannot_be_solved_is_said() -> None:
    machine = Machine("small", "cuda", 20, 9)
    large = Plan("trial", "large", components=(Component("part", 30),))
    with pytest.raises(BadInput, match="does not fit"):
        optimum.seconds(Trace(machine, 18, 2, (Job(large),)))
    many = Plan("trial", "many", components=tuple(Component(f"part{at}", 1) for at in range(12)))
    with pytest.raises(BadInput, match="11 components"):
        optimum.seconds(Trace(machine, 18, 2, (Job(many),)))
