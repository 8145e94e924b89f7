"""What leaves a worker: pictures, mattes, sidecars, details, and nothing after a failure; and the encoder beside an
engine."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from threading import Thread
from typing import Any

import av
import cv2
import numpy as np
import pytest

from genlock.errors import GenerationError
from genlock.generation.engine import Halt
from genlock.generation.executor import Failed, Finished, Outcome, Stopped, Ticket, discard
from genlock.generation.film import AHEAD, Film, _Encoder
from genlock.generation.worker import carry_out
from genlock.project.shot import Take
from tests.generation.desk import Alone, left_in, staged_ticket, ticket
from tests.generation.trial_engines import engines, staged


class Unwell:
    """A writer whose library raises what nobody expects."""

    def write_video(self, picture: Any) -> None:
        raise RuntimeError("generic error in an external library")

    def abort(self) -> None:
        pass


def test_an_encoder_that_fails_in_an_unknown_way_ends_the_film() -> None:
    encoder = _Encoder(Unwell())  # type: ignore[arg-type]
    found: list[str] = []

    def engine() -> None:
        try:
            for _ in range(AHEAD * 3):
                encoder.put_frame(np.zeros((2, 2, 3), np.uint8))
            encoder.finish()
        except RuntimeError as error:
            found.append(str(error))
            encoder.abort()

    thread = Thread(target=engine, daemon=True)
    thread.start()
    thread.join(5)
    assert found == ["generic error in an external library"]


def made(put: Ticket) -> Take:
    outcome = carry_out(put, engines(), Alone())
    assert isinstance(outcome, Finished), outcome
    return outcome.take


def failed(outcome: Outcome) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


def alpha(path: str) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.reformat(format="rgba").to_ndarray()[..., 3] for frame in container.decode(video=0)]


def test_a_clip_of_masks_is_a_movie_with_alpha(tmp_path: Path) -> None:
    take = made(ticket(tmp_path, "mattes", product="matte", mode="track"))
    assert take.kind == "mask"
    assert take.path == str(tmp_path / "job1_v001.mov")
    assert take.info is not None
    assert take.info.frames == 9
    seen = alpha(take.path)
    assert len(seen) == 9
    for number, picture in enumerate(seen):
        assert (picture[:8, :8] == 255).all()
        assert np.abs(picture[8:, 8:].astype(int) - number * 25).max() <= 1
    with av.open(take.path) as container:
        assert not container.streams.audio


def test_one_mask_is_a_picture_with_alpha(tmp_path: Path) -> None:
    take = made(ticket(tmp_path, "mattes", product="matte", mode="mask"))
    assert take.kind == "mask"
    picture = cv2.imread(take.path, cv2.IMREAD_UNCHANGED)
    assert take.path.endswith(".png")
    assert picture.shape == (96, 160, 4)
    assert (picture[:8, :8] == (90, 90, 90, 255)).all()
    assert (picture[8:, 8:] == (90, 90, 90, 0)).all()


def test_sidecars_stand_beside_their_take(tmp_path: Path) -> None:
    take = made(ticket(tmp_path, "mattes", product="matte", mode="track"))
    assert take.sidecars == {
        "matte": str(tmp_path / "job1_v001_matte"),
        "polygon": str(tmp_path / "job1_v001_polygon.json"),
    }
    assert left_in(tmp_path) == [
        "job1_v001.mov",
        *(f"job1_v001_matte/{number:04d}.png" for number in range(9)),
        "job1_v001_polygon.json",
    ]
    assert (tmp_path / "job1_v001_matte" / "0007.png").read_bytes() == bytes([7])
    discard(take)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["job1_v001.mov", "job1_v001_matte", "job1_v001_polygon.json"])
def test_nothing_is_ever_replaced_by_a_take_or_its_sidecars(tmp_path: Path, taken: str) -> None:
    if taken.endswith("matte"):
        (tmp_path / taken).mkdir()
    else:
        (tmp_path / taken).write_text("somebody's work")
    take = made(ticket(tmp_path, "mattes", product="matte", mode="track"))
    assert take.number == 2
    assert {Path(path).name for path in (take.path, *take.sidecars.values())} == {
        "job1_v002.mov",
        "job1_v002_matte",
        "job1_v002_polygon.json",
    }
    assert [p.name for p in tmp_path.iterdir() if "v001" in p.name] == [taken]
    assert (tmp_path / taken).is_dir() or (tmp_path / taken).read_text() == "somebody's work"


def test_a_failure_takes_its_sidecars_along(tmp_path: Path) -> None:
    put = ticket(tmp_path, "mattes", product="matte", mode="track", settings={"then": "fail"})
    assert failed(carry_out(put, engines(), Alone())).code == "engine_failed"
    assert left_in(tmp_path) == []


def test_so_does_a_cancel(tmp_path: Path) -> None:
    asked = iter(range(1000))
    put = ticket(tmp_path, "mattes", product="matte", mode="track")
    assert carry_out(put, engines(), Alone(lambda: next(asked) > 8)) == Stopped("job1")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(("engine", "product"), [("hoarder", "movie"), ("mattes", "matte")])
def test_a_disk_that_is_full_of_sidecars_or_mattes(tmp_path: Path, engine: str, product: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be made by root")
    try:
        put = ticket(disk, engine, product=product, mode="track", frames=2000)
        assert failed(carry_out(put, engines(), Alone())).code == "unwritable_folder"
        assert left_in(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_fills_at_the_very_end_leaves_no_half_of_a_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("genlock.generation.delivery._claim_folder", full)
    outcome = failed(carry_out(ticket(tmp_path, "mattes", product="matte", mode="track"), engines(), Alone()))
    assert outcome.code == "unwritable_folder"
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("use", "name"),
    [
        ("matte", "../elsewhere.png"),
        ("matte", "/etc/passwd"),
        ("matte", "a/b/c.png"),
        ("../matte", "a.png"),
        ("", "a.png"),
        ("matte", ""),
        ("matte", "mattes/.."),
        ("matte", "a.png"),  # twice
        ("matte", "mattes/a.png"),  # a folder where there is a file
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, use: str, name: str) -> None:
    put = staged_ticket(tmp_path)
    put.desk.mkdir()
    with Film(put, staged, Alone()) as film:
        film.attach("matte", "a.png", b"1")
        with pytest.raises(GenerationError):
            film.attach(use, name, b"2")
    assert left_in(tmp_path) == [f"{put.desk.name}/sidecars/matte/a.png"]


def test_a_stage_that_the_plan_lacks_is_refused(tmp_path: Path) -> None:
    with (
        Film(staged_ticket(tmp_path), staged, Alone()) as film,
        pytest.raises(GenerationError, match="no stage upscale"),
    ):
        film.stage("upscale")


def test_a_cancel_is_said_at_every_call(tmp_path: Path) -> None:
    picture = np.zeros((96, 160, 3), np.uint8)
    with Film(staged_ticket(tmp_path), staged, Alone(lambda: True)) as film:
        calls = (
            lambda: film.stage("encode"),
            lambda: film.progress(1, 2, "x"),
            lambda: film.frame(picture),
            lambda: film.text("x"),
            lambda: film.attach("matte", "a.png", b""),
        )
        for call in calls:
            with pytest.raises(Halt):
                call()


def test_the_take_says_how_long_each_stage_took(tmp_path: Path) -> None:
    take = made(staged_ticket(tmp_path, settings={"pause": 0.01}))
    assert take.provenance is not None
    stages = take.provenance.details["stages"]
    assert 0.09 <= stages["denoise"]["seconds"] < 5
    assert take.provenance.seconds["generate"] >= stages["denoise"]["seconds"]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("kind", "says", "code"),
    [
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB.", "needs_memory"),
        ("OutOfMemoryError", "Allocation on device 0 would exceed allowed memory.", "needs_memory"),
        ("RuntimeError", "MPS backend out of memory (MPS allocated: 9.06 GB)", "needs_memory"),
        (
            "RuntimeError",
            "[enforce fail at alloc_cpu.cpp:98] DefaultCPUAllocator: can't allocate memory",
            "needs_memory",
        ),
        ("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", "needs_memory"),
        ("AcceleratorError", "CUDA error: out of memory", "needs_memory"),
        ("AcceleratorError", "CUDA error: an illegal memory access was encountered", "worker_lost"),
        ("RuntimeError", "CUDA error: unspecified launch failure", "worker_lost"),
        ("RuntimeError", "shapes cannot be multiplied", "engine_failed"),
    ],
)
def test_what_a_library_says_is_understood(tmp_path: Path, kind: str, says: str, code: str, wrapped: bool) -> None:
    put = ticket(tmp_path, "raising", settings={"kind": kind, "says": says, "wrapped": wrapped})
    outcome = failed(carry_out(put, engines(), Alone()))
    assert outcome.code == code, outcome.message
    assert left_in(tmp_path) == []
