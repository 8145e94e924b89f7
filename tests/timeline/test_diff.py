"""Diff: applying it gives the other state; small edits give few ops."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Item, Media, Track
from genlock.timeline.ops import ItemInserted, ItemMoved, ItemPatch, ItemRemoved, ItemSet, ItemsShifted, Op, Spot
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all
from genlock.timeline.undo import compensate
from tests.timeline.op_programs import EMPTY, Editor, sequence_after


def check(before: Sequence, after: Sequence) -> tuple[Op, ...]:
    ops = diff(before, after)
    reached = apply_all(before, ops)
    assert content_of(reached) == content_of(after)
    assert reached.links == after.links
    assert reached.home == after.home
    assert not violations(reached)
    return ops


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 15))
@settings(max_examples=200, deadline=None)
def test_applying_the_diff_of_two_versions_gives_the_other(seed: int, edits: int, more: int) -> None:
    random = Random(seed)
    before = sequence_after(random, edits)
    after = sequence_after(random, more, before, "z")
    there, back = check(before, after), check(after, before)
    assert compensate(after, there) == compensate(after, there, force=True)
    for ops, start, end in ((there, before, after), (back, after, before)):
        undone = compensate(apply_all(start, ops), ops)
        assert isinstance(undone, tuple), undone
        assert content_of(apply_all(end, undone)) == content_of(start)


@given(st.integers(0, 2**32), st.integers(0, 30))
@settings(max_examples=100, deadline=None)
def test_unrelated_states_too(seed: int, edits: int) -> None:
    random = Random(seed)
    check(sequence_after(random, edits, prefix="p"), sequence_after(random, edits, prefix="q"))
    check(sequence_after(random, edits), sequence_after(random, edits))


@given(st.integers(0, 2**32), st.integers(0, 30))
@settings(max_examples=50, deadline=None)
def test_nothing_differs_from_itself(seed: int, edits: int) -> None:
    state = sequence_after(Random(seed), edits)
    assert diff(state, state) == ()


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_about_as_many_ops_as_the_edit_made(seed: int) -> None:
    random = Random(seed)
    before = sequence_after(random, 20)
    ops = Editor(random, "z").insert(before)
    after = apply_all(before, ops)
    if not violations(after):
        assert len(diff(before, after)) <= len(ops)


def clip(n: int) -> Item:
    return Item(f"i{n}", Media("m"), 10, name=f"clip {n}")


def reel(count: int, track: str) -> Sequence:
    free = track != "V1"
    anchors = [None if free or not n else f"i{n - 1}" for n in range(count)]
    return apply_all(EMPTY, [ItemInserted(track, clip(n), anchors[n], n * 10 if free else None) for n in range(count)])


@pytest.mark.parametrize("track", ["V1", "V2"])
def test_a_ripple_of_a_long_track_is_one_op_or_two(track: str) -> None:
    before = reel(500, track)
    edit: list[Op]
    if track == "V1":
        edit = [ItemInserted("V1", clip(1000), "i100")]
    else:
        edit = [ItemsShifted("V2", "i100", 10, ()), ItemInserted("V2", clip(1000), start=1000)]
    ops = check(before, apply_all(before, edit))
    assert [type(op) for op in ops] == [type(op) for op in edit]
    back = check(apply_all(before, edit), before)
    assert [type(op) for op in back] == ([ItemRemoved] if track == "V1" else [ItemRemoved, ItemsShifted])


def test_one_move_on_a_magnetic_track_is_one_op() -> None:
    before = reel(200, "V1")
    ops = check(before, apply_all(before, [ItemMoved("i3", Spot("V1"), Spot("V1", "i150"))]))
    assert [type(op) for op in ops] == [ItemMoved]


def test_items_that_changed_are_set_by_field() -> None:
    before = reel(3, "V1")
    after = apply_all(before, [ItemSet("i1", ItemPatch(name="clip 1"), ItemPatch(name="x"))])
    assert diff(before, after) == (ItemSet("i1", ItemPatch(name="clip 1"), ItemPatch(name="x")),)


def test_one_item_in_the_way_of_a_ripple_does_not_move_the_others_one_by_one() -> None:
    before = reel(200, "V2")
    away = [ItemMoved("i20", Spot("V2", start=200), Spot("V2", start=2_500)), ItemsShifted("V2", "i21", -10, ())]
    ops = check(before, apply_all(before, away))
    assert [type(op) for op in ops] == [ItemMoved, ItemsShifted, ItemMoved]


def test_values_are_set_in_one_order_whatever_the_process_hashes() -> None:
    row = tuple(Placed(Item(f"i{n}", Media("m"), 10), None) for n in range(50))
    part = TrackContent(Track("V1", placement="magnetic"), row)
    before = restore("s", 1, Content("Cut", Rate(24), tracks=(part,)))
    off = replace(part, items=tuple(replace(p, item=replace(p.item, enabled=False)) for p in row))
    ops = check(before, restore("s", 2, Content("Cut", Rate(24), tracks=(off,))))
    assert [op.item for op in ops if isinstance(op, ItemSet)] == sorted(placed.item.id for placed in row)
