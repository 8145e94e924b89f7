"""Worker processes that hold models: what they survive, what they lose, and how fast that is known."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from time import monotonic, sleep

import pytest

from genlock.generation.executor import Failed, Finished, Gone, Move, Moved, Stopped
from genlock.generation.local import LocalExecutor
from genlock.generation.memory.machine import Machine
from genlock.generation.nursery import ForkNursery
from tests.generation import trial_engines
from tests.generation.desk import Ear, Usher, Watch, left_in, staged_ticket, ticket
from tests.generation.trial_engines import PARTS, engines

ENCODER, MOVER, DECODER = (PARTS[name].name for name in ("encoder", "mover", "decoder"))


@pytest.fixture
def watch(executor: LocalExecutor) -> Watch:
    made = Watch()
    executor.watch(made)
    return made


def run(executor: LocalExecutor, folder: Path, engine: str = "staged", job: str = "job1", **fields: object) -> Usher:
    usher = Usher(executor)
    executor.submit(staged_ticket(folder, engine, job, **fields), usher)
    return usher


def finished(ear: Ear) -> Finished:
    outcome = ear.outcome()
    assert isinstance(outcome, Finished), outcome
    return outcome


def failed(ear: Ear) -> Failed:
    outcome = ear.outcome()
    assert isinstance(outcome, Failed), outcome
    return outcome


def details(outcome: Finished) -> dict[str, object]:
    assert outcome.take.provenance is not None
    return outcome.take.provenance.details


def test_memory_that_ends_at_any_allocation_costs_the_job_alone(
    executor: LocalExecutor, watch: Watch, tmp_path: Path
) -> None:
    whole = details(finished(run(executor, tmp_path / "whole", frames=3)))
    count, pid = whole["allocations"], whole["pid"]
    assert isinstance(count, int)
    assert count > 10
    for n in range(1, count + 1):
        executor.move("heavy", tuple(Move(part, "disk") for part in (ENCODER, MOVER, DECODER)))
        watch.wait(lambda: watch.held() == {}, 5)
        folder = tmp_path / f"at{n}"
        outcome = failed(run(executor, folder, job=f"at{n}", frames=3, settings={"fail_at": n}))
        assert outcome.code == "needs_memory"
        assert watch.held() == {}, n
        assert left_in(folder) == []
    after = details(finished(run(executor, tmp_path / "after", job="after", frames=3)))
    assert after["pid"] == pid
    assert after["built"] == ["encoder", "mover", "decoder"]


def test_a_lack_of_memory_is_told_whatever_a_library_makes_of_it(executor: LocalExecutor, tmp_path: Path) -> None:
    ended = failed(run(executor, tmp_path, settings={"fail_at": 1, "wrapped": True}))
    assert ended.code == "needs_memory"
    assert left_in(tmp_path) == []


def test_a_plan_that_did_not_fit_gives_all_its_parts_back(
    executor: LocalExecutor, watch: Watch, tmp_path: Path
) -> None:
    finished(run(executor, tmp_path))
    outcome = failed(run(executor, tmp_path, job="job2", settings={"fail_at": 2}))  # nothing is built: in denoise
    assert outcome.code == "needs_memory"
    assert watch.held() == {}


def test_a_lost_device_ends_the_worker_and_the_next_job_gets_another(
    executor: LocalExecutor, watch: Watch, tmp_path: Path
) -> None:
    first = details(finished(run(executor, tmp_path)))
    outcome = failed(run(executor, tmp_path, "unplugged", "job2"))
    assert outcome.code == "worker_lost"
    assert "unspecified launch failure" in outcome.message
    watch.wait(lambda: ("heavy", Gone()) in watch.told, 2)
    again = details(finished(run(executor, tmp_path, job="job3")))
    assert again["pid"] != first["pid"]
    assert again["built"] == ["encoder", "mover", "decoder"]


def test_a_part_of_another_stage_is_refused(executor: LocalExecutor, tmp_path: Path) -> None:
    outcome = failed(run(executor, tmp_path, "greedy"))
    assert outcome.code == "engine_failed"
    assert MOVER in outcome.message


@pytest.mark.parametrize("busy", [False, True])
def test_the_end_of_a_process_is_told_within_a_second(
    executor: LocalExecutor, watch: Watch, tmp_path: Path, busy: bool
) -> None:
    finished(run(executor, tmp_path))
    running = run(executor, tmp_path, job="job2", frames=400, settings={"pause": 0.05}) if busy else None
    if running is not None:
        running.wait(lambda: running.progress, 20)
    begin = monotonic()
    os.kill(executor.pids()["heavy"][0], signal.SIGKILL)
    watch.wait(lambda: ("heavy", Gone()) in watch.told, 1.0)
    assert monotonic() - begin < 1.0
    assert watch.held() == {}
    if running is not None:
        assert failed(running).code == "worker_lost"


def test_moves_towards_a_dying_process_are_answered_by_its_end(
    executor: LocalExecutor, watch: Watch, tmp_path: Path
) -> None:
    finished(run(executor, tmp_path))
    pid = executor.pids()["heavy"][0]
    os.kill(pid, signal.SIGSTOP)  # takes no orders any more
    executor.move("heavy", (Move(MOVER, "disk"),))
    sleep(0.1)
    assert watch.held()[MOVER] == "device"
    os.kill(pid, signal.SIGKILL)
    watch.wait(lambda: watch.held() == {}, 1.0)


def test_an_idle_process_that_answers_no_order_is_ended(executor: LocalExecutor, watch: Watch, tmp_path: Path) -> None:
    finished(run(executor, tmp_path))
    os.kill(executor.pids()["heavy"][0], signal.SIGSTOP)
    sleep(2)  # silence alone is no fault
    assert ("heavy", Gone()) not in watch.told
    executor.move("heavy", (Move(MOVER, "disk"),))
    watch.wait(lambda: ("heavy", Gone()) in watch.told, 6)
    assert watch.held() == {}


def test_a_part_in_use_is_not_taken_away(executor: LocalExecutor, watch: Watch, tmp_path: Path) -> None:
    ear = run(executor, tmp_path, frames=60, settings={"pause": 0.02})
    watch.wait(lambda: MOVER in watch.held())
    told = len(watch.told)
    executor.move("heavy", (Move(MOVER, "disk"), Move(ENCODER, "disk")))
    watch.wait(lambda: len(watch.told) >= told + 2, 2)
    assert ear.outcomes == []
    assert [what.tier for _, what in watch.told[told:] if isinstance(what, Moved)] == ["device", "disk"]
    finished(ear)


@pytest.mark.parametrize("pause", [0.01, 0.2])
def test_a_cancel_is_noticed_at_the_next_step(
    executor: LocalExecutor, watch: Watch, tmp_path: Path, pause: float
) -> None:
    late = []
    for number in range(5):
        ear = run(executor, tmp_path, job=f"job{number}", frames=2000, settings={"pause": pause})
        ear.wait(lambda ear=ear: ear.progress, 20)  # type: ignore[misc]
        sleep(0.03)
        begin = monotonic()
        executor.cancel(f"job{number}")
        assert ear.outcome() == Stopped(f"job{number}")
        late.append(monotonic() - begin - pause)
    assert min(late) < 0.05, late  # what it takes, not what others take of these cores meanwhile
    assert max(late) < 1.0, late
    assert left_in(tmp_path) == []
    assert set(watch.held()) == {ENCODER, MOVER}  # the same models serve the next job
    assert details(finished(run(executor, tmp_path, job="next")))["built"] == ["decoder"]


def test_a_job_with_models_gets_longer_to_notice_a_cancel(
    executor: LocalExecutor, watch: Watch, tmp_path: Path
) -> None:
    ear = run(executor, tmp_path, "stuck")
    ear.wait(lambda: ear.progress, 20)
    pid = executor.pids()["heavy"][0]
    executor.cancel("job1")
    assert ear.outcome() == Stopped("job1")
    assert executor.pids()["heavy"] == [pid]
    assert MOVER in watch.held()


def test_and_is_killed_in_the_end(nursery: ForkNursery, tmp_path: Path) -> None:
    executor = LocalExecutor(engines(), nursery_=nursery, warm_after=60, patience=0.2)
    watch = Watch()
    executor.watch(watch)
    executor.start()
    ear = run(executor, tmp_path, "stuck")
    ear.wait(lambda: ear.progress, 20)
    executor.cancel("job1")
    assert ear.outcome() == Stopped("job1")
    assert ("heavy", Gone()) in watch.told
    executor.close()


def test_jobs_with_models_all_run_in_one_process(nursery: ForkNursery, tmp_path: Path) -> None:
    executor = LocalExecutor(engines(), slots={"heavy": 3}, nursery_=nursery, warm_after=60)
    executor.start()
    slow = Ear()
    executor.submit(ticket(tmp_path, "slow", "slow", frames=2000), slow)
    slow.begun()
    pids = {details(finished(run(executor, tmp_path, job=f"job{n}")))["pid"] for n in range(3)}
    assert len(pids) == 1
    assert slow.outcomes == []  # it took none of the first slot's time
    executor.close()


def test_no_process_before_it_is_needed(executor: LocalExecutor, tmp_path: Path) -> None:
    finished(run(executor, tmp_path))
    assert {lane: len(pids) for lane, pids in executor.pids().items()} == {
        "heavy": 1,
        "interactive": 0,
        "language": 0,
        "native": 0,
    }


def test_the_take_says_where_and_by_what_it_was_made(nursery: ForkNursery, tmp_path: Path) -> None:
    machine = Machine("a card", "cuda", device=24 << 30, host=32 << 30)
    executor = LocalExecutor(engines(), nursery_=nursery, warm_after=60, machine=machine)
    watch = Watch()
    executor.watch(watch)
    executor.start()
    take = finished(run(executor, tmp_path)).take
    assert take.provenance is not None
    assert (take.provenance.model, take.provenance.revision) == ("toy", "abc")
    assert take.provenance.details["device"] == "cuda:0"
    stages = take.provenance.details["stages"]
    assert list(stages) == ["encode", "denoise", "decode"]
    assert all(measured["seconds"] >= 0 for measured in stages.values())
    executor.move("heavy", (Move(MOVER, "host"),))
    watch.wait(lambda: watch.held().get(MOVER) == "host", 2)
    again = finished(run(executor, tmp_path, job="job2"))
    assert details(again)["built"] == []
    assert watch.held()[MOVER] == "device"
    executor.close()


def test_what_is_not_installed_is_said_with_what_to_do(executor: LocalExecutor, tmp_path: Path) -> None:
    ear = Ear()
    executor.submit(ticket(tmp_path, "bare"), ear)
    assert ear.outcome() == Failed("job1", "engine_failed", trial_engines.bare.missing())


def test_an_endless_message_is_cut(executor: LocalExecutor, tmp_path: Path) -> None:
    ear = Ear()
    executor.submit(ticket(tmp_path, "talkative"), ear)
    outcome = ear.outcome()
    assert isinstance(outcome, Failed)
    assert "blocks.7.weight" in outcome.message
    assert len(outcome.message) < 2200
