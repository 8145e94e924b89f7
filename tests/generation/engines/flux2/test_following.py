"""Painted frames are carried along the movement, and it is known where they cannot be."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from genlock.generation.engines.flux2.following import Flow, carried, mixed
from tests.generation.footage import ground


def shifted(picture: np.ndarray, pixels: int) -> np.ndarray:
    return np.asarray(np.roll(picture, pixels, axis=1))


def texture(width: int = 200, height: int = 120) -> np.ndarray:
    return np.asarray(cv2.normalize(ground(width, height), None, 0, 255, cv2.NORM_MINMAX))  # type: ignore[call-overload]


def test_a_painted_frame_follows_the_movement() -> None:
    scene = texture()
    frames = [shifted(scene, 3 * number) for number in range(6)]
    painted = frames[0].copy()
    painted[40:80, 60:100] = (200, 30, 30)
    flows = [Flow(a, b, None) for a, b in pairwise(frames)]
    moved = carried(painted, [(flow.back, flow.back_holds) for flow in flows])
    for number, (picture, known) in enumerate(moved, 1):
        at = 60 + 3 * number
        inner = np.s_[44:76, at + 4 : at + 36]
        assert known[inner].mean() > 0.98
        assert np.abs(picture[inner].astype(int) - (200, 30, 30)).max() <= 20
        assert (
            np.abs(picture[44:76, at - 30 : at - 10].astype(int) - frames[number][44:76, at - 30 : at - 10]).mean() < 4
        )


def test_the_surroundings_movement_is_taken_where_the_thing_is_taken_away() -> None:
    """A thing stands still in front of a scene that moves."""
    scene = texture()
    frames = [shifted(scene, 4 * number) for number in range(3)]
    mask = np.zeros(scene.shape[:2], np.uint8)
    mask[40:80, 80:120] = 255
    for frame in frames:
        frame[40:80, 80:120] = texture()[10:50, 30:70, ::-1]
    own = Flow(frames[0], frames[1], None).back[60, 100]
    around = Flow(frames[0], frames[1], (mask, mask)).back[60, 100]
    assert abs(own[0]) < 1.5
    assert abs(around[0] + 4) < 0.7


def test_what_was_hidden_is_not_known() -> None:
    """A plate moves right and uncovers what no frame before showed."""
    scene = texture()

    def frame(left: int) -> np.ndarray:
        picture = scene.copy()
        picture[30:90, left : left + 60] = texture()[30:90, 20:80][:, ::-1]
        return picture

    flow = Flow(frame(60), frame(68), None)
    ((_, known),) = carried(frame(60), [(flow.back, flow.back_holds)])
    assert known[40:80, 61:66].mean() < 0.3
    assert known[40:80, 75:115].mean() > 0.9
    assert known[:20].mean() > 0.95


def test_two_versions_are_dissolved_where_both_are_known() -> None:
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 200, np.uint8)
    left = np.zeros((4, 4), bool)
    left[:, :3] = True
    right = np.zeros((4, 4), bool)
    right[:, 2:] = True
    right[0] = False
    picture, known = mixed((black, left), (white, right), 0.25)
    assert picture[1, 0, 0] == 0
    assert picture[1, 2, 0] == 50
    assert picture[1, 3, 0] == 200
    assert known.tolist()[0] == [True, True, True, False]
    assert known[1:].all()
