"""A version and what a host changed in it make what the host shows, or a refusal that names what cannot be."""

from __future__ import annotations

from random import Random
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.arrange import arrange
from genlock.timeline.check import violations
from genlock.timeline.decision import Refusal
from genlock.timeline.events import content_of, restore
from genlock.timeline.laid import Arrangement, Laid, LaidMarker, LaidSettings, LaidTrack, LaidTransition
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Track, Transition
from genlock.timeline.rate import Speed
from genlock.timeline.sequence import Sequence
from tests.timeline.arrangements import difference, seen
from tests.timeline.cuts import cut
from tests.timeline.op_programs import EMPTY, sequence_after
from tests.timeline.two_editors import without_gap_ids

BARS = Generator("bars")


def shown(state: Sequence) -> object:
    """What a host can see of a cut: room is room, none of it behind the last item, and tracks have an order by kind."""
    own, tracks, transitions, _ = without_gap_ids(state)  # type: ignore[misc]
    rows = [
        (track, row, [span for span in spans if row and span[0] < row[-1][0]] if track.placement == "magnetic" else [])
        for track, row, spans in tracks
    ]
    return own, sorted(rows, key=lambda entry: entry[0].kind), transitions, seen(state)


def laid(base: Sequence, seed: str = "s", **parts: Any) -> Sequence:
    made = arrange(base, Arrangement(**parts), seed)
    assert not isinstance(made, Refusal), made
    assert violations(made) == []
    return made


def refused(base: Sequence, **parts: Any) -> tuple[str, set[tuple[str, str]]]:
    answer = arrange(base, Arrangement(**parts), "s")
    assert isinstance(answer, Refusal), answer
    assert answer.message
    return answer.code, {(conflict.code, conflict.id) for conflict in answer.conflicts}


def starts(state: Sequence, track: str) -> dict[str, int]:
    return {slot.id: slot.start for slot, item in state.placed(track) if not isinstance(item.source, Gap)}


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_version_and_the_difference_to_another_make_that_other(seed: int) -> None:
    random = Random(seed)
    base = sequence_after(random, random.randrange(2, 20), prefix="b")
    after = sequence_after(random, random.randrange(8), base, prefix="t")
    made = arrange(base, difference(base, after), "s")
    assert not isinstance(made, Refusal), made
    assert violations(made) == []
    assert shown(made) == shown(after)


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_an_empty_sequence_becomes_any_other_and_back(seed: int) -> None:
    after = sequence_after(Random(seed), 12)
    nothing = replace(EMPTY, order=(), tracks=type(EMPTY.tracks)(), lanes=type(EMPTY.lanes)())
    there = arrange(nothing, difference(nothing, after), "s")
    assert not isinstance(there, Refusal), there
    assert shown(there) == shown(after)
    back = arrange(there, difference(there, nothing), "s")
    assert not isinstance(back, Refusal), back
    assert content_of(back) == content_of(replace(nothing, foreign=after.foreign))


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_what_is_as_it_was_changes_nothing(seed: int) -> None:
    base = sequence_after(Random(seed), 12)
    told = {
        id_: Laid(**{name: getattr(item, name) for name in ("duration", "source", "name", "speed", "link")})
        for id_, item in base.items.items()
        if not isinstance(item.source, Gap)
    }
    made = laid(base, items=told)
    assert made == base
    assert all(made.lanes[track] is base.lanes[track] for track in base.order)
