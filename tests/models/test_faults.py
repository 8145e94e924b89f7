"""What goes wrong while models work: a coded error or the next plan, the daemon alive, nothing left reserved or on disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from genlock.project.shot import Take
from tests.generation.engines.ollama.server import serving
from tests.models import faulty
from tests.models.lot import SIZE, Lot, frames, opened

pytest.importorskip("diffusers")

STEPS = {"steps": 2, "schedule": "distilled"}
FILM = {"engine": "ltx2", "settings": STEPS}
LONG = {"engine": "ltx2", "frames": 97, "settings": {**STEPS, "steps": 100}}


@pytest.fixture(scope="module")
def models(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library with models beside the good ones: `ltx2-cut` ends too early, `ltx2-other` holds tensors of another shape,
    `flux2-pickled` has a pickle for weights."""
    home = tmp_path_factory.mktemp("broken")
    for folder in models.iterdir():
        (home / folder.name).symlink_to(folder)
    for name, good in (("ltx2-cut", "ltx2"), ("ltx2-other", "ltx2"), ("flux2-pickled", "flux2-klein")):
        shutil.copytree(models / good, home / name)
    (cut,) = (home / "ltx2-cut" / "transformer").glob("*.safetensors")
    os.truncate(cut, cut.stat().st_size - 100)
    (vae,) = (home / "ltx2-other" / "vae").glob("*.safetensors")
    (sound,) = (home / "ltx2-other" / "audio_vae").glob("*.safetensors")
    shutil.copy(sound, vae)
    (words,) = (home / "flux2-pickled" / "text_encoder").glob("*.safetensors")
    words.rename(words.with_name("pytorch_model.bin"))
    return home


@pytest.fixture(scope="module")
def lot(folder: Path, models: Path) -> Iterator[Lot]:
    """A daemon with every engine, and one whose faults are on order."""
    with opened(folder, models) as found:
        found.services.engines.targets[faulty.NAME] = faulty.TARGET
        yield found
        found.rest()
        assert found.left() == []


@pytest.fixture(autouse=True)
def _alive(lot: Lot) -> Iterator[None]:
    """After every fault nothing is reserved."""
    yield
    lot.rest()


# -- workers that die, jobs that are taken away


def begun(lot: Lot, job: str, stage: str = "denoise") -> None:
    """Waits until a job is in a stage."""

    def inside() -> bool:
        return any(lease["owner"] == job and lease["stage"] == stage for lease in lot.memory()["leases"])

    lot.until(inside, what=f"{job} is not in {stage}")


def kill(lot: Lot) -> float:
    """Kills the heavy lane's worker and returns when."""
    (worker,) = lot.pids()["heavy"]
    os.kill(worker, signal.SIGKILL)
    return monotonic()


def test_a_killed_worker_frees_its_lease_at_once_and_the_job_is_tried_again(lot: Lot) -> None:
    job = lot.queue(engine="ltx2", frames=97, settings={**STEPS, "steps": 20})
    begun(lot, job)
    at = kill(lot)
    lot.until(lambda: lot.verdicts("fallback", at), 5, "nobody noticed")
    (freed,) = [d["at"] for d in lot.verdicts("released", at) if d["owner"] == job][:1]
    assert freed - at < 1
    take = lot.take_of(job)
    assert len(frames(take.path)) == 97
    assert take.provenance is not None
    assert "died" in take.provenance.details["tried"][0]
    assert lot.verdicts("lost", at)


def test_a_worker_that_dies_twice_costs_its_job_alone(lot: Lot) -> None:
    job = lot.queue(**LONG)
    for _ in range(2):
        begun(lot, job)
        at = kill(lot)
        # not at the word that it is lost: until its lease is released, the stage it was in still shows
        lot.until(lambda at=at: lot.verdicts("lost", at) and lot.verdicts("released", at), 5)  # type: ignore[misc]
    ended = lot.ended(job)
    assert (ended["type"], ended["code"]) == ("failed", "worker_lost")
    assert len(frames(lot.made(**FILM).path)) == 9


def test_a_job_is_taken_away_in_the_middle_and_its_models_stay(lot: Lot) -> None:
    lot.made(**FILM)
    (worker,) = lot.pids()["heavy"]
    job = lot.queue(**LONG)
    begun(lot, job)
    begin = monotonic()
    lot.command("CancelJob", job)
    lot.rest()
    assert monotonic() - begin < 2
    assert lot.ended(job)["type"] == "cancelled"
    assert lot.pids()["heavy"] == [worker]
    again = lot.queue(**FILM)
    lot.take_of(again)
    assert not [d for d in lot.verdicts("entered") if d["owner"] == again and "loads" in d["reason"]]


