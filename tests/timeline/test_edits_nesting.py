"""Nest, unnest, and several edits as one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from genlock.timeline import check
from genlock.timeline.commands import (
    AppendItem,
    Batch,
    EditCommand,
    ExtractItems,
    InsertItem,
    LiftItems,
    NestItems,
    Place,
    RenameItem,
    RippleTrimItem,
    SetEnabled,
    SetSpeed,
    SplitItem,
    UnnestItem,
)
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.events import restore
from genlock.timeline.model import Item, Marker, Nested
from genlock.timeline.ops import ItemInserted
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.sequence import Sequence, apply_all
from tests.timeline.cuts import cut, do, fades, item, picture, refused

NEW = "ab" * 16

BASE = cut(
    "V1= A:10 B:10/4 _:5 C:10 D:10",
    "V2~ T:5@3 U:5@10",
    "A1~! a:5@0",
    transitions=("A>B 2+2", "C>D 1+1", "B> 3+0"),
    markers=(Marker("m", 8, item="B"), Marker("k", 8, item="D")),
)


def nest(state: Sequence, command: NestItems) -> tuple[Sequence, Sequence]:
    """Returns the sequence with the nest in it, and the nest."""
    decision = decide(state, command, Context("c1"))
    assert isinstance(decision, Decision)
    ((id_, content),) = decision.spawned
    inner = restore(id_, 1, content)
    assert check.violations(inner) == []
    return do(state, command), inner


def test_nest_on_a_magnetic_track() -> None:
    outer, inner = nest(BASE, NestItems(("B", "C"), NEW, "Act"))
    assert picture(outer)[0] == "V1= A:10 Act:25 D:10"
    assert (picture(inner)[0].split("= ")[1], inner.tracks[inner.order[0]].name) == ("B:10/4 _:5 C:10", "V1")
    assert (fades(outer), fades(inner)) == ([], ["B> 3+0"])
    assert (set(outer.markers), set(inner.markers)) == ({"k"}, {"m"})
    (act,) = [it for it in outer.items.values() if it.name == "Act"]
    assert act.source == Nested(NEW, 0, 25)


def test_nest_on_a_free_track() -> None:
    outer, inner = nest(BASE, NestItems(("U", "T"), NEW))
    assert picture(outer)[1] == "V2~ Nest of 2 items:12@3"
    assert picture(inner)[0].endswith("~ T:5@0 U:5@7")


def test_links_that_leave_the_nest_are_cut() -> None:
    state = cut("V1= A:5&l B:5&k C:5&k", "A1~ a:5@0&l")
    outer, inner = nest(state, NestItems(("A", "B", "C"), NEW))
    assert (inner.items["A"].link, inner.items["B"].link) == (None, "k")
    assert outer.links["l"] == frozenset({"a"})


@pytest.mark.parametrize("items", [("A", "B"), ("B", "C"), ("T", "U"), ("D",)])
def test_unnest_undoes_nest(items: tuple[str, ...]) -> None:
    outer, inner = nest(BASE, NestItems(items, NEW))
    (id_,) = [it.id for it in outer.items.values() if isinstance(it.source, Nested)]
    again = do(outer, UnnestItem(id_), nested={NEW: inner}.get)
    assert picture(again) == picture(BASE)
    assert set(again.markers) == set(BASE.markers)
    lost = {"A>B", "B>", "C>D"} - set(inner.transitions)
    assert set(again.transitions) >= set(inner.transitions)
    assert all(key in lost for key in set(BASE.transitions) - set(again.transitions))


def test_unnest_what_a_trimmed_nest_shows() -> None:
    inner = replace(cut("V1= X:10/2 _:5 Y:20&k Z:5&k", "A1~ S:9@0", transitions=("Y>Z 2+2",)), id=NEW)
    for track, after in (
        ("V1= P:7 N:22/5 Q:3", "V1= P:7 X:5/7 _:5 Y:12 Q:3"),
        ("V2~ N:32@4/5", "V2~ X:5@4/7 Y:20@14 Z:2@34"),
    ):
        state = cut(track)
        it = replace(state.items["N"], source=Nested(NEW, 0, 40))
        state = replace(state, items=state.items.set("N", it))
        after_state = do(state, UnnestItem("N"), nested={NEW: inner}.get)
        assert picture(after_state) == [after]


def test_unnest_twice_makes_new_ids() -> None:
    inner = replace(cut("V1= X:10 Y:10", transitions=("X>Y 1+1",), markers=(Marker("m", 3, item="X"),)), id=NEW)
    state = cut("V1= P:7")
    for name in ("n1", "n2"):
        state = do(state, AppendItem("V1", Item(name, Nested(NEW, 0, 20), 20, name)))
        state = do(state, UnnestItem(name), nested={NEW: inner}.get)
    assert picture(state) == ["V1= P:7 X:10 Y:10 X:10 Y:10"]
    assert fades(state) == ["X>Y 1+1", "X>Y 1+1"]
    assert len(state.markers) == 2


TWO = replace(cut("V1= X:10", "V2~ Y:3@0"), id="cd" * 16)
SLOW = replace(cut("V1= X:10", rate=Rate(25)), id="ef" * 16)
NONE = replace(cut("A1= X:10"), id="0a" * 16)
LOOP = replace(cut("V1= X:10"), id="0b" * 16)
LOOP = replace(LOOP, items=LOOP.items.set("X", Item("X", Nested("s0", 0, 10), 10)))
KNOWN = {it.id: it for it in (TWO, SLOW, NONE, LOOP)}


def holding(sequence: str, **fields: object) -> Sequence:
    state = cut("V1= N:10")
    return replace(state, items=state.items.set("N", replace(Item("N", Nested(sequence, 0, 10), 10), **fields)))


@pytest.mark.parametrize(
    ("state", "edit", "code"),
    [
        (BASE, NestItems((), NEW), "bad_value"),
        (BASE, NestItems(("A",), "short"), "bad_value"),
        (BASE, NestItems(("A",), "AB" * 16), "bad_value"),
        (BASE, NestItems(("A",), TWO.id), "id_taken"),
        (BASE, NestItems(("A", "C"), NEW), "not_adjacent"),
        (BASE, NestItems(("A", "T"), NEW), "not_adjacent"),
        (BASE, NestItems(("a",), NEW), "locked_track"),
        (BASE, NestItems(("gap3",), NEW), "bad_value"),
        (BASE, UnnestItem("A"), "not_nested"),
        (BASE, UnnestItem("Z"), "no_such_item"),
        (BASE, UnnestItem("a"), "locked_track"),
        (holding("12" * 16), UnnestItem("N"), "no_such_sequence"),
        (holding(TWO.id), UnnestItem("N"), "wrong_state"),
        (holding(SLOW.id), UnnestItem("N"), "wrong_state"),
        (holding(NONE.id), UnnestItem("N"), "wrong_state"),
        (holding(TWO.id, speed=Speed(1, 2)), UnnestItem("N"), "wrong_state"),
        (BASE, InsertItem(Place("V1"), Item("", Nested(LOOP.id, 0, 5), 5)), "nesting_cycle"),
        (BASE, InsertItem(Place("V1"), Item("", Nested("s0", 0, 5), 5)), "nesting_cycle"),
    ],
)
def test_refuses(state: Sequence, edit: EditCommand, code: str) -> None:
    assert refused(state, edit, nested=KNOWN.get).code == code


def test_a_batch_is_one_edit() -> None:
    batch = Batch((RippleTrimItem("A", "tail", -2, sync=False), RenameItem("A", "SH010"), LiftItems(("D",))))
    decision = decide(BASE, batch, Context("c"))
    assert isinstance(decision, Decision)
    assert decision.intent == "Batch"
    assert decision.label == "Ripple trim A tail −2; Rename A to SH010; Lift D"
    assert picture(apply_all(BASE, decision.ops))[0] == "V1= SH010:8 B:10/4 _:5 C:10"


def test_later_ones_see_what_earlier_ones_did() -> None:
    batch = Batch((AppendItem("V1", item("X:9")), SplitItem("X", 49), RenameItem("X", "left")))
    assert picture(do(BASE, batch))[0] == "V1= A:10 B:10/4 _:5 C:10 D:10 left:4 X:5/4"


def test_all_or_nothing() -> None:
    batch = Batch((RenameItem("A", "SH010"), ExtractItems(("Z",))))
    assert refused(BASE, batch).code == "no_such_item"


def test_what_is_already_so_does_no_harm() -> None:
    batch = Batch((SetEnabled(("A",), True), RenameItem("A", "SH010"), SetSpeed("A", Speed(1))))
    assert do(BASE, batch).items["A"].name == "SH010"
    assert refused(BASE, Batch((SetEnabled(("A",), True),))).code == "no_change"
    assert refused(BASE, Batch(())).code == "no_change"


def test_ids_are_unique_across_a_batch() -> None:
    batch = Batch(tuple(AppendItem("V1", replace(item("X:3"), id="")) for _ in range(5)))
    decision = decide(BASE, batch, Context("c"))
    assert isinstance(decision, Decision)
    assert len({op.item.id for op in decision.ops if isinstance(op, ItemInserted)}) == 5
    assert decision.label.endswith("and 2 more")
    assert refused(BASE, Batch((AppendItem("V1", item("X:3")), AppendItem("V1", item("X:3"))))).code == "id_taken"


def test_a_batch_has_its_own_label_and_may_hold_others() -> None:
    batch = Batch((Batch((RenameItem("A", "x"),)), Batch((RenameItem("B", "y"),), "inner")), "Name the reel")
    decision = decide(BASE, batch, Context("c"))
    assert isinstance(decision, Decision)
    assert decision.label == "Name the reel"
    deep: EditCommand = RenameItem("A", "x")
    for _ in range(9):
        deep = Batch((deep,))
    assert refused(BASE, deep).code == "bad_value"


def test_a_batch_can_nest_and_unnest() -> None:
    nested = Item("n", Nested(NEW, 0, 20), 20)
    batch = Batch((NestItems(("C", "D"), NEW, "Act"), AppendItem("V1", nested), UnnestItem("n")))
    decision = decide(BASE, batch, Context("c"))
    assert isinstance(decision, Decision)
    assert len(decision.spawned) == 1
    assert picture(do(BASE, batch))[0] == "V1= A:10 B:10/4 _:5 Act:20 C:10 D:10"
