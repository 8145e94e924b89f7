"""Outlines, mattes and masks read from files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genlock.errors import BadInput
from genlock.generation.masks import matte
from genlock.generation.masks.outline import filled, lines, outline, read_lines
from genlock.generation.masks.overlap import overlap
from genlock.generation.masks.reading import matte as open_matte
from genlock.media.writer import TakeWriter
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.generation.masks.test_clean import blobs, disc

SIZES = st.sampled_from([16, 40, 96, 160])


@given(st.integers(0, 2**32 - 1), SIZES, st.floats(0.02, 0.98), st.floats(0.5, 6.0))
def test_the_way_to_polygons_and_back_keeps_the_mask(seed: int, size: int, level: float, blur: float) -> None:
    mask = blobs(seed, size, level, blur)
    assert overlap(filled(outline(mask)), mask) >= 0.98


@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.98), st.floats(0.4, 6.0))
def test_without_tolerance_nothing_changes(seed: int, level: float, blur: float) -> None:
    mask = blobs(seed, 48, level, blur)
    assert np.array_equal(filled(outline(mask, tolerance=0)), mask)


def test_simplifying_saves_points_and_moves_no_line_further_than_told() -> None:
    mask = disc(200, 500)
    exact, simple = outline(mask, tolerance=0), outline(mask)
    assert len(simple.polygons[0]) < len(exact.polygons[0]) / 4
    for x, y in simple.polygons[0]:
        assert abs(np.hypot(x - 250, y - 250) - 200) <= 1.5


def test_holes_and_islands_are_told_apart() -> None:
    mask = disc(40)
    mask &= ~disc(25)
    mask |= disc(8)
    made = outline(mask, frame=7, thing=3)
    assert (len(made.polygons), len(made.holes), made.size) == (2, 1, (96, 96))
    assert read_lines(lines([made, made])) == [made, made]
    assert b'"frame":7,"thing":3,"size":[96,96],"polygons":[[[' in lines([made])


def test_an_empty_mask_has_no_lines() -> None:
    made = outline(np.zeros((20, 30), bool))
    assert made.polygons == made.holes == []
    assert not filled(made).any()


def test_a_cut_out_keeps_its_colour_and_takes_the_asked_size() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    made = matte.cut_out(picture, disc())
    assert np.array_equal(made[..., :3], picture)
    assert np.array_equal(made[..., 3] == 255, disc())
    assert matte.cut_out(picture, disc(), (48, 32)).shape == (32, 48, 4)
    assert matte.cut_out(picture, disc(), (192, 96)).shape == (96, 192, 4)


def test_a_matte_is_a_grey_picture_numbered_as_its_source() -> None:
    with Image.open(io.BytesIO(matte.png(disc()))) as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), disc() * np.uint8(255))
    assert matte.name("matte", 42) == "matte.0000042.png"
    assert not matte.united([], (30, 20)).any()
    assert matte.united([disc(5), disc(9)], (96, 96)).sum() == disc(9).sum()


def test_masks_are_read_from_brightness_transparency_and_clips(tmp_path: Path) -> None:
    grey, clear, clip = tmp_path / "grey.png", tmp_path / "clear.png", tmp_path / "clip.mov"
    grey.write_bytes(matte.png(disc()))
    Image.fromarray(matte.cut_out(np.full((96, 96, 3), 255, np.uint8), disc())).save(clear)
    with TakeWriter(clip, rate=Rate(24), resolution=Resolution(96, 96), channels=0) as writer:
        for radius in (10, 20, 30):
            writer.write_video(np.repeat(disc(radius)[..., None], 3, 2) * np.uint8(255))
    for path in (grey, clear):
        with open_matte(str(path), (96, 96)) as mask:
            assert np.array_equal(mask.at(5), disc())
    with open_matte(str(clip)) as mask:
        assert mask.frames == 3
        for frame, radius in ((0, 10), (2, 30), (9, 30), (1, 20)):
            assert overlap(mask.at(frame), disc(radius)) > 0.95


def test_a_mask_of_another_size_or_none_at_all_is_refused(tmp_path: Path) -> None:
    grey, text = tmp_path / "grey.png", tmp_path / "text.png"
    grey.write_bytes(matte.png(disc()))
    text.write_text("no picture")
    with pytest.raises(BadInput, match="96x96, what it masks 64x64"), open_matte(str(grey), (64, 64)):
        pass
    for path in (text, tmp_path / "none.png"):
        with pytest.raises(BadInput, match="cannot be read") as caught, open_matte(str(path)):
            pass
        assert caught.value.code == "bad_generation"
