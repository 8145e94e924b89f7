"""Settling what a merge left open: on the merged cut, later on, and against what was changed since."""

from __future__ import annotations

from typing import Any

import pytest

from genlock.timeline.check import violations
from genlock.timeline.commands import (
    EditCommand,
    ExtractItems,
    RemoveTrack,
    RenameItem,
    ResolveConflict,
    RippleTrimItem,
    SetTrack,
)
from genlock.timeline.decision import Context, Decision, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import content_of
from genlock.timeline.merge import merge
from genlock.timeline.ops import ConflictSet, MergeConflict
from genlock.timeline.redo import redo
from genlock.timeline.sequence import Sequence, apply_all
from genlock.timeline.undo import compensate
from tests.timeline.cuts import cut, picture

BASE = cut("V1= A:50/100 B:40/200 C:30/300 D:20/400", "V2~ X:9@12 Y:9@40")
OURS = cut("V1= A:62/100 B:40/200 D:20/400", "V2~ X:9@12 Y:9@40")
THEIRS = cut("V1= A:45/100 B:40/200 C:35/300 D:20/400", "V2~ X:9@12 Y:9@40")


@pytest.fixture
def state() -> Sequence:
    return merge(BASE, OURS, THEIRS).state


def open_on(state: Sequence, about: str) -> MergeConflict:
    (found,) = [conflict for conflict in state.conflicts.values() if conflict.about == about]
    return found


def after(state: Sequence, *commands: EditCommand) -> Sequence:
    for number, command in enumerate(commands):
        answer = decide(state, command, Context(f"k{number}"))
        assert isinstance(answer, Decision), answer
        state = apply_all(state, answer.ops)
        assert violations(state) == []
    return state


def refused(state: Sequence, command: EditCommand) -> Refusal:
    answer = decide(state, command, Context("k"))
    assert isinstance(answer, Refusal), answer
    return answer


def settle(conflict: MergeConflict, choice: Any, **kw: Any) -> ResolveConflict:
    return ResolveConflict(conflict.id, choice, **kw)


@pytest.mark.parametrize("choice", ["ours", "manual"])
def test_ours_and_by_hand_close_it_and_leave_the_cut(state: Sequence, choice: str) -> None:
    conflict = open_on(state, "A")
    answer = decide(state, settle(conflict, choice), Context("k"))
    assert isinstance(answer, Decision)
    assert answer.ops == (ConflictSet(conflict.id, conflict, None),)
    assert answer.label.startswith("Settle ")
    assert conflict.message.removesuffix(".") in answer.label


def test_theirs_takes_the_returned_cuts(state: Sequence) -> None:
    done = after(state, settle(open_on(state, "A"), "theirs"), settle(open_on(state, "C"), "theirs"))
    assert picture(done) == picture(THEIRS)
    assert len(done.conflicts) == 0


def test_both_puts_theirs_beside(state: Sequence) -> None:
    done = after(state, settle(open_on(state, "A"), "both"))
    assert [item.name for _, item in done.placed("V1")][:3] == ["A", "A (theirs)", "B"]


def test_undo_opens_it_again(state: Sequence) -> None:
    conflict = open_on(state, "A")
    answer = decide(state, settle(conflict, "theirs"), Context("k"))
    assert isinstance(answer, Decision)
    done = apply_all(state, answer.ops)
    back = compensate(done, answer.ops)
    assert not isinstance(back, Refusal)
    assert content_of(apply_all(done, back)) == content_of(state)


def test_undoing_the_merge_after_a_choice_is_refused_and_told_why() -> None:
    merged = merge(BASE, OURS, THEIRS)
    done = after(merged.state, settle(open_on(merged.state, "A"), "ours"))
    answer = compensate(done, merged.ops)
    assert isinstance(answer, Refusal)
    assert [conflict.message for conflict in answer.conflicts] == ["The merge conflict was settled since."]
    forced = compensate(done, merged.ops, force=True)
    assert not isinstance(forced, Refusal)
    assert content_of(apply_all(done, forced)) == content_of(OURS)


def test_an_edit_of_something_else_does_not_stand_against_it(state: Sequence) -> None:
    later = after(state, RippleTrimItem("B", "tail", -7, sync=False), RenameItem("A", "SH010"))
    done = after(later, settle(open_on(later, "A"), "theirs"), settle(open_on(later, "C"), "theirs"))
    assert picture(done)[0] == "V1= SH010:45/100 B:33/200 C:35/300 D:20/400"


def test_what_was_changed_since_stands_against_theirs_unless_forced(state: Sequence) -> None:
    later = after(state, RippleTrimItem("A", "tail", 5, sync=False))
    conflict = open_on(later, "A")
    answer = refused(later, settle(conflict, "theirs"))
    assert (answer.code, [c.id for c in answer.conflicts]) == ("undo_conflict", ["A"])
    done = after(later, settle(conflict, "theirs", force=True))
    assert picture(done)[0].startswith("V1= A:45/100 ")


def test_what_was_done_by_hand_already_is_only_closed(state: Sequence) -> None:
    later = after(state, RippleTrimItem("A", "tail", -17, sync=False))
    done = after(later, settle(open_on(later, "A"), "theirs"))
    assert picture(done) == picture(later)
    assert "A" not in {conflict.about for conflict in done.conflicts.values()}


def test_an_anchor_that_is_gone_stands_against_bringing_it_back(state: Sequence) -> None:
    later = after(state, ExtractItems(("B",), sync=False))
    conflict = open_on(later, "C")
    answer = refused(later, settle(conflict, "theirs"))
    assert (answer.code, answer.conflicts[0].id) == ("undo_conflict", "B")
    done = after(later, settle(conflict, "theirs", force=True))
    assert "C" in done.items


def test_a_clip_that_is_gone_stands_against_theirs(state: Sequence) -> None:
    later = after(state, ExtractItems(("A",), sync=False))
    conflict = open_on(later, "A")
    assert refused(later, settle(conflict, "theirs")).code == "undo_conflict"
    assert refused(later, settle(conflict, "theirs", force=True)).code == "conflict_choice"
    assert len(after(later, settle(conflict, "manual")).conflicts) == 1


def test_a_locked_track_is_unlocked_first() -> None:
    ours = cut("V1=! A:50/100 B:40/200 C:30/300 D:20/400", "V2~ X:9@12 Y:9@40")
    state = merge(BASE, ours, THEIRS).state
    conflict = open_on(state, "V1")
    answer = refused(state, settle(conflict, "theirs"))
    assert [c.code for c in answer.conflicts] == ["locked_track"]
    done = after(state, SetTrack("V1", locked=False), settle(conflict, "theirs"))
    assert picture(done) == picture(THEIRS)


def test_a_choice_that_cannot_be_had(state: Sequence) -> None:
    answer = refused(state, settle(open_on(state, "C"), "both"))
    assert answer.code == "conflict_choice"
    assert answer.message == "This conflict cannot be settled with both: ours, theirs, manual can be had."
    assert refused(state, ResolveConflict("c0", "ours")).code == "no_such_conflict"


def test_redo_refuses_what_has_no_track_any_more() -> None:
    moved = cut("V1= A:50/100 B:40/200 C:30/300 D:20/400", "V2~ X:9@12")
    ops = merge(moved, moved, BASE).ops
    answer = redo(after(moved, RemoveTrack("V2", with_items=True)), ops)
    assert isinstance(answer, Refusal)
    assert answer.message.startswith("This cannot be done any more: ")
