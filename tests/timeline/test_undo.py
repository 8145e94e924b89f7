"""Undo: exact when nothing else happened, refused with every conflict when it did, sound when forced."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.decision import Refusal
from genlock.timeline.events import SequenceArchived, SequenceEdited, content_of, evolve
from genlock.timeline.model import Item, Marker, Media, Track, Transition
from genlock.timeline.ops import (
    ItemInserted,
    ItemMoved,
    ItemPatch,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    Spot,
    TrackInserted,
    TrackPatch,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.sequence import Sequence, apply_all
from genlock.timeline.undo import LEVELS, Stacks, compensate
from tests.timeline.op_programs import EMPTY, Editor, removal, sequence_after

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder(list[SequenceEdited])


class History:
    """A log of edits with state and stacks: what the application does, in ten lines."""

    def __init__(self) -> None:
        self.start = self.state = EMPTY
        self.stacks = Stacks()
        self.log: list[SequenceEdited] = []

    def record(self, actor: str, ops: tuple[Op, ...], kind: str = "edit", ref: int | None = None) -> SequenceEdited:
        event = SequenceEdited(
            originator_id=UUID(int=0),
            originator_version=self.state.version + 1,
            timestamp=NOW,
            actor=actor,
            kind=kind,  # type: ignore[arg-type]
            ref=ref,
            intent="Test",
            ops=ops,
        )
        self.state = evolve(self.state, event)
        self.stacks = self.stacks.record(event)
        self.log.append(event)
        return event

    def back(self, actor: str, kind: str, *, force: bool = False) -> Refusal | SequenceEdited | None:
        version = self.stacks.undoable(actor) if kind == "undo" else self.stacks.redoable(actor)
        if version is None:
            return None
        ops = compensate(self.state, self.log[version - EMPTY.version - 1].ops, force=force)
        return ops if isinstance(ops, Refusal) else self.record(actor, ops, kind, version)


def value(state: Sequence) -> object:
    return content_of(state)


def touched(ops: tuple[Op, ...]) -> set[str]:
    found: set[str] = set()
    for op in ops:
        match op:
            case ItemInserted(item=item) | ItemRemoved(item=item):
                found.add(item.id)
            case ItemMoved(item=id_) | ItemSet(item=id_):
                found.add(id_)
    return found


@given(st.integers(0, 2**32), st.integers(0, 25))
@settings(max_examples=150, deadline=None)
def test_undoing_one_edit_gives_the_state_before(seed: int, edits: int) -> None:
    random = Random(seed)
    before = sequence_after(random, edits)
    ops = Editor(random, "z").edit(before)
    after = apply_all(before, ops)
    back = compensate(after, ops)
    assert not isinstance(back, Refusal), back
    assert value(apply_all(after, back)) == value(before)
    again = compensate(apply_all(after, back), back)
    assert not isinstance(again, Refusal), again
    assert value(apply_all(before, again)) == value(after)
    assert compensate(after, ops, force=True) == back


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_single_actor_gets_all_the_way_back_and_forth(seed: int) -> None:
    history, editor = History(), Editor(Random(seed))
    for _ in range(30):
        if ops := editor.edit(history.state):
            history.record("ada", ops)
    end = value(history.state)
    count = len(history.log)
    for _ in range(count):
        assert isinstance(history.back("ada", "undo"), SequenceEdited)
    assert value(history.state) == value(EMPTY)
    assert history.back("ada", "undo") is None
    for _ in range(count):
        assert isinstance(history.back("ada", "redo"), SequenceEdited)
    assert value(history.state) == end


@given(st.integers(0, 2**32), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_several_actors_editing_and_undoing(seed: int, actors: int) -> None:
    random, history = Random(seed), History()
    names = ["resolve", "blender", "panel"][:actors]
    editor = Editor(random)
    for _ in range(50):
        actor, chance, before = random.choice(names), random.random(), history.state
        if chance < 0.6:
            if ops := editor.edit(before):
                history.record(actor, ops)
            continue
        kind = "undo" if chance < 0.82 else "redo"
        version = history.stacks.undoable(actor) if kind == "undo" else history.stacks.redoable(actor)
        done = history.back(actor, kind)
        if isinstance(done, Refusal):
            assert history.state is before
            assert done.code == "undo_conflict"
            assert all(conflict.message and conflict.id for conflict in done.conflicts)
            assert done.conflicts
            done = history.back(actor, kind, force=True)
        elif done is not None and version is not None:
            foreign = touched(done.ops) - touched(history.log[version - EMPTY.version - 1].ops)
            assert not foreign
        assert not violations(history.state)
    _undo_then_redo_is_identity(history, names[0])
    _replay_of_the_serialised_log_is_the_same(history)


def _undo_then_redo_is_identity(history: History, actor: str) -> None:
    end, undone = value(history.state), 0
    while undone < 8 and isinstance(history.back(actor, "undo"), SequenceEdited):
        undone += 1
    for _ in range(undone):
        assert isinstance(history.back(actor, "redo"), SequenceEdited)
    assert value(history.state) == end


def _replay_of_the_serialised_log_is_the_same(history: History) -> None:
    state, stacks = history.start, Stacks()
    for event in DECODER.decode(ENCODER.encode(history.log)):
        state = evolve(state, event)
        stacks = stacks.record(event)
    assert value(state) == value(history.state)
    assert stacks == history.stacks


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_force_never_breaks_a_sequence(seed: int, later: int) -> None:
    random = Random(seed)
    before = sequence_after(random, 15)
    ops = Editor(random, "y").edit(before)
    state = sequence_after(random, later, apply_all(before, ops), "z")
    made = compensate(state, ops, force=True)
    assert not isinstance(made, Refusal)
    after = apply_all(state, made)
    assert not violations(after)
    plain = compensate(state, ops)
    if not isinstance(plain, Refusal):
        assert plain == made
        assert not violations(apply_all(state, plain))


# -- cases by hand


def item(id_: str, duration: int = 10, **fields: object) -> Item:
    return Item(id_, Media("m", 0, 1000), duration, name=id_, **fields)  # type: ignore[arg-type]


def row(*ids: str, track: str = "V1") -> tuple[Op, ...]:
    made, after = [], None
    for id_ in ids:
        made.append(ItemInserted(track, item(id_), after))
        after = id_
    return tuple(made)


def order(state: Sequence, track: str = "V1") -> list[str]:
    return list(state.lanes[track].ids())


def codes(answer: object) -> set[tuple[str, str]]:
    assert isinstance(answer, Refusal)
    assert answer.code == "undo_conflict"
    return {(conflict.code, conflict.id) for conflict in answer.conflicts}


def done(state: Sequence, answer: object) -> Sequence:
    assert isinstance(answer, tuple)
    return apply_all(state, answer)


def test_two_items_inserted_then_somebody_puts_one_between() -> None:
    ops = row("a", "b")
    state = apply_all(EMPTY, [*ops, ItemInserted("V1", item("x"), "a")])
    back = compensate(state, ops)
    after = done(state, back)
    assert order(after) == ["x"]
    assert order(done(after, compensate(after, back))) == ["a", "x", "b"]  # type: ignore[arg-type]


def test_removed_items_come_back_behind_the_nearest_left_neighbour_that_is_still_there() -> None:
    state = apply_all(EMPTY, row("a", "b", "c", "d"))
    ops = tuple(removal(state, "d"))
    state = apply_all(state, ops)
    state = apply_all(state, [*removal(state, "c"), *removal(apply_all(state, removal(state, "c")), "b")])
    assert order(done(state, compensate(state, ops))) == ["a", "d"]


def test_when_every_known_left_neighbour_is_gone_the_place_is_unknown() -> None:
    names = [f"i{n}" for n in range(12)]
    state = apply_all(EMPTY, row(*names))
    ops = tuple(removal(state, "i11"))
    state = apply_all(state, ops)
    for name in names[1:11]:
        state = apply_all(state, removal(state, name))
    assert codes(compensate(state, ops)) == {("undo_conflict", "i11")}
    assert order(done(state, compensate(state, ops, force=True))) == ["i11", "i0"]


def test_a_changed_item_is_not_removed_and_every_conflict_is_listed() -> None:
    ops = row("a", "b")
    state = apply_all(EMPTY, ops)
    rename = ItemSet("a", ItemPatch(name="a"), ItemPatch(name="new"))
    state = apply_all(state, [rename, *removal(state, "b")])
    assert codes(compensate(state, ops)) == {("undo_conflict", "a"), ("no_such_item", "b")}
    assert order(done(state, compensate(state, ops, force=True))) == []


def test_other_fields_of_the_same_item_are_no_conflict() -> None:
    state = apply_all(EMPTY, row("a"))
    ops = (ItemSet("a", ItemPatch(name="a"), ItemPatch(name="mine")),)
    state = apply_all(state, [*ops, ItemSet("a", ItemPatch(duration=10), ItemPatch(duration=7))])
    after = done(state, compensate(state, ops))
    assert (after.items["a"].name, after.items["a"].duration) == ("a", 7)
    state = apply_all(state, [ItemSet("a", ItemPatch(name="mine"), ItemPatch(name="theirs"))])
    assert codes(compensate(state, ops)) == {("undo_conflict", "a")}
    assert done(state, compensate(state, ops, force=True)).items["a"].name == "a"


def test_a_place_taken_on_a_free_track() -> None:
    state = apply_all(EMPTY, [ItemInserted("V2", item("a"), start=50)])
    ops = tuple(removal(state, "a"))
    state = apply_all(state, [*ops, ItemInserted("V2", item("x"), start=55)])
    assert ("overlap", "x") in codes(compensate(state, ops))
    assert compensate(state, ops, force=True) == ()


def test_a_ripple_does_not_close_over_what_somebody_put_into_the_hole() -> None:
    state = apply_all(EMPTY, [ItemInserted("V2", item("a"), start=0), ItemInserted("V2", item("b"), start=10)])
    ops = (ItemsShifted("V2", "b", 40, ()),)
    state = apply_all(state, [*ops, ItemInserted("V2", item("x"), start=20)])
    assert codes(compensate(state, ops)) == {("overlap", "b")}
    assert compensate(state, ops, force=True) == ()


def test_a_moved_item_is_a_conflict_on_a_free_track() -> None:
    ops = (ItemInserted("V2", item("a"), start=0),)
    state = apply_all(EMPTY, ops)
    state = apply_all(state, [ItemMoved("a", Spot("V2", start=0), Spot("V2", start=90))])
    assert codes(compensate(state, ops)) == {("undo_conflict", "a")}
    assert order(done(state, compensate(state, ops, force=True)), "V2") == []


def test_marks_that_somebody_put_on_it_stop_the_undo_and_go_with_force() -> None:
    ops = row("a", "b")
    state = apply_all(EMPTY, ops)
    cut = Transition("a", "b", 2, 2)
    state = apply_all(
        state,
        [MarkerSet("m", None, Marker("m", 3, item="b")), TransitionSet(cut.key, None, replace(cut, in_offset=0))],
    )
    assert {id_ for _, id_ in codes(compensate(state, ops))} == {"m", "a>b"}
    after = done(state, compensate(state, ops, force=True))
    assert not after.markers
    assert not after.transitions
    assert not violations(after)


def test_a_transition_does_not_come_back_where_somebody_parted_its_neighbours() -> None:
    state = apply_all(EMPTY, row("a", "b"))
    cut = Transition("a", "b", 0, 2)
    state = apply_all(state, [TransitionSet(cut.key, None, cut)])
    ops = (TransitionSet(cut.key, cut, None),)
    state = apply_all(state, [*ops, ItemInserted("V1", item("x"), "a")])
    assert codes(compensate(state, ops)) == {("not_adjacent", "a>b")}
    assert compensate(state, ops, force=True) == ()


def test_a_locked_track_stops_the_undo() -> None:
    ops = row("a")
    state = apply_all(EMPTY, [*ops, TrackSet("V1", TrackPatch(locked=False), TrackPatch(locked=True))])
    assert codes(compensate(state, ops)) == {("locked_track", "V1")}
    assert order(done(state, compensate(state, ops, force=True))) == []


def test_a_track_that_was_filled_stays() -> None:
    ops = (TrackInserted(Track("T"), "V1"),)
    state = apply_all(EMPTY, [*ops, ItemInserted("T", item("x"), start=0)])
    assert codes(compensate(state, ops)) == {("track_not_empty", "T")}
    assert compensate(state, ops, force=True) == ()


def test_a_track_that_is_gone_is_named() -> None:
    state = apply_all(EMPTY, [ItemInserted("V2", item("a"), start=0)])
    ops = tuple(removal(state, "a"))
    state = apply_all(state, ops)
    state = apply_all(state, [TrackRemoved(state.tracks["V2"], "V1", ("V1",))])
    assert codes(compensate(state, ops)) == {("no_such_track", "V2")}


def test_an_old_fault_elsewhere_does_not_stop_an_undo() -> None:
    state = apply_all(EMPTY, row("a", "b"))
    bad = Transition("a", "b", 500, 500)
    state = apply_all(state, [TransitionSet(bad.key, None, bad)])
    ops = (ItemSet("a", ItemPatch(name="a"), ItemPatch(name="mine")),)
    state = apply_all(state, ops)
    assert violations(state)
    assert done(state, compensate(state, ops)).items["a"].name == "a"


# -- stacks


def event(version: int, kind: str = "edit", ref: int | None = None, actor: str = "ada") -> SequenceEdited:
    return SequenceEdited(
        originator_id=UUID(int=0),
        originator_version=version,
        timestamp=NOW,
        actor=actor,
        kind=kind,  # type: ignore[arg-type]
        ref=ref,
        intent="Test",
        ops=(),
    )


def test_stacks_are_per_actor_and_a_new_edit_clears_redo() -> None:
    stacks = Stacks().record(event(2)).record(event(3, actor="bob")).record(event(4))
    assert (stacks.undoable("ada"), stacks.undoable("bob"), stacks.undoable("eve")) == (4, 3, None)
    stacks = stacks.record(event(5, "undo", 4))
    assert (stacks.undoable("ada"), stacks.redoable("ada")) == (2, 5)
    redone = stacks.record(event(6, "redo", 5))
    assert (redone.undoable("ada"), redone.redoable("ada")) == (6, None)
    assert stacks.record(event(6)).redoable("ada") is None
    assert stacks.record(event(6, actor="bob")).redoable("ada") == 5


def test_an_undo_out_of_order_and_of_somebody_elses_edit() -> None:
    stacks = Stacks().record(event(2)).record(event(3)).record(event(4, "undo", 2))
    assert (stacks.undoable("ada"), stacks.redoable("ada")) == (3, 4)
    stacks = stacks.record(event(5, "undo", 3, actor="bob"))
    assert stacks.undoable("ada") is None
    assert stacks.redoable("bob") == 5


@pytest.mark.parametrize("kind", ["import", "merge", "revert"])
def test_other_kinds_of_edits_are_undoable(kind: str) -> None:
    assert Stacks().record(event(2, kind)).undoable("ada") == 2


def test_an_echo_and_an_archiving_are_not() -> None:
    archived = SequenceArchived(originator_id=UUID(int=0), originator_version=3, timestamp=NOW, actor="ada")
    assert Stacks().record(event(2, "sync")).record(archived) == Stacks()


def test_the_stack_has_an_end() -> None:
    stacks = Stacks()
    for version in range(LEVELS + 5):
        stacks = stacks.record(event(version))
    for version in range(LEVELS):
        top = stacks.undoable("ada")
        assert top is not None
        stacks = stacks.record(event(LEVELS + 5 + version, "undo", top))
    assert stacks.undoable("ada") is None
