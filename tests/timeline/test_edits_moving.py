"""Move, within a track and across, with and without ripple, and over what lies there."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from genlock.timeline.commands import MoveItems, Place
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.model import Marker
from genlock.timeline.ops import ItemMoved
from tests.timeline.cuts import cut, do, fades, picture, refused


class Row(NamedTuple):
    before: tuple[str, ...]
    edit: MoveItems
    after: tuple[str, ...]


def move(items: str, track: str, at: int | None = None, after: str | None = None, **how: bool) -> MoveItems:
    return MoveItems(tuple(items), Place(track, at, after), **how)


ROWS = [
    # free tracks
    Row(("V2~ A:10@0 B:10@20",), move("A", "V2", 5), ("V2~ A:10@5 B:10@20",)),
    Row(("V2~ A:10@0 B:10@20",), move("A", "V2"), ("V2~ B:10@20 A:10@30",)),
    Row(("V2~ A:10@0 B:10@20",), move("B", "V2"), ("V2~ A:10@0 B:10@10",)),
    Row(("V2~ A:10@0 B:10@20",), move("A", "V2", after="B"), ("V2~ B:10@20 A:10@30",)),
    Row(("V2~ A:10@0 B:10@20",), move("AB", "V2", 5), ("V2~ A:10@5 B:10@25",)),
    Row(("V2~ A:10@0 B:10@20",), move("BA", "V2", 25), ("V2~ A:10@5 B:10@25",)),
    Row(("V2~ A:10@0 B:10@10",), move("AB", "V2", 3), ("V2~ A:10@3 B:10@13",)),
    Row(("V2~ A:10@0 B:10@20", "V3~"), move("A", "V3", 5), ("V2~ B:10@20", "V3~ A:10@5")),
    Row(("V2~ A:10@0&l", "A1~ a:10@2&l", "V3~"), move("A", "V3", 5), ("V2~", "A1~ a:10@7", "V3~ A:10@5")),
    Row(("V2~ A:10@0&l", "A1~ a:10@2&l"), move("A", "V2", 5, linked=False), ("V2~ A:10@5", "A1~ a:10@2")),
    Row(("V2~ A:10@0", "V3~ B:10@3"), move("AB", "V2", 5), ("V2~ A:10@5", "V3~ B:10@8")),
    # free with ripple: the target opens, the hole closes
    Row(("V2~ A:10@0 B:10@10 C:10@20",), move("A", "V2", 30, ripple=True), ("V2~ B:10@0 C:10@10 A:10@20",)),
    Row(("V2~ A:10@0 B:10@10 C:10@20",), move("C", "V2", 0, ripple=True), ("V2~ C:10@0 A:10@10 B:10@20",)),
    Row(("V2~ A:10@0 B:10@10 C:10@20",), move("A", "V2", 20, ripple=True), ("V2~ B:10@0 A:10@10 C:10@20",)),
    Row(("V2~ A:10@0 B:10@10 C:10@20",), move("A", "V2", 15, ripple=True), ("V2~ B:5@0 A:10@5 B:5@15/5 C:10@20",)),
    Row(
        ("V2~ A:10@0 B:10@10", "V3~ C:10@0"),
        move("A", "V3", 0, ripple=True, sync=False),
        ("V2~ B:10@0", "V3~ A:10@0 C:10@10"),
    ),
    # magnetic: always with ripple
    Row(("V1= A:10 B:10 C:10",), move("A", "V1"), ("V1= B:10 C:10 A:10",)),
    Row(("V1= A:10 B:10 C:10",), move("C", "V1", 0), ("V1= C:10 A:10 B:10",)),
    Row(("V1= A:10 B:10 C:10",), move("A", "V1", after="B"), ("V1= B:10 A:10 C:10",)),
    Row(("V1= A:10 B:10 C:10",), move("A", "V1", 15), ("V1= B:5 A:10 B:5/5 C:10",)),
    Row(("V1= A:10 B:10 C:10 D:10",), move("AB", "V1", 30), ("V1= C:10 A:10 B:10 D:10",)),
    Row(("V1= A:10 B:10 C:10 D:10",), move("AC", "V1"), ("V1= B:10 D:10 A:10 _:10 C:10",)),
    Row(("V1= A:10 _:3 B:10 _:4 C:10",), move("B", "V1"), ("V1= A:10 _:7 C:10 B:10",)),
    Row(
        ("V1= A:10 B:10 C:10", "V2~ D:10@50"), move("B", "V2", 10, sync=False), ("V1= A:10 C:10", "V2~ B:10@10 D:10@50")
    ),
    # across, with the rest of the sequence kept in sync
    Row(("V1= A:10 B:10 C:10", "V2~ D:10@50"), move("B", "V2", 10), ("V1= A:10 C:10", "V2~ B:10@10 D:10@40")),
    Row(("V1= A:10 B:10 C:10", "V2~ D:10@50"), move("B", "V2", 25), ("V1= A:10 C:10", "V2~ B:10@15 D:10@40")),
    Row(("V1= A:10 B:10", "V2~ D:10@50"), move("D", "V1", 10), ("V1= A:10 D:10 B:10", "V2~")),
    Row(("V1= A:10 B:10", "V2~ D:10@50 E:5@70"), move("D", "V1", 10), ("V1= A:10 D:10 B:10", "V2~ E:5@80")),
    Row(
        ("V1= A:10 B:10 C:10", "V2= D:10 E:10"),
        move("B", "V2", 10, sync=False),
        ("V1= A:10 C:10", "V2= D:10 B:10 E:10"),
    ),
    # each track opens and closes for itself when sync is off
    Row(
        ("V2~ A:9@0 B:5@20 C:5@30", "V3~ D:4@2"),
        move("B", "V3", 2, ripple=True, sync=False),
        ("V2~ A:9@0 C:5@25", "V3~ B:5@2 D:4@7"),
    ),
    Row(
        ("V2~ A:9@0 B:5@20 C:5@30", "V3~? D:4@2"),
        move("A", "V3", 60, ripple=True),
        ("V2~ B:5@11 C:5@21", "V3~ D:4@2 A:9@60"),
    ),
    Row(("V1= A:10 B:10 C:10", "V2= D:10 _:20 E:5"), move("B", "V2"), ("V1= A:10 C:10", "V2= D:10 _:10 E:5 B:10")),
    # linked sound on a track out of sync lock goes as far as its picture does
    Row(("V1= A:10&l B:10 C:10", "A1~? a:10@0&l"), move("A", "V1", 20), ("V1= B:10 A:10 C:10", "A1~ a:10@10")),
    # linked sound on a sync-locked track moves with its picture
    Row(
        ("V1= A:10&l B:10&k C:10&m", "A1~ a:10@0&l b:10@10&k c:10@20&m"),
        move("A", "V1", 20),
        ("V1= B:10 A:10 C:10", "A1~ b:10@0 a:10@10 c:10@20"),
    ),
    Row(
        ("V1= A:10&l B:10&k C:10&m", "A1~ a:10@0&l b:10@10&k c:10@20&m"),
        move("C", "V1", 0),
        ("V1= C:10 A:10 B:10", "A1~ c:10@0 a:10@10 b:10@20"),
    ),
    Row(
        ("V1= A:10&l B:10&k C:10&m", "A1= a:10&l b:10&k c:10&m"),
        move("A", "V1", 20),
        ("V1= B:10 A:10 C:10", "A1= b:10 a:10 c:10"),
    ),
    # over
    Row(("V2~ A:10@0 B:10@20",), move("A", "V2", 15, overwrite=True), ("V2~ A:10@15 B:5@25/5",)),
    Row(("V2~ A:10@0 B:30@20",), move("A", "V2", 30, overwrite=True), ("V2~ B:10@20 A:10@30 B:10@40/20",)),
    Row(("V2~ A:10@0 B:10@20",), move("A", "V2", 5, overwrite=True), ("V2~ A:10@5 B:10@20",)),
    Row(("V1= A:10 B:10 C:10",), move("A", "V1", 15, overwrite=True), ("V1= _:10 B:5 A:10 C:5/5",)),
    Row(("V1= A:10 B:10 C:10",), move("C", "V1", 5, overwrite=True), ("V1= A:5 C:10 B:5/5",)),
    Row(("V1= A:10 B:10 C:10",), move("B", "V1", 13, overwrite=True), ("V1= A:10 _:3 B:10 C:7/3",)),
    Row(("V1= A:10 B:10",), move("A", "V1", 30, overwrite=True), ("V1= _:10 B:10 _:10 A:10",)),
    Row(("V1= A:10 B:10 C:10",), move("AB", "V1", 5, overwrite=True), ("V1= _:5 A:10 B:10 C:5/5",)),
    Row(
        ("V1= A:10 B:10 C:10", "V2~ D:10@5"),
        move("B", "V2", 10, overwrite=True),
        ("V1= A:10 _:10 C:10", "V2~ D:5@5 B:10@10"),
    ),
    Row(("V1= A:10 B:10", "V2~ D:10@5"), move("D", "V1", 5, overwrite=True), ("V1= A:5 D:10 B:5/5", "V2~")),
    Row(("V1= A:10 B:10", "V2= D:10"), move("D", "V1", 25, overwrite=True), ("V1= A:10 B:10 _:5 D:10", "V2=")),
]


@pytest.mark.parametrize("row", ROWS)
def test_places(row: Row) -> None:
    assert picture(do(cut(*row.before), row.edit)) == list(row.after)


BASE = cut("V1= A:10 B:10 _:3 C:10", "V2~ T:10@5 U:10@20&l", "V3~! W:5@0", "A1~ k:10@2&l m:10@25")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (move("", "V1"), "bad_value"),
        (move("Z", "V1"), "no_such_item"),
        (move("A", "V9"), "no_such_track"),
        (move("A", "V3"), "locked_track"),
        (move("W", "V2"), "locked_track"),
        (move("A", "A1"), "wrong_track_kind"),
        (move("m", "V2"), "wrong_track_kind"),
        (move("T", "V2", -1), "before_start"),
        (move("U", "V2", 3), "before_start"),
        (move("T", "V2", 15), "overlap"),
        (move("T", "V2", 5), "no_change"),
        (move("T", "V2", 5, overwrite=True), "no_change"),
        (move("A", "V1", 0), "no_change"),
        (move("A", "V1", 4), "no_change"),
        (move("A", "V1", 10), "no_change"),
        (move("A", "V1", after="A"), "bad_value"),
        (move("A", "V1", after="T"), "bad_value"),
        (MoveItems(("gap3",), Place("V1", 0)), "bad_value"),
        (move("A", "V1"), "sync_conflict"),
    ],
)
def test_refuses(edit: MoveItems, code: str) -> None:
    assert refused(BASE, edit).code == code


def test_a_reorder_on_a_magnetic_track_is_one_op() -> None:
    decision = decide(cut("V1= A:10 B:10 C:10"), move("A", "V1"), Context("c"))
    assert isinstance(decision, Decision)
    (op,) = decision.ops
    assert isinstance(op, ItemMoved)
    assert (op.before.after, op.after.after, op.after.lefts) == (None, "C", ("B",))


def test_a_moved_item_keeps_its_markers_and_link_and_loses_its_transitions() -> None:
    state = cut(
        "V1= A:10 B:10&l C:10 D:10",
        "V2~ T:5@90&l",
        transitions=("A>B 1+1", "B>C 1+1", "C>D 1+1"),
        markers=(Marker("m", 3, item="B"),),
    )
    after = do(state, move("B", "V1", linked=False, sync=False))
    assert fades(after) == ["C>D 1+1"]
    assert after.markers["m"].item == "B"
    assert after.linked("B") == ("T",)


def test_items_moved_together_keep_the_transition_between_them() -> None:
    state = cut("V2~ A:10@0 B:10@10", transitions=("A>B 1+1",))
    assert fades(do(state, move("AB", "V2", 40))) == ["A>B 1+1"]
    state = cut("V1= A:10 B:10 C:10", transitions=("A>B 1+1", "B>C 1+1"))
    assert fades(do(state, move("AB", "V1"))) == ["A>B 1+1"]
