"""The rules of projects."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from genlock.event import Event
from genlock.project.commands import (
    AddMedia,
    ArchiveProject,
    ChangeMedia,
    ChangeSettings,
    CreateProject,
    Note,
    ProjectCommand,
    RemoveElement,
    RemoveMedia,
    RemoveScene,
    RenameProject,
    SetElement,
    SetScene,
    SettingsPatch,
)
from genlock.project.media import MediaFile
from genlock.project.project import Element, ProjectCreated, ProjectState, Scene, SequenceRegistered, Settings
from genlock.project.rules import valid
from genlock.project.rules.project import decide, evolve
from genlock.stamp import Stamp
from genlock.timeline.decision import Refusal
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

ID = UUID(int=7)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def stamp(state: ProjectState | None) -> Stamp:
    return Stamp(ID, state.version if state else 0, NOW, actor="ann", host="cli", command_id="c")


def does(state: ProjectState | None, *commands: ProjectCommand) -> ProjectState:
    for command in commands:
        event = decide(state, command, stamp(state))
        assert isinstance(event, Event), event
        state = evolve(state, event)
    assert state is not None
    return state


def refused(state: ProjectState | None, command: ProjectCommand) -> str:
    answer = decide(state, command, stamp(state))
    assert isinstance(answer, Refusal)
    return answer.code


MADE = does(None, CreateProject("Blue"))


def test_an_event_carries_who_when_and_the_next_version() -> None:
    event = decide(MADE, RenameProject("Red"), stamp(MADE))
    assert isinstance(event, Event)
    assert (event.originator_id, event.originator_version, event.timestamp) == (ID, 2, NOW)
    assert (event.actor, event.host, event.command_id) == ("ann", "cli", "c")


def test_a_project_is_made_with_its_settings() -> None:
    state = does(None, CreateProject(" Blue ", Settings(rate=Rate(25), folder="/films/blue")))
    assert (state.id, state.version, state.name) == (ID.hex, 1, "Blue")
    assert state.settings.rate == Rate(25)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (CreateProject(" "), "bad_name"),
        (CreateProject("a\nb"), "bad_name"),
        (CreateProject("x" * 201), "bad_name"),
        (CreateProject("x", Settings(rate=Rate(23))), "bad_rate"),
        (CreateProject("x", Settings(rate=Rate(0, 0))), "bad_rate"),
        (CreateProject("x", Settings(resolution=Resolution(0, 1080))), "bad_value"),
        (CreateProject("x", Settings(start_frame=-1)), "bad_value"),
        (CreateProject("x", Settings(folder="films/blue")), "bad_value"),
        (RenameProject("y"), "no_such_project"),
    ],
)
def test_what_cannot_be_made(command: ProjectCommand, code: str) -> None:
    assert refused(None, command) == code


def test_settings_change_only_where_given() -> None:
    state = does(MADE, ChangeSettings(SettingsPatch(engine="ltx2", drop_frame=True)))
    assert state.settings == Settings(engine="ltx2", drop_frame=True)
    assert refused(state, ChangeSettings(SettingsPatch(engine="ltx2"))) == "no_change"
    assert refused(state, ChangeSettings(SettingsPatch(rate=Rate(1, 3)))) == "bad_rate"


def test_an_archived_project_takes_nothing_but_its_return() -> None:
    state = does(MADE, ArchiveProject())
    assert refused(state, RenameProject("Red")) == "archived"
    assert refused(state, ArchiveProject()) == "no_change"
    assert not does(state, Note("kept"), ArchiveProject(archived=False)).archived


def test_media_come_change_and_go() -> None:
    one, two = MediaFile("m1", "/a.mov"), MediaFile("m2", "/b.mov")
    state = does(MADE, AddMedia((one, two)))
    assert dict(state.media) == {"m1": one, "m2": two}
    moved = MediaFile("m1", "/c.mov", missing=True)
    state = does(state, ChangeMedia(moved), RemoveMedia("m2"))
    assert dict(state.media) == {"m1": moved}


def test_media_there_already_are_passed_over_but_ids_never_shared() -> None:
    one = MediaFile("m1", "/a.mov")
    state = does(MADE, AddMedia((one,)))
    assert refused(state, AddMedia((one,))) == "no_change"
    assert refused(state, AddMedia((MediaFile("m1", "/other.mov"),))) == "id_taken"
    assert refused(state, AddMedia((MediaFile("m2", "/x"), MediaFile("m2", "/y")))) == "id_taken"
    assert set(does(state, AddMedia((one, MediaFile("m2", "/x")))).media) == {"m1", "m2"}


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (ChangeMedia(MediaFile("m9", "/a.mov")), "no_such_media"),
        (RemoveMedia("m9"), "no_such_media"),
        (AddMedia((MediaFile("", "/a.mov"),)), "bad_value"),
        (AddMedia((MediaFile("m1", ""),)), "bad_value"),
        (RenameProject("Blue"), "no_change"),
        (RemoveElement("e9"), "not_found"),
        (RemoveScene("s9"), "not_found"),
        (SetElement(Element("", "character", "Mia")), "bad_value"),
        (SetScene(Scene("s1", "SC 3/4")), "bad_name"),
    ],
)
def test_what_a_project_refuses(command: ProjectCommand, code: str) -> None:
    assert refused(MADE, command) == code


def test_elements_and_scenes_are_kept_by_id() -> None:
    mia, scene = Element("e1", "character", "Mia"), Scene("s1", "SC03")
    state = does(MADE, SetElement(mia), SetScene(scene))
    assert (dict(state.elements), dict(state.scenes)) == ({"e1": mia}, {"s1": scene})
    assert refused(state, SetElement(mia)) == "no_change"
    assert refused(state, SetScene(Scene("s2", "sc03"))) == "name_taken"
    state = does(state, RemoveElement("e1"), RemoveScene("s1"))
    assert not state.elements
    assert not state.scenes


def test_a_sequence_is_registered_and_renamed_by_the_same_event() -> None:
    event = stamp(MADE).make(SequenceRegistered, sequence="q", name="Cut")
    state = evolve(
        evolve(MADE, event), stamp(evolve(MADE, event)).make(SequenceRegistered, sequence="q", name="Fine cut")
    )
    assert dict(state.sequences) == {"q": "Fine cut"}
    assert state.version == 3


def test_the_first_event_makes_the_state() -> None:
    event = Stamp(ID, 0, NOW).make(ProjectCreated, name="Blue")
    assert evolve(None, event) == ProjectState(ID.hex, 1, "Blue", Settings())


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("/films", True),
        ("C:\\films", True),
        ("d:/films", True),
        ("\\\\nas\\films", True),
        ("films", False),
        ("C:x", False),
    ],
)
def test_absolute_paths_of_every_system(path: str, absolute: bool) -> None:
    assert valid.absolute(path) is absolute
