"""What holds for every merge, on random cuts and random edits."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.commands import ResolveConflict
from genlock.timeline.decision import Context, Decision, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.merge import Policy, merge
from genlock.timeline.model import Gap
from genlock.timeline.ops import ConflictSet
from genlock.timeline.sequence import Sequence, apply_all
from genlock.timeline.undo import compensate
from tests.timeline.op_programs import sequence_after
from tests.timeline.two_editors import TwoEditors, reel, without_gap_ids

SEEDS = st.integers(0, 2**32)


class Three:
    """A cut and two versions of it, edited at random and without regard for each other."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        self.base = sequence_after(random, random.randrange(2, 20), prefix="b")
        self.ours = sequence_after(random, random.randrange(6), self.base, prefix="o")
        self.theirs = sequence_after(random, random.randrange(6), self.base, prefix="t")


def marked_gaps(*states: Sequence) -> bool:
    """Whether a marker sits on a Gap item: with the item's identity it may lose its place."""
    return any(
        marker.item is not None and isinstance(state.items[marker.item].source, Gap)
        for state in states
        for marker in state.markers.values()
    )


def with_fresh_gaps(state: Sequence) -> Sequence:
    """The same cut as a reader gives it: it makes new ids for the gaps."""
    content, number = content_of(state), 0
    parts = []
    for part in content.tracks:
        placed = []
        for entry in part.items:
            number += 1
            fresh = isinstance(entry.item.source, Gap)
            placed.append(Placed(replace(entry.item, id=f"fresh{number}"), entry.start) if fresh else entry)
        parts.append(TrackContent(part.track, tuple(placed)))
    changed: Content = replace(content, tracks=tuple(parts))
    return restore(state.id, state.version, changed)


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_nothing_there_changes_nothing(seed: int) -> None:
    three = Three(seed)
    assert merge(three.base, three.ours, three.base).ops == ()


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_nothing_here_gives_what_is_there(seed: int) -> None:
    three = Three(seed)
    if marked_gaps(three.base, three.theirs):
        return
    result = merge(three.base, three.base, three.theirs)
    assert result.conflicts == ()
    assert without_gap_ids(result.state) == without_gap_ids(three.theirs)


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_the_same_on_both_sides_is_done_once(seed: int) -> None:
    three = Three(seed)
    assert merge(three.base, three.theirs, three.theirs).ops == ()


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_every_merge_is_sound_and_one_undo_takes_it_back(seed: int) -> None:
    three = Three(seed)
    result = merge(three.base, three.ours, three.theirs)
    assert violations(result.state) == []
    assert content_of(apply_all(three.ours, result.ops)) == content_of(result.state)
    back = compensate(result.state, result.ops)
    assert not isinstance(back, Refusal), back
    assert content_of(apply_all(result.state, back)) == content_of(three.ours)


@given(SEEDS, st.sampled_from(["ours", "theirs", "both"]))
@settings(max_examples=100, deadline=None)
def test_every_policy_is_sound_and_undone_at_once(seed: int, policy: Policy) -> None:
    three = Three(seed)
    result = merge(three.base, three.ours, three.theirs, policy=policy)
    assert violations(result.state) == []
    assert content_of(apply_all(three.ours, result.ops)) == content_of(result.state)
    asked = merge(three.base, three.ours, three.theirs)
    assert {c.id for c in (*result.conflicts, *result.settled)} == {c.id for c in asked.conflicts}
    back = compensate(result.state, result.ops)
    assert not isinstance(back, Refusal), back
    assert content_of(apply_all(result.state, back)) == content_of(three.ours)


@given(SEEDS, st.data())
@settings(max_examples=100, deadline=None)
def test_every_choice_offered_works_and_its_undo_opens_the_conflict_again(seed: int, data: st.DataObject) -> None:
    three = Three(seed)
    state = merge(three.base, three.ours, three.theirs).state
    if not state.conflicts:
        return
    conflict = state.conflicts[data.draw(st.sampled_from(sorted(state.conflicts)))]
    choices = [
        "ours",
        "manual",
        *(["theirs"] if conflict.take_theirs else []),
        *(["both"] if conflict.keep_both else []),
    ]
    choice: Any = data.draw(st.sampled_from(choices))
    answer = decide(state, ResolveConflict(conflict.id, choice), Context("r1"))
    assert isinstance(answer, Decision), answer
    settled = apply_all(state, answer.ops)
    assert conflict.id not in settled.conflicts
    assert violations(settled) == []
    if choice in ("ours", "manual"):
        assert [type(op) for op in answer.ops] == [ConflictSet]
    back = compensate(settled, answer.ops)
    assert not isinstance(back, Refusal), back
    assert content_of(apply_all(settled, back)) == content_of(state)


