"""Views that are kept: tracks, and the newest events with their effects."""

from __future__ import annotations

import pytest

from genlock.application.commands import ForkSequence, Undo
from genlock.application.envelope import Published
from genlock.application.history import republished
from genlock.application.projections import Tail, TrackViews
from genlock.errors import NotFound
from genlock.project.commands import AddMedia, AddTake, CancelJob, QueueJob, RemoveMedia, RenameProject
from genlock.project.media import MediaFile
from genlock.project.request import GenerationRequest
from genlock.project.shot import Take
from genlock.timeline.commands import AddTrack, MoveItems, Place, RemoveTrack, RenameItem, SetTrack
from genlock.timeline.events import content_of
from tests.application.studio import Studio


def test_only_the_tracks_an_edit_touched_are_made_again(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a", track=0)
    studio.append(sequence, "b", track=1)
    first = studio.app.content(sequence)
    assert first == content_of(studio.app.sequence(sequence))
    studio.do(RenameItem("b", "B"), sequence)
    second = studio.app.content(sequence)
    assert second == content_of(studio.app.sequence(sequence))
    assert [second.tracks[k] is first.tracks[k] for k in range(3)] == [True, False, True]
    assert studio.app.content(sequence).tracks[1] is second.tracks[1]


def test_views_follow_every_kind_of_edit(studio: Studio) -> None:
    sequence = studio.sequence()
    for k, item in enumerate("abc"):
        studio.append(sequence, item, track=k % 2)
    top = studio.app.sequence(sequence).order[1]
    commands = [
        SetTrack(top, name="Titles"),
        MoveItems(("a",), Place(top, at=100), sync=False),
        AddTrack("video", id="t9"),
        RemoveTrack("t9"),
        Undo(),
    ]
    for command in commands:
        studio.app.content(sequence)
        studio.do(command, sequence)
        assert studio.app.content(sequence) == content_of(studio.app.sequence(sequence))


def test_a_track_can_be_had_alone(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a")
    track = studio.track(sequence)
    assert studio.app.track_view(sequence, track) is studio.app.content(sequence).tracks[0]
    with pytest.raises(NotFound) as caught:
        studio.app.track_view(sequence, "nothing")
    assert caught.value.code == "no_such_track"


def test_the_content_of_the_past(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a")
    studio.append(sequence, "b")
    assert studio.app.content(sequence, 2) == content_of(studio.app.sequence(sequence, 2))
    assert studio.app.content(sequence, 3) == studio.app.content(sequence)


def test_views_are_let_go(studio: Studio) -> None:
    project = studio.project()
    views = TrackViews(keep=3)
    for k in range(4):
        views.content(studio.app._live.sequence(studio.sequence(project, f"S{k}")))
    assert views.made == 12
    views.content(studio.app._live.sequence(studio.seen[-2].event.originator_id.hex))
    assert views.made == 12


def busy(studio: Studio) -> None:
    """Makes events of every aggregate."""
    project = studio.project()
    shot = studio.shot(project)
    studio.do(AddMedia((MediaFile("m1", "/a.mov"), MediaFile("m2", "/b.mov"))), project)
    studio.do(RemoveMedia("m2"), project)
    sequence = studio.sequence(project)
    for item in "abc":
        studio.append(sequence, item)
    studio.do(Undo(), sequence)
    studio.do(ForkSequence(), sequence)
    studio.do(AddTake(Take("t1", 1, "/1.mov")), shot)
    job = studio.do(QueueJob(project, GenerationRequest("image"), "/takes", "x", shot=shot, number=2)).target
    studio.do(CancelJob(), job)
    studio.do(RenameProject("Red"), project)


def plain(events: list[Published]) -> list[tuple[object, ...]]:
    return [(p.id, p.event, p.state, p.effects, p.project) for p in events]


def test_old_events_come_back_as_they_were_published(studio: Studio) -> None:
    busy(studio)
    for cursor in range(len(studio.seen) + 1):
        rows = studio.store.since(cursor)
        assert plain(republished(studio.store, studio.app.world, rows)) == plain(studio.seen[cursor:])


def test_a_client_that_was_away_gets_what_it_missed(studio: Studio) -> None:
    busy(studio)
    assert plain(studio.app.published_since(0)) == plain(studio.seen)
    assert plain(studio.app.published_since(4, 2)) == plain(studio.seen[4:6])
    assert studio.app.published_since(studio.app.head_id()) == []
    again = studio.reopened()
    assert plain(again.app.published_since(3)) == plain(studio.seen[3:])
    assert again.app.head_id() == studio.seen[-1].id
    again.app.close()


def test_every_effect_names_its_project(studio: Studio) -> None:
    busy(studio)
    project = studio.app.projects()[0].id
    assert {p.project for p in studio.seen} == {project}
    kinds = {effect[0] for p in studio.seen for effect in p.effects}
    assert kinds == {"project", "shot", "job", "media", "sequence", "item"}
    gone = [e for p in studio.seen for e in p.effects if e[0] == "media"]
    assert [(e[1], e[2] is None) for e in gone] == [("m1", False), ("m2", False), ("m2", True)]


def test_values_on_the_wire_are_whole(studio: Studio) -> None:
    busy(studio)
    by_kind = {effect[0]: effect[2] for p in studio.seen for effect in p.effects}
    assert by_kind["project"]["settings"]["rate"] == [24, 1]
    assert by_kind["project"]["settings"]["colour"] == "rec709"
    assert by_kind["shot"]["brief"]["frames"] == 97
    assert by_kind["job"]["request"]["frames"] == 97
    assert by_kind["job"]["status"] == {"type": "cancelled"}
    sequence = next(iter(studio.app.projects()[0].sequences))
    value = studio.app.wire_sequence(sequence)
    assert value["project"] == studio.app.projects()[0].id
    assert set(value) >= {"tracks", "markers", "transitions", "version", "duration", "undo", "redo"}


def test_the_tail_forgets_the_oldest(studio: Studio) -> None:
    busy(studio)
    tail = Tail(0, events=3)
    tail.add(studio.seen)
    last = studio.seen[-1].id
    assert tail.since(last - 4, 10) is None
    assert plain(tail.since(last - 3, 10) or []) == plain(studio.seen[-3:])
    small = Tail(0, size=1)
    small.add(studio.seen)
    assert small.since(last - 1, 10) is None
    assert small.since(last, 10) == []


def test_what_another_process_wrote_is_not_passed_over(studio: Studio) -> None:
    studio.project("One")
    other = Studio(studio.store, first=1000)
    other.project("Theirs")
    studio.project("Two")
    assert [p.id for p in studio.app.published_since(0)] == [1, 2, 3]
    assert [p.id for p in studio.app.published_since(1)] == [2, 3]
    assert [p.id for p in studio.app.published_since(2)] == [3]
    other.app.close()


def test_what_can_be_undone_is_on_the_wire(studio: Studio) -> None:
    sequence = studio.sequence()

    def told() -> tuple[dict[str, int], dict[str, int]]:
        kind, id_, value = studio.seen[-1].effects[0]
        assert (kind, id_) == ("sequence", sequence)
        snapshot = studio.app.wire_sequence(sequence)
        assert (snapshot["undo"], snapshot["redo"]) == (value["undo"], value["redo"])
        assert {name: snapshot[name] for name in value} == value
        return value["undo"], value["redo"]

    studio.append(sequence, "a", actor="ann")
    assert told() == ({"ann": 2}, {})
    studio.do(RenameItem("a", "A"), sequence, actor="bob")
    assert told() == ({"ann": 2, "bob": 3}, {})
    studio.do(Undo(), sequence, actor="bob")
    assert told() == ({"ann": 2}, {"bob": 4})
    studio.do(RenameItem("a", "B"), sequence, kind="sync")
    assert [effect[0] for effect in studio.seen[-1].effects] == ["item"]
