"""Cleaning and choosing masks: sizes count against the object, and doing it twice changes nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.generation.masks.clean import clean, drop_specks, fill_holes
from genlock.generation.masks.overlap import distinct, overlap, within

Mask = np.ndarray


def blobs(seed: int, size: int = 96, level: float = 0.5, blur: float = 3.0) -> Mask:
    """Smoothed noise cut at a level: pieces, holes and pieces in holes of all sizes."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((size, size)).astype(np.float32), (0, 0), blur)
    made: Mask = noise > np.quantile(noise, 1 - level)
    return made


def disc(radius: int = 30, size: int = 96) -> Mask:
    y, x = np.mgrid[:size, :size]
    made: Mask = (x - size // 2) ** 2 + (y - size // 2) ** 2 <= radius**2
    return made


seeds = st.integers(0, 2**32 - 1)
levels = st.floats(0.02, 0.98)
parts = st.sampled_from([0.0, 0.002, 0.005, 0.02, 0.1, 0.5])


@given(seeds, levels, st.floats(0.6, 5.0), parts)
def test_cleaning_twice_is_cleaning_once(seed: int, level: float, blur: float, small: float) -> None:
    mask = blobs(seed, level=level, blur=blur)
    for tidy in (fill_holes, drop_specks, clean):
        once = tidy(mask, small)
        assert np.array_equal(tidy(once, small), once)


@given(seeds, levels, parts)
def test_filling_only_adds_and_dropping_only_removes(seed: int, level: float, small: float) -> None:
    mask = blobs(seed, level=level)
    assert not (mask & ~fill_holes(mask, small)).any()
    assert not (drop_specks(mask, small) & ~mask).any()
    assert drop_specks(mask, small).any() == mask.any()


def test_a_pinhole_goes_and_a_window_stays() -> None:
    mask = disc()
    mask[48, 48] = False
    mask[30:42, 40:56] = False
    filled = fill_holes(mask)
    assert filled[48, 48]
    assert not filled[35, 48]


def test_a_bay_that_reaches_the_edge_is_no_hole() -> None:
    mask = np.ones((40, 40), bool)
    mask[:3, 20] = False
    assert np.array_equal(fill_holes(mask, 0.5), mask)


def test_a_speck_beside_a_tiny_object_is_measured_by_the_object() -> None:
    mask = np.zeros((400, 400), bool)
    mask[10:16, 10:16] = True
    mask[300:304, 300:304] = True
    assert np.array_equal(drop_specks(mask), mask)
    mask[80:280, 80:280] = True
    assert drop_specks(mask).sum() == 200 * 200


@pytest.mark.parametrize("fill", [False, True])
def test_empty_and_full_masks_stay(fill: bool) -> None:
    mask = np.full((20, 30), fill)
    assert np.array_equal(clean(mask), mask)


@given(seeds, st.integers(0, 9))
def test_choosing_among_the_chosen_chooses_all(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    masks = [np.roll(disc(20), rng.integers(-20, 20, 2), (0, 1)) for _ in range(count)]
    scores = rng.random(count).tolist()
    kept = distinct(masks, scores)
    again = distinct([masks[k] for k in kept], [scores[k] for k in kept])
    assert again == list(range(len(kept)))
    assert len(set(kept)) == len(kept)
    for number in range(count):
        assert number in kept or any(
            overlap(masks[number], masks[k]) > 0.5 or within(masks[number], masks[k]) > 0.9 for k in kept
        )


def test_the_better_of_two_alike_stays_and_so_does_what_touches_it() -> None:
    whole, twin, beside, button = disc(30), np.roll(disc(30), 2, 0), np.roll(disc(30), 50, 1), disc(3)
    assert distinct([whole, twin, beside, button], [0.5, 0.9, 0.4, 0.3]) == [1, 2]
    assert distinct([whole, twin, beside, button], [0.5, 0.9, 0.4, 0.3], part=1.0) == [1, 2, 3]
    assert distinct([], []) == []
