"""The ledger under everything that can happen, in any order."""

from __future__ import annotations

from random import Random
from time import process_time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from genlock.generation.memory.machine import Machine
from tests.generation.memory.workshop import LANES, Job, Workshop, plan

CARD = Machine("a small card", "cuda", 40, 24, link=20.0, disk=2.5)
UNIFIED = Machine("one memory", "mps", 40, 0, link=20.0, disk=4.0)


def idle(shop: Workshop) -> list[Job]:
    return [job for job in shop.running if job.begun]


class Books(RuleBasedStateMachine):
    @initialize(card=st.booleans(), budget=st.integers(18, 40), floor=st.integers(0, 6))
    def begin(self, card: bool, budget: int, floor: int) -> None:
        self.shop = Workshop(CARD if card else UNIFIED, budget, floor)
        self.count = 0

    @rule(lane=st.sampled_from(LANES), seed=st.integers(0, 500))
    def arrive(self, lane: str, seed: int) -> None:
        self.count += 1
        self.shop.arrive(f"job {self.count}", lane, plan(Random(seed)))  # type: ignore[arg-type]

    @precondition(lambda self: idle(self.shop))
    @rule(at=st.integers(0, 9))
    def enter(self, at: int) -> None:
        jobs = idle(self.shop)
        self.shop.enter(jobs[at % len(jobs)])

    @precondition(lambda self: any(self.shop.orders.values()))
    @rule(at=st.integers(0, 9))
    def work(self, at: int) -> None:
        lanes = [lane for lane in LANES if self.shop.orders[lane]]
        self.shop.work(lanes[at % len(lanes)])

    @rule()
    def proceed(self) -> None:
        self.shop.proceed()

    @precondition(lambda self: self.shop.running)
    @rule(at=st.integers(0, 9))
    def end(self, at: int) -> None:
        self.shop.end(self.shop.running[at % len(self.shop.running)])

    @precondition(lambda self: self.shop.running)
    @rule(at=st.integers(0, 9), to=st.integers(0, 40))
    def shrink(self, at: int, to: int) -> None:
        job = self.shop.running[at % len(self.shop.running)]
        largest = job.plan.bytes
        self.shop.ledger.shrink(job.lease, max(to, largest))
        assert self.shop.ledger.held >= self.shop.present(job)

    @rule(lane=st.sampled_from(LANES))
    def lose(self, lane: str) -> None:
        self.shop.lose(lane)  # type: ignore[arg-type]

    @rule(budget=st.integers(0, 44))
    def change_budget(self, budget: int) -> None:
        self.shop.budget(budget)

    @rule(lane=st.sampled_from(LANES), seed=st.integers(0, 500))
    def forecast(self, lane: str, seed: int) -> None:
        before = self.shop.ledger.state()
        self.shop.ledger.forecast(plan(Random(seed)), lane)  # type: ignore[arg-type]
        assert self.shop.ledger.state() == before

    @invariant()
    def promises(self) -> None:
        self.shop.agrees()

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.settle()


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestBooks = Books.TestCase


@pytest.mark.parametrize("machine", [CARD, UNIFIED], ids=["card", "unified"])
def test_a_hundred_thousand_random_steps_neither_overrun_nor_starve_anybody(machine: Machine) -> None:
    begin = process_time()
    rng = Random(4)
    shop = Workshop(machine, 32, 3)
    steps = count = 0
    while steps < 50_000:
        steps += 1
        draw = rng.random()
        if draw < 0.12 and len(shop.waiting) < 12:
            count += 1
            shop.arrive(f"job {count}", rng.choice(LANES), plan(rng))
        elif draw < 0.45 and (jobs := idle(shop)):
            shop.enter(rng.choice(jobs))
        elif draw < 0.75:
            lanes = [lane for lane in LANES if shop.orders[lane]]
            if lanes:
                shop.work(rng.choice(lanes))
        elif draw < 0.86:
            shop.proceed()
        elif draw < 0.98 and shop.running:
            shop.end(rng.choice(shop.running))
        elif draw < 0.985:
            shop.budget(rng.choice((24, 28, 32, 36)))
        elif draw < 0.987:
            shop.lose(rng.choice(LANES))
        for job in shop.waiting:
            job.age += 1
        shop.oldest = max([shop.oldest, *(job.age for job in shop.waiting)])
        if steps % 50 == 0:
            shop.agrees()
    assert shop.oldest < 1_500, "somebody waits for ever"
    assert min(shop.admitted, shop.loads, shop.evictions) > 1_000
    shop.settle()
    assert process_time() - begin < 20
