"""The loop behind the queue: order, cancelling, crashes, restarts, and requests made from shots."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Condition, Event, Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest

from genlock.application.application import Application, Envelope, Published
from genlock.application.commands import Command
from genlock.application.jobs import JobRunner
from genlock.application.requests import request_for
from genlock.errors import BadInput, NotFound, Refused, StoreError
from genlock.generation.arbiter import Arbiter, Lease, Need
from genlock.generation.engine import BUILTIN, Engines
from genlock.generation.executor import Failed as FailedOutcome
from genlock.generation.executor import Finished, Listener, Outcome, Progress, Stopped, Ticket
from genlock.generation.local import LocalExecutor
from genlock.project.commands import (
    AddTake,
    CancelJob,
    ChangeBrief,
    CreateProject,
    CreateShot,
    QueueJob,
    RetryJob,
)
from genlock.project.job import Cancelled, Failed, JobState, Running, Succeeded, Waiting
from genlock.project.media import MediaInfo
from genlock.project.project import Settings
from genlock.project.request import Conditioning, GenerationRequest, Span
from genlock.project.shot import Brief, Take
from genlock.store.store import open_store
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.generation import trial_engines
from tests.generation.desk import SMALL
from tests.generation.fake_executor import FakeExecutor


class House:
    """A studio with one project and one shot, and a way to wait for what happens."""

    def __init__(self, folder: Path, store: Path | str = "memory:") -> None:
        self.folder = folder
        self.store = open_store(store)
        self.app = Application(self.store)
        self.changed = Condition()
        self.app.subscribe(self._heard)
        self.seen: list[str] = []
        self.progress: list[Progress] = []
        self.runner: JobRunner | None = None
        self.executor = FakeExecutor(trial_engines.engines())

    def settle(self, *, engine: str = "plain", **settings: Any) -> None:
        made = Settings(folder=str(self.folder), engine=engine, resolution=SMALL, **settings)
        self.project = self.do(CreateProject("Blue", made)).created[0]
        brief = Brief(prompt="A lighthouse", frames=9)
        self.shot = self.do(CreateShot(self.project, "SH0010", "SC01", brief)).created[0]

    def do(self, command: Command, target: str = "") -> Any:
        return self.app.execute(Envelope(id=uuid4().hex, command=command, target=target, actor="ann"))

    def queue(self, **overrides: Any) -> str:
        return str(self.do(request_for(self.app, self.shot, **overrides)).created[0])

    def run(self, executor: Any = None, *, engines: Engines | None = None, budget: int = 1 << 34) -> JobRunner:
        self.runner = JobRunner(
            self.app, executor or self.executor, Arbiter.plain(budget), self.progress.append, engines=engines
        )
        self.runner.start()
        return self.runner

    def until(self, job: str, status: type, timeout: float = 20) -> JobState:
        with self.changed:
            assert self.changed.wait_for(lambda: isinstance(self.app.job(job).status, status), timeout), self.app.job(
                job
            ).status
        return self.app.job(job)

    def close(self) -> None:
        if self.runner is not None:
            self.runner.stop()
        self.executor.close()
        self.app.close()
        self.store.close()

    def _heard(self, published: list[Published]) -> None:
        with self.changed:
            self.seen += [type(p.event).__name__ for p in published]
            self.changed.notify_all()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "blue")
    made.settle()
    yield made
    made.close()


def test_a_job_becomes_a_take(house: House) -> None:
    house.run()
    job = house.until(house.queue(), Succeeded)
    assert house.seen[-4:] == ["JobQueued", "JobStarted", "JobSucceeded", "TakeAdded"]
    (take,) = house.app.shot(house.shot).takes.values()
    assert job.status == Succeeded(take.id)
    assert house.app.shot(house.shot).selected == take.id
    assert [p.done for p in house.progress] == [1, 2]


def test_what_waited_before_the_start_is_taken_up(house: House) -> None:
    job = house.queue()
    house.run()
    house.until(job, Succeeded)


def test_jobs_run_by_priority_then_in_order(house: House) -> None:
    first = house.queue(engine="slow")
    house.run()
    house.until(first, Running)
    jobs = {name: house.queue(priority=p) for name, p in (("a", 0), ("b", 3), ("c", 0), ("d", 3))}
    house.executor.let_go(first)
    for job in jobs.values():
        house.until(job, Succeeded)
    order = [ticket.job for ticket in house.executor.tickets[1:]]
    assert order == [jobs[name] for name in "bdac"]


def test_only_as_many_run_as_there_are_slots(house: House) -> None:
    house.run()
    first, second = house.queue(engine="slow"), house.queue(engine="slow")
    house.until(first, Running)
    assert isinstance(house.app.job(second).status, Waiting)
    house.executor.let_go(first)
    house.until(second, Running)


def test_a_running_job_is_cancelled_at_once(house: House) -> None:
    house.run()
    job = house.queue(engine="slow")
    house.until(job, Running)
    begin = monotonic()
    house.do(CancelJob(), job)
    other = house.queue()
    house.until(other, Succeeded)
    assert monotonic() - begin < 1
    assert house.app.job(job).status == Cancelled()


def test_a_waiting_job_is_cancelled(house: House) -> None:
    house.run()
    first, second = house.queue(engine="slow"), house.queue()
    house.until(first, Running)
    house.do(CancelJob(), second)
    house.executor.let_go(first)
    house.until(house.queue(), Succeeded)
    assert house.app.job(second).status == Cancelled()
    assert second not in [ticket.job for ticket in house.executor.tickets]


def test_a_cancelled_job_can_be_tried_again(house: House) -> None:
    house.run()
    job = house.queue(engine="slow")
    house.until(job, Running)
    house.do(CancelJob(), job)
    house.do(RetryJob(), job)
    house.until(job, Running)
    house.executor.let_go(job)
    assert house.until(job, Succeeded).attempt == 2


@pytest.mark.parametrize(("engine", "code"), [("broken", "engine_failed"), ("killed", "worker_lost")])
def test_a_failure_is_stored_and_the_queue_goes_on(house: House, engine: str, code: str) -> None:
    house.run()
    bad, good = house.queue(engine=engine), house.queue()
    status = house.until(bad, Failed).status
    assert isinstance(status, Failed)
    assert status.code == code
    house.until(good, Succeeded)


def test_a_failed_job_can_be_tried_again(house: House) -> None:
    house.run()
    job = house.queue(engine="broken")
    house.until(job, Failed)
    house.do(RetryJob(), job)
    with house.changed:
        assert house.changed.wait_for(lambda: house.seen.count("JobFailed") == 2, 10)
    assert house.app.job(job).attempt == 2


def test_a_bad_request_fails_with_its_reason(house: House) -> None:
    house.run()
    job = house.queue(mode="extend", source="/nowhere/a.mov")
    status = house.until(job, Failed).status
    assert isinstance(status, Failed)
    assert status.code == "bad_generation"
    house.do(RetryJob(), job)  # a second failure before any start is stored like the first
    with house.changed:
        assert house.changed.wait_for(lambda: house.seen.count("JobFailed") == 2, 10)


def test_lack_of_memory_leads_to_the_next_plan(house: House) -> None:
    house.run()
    house.until(house.queue(engine="hungry"), Succeeded)
    assert [ticket.plan.name for ticket in house.executor.tickets] == ["large", "small"]
    assert house.seen.count("JobStarted") == 1


def test_what_never_fits_fails_with_needs_memory(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.settle(engine="animatic")
    try:
        house.run(engines=Engines({"animatic": BUILTIN["animatic"]}), budget=1000)
        status = house.until(house.queue(), Failed).status
        assert isinstance(status, Failed)
        assert status.code == "needs_memory"
    finally:
        house.close()


def test_an_unknown_engine_fails_the_job(house: House) -> None:
    house.run()
    status = house.until(house.queue(engine="dream"), Failed).status
    assert isinstance(status, Failed)
    assert status.code == "no_such_engine"


def test_stop_puts_running_jobs_back(house: House) -> None:
    runner = house.run()
    running, waiting = house.queue(engine="slow"), house.queue()
    house.until(running, Running)
    runner.stop()
    assert isinstance(house.app.job(running).status, Waiting)
    assert isinstance(house.app.job(waiting).status, Waiting)
    house.executor = FakeExecutor(trial_engines.engines())
    house.run()
    house.until(running, Running)
    house.executor.let_go(running)
    house.until(waiting, Succeeded)


class Prompt(FakeExecutor):
    """Has the take of a slow job complete when it is asked to stop: what was the last step is over by then."""

    def _run(self, ticket: Ticket, listener: Listener) -> Outcome:
        outcome = super()._run(ticket, listener)
        take = Take(id=f"take-{ticket.job}", number=ticket.number, path=f"{ticket.output}/{ticket.stem}.mov")
        Path(ticket.output).mkdir(parents=True, exist_ok=True)
        Path(take.path).write_text("pictures")
        return Finished(ticket.job, take) if isinstance(outcome, Stopped) else outcome


def test_a_take_that_is_complete_when_the_daemon_ends_is_not_left_behind(house: House) -> None:
    """Its job is in the queue again and makes another one."""
    executor = Prompt(trial_engines.engines())
    runner = house.run(executor)
    job = house.queue(engine="slow")
    house.until(job, Running)
    runner.stop()
    assert isinstance(house.app.job(job).status, Waiting)
    assert not list(house.folder.rglob("*.mov"))


class Sulky(FakeExecutor):
    """Fails a job that is cancelled, when it is `heard` and no sooner."""

    def __init__(self, engines: Engines) -> None:
        super().__init__(engines)
        self.heard = Event()

    def _run(self, ticket: Ticket, listener: Listener) -> Outcome:
        outcome = super()._run(ticket, listener)
        if isinstance(outcome, Stopped):
            self.heard.wait(10)
            return FailedOutcome(ticket.job, "engine_failed", "the attempt before")
        return outcome


def test_how_a_cancelled_attempt_ends_is_nothing_to_the_next_one(house: House) -> None:
    executor = Sulky(trial_engines.engines())
    runner = house.run(executor)
    job = house.queue(engine="slow")
    house.until(job, Running)
    house.do(CancelJob(), job)
    house.do(RetryJob(), job)
    executor.heard.set()
    assert house.until(job, Running).attempt == 2
    executor.let_go(job)
    house.until(job, Succeeded)
    assert "JobFailed" not in house.seen
    assert not len(runner._waiting)


class Meddling(Arbiter):
    """Has `meddle` happen right after the first lease was granted, before the job is marked as started."""

    meddle: Any = None

    async def acquire(self, need: Need, deadline: float | None = None) -> Lease:
        lease = await super().acquire(need, deadline)
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            meddle(need.owner)
        return lease


def test_a_job_cancelled_and_retried_as_it_starts_runs(house: House) -> None:
    """The start that was on its way counts for the retry, which nobody would carry out."""

    def meddle(job: str) -> None:
        house.do(CancelJob(), job)
        house.do(RetryJob(), job)

    arbiter = Meddling.plain(1 << 34)
    arbiter.meddle = meddle  # type: ignore[attr-defined]
    house.runner = JobRunner(house.app, house.executor, arbiter)
    house.runner.start()
    house.until(house.queue(), Succeeded)


def test_a_restart_requeues_what_ran_and_keeps_the_queue(tmp_path: Path) -> None:
    """As after a crash: nobody had the time to put anything back."""
    path = tmp_path / "studio.genlock"
    house = House(tmp_path, path)
    house.settle()
    runner = house.run()
    running, waiting = house.queue(engine="slow"), house.queue()
    house.until(running, Running)
    runner.stop(requeue=False)
    assert isinstance(house.app.job(running).status, Running)
    house.close()

    again = House(tmp_path, path)
    try:
        again.run()
        again.until(running, Running)
        assert again.app.job(running).attempt == 2
        again.executor.let_go(running)
        again.until(waiting, Succeeded)
        again.until(running, Succeeded)
    finally:
        again.close()


def test_stop_before_start_and_twice(house: House) -> None:
    runner = JobRunner(house.app, house.executor, Arbiter.plain(1))
    runner.stop()
    other = house.run(FakeExecutor(trial_engines.engines()))
    other.stop()
    other.stop()


# -- with real workers


def test_a_real_take_from_a_real_worker(tmp_path: Path) -> None:
    house = House(tmp_path / "blue")
    house.settle(engine="animatic", proxy=False)
    try:
        house.run(LocalExecutor(Engines(), warm_after=0))
        job = house.until(house.queue(), Succeeded, 40)
        (take,) = house.app.shot(house.shot).takes.values()
        assert take.path == str(tmp_path / "blue" / "takes" / "SC01_SH0010" / "SC01_SH0010_v001.mov")
        assert take.job == job.id
        assert take.info is not None
        assert take.info.frames == 9
        assert len(take.info.digest) == 32
        retake = house.until(house.queue(mode="retake", span=[2, 5], prompt="rain"), Succeeded, 40)
        assert retake.request.source == take.path
        extended = house.until(house.queue(mode="extend", frames=5), Succeeded, 40)
        assert extended.request.start_frame == 86400 + 9
        assert len(house.app.shot(house.shot).takes) == 3
    finally:
        house.close()


# -- requests from shots


def test_a_request_takes_what_the_brief_and_the_project_say(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.settle(rate=Rate(30000, 1001), drop_frame=True, start_frame=107892)
    brief = Brief(
        prompt="Rain", negative_prompt="sun", seed=5, frames=50, rate=Rate(30000, 1001), shot_type="wide", camera="push"
    )
    house.do(ChangeBrief(brief), house.shot)
    made = request_for(house.app, house.shot)
    assert made == QueueJob(
        project=house.project,
        shot=house.shot,
        request=GenerationRequest(
            "text_to_video",
            prompt="Rain",
            negative_prompt="sun",
            resolution=SMALL,
            frames=50,
            rate=Rate(30000, 1001),
            seed=5,
            start_frame=107892,
            drop_frame=True,
            shot_code="SC01_SH0010",
            shot_type="wide",
            camera="push",
            engine="plain",
        ),
        output=str(tmp_path / "takes" / "SC01_SH0010"),
        stem="SC01_SH0010_v001",
        number=1,
    )
    house.close()


def test_the_mode_follows_the_conditioning(house: House) -> None:
    def mode(*conditions: Conditioning) -> str:
        house.do(ChangeBrief(Brief(prompt="x", frames=9, conditioning=conditions)), house.shot)
        return request_for(house.app, house.shot).request.mode

    assert mode(Conditioning("/a.png")) == "image_to_video"
    assert mode(Conditioning("/a.png"), Conditioning("/b.png", frame=-1)) == "keyframes"
    assert request_for(house.app, house.shot, mode="fill_gap", source="/a.mov").request.mode == "fill_gap"
    given = request_for(house.app, house.shot, conditioning=[{"path": "/c.png", "frame": 3}]).request
    assert (given.mode, given.conditioning) == ("image_to_video", (Conditioning("/c.png", 3),))


def test_overrides_may_be_values_or_json(house: House) -> None:
    values = request_for(house.app, house.shot, resolution=Resolution(64, 48), span=Span(1, 3), priority=4)
    plain = request_for(house.app, house.shot, resolution=[64, 48], span=[1, 3], priority=4)
    assert values == plain
    assert (values.priority, values.request.span) == (4, Span(1, 3))


@pytest.mark.parametrize(
    "overrides", [{"colour": "red"}, {"frames": "many"}, {"mode": "dream"}, {"priority": "high"}, {"frames": 1.5}]
)
def test_overrides_that_do_not_fit(house: House, overrides: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        request_for(house.app, house.shot, **overrides)


def test_each_take_gets_its_own_number_and_seed(house: House) -> None:
    jobs = [house.app.job(house.queue()) for _ in range(3)]
    assert [job.number for job in jobs] == [1, 2, 3]
    assert [job.request.seed for job in jobs] == [1, 2, 3]
    assert jobs[2].stem == "SC01_SH0010_v003"
    folder = house.folder / "takes" / "SC01_SH0010"
    folder.mkdir(parents=True)
    (folder / "SC01_SH0010_v007.mov").touch()
    assert request_for(house.app, house.shot).number == 8
    with pytest.raises(Refused):
        house.do(request_for(house.app, house.shot).__class__(**{**_fields(jobs[0]), "number": 2}))


def _fields(job: JobState) -> dict[str, Any]:
    return {
        "project": job.project, "shot": job.shot, "request": job.request, "output": job.output, "stem": job.stem,
    }  # fmt: skip


def test_a_retake_and_an_extension_start_from_a_take(house: House) -> None:
    info = MediaInfo("video", rate=Rate(25), frames=40, start=90000)
    for number in (1, 2):
        house.do(AddTake(Take(f"t{number}", number, f"/takes/{number}.mov", info=info), select=number == 1), house.shot)
    retake = request_for(house.app, house.shot, mode="retake", span=[3, 9]).request
    assert (retake.source, retake.frames, retake.rate) == ("/takes/1.mov", 40, Rate(25))
    extend = request_for(house.app, house.shot, mode="extend", take="t2", frames=12).request
    assert (extend.source, extend.frames, extend.start_frame) == ("/takes/2.mov", 12, 90040)
    for number in (2, "2", "v002"):
        assert request_for(house.app, house.shot, mode="extend", take=number).request.source == "/takes/2.mov"
    for unknown in ("t9", ["t1"], 3, "v", True):
        with pytest.raises(NotFound) as caught:
            request_for(house.app, house.shot, mode="extend", take=unknown)
        assert caught.value.code == "no_such_take"


def test_nothing_to_go_on_from(house: House) -> None:
    with pytest.raises(BadInput, match="no take yet"):
        request_for(house.app, house.shot, mode="extend")


def test_a_project_without_a_folder(tmp_path: Path) -> None:
    house = House(tmp_path)
    project = house.do(CreateProject("Blue", Settings())).created[0]
    shot = house.do(CreateShot(project, "SH0010")).created[0]
    with pytest.raises(BadInput, match="folder"):
        request_for(house.app, shot)
    house.close()


def test_without_a_folder_takes_go_beside_the_store(tmp_path: Path) -> None:
    house = House(tmp_path, tmp_path / "studio.genlock")
    project = house.do(CreateProject("Blue Hour: 2", Settings())).created[0]
    shot = house.do(CreateShot(project, "SH0010")).created[0]
    assert request_for(house.app, shot).output == str(tmp_path / "Blue_Hour_2" / "takes" / "SH0010")
    house.close()


def test_an_unknown_shot(house: House) -> None:
    with pytest.raises(NotFound):
        request_for(house.app, "0" * 32)


def test_a_job_cancelled_before_its_first_step_gives_its_lane_back(house: House) -> None:
    runner = house.run()
    runner._unsubscribe()  # what it hears comes from here, in the order that matters
    first, second = house.queue(), house.queue()

    def cancelled_while_it_was_begun() -> None:
        runner._queued([first])
        runner._cancelled(first)

    runner._loop.call_soon_threadsafe(cancelled_while_it_was_begun)
    runner._loop.call_soon_threadsafe(runner._queued, [second])
    house.until(second, Succeeded)


def test_a_job_cancelled_and_retried_in_one_group_runs(house: House) -> None:
    house.run()
    first = house.queue(engine="slow")
    house.until(first, Running)
    second = house.queue()
    hold = Event()
    stop = house.app.subscribe(lambda _: hold.wait() and None)
    shot = Envelope(id=uuid4().hex, command=ChangeBrief({"prompt": "Fog"}), target=house.shot, actor="ann")
    house.app.submit(shot)
    answers = [
        house.app.submit(Envelope(id=uuid4().hex, command=command, target=second, actor="ann"))
        for command in (CancelJob(), RetryJob())
    ]
    hold.set()
    assert [answer.result(10).target for answer in answers] == [second, second]
    stop()
    house.executor.let_go(first)
    house.until(second, Succeeded)


class OneLease(Arbiter):
    """Grants the first lease only."""

    async def acquire(self, need: Need, deadline: float | None = None) -> Lease:
        if self.decisions:
            await asyncio.Event().wait()
        return await super().acquire(need, deadline)


def test_stopping_does_not_wait_for_a_job_between_two_plans(house: House) -> None:
    job = house.queue(engine="hungry")
    runner = house.runner = JobRunner(house.app, house.executor, OneLease.plain(1 << 34))
    runner.start()
    house.until(job, Running)
    end = monotonic() + 10
    while (carriage := runner._running.get(job)) is None or carriage.submitted or not house.executor.tickets:
        assert monotonic() < end
        sleep(0.01)
    stopping = Thread(target=runner.stop, daemon=True)
    stopping.start()
    stopping.join(10)
    assert not stopping.is_alive()
    assert isinstance(house.app.job(job).status, Waiting)
    assert len(house.executor.tickets) == 1


def test_a_take_that_could_not_be_stored_stays_on_the_disk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    job = house.queue(engine="slow")
    house.run()
    held = house.until(job, Running)
    made = Path(held.output) / f"{held.stem}.mov"
    made.parent.mkdir(parents=True)
    made.write_bytes(b"a take")
    tried = Event()

    def full(_: object) -> None:
        tried.set()
        raise StoreError("store_full")

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "append", full)
        house.executor.let_go(job)
        assert tried.wait(10)
        assert house.runner is not None
        house.runner.stop(requeue=False)
    assert made.exists()
    assert isinstance(house.app.job(job).status, Running)
