"""Selecting on one frame: every kind of prompt, the same as the bare model says, and fast the second time."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Halt
from genlock.generation.engines.sam3 import features, loading, prepare
from genlock.generation.engines.sam3.boxes import roi_align
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.masks import matte
from genlock.generation.masks.outline import filled, read_lines
from genlock.generation.masks.overlap import overlap
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Box, Point, Selection
from genlock.timeline.model import Resolution
from tests.generation.engines.sam3.conftest import Make, asked
from tests.generation.footage import disc
from tests.generation.recording import Parts, Recording, run

BOX = Box(40, 60, 120, 140)
IN = Point(80, 96)
RAW = {"threshold": 0.05, "clean": 0.0}

PROMPTS = {
    "point": Selection(points=(IN,)),
    "points": Selection(points=(IN, Point(100, 90), Point(150, 150, False))),
    "box": Selection(boxes=(BOX,)),
    "boxes": Selection(boxes=(BOX, Box(200, 20, 260, 80))),
    "box and point": Selection(points=(IN,), boxes=(BOX,)),
    "name": Selection(text="disc"),
    "name and example": Selection(text="disc", boxes=(BOX,)),
    "counter-example": Selection(boxes=(BOX, Box(200, 10, 240, 50, False))),
    "name and point": Selection(text="disc", points=(IN,)),
}


def alpha(made: Recording) -> np.ndarray:
    (frame,) = made.frames
    mask: np.ndarray = frame[..., 3] > 0
    return mask


@pytest.mark.parametrize("selection", PROMPTS.values(), ids=PROMPTS.keys())
def test_every_prompt_gives_a_mask_and_always_the_same(make: Make, selection: Selection) -> None:
    first, again = make("mask", selection), make("mask", selection)
    assert 0 < alpha(first).mean() < 1
    assert np.array_equal(first.frames[0], again.frames[0])
    assert first.attached == again.attached


def test_every_prompt_gives_another_mask(make: Make) -> None:
    made = {name: alpha(make("mask", selection)).tobytes() for name, selection in PROMPTS.items()}
    made.pop("name and point")  # random weights find nothing at the point, which is taken as a click then
    assert len(set(made.values())) == len(made)


def test_a_point_beside_the_thing_and_another_frame_change_the_mask(make: Make) -> None:
    one = alpha(make("mask", Selection(points=(IN,))))
    assert not np.array_equal(one, alpha(make("mask", Selection(points=(IN, Point(20, 20, False))))))
    last = alpha(make("mask", Selection(points=(IN,), frame=-1)))
    assert not np.array_equal(one, last)
    assert np.array_equal(last, alpha(make("mask", Selection(points=(IN,), frame=11))))


def test_a_mask_is_refined_and_one_of_another_size_refused(make: Make, tmp_path: Path) -> None:
    before, small = tmp_path / "before.png", tmp_path / "small.png"
    before.write_bytes(matte.png(disc(0)[1]))
    small.write_bytes(matte.png(disc(0)[1][:100, :100]))
    plain = alpha(make("mask", Selection(points=(IN,))))
    refined = alpha(make("mask", Selection(points=(IN,), mask=str(before))))
    alone = alpha(make("mask", Selection(mask=str(before))))
    assert not np.array_equal(plain, refined)
    assert 0 < alone.mean() < 1
    with pytest.raises(BadInput, match="100x100, what it masks 320x192"):
        make("mask", Selection(points=(IN,), mask=str(small)))


def test_a_click_is_what_the_bare_decoder_says(make: Make, parts: Parts, source: Path) -> None:
    made = alpha(make("mask", Selection(points=(IN,)), settings=RAW))
    (model,) = parts.held.values()
    tracker = model.tracker_model
    with torch.inference_mode():
        seen = model.detector_model.get_vision_features(
            pixel_values=prepare.pixels(_picture(source), 112, "cpu", torch.float32)
        )
        flat, _ = model.get_vision_features_for_tracker(seen)
        flat[-1] = flat[-1] + tracker.no_memory_embedding
        maps = [m.permute(1, 2, 0).view(1, -1, *s) for m, s in zip(flat, tracker.backbone_feature_sizes, strict=True)]
        bare = tracker._single_frame_forward(
            input_points=torch.tensor([[[[80 * 112 / 320, 96 * 112 / 192]]]]),
            input_labels=torch.tensor([[[1]]]),
            image_embeddings=maps,
            multimask_output=True,
        ).pred_masks
    assert np.array_equal(made, prepare.enlarged(bare[0, 0], (320, 192)))


def test_a_name_is_what_the_bare_detector_says(make: Make, parts: Parts, source: Path, tiny_models: Path) -> None:
    made = alpha(make("mask", Selection(text="disc"), settings=RAW))
    (model,) = parts.held.values()
    words = loading.tokenizer(str(tiny_models / "sam3"))(
        "disc", padding="max_length", max_length=32, return_tensors="pt"
    )
    with torch.inference_mode():
        found = model.detector_model(pixel_values=prepare.pixels(_picture(source), 112, "cpu", torch.float32), **words)
        sure = (found.pred_logits.sigmoid() * found.presence_logits.sigmoid())[0] > 0.05
        masks = [prepare.enlarged(mask, (320, 192), 0.5) for mask in found.pred_masks[0][sure].sigmoid()]
    whole = matte.united(masks, (320, 192))
    assert not (made & ~whole).any()
    # suppression leaves out what lies in or on something better
    assert any(np.array_equal(made & mask, mask) for mask in masks)


def test_the_second_click_on_a_frame_does_not_look_again(
    engine: Sam3Engine, source: Path, parts: Parts, make: Make
) -> None:
    make("mask", Selection(points=(IN,)))
    (model,) = parts.held.values()
    looks: list[Any] = []
    handle = model.detector_model.vision_encoder.backbone.register_forward_hook(lambda *_: looks.append(1))
    try:
        features.KEPT_FEATURES.clear()
        first = make("mask", Selection(points=(IN,)))
        assert (len(looks), first.details["cached"]) == (1, False)
        for selection in PROMPTS.values():
            assert make("mask", selection).details["cached"] is True
        assert len(looks) == 1
        make("mask", Selection(points=(IN,), frame=3))
        assert len(looks) == 2
        source.touch()
        assert np.array_equal(make("mask", Selection(points=(IN,))).frames[0], first.frames[0])
        assert len(looks) == 3
    finally:
        handle.remove()


def test_features_are_kept_for_a_few_frames_only(make: Make) -> None:
    for frame in range(12):
        make("mask", Selection(points=(IN,), frame=frame))
    assert len(features.KEPT_FEATURES) == features.KEPT


def test_frames_have_the_asked_size_mattes_and_polygons_the_sources(make: Make) -> None:
    made = make("mask", Selection(points=(IN,)), Selection(boxes=(BOX,), thing=2), resolution=Resolution(160, 96))
    names = {name for _, name in made.attached}
    assert names == {"polygon.jsonl", "matte/matte.0000000.png"}
    grey = cv2.imdecode(
        np.frombuffer(made.attached["matte", "matte/matte.0000000.png"], np.uint8), cv2.IMREAD_UNCHANGED
    )
    assert grey.shape == (192, 320)
    outlines = read_lines(made.attached["polygon", "polygon.jsonl"])
    assert [(o.frame, o.thing, o.size) for o in outlines] == [(0, 1, (320, 192)), (0, 2, (320, 192))]
    whole = matte.united([filled(o) for o in outlines], (320, 192))
    assert overlap(whole, grey > 0) >= 0.98
    assert json.loads(made.attached["polygon", "polygon.jsonl"].splitlines()[0])["size"] == [320, 192]


def test_a_still_picture_is_a_source_as_well(engine: Sam3Engine, parts: Parts, tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), cv2.cvtColor(disc(0)[0], cv2.COLOR_RGB2BGR))
    made = run(engine, asked("mask", path, PROMPTS["point"]), parts)
    assert np.array_equal(made.frames[0][..., :3], disc(0)[0])
    path.write_bytes(b"no picture")
    with pytest.raises(BadInput, match="source still"):
        run(engine, asked("mask", path, PROMPTS["point"]), parts)


def test_half_precision_selects_as_well(tiny_models: Path, source: Path) -> None:
    engine = Sam3Engine(Library(tiny_models), Machine("a card", "cuda"))
    parts = Parts()
    for selection in PROMPTS.values():
        made = run(engine, asked("mask", source, selection, settings=RAW), parts)
        assert 0 < alpha(made).mean() < 1
    assert parts.built == ["sam3/model@bfloat16"]


def test_a_cancel_stops_the_encoder_between_layers(engine: Sam3Engine, source: Path, parts: Parts, make: Make) -> None:
    make("mask", PROMPTS["point"])
    features.KEPT_FEATURES.clear()
    (model,) = parts.held.values()
    passed: list[Any] = []
    layers = model.detector_model.vision_encoder.backbone.layers
    handles = [layer.register_forward_hook(lambda *_: passed.append(1)) for layer in layers]

    class Impatient(Recording):
        def cancelled(self) -> bool:
            return super().cancelled() or len(passed) >= 1

    request = asked("mask", source, PROMPTS["point"])
    (plan,) = engine.plans(request)
    try:
        with pytest.raises(Halt):
            engine.generate(request, plan, Impatient(request, plan, parts))
        assert len(passed) == 1 < len(layers)
    finally:
        for handle in handles:
            handle.remove()
    assert not any(layer._forward_pre_hooks for layer in layers)
    assert 0 < alpha(make("mask", PROMPTS["point"])).mean() < 1


def test_a_model_with_a_weight_less_is_broken_and_not_made_up(tiny_models: Path, source: Path, tmp_path: Path) -> None:
    for part in ("tracker_model.", "detector_model.text", "tracker_neck."):
        home = tmp_path / part
        folder = home / "sam3"
        shutil.copytree(tiny_models / "sam3", folder)
        weights = load_file(folder / "model.safetensors")
        name = next(key for key in weights if key.startswith(part))
        _save({key: value for key, value in weights.items() if key != name}, folder)
        with pytest.raises(GenerationError, match="lacks weights") as caught:
            run(Sam3Engine(Library(home), Machine("fake")), asked("mask", source, PROMPTS["point"]))
        assert caught.value.code == "model_broken"
        assert name.split(".")[-2] in caught.value.message


def test_weights_of_another_shape_and_a_missing_tokenizer_are_broken(
    tiny_models: Path, source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "sam3"
    shutil.copytree(tiny_models / "sam3", folder)
    weights = load_file(folder / "model.safetensors")
    name = next(key for key in weights if key.startswith("tracker_neck.") and weights[key].ndim == 4)
    _save(weights | {name: weights[name][:1].clone()}, folder)
    with pytest.raises(GenerationError) as caught:
        loading.model(str(folder), "float32")
    assert caught.value.code == "model_broken"
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(GenerationError) as caught:
        loading.tokenizer(str(folder))
    assert caught.value.code == "model_broken"


def test_the_published_spelling_of_names_loads_as_well(tiny_models: Path, tmp_path: Path) -> None:
    """The published file spells the tracker's weights with one prefix, one that this transformers writes with two."""
    written = loading.model(str(tiny_models / "sam3"), "float32")
    shutil.copytree(tiny_models / "sam3", tmp_path / "sam3")
    stored = load_file(tmp_path / "sam3" / "model.safetensors")
    published = {key: value.contiguous() for key, value in written.state_dict().items()}
    assert any(key not in stored for key in published)
    _save(published, tmp_path / "sam3")
    read = loading.model(str(tmp_path / "sam3"), "float32")
    for key, value in read.state_dict().items():
        assert torch.equal(value, published[key])


