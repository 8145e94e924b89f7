"""Sources, speed, names, switches and effects."""

from __future__ import annotations

import pytest

from genlock.timeline.commands import EditCommand, RenameItem, ReplaceSource, SetEffects, SetEnabled, SetSpeed
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.model import Gap, Generator, Media, Nested, Shot
from genlock.timeline.rate import FREEZE, Rate, Speed
from tests.timeline.cuts import cut, do, fades, picture, refused


@pytest.mark.parametrize(
    ("before", "speed", "ripple", "after"),
    [
        # the duration stays: more or less source is shown
        ("V1= A:10/5 B:4", Speed(2), False, "V1= A:10/5*2 B:4"),
        ("V1= A:10/5 B:4", FREEZE, False, "V1= A:10/5*0 B:4"),
        ("V1= A:10/5 B:4", Speed(-1), False, "V1= A:10/14*-1 B:4"),
        ("V1= A:10/14*-1 B:4", Speed(1), False, "V1= A:10/5 B:4"),
        ("V1= A:10/5 B:4", Speed(4, 2), False, "V1= A:10/5*2 B:4"),
        # the source range stays: the duration changes
        ("V1= A:10/5 B:4", Speed(2), True, "V1= A:5/5*2 B:4"),
        ("V1= A:10/5 B:4", Speed(1, 2), True, "V1= A:20/5*1r2 B:4"),
        ("V1= A:10/5 B:4", Speed(-1), True, "V1= A:10/14*-1 B:4"),
        ("V1= A:10/5 B:4", Speed(-1, 2), True, "V1= A:19/14*-1r2 B:4"),
        ("V1= A:10/5 B:4", Speed(3), True, "V1= A:3/5*3 B:4"),
        ("V1= A:10/5 B:4", Speed(100), True, "V1= A:1/5*100 B:4"),
        ("V1= A:10/5 B:4", FREEZE, True, "V1= A:10/5*0 B:4"),
        ("V1= A:10/5*0 B:4", Speed(2), True, "V1= A:10/5*2 B:4"),
        ("V1= A:10/14*-1 B:4", Speed(2), True, "V1= A:5/5*2 B:4"),
        ("V2~ A:10@3 B:4@20", Speed(1, 2), True, "V2~ A:20@3*1r2 B:4@30"),
        ("V2~ A:10@3 B:4@20", Speed(2), True, "V2~ A:5@3*2 B:4@15"),
        ("V1= A:5*2[0+9]", Speed(1), True, "V1= A:9"),
    ],
)
def test_speed(before: str, speed: Speed, ripple: bool, after: str) -> None:
    assert picture(do(cut(before), SetSpeed("A", speed, ripple))) == [after]


@pytest.mark.parametrize("new", [(1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-2, 1), (7, 3), (-3, 7)])
@pytest.mark.parametrize(
    "text", ["A:20[0+20]", "A:20/19*-1[0+20]", "A:40*1r2[0+20]", "A:39/19*-1r2[0+20]", "A:10*2[0+20]"]
)
def test_a_ripple_retime_never_runs_out_of_media(text: str, new: tuple[int, int]) -> None:
    state = cut(f"V1= {text} B:4")
    if state.items["A"].speed != Speed(*new):
        do(state, SetSpeed("A", Speed(*new), ripple=True))


def test_speed_of_linked_items() -> None:
    state = cut("V1= A:10&l B:4", "A1~ a:10@0&l b:4@10")
    assert picture(do(state, SetSpeed("A", Speed(2), ripple=True))) == ["V1= A:5*2 B:4", "A1~ a:5@0*2 b:4@5"]
    alone = do(state, SetSpeed("A", Speed(2), ripple=False, linked=False))
    assert picture(alone) == ["V1= A:10*2 B:4", "A1~ a:10@0 b:4@10"]


@pytest.mark.parametrize(
    ("before", "command", "after"),
    [
        # later items of the other sync-locked tracks come along, as with a ripple trim of the tail
        (
            ("V1= A:10 B:4", "V2~ T:3@1 U:4@10", "V3= D:5 _:5 E:3", "V4~? F:2@12", "A1~! G:15@0"),
            SetSpeed("A", Speed(2), ripple=True),
            ("V1= A:5*2 B:4", "V2~ T:3@1 U:4@5", "V3= D:5 E:3", "V4~ F:2@12", "A1~ G:15@0"),
        ),
        (
            ("V1= A:10 B:4", "V2~ T:3@1 U:4@10", "V3= D:10 E:3", "V4~? F:2@12", "A1~ G:15@0"),
            SetSpeed("A", Speed(1, 2), ripple=True),
            ("V1= A:20*1r2 B:4", "V2~ T:3@1 U:4@20", "V3= D:10 _:10 E:3", "V4~ F:2@12", "A1~ G:15@0"),
        ),
        (
            ("V1= A:10 B:4", "V2~ U:4@7"),
            SetSpeed("A", Speed(2), ripple=True, sync=False),
            ("V1= A:5*2 B:4", "V2~ U:4@7"),
        ),
        # the duration stays, so nothing has to come along
        (("V1= A:10 B:4", "V2~ U:4@7"), SetSpeed("A", Speed(2)), ("V1= A:10*2 B:4", "V2~ U:4@7")),
        (("V1= A:10 B:4", "V2~ U:4@7"), SetSpeed("A", Speed(-1), ripple=True), ("V1= A:10/9*-1 B:4", "V2~ U:4@7")),
        # linked sound is retimed, not moved a second time
        (
            ("V1= A:10&l B:4", "A1~ a:10@0&l b:4@10", "A2~ M:2@14"),
            SetSpeed("A", Speed(1, 2), ripple=True),
            ("V1= A:20*1r2 B:4", "A1~ a:20@0*1r2 b:4@20", "A2~ M:2@24"),
        ),
    ],
)
def test_a_ripple_retime_keeps_the_tracks_in_sync(
    before: tuple[str, ...], command: SetSpeed, after: tuple[str, ...]
) -> None:
    assert picture(do(cut(*before), command)) == list(after)


