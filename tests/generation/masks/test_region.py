"""Masks kept in a file, and what is made again put together from them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from genlock.generation.masks.compositing import composite, opacity
from genlock.generation.masks.region import Region
from genlock.generation.masks.spool import Spool

Array = np.ndarray[Any, Any]


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6), st.integers(1, 40), st.integers(1, 40))
def test_masks_come_back_in_any_order(seeds: list[int], width: int, height: int) -> None:
    masks = [np.random.default_rng(seed).random((height, width)) < seed % 3 / 2 for seed in seeds]
    picture = np.zeros((height, width, 3), np.uint8)
    with closing(Spool((width, height))) as spool:
        for number, mask in enumerate(masks):
            other = np.roll(mask, 1, axis=1)
            spool.put(number, picture, {1: mask, 2: other})
        assert spool.frames == len(masks)
        assert spool.empty == sum(not mask.any() for mask in masks)
        for number in reversed(range(len(masks))):
            assert np.array_equal(spool.at(number), masks[number] | np.roll(masks[number], 1, axis=1))
        assert np.array_equal(spool.at(len(masks) + 5), spool.at(len(masks) - 1))


def test_what_is_kept_of_a_clip_is_small() -> None:
    mask = np.zeros((1080, 1920), bool)
    mask[200:700, 300:900] = True
    with closing(Spool((1920, 1080))) as spool:
        for number in range(20):
            spool.put(number, np.zeros((1, 1, 3), np.uint8), {1: mask})
        assert spool._file.tell() < 20 * 4000


def test_a_region_is_all_of_its_parts_and_as_much_wider_as_said() -> None:
    left, right = np.zeros((40, 60), np.uint8), np.zeros((40, 60), np.uint8)
    left[10:20, 5:15] = 255
    right[10:20, 40:50] = 120
    region = Region([lambda number: left * (number == 0), lambda _: right], 0)
    assert np.array_equal(region.mask(0), np.maximum(left, right))
    assert np.array_equal(region.mask(1), right)
    wide = Region([lambda _: left], 3).mask(0)
    apart = cv2.distanceTransform((left == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert np.array_equal(wide > 0, apart <= 3)
    soft = left.copy()
    soft[15, 15:25] = 60
    assert np.array_equal(Region([lambda _: soft], 3).mask(0), np.where(apart <= 3, 255, soft))
    assert not Region([lambda _: np.zeros_like(left)], 3).mask(0).any()


def test_outside_a_mask_nothing_changes() -> None:
    noise = np.random.default_rng(1)
    source, made = (noise.integers(0, 256, (30, 40, 3), np.uint8) for _ in range(2))
    mask = np.zeros((30, 40), np.uint8)
    mask[5:20, 8:30] = 255
    for feather in (0, 4):
        result = composite(source, made, opacity(mask, feather))
        assert np.array_equal(result[mask == 0], source[mask == 0])
    assert np.array_equal(composite(source, made, opacity(mask, 0))[mask > 0], made[mask > 0])
