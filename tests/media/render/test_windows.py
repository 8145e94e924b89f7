from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.media.render.program import File, Layer, RenderPlan, Sound, Span
from genlock.media.render.windows import BACKWARDS, MOST_INPUTS, MOST_SOUNDS, picture_windows, sound_windows
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

FILE = File(Path("a"), "video", Rate(24), 1000, Resolution())


def span(start: int, end: int, step: int = 1) -> Span:
    return Span(start, end, (Layer(FILE, Fraction(500), Fraction(step)),))


def of(spans: list[Span], resolution: Resolution = Resolution()) -> RenderPlan:
    return RenderPlan(Rate(24), resolution, spans[-1].end, tuple(spans))


def test_larger_pictures_come_in_smaller_windows() -> None:
    spans = [span(at, at + 1) for at in range(40)]
    sizes = [Resolution(640, 360), Resolution(1920, 1080), Resolution(3840, 2160), Resolution(16000, 8000)]
    assert [max(map(len, picture_windows(of(spans, size)))) for size in sizes] == [16, 12, 3, 1]


def test_windows_hold_all_spans_in_order_and_few_inputs() -> None:
    spans = [span(at, at + 1) for at in range(100)]
    windows = list(picture_windows(of(spans)))
    assert [each for window in windows for each in window] == spans
    assert max(sum(len(each.layers) for each in window) for window in windows) <= MOST_INPUTS


def test_what_runs_backwards_comes_in_short_pieces() -> None:
    made = of([span(0, 100, -1), span(100, 140, -4)])
    pieces = [each for window in picture_windows(made) for each in window]
    assert all(each.duration * -each.layers[0].step <= BACKWARDS for each in pieces)
    assert [each.layers[0].shown(0) for each in pieces[:2]] == [500, 500 - BACKWARDS]
    assert (pieces[0].start, pieces[-1].end) == (0, 140)


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 4000)), max_size=60), st.integers(1, 8000))
@settings(max_examples=100, deadline=None)
def test_sound_windows_cover_everything_once(rows: list[tuple[int, int]], frames: int) -> None:
    sounds = tuple(
        Sound(Path("a"), start, min(frames, start + length), Fraction(start, 24))
        for start, length in rows
        if start < frames
    )
    windows = list(sound_windows(RenderPlan(Rate(24), Resolution(), frames, (), sounds)))
    assert [window.start for window in windows] == [0, *[window.end for window in windows[:-1]]]
    assert windows[-1].end == frames
    for window in windows:
        assert all(window.start <= each.start < each.end <= window.end for each in window.sounds)
        assert all(each.origin == Fraction(each.start, 24) for each in window.sounds)
        assert len(window.sounds) <= MOST_SOUNDS or window.end - window.start == 1
    total = sum(each.end - each.start for window in windows for each in window.sounds)
    assert total == sum(each.end - each.start for each in sounds)