def test_jobs_that_wait_are_there_after_a_restart(
    open_lot: Callable[..., AbstractContextManager[Lot]],
) -> None:
    with open_lot() as first:
        jobs = [first.queue(**{**LONG, "settings": {**STEPS, "steps": 12}}), first.queue(**FILM), first.queue(**FILM)]
        first.until(lambda: first.status(jobs[0]) == "running")
    with open_lot() as second:
        takes = [second.take_of(job) for job in jobs]
        assert [len(frames(take.path)) for take in takes] == [97, 9, 9]
        assert second.left() == []
        second.rest()


# -- requests that cannot be


@pytest.mark.parametrize(
    ("fields", "code", "words"),
    [
        ({"settings": {"loras": [{"name": "film"}]}}, "bad_generation", "film-look"),
        ({"settings": {"loras": [{"path": "{folder}/none.safetensors"}]}}, "bad_generation", "There is no LoRA"),
        ({"settings": {"loras": [{"path": "/no/where.safetensors"}]}}, "outside_roots", "/no/where"),
        ({"settings": {"stepz": 3}}, "bad_generation", "steps"),
        ({"settings": {"steps": 0}}, "bad_generation", "1 to 100 steps"),
        ({"resolution": [97, 64]}, "bad_generation", "97x64"),
        ({"resolution": [8, 8]}, "bad_value", "8x8"),
        ({"resolution": [100_000, 64]}, "bad_value", "100000x64"),
        ({"frames": 0}, "bad_value", "0 frames"),
        ({"frames": 10**9}, "bad_value", "1000000000 frames"),
        ({"mode": "image_to_video", "conditioning": [{"path": "{folder}/none.png"}]}, "bad_generation", "not there"),
        ({"mode": "image_to_video", "conditioning": [{"path": "{folder}/text.png"}]}, "bad_generation", "no picture"),
        ({"mode": "extend", "source": "{folder}/text.mov"}, None, "text.mov"),
        ({"mode": "extend"}, "bad_generation", "no take yet"),
        ({"mode": "retake", "source": "{folder}/media/disc.mov", "span": [5, 99]}, "bad_value", "99"),
        ({"engine": "sam3"}, "bad_generation", "does not make"),
        ({"engine": "nobody"}, "no_such_engine", "nobody"),
        ({"prompt": "x" * 100_000}, "bad_generation", "100000 characters"),
    ],
)
def test_what_cannot_be_made_is_said(
    lot: Lot, folder: Path, footage: Path, fields: dict[str, Any], code: str | None, words: str
) -> None:
    (folder / "text.png").write_text("no picture")
    (folder / "text.mov").write_text("no movie")
    overrides = {**FILM, **_placed(fields, str(folder))}
    body = {"shots": [lot.shot()], "overrides": overrides}
    answer = lot.http.post(f"/api/projects/{lot.film}/generate", json=body)
    error = answer.json()["error"] if answer.is_error else lot.ended(answer.json()["jobs"][0])
    assert error.get("type", "failed") == "failed", error
    assert words in error["message"]
    if code is not None:
        assert error["code"] == code
    else:
        assert error["code"] not in ("internal", "engine_failed", "worker_lost")
    assert footage.is_dir()


def _placed(value: Any, folder: str) -> Any:
    """Puts the test's folder into every path."""
    if isinstance(value, dict):
        return {name: _placed(each, folder) for name, each in value.items()}
    if isinstance(value, list):
        return [_placed(each, folder) for each in value]
    return value.replace("{folder}", folder) if isinstance(value, str) else value


@pytest.mark.parametrize("kind", ["png", "mov"])
def test_a_mask_of_another_size_is_refused(lot: Lot, footage: Path, kind: str) -> None:
    from PIL import Image

    from tests.generation.footage import clip

    small = np.full((32, 48, 3), 255, np.uint8)
    other = footage / f"small.{kind}"
    Image.fromarray(small).save(other) if kind == "png" else clip(other, [small] * 17)
    source = footage / ("first.png" if kind == "png" else "disc.mov")
    frames_asked = 1 if kind == "png" else 17
    code, message = lot.fails(
        mode="inpaint", engine="flux2", source=str(source), mask=str(other), frames=frames_asked, settings={"steps": 2}
    )
    assert code == "bad_generation"
    assert "48x32" in message
    assert "96x64" in message


# -- weights that cannot be used


