"""The arbiter: within its budget, in order, nobody forgotten, and no stage begins before its room is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.errors import GenerationError
from genlock.generation.arbiter import PATIENCE, SLOTS, Arbiter, Decision, Lease, Need
from genlock.generation.engine import Component, Lane, Plan, Stage
from genlock.generation.executor import Move
from genlock.generation.memory.ledger import Ledger
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.sentences import told

T = TypeVar("T")

GB = 1_000_000_000


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 10))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def need(owner: str, size: int = 0, priority: int = 0, lane: Lane = "heavy") -> Need:
    return Need(owner, Plan("fake", "only", lane=lane, activation=size), priority)


def staged(owner: str, lane: Lane = "heavy", *stages: tuple[str, int], activation: int = 0) -> Need:
    """A job whose stages have one part each, of that name and size."""
    parts = tuple(Component(f"model/{name}@x", size) for name, size in stages)
    ways = tuple(Stage(name, (f"model/{name}@x",), activation) for name, _ in stages)
    return Need(owner, Plan("fake", "staged", lane=lane, components=parts, stages=ways))


class Workers:
    """Workers that make moves when they are told to, or at once."""

    def __init__(self, arbiter: Arbiter, *, at_once: bool = True) -> None:
        self.arbiter, self.at_once = arbiter, at_once
        self.asked: list[tuple[Lane, Move]] = []
        self.device: dict[tuple[Lane, str], int] = {}
        self.host: dict[tuple[Lane, str], int] = {}
        arbiter.mover = self.move

    def move(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        for move in moves:
            self.asked.append((lane, move))
            if self.at_once:
                asyncio.get_running_loop().call_soon(self.make, lane, move)

    def make(self, lane: Lane, move: Move) -> None:
        key = (lane, move.component)
        size = self.device.pop(key, 0) or self.host.pop(key, 0)
        if size and move.to == "host":
            self.host[key] = size
            self.arbiter.moved(lane, move.component, "host", size)
        else:
            self.arbiter.moved(lane, move.component, "disk", 0)

    def load(self, lease: Lease, stage: str) -> None:
        """What a worker does in a stage: its parts come to the device."""
        plan = lease.need.plan
        names = next(one.components for one in plan.stages if one.name == stage)
        for part in plan.components:
            if part.name in names:
                self.host.pop((lease.lane, part.name), None)
                self.device[lease.lane, part.name] = part.bytes
                self.arbiter.moved(lease.lane, part.name, "device", part.bytes)

    def lose(self, lane: Lane) -> None:
        """What a worker that dies takes along."""
        self.device = {key: size for key, size in self.device.items() if key[0] != lane}
        self.host = {key: size for key, size in self.host.items() if key[0] != lane}

    async def work(self, lease: Lease) -> None:
        """Goes through all stages of a lease."""
        for stage in lease.need.plan.stages:
            for move in await lease.enter(stage.name):
                self.make(lease.lane, move)
            self.load(lease, stage.name)


def discrete(budget: int, host: int, **more: Any) -> Arbiter:
    return Arbiter(Ledger(Machine("a card", "cuda", device=budget, host=host), budget, slots=SLOTS), **more)


# -- leases


def test_a_lease_is_held_and_given_back() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        plan = Plan("fake", "all", components=(Component("encoder", 30), Component("decoder", 20)), activation=10)
        async with await arbiter.acquire(Need("a", plan)) as lease:
            assert arbiter.held == lease.bytes == 60
        assert arbiter.held == 0

    run(work())


def test_an_error_gives_the_lease_back() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        with pytest.raises(ZeroDivisionError):
            async with await arbiter.acquire(need("a", 60)):
                raise ZeroDivisionError
        assert arbiter.held == 0

    run(work())


@pytest.mark.parametrize("impossible", [need("a", 101), need("a", lane="interactive")])
def test_what_never_fits_is_refused_at_once(impossible: Need) -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100, {"heavy": 1})
        with pytest.raises(GenerationError) as caught:
            await arbiter.acquire(impossible)
        assert caught.value.code == "needs_memory"
        assert arbiter.state()["decisions"][-1]["verdict"] == "refused"

    run(work())


def test_a_deadline_ends_the_wait() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        async with await arbiter.acquire(need("a")):
            with pytest.raises(GenerationError) as caught:
                await arbiter.acquire(need("b"), deadline=0.01)
            assert caught.value.code == "needs_memory"
            assert arbiter.state()["waiting"] == []

    run(work())


def test_a_cancelled_waiter_leaves_the_queue() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        async with await arbiter.acquire(need("a")):
            waiting = asyncio.create_task(arbiter.acquire(need("b")))
            await settle()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert arbiter.state()["waiting"] == []
        async with await arbiter.acquire(need("c"), deadline=0.1):
            pass

    run(work())


def test_higher_priority_first_then_first_come() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        order: list[str] = []

        async def job(one: Need) -> None:
            async with await arbiter.acquire(one):
                order.append(one.owner)
                await asyncio.sleep(0)

        first = await arbiter.acquire(need("running"))
        needs = [need("a"), need("b", priority=5), need("c"), need("d", priority=5)]
        tasks = [asyncio.create_task(job(one)) for one in needs]
        await settle()
        first.release()
        await asyncio.gather(*tasks)
        assert order == ["b", "d", "a", "c"]

    run(work())


def test_a_waiter_for_bytes_is_passed_a_bounded_number_of_times() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100, {"heavy": 8, "interactive": 8})
        holder = await arbiter.acquire(need("holder", 60))
        large = asyncio.create_task(arbiter.acquire(need("large", 80)))
        await settle()
        passed = 0
        for number in range(PATIENCE + 3):
            small = asyncio.create_task(arbiter.acquire(need(f"small{number}", 10)))
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
        arbiter = Arbiter.plain(100)
        async with await arbiter.acquire(need("render", 50)):
            async with await arbiter.acquire(need("mask", 10, lane="interactive"), deadline=0.1):
                pass

    run(work())


def test_the_floor_is_the_interactive_lanes() -> None:
    async def work() -> None:
        arbiter = Arbiter(Ledger(Machine("one", device=100), 100, floor=30, slots=SLOTS))
        with pytest.raises(GenerationError):
            await arbiter.acquire(need("render", 80))
        async with await arbiter.acquire(need("render", 70)):
            async with await arbiter.acquire(need("mask", 30, lane="interactive"), deadline=0.1):
                assert arbiter.held == 100

    run(work())


def test_shrinking_makes_room() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100, {"heavy": 2})
        lease = await arbiter.acquire(need("a", 90))
        waiting = asyncio.create_task(arbiter.acquire(need("b", 40)))
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
        told_: list[Decision] = []
        arbiter = Arbiter.plain(100, on_decision=told_.append, clock=lambda: 1.0)
        lease = await arbiter.acquire(need("a", 60))
        waiting = asyncio.create_task(arbiter.acquire(need("b", 50)))
        await settle()
        lease.report(3, 10, 55)
        (held,) = arbiter.state()["leases"]
        assert {**held, "components": []} == {
            "owner": "a", "lane": "heavy", "bytes": 60, "used": 55, "step": [3, 10], "stage": "", "plan": "fake: only",
            "seconds": 0.0, "components": [], "waits_for": [],
        }  # fmt: skip
        (waits,) = arbiter.state()["waiting"]
        assert waits["owner"] == "b"
        assert "waits for a to end" in waits["forecast"]
        lease.release()
        (await waiting).release()
        return told_

    heard = run(work())
    assert [(d.verdict, d.owner) for d in heard] == [
        ("granted", "a"), ("queued", "b"), ("released", "a"), ("granted", "b"), ("released", "b"),
    ]  # fmt: skip
    assert all(decision.reason for decision in heard)
    assert [d.free for d in heard] == [40, 40, 100, 50, 100]


# -- stages


def test_stages_load_and_the_same_parts_load_once() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter)
        for owner in ("a", "b"):
            async with await arbiter.acquire(staged(owner, "heavy", ("encode", 40), ("denoise", 50))) as lease:
                await workers.work(lease)
        loads = [d.reason for d in arbiter.decisions if d.verdict == "entered"]
        assert [text.split(" in ")[0] for text in loads] == [
            "encode: loads model/encode@x", "denoise: loads model/denoise@x",
            "encode: all it needs is there", "denoise: all it needs is there",
        ]  # fmt: skip
        assert workers.asked == []
        assert arbiter.held == 0

    run(work())


def test_the_own_worker_gets_its_moves_with_the_stage() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter)
        async with await arbiter.acquire(staged("a", "heavy", ("encode", 70), ("denoise", 60))) as lease:
            assert await lease.enter("encode") == ()
            workers.load(lease, "encode")
            moves = await lease.enter("denoise")
            assert moves == (Move("model/encode@x", "disk"),)
            workers.make("heavy", moves[0])
            workers.load(lease, "denoise")
        assert workers.asked == []  # nothing is said twice to a worker that answered

    run(work())


def test_a_stage_begins_when_other_lanes_have_let_go() -> None:
    async def work() -> None:
        arbiter = discrete(100, 1000)
        workers = Workers(arbiter, at_once=False)
        async with await arbiter.acquire(staged("mask", "interactive", ("select", 60))) as lease:
            await workers.work(lease)
        async with await arbiter.acquire(staged("film", "heavy", ("denoise", 80))) as lease:
            entering = asyncio.create_task(lease.enter("denoise"))
            await settle()
            assert not entering.done()
            assert workers.asked == [("interactive", Move("model/select@x", "host"))]
            assert arbiter.state()["leases"][0]["waits_for"] == ["model/select@x"]
            workers.make(*workers.asked[0])
            assert await entering == ()
        (evicted,) = [d for d in arbiter.decisions if d.verdict == "evicted"]
        assert evicted.reason == (
            "evicted model/select@x to host memory, room for denoise of film: nobody who waits uses it"
        )
        assert {row["tier"] for row in arbiter.state()["residents"]} == {"host"}

    run(work())


def test_a_lost_worker_lets_go_of_everything() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter, at_once=False)
        async with await arbiter.acquire(staged("mask", "interactive", ("select", 60))) as lease:
            await workers.work(lease)
        async with await arbiter.acquire(staged("film", "heavy", ("denoise", 80))) as lease:
            entering = asyncio.create_task(lease.enter("denoise"))
            await settle()
            arbiter.lost("interactive")
            assert await entering == ()
        assert arbiter.state()["residents"] == []

    run(work())


def test_a_worker_that_does_not_let_go_costs_the_stage_and_no_byte() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100, moving=0.01)
        workers = Workers(arbiter, at_once=False)
        async with await arbiter.acquire(staged("mask", "interactive", ("select", 60))) as lease:
            await workers.work(lease)
        with pytest.raises(GenerationError) as caught:
            async with await arbiter.acquire(staged("film", "heavy", ("denoise", 80))) as lease:
                await lease.enter("denoise")
        assert caught.value.code == "needs_memory"
        assert "stuck" in [d.verdict for d in arbiter.decisions]
        (row,) = arbiter.state()["residents"]
        assert (row["bytes"], row["leaving"]) == (60, True)  # it counts until it has left
        assert arbiter.held == 0

    run(work())


def test_moves_of_a_job_that_ended_first_are_ordered_again() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter)
        async with await arbiter.acquire(staged("a", "heavy", ("encode", 70), ("denoise", 60))) as lease:
            await lease.enter("encode")
            workers.load(lease, "encode")
            assert await lease.enter("denoise")
        await settle()
        assert workers.asked == [("heavy", Move("model/encode@x", "disk"))]
        assert arbiter.state()["residents"] == []

    run(work())


def test_a_stage_after_the_release_is_refused() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        lease = await arbiter.acquire(staged("a", "heavy", ("encode", 70)))
        with pytest.raises(GenerationError):
            await lease.enter("paint")
        lease.release()
        with pytest.raises(GenerationError):
            await lease.enter("encode")

    run(work())


def test_a_smaller_budget_makes_parts_leave() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter)
        async with await arbiter.acquire(staged("a", "heavy", ("encode", 40), ("denoise", 50))) as lease:
            await workers.work(lease)
        arbiter.set_budget(60, "Resolve renders")
        await settle()
        assert len(workers.asked) == 1
        assert sum(workers.device.values()) <= 60
        assert [d.reason for d in arbiter.decisions if d.verdict == "budget"] == [
            "0.0 MB became 0.0 MB: Resolve renders"
        ]
        waiting = asyncio.create_task(arbiter.acquire(need("b", 50)))
        await settle()
        waiting.result().release()

    run(work())


def test_a_larger_budget_lets_waiting_jobs_in() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100, {"heavy": 2})
        async with await arbiter.acquire(need("a", 80)):
            waiting = asyncio.create_task(arbiter.acquire(need("b", 80)))
            await settle()
            arbiter.set_budget(200, "Resolve closed")
            (await waiting).release()

    run(work())


def test_what_proves_larger_than_planned_makes_others_leave() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter)
        async with await arbiter.acquire(staged("a", "heavy", ("encode", 40), ("denoise", 50))) as lease:
            await lease.enter("encode")
            workers.load(lease, "encode")
            await lease.enter("denoise")
            arbiter.moved("heavy", "model/denoise@x", "device", 75)
            await settle()
            assert workers.asked == [("heavy", Move("model/encode@x", "disk"))]

    run(work())


def test_forecasts_are_sentences() -> None:
    async def work() -> None:
        budget = 100 * GB
        arbiter = Arbiter(Ledger(Machine("a card", "cuda", device=budget, host=budget, link=5e9), budget, slots=SLOTS))
        workers = Workers(arbiter)
        picture = staged("picture", "heavy", ("denoise", 42 * GB))
        assert arbiter.forecast(picture.plan).startswith("needs 42.0 GB, which is free; loads for about")
        film = Plan("fake", "film", components=(Component("film/transformer@x", 90 * GB),), stages=(
            Stage("denoise", ("film/transformer@x",)),
        ))  # fmt: skip
        async with await arbiter.acquire(Need("film", film)) as lease:
            assert "waits for film to end" in arbiter.forecast(picture.plan)
            await workers.work(lease)
        said = arbiter.forecast(picture.plan)
        assert said == "needs 42.0 GB, waits about 25 s for film/transformer to go"
        assert arbiter.forecast(need("tiny", 4_200_000).plan) == "needs 4.2 MB, which is free"
        assert "more than jobs may have now" in arbiter.forecast(need("huge", 101 * GB).plan)

    run(work())


def test_the_queue_before_the_door_is_shown_and_keeps_its_parts() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        workers = Workers(arbiter)
        wanted, other = staged("later", "heavy", ("a", 45)), staged("other", "heavy", ("b", 45))
        for one in (wanted, other):
            async with await arbiter.acquire(one) as lease:
                await workers.work(lease)
        arbiter.set_queue([staged("later", "heavy", ("a", 45))])
        assert [row["owner"] for row in arbiter.state()["waiting"]] == ["later"]
        async with await arbiter.acquire(staged("film", "heavy", ("c", 45))) as lease:
            assert [move.component for move in await lease.enter("c")] == ["model/b@x"]

    run(work())


# -- any program


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
        arbiter = Arbiter.plain(100, limits)
        granted: list[str] = []

        def check() -> None:
            state = arbiter.state()
            assert state["held"] <= 100
            for lane, limit in limits.items():
                assert sum(lease["lane"] == lane for lease in state["leases"]) <= limit

        async def job(number: int, size: int, lane: Lane, priority: int, turns: int, twist: str | None) -> None:
            try:
                lease: Lease = await arbiter.acquire(need(str(number), size, priority, lane))
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
        arbiter = Arbiter.plain(100)
        order: list[int] = []

        async def job(number: int, size: int) -> None:
            async with await arbiter.acquire(need(str(number), size)):
                order.append(number)
                await asyncio.sleep(0)

        await asyncio.gather(*(job(number, size) for number, size in enumerate(sizes)))
        assert order == list(range(len(sizes)))

    run(work())


STAGED = st.tuples(
    st.sampled_from(["heavy", "interactive", "language"]),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20)), min_size=1, max_size=4),
    st.integers(0, 2),  # priority
    st.sampled_from([None, None, None, "cancel", "lost"]),
    st.integers(0, 12),  # turns until it is cancelled, or its worker dies
)
SIZES = {"a": 10, "b": 25, "c": 40, "d": 55, "e": 70, "f": 80}


class Lagging(Workers):
    """Workers that take a few turns for a move, but make all that are due before a stage begins; counts what is really
    on the device."""

    def __init__(self, arbiter: Arbiter, budget: int, lag: Callable[[], int]) -> None:
        super().__init__(arbiter, at_once=False)
        self.budget, self.lag = budget, lag
        self.due: list[tuple[Lane, Move]] = []
        self.late: list[asyncio.Task[None]] = []

    def move(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        for move in moves:
            self.due.append((lane, move))
            self.late.append(asyncio.ensure_future(self._later(lane, move)))

    async def _later(self, lane: Lane, move: Move) -> None:
        for _ in range(self.lag()):
            await asyncio.sleep(0)
        if (lane, move) in self.due:
            self.due.remove((lane, move))
            self.make(lane, move)

    def make(self, lane: Lane, move: Move) -> None:
        rows = self.arbiter.state()["residents"]
        used = {(row["lane"], row["component"]) for row in rows if row["locked_by"]}
        if (lane, move.component) in used and (lane, move.component) in self.device:
            self.arbiter.moved(lane, move.component, "device", self.device[lane, move.component])
        else:
            super().make(lane, move)

    def begin(self, lease: Lease, moves: tuple[Move, ...], stage: str) -> None:
        due = [entry for entry in self.due if entry[0] == lease.lane]
        self.due = [entry for entry in self.due if entry[0] != lease.lane]
        for lane, move in (*due, *((lease.lane, move) for move in moves)):
            self.make(lane, move)
        self.load(lease, stage)
        assert sum(self.device.values()) <= self.budget


@settings(max_examples=120, deadline=None, phases=(Phase.generate,))
@given(st.lists(STAGED, min_size=1, max_size=10), st.sampled_from([0, 60, 1000]), st.randoms(use_true_random=False))
def test_any_program_of_stages_stays_within_the_device(jobs: list[Any], host: int, random: Any) -> None:
    """Whatever is cancelled or dies: the bytes really there stay within the budget, everybody runs, nothing is reserved at
    the end."""

    async def work() -> None:
        arbiter = discrete(100, host, moving=0.5)
        workers = Lagging(arbiter, 100, lambda: random.randrange(4))
        ran: set[int] = set()

        async def job(number: int, lane: Lane, stages: list[tuple[str, int]], priority: int) -> None:
            names = [name for name, _ in stages]
            parts = tuple(Component(f"{name}@x", SIZES[name]) for name in dict.fromkeys(names))
            ways = tuple(Stage(f"{at}", (f"{name}@x",), act) for at, (name, act) in enumerate(stages))
            plan = Plan("fake", "staged", lane=lane, components=parts, stages=ways)
            async with await arbiter.acquire(Need(str(number), plan, priority)) as lease:
                for stage in plan.stages:
                    workers.begin(lease, await lease.enter(stage.name), stage.name)
                    await asyncio.sleep(0)
                    state = arbiter.state()
                    assert state["held"] <= 100
                    assert state["over"] == 0
            ran.add(number)

        def die(task: asyncio.Task[None], lane: Lane) -> None:
            """A worker dies: its models are gone, its job ends."""
            if not task.done():
                task.cancel()
            workers.lose(lane)
            arbiter.lost(lane)

        tasks = []
        for number, (lane, stages, priority, twist, turns) in enumerate(jobs):
            task = asyncio.create_task(job(number, lane, stages, priority))
            tasks.append(task)
            for _ in range(turns):
                await asyncio.sleep(0)
            if twist == "cancel":
                task.cancel()
            elif twist == "lost" and all(
                row["owner"] == str(number) or row["lane"] != lane for row in arbiter.state()["leases"]
            ):
                die(task, lane)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*workers.late)
        for number, task in enumerate(tasks):
            assert task.cancelled() or task.exception() is None, task.exception()
            assert task.cancelled() or number in ran
        state = arbiter.state()
        assert (state["held"], state["leases"], state["waiting"]) == (0, [], [])
        there = {(row["lane"], row["component"]) for row in state["residents"] if row["tier"] == "device"}
        assert there == set(workers.device)
        assert not any(row["leaving"] or row["locked_by"] for row in state["residents"])

    run(work())


def test_a_forecast_says_who_is_in_the_way() -> None:
    ledger = Ledger(Machine("one", device=100), 100, slots=SLOTS)
    ledger.admit("0123456789", need("x", 80).plan, "heavy")
    assert told(ledger.forecast(need("y", 80, lane="interactive").plan, "interactive")).startswith(
        "needs 0.0 MB, waits for 01234567 to end: "
    )


def test_a_patient_job_waits_while_other_programs_hold_what_it_needs_and_stops_nobody() -> None:
    async def work() -> None:
        arbiter = Arbiter.plain(100)
        arbiter.set_budget(40, "Resolve renders")
        large = asyncio.create_task(arbiter.acquire(replace(need("large", 80), patient=True)))
        await settle()
        assert next(d.reason for d in arbiter.decisions if d.verdict == "queued").startswith("other programs hold what")
        for number in range(PATIENCE + 2):  # what fits goes on, however often
            (await arbiter.acquire(need(f"small {number}", 30))).release()
        with pytest.raises(GenerationError, match="can never run"):
            await arbiter.acquire(need("hasty", 80))
        arbiter.set_budget(100, "Resolve is done")
        (await asyncio.wait_for(large, 1)).release()
        with pytest.raises(GenerationError, match="can never run"):
            await arbiter.acquire(replace(need("too large", 120), patient=True))

    run(work())
