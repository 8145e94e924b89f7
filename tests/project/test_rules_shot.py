"""The rules of shots."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from genlock.event import Event
from genlock.project.commands import (
    AddTake,
    ChangeBrief,
    CreateShot,
    RenameShot,
    SelectTake,
    SetShotStatus,
    ShotCommand,
)
from genlock.project.request import Conditioning
from genlock.project.rules.shot import decide, evolve
from genlock.project.shot import Brief, ShotState, Take, TakeKind
from genlock.stamp import Stamp
from genlock.timeline.decision import Refusal
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate


def stamp(state: ShotState | None) -> Stamp:
    return Stamp(UUID(int=9), state.version if state else 0, datetime(2026, 1, 2, tzinfo=UTC))


def does(state: ShotState | None, *commands: ShotCommand) -> ShotState:
    for command in commands:
        event = decide(state, command, stamp(state))
        assert isinstance(event, Event), event
        state = evolve(state, event)
    assert state is not None
    return state


def refused(state: ShotState | None, command: ShotCommand) -> str:
    answer = decide(state, command, stamp(state))
    assert isinstance(answer, Refusal)
    return answer.code


MADE = does(None, CreateShot("p", "SH0010", "SC03", Brief(prompt="a street at night")))


def test_a_shot_is_made() -> None:
    assert (MADE.project, MADE.code, MADE.scene, MADE.status) == ("p", "SH0010", "SC03", "planned")
    assert MADE.brief.prompt == "a street at night"


@pytest.mark.parametrize("code", ["", " SH", "SH 10", "../SH", "SH/10", "-x", "SH10.", "é10", "S" * 65, "SH\n"])
def test_codes_that_cannot_be_file_names(code: str) -> None:
    assert refused(None, CreateShot("p", code)) == "bad_name"
    assert refused(MADE, RenameShot(code=code)) == "bad_name"


@pytest.mark.parametrize("code", ["SH0010", "1", "a.b-c_D"])
def test_codes_that_can(code: str) -> None:
    assert does(None, CreateShot("p", code)).code == code


@pytest.mark.parametrize(
    ("brief", "code"),
    [
        (Brief(frames=0), "bad_value"),
        (Brief(frames=-5), "bad_value"),
        (Brief(rate=Rate(7)), "bad_rate"),
        (Brief(seed=-1), "bad_value"),
        (Brief(seed=2**63), "bad_value"),
        (Brief(resolution=Resolution(8, 8)), "bad_value"),
        (Brief(prompt="x" * 20_001), "bad_value"),
        (Brief(conditioning=(Conditioning("/a.png", strength=1.01),)), "bad_value"),
        (Brief(conditioning=(Conditioning("/a.png", strength=-0.1),)), "bad_value"),
        (Brief(conditioning=(Conditioning("/a.png", strength=float("nan")),)), "bad_value"),
        (Brief(conditioning=(Conditioning(""),)), "bad_value"),
        (Brief(conditioning=(Conditioning("/a.mov", first=-1),)), "bad_value"),
    ],
)
def test_briefs_that_nobody_can_follow(brief: Brief, code: str) -> None:
    assert refused(None, CreateShot("p", "SH0010", "", brief)) == code
    assert refused(MADE, ChangeBrief(brief)) == code


def test_a_brief_changes() -> None:
    brief = Brief(prompt="rain", conditioning=(Conditioning("/a.png", strength=0.0), Conditioning("/b.png")))
    assert does(MADE, ChangeBrief(brief)).brief == brief
    assert refused(MADE, ChangeBrief(MADE.brief)) == "no_change"


def test_a_shot_is_renamed_in_part() -> None:
    assert does(MADE, RenameShot(scene="SC04")).code == "SH0010"
    assert does(MADE, RenameShot(code="SH0020", scene="")).scene == ""
    assert refused(MADE, RenameShot()) == "no_change"
    assert refused(MADE, RenameShot(scene="a/b")) == "bad_name"


def test_status_is_set() -> None:
    assert does(MADE, SetShotStatus("approved")).status == "approved"
    assert refused(MADE, SetShotStatus("planned")) == "no_change"


def test_takes_join_and_are_selected() -> None:
    state = does(MADE, AddTake(Take("t1", 1, "/1.mov")), AddTake(Take("t2", 2, "/2.mov"), select=False))
    assert (state.selected, set(state.takes)) == ("t1", {"t1", "t2"})
    assert does(state, SelectTake("t2")).selected == "t2"
    assert does(state, SelectTake(None)).selected is None


@pytest.mark.parametrize("kind", ["mask", "text"])
def test_only_pictures_are_shown(kind: TakeKind) -> None:
    beside = AddTake(Take("m1", 2, "/2.mov", kind=kind))
    state = does(MADE, AddTake(Take("t1", 1, "/1.mov")), SetShotStatus("review"), beside)
    assert (state.selected, set(state.takes), state.status) == ("t1", {"t1", "m1"}, "review")
    assert refused(state, SelectTake("m1")) == "wrong_state"
    assert does(MADE, beside).selected is None


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (AddTake(Take("t1", 2, "/x.mov")), "id_taken"),
        (AddTake(Take("t2", 1, "/x.mov")), "name_taken"),
        (AddTake(Take("t2", 0, "/x.mov")), "bad_value"),
        (AddTake(Take("", 2, "/x.mov")), "bad_value"),
        (AddTake(Take("t2", 2, "/x.mov", head_handle=-1)), "bad_value"),
        (SelectTake("t9"), "no_such_take"),
        (SelectTake("t1"), "no_change"),
    ],
)
def test_takes_that_a_shot_refuses(command: ShotCommand, code: str) -> None:
    assert refused(does(MADE, AddTake(Take("t1", 1, "/1.mov"))), command) == code


def test_there_must_be_a_shot() -> None:
    assert refused(None, RenameShot(code="x")) == "no_such_shot"
