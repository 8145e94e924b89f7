"""Figures of the memory policy: seconds spent bringing in weights, against the exact optimum and the exclusive slot, and
what a decision costs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from random import Random
from time import thread_time
from typing import Final

from genlock.bench import Result, p99
from genlock.generation.engine import Component, Plan, Stage
from genlock.generation.memory import simulator
from genlock.generation.memory.comparison import compare
from genlock.generation.memory.ledger import Admitted, Ledger
from genlock.generation.memory.machine import GiB, Machine
from genlock.generation.memory.traces import SCENES, day

SEEDS: Final = range(5)
OF_OPTIMUM: Final = 1.15
FEWER: Final = 4.0
FEWER_UNIFIED: Final = 2.0
MODELS, PARTS, QUEUED, JOBS = 6, ("te", "dit", "vae"), 100, 300
DECISION: Final = 100.0
"""Microseconds."""
ROUNDS: Final = 6


def run() -> Iterator[Result]:
    """Yields the figures of memory."""
    for name, scene in SCENES.items():
        days = [day(name, seed) for seed in SEEDS]
        row = compare(name, days)
        yield Result(
            f"swap seconds of a day, {name}, of the optimum", row["seconds"], "s", OF_OPTIMUM, floor=row["optimum"]
        )
        fewer = row["rivals"]["exclusive slot"] / row["seconds"]
        asked = FEWER_UNIFIED if scene.machine.unified else FEWER
        yield Result(f"fewer swap seconds than the exclusive slot, {name}", fewer, "times", asked, at_least=True)
        if name == "141 GB":
            evictions = sum(simulator.play(one).evictions for one in days)
            yield Result("evictions where everything fits", evictions, "evictions", 0)
    name = f"memory decision, {MODELS} models and {QUEUED} queued"
    yield Result(name, p99(decisions()) * 1e6, "us p99", DECISION)


def decisions() -> list[float]:
    """Returns the CPU seconds of each `admit` and `enter` of a crowded card whose host memory is full as well: of some
    rounds of the same decisions the best each, because a busy neighbour slows any of them. No garbage is collected
    meanwhile: what a process of this size costs is not the decision's."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        return [min(times) for times in zip(*(_round() for _ in range(ROUNDS)), strict=True)]
    finally:
        if was_on:
            gc.enable()


def _round() -> list[float]:
    rng = Random(1)
    plans = [_plan(f"model{number}", rng) for number in range(MODELS)]
    machine = Machine("48 GB card", "cuda", 48 * GiB, 64 * GiB)
    ledger = Ledger(machine, 40 * GiB, floor=2 * GiB)
    times: list[float] = []
    for _ in range(JOBS):
        ledger.set_queue([("heavy", rng.choice(plans)) for _ in range(QUEUED)])
        plan = rng.choice(plans)
        begin = thread_time()
        lease = ledger.admit("job", plan, "heavy")
        times.append(thread_time() - begin)
        assert isinstance(lease, Admitted)
        for stage in plan.stages:
            begin = thread_time()
            entered = ledger.enter(lease.lease, stage.name)
            times.append(thread_time() - begin)
            for one in entered.moves:
                ledger.moved(one.lane, one.move.component, one.move.to)
            for part in entered.loads:
                ledger.moved("heavy", part.name, "device", part.bytes)
        ledger.release(lease.lease)
    return times


def _plan(model: str, rng: Random) -> Plan:
    parts = tuple(Component(f"{model}/{part}@bfloat16", int(rng.uniform(0.2, 14) * GiB)) for part in PARTS)
    stages = tuple(Stage(part.name, (part.name,), int(rng.uniform(0.5, 3) * GiB)) for part in parts)
    return Plan("bench", model, components=parts, stages=stages)
