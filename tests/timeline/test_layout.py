"""Layout: rows and gaps, what is visible, the cut list against a frame-by-frame look, handles against the source."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.layout import handles, rows, segments, timecode_of, visible_at
from genlock.timeline.model import Generator, Item, Media, source_frame
from genlock.timeline.ops import ItemInserted, TrackPatch, TrackSet
from genlock.timeline.rate import RATES, Rate, Speed
from genlock.timeline.sequence import apply_all
from tests.timeline.op_programs import EMPTY, sequence_after


@given(st.integers(0, 2**32), st.integers(0, 30))
@settings(max_examples=60, deadline=None)
def test_the_cut_list_says_what_every_frame_shows(seed: int, edits: int) -> None:
    state = sequence_after(Random(seed), edits)
    cuts = segments(state)
    shown = [cut.item for cut in cuts for _ in range(cut.start, cut.end)]
    seen = [visible_at(state, frame) for frame in range(state.duration)]
    assert shown == [item.id if item else None for item in seen]
    assert all(a.item != b.item for a, b in pairwise(cuts))
    for track in state.order:
        end = 0
        for row in rows(state, track):
            assert row.slot.start == end + row.gap
            end = row.slot.end


def test_disabled_items_and_tracks_show_what_lies_below() -> None:
    below, above = Item("a", Media("m"), 20), Item("b", Media("m"), 10)
    state = apply_all(EMPTY, [ItemInserted("V1", below), ItemInserted("V2", above, start=5)])
    assert [cut.item for cut in segments(state)] == ["a", "b", "a"]
    hidden = replace(above, enabled=False)
    state = apply_all(EMPTY, [ItemInserted("V1", below), ItemInserted("V2", hidden, start=5)])
    assert [cut.item for cut in segments(state)] == ["a"]
    state = apply_all(state, [TrackSet("V1", TrackPatch(enabled=True), TrackPatch(enabled=False))])
    assert segments(state) == [(0, 20, None)]
    assert segments(EMPTY) == []


@given(
    st.sampled_from(RATES),
    st.sampled_from([None, *RATES]),
    st.sampled_from([Fraction(1), Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(-3, 2), Fraction(2, 7)]),
    st.integers(1, 50),
    st.integers(0, 400),
)
@settings(max_examples=300, deadline=None)
def test_handles_reach_to_the_last_frame_there_is(
    rate: Rate, own: Rate | None, speed: Fraction, duration: int, into: int
) -> None:
    item = Item("a", Media("m", 100, 300, own), duration, source_in=100 + into, speed=Speed.of(speed))
    shown = [source_frame(item, rate, n) for n in (0, duration - 1)]
    head, tail = handles(item, rate)
    assert head is not None
    assert tail is not None
    if min(shown) >= 100 and max(shown) < 400:
        assert 100 <= source_frame(item, rate, -head) < 400
        assert 100 <= source_frame(item, rate, duration - 1 + tail) < 400
        assert not 100 <= source_frame(item, rate, -head - 1) < 400
        assert not 100 <= source_frame(item, rate, duration + tail) < 400


def test_what_has_no_end_has_no_handles() -> None:
    frozen = Item("a", Media("m", 0, 10), 5, speed=Speed(0))
    for item in (Item("a", Media("m"), 5), Item("a", Generator("bars"), 5), frozen):
        assert handles(item, Rate(24)) == (None, None)


def test_record_timecodes_count_from_the_start_of_the_sequence() -> None:
    state = replace(EMPTY, rate=Rate(30000, 1001), drop_frame=True, start_frame=107892)
    state = apply_all(state, [ItemInserted("V2", Item("a", Media("m"), 30), start=1800 - 2)])
    assert timecode_of(state, "a") == ("01:00:59;28", "01:01:01;00")
