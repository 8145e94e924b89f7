"""Trim, ripple trim, roll, slip, slide."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from genlock.timeline.commands import AppendItem, EditCommand, RippleTrimItem, RollCut, SlideItem, SlipItem, TrimItem
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.model import Generator, Item
from genlock.timeline.ops import ItemSet
from tests.timeline.cuts import cut, do, fades, picture, refused


class Row(NamedTuple):
    before: tuple[str, ...]
    edit: EditCommand
    after: tuple[str, ...]


@pytest.mark.parametrize(
    "row",
    [
        # trim: nothing else moves
        Row(("V1= A:10 B:10 C:10",), TrimItem("B", "tail", -3), ("V1= A:10 B:7 _:3 C:10",)),
        Row(("V1= A:10 B:10 C:10",), TrimItem("B", "head", 3), ("V1= A:10 _:3 B:7/3 C:10",)),
        Row(("V1= A:10 B:10",), TrimItem("A", "head", 3), ("V1= _:3 A:7/3 B:10",)),
        Row(("V1= A:10 _:4 B:10/20",), TrimItem("B", "head", -3), ("V1= A:10 _:1 B:13/17",)),
        Row(("V1= A:10 _:4 B:10/20",), TrimItem("B", "head", -4), ("V1= A:10 B:14/16",)),
        Row(("V1= A:10 _:4 B:10",), TrimItem("A", "tail", 4), ("V1= A:14 B:10",)),
        Row(("V1= A:10",), TrimItem("A", "tail", 4), ("V1= A:14",)),
        Row(("V1= A:10 B:10",), TrimItem("B", "tail", -4), ("V1= A:10 B:6",)),
        Row(("V2~ A:10@3 B:10@20",), TrimItem("A", "head", 3), ("V2~ A:7@6/3 B:10@20",)),
        Row(("V2~ A:10@3/9 B:10@20",), TrimItem("A", "head", -3), ("V2~ A:13@0/6 B:10@20",)),
        Row(("V2~ A:10@3 B:10@20",), TrimItem("A", "tail", 7), ("V2~ A:17@3 B:10@20",)),
        # speed and rate: source frames per sequence frame, rounded down
        Row(("V2~ A:10@0*2",), TrimItem("A", "head", 3), ("V2~ A:7@3/6*2",)),
        Row(("V2~ A:10@0*1r2",), TrimItem("A", "head", 3), ("V2~ A:7@3/1*1r2",)),
        Row(("V2~ A:10@0/9*-1",), TrimItem("A", "head", 3), ("V2~ A:7@3/6*-1",)),
        Row(("V2~ A:10@0/9*0",), TrimItem("A", "head", 3), ("V2~ A:7@3/9*0",)),
        Row(("V2~ A:10@0%48",), TrimItem("A", "head", 3), ("V2~ A:7@3/6",)),
        # linked
        Row(("V1= A:10&l B:9", "A1~ a:10@0&l"), TrimItem("A", "tail", -2), ("V1= A:8 _:2 B:9", "A1~ a:8@0")),
        Row(
            ("V1= A:10&l B:9", "A1~ a:10@0&l"),
            TrimItem("A", "tail", -2, linked=False),
            ("V1= A:8 _:2 B:9", "A1~ a:10@0"),
        ),
        # ripple trim: later items come along
        Row(("V1= A:10 B:10 C:10",), RippleTrimItem("B", "tail", -3), ("V1= A:10 B:7 C:10",)),
        Row(("V1= A:10 B:10 C:10",), RippleTrimItem("B", "head", 3), ("V1= A:10 B:7/3 C:10",)),
        Row(("V1= A:10 B:10/9 C:10",), RippleTrimItem("B", "head", -3), ("V1= A:10 B:13/6 C:10",)),
        Row(("V1= A:10 _:5 C:10",), RippleTrimItem("gap2", "tail", -3), ("V1= A:10 _:2 C:10",)),
        Row(("V2~ A:10@3 B:10@20",), RippleTrimItem("A", "tail", 9), ("V2~ A:19@3 B:10@29",)),
        Row(("V2~ A:10@3 B:10@20",), RippleTrimItem("A", "tail", -9), ("V2~ A:1@3 B:10@11",)),
        Row(("V2~ A:10@3 B:10@20",), RippleTrimItem("A", "head", 4), ("V2~ A:6@3/4 B:10@16",)),
        Row(
            ("V1= A:10 B:10 C:10", "V2~ T:4@12 U:4@20", "A1= M:10 _:10 N:5"),
            RippleTrimItem("B", "tail", -3),
            ("V1= A:10 B:7 C:10", "V2~ T:4@12 U:4@17", "A1= M:10 _:7 N:5"),
        ),
        Row(
            ("V1= A:10 B:10 C:10", "V2~ T:4@12 U:4@20", "A1= M:10 _:10 N:5"),
            RippleTrimItem("B", "tail", 3),
            ("V1= A:10 B:13 C:10", "V2~ T:4@12 U:4@23", "A1= M:10 _:13 N:5"),
        ),
        Row(
            ("V1= A:10 B:10/9 C:10", "V2~ T:4@12"),
            RippleTrimItem("B", "head", -3),
            ("V1= A:10 B:13/6 C:10", "V2~ T:4@15"),
        ),
        Row(
            ("V1= A:10 B:10 C:10", "V2~ T:4@17"),
            RippleTrimItem("B", "tail", -3, sync=False),
            ("V1= A:10 B:7 C:10", "V2~ T:4@17"),
        ),
        Row(
            ("V1= A:10 B:10&l C:9", "A1~ a:10@0 b:10@10&l c:9@20"),
            RippleTrimItem("B", "tail", -3),
            ("V1= A:10 B:7 C:9", "A1~ a:10@0 b:7@10 c:9@17"),
        ),
        # roll
        Row(("V1= A:10 B:10",), RollCut("A", "B", 3), ("V1= A:13 B:7/3",)),
        Row(("V1= A:10 B:10/9",), RollCut("A", "B", -3), ("V1= A:7 B:13/6",)),
        Row(("V2~ A:10@2 B:10@12",), RollCut("A", "B", 3), ("V2~ A:13@2 B:7@15/3",)),
        Row(("V2~ A:10@2 B:10@12/9",), RollCut("A", "B", -3), ("V2~ A:7@2 B:13@9/6",)),
        Row(("V1= A:10 _:4 B:10",), RollCut("A", "gap2", 4), ("V1= A:14 B:10",)),
        Row(("V1= A:10 _:4 B:10/9",), RollCut("gap2", "B", -4), ("V1= A:10 B:14/5",)),
        Row(
            ("V1= A:10&l B:10&k", "A1~ a:10@0&l b:10@10&k", "A2~ c:4@0&l"),
            RollCut("A", "B", 3),
            ("V1= A:13 B:7/3", "A1~ a:13@0 b:7@13/3", "A2~ c:4@0"),
        ),
        Row(
            ("V1= A:10&l B:10&k", "A1~ a:10@0&l b:10@10&k"),
            RollCut("A", "B", 3, linked=False),
            ("V1= A:13 B:7/3", "A1~ a:10@0 b:10@10"),
        ),
        # slip counts source frames; members count theirs
        Row(("V1= A:10/9 B:3",), SlipItem("A", -4), ("V1= A:10/5 B:3",)),
        Row(("V1= A:10/9*2",), SlipItem("A", -4), ("V1= A:10/5*2",)),
        Row(("V1= A:10/9&l", "A1~ a:10@0/9%48&l"), SlipItem("A", 4), ("V1= A:10/13", "A1~ a:10@0/17")),
        # slide
        Row(("V1= A:10 B:10 C:10",), SlideItem("B", 3), ("V1= A:13 B:10 C:7/3",)),
        Row(("V1= A:10 B:10 C:10/9",), SlideItem("B", -3), ("V1= A:7 B:10 C:13/6",)),
        Row(("V1= A:10 _:5 B:10 C:10/9",), SlideItem("B", -5), ("V1= A:10 B:10 C:15/4",)),
        Row(("V1= A:10 B:10",), SlideItem("B", 3), ("V1= A:13 B:10",)),
        Row(("V1= A:10 B:10",), SlideItem("A", 3), ("V1= _:3 A:10 B:7/3",)),
        Row(("V1= A:10 B:10 _:5 C:3",), SlideItem("B", 5), ("V1= A:15 B:10 C:3",)),
        Row(("V2~ A:10@0 B:10@10 C:10@20",), SlideItem("B", 3), ("V2~ A:13@0 B:10@13 C:7@23/3",)),
        Row(("V2~ A:10@0 B:10@12 C:10@30",), SlideItem("B", 3), ("V2~ A:10@0 B:10@15 C:10@30",)),
        Row(("V2~ A:10@0 B:10@10 C:10@20/9",), SlideItem("B", -3), ("V2~ A:7@0 B:10@7 C:13@17/6",)),
    ],
)
def test_places(row: Row) -> None:
    assert picture(do(cut(*row.before), row.edit)) == list(row.after)


BASE = cut(
    "V1= A:10/2[0+20] B:10/9[0+20]&l _:3 C:4",
    "V2~ T:10@2 U:10@12 W:5@25",
    "A1~! b:10@10&l",
    "A2~ m:10@0&k n:10@40&k",
)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (TrimItem("Z", "head", 1), "no_such_item"),
        (TrimItem("A", "head", 0), "no_change"),
        (TrimItem("A", "head", 10), "too_short"),
        (TrimItem("A", "tail", -10), "too_short"),
        (TrimItem("A", "tail", 1), "overlap"),
        (TrimItem("C", "head", -4), "overlap"),
        (TrimItem("A", "head", -1), "before_start"),
        (TrimItem("T", "head", -3), "before_start"),
        (TrimItem("T", "tail", 3), "overlap"),
        (TrimItem("B", "tail", -1), "locked_track"),
        (TrimItem("b", "tail", -1), "locked_track"),
        (TrimItem("B", "tail", 2, linked=False), "outside_media"),
        (TrimItem("gap3", "tail", 2), "bad_value"),
        (RippleTrimItem("A", "head", -3), "outside_media"),
        (RippleTrimItem("A", "tail", 9), "outside_media"),
        (RippleTrimItem("A", "tail", -10), "too_short"),
        (RippleTrimItem("A", "tail", -2), "sync_conflict"),
        (RippleTrimItem("B", "tail", -2), "locked_track"),
        (RollCut("A", "C", 1), "not_adjacent"),
        (RollCut("B", "A", 1), "not_adjacent"),
        (RollCut("U", "W", 1), "not_adjacent"),
        (RollCut("T", "A", 1), "not_adjacent"),
        (RollCut("T", "U", 10), "too_short"),
        (RollCut("T", "U", -10), "too_short"),
        (RollCut("A", "B", -10, linked=False), "too_short"),
        (RollCut("A", "B", 0), "no_change"),
        (SlipItem("A", 9), "outside_media"),
        (SlipItem("A", -3), "outside_media"),
        (SlipItem("B", 1), "locked_track"),
        (SlipItem("gap3", 1), "bad_value"),
        (SlideItem("T", -3), "before_start"),
        (SlideItem("T", 10), "too_short"),
        (SlideItem("W", -4), "overlap"),
        (SlideItem("A", -1), "before_start"),
        (SlideItem("C", -4), "overlap"),
        (SlideItem("m", -1), "before_start"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (RippleTrimItem("A", "head", -5), "A has 2 frames of handle left at its head; the edit needs 5."),
        (RippleTrimItem("A", "tail", 9), "A has 8 frames of handle left at its tail; the edit needs 9."),
        (RippleTrimItem("B", "tail", 9, linked=False), "B has 1 frame of handle left at its tail; the edit needs 9."),
        (TrimItem("A", "tail", -10), "A has 10 frames; 10 cannot come off."),
        (TrimItem("A", "tail", 1), "B is in the way of A."),
    ],
)
def test_says_how_far_it_could_go(edit: EditCommand, message: str) -> None:
    assert refused(BASE, edit).message == message


def test_handles_of_reversed_clips_lie_the_other_way() -> None:
    state = cut("V1= A:10/12*-1[0+20]")
    assert picture(do(state, RippleTrimItem("A", "head", -7))) == ["V1= A:17/19*-1"]
    assert picture(do(state, RippleTrimItem("A", "tail", 3))) == ["V1= A:13/12*-1"]
    assert refused(state, RippleTrimItem("A", "head", -8)).message.startswith(
        "A has 7 frames of handle left at its head"
    )
    assert refused(state, RippleTrimItem("A", "tail", 4)).message.startswith(
        "A has 3 frames of handle left at its tail"
    )


def test_an_edit_keeps_transitions_that_still_fit() -> None:
    state = cut("V1= A:10/4[0+20] B:10/4[0+20]", transitions=("A>B 3+3",))
    assert fades(do(state, RollCut("A", "B", 1))) == ["A>B 3+3"]
    assert fades(do(state, SlipItem("A", 2))) == ["A>B 3+3"]
    assert refused(state, SlipItem("A", 5)).code == "not_enough_handle"
    assert refused(state, SlipItem("B", -2)).code == "not_enough_handle"
    assert refused(state, RollCut("A", "B", 4)).code == "not_enough_handle"
    assert refused(state, RippleTrimItem("B", "tail", -8)).code == "too_short"


def test_a_trim_that_parts_neighbours_drops_the_transition() -> None:
    state = cut("V1= A:10 B:10", "V2~ T:9@0 U:9@9", transitions=("A>B 3+3", "T>U 1+1"))
    assert fades(do(state, TrimItem("A", "tail", -1))) == ["T>U 1+1"]
    assert fades(do(state, TrimItem("U", "head", 1))) == ["A>B 3+3"]


def test_a_generator_has_nothing_to_slip() -> None:
    state = cut("V1= A:10")
    state = do(state, AppendItem("V1", Item("G", Generator("bars"), 9)))
    assert refused(state, SlipItem("G", 3)).code == "no_change"
    assert picture(do(state, TrimItem("G", "head", 3))) == ["V1= A:10 _:3 :6"]


def test_labels_are_in_plain_words() -> None:
    state = cut("V1= A:20 B:10")
    for edit, label in (
        (RippleTrimItem("A", "tail", -12), "Ripple trim A tail −12"),
        (TrimItem("A", "head", 3), "Trim A head +3"),
        (RollCut("A", "B", 2), "Roll A / B +2"),
        (SlipItem("B", -4), "Slip B −4"),
        (SlideItem("B", 4), "Slide B +4"),
    ):
        decision = decide(state, edit, Context("c"))
        assert isinstance(decision, Decision)
        assert decision.label == label


def test_a_ripple_trim_on_a_magnetic_track_is_one_op() -> None:
    decision = decide(cut("V1= A:20 B:10 C:10"), RippleTrimItem("A", "tail", -12), Context("c"))
    assert isinstance(decision, Decision)
    (op,) = decision.ops
    assert isinstance(op, ItemSet)
