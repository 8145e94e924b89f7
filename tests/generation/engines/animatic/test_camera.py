"""Moves as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.generation.engines.animatic.camera import MOVES, STILL, Pose, move_of, pose_at


@pytest.mark.parametrize(
    ("camera", "prompt", "move"),
    [
        ("push", "", "push"),
        ("static", "a slow push in", "static"),
        ("", "Slow push in on her face", "push"),
        ("", "The camera dollies back", "pull"),
        ("", "zoom out over the city", "pull"),
        ("", "camera pans left along the wall", "pan left"),
        ("", "tracking to the right", "pan right"),
        ("", "pan across the crowd", "pan right"),
        ("", "tilt up to the tower", "tilt up"),
        ("", "crane down", "tilt down"),
        ("", "orbiting the statue", "orbit"),
        ("", "locked off, on a tripod", "static"),
        ("Dolly in", "", "push"),
    ],
)
def test_moves_are_read(camera: str, prompt: str, move: str) -> None:
    assert move_of(camera, prompt, 0) == move


def test_without_a_word_a_move_comes_from_the_hash() -> None:
    found = {move_of("", "a lighthouse", seed) for seed in range(40)}
    assert len(found) > 2
    assert found <= set(MOVES)
    assert move_of("", "a lighthouse", 3) == move_of("", "a lighthouse", 3)


@pytest.mark.parametrize("move", MOVES)
def test_every_move_starts_still(move: str) -> None:
    assert pose_at(move, 0.0) == STILL
    assert (pose_at(move, 1.0) != STILL) == (move != "static")


@given(st.sampled_from(MOVES), st.floats(-1, 1), st.sampled_from([(320, 180), (720, 1280)]))
def test_a_covering_pose_shows_no_edge_unless_it_pulls_back(move: str, time: float, size: tuple[int, int]) -> None:
    pose = pose_at(move, time)
    if pose.zoom < 1:
        return
    matrix = pose.covering().matrix(size, size)
    whole = [[*row] for row in matrix] + [[0, 0, 1]]
    back = np.linalg.inv(np.array(whole, dtype=float))
    for x in (0, size[0]):
        for y in (0, size[1]):
            px, py, _ = back @ (x, y, 1)
            assert -1.5 <= px <= size[0] + 1.5
            assert -1.5 <= py <= size[1] + 1.5


def test_poses_add_up() -> None:
    assert Pose(2, 0.1, 0, 1).then(Pose(0.5, 0.1, 0.2, 1)) == Pose(1, 0.2, 0.2, 2)
