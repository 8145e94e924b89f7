"""A returned cut is merged as one edit of each sequence concerned, and everything about it can be taken back."""

from __future__ import annotations

from collections.abc import Sequence as Items
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace

from genlock.application.commands import (
    ArchiveSequence,
    ImportSequence,
    MergeSequence,
    Redo,
    Revert,
    Undo,
)
from genlock.timeline import edits
from genlock.timeline.commands import (
    EditCommand,
    InsertItem,
    LiftItems,
    MoveItems,
    Place,
    RenameItem,
    ResolveConflict,
    SetEnabled,
    SetSequence,
    TrimItem,
)
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.events import Content, Origin, Placed, SequenceEdited, TrackContent, content_of
from genlock.timeline.model import Item, Nested, Track
from genlock.timeline.ops import ConflictSet
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all
from tests.application.studio import Studio, clip

FILE = Origin("/back/cut.xml", "fcp7", "d1" * 16)


def elsewhere(state: Sequence, *commands: EditCommand) -> Content:
    """What a sequence becomes in another tool."""
    for n, command in enumerate(commands):
        decided = edits.decide(state, command, Context(f"elsewhere {n}"))
        assert not isinstance(decided, Refusal), decided
        state = apply_all(state, decided.ops)
    return content_of(state)


def reel(studio: Studio, *names: str) -> str:
    """A sequence with items on its magnetic track."""
    made = studio.sequence()
    for name in names or ("a", "b", "c", "d"):
        studio.append(made, name)
    return made


def merged(base: int, theirs: Content, **more: Any) -> MergeSequence:
    return MergeSequence(base, theirs, more.pop("origin", FILE), **more)


def edit_of(studio: Studio) -> SequenceEdited:
    event = studio.seen[-1].event
    assert isinstance(event, SequenceEdited)
    return event


def names(studio: Studio, sequence: str) -> list[str]:
    state = studio.app.sequence(sequence)
    return [state.items[id_].name for id_ in studio.items(sequence)]


def state_of(studio: Studio, sequence: str) -> Content:
    return content_of(studio.app.sequence(sequence))


def test_an_import_onto_an_unchanged_sequence_is_one_edit_that_one_undo_takes_back(studio: Studio) -> None:
    cut = reel(studio)
    before = studio.app.sequence(cut)
    theirs = elsewhere(before, RenameItem("b", "B"), TrimItem("c", "tail", -3), LiftItems(("d",)))
    head = studio.store.tip()
    answer = studio.do(merged(before.version, theirs), cut)
    assert (answer.target, answer.version) == (cut, before.version + 1)
    assert studio.store.tip() == head + 1
    event = edit_of(studio)
    assert (event.kind, event.intent) == ("import", "MergeSequence")
    assert event.label == "Import cut.xml"
    assert event.origin == Origin("/back/cut.xml", "fcp7", "d1" * 16, cut, before.version)
    assert state_of(studio, cut) == theirs
    studio.do(Undo(), cut)
    assert state_of(studio, cut) == content_of(before)
    studio.do(Redo(), cut)
    assert state_of(studio, cut) == theirs


def test_what_changed_here_meanwhile_stays(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut)
    studio.do(SetEnabled(("a",), False), cut)
    studio.append(cut, "e")
    studio.do(merged(base.version, elsewhere(base, RenameItem("b", "B"))), cut, actor="bob")
    state = studio.app.sequence(cut)
    assert edit_of(studio).kind == "merge"
    assert (state.items["a"].enabled, names(studio, cut)) == (False, ["a", "B", "c", "d", "e"])
    studio.do(Undo(), cut, actor="bob")
    assert names(studio, cut) == ["a", "b", "c", "d", "e"]
    assert not studio.app.sequence(cut).items["a"].enabled


def conflicting(studio: Studio, **more: Any) -> tuple[str, Sequence]:
    """A sequence whose item b was renamed here and, otherwise, in a returned cut."""
    cut = reel(studio)
    base = studio.app.sequence(cut)
    studio.do(RenameItem("b", "ours"), cut)
    before = studio.app.sequence(cut)
    theirs = elsewhere(base, RenameItem("b", "theirs"), RenameItem("d", "D"))
    studio.do(merged(base.version, theirs, **more), cut)
    return cut, before


def test_a_conflict_stays_open_until_it_is_settled(studio: Studio) -> None:
    cut, before = conflicting(studio)
    (conflict,) = studio.app.sequence(cut).conflicts.values()
    assert (conflict.kind, conflict.about, conflict.ours, conflict.theirs) == ("both_set", "b", "ours", "theirs")
    assert names(studio, cut) == ["a", "ours", "c", "D"]
    assert edit_of(studio).label == "Merge cut.xml (1 conflict left open)"
    again = studio.reopened()
    assert list(again.app.sequence(cut).conflicts) == [conflict.id]
    again.do(ResolveConflict(conflict.id, "theirs"), cut)
    assert (names(again, cut), len(again.app.sequence(cut).conflicts)) == (["a", "theirs", "c", "D"], 0)
    again.do(Undo(), cut)
    assert list(again.app.sequence(cut).conflicts) == [conflict.id]
    again.do(Undo(), cut)
    assert state_of(again, cut) == content_of(before)
    again.app.close()


