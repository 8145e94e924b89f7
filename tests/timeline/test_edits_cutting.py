"""Split and join."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from genlock.timeline.commands import EditCommand, JoinItems, SplitAt, SplitItem
from genlock.timeline.model import Marker
from tests.timeline.cuts import cut, do, fades, item, picture, refused


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ("V1= A:10 B:10", SplitItem("B", 13), "V1= A:10 B:3 B:7/3"),
        ("V2~ A:10@5/7", SplitItem("A", 9), "V2~ A:4@5/7 A:6@9/11"),
        ("V1= A:10*2", SplitItem("A", 3), "V1= A:3*2 A:7/6*2"),
        ("V1= A:10*1r2", SplitItem("A", 3), "V1= A:3*1r2 A:7/1*1r2"),
        ("V1= A:10/9*-1", SplitItem("A", 3), "V1= A:3/9*-1 A:7/6*-1"),
        ("V1= A:10/9*0", SplitItem("A", 3), "V1= A:3/9*0 A:7/9*0"),
        ("V1= A:10%12", SplitItem("A", 3), "V1= A:3 A:7/1"),
    ],
)
def test_split(before: str, edit: EditCommand, after: str) -> None:
    assert picture(do(cut(before), edit)) == [after]


def test_a_slow_reversed_clip_never_runs_out_of_media() -> None:
    """All of 20 frames backwards at half speed; its halves show none beyond."""
    state = cut("V1= A:39/19*-1r2[0+20]")
    for at in range(1, 39):
        do(state, SplitItem("A", at))


def test_split_links_the_right_halves_with_each_other() -> None:
    state = cut("V1= A:10&l", "A1~ a:10@2&l", "A2~ b:3@0&l")
    after = do(state, SplitItem("A", 6))
    assert picture(after) == ["V1= A:6 A:4/6", "A1~ a:4@2 a:6@6/4", "A2~ b:3@0"]
    right = after.lanes["V1"].last
    assert right
    assert [after.items[id_].name for id_ in after.linked(right.id)] == ["a"]
    assert after.linked("A") == ("a", "b")
    alone = do(state, SplitItem("A", 6, linked=False))
    assert picture(alone) == ["V1= A:6 A:4/6", "A1~ a:10@2", "A2~ b:3@0"]
    assert [it.link for it in alone.items.values() if it.name == "A"].count(None) == 1


def test_the_razor_goes_through_all_unlocked_tracks() -> None:
    state = cut("V1= A:10 _:5 B:5", "V2~ C:10@3", "V3~! D:10@3", "A1~ E:4@12")
    assert picture(do(state, SplitAt(6))) == ["V1= A:6 A:4/6 _:5 B:5", "V2~ C:3@3 C:7@6/3", "V3~ D:10@3", "A1~ E:4@12"]
    assert picture(do(state, SplitAt(12, ("V1", "V2")))) == [
        "V1= A:10 _:5 B:5",
        "V2~ C:9@3 C:1@12/9",
        "V3~ D:10@3",
        "A1~ E:4@12",
    ]


BASE = cut("V1= A:10 B:10/10 _:5 C:5/3", "V2~ T:10@2 U:10@12/10", "A1~! a:10@0", markers=(Marker("m", 4, item="B"),))


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (SplitItem("Z", 3), "no_such_item"),
        (SplitItem("A", 0), "no_change"),
        (SplitItem("A", 10), "no_change"),
        (SplitItem("A", 11), "bad_value"),
        (SplitItem("A", -1), "bad_value"),
        (SplitItem("gap3", 22), "no_change"),
        (SplitItem("a", 3), "locked_track"),
        (SplitAt(-1), "before_start"),
        (SplitAt(500), "no_change"),
        (SplitAt(22, ("V1",)), "no_change"),
        (SplitAt(3, ("A1",)), "locked_track"),
        (SplitAt(3, ("A9",)), "no_such_track"),
        (JoinItems("A", "Z"), "no_such_item"),
        (JoinItems("B", "A"), "not_adjacent"),
        (JoinItems("B", "C"), "not_adjacent"),
        (JoinItems("A", "T"), "not_adjacent"),
        (JoinItems("T", "U"), "not_contiguous"),
        (JoinItems("A", "B"), "not_contiguous"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


@pytest.mark.parametrize(
    "text", ["A:10", "A:10/4*2", "A:11*1r2", "A:11/30*-1r2", "A:10/5*0", "A:10%30", "A:12/40*-7r3"]
)
@pytest.mark.parametrize("track", ["V1= B:3 {} C:4", "V2~ {}@5"])
def test_join_undoes_split(text: str, track: str) -> None:
    name, rest = text.split(":")
    length = "".join(char for char in rest.split("/")[0].split("*")[0].split("%")[0])
    words = f"{name}:{length}@5{rest[len(length) :]}" if "~" in track else text
    state = cut(track.replace("{}@5", "{}").format(words))
    for at in range(1, int(length)):
        halved = do(state, SplitItem("A", state.slot("A").start + at))
        right = halved.lanes[halved.home["A"]].after("A")
        assert right
        assert do(halved, JoinItems("A", right.id)) == state


def test_join_takes_markers_and_the_transition_at_the_tail_along() -> None:
    state = cut(
        "V1= A:10 B:10/10 C:9",
        transitions=("A>B 1+1", "B>C 2+3"),
        markers=(Marker("m", 14, item="B"),),
    )
    state = replace(state, items=state.items.set("B", replace(state.items["B"], source=state.items["A"].source)))
    after = do(state, JoinItems("A", "B"))
    assert picture(after) == ["V1= A:20 C:9"]
    assert fades(after) == ["A>C 2+3"]
    assert after.markers["m"].item == "A"


def test_split_takes_fades_and_markers_along() -> None:
    state = cut(
        "V2~ A:20@5/100",
        transitions=("A> 4+0", ">A 0+5"),
        markers=(Marker("m1", 103, item="A"), Marker("m2", 112, item="A")),
    )
    after = do(state, SplitItem("A", 13))
    right = after.lanes["V2"].last
    assert right
    assert set(after.transitions) == {">A", f"{right.id}>"}
    assert (after.markers["m1"].item, after.markers["m2"].item) == ("A", right.id)


def test_halves_keep_what_the_item_had() -> None:
    state = cut("V1= A:10")
    dressed = replace(item("A:10"), effects=({"lut": "x"},), foreign={"resolve": 1}, enabled=False)
    state = replace(state, items=state.items.set("A", dressed))
    after = do(state, SplitItem("A", 4))
    assert {(it.name, it.enabled, len(it.effects), it.foreign["resolve"]) for it in after.items.values()} == {
        ("A", False, 1, 1)
    }
