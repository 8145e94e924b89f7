"""SAM 3 in worker processes: takes with mattes and polygons, clicks beside a running track, parts that come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from genlock.generation.engine import Engines
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.executor import Failed, Finished, Move, Ticket
from genlock.generation.local import LocalExecutor
from genlock.generation.masks.outline import read_lines
from genlock.generation.masks.reading import inside, pictures
from genlock.generation.nursery import ForkNursery
from genlock.project.request import GenerationRequest, Point, Selection
from tests.generation.desk import Usher, Watch, left_in
from tests.generation.engines.sam3.conftest import FRAMES, Make, asked

CLICK = Selection(points=(Point(80, 96),))
PART = "sam3/model@float32"
Working = tuple[LocalExecutor, Watch]


@pytest.fixture(scope="module")
def working(tiny_models: Path) -> Iterator[Working]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_MODELS", str(tiny_models))
        patch.setenv("OMP_NUM_THREADS", "1")
        executor, watch = LocalExecutor(Engines(), nursery_=ForkNursery()), Watch()
        executor.watch(watch)
        executor.start()
        yield executor, watch
        executor.close()


def submit(working: Working, engine: Sam3Engine, request: GenerationRequest, folder: Path, job: str) -> Usher:
    (plan,) = engine.plans(request)
    usher = Usher(working[0])
    working[0].submit(Ticket(job, request, plan, str(folder), f"{job}_v001", 1, proxy=False), usher)
    return usher


def finished(usher: Usher) -> Finished:
    outcome = usher.outcome(100)
    assert isinstance(outcome, Finished), outcome
    return outcome


def test_a_click_becomes_a_picture_with_transparency_a_matte_and_polygons(
    working: Working, engine: Sam3Engine, source: Path, tmp_path: Path, make: Make
) -> None:
    request = asked("mask", source, CLICK)
    first = finished(submit(working, engine, request, tmp_path, "first")).take
    second = finished(submit(working, engine, request, tmp_path, "second")).take
    made = make("mask", CLICK)
    read = cv2.imread(first.path, cv2.IMREAD_UNCHANGED)
    assert np.array_equal(cv2.cvtColor(read, cv2.COLOR_BGRA2RGBA), made.frames[0])
    assert (first.kind, set(first.sidecars)) == ("mask", {"matte", "polygon"})
    (matte,) = Path(first.sidecars["matte"]).glob("*.png")
    assert np.array_equal(cv2.imread(str(matte), cv2.IMREAD_UNCHANGED), made.frames[0][..., 3])
    (outline,) = read_lines(Path(first.sidecars["polygon"]).read_bytes())
    assert outline.size == (320, 192)
    assert first.provenance is not None
    assert second.provenance is not None
    assert (first.provenance.model, first.provenance.details["cached"]) == ("sam3", False)
    assert second.provenance.details["cached"] is True
    assert Path(first.path).read_bytes() == Path(second.path).read_bytes()


def test_a_click_does_not_wait_for_a_track_and_a_dropped_model_comes_back(
    working: Working, engine: Sam3Engine, source: Path, tmp_path: Path, make: Make
) -> None:
    executor, watch = working
    following = submit(working, engine, asked("track", source, Selection(text="disc")), tmp_path, "track")
    following.begun(60)
    click = submit(working, engine, asked("mask", source, CLICK), tmp_path, "click")
    take = finished(following).take
    finished(click)
    assert watch.held("heavy") == watch.held("interactive") == {PART: "device"}
    grey = sorted(Path(take.sidecars["matte"]).glob("*.png"))
    assert [path.name.split(".")[-2] for path in grey] == [f"{number:07d}" for number in range(FRAMES)]
    with pictures(take.path, "take") as shown:
        assert shown.frames == FRAMES
        alphas = [inside(image) for image in shown.run(0, FRAMES)]
    for alpha, path in zip(alphas, grey, strict=True):
        assert np.mean(alpha != (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0)) < 0.02  # ProRes keeps alpha closely

    executor.move("interactive", (Move(PART, "disk"),))
    watch.wait(lambda: watch.held("interactive") == {})
    again = finished(submit(working, engine, asked("mask", source, CLICK), tmp_path, "again")).take
    read = cv2.cvtColor(cv2.imread(again.path, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)
    assert np.array_equal(read, make("mask", CLICK).frames[0])


def test_a_bad_selection_leaves_nothing_behind(
    working: Working, engine: Sam3Engine, source: Path, tmp_path: Path
) -> None:
    request = asked("mask", source, Selection(points=(Point(900, 10),)))
    outcome = submit(working, engine, request, tmp_path, "outside").outcome(60)
    assert isinstance(outcome, Failed)
    assert outcome.code == "bad_generation"
    assert left_in(tmp_path) == []
