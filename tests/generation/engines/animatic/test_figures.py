"""How many people stand in the frame, and how large."""

from __future__ import annotations

import numpy as np
import pytest

from genlock.generation.engines.animatic.camera import STILL
from genlock.generation.engines.animatic.figures import framing_of
from genlock.generation.engines.animatic.worlds import World


def test_nearer_shots_have_larger_heads() -> None:
    heads = []
    for shot_type in ("full", "medium", "MCU", "close-up", "ECU"):
        framing = framing_of(shot_type, "")
        assert framing is not None
        heads.append(framing.head)
    assert heads == sorted(heads)
    assert len(set(heads)) == 5


@pytest.mark.parametrize(
    ("shot_type", "prompt", "count"),
    [("", "She walks away", 1), ("wide", "two men at the bar", 2), ("two-shot", "", 2), ("OTS", "a quiet talk", 1)],
)
def test_people_are_counted(shot_type: str, prompt: str, count: int) -> None:
    framing = framing_of(shot_type, prompt)
    assert framing is not None
    assert framing.count == count


@pytest.mark.parametrize("prompt", ["", "A lighthouse at dawn", "Mountains, then the sea"])
def test_nobody_where_nobody_is_named(prompt: str) -> None:
    assert framing_of("wide", prompt) is None


def test_the_place_is_the_same_with_and_without_people() -> None:
    empty, full = World("Mountains at dusk", 3, (640, 360)), World("Mountains at dusk", 3, (640, 360), "full")
    a, b = empty.look(STILL).astype(int), full.look(STILL).astype(int)
    changed = np.abs(a - b).max(axis=2) > 8
    assert 0.005 < changed.mean() < 0.25


def test_a_close_up_softens_what_is_behind() -> None:
    sharp, soft = World("A city at night", 1, (640, 360)), World("A city at night", 1, (640, 360), "close-up")
    edges = [np.abs(np.diff(w.look(STILL)[..., 1].astype(int), axis=1))[:, :120].mean() for w in (sharp, soft)]
    assert edges[1] < edges[0] * 0.6
