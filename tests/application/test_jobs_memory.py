"""Jobs and memory: stages, plans that do not fit after all, workers that die, and nothing left reserved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from msgspec.structs import replace

from genlock.application.jobs import JobRunner
from genlock.application.requests import request_for
from genlock.errors import BadInput
from genlock.generation.arbiter import Arbiter
from genlock.generation.engine import Component, Engines, Lane, Plan, Stage
from genlock.generation.executor import Failed as FailedOutcome
from genlock.generation.executor import Finished, Gone, Listener, Move, Moved, Outcome, Ticket
from genlock.generation.local import LocalExecutor
from genlock.project.commands import AddTake, CancelJob, ChangeBrief
from genlock.project.job import Cancelled, Failed, Succeeded, Waiting
from genlock.project.media import MediaInfo
from genlock.project.request import GenerationRequest, Mode, Provenance
from genlock.project.shot import Brief, Take
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.application.test_jobs import House
from tests.generation import trial_engines
from tests.generation.fake_executor import FakeExecutor

MODULE = "tests.application.test_jobs_memory"

ENCODE, DENOISE, DECODE = Component("m/text@x", 30), Component("m/transformer@x", 70), Component("m/vae@x", 10)
SMALLER = Component("m/transformer@fp8", 40)
PARTS = (ENCODE, DENOISE, DECODE)


def stages(*parts: Component) -> tuple[Stage, ...]:
    return tuple(Stage(f"s{number}", (part.name,), 5) for number, part in enumerate(parts))


class Painter:
    """Has three ways to make a picture, each smaller than the one before, and one to make a mask."""

    name = "painter"
    version = "1"
    modes: frozenset[Mode] = frozenset({"text_to_video", "mask", "enhance_prompt"})

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        lanes: dict[str, Lane] = {"mask": "interactive", "enhance_prompt": "heavy"}
        lane = lanes.get(request.mode, "heavy")
        if request.mode != "text_to_video":
            return (Plan(self.name, "tool", lane=lane, components=(ENCODE,), stages=stages(ENCODE)),)
        small = (ENCODE, SMALLER, DECODE)
        return (
            Plan(self.name, "resident", components=PARTS, stages=stages(*PARTS)),
            Plan(self.name, "fp8", components=small, stages=stages(*small)),
            Plan(self.name, "tiny", components=(DECODE,), stages=stages(DECODE)),
        )

    def generate(self, *_: Any) -> None:
        raise AssertionError("the executor of these tests makes the takes")

    def missing(self) -> str:
        return ""

    def libraries(self) -> tuple[str, ...]:
        return ()


painter = Painter()
ENGINES = Engines({"painter": f"{MODULE}:painter"})


class Failing(FakeExecutor):
    """Fails at the allocations given: every part that is brought in is one, over all plans; `die` at them instead."""

    def __init__(self, *fail_at: int, die: bool = False) -> None:
        super().__init__(ENGINES)
        self.fail_at, self.die = set(fail_at), die
        self.allocations = 0

    def _run(self, ticket: Ticket, listener: Listener) -> Outcome:
        lane, told, failure = ticket.plan.lane, self._watcher, None

        def watch(where: Lane, news: Moved | Gone) -> None:
            nonlocal failure
            if isinstance(news, Moved) and news.tier == "device":
                self.allocations += failure is None
                if self.allocations in self.fail_at:
                    failure = "worker_lost" if self.die else "needs_memory"
                    self.held[where].pop(news.component)
                    told(where, Moved(news.component, "disk"))
                    return
            told(where, news)

        self._watcher = watch
        try:
            outcome = super()._run(ticket, listener)
        finally:
            self._watcher = told
        if failure == "worker_lost":
            self.held.pop(lane, None)
            told(lane, Gone())
        if failure is not None:
            return FailedOutcome(ticket.job, failure, f"allocation {self.allocations}")
        if isinstance(outcome, Finished):
            made = Provenance(ticket.request, "painter", "1", plan=ticket.plan.name)
            return Finished(ticket.job, replace(outcome.take, provenance=made))
        return outcome


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "blue")
    made.settle(engine="painter")
    yield made
    made.close()


def begin(house: House, executor: FakeExecutor, budget: int = 100, **more: Any) -> Arbiter:
    arbiter = Arbiter.plain(budget, **more)
    house.executor.close()
    house.executor = executor
    house.runner = JobRunner(house.app, executor, arbiter)
    house.runner.start()
    return arbiter


def take_of(house: House) -> Take:
    (take,) = house.app.shot(house.shot).takes.values()
    return take


def tried(take: Take) -> list[str]:
    assert take.provenance is not None
    found: list[str] = take.provenance.details.get("tried", [])
    return found


def settled(arbiter: Arbiter, timeout: float = 5) -> dict[str, Any]:
    """Returns the state when nothing is reserved any more."""
    end = monotonic() + timeout
    while (state := arbiter.state())["leases"]:
        assert monotonic() < end
        sleep(0.005)
    return state


def test_a_job_goes_through_its_stages(house: House) -> None:
    executor = Failing()
    arbiter = begin(house, executor)
    house.until(house.queue(), Succeeded)
    assert tried(take_of(house)) == []
    stages_ = [d.reason.split(":")[0] for d in arbiter.decisions if d.verdict == "entered"]
    assert stages_ == ["s0", "s1", "s2"]
    state = settled(arbiter)
    assert (state["held"], state["waiting"]) == (0, [])
    assert {row["component"] for row in state["residents"]} == set(executor.held["heavy"])


@pytest.mark.parametrize("n", range(1, 8))
def test_lack_of_memory_at_any_allocation_leads_to_a_take(house: House, n: int) -> None:
    """Three parts for the first plan, up to three for the second, one for the third: whichever allocation fails, the next
    plan has its turn with the same seed."""
    executor = Failing(n)
    arbiter = begin(house, executor)
    job = house.until(house.queue(), Succeeded)
    plans = [ticket.plan.name for ticket in executor.tickets]
    assert plans == (["resident"] if n > 3 else ["resident", "fp8"])
    assert {ticket.request.seed for ticket in executor.tickets} == {job.request.seed}
    assert len(tried(take_of(house))) == len(plans) - 1
    assert settled(arbiter)["held"] == 0


@pytest.mark.parametrize("fail_at", [(n, n + m) for n in (1, 2, 3) for m in (1, 2)])
def test_lack_of_memory_twice_leads_to_the_third_plan(house: House, fail_at: tuple[int, ...]) -> None:
    executor = Failing(*fail_at)
    arbiter = begin(house, executor)
    house.until(house.queue(), Succeeded)
    assert [ticket.plan.name for ticket in executor.tickets] == ["resident", "fp8", "tiny"]
    fallbacks = [d.reason for d in arbiter.decisions if d.verdict == "fallback"]
    assert len(fallbacks) == len(tried(take_of(house))) == len(executor.tickets) - 1
    assert "needs_memory" in fallbacks[0]
    assert settled(arbiter)["held"] == 0


def test_after_the_last_plan_the_job_fails(house: House) -> None:
    executor = Failing(*range(1, 30))
    arbiter = begin(house, executor)
    status = house.until(house.queue(), Failed).status
    assert isinstance(status, Failed)
    assert status.code == "needs_memory"
    assert [ticket.plan.name for ticket in executor.tickets] == ["resident", "fp8", "tiny"]
    assert house.seen.count("JobStarted") == 1
    assert settled(arbiter)["held"] == 0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_worker_that_dies_is_given_the_next_smaller_plan(house: House, n: int) -> None:
    executor = Failing(n, die=True)
    arbiter = begin(house, executor)
    begin_ = monotonic()
    house.until(house.queue(), Succeeded)
    assert monotonic() - begin_ < 5
    assert [ticket.plan.name for ticket in executor.tickets] == ["resident", "fp8"]
    assert tried(take_of(house)) == [f"resident: allocation {n}"]
    assert "lost" in [d.verdict for d in arbiter.decisions]
    assert settled(arbiter)["held"] == 0


def test_a_worker_that_dies_twice_costs_the_job(house: House) -> None:
    executor = Failing(1, 2, die=True)
    arbiter = begin(house, executor)
    status = house.until(house.queue(), Failed).status
    assert isinstance(status, Failed)
    assert status.code == "worker_lost"
    assert len(executor.tickets) == 2
    state = settled(arbiter, 1)
    assert (state["held"], state["residents"]) == (0, [])


def test_what_holds_no_models_is_tried_once_more_the_same_way(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.settle(engine="killed")
    try:
        house.run()
        house.until(house.queue(), Failed)
        assert [ticket.plan.name for ticket in house.executor.tickets] == ["only", "only"]
    finally:
        house.close()


def test_a_plan_that_is_too_large_for_the_budget_is_passed_over(house: House) -> None:
    executor = Failing()
    arbiter = begin(house, executor, budget=50)
    house.until(house.queue(), Succeeded)
    assert [ticket.plan.name for ticket in executor.tickets] == ["fp8"]
    assert "refused" in [d.verdict for d in arbiter.decisions]


def test_the_same_parts_are_not_loaded_twice(house: House) -> None:
    executor = Failing()
    begin(house, executor, budget=1000)
    for _ in range(3):
        house.until(house.queue(), Succeeded)
    assert executor.allocations == len(PARTS)


class Stubborn(Failing):
    """Makes no moves when it is told to."""

    def move(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        self.refused = moves


def until(check: Any, timeout: float = 5) -> None:
    end = monotonic() + timeout
    while not check():
        assert monotonic() < end
        sleep(0.005)


def mask(house: House) -> str:
    source = house.folder / "a.mov"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"")
    return house.queue(mode="mask", source=str(source), selections=[{"text": "the lighthouse"}])


def test_a_job_that_waits_for_another_lane_to_let_go_can_be_cancelled(house: House) -> None:
    executor = Stubborn()
    arbiter = begin(house, executor)
    house.until(mask(house), Succeeded)
    job = house.queue()
    until(lambda: any(row["waits_for"] for row in arbiter.state()["leases"]))
    house.do(CancelJob(), job)
    assert house.app.job(job).status == Cancelled()
    state = settled(arbiter, 1)
    assert [row["leaving"] for row in state["residents"] if row["lane"] == "interactive"] == [True]


def test_a_lane_that_does_not_let_go_costs_a_plan_and_not_the_job(house: House) -> None:
    executor = Stubborn()
    arbiter = begin(house, executor, moving=0.05)
    house.until(mask(house), Succeeded)
    house.until(house.queue(), Succeeded)
    assert [ticket.plan.name for ticket in executor.tickets] == ["tool", "resident", "fp8"]
    assert "stuck" in [d.verdict for d in arbiter.decisions]
    assert settled(arbiter)["held"] == 0


def test_a_job_on_another_lane_than_expected_blocks_nobody(house: House) -> None:
    """Its mode says language, its plan says heavy: while the heavy lane is taken it waits, and a text after it too, but
    nobody else."""
    executor = Failing()
    begin(house, executor)
    jobs = [house.queue(mode="enhance_prompt"), house.queue(mode="enhance_prompt"), mask(house), house.queue()]
    for job in jobs:
        house.until(job, Succeeded)


def test_the_arbiter_knows_what_comes(house: House) -> None:
    executor = FakeExecutor(Engines({"slow": "tests.generation.trial_engines:slow", **ENGINES.targets}))
    arbiter = begin(house, executor)
    first = house.queue(engine="slow")
    jobs = [house.queue(), house.queue()]
    until(lambda: [row["owner"] for row in arbiter.state()["waiting"]] == jobs)
    assert all("needs 0.0 MB" in row["forecast"] for row in arbiter.state()["waiting"])
    house.do(CancelJob(), jobs[0])
    until(lambda: [row["owner"] for row in arbiter.state()["waiting"]] == jobs[1:])
    assert isinstance(house.app.job(jobs[1]).status, Waiting)
    executor.let_go(first)
    house.until(jobs[1], Succeeded)
    assert settled(arbiter)["waiting"] == []


# -- with real workers


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A house whose engines keep toy parts of 100, 200 and 50 bytes in real worker processes."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))  # workers find the engines by name
    made = House(tmp_path / "blue")
    made.settle(engine="staged", proxy=False)
    yield made
    made.close()


def toy_runner(house: House, budget: int) -> Arbiter:
    arbiter = Arbiter.plain(budget)
    house.runner = JobRunner(house.app, LocalExecutor(trial_engines.engines(), warm_after=0), arbiter)
    house.runner.start()
    return arbiter


def details(house: House, job: str) -> dict[str, Any]:
    (take,) = (take for take in house.app.shot(house.shot).takes.values() if take.job == job)
    assert take.provenance is not None
    return take.provenance.details


def test_a_real_worker_keeps_its_parts_and_gives_up_what_the_next_stage_needs(toys: House) -> None:
    arbiter = toy_runner(toys, 1000)
    first, second = toys.queue(), toys.queue()
    toys.until(second, Succeeded, 40)
    assert (details(toys, first)["built"], details(toys, second)["built"]) == (["encoder", "mover", "decoder"], [])
    arbiter.set_budget(230, "somebody came")
    third = toys.queue()
    toys.until(third, Succeeded, 40)
    assert "mover" in details(toys, third)["built"] or "encoder" in details(toys, third)["built"]
    state = settled(arbiter)
    assert state["held"] == 0
    assert state["resident"] <= 230


def test_a_real_worker_that_dies_frees_its_lease_within_a_second(toys: House) -> None:
    arbiter = toy_runner(toys, 1000)
    job = toys.queue(engine="mortal")
    status = toys.until(job, Failed, 40).status
    assert isinstance(status, Failed)
    assert status.code == "worker_lost"
    state = settled(arbiter, 1)
    assert (state["held"], state["residents"]) == (0, [])
    assert [d.verdict for d in arbiter.decisions].count("granted") == 2
    toys.until(toys.queue(), Succeeded, 40)


def test_lack_of_memory_in_a_real_worker_leaves_nothing_reserved(toys: House) -> None:
    arbiter = toy_runner(toys, 1000)
    for n in (1, 3, 5, 12):
        status = toys.until(toys.queue(settings={"fail_at": n}), Failed, 40).status
        assert isinstance(status, Failed)
        assert status.code == "needs_memory"
        assert settled(arbiter)["held"] == 0
    toys.until(toys.queue(), Succeeded, 40)


# -- requests that start from a take


INFO = MediaInfo("video", rate=Rate(25), frames=40, start=90000, width=64, height=48)


def test_tools_take_size_and_length_from_the_take_and_any_engine(house: House) -> None:
    with pytest.raises(BadInput, match="no take yet"):
        house.queue(mode="mask", selections=[{"text": "x"}])
    house.do(AddTake(Take("t1", 1, "/takes/1.mov", info=INFO)), house.shot)
    house.do(AddTake(Take("m1", 2, "/takes/2.mov", kind="mask")), house.shot)
    words = {"selections": [{"text": "the lighthouse"}]}

    def made(mode: str, **more: Any) -> GenerationRequest:
        request = request_for(house.app, house.shot, mode=mode, **more).request
        assert request.source == "/takes/1.mov"
        return request

    mask_ = made("mask", **words)
    assert (mask_.frames, mask_.resolution, mask_.rate, mask_.engine) == (1, Resolution(64, 48), Rate(25), "")
    track = made("track", **words)
    assert (track.frames, track.resolution, track.start_frame) == (40, Resolution(64, 48), 90000)
    assert made("upscale").resolution == Resolution(128, 96)
    assert (made("retime", frames=80).frames, made("scenes").frames) == (80, 40)
    assert made("inpaint", mask="/m.png").engine == "painter"
    assert made("mask", resolution=[32, 32], **words).resolution == Resolution(32, 32)
    with pytest.raises(BadInput, match="not a picture"):
        house.queue(mode="extend", take="m1")


def test_a_prompt_is_written_with_the_shots_context(house: House) -> None:
    house.do(ChangeBrief(Brief("A lighthouse", frames=48, shot_type="wide", notes="at dawn")), house.shot)
    request = request_for(house.app, house.shot, mode="enhance_prompt").request
    assert request.settings["context"] == {
        "shot": "SH0010", "scene": "SC01", "shot_type": "wide", "notes": "at dawn", "seconds": "2.0",
    }  # fmt: skip


def test_a_prompt_of_a_hundred_kilobytes_is_refused(house: House) -> None:
    with pytest.raises(BadInput) as caught:
        house.queue(prompt="x" * 100_000)
    assert caught.value.code == "bad_generation"


@pytest.mark.parametrize("overrides", [{"mode": ["mask"]}, {"mode": None}, {"selections": [{"points": [[1]]}]}])
def test_overrides_of_the_wrong_shape(house: House, overrides: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        house.queue(**overrides)


def test_a_job_that_waits_for_other_programs_keeps_nobody_waiting(house: House) -> None:
    """Its smallest way that is no draft needs more than they leave: it waits, and others run."""
    executor = Failing()
    executor.engines = Engines({**ENGINES.targets, "plain": "tests.generation.trial_engines:plain"})
    arbiter = begin(house, executor, budget=1000)
    assert house.runner is not None
    house.runner.set_budget(5, "Resolve renders")
    large = house.queue()
    until(lambda: arbiter.parked == {large})
    house.until(house.queue(engine="plain"), Succeeded)
    assert isinstance(house.app.job(large).status, Waiting)
    house.runner.set_budget(1000, "Resolve is done")
    house.until(large, Succeeded)
    assert settled(arbiter)["waiting"] == []
