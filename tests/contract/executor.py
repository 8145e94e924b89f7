"""What every executor keeps. Subclasses give `executor`, not started, over the trial engines."""

from __future__ import annotations

from pathlib import Path
from time import monotonic

import pytest

from genlock.errors import Refused
from genlock.generation.executor import Executor, Failed, Finished, Progress, Stopped
from tests.generation.desk import Ear, left_in, ticket


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
