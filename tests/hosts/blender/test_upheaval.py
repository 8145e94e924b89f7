"""Two Blenders and a script edit at random over a bad line, and a Blender is killed again and again: nothing is lost.

Its time goes into waiting, so it stands apart from the tests of `inside`; what is drawn can be had again by its seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from genlock.bench.kills import Found, Studio, kills, soak, studio
from tests.hosts.blender.versions import interpreter

STEPS = 40
KILLS = 4
MANY_STEPS = 500
MANY_KILLS = 200
SECONDS = 300.0
MANY_SECONDS = 3600.0

pytestmark = [
    pytest.mark.blender,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="a Blender is killed in a fork of one that is warm"),
]


def ends_well(version: str, run: Callable[[Studio], Found]) -> None:
    with studio(interpreter(version), dict(os.environ)) as made:
        found = run(made)
    print(found)
    assert not found.amiss, "\n".join(found.amiss)


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("version", ["4.5", "5.2"])
def test_random_editing_ends_equal(version: str) -> None:
    ends_well(version, lambda made: soak(made, STEPS, 1))


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("version", ["4.5", "5.2"])
def test_a_killed_blender_comes_in_step_again(version: str) -> None:
    ends_well(version, lambda made: kills(made, KILLS, 1))


@pytest.mark.slow
@pytest.mark.timeout(MANY_SECONDS)
@pytest.mark.parametrize("version", ["4.2", "4.5", "5.0", "5.2"])
def test_random_editing_for_long_ends_equal(version: str) -> None:
    ends_well(version, lambda made: soak(made, MANY_STEPS, 2))


@pytest.mark.slow
@pytest.mark.timeout(MANY_SECONDS)
@pytest.mark.parametrize("version", ["4.2", "4.5", "5.0", "5.2"])
def test_a_blender_that_is_killed_often_comes_in_step_each_time(version: str) -> None:
    ends_well(version, lambda made: kills(made, MANY_KILLS, 2))
