"""A masked part of a clip made again: outside of it every pixel is the source's, inside none has to be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Halt
from genlock.generation.engines.ltx2 import grid
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning, GenerationRequest, Selection
from genlock.timeline.model import Resolution
from tests.generation.desk import decoded
from tests.generation.footage import RATE, clip, disc
from tests.generation.recording import Parts, Recording, run

pytestmark = pytest.mark.timeout(100)

Array = np.ndarray[Any, Any]

FRAMES = 20
SIZE = Resolution(160, 96)
CPU = Machine("test", "cpu", device=8 << 30)
FAST: dict[str, Any] = {"schedule": "distilled", "steps": 2}


@pytest.fixture(scope="module", autouse=True)
def _one_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_CACHE", str(tmp_path_factory.mktemp("cache")))
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def engine(tiny_models: Path) -> Ltx2Engine:
    return Ltx2Engine(Library(tiny_models), CPU)


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disc that moves, with a tone; the disc's masks as a clip; and a mask that stays."""
    folder = tmp_path_factory.mktemp("footage")
    frames = [disc(number, SIZE.width, SIZE.height) for number in range(FRAMES)]
    tone = (0.3 * np.sin(np.arange(FRAMES * 2000) / 30)).astype(np.float32)
    clip(folder / "source.mov", [picture for picture, _ in frames], np.stack([tone, tone]))
    (folder / "mattes").mkdir()
    for number, (_, mask) in enumerate(frames):
        Image.fromarray(np.uint8(255) * mask).save(folder / "mattes" / f"matte.{number:04}.png")
    Image.fromarray(np.uint8(255) * frames[2][1]).save(folder / "drawn.png")
    corner = np.zeros((SIZE.height, SIZE.width), np.uint8)
    corner[8:24, 100:120] = 255
    Image.fromarray(corner).save(folder / "corner.png")
    return folder


def request(folder: Path, matte: str = "mattes", **fields: Any) -> GenerationRequest:
    settings = {**FAST, **fields.pop("settings", {})}
    values: dict[str, Any] = {
        "prompt": "a dog runs",
        "source": str(folder / "source.mov"),
        "mask": str(folder / matte) if matte else "",
        "frames": FRAMES,
        "resolution": SIZE,
        "rate": RATE,
        "seed": 7,
        "settings": settings,
    }
    return GenerationRequest("inpaint", **values | fields)


def truth(folder: Path) -> list[tuple[Array, Array]]:
    """Returns each frame as it is decoded, and the disc on it."""
    return [
        (picture, disc(number, SIZE.width, SIZE.height)[1])
        for number, picture in enumerate(decoded(folder / "source.mov"))
    ]


def held(made: Recording, folder: Path, grow: int = 0) -> None:
    """Asserts that the disc, widened, was made again on every frame, and nothing else."""
    assert len(made.frames) == FRAMES
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1))
    for frame, (source, mask) in zip(made.frames, truth(folder), strict=True):
        inside = cv2.dilate(mask.astype(np.uint8), kernel) > 0
        assert np.array_equal(frame[~inside], source[~inside])
        assert (frame[inside] != source[inside]).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize("settings", [{}, {"grow": 4}, {"window": 33}])
def test_the_mask_is_made_again_and_nothing_else(
    engine: Ltx2Engine, parts: Parts, folder: Path, settings: dict[str, Any]
) -> None:
    made = run(engine, request(folder, settings=settings), parts)
    held(made, folder, settings.get("grow", 0))
    assert made.plan.product == "movie"
    assert made.plan.asked == FRAMES


def test_a_soft_edge_stays_inside(engine: Ltx2Engine, parts: Parts, folder: Path) -> None:
    hard, soft = (run(engine, request(folder, settings={"feather": n}), parts) for n in (0, 8))
    for plain, blended, (source, mask) in zip(hard.frames, soft.frames, truth(folder), strict=True):
        assert np.array_equal(blended[~mask], source[~mask])
        error = [np.abs(one[mask].astype(int) - source[mask]).mean() for one in (plain, blended)]
        assert error[1] < error[0]


def test_the_source_keeps_its_sound(engine: Ltx2Engine, parts: Parts, folder: Path) -> None:
    sound = np.concatenate(run(engine, request(folder), parts).sounds, axis=1)
    assert sound.shape == (2, FRAMES * 2000)
    tone = 0.3 * np.sin(np.arange(FRAMES * 2000) / 30)
    assert np.abs(sound[0, 4000:-4000] - tone[4000:-4000]).max() < 0.01


def test_the_model_sees_the_source_around_the_mask(engine: Ltx2Engine, parts: Parts, folder: Path) -> None:
    """What is made in the corner depends on what lies elsewhere, and latents outside its cells stay the source's."""
    other = folder / "other.mov"
    if not other.exists():
        frames = [disc(number, SIZE.width, SIZE.height)[0] for number in range(FRAMES)]
        for frame in frames:
            frame[60:, :60] = 255 - frame[60:, :60]
        clip(other, frames)
    one, two = (
        run(engine, request(folder, "corner.png", source=str(folder / name)), parts)
        for name in ("source.mov", "other.mov")
    )
    assert any(
        not np.array_equal(a[8:24, 100:120], b[8:24, 100:120]) for a, b in zip(one.frames, two.frames, strict=True)
    )


