"""Insert, overwrite, append, fill."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from msgspec.structs import replace

from genlock.timeline.commands import AppendItem, EditCommand, FillGap, InsertItem, OverwriteItem, Place
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.model import Gap, Item, Marker, Media, Nested
from genlock.timeline.ops import ItemInserted, ItemSet
from genlock.timeline.rate import Rate, Speed
from tests.timeline.cuts import cut, do, fades, item, picture, refused

X = item("X:6")


class Row(NamedTuple):
    before: tuple[str, ...]
    edit: EditCommand
    after: tuple[str, ...]


@pytest.mark.parametrize(
    "row",
    [
        # magnetic
        Row(("V1= A:10 B:10",), InsertItem(Place("V1", after="A"), X), ("V1= A:10 X:6 B:10",)),
        Row(("V1= A:10 B:10",), InsertItem(Place("V1"), X), ("V1= A:10 B:10 X:6",)),
        Row(("V1=",), InsertItem(Place("V1", at=5), X), ("V1= _:5 X:6",)),
        Row(("V1= A:10 _:8 B:10",), InsertItem(Place("V1", at=13), X), ("V1= A:10 _:3 X:6 _:5 B:10",)),
        Row(("V1= A:10 B:10",), InsertItem(Place("V1", at=13), X), ("V1= A:10 B:3 X:6 B:7/3",)),
        Row(("V1= A:10 B:4",), InsertItem(Place("V1", at=5), item("_:3")), ("V1= A:5 _:3 A:5/5 B:4",)),
        Row(("V1= A:10 _:4 B:4",), InsertItem(Place("V1", at=12), item("_:3")), ("V1= A:10 _:7 B:4",)),
        # free: what lies across is cut, room stays room
        Row(("V2~ A:10@0 B:10@30",), InsertItem(Place("V2", at=4), X), ("V2~ A:4@0 X:6@4 A:6@10/4 B:10@36",)),
        Row(("V2~ A:10@0 B:10@30",), InsertItem(Place("V2", at=15), X), ("V2~ A:10@0 X:6@15 B:10@36",)),
        Row(("V2~ A:10@0 B:10@30",), InsertItem(Place("V2", after="B"), X), ("V2~ A:10@0 B:10@30 X:6@40",)),
        # the other sync-locked tracks open too: what lies across stays, locked and unlocked-from-sync ones stay
        Row(
            (
                "V1= A:10 B:10",
                "V2~ C:4@2 D:4@8 E:4@12",
                "V3=  F:8 G:8 H:8",
                "V4~? I:4@20",
                "V5~! J:4@20",
                "A1= K:30",
                "A2= L:5 _:7 M:3",
            ),
            InsertItem(Place("V1", at=10), X),
            (
                "V1= A:10 X:6 B:10",
                "V2~ C:4@2 D:4@8 E:4@18",
                "V3= F:8 G:8 _:6 H:8",
                "V4~ I:4@20",
                "V5~ J:4@20",
                "A1= K:30",
                "A2= L:5 _:13 M:3",
            ),
        ),
        Row(("V1= A:10", "V2~ C:4@12"), InsertItem(Place("V1", at=0), X, sync=False), ("V1= X:6 A:10", "V2~ C:4@12")),
        # overwrite
        Row(("V2~ A:10@0 B:10@30",), OverwriteItem("V2", 8, item("X:30")), ("V2~ A:8@0 X:30@8 B:2@38/8",)),
        Row(("V2~ A:30@0",), OverwriteItem("V2", 8, X), ("V2~ A:8@0 X:6@8 A:16@14/14",)),
        Row(("V2~ A:3@9",), OverwriteItem("V2", 8, X), ("V2~ X:6@8",)),
        Row(("V1= A:3 _:4 B:5",), OverwriteItem("V1", 2, X), ("V1= A:2 X:6 B:4/1",)),
        Row(("V1= A:3 B:5",), OverwriteItem("V1", 5, X), ("V1= A:3 B:2 X:6",)),
        Row(("V1= A:3 B:5",), OverwriteItem("V1", 5, item("_:9")), ("V1= A:3 B:2",)),
        Row(("V1= A:30*1r2",), OverwriteItem("V1", 9, X), ("V1= A:9*1r2 X:6 A:15/7*1r2",)),
        Row(("V1= A:30/50*-1",), OverwriteItem("V1", 9, X), ("V1= A:9/50*-1 X:6 A:15/35*-1",)),
        # append
        Row(("V1= A:3",), AppendItem("V1", X), ("V1= A:3 X:6",)),
        Row(("V2~ A:3@5",), AppendItem("V2", X), ("V2~ A:3@5 X:6@8",)),
        Row(("V2~",), AppendItem("V2", X), ("V2~ X:6@0",)),
        # fill
        Row(("V2~ A:3@0 B:3@13",), FillGap("V2", 7, item("X:30")), ("V2~ A:3@0 X:10@3 B:3@13",)),
        Row(("V2~ B:3@13",), FillGap("V2", 7, X), ("V2~ X:6@0 B:3@13",)),
        Row(("V2~ A:3@0 B:3@13",), FillGap("V2", 3, X, "source"), ("V2~ A:3@0 X:6@3 B:3@13",)),
        Row(("V2~ A:3@0 B:3@15",), FillGap("V2", 3, X, "speed"), ("V2~ A:3@0 X:12@3*1r2 B:3@15",)),
        Row(("V1= _:9 A:3",), FillGap("V1", 3, X), ("V1= X:6 _:3 A:3",)),
    ],
)
def test_places(row: Row) -> None:
    assert picture(do(cut(*row.before), row.edit)) == list(row.after)


BASE = cut("V1= A:10 _:6 B:10", "V2~ C:10@0 D:10@20", "V3~! E:5@0")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (InsertItem(Place("V9"), X), "no_such_track"),
        (InsertItem(Place("V3"), X), "locked_track"),
        (InsertItem(Place("V1", after="Z"), X), "no_such_item"),
        (InsertItem(Place("V1", after="C"), X), "bad_value"),
        (InsertItem(Place("V1", at=-1), X), "before_start"),
        (InsertItem(Place("V1"), replace(X, duration=0)), "too_short"),
        (InsertItem(Place("V1"), replace(X, speed=Speed(1, 0))), "bad_value"),
        (InsertItem(Place("V1"), replace(X, id="a>b")), "bad_value"),
        (InsertItem(Place("V1"), replace(X, source=Media("m", 0, -1))), "bad_value"),
        (InsertItem(Place("V1"), replace(X, source=Media("m", rate=Rate(0)))), "bad_rate"),
        (InsertItem(Place("V1"), replace(X, id="A")), "id_taken"),
        (InsertItem(Place("V1"), item("X:6/5[0+10]")), "outside_media"),
        (InsertItem(Place("V1"), Item("", Nested("s0", 0, 9), 9)), "nesting_cycle"),
        (InsertItem(Place("V1"), item("_:6")), "no_change"),
        (InsertItem(Place("V2"), item("_:6")), "wrong_placement"),
        (OverwriteItem("V1", -3, X), "before_start"),
        (OverwriteItem("V3", 3, X), "locked_track"),
        (AppendItem("V3", X), "locked_track"),
        (AppendItem("V1", item("_:6")), "no_change"),
        (FillGap("V1", 3, X), "no_gap_here"),
        (FillGap("V2", 3, X), "no_gap_here"),
        (FillGap("V2", 30, X), "no_gap_here"),
        (FillGap("V1", 12, item("X:7"), "source"), "overlap"),
        (FillGap("V1", 12, item("_:6")), "bad_value"),
        (FillGap("V3", 12, X), "locked_track"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


def test_a_refusal_names_what_stands_against_it() -> None:
    answer = refused(BASE, InsertItem(Place("V3"), X))
    assert [(c.code, c.id) for c in answer.conflicts] == [("locked_track", "V3")]


def test_ids_come_from_the_command() -> None:
    """An empty id is filled, halves get one too; another command id makes others."""
    edit = InsertItem(Place("V2", at=4), replace(X, id=""))
    one, two = (decide(BASE, edit, Context(name)) for name in ("c1", "c2"))
    assert isinstance(one, Decision)
    assert isinstance(two, Decision)
    made = [{op.item.id for op in it.ops if isinstance(op, ItemInserted)} for it in (one, two)]
    assert len(made[0]) == 2
    assert not made[0] & made[1]
    assert all(id_.startswith("i") and len(id_) == 17 for id_ in made[0])


def test_an_insert_on_a_magnetic_track_is_small() -> None:
    decision = decide(cut("V1= A:10 B:10"), InsertItem(Place("V1", at=4), X), Context("c"))
    assert isinstance(decision, Decision)
    assert [type(op) for op in decision.ops] == [ItemSet, ItemInserted, ItemInserted]
    assert (decision.intent, decision.label) == ("InsertItem", "Insert X")


def test_transitions_survive_only_between_neighbours() -> None:
    state = cut("V1= A:10 B:10 C:10", transitions=("A>B 2+2", "B>C 2+2", ">A 0+1"))
    assert fades(do(state, InsertItem(Place("V1", after="A"), X))) == [">A 0+1", "B>C 2+2"]
    assert fades(do(state, OverwriteItem("V1", 10, item("X:4")))) == [">A 0+1", "B>C 2+2"]
    assert fades(do(state, InsertItem(Place("V1", at=0), X))) == ["A>B 2+2", "B>C 2+2"]
    # the right half takes the transition at the tail along
    after = do(state, InsertItem(Place("V1", at=15), X))
    assert fades(after) == [">A 0+1", "A>B 2+2", "B>C 2+2"]
    assert {it.left for it in after.transitions.values()} & {"B"} == set()


def test_a_transition_left_too_little_refuses() -> None:
    state = cut("V1= A:10 B:10", transitions=("A>B 2+4",))
    assert refused(state, InsertItem(Place("V1", at=13), X)).code == "too_short"


def test_overwritten_items_take_their_markers_along() -> None:
    state = cut("V1= A:10 B:10", markers=(Marker("m", 3, item="B"), Marker("k", 3, item="A")))
    assert set(do(state, OverwriteItem("V1", 10, item("X:10"))).markers) == {"k"}


def test_markers_go_with_the_half_that_shows_them() -> None:
    state = cut(
        "V1= A:20/100", markers=(Marker("m1", 103, item="A"), Marker("m2", 112, item="A"), Marker("m3", 99, item="A"))
    )
    after = do(state, OverwriteItem("V1", 8, item("X:3")))
    right = after.lanes["V1"].last
    assert right
    assert {id_: marker.item for id_, marker in after.markers.items()} == {"m1": "A", "m2": right.id, "m3": "A"}


def test_a_gap_item_holds_nothing_at_the_end() -> None:
    state = cut("V1= A:10")
    assert refused(state, InsertItem(Place("V1", at=10), Item("g", Gap(), 5))).code == "no_change"
