"""Sequences are made, imported, nested and put away."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from genlock.application.commands import ArchiveSequence, CreateSequence, ForkSequence, ImportSequence, Revert, Undo
from genlock.project.commands import AddMedia, ArchiveProject, ChangeSettings, RemoveMedia, SettingsPatch
from genlock.project.media import MediaFile
from genlock.timeline.commands import AppendItem, NestItems, RenameItem
from genlock.timeline.events import Content, Origin, Placed, TrackContent, content_of
from genlock.timeline.model import Generator, Item, Marker, Media, Nested, Resolution, Track
from genlock.timeline.rate import Rate
from tests.application.studio import Studio, clip

A, B = "a" * 32, "b" * 32


def content(name: str = "Cut", *items: Item, **rest: Any) -> Content:
    track = TrackContent(Track("v", "video", "V1", "magnetic"), tuple(Placed(item) for item in items))
    return Content(name, Rate(25), tracks=(track,), **rest)


def test_a_new_sequence_has_what_its_project_says(studio: Studio) -> None:
    project = studio.project()
    patch = SettingsPatch(rate=Rate(30000, 1001), drop_frame=True, start_frame=107892, resolution=Resolution(1280, 720))
    studio.do(ChangeSettings(patch), project)
    made = studio.do(CreateSequence(project, " Cut "))
    state = studio.app.sequence(made.target)
    assert (state.name, state.rate, state.drop_frame, state.start_frame) == ("Cut", Rate(30000, 1001), True, 107892)
    assert state.resolution == Resolution(1280, 720)
    tracks = [state.tracks[id_] for id_ in state.order]
    assert [(t.kind, t.name, t.placement) for t in tracks] == [
        ("video", "V1", "magnetic"),
        ("video", "V2", "free"),
        ("audio", "A1", "free"),
    ]
    assert studio.app.sequence_project(made.target) == project
    assert dict(studio.app.project(project).sequences) == {made.target: "Cut"}
    assert made.created == (made.target,)


def test_a_sequence_may_differ_from_its_project(studio: Studio) -> None:
    project = studio.project()
    command = CreateSequence(project, "Cut", Rate(25), drop_frame=True, start_frame=0, resolution=Resolution(64, 64))
    state = studio.app.sequence(studio.do(command).target)
    assert (state.rate, state.start_frame, state.resolution) == (Rate(25), 0, Resolution(64, 64))
    assert not state.drop_frame  # 25 frames a second drop nothing


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": ""}, "bad_name"),
        ({"rate": Rate(26)}, "bad_rate"),
        ({"start_frame": -1}, "bad_value"),
        ({"resolution": Resolution(1, 1)}, "bad_value"),
        ({"project": "f" * 32}, "no_such_project"),
    ],
)
def test_sequences_that_cannot_be_made(studio: Studio, change: dict[str, Any], code: str) -> None:
    command = CreateSequence(studio.project(), "Cut")
    assert studio.refused(replace(command, **change)).code == code


def test_a_timeline_is_imported_in_one_event(studio: Studio) -> None:
    project = studio.project()
    value = content("Cut", clip("a"), clip("b"), markers=(Marker("m", 3),))
    made = studio.do(ImportSequence(project, value, Origin(path="/cut.otio", dialect="otio")))
    assert content_of(studio.app.sequence(made.target)) == value
    assert (made.version, made.last_id - made.first_id) == (1, 1)
    assert studio.seen[-2].event.kind == "import"
    assert studio.refused(Undo(), made.target).code == "nothing_to_undo"


def test_nested_sequences_come_along(studio: Studio) -> None:
    project = studio.project()
    outer = content("Outer", Item("n", Nested(A), 10))
    inner = content("Inner", Item("d", Nested(B), 10))
    made = studio.do(ImportSequence(project, outer, nested=((A, inner), (B, content("Deep")))))
    assert made.created == (made.target, A, B)
    assert sorted(studio.app.project(project).sequences.values()) == ["Deep", "Inner", "Outer"]
    assert studio.app.sequence(A).name == "Inner"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (content(""), "bad_name"),
        (replace(content(), rate=Rate(26)), "bad_rate"),
        (replace(content(), start_frame=-5), "bad_time"),
        (content("Cut", clip("a", 0)), "bad_time"),
        (content("Cut", clip("a", -10)), "bad_time"),
        (content("Cut", clip("a"), clip("a")), "bad_timeline"),
        (content("Cut", clip("")), "bad_timeline"),
        (content("Cut", clip("v")), "bad_timeline"),
        (content("Cut", Item("a", Media("m", 0, 5), 10)), "bad_timeline"),
        (content("Cut", clip("a"), markers=(Marker("m", 0, item="gone"),)), "bad_timeline"),
    ],
)
def test_timelines_that_are_not_sound(studio: Studio, value: Content, code: str) -> None:
    error = studio.refused(ImportSequence(studio.project(), value))
    assert error.code == code


def test_overlap_on_a_free_track_is_named(studio: Studio) -> None:
    items = (Placed(clip("a"), 0), Placed(clip("b"), 5))
    value = Content("Cut", Rate(24), tracks=(TrackContent(Track("v"), items),))
    error = studio.refused(ImportSequence(studio.project(), value))
    assert error.code == "bad_timeline"
    assert {conflict["code"] for conflict in error.details["conflicts"]} == {"overlap"}


@pytest.mark.parametrize(
    ("nested", "code"),
    [
        ((("xyz", content()),), "bad_value"),
        (((A, content()), (A, content())), "id_taken"),
        (((A, content("x", Item("n", Nested(A), 5))),), "nesting_cycle"),
        (((A, content("x", Item("n", Nested(B), 5))), (B, content("y", Item("m", Nested(A), 5)))), "nesting_cycle"),
    ],
)
def test_nesting_that_cannot_be(studio: Studio, nested: Any, code: str) -> None:
    assert studio.refused(ImportSequence(studio.project(), content(), nested=nested)).code == code


def test_a_nested_id_must_be_free(studio: Studio) -> None:
    project = studio.project()
    studio.do(ImportSequence(project, content(), nested=((A, content("x")),)))
    assert studio.refused(ImportSequence(project, content(), nested=((A, content("y")),))).code == "id_taken"


def test_nesting_items_makes_a_sequence_in_the_same_transaction(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    for item in "abc":
        studio.append(sequence, item)
    made = studio.do(NestItems(("a", "b"), A, "Opening"), sequence)
    assert (made.target, made.created) == (sequence, (A,))
    assert studio.app.sequence(A).name == "Opening"
    assert studio.app.project(project).sequences[A] == "Opening"
    assert len(studio.items(sequence)) == 2
    assert studio.refused(NestItems(("c",), A), sequence).code == "id_taken"
    assert studio.refused(NestItems(("c",), "xyz"), sequence).code in ("bad_value", "bad_request")
    studio.do(Undo(), sequence)
    assert studio.items(sequence) == ["a", "b", "c"]


def test_a_sequence_cannot_show_itself(studio: Studio) -> None:
    sequence = studio.sequence()
    command = AppendItem(studio.track(sequence), Item("n", Nested(sequence), 10))
    assert studio.refused(command, sequence).code == "nesting_cycle"


def test_an_archived_sequence_stays_as_it_is(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    studio.append(sequence, "a")
    studio.do(ArchiveSequence(), sequence)
    assert studio.app.sequence(sequence).archived
    assert studio.refused(ArchiveSequence(), sequence).code == "no_change"
    for command in (RenameItem("a", "b"), Undo(), Revert(1)):
        assert studio.refused(command, sequence).code == "archived"
    studio.do(ArchiveSequence(archived=False), sequence)
    studio.do(Undo(), sequence)
    assert studio.items(sequence) == []


def test_an_archived_project_keeps_its_sequences_as_they_are(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    studio.append(sequence, "a")
    studio.do(ArchiveProject(), project)
    for command in (RenameItem("a", "b"), Undo(), ForkSequence()):
        assert studio.refused(command, sequence).code == "archived"
    assert studio.refused(CreateSequence(project, "x")).code == "archived"


def test_media_in_use_stay(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    studio.do(AddMedia((MediaFile("m1", "/a.mov"),)), project)
    studio.do(AppendItem(studio.track(sequence), Item("a", Media("m1"), 10)), sequence)
    error = studio.refused(RemoveMedia("m1"), project)
    assert (error.code, error.details["sequence"]) == ("in_use", sequence)
    studio.do(Undo(), sequence)
    studio.do(RemoveMedia("m1"), project)
    assert not studio.app.project(project).media


def test_refusals_carry_their_conflicts(studio: Studio) -> None:
    sequence = studio.sequence()
    error = studio.refused(AppendItem(studio.track(sequence), Item("a", Generator("bars"), 0)), sequence)
    assert error.status in (400, 409)
    assert isinstance(error.details["conflicts"], list)