@given(SEEDS, st.integers(1, 8))
@settings(max_examples=80, deadline=None)
def test_two_who_work_apart_never_meet_and_the_order_does_not_matter(seed: int, edits: int) -> None:
    two = TwoEditors(seed, edits=edits)
    result = merge(two.base, two.ours, two.theirs)
    assert [c.message for c in result.conflicts] == []
    assert without_gap_ids(result.state) == without_gap_ids(two.both)
    other = merge(two.base, two.theirs, two.ours)
    assert other.conflicts == ()
    assert without_gap_ids(other.state) == without_gap_ids(two.both)


@given(SEEDS, st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_gaps_that_came_back_under_other_ids_are_the_same_room(seed: int, edits: int) -> None:
    two = TwoEditors(seed, edits=edits)
    result = merge(two.base, two.ours, with_fresh_gaps(two.theirs))
    assert result.conflicts == ()
    assert without_gap_ids(result.state) == without_gap_ids(two.both)
    assert merge(two.base, two.ours, with_fresh_gaps(two.base)).ops == ()


def planted(random: Random, base: Sequence, count: int) -> tuple[Sequence, Sequence, dict[str, str]]:
    """Two versions that set one field of each of some clips differently: (ours, theirs, clip -> field)."""
    ours, theirs, fields = base, base, {}
    for id_ in random.sample(sorted(i for i, item in base.items.items() if not isinstance(item.source, Gap)), count):
        item = base.items[id_]
        field = random.choice(["name", "source_in", "effects", "foreign", "duration"])
        made: tuple[Any, Any]
        match field:
            case "name":
                made = ("here", "there")
            case "source_in":
                made = (item.source_in + 3, item.source_in + 5)
            case "duration":
                made = (item.duration - 3, item.duration - 5)
            case "effects":
                made = (({"blur": 1},), ({"blur": 2},))
            case _:
                made = ({"tool": 1}, {"tool": 2})
        ours, theirs = _with(ours, id_, field, made[0]), _with(theirs, id_, field, made[1])
        fields[id_] = {"source_in": "in, out", "duration": "out"}.get(field, field)
    return ours, theirs, fields


def _with(state: Sequence, id_: str, field: str, value: Any) -> Sequence:
    content = content_of(state)
    parts = []
    for part in content.tracks:
        rows = tuple(
            Placed(replace(entry.item, **{field: value}), entry.start) if entry.item.id == id_ else entry
            for entry in part.items
        )
        parts.append(TrackContent(part.track, rows))
    return restore(state.id, state.version, replace(content, tracks=tuple(parts)))


@pytest.mark.parametrize("seed", range(20))
def test_every_planted_conflict_is_found_and_nothing_else(seed: int) -> None:
    random = Random(seed)
    base = reel(random, 20)
    ours, theirs, fields = planted(random, base, 8)
    result = merge(base, ours, theirs)
    assert {(c.kind, c.about, c.field) for c in result.conflicts} == {("both_set", i, f) for i, f in fields.items()}
    assert without_gap_ids(result.state) == without_gap_ids(ours)
    took = merge(base, ours, theirs, policy="theirs")
    assert took.conflicts == ()
    for id_ in fields:
        assert took.state.items[id_] == theirs.items[id_]
    assert without_gap_ids(took.state) == without_gap_ids(theirs)


def test_two_trims_on_ten_thousand_clips_are_one_op() -> None:
    base = reel(Random(1), 3_500)
    ours, theirs = _with(base, "V1c40", "duration", 90), _with(base, "V1c900", "duration", 90)
    result = merge(base, ours, theirs)
    assert result.conflicts == ()
    assert len(result.ops) == 1
