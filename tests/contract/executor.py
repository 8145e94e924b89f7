"""What every executor keeps. Subclasses give `executor`, not started, over the trial engines."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest

from genlock.errors import Refused
from genlock.generation.executor import Executor, Failed, Finished, Gone, Move, Moved, Progress, Staging, Stopped
from tests.generation.desk import Ear, Usher, Watch, left_in, staged_ticket, ticket

ENCODER, MOVER, DECODER = "toy/encoder@plain", "toy/mover@plain", "toy/decoder@plain"


class ExecutorContract:
    def test_a_job_reports_its_progress_and_then_its_end_once(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        ear = Ear()
        executor.submit(ticket(tmp_path, "plain"), ear)
        outcome = ear.outcome()
        assert isinstance(outcome, Finished)
        assert outcome.take.number == 1
        assert isinstance(ear.messages[-1], Finished)
        assert len(ear.outcomes) == 1
        done = [progress.done for progress in ear.progress]
        assert done == sorted(done)
        assert ear.progress[-1].done == ear.progress[-1].total
        assert {message.job for message in ear.messages} == {"job1"}

    def test_jobs_end_in_the_order_they_came(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        ear = Ear()
        for number in range(5):
            executor.submit(ticket(tmp_path, "plain", f"j{number}"), ear)
        ear.wait(lambda: ear.outcomes if len(ear.outcomes) == 5 else [], 30)
        assert [outcome.job for outcome in ear.outcomes] == [f"j{number}" for number in range(5)]

    def test_cancel_ends_a_running_job_within_a_second_and_leaves_nothing(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        executor.start()
        ear = Ear()
        executor.submit(ticket(tmp_path, "slow", frames=2000), ear)
        ear.wait(lambda: [m for m in ear.messages if isinstance(m, Progress)], 20)
        begin = monotonic()
        executor.cancel("job1")
        assert ear.outcome() == Stopped("job1")
        assert monotonic() - begin < 1.0
        assert left_in(tmp_path) == []

    def test_cancel_takes_a_waiting_job_out_and_leaves_the_running_one(
        self, executor: Executor, tmp_path: Path
    ) -> None:
        executor.start()
        running, waiting = Ear(), Ear()
        executor.submit(ticket(tmp_path, "slow", "first", frames=2000), running)
        executor.submit(ticket(tmp_path, "plain", "second"), waiting)
        running.begun()
        executor.cancel("second")
        assert waiting.outcome() == Stopped("second")
        assert waiting.progress == []
        assert running.outcomes == []

    def test_a_cancelled_job_does_not_harm_the_next(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        first, second = Ear(), Ear()
        executor.submit(ticket(tmp_path, "slow", "first", frames=2000), first)
        first.begun()
        executor.cancel("first")
        executor.submit(ticket(tmp_path, "plain", "second"), second)
        assert isinstance(second.outcome(), Finished)

    def test_cancel_of_an_unknown_job_does_nothing(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        executor.cancel("nobody")
        ear = Ear()
        executor.submit(ticket(tmp_path, "plain", "nobody"), ear)
        assert isinstance(ear.outcome(), Finished)

    def test_a_failing_engine_costs_its_job_only(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        bad, good = Ear(), Ear()
        executor.submit(ticket(tmp_path, "broken", "bad"), bad)
        executor.submit(ticket(tmp_path, "plain", "good"), good)
        outcome = bad.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.code == "engine_failed"
        assert "a wheel came off" in outcome.message
        assert isinstance(good.outcome(), Finished)

    def test_a_lost_worker_costs_its_job_only(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        lost, good = Ear(), Ear()
        executor.submit(ticket(tmp_path, "killed", "lost"), lost)
        executor.submit(ticket(tmp_path, "plain", "good"), good)
        outcome = lost.outcome()
        assert isinstance(outcome, Failed)
        assert outcome.code == "worker_lost"
        assert isinstance(good.outcome(), Finished)

    def test_nothing_runs_before_the_start(self, executor: Executor, tmp_path: Path) -> None:
        with pytest.raises(Refused):
            executor.submit(ticket(tmp_path, "plain"), Ear())

    def test_the_same_job_twice_is_refused(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        ear = Ear()
        executor.submit(ticket(tmp_path, "slow", frames=2000), ear)
        with pytest.raises(Refused):
            executor.submit(ticket(tmp_path, "slow"), Ear())

    def test_close_stops_what_runs_and_what_waits(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        running, waiting = Ear(), Ear()
        executor.submit(ticket(tmp_path, "slow", "first", frames=2000), running)
        executor.submit(ticket(tmp_path, "plain", "second"), waiting)
        running.begun()
        executor.close()
        assert running.outcome() == Stopped("first")
        assert waiting.outcome() == Stopped("second")
        with pytest.raises(Refused):
            executor.submit(ticket(tmp_path, "plain", "third"), Ear())

    def test_a_stage_begins_when_it_may_and_loads_its_parts_then(self, executor: Executor, tmp_path: Path) -> None:
        watch, ear = Watch(), Ear()
        executor.watch(watch)
        executor.start()
        executor.submit(staged_ticket(tmp_path), ear)
        for number, (stage, part) in enumerate((("encode", ENCODER), ("denoise", MOVER), ("decode", DECODER)), 1):
            asked = ear.wait(lambda number=number: _stages(ear, number), 20)  # type: ignore[misc]
            assert asked[-1].stage == stage
            assert part not in watch.held()
            executor.proceed("job1")
            watch.wait(lambda part=part: watch.held().get(part) == "device")  # type: ignore[misc]
        assert isinstance(ear.outcome(), Finished)
        assert set(watch.held()) == {ENCODER, MOVER, DECODER}

    def test_parts_stay_from_job_to_job(self, executor: Executor, tmp_path: Path) -> None:
        watch, first, second = Watch(), Usher(executor), Usher(executor)
        executor.watch(watch)
        executor.start()
        executor.submit(staged_ticket(tmp_path, job="first"), first)
        executor.submit(staged_ticket(tmp_path, job="second"), second)
        assert isinstance(first.outcome(), Finished)
        assert isinstance(second.outcome(), Finished)
        assert second.stages == ["encode", "denoise", "decode"]
        assert [what.component for _, what in watch.told if isinstance(what, Moved)] == [ENCODER, MOVER, DECODER]
        sizes = {what.component: what.bytes for _, what in watch.told if isinstance(what, Moved)}
        assert sizes == {ENCODER: 100, MOVER: 200, DECODER: 50}

    def test_what_has_to_leave_for_a_stage_leaves_before_it(self, executor: Executor, tmp_path: Path) -> None:
        watch = Watch()
        usher = Usher(executor, {"denoise": (Move(ENCODER, "disk"), Move("toy/nothing@plain", "disk"))})
        executor.watch(watch)
        executor.start()
        executor.submit(staged_ticket(tmp_path), usher)
        assert isinstance(usher.outcome(), Finished)
        told = [(what.component, what.tier) for _, what in watch.told if isinstance(what, Moved)]
        assert told == [
            (ENCODER, "device"),
            (ENCODER, "disk"),
            ("toy/nothing@plain", "disk"),
            (MOVER, "device"),
            (DECODER, "device"),
        ]

    def test_an_idle_process_makes_moves_at_once(self, executor: Executor, tmp_path: Path) -> None:
        watch, usher = Watch(), Usher(executor)
        executor.watch(watch)
        executor.start()
        executor.submit(staged_ticket(tmp_path), usher)
        assert isinstance(usher.outcome(), Finished)
        executor.move("heavy", (Move(MOVER, "disk"), Move("toy/nothing@plain", "host")))
        watch.wait(lambda: len(watch.told) == 5, 2)
        assert set(watch.held()) == {ENCODER, DECODER}
        again = Usher(executor)
        executor.submit(staged_ticket(tmp_path, job="again"), again)
        assert isinstance(again.outcome(), Finished)
        assert [what.component for _, what in watch.told[5:] if isinstance(what, Moved)] == [MOVER]

    def test_moves_are_answered_where_nothing_ever_ran(self, executor: Executor) -> None:
        watch = Watch()
        executor.watch(watch)
        executor.start()
        executor.move("heavy", (Move(MOVER, "host"),))
        watch.wait(lambda: watch.told == [("heavy", Moved(MOVER, "disk"))], 2)

    def test_moves_reach_a_job_that_waits_for_its_stage(self, executor: Executor, tmp_path: Path) -> None:
        watch, ear = Watch(), Ear()
        executor.watch(watch)
        executor.start()
        executor.submit(staged_ticket(tmp_path), ear)
        ear.wait(lambda: _stages(ear, 1), 20)
        executor.proceed("job1")
        ear.wait(lambda: _stages(ear, 2), 20)
        executor.move("heavy", (Move(ENCODER, "disk"),))
        watch.wait(lambda: watch.told and watch.held() == {}, 2)
        assert ear.outcomes == []
        executor.cancel("job1")
        assert ear.outcome() == Stopped("job1")

    def test_a_job_that_waits_for_its_stage_can_be_cancelled(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        ear, next_ = Ear(), Usher(executor)
        executor.submit(staged_ticket(tmp_path), ear)
        ear.wait(lambda: _stages(ear, 1), 20)
        begin = monotonic()
        executor.cancel("job1")
        assert ear.outcome() == Stopped("job1")
        assert monotonic() - begin < 1.0
        assert left_in(tmp_path) == []
        executor.submit(staged_ticket(tmp_path, job="next"), next_)
        assert isinstance(next_.outcome(), Finished)

    def test_a_lost_process_is_told_with_all_it_held(self, executor: Executor, tmp_path: Path) -> None:
        watch, usher, lost = Watch(), Usher(executor), Usher(executor)
        executor.watch(watch)
        executor.start()
        executor.submit(staged_ticket(tmp_path), usher)
        assert isinstance(usher.outcome(), Finished)
        executor.submit(staged_ticket(tmp_path, "killed", "lost"), lost)
        assert isinstance(lost.outcome(), Failed)
        assert ("heavy", Gone()) in watch.told
        assert watch.held() == {}

    def test_proceed_for_nobody_does_nothing(self, executor: Executor, tmp_path: Path) -> None:
        executor.start()
        executor.proceed("nobody")
        ear = Ear()
        executor.submit(ticket(tmp_path, "plain"), ear)
        assert isinstance(ear.outcome(), Finished)


def _stages(ear: Ear, number: int) -> list[Staging]:
    found = [message for message in ear.messages if isinstance(message, Staging)]
    return found if len(found) >= number else []