def test_a_ripple_retime_says_what_is_in_the_way() -> None:
    answer = refused(cut("V1= A:10 B:4", "V2~ U:4@7"), SetSpeed("A", Speed(2), ripple=True))
    assert (answer.code, [conflict.id for conflict in answer.conflicts]) == ("sync_conflict", ["U"])


SHOT = Shot("sh", None, 0, 48)


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ("V1= A:10/105[100+50]", ReplaceSource("A", SHOT), "V1= A:10/5"),
        ("V1= A:10/105[100+50]", ReplaceSource("A", SHOT, 20), "V1= A:10/20"),
        ("V1= A:10/105[100+50]", ReplaceSource("A", Media("n", 1000, 90, Rate(48))), "V1= A:10/1010"),
        ("V1= A:10/105[100+50]", ReplaceSource("A", SHOT, name="SH010"), "V1= SH010:10/5"),
        ("V1= _:10 A:3", ReplaceSource("gap1", SHOT), "V1= :10 A:3"),
        ("V1= A:10/105[100+50]", ReplaceSource("A", Generator("bars")), "V1= A:10"),
    ],
)
def test_replace(before: str, edit: ReplaceSource, after: str) -> None:
    state = do(cut(before), edit)
    assert picture(state) == [after]
    assert state.items[edit.item].source == edit.source


def test_replace_keeps_transitions_that_have_their_handles() -> None:
    state = cut("V1= A:10/10 B:10/10", transitions=("A>B 3+3",))
    assert fades(do(state, ReplaceSource("A", Shot("s", None, 0, 23)))) == ["A>B 3+3"]
    assert refused(state, ReplaceSource("A", Shot("s", None, 0, 22))).code == "not_enough_handle"


BASE = cut("V1= A:10[0+20] _:3 B:5", "V2~! T:5@0", "A1~ a:5@0&l c:5@5[0+9]")


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (SetSpeed("A", Speed(3)), "outside_media"),
        (SetSpeed("A", Speed(1, 0)), "bad_value"),
        (SetSpeed("A", Speed(1, -2)), "bad_value"),
        (SetSpeed("A", Speed(2, 2)), "no_change"),
        (SetSpeed("gap2", Speed(2)), "bad_value"),
        (SetSpeed("T", Speed(2)), "locked_track"),
        (SetSpeed("Z", Speed(2)), "no_such_item"),
        (ReplaceSource("A", Shot("s", None, 0, 5)), "outside_media"),
        (ReplaceSource("A", Gap()), "bad_value"),
        (ReplaceSource("A", Media("m", rate=Rate(0))), "bad_rate"),
        (ReplaceSource("A", Nested("s0")), "nesting_cycle"),
        (ReplaceSource("A", Media("mA", 0, 20)), "no_change"),
        (ReplaceSource("T", SHOT), "locked_track"),
        (SetEnabled(("A",), True), "no_change"),
        (SetEnabled((), True), "bad_value"),
        (SetEnabled(("A", "T"), False), "locked_track"),
        (RenameItem("A", "A"), "no_change"),
        (RenameItem("T", "B"), "locked_track"),
        (SetEffects("A"), "no_change"),
        (SetEffects("T", ({},)), "locked_track"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


def test_names_switches_and_effects() -> None:
    state = do(BASE, SetEnabled(("A", "B"), False))
    assert [state.items[id_].enabled for id_ in "AB"] == [False, False]
    state = do(state, RenameItem("A", "SH010"))
    assert state.items["A"].name == "SH010"
    state = do(state, SetEffects("A", ({"kind": "blur"},)))
    state = do(state, SetEffects("A", foreign={"resolve": {"x": 1}}))
    assert (state.items["A"].effects, state.items["A"].foreign) == (({"kind": "blur"},), {"resolve": {"x": 1}})


def test_labels() -> None:
    for edit, label in (
        (SetSpeed("A", Speed(-3, 2), ripple=True), "Speed of A −150 %"),
        (RenameItem("A", "SH010"), "Rename A to SH010"),
        (SetEnabled(("A", "B"), False), "Disable 2 items"),
        (ReplaceSource("A", SHOT), "Replace A"),
    ):
        decision = decide(BASE, edit, Context("c"))
        assert isinstance(decision, Decision)
        assert decision.label == label