@pytest.mark.parametrize(("policy", "name"), [("ours", "ours"), ("theirs", "theirs")])
def test_a_policy_settles_conflicts_at_once(studio: Studio, policy: str, name: str) -> None:
    cut, _ = conflicting(studio, policy=policy)
    assert not studio.app.sequence(cut).conflicts
    assert names(studio, cut) == ["a", name, "c", "D"]


def test_a_file_that_holds_nothing_new_is_refused_and_stores_nothing(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut)
    assert studio.refused(merged(base.version, content_of(base)), cut).code == "no_change"
    studio.append(cut, "e")
    assert studio.refused(merged(base.version, content_of(base)), cut).code == "no_change"


def test_the_same_file_is_merged_once_until_it_was_taken_back(studio: Studio) -> None:
    cut, _ = conflicting(studio)
    base = 5
    theirs = elsewhere(studio.app.sequence(cut, base), RenameItem("b", "theirs"), RenameItem("d", "D"))
    error = studio.refused(merged(base, theirs), cut)
    assert (error.code, error.details["version"]) == ("no_change", 7)
    (conflict,) = studio.app.sequence(cut).conflicts
    studio.do(ResolveConflict(conflict, "ours"), cut)
    assert studio.refused(merged(base, theirs), cut).code == "no_change"
    studio.do(Undo(ref=8), cut)
    studio.do(Undo(ref=7), cut)
    assert studio.do(merged(base, theirs), cut).version == 11
    studio.do(Revert(6), cut)
    assert studio.do(merged(base, theirs), cut).version == 13


def test_that_a_file_was_merged_survives_restart_and_snapshot() -> None:
    studio = Studio(every=1, idle=0.0, least=1)
    cut, _ = conflicting(studio)
    theirs = elsewhere(studio.app.sequence(cut, 5), RenameItem("b", "theirs"), RenameItem("d", "D"))
    again = studio.reopened()
    assert again.refused(merged(5, theirs), cut).code == "no_change"
    assert again.app.taken(cut, FILE.digest, 5) == 7
    assert again.app.taken(cut, FILE.digest, 4) is None
    again.app.close()


def test_a_repeated_command_merges_once(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut)
    command = merged(base.version, elsewhere(base, RenameItem("b", "B")))
    first = studio.do(command, cut, id="again")
    second = studio.do(command, cut, id="again")
    assert (second.duplicate, second.version, first.last_id) == (True, first.version, studio.store.tip())


def test_two_returned_cuts_of_one_base_come_together(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut)
    one = elsewhere(base, RenameItem("a", "A"))
    two = elsewhere(base, RenameItem("d", "D"), MoveItems(("b",), Place(base.order[0], after="c")))
    studio.do(merged(base.version, one), cut)
    studio.do(merged(base.version, two, origin=Origin("two.otio", "otio", "d2" * 16)), cut)
    assert names(studio, cut) == ["A", "c", "b", "D"]
    assert not studio.app.sequence(cut).conflicts


def test_a_later_file_of_the_same_base_is_compared_with_what_the_earlier_one_left(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut)
    one = elsewhere(base, InsertItem(Place(base.order[0], after="b"), clip("new")), TrimItem("d", "tail", -4))
    studio.do(merged(base.version, one), cut)
    first = studio.app.sequence(cut).version
    studio.do(RenameItem("a", "ours"), cut)
    assert studio.app.returns(cut, base.version) == (first,)
    left = studio.app.grown(cut, base.version, (first,))
    assert left is not None
    assert content_of(left) == one
    two = elsewhere(left, TrimItem("new", "tail", -3), TrimItem("d", "tail", 4))
    command = merged(base.version, two, origin=Origin("two", "otio", "d2" * 16), through={cut: (first,)})
    studio.do(command, cut)
    state = studio.app.sequence(cut)
    assert not state.conflicts
    assert [state.items[i].duration for i in ("new", "d")] == [7, 10]
    assert state.items["a"].name == "ours"
    studio.do(Undo(ref=first, force=True), cut)
    assert studio.app.returns(cut, base.version) == (first + 2,)


def test_edits_that_do_not_stand_on_the_base_alone_are_refused(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut, 2)
    command = merged(2, content_of(base), through={cut: (5,)})
    assert studio.app.grown(cut, 2, (1,)) is None
    assert studio.app.grown(cut, 2, (99,)) is None
    assert studio.refused(replace(command, through={cut: (1,)}), cut).code == "no_base"


@pytest.mark.parametrize("base", [0, 99])
def test_the_base_must_exist(studio: Studio, base: int) -> None:
    cut = reel(studio)
    assert studio.refused(merged(base, state_of(studio, cut)), cut).code == "no_such_version"


