"""Masks without weights, against a disc whose true outline is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from genlock.errors import BadInput
from genlock.generation.engines.animatic.following import followed
from genlock.generation.engines.animatic.selecting import Outline
from genlock.media.clip import Clip, open_clip
from genlock.project.request import Box, Point, Selection
from tests.generation.footage import clip, disc, overlap

SIZE = (320, 192)
BOX = Selection(boxes=(Box(38, 54, 124, 140),))
CLICK = Selection(points=(Point(85, 100), Point(160, 40, inside=False), Point(20, 170, inside=False)))


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clip]:
    path = clip(tmp_path_factory.mktemp("moving") / "disc.mov", [disc(n)[0] for n in range(16)])
    with open_clip(Path(path)) as opened:
        yield opened


@pytest.mark.parametrize("selection", [BOX, CLICK], ids=["box", "click"])
def test_a_box_or_a_click_finds_the_disc(selection: Selection) -> None:
    picture, truth = disc(0)
    assert overlap(Outline(*SIZE).find(picture, [selection]), truth) > 0.95


def test_a_rough_mask_is_refined() -> None:
    picture, truth = disc(0)
    rough = np.zeros_like(truth)
    rough[50:150, 35:130] = True
    assert overlap(rough, truth) < 0.6
    assert overlap(Outline(*SIZE).find(picture, [], rough), truth) > 0.9


def test_clicks_outside_take_away() -> None:
    picture, _ = disc(0)
    both = picture.copy()
    import cv2

    cv2.circle(both, (230, 96), 30, (235, 140, 30), -1)
    wide = Selection(boxes=(Box(30, 40, 280, 150),))
    without = Selection(boxes=(Box(30, 40, 280, 150), Box(190, 60, 270, 132, inside=False)))
    outline = Outline(*SIZE)
    assert outline.find(both, [wide])[96, 230]
    assert not outline.find(both, [without])[96, 230]


def test_equal_clicks_give_equal_masks() -> None:
    picture, _ = disc(3)
    found = [Outline(*SIZE).find(picture, [CLICK]) for _ in range(2)]
    assert np.array_equal(*found)


@pytest.mark.parametrize("frame", [0, 7, -1])
def test_follows_the_disc_through_the_clip_both_ways(moving: Clip, frame: int) -> None:
    at = frame % 16
    box = Selection(boxes=(Box(38 + 2 * at, 54, 124 + 2 * at, 140),), frame=frame)
    masks = list(followed(moving, [box], SIZE, "both"))
    assert len(masks) == 16
    assert min(overlap(mask, disc(n)[1]) for n, mask in enumerate(masks)) > 0.9


def test_leads_only_where_it_is_asked_to(moving: Clip) -> None:
    box = Selection(boxes=(Box(52, 54, 138, 140),), frame=7)
    forward = [mask.any() for mask in followed(moving, [box], SIZE, "forward")]
    backward = [mask.any() for mask in followed(moving, [box], SIZE, "backward")]
    assert forward == [False] * 7 + [True] * 9
    assert backward == [True] * 8 + [False] * 8


def test_words_alone_are_refused_and_say_what_to_do(moving: Clip) -> None:
    with pytest.raises(BadInput, match="sam3"):
        list(followed(moving, [Selection(text="the disc")], SIZE, "both"))
    with pytest.raises(BadInput, match="frame 99"):
        list(followed(moving, [Selection(points=(Point(1, 1),), frame=99)], SIZE, "both"))