@pytest.mark.parametrize(
    ("engine", "model", "code"),
    [
        ("ltx2", "ltx2-cut", "model_broken"),
        ("ltx2", "ltx2-other", "model_broken"),
        ("flux2", "flux2-pickled", "unsafe_weights"),
        ("ltx2", "ltx2-none", "model_missing"),
    ],
)
def test_weights_that_cannot_be_used_are_named(lot: Lot, engine: str, model: str, code: str) -> None:
    mode = {"ltx2": "text_to_video", "flux2": "image"}[engine]
    failed, message = lot.fails(mode=mode, engine=engine, settings={"steps": 2, "model": model})
    assert (failed, model in message) == (code, True), message
    assert lot.made(**FILM).provenance is not None  # the good ones are not touched


# -- no room


def test_a_full_disk_leaves_nothing_behind(lot: Lot, folder: Path) -> None:
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("NO SMALL DISK: mounting a tmpfs is not permitted here (it takes root)")
    try:
        film = lot.project(resolution=SIZE, folder=str(disk), engine="")
        brief = {"prompt": "Too much", "frames": 97}
        shot = lot.command("CreateShot", project=film, code="FULL", brief=brief)["created"][0]
        body = {"shots": [shot], "overrides": FILM}
        (job,) = lot.post(f"/api/projects/{film}/generate", body)["jobs"]
        ended = lot.ended(job)
        assert (ended["type"], ended["code"]) == ("failed", "unwritable_folder"), ended
        assert [p for p in disk.rglob("*") if p.is_file()] == []
        assert lot.made(**FILM).path
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def note(take: Take) -> dict[str, Any]:
    assert take.provenance is not None
    return take.provenance.details


def faults(lot: Lot, **settings: Any) -> str:
    """Queues a film whose prompt was not encoded before."""
    shot = lot.shot(f"A lighthouse, {uuid4().hex}")
    return lot.queue(shot, engine=faulty.NAME, settings={**STEPS, **settings})


EVERY = pytest.param(0, marks=[pytest.mark.slow, pytest.mark.timeout(7200)])


def numbers(count: int, points: int) -> list[int]:
    """Returns `points` allocations of so many, spread evenly, with the first and the last; 0: all of them."""
    return sorted({1, 2, count, *range(1, count, max(1, count // points) if points else 1)})


@pytest.mark.parametrize("points", [8, EVERY])
def test_memory_that_ends_anywhere_is_a_slower_plan_and_no_dead_job(lot: Lot, points: int) -> None:
    lot.take_of(faults(lot))
    whole = note(lot.take_of(faults(lot)))["allocations"]
    assert whole > 500
    lot.take_of(faults(lot, fail_at=1))  # a worker that was there before the libraries were warm gives way here
    begin, workers = monotonic(), lot.pids()["heavy"]
    for number in numbers(whole, points):
        take = lot.take_of(faults(lot, fail_at=number))
        assert take.provenance is not None
        assert take.provenance.plan == "resident-smaller", number
        assert "ran out of device memory" in note(take)["tried"][0]
        assert len(frames(take.path)) == 9
    assert lot.verdicts("lost", begin) == []
    assert lot.pids()["heavy"] == workers
    assert lot.made(**FILM).provenance is not None


@pytest.mark.parametrize("points", [8, EVERY])
def test_memory_that_ends_while_parts_are_loaded_ends_the_job_with_nothing_held(lot: Lot, points: int) -> None:
    def held() -> list[str]:
        return [row["component"] for row in lot.memory()["residents"] if row["component"].startswith("ltx2/")]

    lot.ended(faults(lot, fail_at=1, fail_always=True))
    cold = note(lot.take_of(faults(lot)))
    assert len(cold["built"]) == 6
    lot.ended(faults(lot, fail_at=1, fail_always=True))
    for number in numbers(cold["allocations"], points):
        job = faults(lot, fail_at=number, fail_always=True)
        ended = lot.ended(job)
        if ended["type"] == "succeeded":  # the smaller plan allocates less often
            assert note(lot.take_of(job))["allocations"] < number
            ended = lot.ended(faults(lot, fail_at=1, fail_always=True))
        assert (ended["type"], ended.get("code")) == ("failed", "needs_memory"), (number, ended)
        lot.until(lambda: not held(), 2, "parts stay after they did not fit")
    before, again = (lot.made(prompt="sound as ever", **FILM) for _ in range(2))
    assert np.array_equal(frames(before.path), frames(again.path))


# -- a language server that is down


def test_a_server_that_is_down_is_an_error_or_the_next_writer(lot: Lot) -> None:
    with serving() as fake:
        url = fake.url
    code, message = lot.fails(mode="enhance_prompt", engine="ollama", settings={"url": url})
    assert code == "language_model"
    assert url in message
    take = lot.made(mode="enhance_prompt", settings={"url": url, "max_tokens": 8})
    assert take.provenance is not None
    assert take.provenance.engine == "llm"