def test_a_cut_of_another_rate_or_that_is_not_sound_is_refused(studio: Studio) -> None:
    cut = reel(studio)
    state = studio.app.sequence(cut)
    content = content_of(state)
    assert studio.refused(merged(state.version, replace(content, rate=Rate(25))), cut).code == "bad_rate"
    twice = replace(content, tracks=(*content.tracks, TrackContent(Track("t9", "video"), (Placed(clip("a"), 0),))))
    assert studio.refused(merged(state.version, twice), cut).code == "bad_timeline"
    assert studio.refused(merged(state.version, content), "0" * 32).code == "no_such_sequence"
    studio.do(ArchiveSequence(), cut)
    assert studio.refused(merged(state.version, content), cut).code == "archived"


# -- nested sequences


def whole(name: str, items: Items[Item]) -> Content:
    track = TrackContent(Track(f"t{name}", "video", "V1", "magnetic"), tuple(Placed(item) for item in items))
    return Content(name, Rate(24), tracks=(track,))


def nest(studio: Studio) -> tuple[str, str]:
    """A sequence that shows another; returns both ids."""
    inner = uuid4().hex
    outer = whole("Outer", [clip("o1"), Item("show", Nested(inner, 0, 20), 20, "Inner"), clip("o2")])
    command = ImportSequence(studio.project(), outer, FILE, ((inner, whole("Inner", [clip("n1"), clip("n2")])),))
    return studio.do(command).created[0], inner


def test_a_nested_sequence_that_changed_is_merged_too(studio: Studio) -> None:
    outer, inner = nest(studio)
    studio.do(SetEnabled(("n2",), False), inner)
    base = studio.app.sequence(outer)
    theirs = elsewhere(base, RenameItem("o2", "O2"))
    changed = elsewhere(studio.app.sequence(inner, 1), RenameItem("n1", "N1"))
    head = studio.store.tip()
    command = merged(base.version, theirs, nested=((inner, changed),), bases={inner: 1})
    answer = studio.do(command, outer)
    assert (answer.target, answer.version, studio.store.tip()) == (outer, 2, head + 2)
    assert names(studio, outer) == ["o1", "Inner", "O2"]
    assert names(studio, inner) == ["N1", "n2"]
    assert not studio.app.sequence(inner).items["n2"].enabled
    assert edit_of(studio).kind == "merge"


def test_a_nested_sequence_may_be_all_that_changed(studio: Studio) -> None:
    outer, inner = nest(studio)
    changed = elsewhere(studio.app.sequence(inner), RenameItem("n1", "N1"))
    studio.do(merged(1, state_of(studio, outer), nested=((inner, changed),)), outer)
    assert (studio.app.sequence(outer).version, studio.app.sequence(inner).version) == (1, 2)


def test_a_new_nested_sequence_is_made(studio: Studio) -> None:
    outer, _ = nest(studio)
    base, fresh = studio.app.sequence(outer), uuid4().hex
    shown = Item("fresh", Nested(fresh, 0, 20), 20, "Fresh")
    theirs = elsewhere(base, InsertItem(Place(base.order[0], after="o2"), shown))
    answer = studio.do(merged(1, theirs, nested=((fresh, whole("Fresh", [clip("f1"), clip("f2")])),)), outer)
    assert answer.created == (fresh,)
    assert names(studio, outer) == ["o1", "Inner", "o2", "Fresh"]
    assert studio.app.sequence_project(fresh) == studio.app.sequence_project(outer)


def test_a_returned_cut_never_nests_itself(studio: Studio) -> None:
    outer, inner = nest(studio)
    loop = whole("Inner", [Item("loop", Nested(outer), 20)])
    command = merged(1, state_of(studio, outer), nested=((inner, loop),))
    assert studio.refused(command, outer).code == "nesting_cycle"
    command = merged(1, state_of(studio, outer), nested=((outer, state_of(studio, outer)),))
    assert studio.refused(command, outer).code == "nesting_cycle"


def test_a_nested_sequence_of_another_project_is_out_of_reach(studio: Studio) -> None:
    outer, _ = nest(studio)
    other = reel(studio)
    changed = elsewhere(studio.app.sequence(other), RenameItem("a", "A"))
    assert studio.refused(merged(1, state_of(studio, outer), nested=((other, changed),)), outer).code == "id_taken"


def test_conflicts_are_ops_of_the_one_event(studio: Studio) -> None:
    conflicting(studio)
    opened = [op for op in edit_of(studio).ops if isinstance(op, ConflictSet)]
    assert [op.before for op in opened] == [None]
    assert ["conflict", opened[0].conflict] in [effect[:2] for effect in studio.seen[-1].effects]


def test_a_rename_of_the_sequence_reaches_the_project(studio: Studio) -> None:
    cut = reel(studio)
    base = studio.app.sequence(cut)
    studio.do(merged(base.version, elsewhere(base, SetSequence(name="Reel 2"))), cut)
    assert studio.app.project(studio.app.sequence_project(cut)).sequences[cut] == "Reel 2"