def test_latents_of_the_surroundings_are_not_touched(
    engine: Ltx2Engine, parts: Parts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genlock.generation.engines.ltx2.denoising import Denoiser

    seen: list[Any] = []
    inner = Denoiser.all

    def spied(self: Any, runs: Any, given: Any, seed: int) -> Any:
        made = inner(self, runs, given, seed)
        seen.append((given[0].first[0].latents, made[0]))
        return made

    monkeypatch.setattr(Denoiser, "all", spied)
    run(engine, request(folder, "corner.png"), parts)
    ((source, made),) = seen
    # The corner lies in the first row's fourth cell, and reaches the third within a decoder's distance.
    changed = (source != made).any(dim=1)[0].any(dim=0)
    assert changed.tolist() == [[False, False, True, True, False], *[[False] * 5] * 2]


def test_a_long_clip_is_made_in_windows_that_go_on(engine: Ltx2Engine, parts: Parts, tmp_path: Path) -> None:
    count = 60
    frames = [disc(number % 30, SIZE.width, SIZE.height)[0] for number in range(count)]
    clip(tmp_path / "source.mov", frames)
    mask = np.zeros((SIZE.height, SIZE.width), np.uint8)
    mask[30:70, 40:100] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    made = run(engine, request(tmp_path, "mask.png", frames=count, settings={"window": 33}), parts)
    assert len(made.details["runs"]) > 1
    assert len(made.frames) == count
    for frame, source in zip(made.frames, decoded(tmp_path / "source.mov"), strict=True):
        assert np.array_equal(frame[mask == 0], source[mask == 0])
        assert (frame[mask > 0] != source[mask > 0]).any(axis=-1).mean() > 0.9
    inside = np.stack([frame[mask > 0] for frame in made.frames]).astype(float)
    steps = np.abs(np.diff(inside, axis=0)).mean(axis=(1, 2))
    seams = [grid.begin(start + grid.OVERLAP) - 1 for start, _ in made.details["runs"][1:]]
    assert max(steps[seam] for seam in seams) <= 2 * np.median(steps)


def test_a_picture_shows_what_to_put_there(engine: Ltx2Engine, parts: Parts, folder: Path) -> None:
    plain = run(engine, request(folder), parts)
    condition = Conditioning(path=str(folder / "drawn.png"), frame=0)
    shown = run(engine, request(folder, conditioning=(condition,)), parts)
    held(shown, folder)
    assert not np.array_equal(plain.frames[0], shown.frames[0])


def test_what_is_selected_is_followed_first(engine: Ltx2Engine, parts: Parts, folder: Path, tiny_models: Path) -> None:
    drawn = Selection(mask=str(folder / "drawn.png"), frame=2)
    asked = request(folder, "", selections=(drawn,), settings={"grow": 3})
    made = run(engine, asked, parts)
    assert [stage.name for stage in made.plan.stages] == ["select", "encode", "read", "denoise", "decode"]
    assert made.stages[0] == "select"
    track = GenerationRequest(
        "track", source=asked.source, selections=(drawn,), direction="both", frames=FRAMES, resolution=SIZE, rate=RATE
    )
    masks = [frame[..., 3] > 0 for frame in run(Sam3Engine(Library(tiny_models), CPU), track).frames]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    for frame, mask, (source, _) in zip(made.frames, masks, truth(folder), strict=True):
        inside = cv2.dilate(mask.astype(np.uint8), kernel) > 0
        assert np.array_equal(frame[~inside], source[~inside])
    assert any(mask.any() for mask in masks)
    built = list(parts.built)
    again = run(engine, asked, parts)
    assert parts.built == built
    assert all(np.array_equal(a, b) for a, b in zip(again.frames, made.frames, strict=True))


@pytest.mark.parametrize("after", [1, 3, 5, 8])
def test_a_cancel_leaves_the_models_as_they_were(engine: Ltx2Engine, parts: Parts, folder: Path, after: int) -> None:
    asked = request(folder, "corner.png")
    before = run(engine, asked, parts)
    plan = engine.plans(asked)[0]
    with pytest.raises(Halt):
        engine.generate(asked, plan, Recording(asked, plan, parts, halt_after=after))
    assert all(np.array_equal(a, b) for a, b in zip(run(engine, asked, parts).frames, before.frames, strict=True))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"frames": 1}, "flux2"),
        ({"settings": {"two_stage": True}}, "one stage"),
        ({"settings": {"feather": -1}}, "feather"),
        ({"settings": {"grow": 1000}}, "grow"),
        ({"mask": ""}, "mask"),
    ],
)
def test_what_cannot_be_made_is_refused(engine: Ltx2Engine, folder: Path, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        engine.plans(request(folder, **fields))


def test_a_still_is_left_to_others(engine: Ltx2Engine, folder: Path) -> None:
    with pytest.raises(BadInput, match="flux2"):
        engine.plans(request(folder, source=str(folder / "drawn.png")))


def test_without_sam_a_mask_is_asked_for(folder: Path, tiny_models: Path, tmp_path: Path) -> None:
    (tmp_path / "ltx2").symlink_to(tiny_models / "ltx2")
    asked = request(folder, "", selections=(Selection(mask=str(folder / "drawn.png")),))
    with pytest.raises(GenerationError, match="needs a mask"):
        Ltx2Engine(Library(tmp_path), CPU).plans(asked)
