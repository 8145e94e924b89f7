"""Tracks and the settings of the sequence."""

from __future__ import annotations

import pytest

from genlock.timeline.commands import AddTrack, EditCommand, MoveTrack, RemoveTrack, SetSequence, SetTrack
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.model import Marker, Resolution
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence
from tests.timeline.cuts import cut, do, fades, picture, refused

BASE = cut(
    "V1= A:4 _:2 B:3",
    "V2~ T:4@3 U:3@9&l",
    "V3~! L:4@3",
    "A1~ a:4@0&l",
    "A2=",
    transitions=("A> 1+0", ">U 0+1"),
    markers=(Marker("m", 0, item="T"),),
)


def names(state: Sequence) -> str:
    return " ".join(state.tracks[id_].name for id_ in state.order)


@pytest.mark.parametrize(
    ("edit", "order"),
    [
        (AddTrack("video"), "V1 V2 V3 V4 A1 A2"),
        (AddTrack("audio"), "V1 V2 V3 A1 A2 A3"),
        (AddTrack("video", after="V1"), "V1 V4 V2 V3 A1 A2"),
        (AddTrack("audio", name="Music", after="A1"), "V1 V2 V3 A1 Music A2"),
        (MoveTrack("V1", "V3"), "V2 V3 V1 A1 A2"),
        (MoveTrack("V3"), "V3 V1 V2 A1 A2"),
        (MoveTrack("A2"), "V1 V2 V3 A2 A1"),
        (RemoveTrack("A2"), "V1 V2 V3 A1"),
        (RemoveTrack("V2", with_items=True), "V1 V3 A1 A2"),
        (SetTrack("V1", "Edit"), "Edit V2 V3 A1 A2"),
    ],
)
def test_order_and_names(edit: EditCommand, order: str) -> None:
    assert names(do(BASE, edit)) == order


def test_an_audio_track_goes_behind_video_and_video_before_audio() -> None:
    assert names(do(cut("V1="), AddTrack("audio"))) == "V1 A1"
    assert names(do(cut("A1="), AddTrack("video"))) == "V1 A1"
    assert names(do(cut(), AddTrack("video"))) == "V1"
    assert names(do(cut("V2=", "V1="), AddTrack("video"))) == "V2 V1 V3"
    assert names(do(cut("V2="), AddTrack("video"))) == "V2 V3"


def test_a_track_added_is_as_asked() -> None:
    state = do(BASE, AddTrack("video", "magnetic", "Titles", id="t1", foreign={"x": 1}))
    track = state.tracks["t1"]
    assert (track.placement, track.name, track.sync_lock, track.foreign) == ("magnetic", "Titles", True, {"x": 1})


def test_removing_a_track_takes_what_lies_on_it() -> None:
    state = do(BASE, RemoveTrack("V2", with_items=True))
    assert fades(state) == ["A> 1+0"]
    assert not state.markers
    assert state.links["l"] == frozenset({"a"})
    assert picture(do(BASE, RemoveTrack("V1", with_items=True)))[0] == "V2~ T:4@3 U:3@9"


def test_placement_turns_gaps_into_room_and_back() -> None:
    free = do(BASE, SetTrack("V1", placement="free"))
    assert picture(free)[0] == "V1~ A:4@0 B:3@6"
    assert picture(do(free, SetTrack("V1", placement="magnetic")))[0] == "V1= A:4 _:2 B:3"
    magnetic = do(BASE, SetTrack("V2", placement="magnetic"))
    assert picture(magnetic)[1] == "V2= _:3 T:4 _:2 U:3"
    assert fades(magnetic) == [">U 0+1", "A> 1+0"]


def test_a_locked_track_can_be_unlocked_named_and_switched() -> None:
    state = do(BASE, SetTrack("V3", name="Ref", enabled=False, sync_lock=False))
    assert (state.tracks["V3"].name, state.tracks["V3"].enabled, state.tracks["V3"].sync_lock) == ("Ref", False, False)
    state = do(state, SetTrack("V3", placement="magnetic", locked=False))
    assert picture(state)[2] == "V3= _:3 L:4"


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (AddTrack("video", id="V1"), "id_taken"),
        (AddTrack("video", after="V9"), "no_such_track"),
        (AddTrack("video", after="A1"), "wrong_track_kind"),
        (MoveTrack("V1", "V1"), "no_change"),
        (MoveTrack("V1"), "no_change"),
        (MoveTrack("V2", "V1"), "no_change"),
        (MoveTrack("V1", "A1"), "wrong_track_kind"),
        (MoveTrack("V9"), "no_such_track"),
        (MoveTrack("V1", "V9"), "no_such_track"),
        (RemoveTrack("V1"), "track_not_empty"),
        (RemoveTrack("V3", with_items=True), "locked_track"),
        (RemoveTrack("V9"), "no_such_track"),
        (SetTrack("V1"), "no_change"),
        (SetTrack("V1", "V1", "magnetic", True, False, True), "no_change"),
        (SetTrack("V3", placement="magnetic"), "locked_track"),
        (SetTrack("V9", "x"), "no_such_track"),
        (SetSequence(), "no_change"),
        (SetSequence(name="Cut"), "no_change"),
        (SetSequence(name=" "), "bad_name"),
        (SetSequence(drop_frame=True), "bad_value"),
        (SetSequence(start_frame=-1), "bad_value"),
        (SetSequence(resolution=Resolution(0, 1080)), "bad_value"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


def test_settings_of_the_sequence() -> None:
    state = do(BASE, SetSequence("Reel 2", start_frame=86400, resolution=Resolution(4096, 2160), foreign={"a": 1}))
    assert (state.name, state.start_frame, state.resolution.width, state.foreign) == ("Reel 2", 86400, 4096, {"a": 1})
    assert do(cut("V1=", rate=Rate(30000, 1001)), SetSequence(drop_frame=True)).drop_frame


def test_labels() -> None:
    for edit, label in (
        (AddTrack("audio"), "Add track A3"),
        (SetTrack("V1", locked=True), "Lock V1"),
        (SetTrack("V1", enabled=False), "Disable V1"),
        (SetTrack("V1", placement="free"), "Make free V1"),
        (RemoveTrack("A2"), "Remove track A2"),
        (SetSequence("Reel 2"), "Rename the sequence to Reel 2"),
    ):
        decision = decide(BASE, edit, Context("c"))
        assert isinstance(decision, Decision)
        assert decision.label == label
