"""Inpainting what is selected: SAM 3 follows it through the clip in the same job, then it is painted."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Halt
from genlock.generation.engines.flux2.engine import Flux2Engine
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.models.library import Library
from genlock.project.request import Box, GenerationRequest, Point, Selection
from genlock.timeline.model import Resolution
from tests.generation.desk import decoded
from tests.generation.engines.flux2.studio import CPU, Studio
from tests.generation.footage import clip, disc, overlap
from tests.generation.recording import Parts, Recording, run

pytest.importorskip("diffusers")

FRAMES = 6
SIZE = Resolution(160, 96)

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = [disc(number, SIZE.width, SIZE.height)[0] for number in range(FRAMES)]
    return clip(tmp_path_factory.mktemp("footage") / "disc.mov", frames)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """The disc as somebody drew it on frame 2: random weights find nothing, but they follow."""
    path = tmp_path_factory.mktemp("drawn") / "disc.png"
    Image.fromarray(np.uint8(255) * disc(2, SIZE.width, SIZE.height)[1]).save(path)
    return Selection(mask=str(path), frame=2)


def asked(studio: Studio, source: Path, *selections: Selection, **settings: Any) -> GenerationRequest:
    return studio.request(
        "inpaint",
        source=str(source),
        selections=selections,
        frames=FRAMES,
        resolution=SIZE,
        settings={"steps": 1, "every": 3, **settings},
    )


@pytest.fixture(scope="module")
def tracked(tiny_models: Path, source: Path, drawn: Selection) -> list[Array]:
    """What SAM 3 alone says of the same selection, on every frame."""
    request = GenerationRequest(
        "track", source=str(source), selections=(drawn,), direction="both", frames=FRAMES, resolution=SIZE
    )
    return [frame[..., 3] > 0 for frame in run(Sam3Engine(Library(tiny_models), CPU), request).frames]


@pytest.fixture(scope="module")
def made(shared: Studio, source: Path, drawn: Selection) -> Recording:
    return run(shared.engine, asked(shared, source, drawn, grow=3), shared.parts)


def test_what_sam_follows_is_painted_and_nothing_else(made: Recording, tracked: list[Array], source: Path) -> None:
    assert any(mask.any() for mask in tracked)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    assert len(made.frames) == FRAMES
    for frame, own, mask in zip(made.frames, decoded(source), tracked, strict=True):
        inside = cv2.dilate(mask.astype(np.uint8), kernel) > 0
        assert np.array_equal(frame[~inside], own[~inside])
        if inside.any():
            assert (frame[inside] != own[inside]).any(axis=-1).mean() > 0.8


def test_selecting_is_the_first_stage_with_the_part_that_tracks_use(shared: Studio, made: Recording) -> None:
    plan = made.plan
    assert [stage.name for stage in plan.stages] == ["select", "encode", "denoise"]
    track = GenerationRequest("track", source="/a.mov", selections=(Selection(text="disc"),), frames=FRAMES)
    (other,) = Sam3Engine(Library(shared.home), CPU).plans(track)
    assert plan.components[0] == other.components[0]
    assert plan.lane == other.lane == "heavy"
    assert made.stages[0] == "select"
    assert made.stages.count("select") == 1
    assert made.details["selected_by"]["model"] == "sam3"


def test_a_second_job_loads_nothing(shared: Studio, made: Recording, source: Path, drawn: Selection) -> None:
    built = list(shared.parts.built)
    again = run(shared.engine, asked(shared, source, drawn, grow=3), shared.parts)
    assert shared.parts.built == built
    assert all(np.array_equal(a, b) for a, b in zip(again.frames, made.frames, strict=True))


def test_nothing_holds_sam_when_its_place_is_needed(shared: Studio, source: Path, drawn: Selection) -> None:
    class Leaving(Recording):
        """Takes the selecting part away before the next stage, as an arbiter does that needs its memory."""

        gone = False

        def stage(self, name: str) -> None:
            super().stage(name)
            if name != "select" and "sam3/model@float32" in self.models.held:
                part = weakref.ref(self.models.held.pop("sam3/model@float32"))
                gc.collect()
                self.gone = part() is None

    request = asked(shared, source, drawn)
    plan = shared.engine.plans(request)[0]
    sink = Leaving(request, plan, Parts())
    shared.engine.generate(request, plan, sink)
    assert sink.gone
    assert len(sink.frames) == FRAMES


def test_a_mask_adds_to_what_is_selected(
    shared: Studio, source: Path, drawn: Selection, tracked: list[Array], tmp_path: Path
) -> None:
    corner = np.zeros((SIZE.height, SIZE.width), np.uint8)
    corner[:20, :20] = 255
    Image.fromarray(corner).save(tmp_path / "corner.png")
    request = structs.replace(asked(shared, source, drawn, grow=0), mask=str(tmp_path / "corner.png"))
    both = run(shared.engine, request, shared.parts)
    for frame, own, mask in zip(both.frames, decoded(source), tracked, strict=True):
        inside = mask | (corner > 0)
        assert np.array_equal(frame[~inside], own[~inside])
        assert (frame[corner > 0] != own[corner > 0]).mean() > 0.8


def test_a_still_takes_selections_too(shared: Studio, tmp_path: Path) -> None:
    picture, mask = disc(0, SIZE.width, SIZE.height)
    Image.fromarray(picture).save(tmp_path / "still.png")
    Image.fromarray(np.uint8(255) * mask).save(tmp_path / "mask.png")
    fields: dict[str, Any] = {
        "source": str(tmp_path / "still.png"),
        "selections": (Selection(mask=str(tmp_path / "mask.png")),),
        "resolution": SIZE,
    }
    recording = shared.make("inpaint", settings={"steps": 1, "grow": 0}, **fields)
    (found,) = run(Sam3Engine(Library(shared.home), CPU), GenerationRequest("track", frames=1, **fields)).frames
    (frame,), inside = recording.frames, found[..., 3] > 0
    assert recording.plan.product == "still"
    assert overlap(inside, mask) > 0.8
    assert np.array_equal(frame[~inside], picture[~inside])
    assert (frame[inside] != picture[inside]).any(axis=-1).mean() > 0.8


def test_several_things_are_followed(shared: Studio, source: Path, drawn: Selection) -> None:
    other = Selection(boxes=(Box(100, 10, 150, 60),), frame=4, thing=2)
    named = Selection(text="a stone", thing=3)
    whole = run(shared.engine, asked(shared, source, drawn, other, named, grow=0), shared.parts)
    assert len(whole.frames) == FRAMES
    track = GenerationRequest(
        "track",
        source=str(source),
        selections=(drawn, other, named),
        direction="both",
        frames=FRAMES,
        resolution=SIZE,
    )
    masks = [frame[..., 3] > 0 for frame in run(Sam3Engine(Library(shared.home), CPU), track).frames]
    for frame, own, mask in zip(whole.frames, decoded(source), masks, strict=True):
        assert np.array_equal(frame[~mask], own[~mask])


def test_a_way_that_needs_no_less_is_left_out(shared: Studio, source: Path, drawn: Selection) -> None:
    plans = shared.engine.plans(asked(shared, source, drawn))
    sizes = [plan.bytes for plan in plans]
    assert sizes == sorted(set(sizes), reverse=True)
    assert "To select: without a GPU each frame takes about 45 s." in plans[0].notes


def test_what_is_on_no_frame_is_said(shared: Studio, source: Path) -> None:
    nothing = Selection(text="a zebra", boxes=(Box(48, 20, 110, 80),))
    with pytest.raises(BadInput, match="found on no frame"):
        run(shared.engine, asked(shared, source, nothing), shared.parts)


def test_a_place_outside_the_source_is_refused_before_anything_is_loaded(shared: Studio, source: Path) -> None:
    request = asked(shared, source, Selection(points=(Point(500, 500),)))
    sink = Recording(request, shared.engine.plans(request)[0], Parts())
    with pytest.raises(BadInput, match="outside 160x96"):
        shared.engine.generate(request, sink.plan, sink)
    assert not sink.models.built


def test_without_sam_a_mask_is_asked_for(shared: Studio, source: Path, drawn: Selection, tmp_path: Path) -> None:
    (tmp_path / "flux2-klein").symlink_to(shared.home / "flux2-klein")
    alone = Flux2Engine(Library(tmp_path), CPU)
    with pytest.raises(GenerationError, match="needs a mask") as caught:
        alone.plans(asked(shared, source, drawn))
    assert caught.value.code == "model_missing"
    assert "genlock models" in caught.value.hint
    assert "sam3" in caught.value.hint


@pytest.mark.parametrize("after", [2, 5, 9])
def test_a_cancel_leaves_the_models_as_they_were(
    shared: Studio, made: Recording, source: Path, drawn: Selection, after: int
) -> None:
    request = asked(shared, source, drawn, grow=3)
    plan = shared.engine.plans(request)[0]
    with pytest.raises(Halt):
        shared.engine.generate(request, plan, Recording(request, plan, shared.parts, halt_after=after))
    again = run(shared.engine, request, shared.parts)
    assert all(np.array_equal(a, b) for a, b in zip(again.frames, made.frames, strict=True))
