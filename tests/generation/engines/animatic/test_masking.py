"""The embedded engine's masks as they are delivered: alpha, mattes, outlines."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput
from genlock.generation.engines.animatic.engine import ENGINE
from genlock.generation.masks.outline import filled, read_lines
from genlock.project.request import Box, GenerationRequest, Point, Selection
from genlock.timeline.model import Resolution
from tests.generation.desk import decoded
from tests.generation.footage import RATE, clip, disc, overlap
from tests.generation.recording import Recording, run

BOX = Selection(boxes=(Box(48, 54, 134, 140),), frame=5)


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip(tmp_path_factory.mktemp("moving") / "disc.mov", [disc(n)[0] for n in range(12)])


def made(mode: str, moving: Path, size: Resolution = Resolution(320, 192), **fields: Any) -> Recording:
    fields = {"source": str(moving), "resolution": size, "rate": RATE, "frames": 12, "selections": (BOX,), **fields}
    return run(ENGINE, GenerationRequest(mode, **fields))  # type: ignore[arg-type]


def test_a_mask_is_the_frame_it_was_clicked_on_with_alpha_matte_and_outline(moving: Path) -> None:
    found = made("mask", moving)
    (frame,) = found.frames
    assert np.array_equal(frame[..., :3], decoded(moving)[5])
    assert overlap(frame[..., 3] > 127, disc(5)[1]) > 0.95
    matte = np.asarray(Image.open(io.BytesIO(found.attached["matte", "matte/matte.0000005.png"])))
    assert np.array_equal(matte, frame[..., 3])
    (line,) = read_lines(found.attached["polygon", "polygon.jsonl"])
    assert (line.frame, line.thing) == (5, 1)
    assert overlap(filled(line), matte > 0) > 0.98


def test_a_track_has_every_frame_and_leads_both_ways(moving: Path) -> None:
    found = made("track", moving, direction="both")
    assert len(found.frames) == 12
    assert min(overlap(frame[..., 3] > 127, disc(n)[1]) for n, frame in enumerate(found.frames)) > 0.9
    assert [name for use, name in found.attached if use == "matte"] == [f"matte/matte.{n:07d}.png" for n in range(12)]
    assert [line.frame for line in read_lines(found.attached["polygon", "polygon.jsonl"])] == list(range(12))


def test_things_are_kept_apart_in_the_outlines(moving: Path) -> None:
    stone = Selection(boxes=(Box(240, 20, 300, 70),), frame=5, thing=2)
    found = made("mask", moving, selections=(BOX, stone))
    lines = read_lines(found.attached["polygon", "polygon.jsonl"])
    assert [line.thing for line in lines] == [1, 2]
    whole = found.frames[0][..., 3] > 127
    assert overlap(whole, filled(lines[0]) | filled(lines[1])) > 0.97


def test_the_result_has_the_size_asked_for_and_the_mattes_the_sources(moving: Path) -> None:
    found = made("mask", moving, Resolution(160, 96))
    assert found.frames[0].shape == (96, 160, 4)
    assert Image.open(io.BytesIO(found.attached["matte", "matte/matte.0000005.png"])).size == (320, 192)


def test_a_mask_of_another_size_is_refused_with_both_sizes(moving: Path, tmp_path: Path) -> None:
    Image.new("L", (100, 50), 255).save(tmp_path / "rough.png")
    with pytest.raises(BadInput, match=r"100x50.*320x192"):
        made("mask", moving, selections=(Selection(mask=str(tmp_path / "rough.png"), frame=5),))


@pytest.mark.parametrize("mode", ["mask", "track"])
@pytest.mark.parametrize(
    "selection", [Selection(points=(Point(320, 90),)), Selection(boxes=(Box(400, 10, 500, 90),))], ids=["point", "box"]
)
def test_what_lies_beside_the_picture_is_refused(moving: Path, mode: str, selection: Selection) -> None:
    with pytest.raises(BadInput, match="320x192"):
        made(mode, moving, selections=(selection,))


def test_two_frames_for_one_thing_are_refused(moving: Path) -> None:
    with pytest.raises(BadInput, match="one frame"):
        made("track", moving, selections=(BOX, Selection(points=(Point(100, 90),), frame=8)))
