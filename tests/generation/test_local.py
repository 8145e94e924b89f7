"""Worker processes that die, hang, freeze and misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import pytest
from msgspec.structs import replace

from genlock.generation.channel import Cancel, Channel
from genlock.generation.executor import Failed, Finished, Gone, Moved, Progress, Stopped
from genlock.generation.local import LocalExecutor
from genlock.generation.nursery import Child, ForkNursery, SpawnNursery, scrubbed
from genlock.generation.slot import Setting, Slot
from tests.generation.conftest import SharedNursery
from tests.generation.desk import Ear, decoded, left_in, ticket
from tests.generation.trial_engines import engines


def run(executor: LocalExecutor, folder: Path, engine: str, job: str = "job1", **fields: object) -> Ear:
    ear = Ear()
    executor.submit(ticket(folder, engine, job, **fields), ear)
    return ear


def failed(ear: Ear) -> Failed:
    outcome = ear.outcome()
    assert isinstance(outcome, Failed), outcome
    return outcome


def test_a_worker_killed_from_outside_is_noticed_at_once(executor: LocalExecutor, tmp_path: Path) -> None:
    ear = run(executor, tmp_path, "slow", frames=2000)
    ear.wait(lambda: ear.progress, 20)
    begin = monotonic()
    os.kill(executor.pids()["heavy"][0], signal.SIGKILL)
    assert failed(ear).code == "worker_lost"
    assert monotonic() - begin < 1.0
    assert left_in(tmp_path) == ["job1_v001.log"]
    assert isinstance(run(executor, tmp_path, "plain", "job2").outcome(), Finished)


def test_the_log_of_a_dead_worker_is_kept_beside_the_takes(executor: LocalExecutor, tmp_path: Path) -> None:
    assert "job1_v001.log" in failed(run(executor, tmp_path, "killed")).message
    assert "the last words of a worker" in (tmp_path / "job1_v001.log").read_text()


def test_an_engine_that_never_asks_is_cancelled_within_a_second(executor: LocalExecutor, tmp_path: Path) -> None:
    ear = run(executor, tmp_path, "deaf")
    ear.wait(lambda: ear.progress, 20)
    begin = monotonic()
    executor.cancel("job1")
    assert ear.outcome() == Stopped("job1")
    assert monotonic() - begin < 1.0
    assert left_in(tmp_path) == []
    assert isinstance(run(executor, tmp_path, "plain", "job2").outcome(), Finished)


def test_a_frozen_worker_is_ended(executor: LocalExecutor, tmp_path: Path) -> None:
    outcome = failed(run(executor, tmp_path, "frozen"))
    assert outcome.code == "worker_lost"
    assert "said nothing" in outcome.message


def test_a_worker_that_died_while_idle_costs_nothing(executor: LocalExecutor, tmp_path: Path) -> None:
    assert isinstance(run(executor, tmp_path, "plain").outcome(), Finished)
    os.kill(executor.pids()["heavy"][0], signal.SIGKILL)
    assert isinstance(run(executor, tmp_path, "plain", "job2").outcome(), Finished)


def test_a_lost_parent_of_workers_is_replaced(tmp_path: Path) -> None:
    nursery = ForkNursery()
    made = nursery.birth()
    parent = nursery._parents[False]._process
    assert parent is not None
    parent.kill()
    parent.wait()
    again = nursery.birth()
    assert again.pid != made.pid
    made.bury()
    again.bury()
    nursery.close()


def test_workers_end_when_the_daemon_does(nursery: ForkNursery) -> None:
    child = nursery.birth()
    assert child.channel.report() is not None  # ready
    child.channel.close()
    for _ in range(100):
        if not Path(f"/proc/{child.pid}").exists():
            return
        sleep(0.05)
    pytest.fail("the worker lives on without anybody to work for")


def test_two_slots_run_two_jobs_side_by_side(nursery: ForkNursery, tmp_path: Path) -> None:
    executor = LocalExecutor(engines(), slots={"heavy": 2}, nursery_=nursery, warm_after=60)
    executor.start()
    ears = [run(executor, tmp_path, "slow", f"job{n}", frames=2000) for n in range(2)]
    for ear in ears:
        ear.wait(lambda ear=ear: ear.progress, 20)
    assert len(set(executor.pids()["heavy"])) == 2
    executor.close()
    assert [ear.outcome() for ear in ears] == [Stopped("job0"), Stopped("job1")]


def test_too_few_frames_are_an_error(executor: LocalExecutor, tmp_path: Path) -> None:
    outcome = failed(run(executor, tmp_path, "lazy"))
    assert outcome.code == "engine_failed"
    assert "1 of 9 frames" in outcome.message
    assert left_in(tmp_path) == []


def test_too_many_frames_are_cut(executor: LocalExecutor, tmp_path: Path) -> None:
    outcome = run(executor, tmp_path, "eager").outcome()
    assert isinstance(outcome, Finished)
    assert len(decoded(outcome.take.path)) == 9


def test_a_take_is_never_overwritten(executor: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "job1_v001.mov").write_text("somebody's work")
    outcome = run(executor, tmp_path, "plain").outcome()
    assert isinstance(outcome, Finished)
    assert outcome.take.number == 2
    assert Path(outcome.take.path).name == "job1_v002.mov"
    assert (tmp_path / "job1_v001.mov").read_text() == "somebody's work"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(executor: LocalExecutor, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert failed(run(executor, tmp_path, "plain")).code == "unwritable_folder"


def test_an_output_below_a_file(executor: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert failed(run(executor, tmp_path / "file", "plain")).code == "unwritable_folder"


def test_a_full_disk(executor: LocalExecutor, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("a small disk can only be made by root")
    try:
        assert failed(run(executor, disk, "plain", frames=200)).code == "unwritable_folder"
        assert left_in(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_lack_of_memory_has_its_own_code(executor: LocalExecutor, tmp_path: Path) -> None:
    ear = Ear()
    made = ticket(tmp_path, "hungry")
    executor.submit(replace(made, plan=replace(made.plan, name="large")), ear)
    assert failed(ear).code == "needs_memory"


def test_an_unknown_engine(executor: LocalExecutor, tmp_path: Path) -> None:
    assert failed(run(executor, tmp_path, "nobody")).code == "no_such_engine"


def test_workers_never_see_a_secret(executor: LocalExecutor, tmp_path: Path) -> None:
    outcome = run(executor, tmp_path, "environment", product="text").outcome()
    assert isinstance(outcome, Finished)
    seen = Path(outcome.take.path).read_text()
    assert "PYTHONPATH" in seen
    assert "TOKEN" not in seen
    assert "hush" not in seen
    assert "TRIAL_DATABASE" not in seen


def test_what_counts_as_a_secret() -> None:
    kept = {
        "PATH": "/bin",
        "HOME": "/root",
        "PWD": "/",
        "OLDPWD": "/",
        "KEY": "a",
        "COMPASS": "n",
        "KEYBOARD": "us",
        "URL": "https://example.org/a@b",
    }
    secret = {
        "HF_TOKEN": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "PGPASSWORD": "x",
        "OPENAI_API_KEY": "x",
        "AZURE_STORAGE_KEY": "x",
        "MYSQL_PWD": "x",
        "DB_PASS": "x",
        "GH_PAT": "x",
        "SESSION_COOKIE": "x",
        "STORE": "postgresql://ann:hush@db/studio",
    }
    assert scrubbed({**kept, **secret}) == kept


def test_previews_are_pictures(executor: LocalExecutor, tmp_path: Path) -> None:
    import cv2
    import numpy as np

    ear = run(executor, tmp_path, "slow", frames=40)
    assert isinstance(ear.outcome(), Finished)
    previews = [p.preview for p in ear.progress if isinstance(p, Progress) and p.preview]
    assert previews
    for preview in previews:
        picture = cv2.imdecode(np.frombuffer(preview, np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape[:2] == (96, 160)


def test_the_daemons_side_imports_nothing_heavy() -> None:
    code = (
        "import sys, genlock.application.jobs, genlock.generation.local, genlock.generation.planner as p;"
        "from genlock.generation.engine import Engines; from genlock.project.request import GenerationRequest;"
        "assert p.plans(GenerationRequest('text_to_video'), Engines());"
        "print(*[m for m in ('cv2', 'av', 'numpy', 'PIL', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_no_descriptor_for_a_worker_costs_the_job_alone(
    executor: LocalExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left() -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("genlock.generation.nursery.socket.socketpair", none_left)
        assert failed(run(executor, tmp_path, "plain")).code == "worker_lost"
    assert isinstance(run(executor, tmp_path, "plain", "job2").outcome(), Finished)


def test_a_cancel_that_comes_too_late_does_not_stop_the_retry(executor: LocalExecutor, tmp_path: Path) -> None:
    assert isinstance(run(executor, tmp_path / "a", "plain").outcome(), Finished)
    (worker,) = executor._lanes["heavy"]
    assert worker.child is not None
    worker.child.channel.send(Cancel("job1"))
    assert isinstance(run(executor, tmp_path / "b", "plain").outcome(), Finished)


class Silent(SpawnNursery):
    """Has workers that say nothing and hear nothing; the first is only born when `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = Event(), Event()

    def warm(self, *, models: bool = False) -> None:
        pass

    def birth(self, *, models: bool = False) -> Child:
        self.asked.set()
        self.go.wait(10)
        process = subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        return Child(process.pid, Channel(process.stdout, process.stdin), process)


def test_a_job_cancelled_before_it_has_a_worker_ends_within_a_second(tmp_path: Path) -> None:
    nursery = Silent()
    executor = LocalExecutor(engines(), slots={"heavy": 1}, nursery_=nursery, warm_after=60)
    executor.start()
    ear = run(executor, tmp_path, "deaf")
    assert nursery.asked.wait(5)
    executor.cancel("job1")
    nursery.go.set()
    begin = monotonic()
    assert ear.outcome() == Stopped("job1")
    assert monotonic() - begin < 2.0
    executor.close()


class Poor(SharedNursery):
    """Cannot start a thread the first time."""

    def __init__(self, rich: ForkNursery) -> None:
        self.rich, self.born = rich, 0

    def warm(self, *, models: bool = False) -> None:
        pass

    def birth(self, *, models: bool = False) -> Child:
        self.born += 1
        if self.born <= 1:
            raise RuntimeError("can't start new thread")
        return self.rich.birth(models=models)


def test_what_nobody_thought_of_costs_a_job_and_not_the_lane(nursery: ForkNursery, tmp_path: Path) -> None:
    executor = LocalExecutor(engines(), slots={"heavy": 1}, nursery_=Poor(nursery), warm_after=60)
    executor.start()
    outcome = failed(run(executor, tmp_path, "plain"))
    assert outcome.code == "worker_lost"
    assert "can't start new thread" in outcome.message
    assert isinstance(run(executor, tmp_path, "plain", "job2").outcome(), Finished)
    executor.close()


def test_what_a_process_said_before_it_was_replaced_counts_no_more(nursery: ForkNursery) -> None:
    """Its end was told already: a part that it still had would stay in the books for ever."""
    heard: list[Moved | Gone] = []
    slot = Slot(Setting(nursery, engines().targets, None, 0.5, 0.5, lambda _: False), heard.append)
    gone = nursery.birth()
    slot._hear(gone, Moved("m/part@x", "device", 5))
    gone.bury()
    assert heard == []
    slot._hear(None, Moved("m/part@x", "disk"))
    assert heard == [Moved("m/part@x", "disk")]
