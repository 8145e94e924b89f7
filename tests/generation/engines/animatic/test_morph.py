"""Between two pictures: along the movement where there is one, a plain dissolve where there is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from genlock.generation.engines.animatic.morph import Morph, drift
from tests.generation.desk import psnr


def scene(dx: float = 0, dy: float = 0, zoom: float = 1.0) -> np.ndarray:
    """Returns a view of one place, moved by pixels and zoomed about its middle."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (27, 48, 3), np.uint8)
    place = cv2.resize(coarse, (640, 360), interpolation=cv2.INTER_CUBIC)
    matrix = np.array([[zoom, 0, 320 - zoom * 320 + dx], [0, zoom, 180 - zoom * 180 + dy]], np.float32)
    return cv2.warpAffine(place, matrix, (640, 360), borderMode=cv2.BORDER_REFLECT_101)[40:320, 60:580]


def test_both_ends_are_the_pictures_themselves() -> None:
    first, last = scene(), scene(6)
    morph = Morph(first, last)
    assert np.array_equal(morph.at(0), first)
    assert np.array_equal(morph.at(1), last)


def test_half_way_of_a_movement_is_half_the_movement() -> None:
    first, last, half = scene(), scene(12), scene(6)
    found = Morph(first, last).at(0.5)
    dissolve = cv2.addWeighted(first, 0.5, last, 0.5, 0)
    inner = np.s_[20:-20, 20:-20]
    assert psnr(found[inner], half[inner]) > psnr(dissolve[inner], half[inner]) + 6


def test_pictures_without_anything_in_common_dissolve() -> None:
    rng = np.random.default_rng(8)
    first = scene()
    last = cv2.resize(rng.integers(0, 256, (9, 16, 3), np.uint8), (520, 280), interpolation=cv2.INTER_NEAREST)
    found = Morph(first, last).at(0.5)
    assert psnr(found, cv2.addWeighted(first, 0.5, last, 0.5, 0)) > 26


def test_equal_pictures_stay() -> None:
    first = scene()
    assert psnr(Morph(first, first.copy()).at(0.4), first) > 45


@pytest.mark.parametrize(("dx", "dy"), [(3, 0), (-2, 1), (0, -2)])
def test_drift_finds_the_movement(dx: float, dy: float) -> None:
    pose = drift(scene(), scene(dx, dy))
    assert pose.x == pytest.approx(dx / 520, abs=0.0012)
    assert pose.y == pytest.approx(dy / 280, abs=0.002)


def test_drift_finds_the_zoom_and_is_bounded() -> None:
    assert drift(scene(), scene(zoom=1.006)).zoom == pytest.approx(1.006, abs=0.002)
    wild = drift(scene(), scene(dx=90, zoom=1.4))
    assert abs(wild.x) <= 0.01
    assert 0.99 <= wild.zoom <= 1.01


def test_drift_of_nothing() -> None:
    flat = np.full((280, 520, 3), 90, np.uint8)
    pose = drift(flat, flat)
    assert (pose.zoom, pose.x, pose.y) == pytest.approx((1, 0, 0), abs=1e-3)
