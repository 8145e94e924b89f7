"""The arbiter: within its budget, in order, nobody forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.errors import GenerationError
from genlock.generation.arbiter import PATIENCE, Arbiter, Decision, Lease, Need, machine_budget
from genlock.generation.engine import Component, Lane, Plan

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 10))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_lease_is_held_and_given_back() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        need = Need("a", (Component("encoder", 30), Component("decoder", 20)), 10)
        async with await arbiter.acquire(need) as lease:
            assert arbiter.held == lease.bytes == 60
        assert arbiter.held == 0

    run(work())


def test_an_error_gives_the_lease_back() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        with pytest.raises(ZeroDivisionError):
            async with await arbiter.acquire(Need("a", activation=60)):
                raise ZeroDivisionError
        assert arbiter.held == 0

    run(work())


def test_what_never_fits_is_refused_at_once() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        with pytest.raises(GenerationError) as caught:
            await arbiter.acquire(Need("a", activation=101))
        assert caught.value.code == "needs_memory"
        assert arbiter.state()["decisions"][-1]["verdict"] == "refused"

    run(work())


def test_a_deadline_ends_the_wait() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        async with await arbiter.acquire(Need("a")):
            with pytest.raises(GenerationError) as caught:
                await arbiter.acquire(Need("b"), deadline=0.01)
            assert caught.value.code == "needs_memory"
            assert arbiter.state()["waiting"] == []

    run(work())


def test_a_cancelled_waiter_leaves_the_queue() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        async with await arbiter.acquire(Need("a")):
            waiting = asyncio.create_task(arbiter.acquire(Need("b")))
            await settle()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert arbiter.state()["waiting"] == []
        async with await arbiter.acquire(Need("c"), deadline=0.1):
            pass

    run(work())


def test_higher_priority_first_then_first_come() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        order: list[str] = []

        async def job(need: Need) -> None:
            async with await arbiter.acquire(need):
                order.append(need.owner)
                await asyncio.sleep(0)

        first = await arbiter.acquire(Need("running"))
        needs = [Need("a"), Need("b", priority=5), Need("c"), Need("d", priority=5)]
        tasks = [asyncio.create_task(job(need)) for need in needs]
        await settle()
        first.release()
        await asyncio.gather(*tasks)
        assert order == ["b", "d", "a", "c"]

    run(work())


def test_a_waiter_for_bytes_is_passed_a_bounded_number_of_times() -> None:
    async def work() -> None:
        arbiter = Arbiter(100, {"heavy": 8, "interactive": 8})
        holder = await arbiter.acquire(Need("holder", activation=60))
        large = asyncio.create_task(arbiter.acquire(Need("large", activation=80)))
        await settle()
        passed = 0
        for number in range(PATIENCE + 3):
            small = asyncio.create_task(arbiter.acquire(Need(f"small{number}", activation=10)))
            await settle()
            if small.done():
                passed += 1
                small.result().release()
            else:
                small.cancel()
        assert passed == PATIENCE
        holder.release()
        (await large).release()

    run(work())


def test_the_interactive_lane_does_not_wait_for_the_heavy_one() -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        async with await arbiter.acquire(Need("render", activation=50)):
            async with await arbiter.acquire(Need("mask", activation=10), "interactive", deadline=0.1):
                pass

    run(work())


def test_shrinking_makes_room() -> None:
    async def work() -> None:
        arbiter = Arbiter(100, {"heavy": 2})
        lease = await arbiter.acquire(Need("a", activation=90))
        waiting = asyncio.create_task(arbiter.acquire(Need("b", activation=40)))
        await settle()
        assert not waiting.done()
        lease.shrink(50, "the prompt is encoded")
        (await waiting).release()
        lease.shrink(500)
        assert lease.bytes == 50
        lease.release()
        lease.release()
        assert arbiter.held == 0

    run(work())


def test_every_decision_is_told_with_its_reason() -> None:
    async def work() -> list[Decision]:
        told: list[Decision] = []
        arbiter = Arbiter(100, on_decision=told.append, clock=lambda: 1.0)
        lease = await arbiter.acquire(Need("a", activation=60))
        waiting = asyncio.create_task(arbiter.acquire(Need("b", activation=50)))
        await settle()
        lease.report(3, 10, 55)
        held = arbiter.state()["leases"]
        assert held == [{"owner": "a", "lane": "heavy", "bytes": 60, "used": 55, "step": [3, 10], "components": []}]
        lease.release()
        (await waiting).release()
        return told

    told = run(work())
    assert [(d.verdict, d.owner) for d in told] == [
        ("granted", "a"), ("queued", "b"), ("released", "a"), ("granted", "b"), ("released", "b"),
    ]  # fmt: skip
    assert all(decision.reason for decision in told)
    assert [d.free for d in told] == [40, 40, 100, 50, 100]


def test_a_need_is_made_from_a_plan() -> None:
    plan = Plan("x", "resident", components=(Component("transformer", 7),), activation=3)
    assert Need.of("job", plan, 2) == Need("job", plan.components, 3, 2)
    assert Need.of("job", plan).bytes == plan.bytes == 10


def test_the_machine_has_memory() -> None:
    assert 1 << 28 < machine_budget(0.5) < machine_budget(1.0)


JOB = st.tuples(
    st.integers(0, 120),  # bytes
    st.sampled_from(["heavy", "interactive"]),
    st.integers(-2, 2),  # priority
    st.integers(0, 4),  # turns it holds the lease
    st.sampled_from([None, None, "cancel", "shrink"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(JOB, max_size=14), st.integers(1, 3))
def test_any_program_stays_within_budget_and_ends(
    jobs: list[tuple[int, Lane, int, int, str | None]], slots: int
) -> None:
    """Never over budget, never more leases than slots, nobody waits for ever, everything is given back."""

    async def work() -> None:
        limits: dict[Lane, int] = {"heavy": slots, "interactive": 1}
        arbiter = Arbiter(100, limits)
        granted: list[str] = []

        def check() -> None:
            state = arbiter.state()
            assert state["held"] <= 100
            for lane, limit in limits.items():
                assert sum(lease["lane"] == lane for lease in state["leases"]) <= limit

        async def job(number: int, size: int, lane: Lane, priority: int, turns: int, twist: str | None) -> None:
            try:
                lease: Lease = await arbiter.acquire(Need(str(number), activation=size, priority=priority), lane)
            except GenerationError:
                assert size > 100
                return
            async with lease:
                granted.append(str(number))
                for _ in range(turns):
                    check()
                    if twist == "shrink":
                        lease.shrink(size // 2)
                    await asyncio.sleep(0)

        tasks = [asyncio.create_task(job(number, *rest)) for number, rest in enumerate(jobs)]
        await asyncio.sleep(0)
        for task, (*_, twist) in zip(tasks, jobs, strict=True):
            if twist == "cancel":
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if not task.cancelled():
                task.result()
        assert arbiter.held == 0
        assert arbiter.state()["waiting"] == []
        fit = {str(n) for n, (size, *_, twist) in enumerate(jobs) if size <= 100 and twist != "cancel"}
        assert fit <= set(granted)

    run(work())


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=10))
def test_equal_jobs_that_fit_are_served_in_the_order_they_came(sizes: list[int]) -> None:
    async def work() -> None:
        arbiter = Arbiter(100)
        order: list[int] = []

        async def job(number: int, size: int) -> None:
            async with await arbiter.acquire(Need(str(number), activation=size)):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(job(number, size) for number, size in enumerate(sizes)))
        assert order == list(range(len(sizes)))

    run(work())
