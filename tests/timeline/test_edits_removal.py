"""Lift and extract."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from genlock.timeline.commands import EditCommand, ExtractItems, ExtractRange, LiftItems, LiftRange
from genlock.timeline.model import Marker
from tests.timeline.cuts import cut, do, fades, picture, refused


class Row(NamedTuple):
    before: tuple[str, ...]
    edit: EditCommand
    after: tuple[str, ...]


@pytest.mark.parametrize(
    "row",
    [
        Row(("V1= A:4 B:5 C:6",), LiftItems(("B",)), ("V1= A:4 _:5 C:6",)),
        Row(("V1= A:4 B:5 C:6",), LiftItems(("A",)), ("V1= _:4 B:5 C:6",)),
        Row(("V1= A:4 B:5 C:6",), LiftItems(("C",)), ("V1= A:4 B:5",)),
        Row(("V1= A:4 _:1 B:5 _:2 C:6",), LiftItems(("B",)), ("V1= A:4 _:8 C:6",)),
        Row(("V1= A:4 _:1 B:5",), LiftItems(("B",)), ("V1= A:4",)),
        Row(("V1= A:4 B:5 C:6 D:7",), LiftItems(("C", "B")), ("V1= A:4 _:11 D:7",)),
        Row(("V2~ A:4@0 B:5@4 C:6@9",), LiftItems(("B",)), ("V2~ A:4@0 C:6@9",)),
        Row(("V1= A:4&l B:5", "A1~ C:4@0&l"), LiftItems(("A",)), ("V1= _:4 B:5", "A1~")),
        Row(("V1= A:4&l B:5", "A1~ C:4@0&l"), LiftItems(("A",), linked=False), ("V1= _:4 B:5", "A1~ C:4@0")),
        Row(("V1= A:4 B:5 C:6",), ExtractItems(("B",)), ("V1= A:4 C:6",)),
        Row(("V1= A:4 _:2 B:5 _:2 C:6",), ExtractItems(("B",)), ("V1= A:4 _:4 C:6",)),
        Row(("V1= A:4 _:2 C:6",), ExtractItems(("gap2",)), ("V1= A:4 C:6",)),
        Row(("V1= A:4 B:5 C:6 D:7",), ExtractItems(("A", "C")), ("V1= B:5 D:7",)),
        Row(("V2~ A:4@0 B:5@10 C:6@20",), ExtractItems(("B",)), ("V2~ A:4@0 C:6@15",)),
        Row(("V2~ A:4@0 B:5@10 C:6@20",), ExtractItems(("A", "B")), ("V2~ C:6@11",)),
        # the other sync-locked tracks close by the same frames
        Row(
            ("V1= A:4 B:5 C:6", "V2~ T:3@1 U:3@9", "V3= D:4 _:5 E:3", "V4~? F:2@9", "A1~! G:15@0"),
            ExtractItems(("B",)),
            ("V1= A:4 C:6", "V2~ T:3@1 U:3@4", "V3= D:4 E:3", "V4~ F:2@9", "A1~ G:15@0"),
        ),
        # something long across the cut with nothing behind it stays
        Row(
            ("V1= A:4 B:5 C:6", "A1~ M:15@0", "A2= N:15"),
            ExtractItems(("B",)),
            ("V1= A:4 C:6", "A1~ M:15@0", "A2= N:15"),
        ),
        # the gap need not begin where the cut does
        Row(("V1= A:4 B:5 C:6", "A1= M:5 _:9 N:2"), ExtractItems(("B",)), ("V1= A:4 C:6", "A1= M:5 _:4 N:2")),
        # linked items go too and are not in the way
        Row(
            ("V1= A:4 B:5&l C:6", "A1~ a:4@0 b:5@4&l c:6@9"),
            ExtractItems(("B",)),
            ("V1= A:4 C:6", "A1~ a:4@0 c:6@4"),
        ),
        # a J-cut: the rest of the sound's room stays
        Row(
            ("V1= A:4 B:5&l C:6", "A1~ a:2@0 b:7@2&l c:6@9"),
            ExtractItems(("B",)),
            ("V1= A:4 C:6", "A1~ a:2@0 c:6@4"),
        ),
        Row(("V1= A:4 B:5&l C:6", "A1~? b:5@4&l c:6@9"), ExtractItems(("B",)), ("V1= A:4 C:6", "A1~ c:6@4")),
        Row(("V1= A:4 B:5 C:6", "V2~ T:3@5"), ExtractItems(("B",), sync=False), ("V1= A:4 C:6", "V2~ T:3@5")),
        Row(
            ("V1= A:4 B:5 C:6", "V2~ T:2@0 U:8@2 W:3@20", "V3~! L:9@3"),
            LiftRange(3, 11),
            ("V1= A:3 _:8 C:4/2", "V2~ T:2@0 U:1@2 W:3@20", "V3~ L:9@3"),
        ),
        Row(("V1= A:20 B:3",), LiftRange(5, 8), ("V1= A:5 _:3 A:12/8 B:3",)),
        Row(("V1= A:20",), LiftRange(5, 30), ("V1= A:5",)),
        Row(("V1= A:20", "V2~ B:20@0"), LiftRange(5, 8, ("V2",)), ("V1= A:20", "V2~ B:5@0 B:12@8/8")),
        Row(("V1= A:4 B:5 C:6",), ExtractRange(3, 11), ("V1= A:3 C:4/2",)),
        Row(("V1= A:20", "V2~ B:20@2"), ExtractRange(5, 8), ("V1= A:5 A:12/8", "V2~ B:3@2 B:14@5/6")),
        Row(("V1= A:20", "V2~ B:3@10"), ExtractRange(5, 8), ("V1= A:5 A:12/8", "V2~ B:3@7")),
        Row(("V1= A:4", "V2~ B:3@10"), ExtractRange(5, 8), ("V1= A:4", "V2~ B:3@7")),
        # of one track: the other sync-locked ones close by the same frames, gaps and room alike
        Row(
            ("V1= A:20", "V2~ B:2@1 C:3@10", "V3= D:4 _:5 E:3", "V4~? F:2@9", "A1~! G:15@0"),
            ExtractRange(5, 8, ("V1",)),
            ("V1= A:5 A:12/8", "V2~ B:2@1 C:3@7", "V3= D:4 _:2 E:3", "V4~ F:2@9", "A1~ G:15@0"),
        ),
        Row(("V1= A:20", "V2~ B:3@6"), ExtractRange(5, 8, ("V1",), sync=False), ("V1= A:5 A:12/8", "V2~ B:3@6")),
        Row(("V1= A:20", "V2~ B:3@9"), ExtractRange(5, 8, ("V2",), sync=False), ("V1= A:20", "V2~ B:3@6")),
    ],
)
def test_places(row: Row) -> None:
    assert picture(do(cut(*row.before), row.edit)) == list(row.after)


BASE = cut("V1= A:4 B:5&l _:3 C:6", "V2~ T:3@5 U:3@9", "A1~! b:5@4&l")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (LiftItems(()), "bad_value"),
        (LiftItems(("Z",)), "no_such_item"),
        (LiftItems(("b",)), "locked_track"),
        (LiftItems(("B",)), "locked_track"),
        (LiftItems(("gap3",)), "no_change"),
        (ExtractItems(("B",)), "locked_track"),
        (ExtractItems(("B",), linked=False), "sync_conflict"),
        (ExtractItems(("A", "Z")), "no_such_item"),
        (LiftRange(-1, 5), "before_start"),
        (LiftRange(5, 5), "bad_value"),
        (LiftRange(9, 11, ("V1",)), "no_change"),
        (LiftRange(5, 9, ("A1",)), "locked_track"),
        (LiftRange(5, 9, ("V7",)), "no_such_track"),
        (LiftRange(500, 900), "no_change"),
        (ExtractRange(500, 900), "no_change"),
        (ExtractRange(5, 3), "bad_value"),
        (ExtractRange(4, 6, ("V1",)), "sync_conflict"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


def test_a_sync_conflict_names_everything_in_the_way() -> None:
    state = cut("V1= A:4 B:5 C:6", "V2~ T:3@5 U:1@8 W:5@9", "A1~ M:7@0 N:9@10", "A2= O:9 P:3")
    answer = refused(state, ExtractItems(("B",)))
    assert [(c.code, c.id) for c in answer.conflicts] == [("sync_conflict", id_) for id_ in "TUMO"]


def test_removing_takes_markers_and_transitions() -> None:
    state = cut(
        "V1= A:9 B:9 C:9",
        transitions=("A>B 2+2", "B>C 2+2"),
        markers=(Marker("m", 3, item="B"), Marker("k", 3, item="A"), Marker("s", 3)),
    )
    for edit in (LiftItems(("B",)), ExtractItems(("B",))):
        after = do(state, edit)
        assert fades(after) == []
        assert set(after.markers) == {"k", "s"}


def test_a_fade_goes_when_a_clip_comes_to_touch() -> None:
    state = cut("V1= A:9 B:9 _:3 C:9", transitions=(">C 0+4", "B> 3+0"))
    assert fades(do(state, ExtractItems(("gap3",)))) == []
    assert fades(do(state, LiftItems(("B",)))) == [">C 0+4"]


def test_a_range_cut_out_of_linked_items_links_the_rest() -> None:
    state = cut("V1= A:20&l", "A1~ B:20@0&l")
    after = do(state, LiftRange(5, 8))
    rights = [lane.last.id for lane in after.lanes.values() if lane.last]
    assert after.links["l"] == frozenset({"A", "B"})
    assert {after.items[id_].link for id_ in rights} != {None}
    assert after.linked(rights[0]) == (rights[1],)