@pytest.mark.parametrize("seed", range(6))
def test_regions_are_pooled_as_torchvision_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((3, 9, 13)).astype(np.float32)
    corners = np.sort(rng.uniform(-4, 16, (5, 2, 2)), axis=1).reshape(5, 4).astype(np.float32)
    corners[0, 2:] = corners[0, :2]  # no area: counted as one pixel
    ours = roi_align(torch.from_numpy(image), torch.from_numpy(corners), 4).numpy()
    for box, pooled in zip(corners, ours, strict=True):
        assert np.allclose(pooled, _reference(image, box, 4), atol=1e-5)
    assert roi_align(torch.from_numpy(image), torch.zeros(0, 4), 4).shape == (0, 3, 4, 4)


def test_torchvision_is_nowhere(make: Make) -> None:
    make("mask", PROMPTS["name and example"])
    assert "torchvision" not in sys.modules


def _save(weights: dict[str, Any], folder: Path) -> None:
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def _picture(source: Path) -> np.ndarray:
    from genlock.generation.engines.sam3.footage import footage

    with footage(str(source)) as opened:
        return opened.at(0)


def _reference(image: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """The operator as its CPU kernel spells it: every sample by itself."""
    channels = len(image)
    left, top, right, bottom = map(float, box)
    wide, high = max(right - left, 1.0), max(bottom - top, 1.0)
    rows, columns = int(np.ceil(high / size)), int(np.ceil(wide / size))
    made = np.zeros((channels, size, size))
    for i in range(size):
        for j in range(size):
            for r in range(rows):
                for c in range(columns):
                    y = top + i * high / size + (r + 0.5) * high / size / rows
                    x = left + j * wide / size + (c + 0.5) * wide / size / columns
                    made[:, i, j] += _bilinear(image, y, x) / (rows * columns)
    return made


def _bilinear(image: np.ndarray, y: float, x: float) -> np.ndarray:
    channels, height, width = image.shape
    if y < -1 or y > height or x < -1 or x > width:
        return np.zeros(channels)
    y, x = max(y, 0.0), max(x, 0.0)
    top, left = int(y), int(x)
    below, right = top + 1, left + 1
    if top >= height - 1:
        top = below = height - 1
        y = float(top)
    if left >= width - 1:
        left = right = width - 1
        x = float(left)
    down, across = y - top, x - left
    made: np.ndarray = (
        image[:, top, left] * (1 - down) * (1 - across)
        + image[:, top, right] * (1 - down) * across
        + image[:, below, left] * down * (1 - across)
        + image[:, below, right] * down * across
    )
    return made
