"""The line of waiting jobs keeps its order whatever comes and goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.application.waiting import WaitingLine
from genlock.generation.engine import LANES, Lane
from genlock.project.job import JobState, Waiting
from genlock.project.request import GenerationRequest


def job(id_: str, priority: int = 0, position: int = 0) -> JobState:
    request = GenerationRequest("text_to_video")
    return JobState(id_, 1, "p", "", request, "/out", id_, 1, priority, Waiting(), position=position)


LANE = st.sampled_from(LANES)
STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(-1, 1), st.integers(0, 3), LANE), max_size=60)


@given(STEPS)
def test_the_order_is_that_of_all_sorted(steps: list[tuple[bool, int, int, int, Lane]]) -> None:
    line, held = WaitingLine(), dict[str, tuple[tuple[int, int, str], Lane]]()
    for comes, number, priority, position, lane in steps:
        id_ = f"job{number}"
        if comes:
            line.add(job(id_, priority, position), lane)
            held[id_] = (-priority, position, id_), lane
        else:
            line.discard(id_)
            held.pop(id_, None)
    assert len(line) == len(held)
    assert list(line.ids()) == [key[2] for key, _ in sorted(held.values())]
    for lane in LANES:
        assert list(line.ids(lane)) == [key[2] for key, on in sorted(held.values()) if on == lane]


def test_who_is_taken_away_while_somebody_looks_disturbs_nobody() -> None:
    line = WaitingLine()
    for number in range(5):
        line.add(job(f"job{number}", position=number), "heavy")
    for seen in line.ids():
        line.discard(seen)
    assert not len(line)


def test_a_job_changes_over_to_the_lane_it_is_planned_on() -> None:
    line, one = WaitingLine(), job("one")
    line.add(one, "heavy")
    line.add(replace(one, priority=5), "native")
    assert list(line.ids("heavy")) == []
    assert "one" in line
    line.clear()
    assert "one" not in line
    assert list(line.ids()) == []


@pytest.mark.parametrize("jobs", [0, 10_000])
def test_only_the_first_are_looked_at(jobs: int) -> None:
    line = WaitingLine()
    for number in range(jobs):
        line.add(job(f"job{number:05}", position=number), "heavy")
    line.add(job("mask", position=jobs), "interactive")
    assert next(line.ids("interactive")) == "mask"
    assert next(line.ids()) == ("job00000" if jobs else "mask")
