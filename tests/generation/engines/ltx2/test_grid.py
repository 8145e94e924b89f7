"""The arithmetic of frames, latents, segments and placements, for every length."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.errors import BadInput
from genlock.generation.engines.ltx2 import grid
from genlock.generation.engines.ltx2.layout import Hold, layout, within
from genlock.generation.planner import snap
from genlock.project.request import Conditioning, GenerationRequest, Span
from genlock.timeline.rate import Rate


def test_every_length_is_held_by_the_next_one_on_the_grid() -> None:
    for frames in range(1, 2001):
        made = grid.frames_of(grid.latents_of(frames))
        assert made == snap(frames, 8, 1)
        assert grid.whole(frames) <= frames <= made < frames + 8


@pytest.mark.parametrize("window", [33, 49, 65, 97, 121, 161, 241])
@pytest.mark.parametrize("overlap", [2, 3])
def test_segments_make_every_length_exactly(window: int, overlap: int) -> None:
    most = grid.latents_of(window)
    for frames in range(1, 2001):
        total = grid.latents_of(frames)
        runs = grid.segments(total, most, overlap)
        assert sum(run.end - run.start - run.kept for run in runs) == total
        assert runs[0].start == runs[0].kept == 0
        assert runs[-1].end == total
        for before, run in pairwise(runs):
            assert before.end - run.start == run.kept == overlap
            assert run.end > before.end
        lengths = [run.end - run.start for run in runs]
        assert max(lengths) <= most
        assert max(lengths) - min(lengths) <= 1
        # the frames that each run adds, laid end to end, are all of them and none twice
        added = [n for run in runs for n in range(grid.begin(run.start + run.kept), grid.begin(run.end))]
        assert added == list(range(grid.frames_of(total)))


def test_a_window_that_is_all_overlap_makes_nothing() -> None:
    with pytest.raises(ValueError, match="nothing beyond its overlap"):
        grid.segments(9, 3, 3)


def test_a_condition_past_the_end_is_refused_not_left_out() -> None:
    with pytest.raises(BadInput, match="outside the frames"):
        layout(GenerationRequest("keyframes", frames=17, conditioning=(Conditioning("/a", 17),)))


def test_a_position_is_the_frame_it_came_from() -> None:
    assert grid.position(0) == 0
    assert all((grid.position(frame) - 1) * 8 + 1 == frame for frame in range(1, 2000))


@given(st.integers(1, 400), st.integers(0, 60), st.integers(0, 60))
def test_a_gap_lies_exactly_between_what_is_given(frames: int, before: int, after: int) -> None:
    paths = {"source": "/a" if before else "", "after": "/b" if after else ""}
    made = layout(GenerationRequest("fill_gap", frames=frames, **paths), before, after)
    assert made.count == frames
    assert made.made % 8 == 1
    assert made.first + made.count <= made.made
    for hold in made.holds:
        assert hold.count % 8 == 1
        assert hold.at + hold.count <= made.made
        if hold.origin == "source":
            assert (hold.at, hold.first + hold.count, hold.count) == (0, before, made.first)
        else:
            assert (hold.at, hold.first) == (made.first + frames, 0)
    assert len(made.holds) == bool(before) + bool(after)


@given(st.data())
def test_a_retake_is_held_on_both_sides_and_the_rest_is_the_source(data: st.DataObject) -> None:
    frames = data.draw(st.integers(1, 300))
    start = data.draw(st.integers(0, frames - 1))
    end = data.draw(st.integers(start + 1, frames))
    made = layout(GenerationRequest("retake", source="/a", frames=frames, span=Span(start, end)), frames)
    assert (made.before, made.count, made.behind) == (start, end - start, frames - end)
    for hold in made.holds:
        assert 0 <= hold.first < frames
        assert hold.first + hold.count <= frames
        if hold.at:
            assert (hold.at, hold.first) == (made.first + made.count, end)
        else:
            assert hold.first + hold.count == start


def test_keyframes_stay_at_their_frames_and_clips_say_what_they_lose() -> None:
    conditions = Conditioning("/a", 0), Conditioning("/b", 20), Conditioning("/c", -12, frames=12)
    made = layout(GenerationRequest("keyframes", frames=49, conditioning=conditions))
    assert [(hold.at, hold.count) for hold in made.holds] == [(0, 1), (20, 1), (37, 9)]
    assert made.notes == ("Conditioning 3 is followed for 9 of its 12 frames.",)


@given(st.integers(34, 600), st.integers(0, 300), st.integers(1, 30), st.sampled_from([33, 49, 65]))
def test_segments_follow_a_clip_once_and_where_it_belongs(frames: int, at: int, eights: int, window: int) -> None:
    total = grid.latents_of(frames)
    at = min(at, frames - 1)
    hold = Hold("condition", 0, 8 * eights + 1, at)
    covered: list[int] = []
    for run in grid.segments(total, grid.latents_of(window)):
        part = within(hold, run)
        if part is not None:
            shown = part.at + run.first
            assert part.first == shown - at
            assert part.count % 8 == 1
            assert part.at + part.count <= run.frames
            covered += range(shown, shown + part.count)
    assert len(set(covered)) == len(covered)
    assert at in covered
    left = min(grid.frames_of(total), at + hold.count) - at - len(covered)
    assert left < 8 * len(covered)


@given(st.integers(1, 3000), st.sampled_from([Rate(24), Rate(25), Rate(24000, 1001), Rate(30000, 1001), Rate(60)]))
def test_samples_last_as_long_as_the_frames(frames: int, rate: Rate) -> None:
    assert abs(grid.samples(frames, rate) / 48000 - float(frames / rate.fraction)) <= 0.5 / 48000 + 1e-9


@pytest.mark.parametrize(("size", "step", "made"), [((1920, 1080), 32, (1920, 1088)), ((1280, 720), 64, (1280, 768))])
def test_sizes_grow_to_the_grid(size: tuple[int, int], step: int, made: tuple[int, int]) -> None:
    assert grid.snapped(size, step) == made
    assert grid.snapped((16, 40)) == (64, 64)
