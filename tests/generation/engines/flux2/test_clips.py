"""Inpainting through a clip: every frame there, outside the mask the source's, with its sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput
from genlock.generation.engine import Halt
from genlock.generation.masks.reel import reel
from genlock.timeline.model import Resolution
from tests.generation.engines.flux2.studio import Studio
from tests.generation.footage import RATE, clip, disc
from tests.generation.recording import Recording

pytest.importorskip("diffusers")

FRAMES = 15
SIZE = Resolution(160, 96)

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    frames = [disc(number, SIZE.width, SIZE.height) for number in range(FRAMES)]
    tone = (0.3 * np.sin(np.arange(FRAMES * 2000) / 30)).astype(np.float32)
    clip(folder / "source.mov", [picture for picture, _ in frames], np.stack([tone, tone]))
    clip(folder / "mask.mov", [np.repeat(np.uint8(255) * mask[..., None], 3, axis=2) for _, mask in frames])
    (folder / "mattes").mkdir()
    for number, (_, mask) in enumerate(frames):
        Image.fromarray(np.uint8(255) * mask).save(folder / "mattes" / f"matte.{number + 1:04}.png")
    Image.fromarray(np.uint8(255) * frames[0][1]).save(folder / "still.png")
    return folder


def material(path: Path, mask: Path) -> list[tuple[Array, Array]]:
    """Returns each frame of a clip as it is decoded, and where its mask selects anything."""
    with reel(str(path), RATE, "source") as source, reel(str(mask), RATE, "mask") as over:
        return [(source.picture(number), over.mask(number) > 0) for number in range(FRAMES)]


def made(studio: Studio, folder: Path, mask: str = "mask.mov", **settings: Any) -> Recording:
    return studio.make(
        "inpaint",
        source=str(folder / "source.mov"),
        mask=str(folder / mask),
        frames=FRAMES,
        resolution=SIZE,
        settings={"steps": 2, **settings},
    )


@pytest.mark.parametrize("mask", ["mask.mov", "mattes", "still.png"])
@pytest.mark.parametrize("settings", [{"every": 6}, {"every": 4, "motion": "around", "feather": 3}, {"padding": 4}])
def test_every_frame_is_there_and_its_surroundings_are_the_sources(
    shared: Studio, footage: Path, mask: str, settings: dict[str, Any]
) -> None:
    recording = made(shared, footage, mask, **settings)
    assert len(recording.frames) == FRAMES
    for frame, (source, inside) in zip(recording.frames, material(footage / "source.mov", footage / mask), strict=True):
        assert inside.any()
        assert np.array_equal(frame[~inside], source[~inside])
        assert (frame[inside] != source[inside]).mean() > 0.8
    assert recording.plan.product == "movie"
    assert recording.plan.made == recording.plan.asked == FRAMES


def test_the_source_keeps_its_sound(shared: Studio, footage: Path) -> None:
    sound = np.concatenate(made(shared, footage).sounds, axis=1)
    assert sound.shape == (2, FRAMES * 2000)
    tone = 0.3 * np.sin(np.arange(FRAMES * 2000) / 30)
    assert np.abs(sound[0, 4000:-4000] - tone[4000:-4000]).max() < 0.01


def test_frames_are_painted_and_carried_as_said(shared: Studio, footage: Path) -> None:
    recording = made(shared, footage, every=7)
    assert recording.details["painted"] == 3  # 0, 7, 14
    assert recording.details["carried"] == FRAMES - 3
    assert any("At least 3 of 15 frames are painted" in note for note in recording.plan.notes)
    every = made(shared, footage, every=1)
    assert every.details["painted"] == FRAMES
    assert every.details["carried"] == 0


def test_the_first_frame_is_the_still(shared: Studio, footage: Path) -> None:
    movie = made(shared, footage)
    still = shared.make(
        "inpaint",
        source=str(footage / "source.mov"),
        mask=str(footage / "mask.mov"),
        resolution=SIZE,
        settings={"steps": 2},
    )
    assert still.plan.product == "still"
    assert np.array_equal(movie.frames[0], still.frames[0])


def test_equal_requests_give_equal_frames(shared: Studio, footage: Path) -> None:
    first, second = made(shared, footage, every=5), made(shared, footage, every=5)
    assert all(np.array_equal(a, b) for a, b in zip(first.frames, second.frames, strict=True))


def test_what_flow_loses_is_painted(shared: Studio, tmp_path: Path) -> None:
    """Between two painted frames the scene is another one: nothing can be carried there."""
    scenes = [disc(0, SIZE.width, SIZE.height)[0] for _ in range(9)]
    noise = np.random.default_rng(4)
    for number in (3, 4, 5):
        scenes[number] = noise.integers(0, 255, scenes[0].shape, np.uint8)
    clip(tmp_path / "source.mov", scenes)
    mask = np.zeros((SIZE.height, SIZE.width), np.uint8)
    mask[20:80, 30:120] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    recording = shared.make(
        "inpaint",
        source=str(tmp_path / "source.mov"),
        mask=str(tmp_path / "mask.png"),
        frames=9,
        resolution=SIZE,
        settings={"steps": 1, "every": 8},
    )
    assert recording.details["repaired"] >= 3
    with reel(str(tmp_path / "source.mov"), RATE, "source") as source:
        for number, frame in enumerate(recording.frames):
            assert np.array_equal(frame[mask == 0], source.picture(number)[mask == 0])
            assert (frame[mask > 0] != source.picture(number)[mask > 0]).mean() > 0.8


def test_a_mask_that_is_too_short_is_refused(shared: Studio, footage: Path, tmp_path: Path) -> None:
    clip(tmp_path / "short.mov", [np.full((SIZE.height, SIZE.width, 3), 255, np.uint8)] * 6)
    with pytest.raises(BadInput, match="The mask lasts 6 frames and the clip 15"):
        made(shared, footage, str(tmp_path / "short.mov"))


def test_a_mask_of_another_size_is_refused(shared: Studio, footage: Path, tmp_path: Path) -> None:
    clip(tmp_path / "small.mov", [np.full((64, 96, 3), 255, np.uint8)] * FRAMES)
    with pytest.raises(BadInput, match="96x64"):
        made(shared, footage, str(tmp_path / "small.mov"))


def test_a_cancel_is_noticed_within_a_step(shared: Studio, footage: Path) -> None:
    request = shared.request(
        "inpaint",
        source=str(footage / "source.mov"),
        mask=str(footage / "mask.mov"),
        frames=FRAMES,
        resolution=SIZE,
        settings={"every": 4},
    )
    (plan, *_) = shared.engine.plans(request)
    sink = Recording(request, plan, shared.parts, halt_after=7)
    with pytest.raises(Halt):
        shared.engine.generate(request, plan, sink)
    assert len(sink.reports) == 7
    assert len(made(shared, footage).frames) == FRAMES


def test_numbered_images_are_a_clip_without_sound(shared: Studio, footage: Path) -> None:
    (footage / "plates").mkdir()
    for number in range(4):
        Image.fromarray(disc(number, SIZE.width, SIZE.height)[0]).save(footage / "plates" / f"plate.{number:03}.png")
    recording = shared.make(
        "inpaint",
        source=str(footage / "plates"),
        mask=str(footage / "still.png"),
        frames=4,
        resolution=SIZE,
        settings={"steps": 1},
    )
    outside = np.asarray(Image.open(footage / "still.png")) == 0
    assert len(recording.frames) == 4
    assert not recording.sounds
    for number, frame in enumerate(recording.frames):
        assert np.array_equal(frame[outside], disc(number, SIZE.width, SIZE.height)[0][outside])
