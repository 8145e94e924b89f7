"""Where workers come from: parents with the model libraries, spares, and interpreters of other environments."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

import pytest
from msgspec.structs import replace

from genlock.generation.channel import Ready
from genlock.generation.executor import Failed, Finished, Gone
from genlock.generation.local import LocalExecutor
from genlock.generation.nursery import ForkNursery, InterpreterNursery, SpawnNursery, _Parent
from tests.generation.desk import Ear, Usher, Watch, staged_ticket, ticket
from tests.generation.trial_engines import engines

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _trial_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def until(true: object, seconds: float = 60) -> None:
    end = monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert monotonic() < end, f"not within {seconds} s"
        sleep(0.02)


def text(executor: LocalExecutor, folder: Path, engine: str, job: str) -> str:
    ear = Ear()
    executor.submit(ticket(folder, engine, job, product="text"), ear)
    outcome = ear.outcome(60)
    assert isinstance(outcome, Finished), outcome
    return Path(outcome.take.path).read_text()


@pytest.fixture(scope="module")
def warm() -> Iterator[ForkNursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        made = ForkNursery()
        made.warm(models=True)
        until(made._parents[True].ready)
    yield made
    made.close()


@pytest.mark.skipif(find_spec("diffusers") is None or find_spec("torch") is None, reason="needs the models extra")
class TestParentWithModels:
    def test_everything_it_should_import_can_be(self) -> None:
        code = (
            "import sys; from genlock.generation.nursery import MODELS, preload; preload(MODELS);"
            "print(*(name for name in MODELS if name not in sys.modules))"
        )
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.split() == []

    def test_a_worker_with_the_libraries_is_ready_at_once(self, warm: ForkNursery) -> None:
        seconds = []
        for _ in range(7):
            begin = monotonic()
            child = warm.birth(models=True)
            assert isinstance(child.channel.report(), Ready)
            seconds.append(monotonic() - begin)
            assert child.models
            child.bury()
        assert min(seconds) < 0.1, seconds  # what it takes, not what others take of these cores meanwhile

    def test_it_computes_what_any_process_does(self, warm: ForkNursery, tmp_path: Path) -> None:
        class Only(ForkNursery):
            def birth(self, *, models: bool = False):  # type: ignore[no-untyped-def]
                return warm.birth(models=True)

        forked = LocalExecutor(engines(), nursery_=Only(), warm_after=60)
        forked.start()
        answers = {text(forked, tmp_path, "computing", f"job{n}") for n in range(3)}
        forked.close()
        code = "import torch; torch.manual_seed(0); p = torch.randn(600, 600) @ torch.randn(600, 600);"
        alone = subprocess.run(
            [sys.executable, "-c", code + "print(f'{float(p.abs().mean()):.3f} 2')"], capture_output=True, text=True
        )
        assert answers == {alone.stdout.strip()}


def test_a_parent_that_dies_is_replaced_by_one_of_its_kind() -> None:
    nursery = ForkNursery()
    parent = nursery._parents[True] = _Parent(("genlock.generation.worker",))  # as any, but quick
    nursery.warm(models=True)
    until(parent.ready)
    process = parent._process
    assert process is not None
    process.kill()
    process.wait()
    child = nursery.birth(models=True)  # from the other parent, meanwhile
    assert not child.models
    child.bury()
    until(parent.ready)
    again = nursery.birth(models=True)
    assert again.models
    again.bury()
    nursery.close()


def test_without_a_model_to_run_nothing_heavy_is_imported(tmp_path: Path) -> None:
    made = ForkNursery()
    executor = LocalExecutor(engines(), nursery_=made, warm_after=0)
    executor.start()
    until(lambda: made._parents[False].ready())
    assert made._parents[True]._process is None
    executor.close()


def test_workers_download_nothing_and_wait_without_work(executor: LocalExecutor, tmp_path: Path) -> None:
    seen = text(executor, tmp_path, "environment", "job1").splitlines()
    assert "HF_HUB_OFFLINE=1" in seen
    assert "OMP_WAIT_POLICY=PASSIVE" in seen


def test_a_spare_waits_with_its_imports_done() -> None:
    nursery = SpawnNursery()
    nursery.warm()
    spare = nursery._spare
    assert spare is not None
    assert isinstance(spare.channel.report(), Ready)
    begin = monotonic()
    child = nursery.birth()
    assert child is spare
    assert monotonic() - begin < 0.1
    assert nursery._spare is not None
    assert nursery._spare.pid != child.pid
    child.bury()
    nursery.close()
    assert nursery._spare is None


def test_a_spare_that_died_is_not_handed_out(tmp_path: Path) -> None:
    nursery = SpawnNursery()
    nursery.warm()
    spare = nursery._spare
    assert spare is not None
    spare.kill()
    until(spare.ended)
    child = nursery.birth()
    assert isinstance(child.channel.report(), Ready)
    child.bury()
    nursery.close()


@pytest.fixture(scope="module")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that sees this one's libraries, but not genlock."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"])
    python = folder / "bin/python"
    seen = subprocess.run([python, "-P", "-c", "import msgspec, genlock"], capture_output=True, text=True, cwd="/")
    if "No module named 'genlock'" not in seen.stderr:
        pytest.skip("genlock is installed among its libraries here")
    return python


def test_an_interpreter_of_its_own_runs_the_same_worker(interpreter: Path, tmp_path: Path) -> None:
    executor = LocalExecutor(engines(), warm_after=60)
    watch = Watch()
    executor.watch(watch)
    executor.start()
    pids = []
    for job in ("job1", "job2"):
        usher = Usher(executor)
        put = staged_ticket(tmp_path, job=job)
        executor.submit(replace(put, plan=replace(put.plan, lane="native", how={"python": str(interpreter)})), usher)
        outcome = usher.outcome(60)
        assert isinstance(outcome, Finished), outcome
        assert outcome.take.provenance is not None
        pids.append(outcome.take.provenance.details["pid"])
    assert pids[0] == pids[1]
    assert os.readlink(f"/proc/{pids[0]}/exe") == os.path.realpath(interpreter)
    assert set(watch.held("native").values()) == {"device"}
    usher = Usher(executor)
    put = staged_ticket(tmp_path, job="other")
    executor.submit(replace(put, plan=replace(put.plan, lane="native")), usher)  # an engine of this environment
    assert isinstance(usher.outcome(60), Finished)
    assert ("native", Gone()) in watch.told
    executor.close()


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    executor = LocalExecutor(engines(), warm_after=60)
    executor.start()
    usher = Usher(executor)
    put = staged_ticket(tmp_path)
    executor.submit(replace(put, plan=replace(put.plan, lane="native", how={"python": "/no/python"})), usher)
    outcome = usher.outcome()
    assert isinstance(outcome, Failed)
    assert outcome.code == "worker_lost"
    assert "/no/python" in outcome.message
    executor.close()


def test_what_a_worker_needs_of_its_environment() -> None:
    code = (
        "import sys, genlock.generation.worker, genlock.generation.film;"
        "print(*{n.split('.')[0] for n in sys.modules} - set(sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    needed = {"genlock", "msgspec", "immutables", "numpy", "av", "cv2", "PIL", "platformdirs"}  # environments.WORKER
    own = {name for name in done.stdout.split() if not name.startswith("_") and name != "cython_runtime"}
    assert own - {"typing_extensions"} <= needed


def test_a_packages_path_is_not_put_before_the_environments_own(interpreter: Path) -> None:
    nursery = InterpreterNursery(str(interpreter))
    child = nursery.birth()
    assert isinstance(child.channel.report(), Ready)
    assert str(ROOT / "core") not in Path(f"/proc/{child.pid}/environ").read_text()
    child.bury()
