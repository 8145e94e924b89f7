"""Undo, redo, revert, reading the past, and forks."""

from __future__ import annotations

import pytest

from genlock.application.commands import ForkProject, ForkSequence, Redo, Revert, Undo
from genlock.errors import BadInput, NotFound
from genlock.project.commands import (
    AddMedia,
    AddTake,
    CreateShot,
    RenameProject,
    SelectTake,
    SetElement,
    SetScene,
    SetShotStatus,
)
from genlock.project.media import MediaFile
from genlock.project.project import Element, Scene
from genlock.project.shot import Take
from genlock.timeline.commands import AppendItem, ExtractItems, RenameItem, SetSequence
from genlock.timeline.events import SequenceImported, content_of
from genlock.timeline.model import Item, Nested, Shot
from tests.application.studio import Studio, clip


def names(studio: Studio, sequence: str) -> dict[str, str]:
    return {item.id: item.name for item in studio.app.sequence(sequence).items.values()}


def test_undo_and_redo_go_back_and_forth(studio: Studio) -> None:
    sequence = studio.sequence()
    for item in "abc":
        studio.append(sequence, item)
    assert studio.do(Undo(), sequence).version == 5
    studio.do(Undo(), sequence)
    assert studio.items(sequence) == ["a"]
    studio.do(Redo(), sequence)
    assert studio.items(sequence) == ["a", "b"]
    studio.do(Undo(), sequence)
    studio.do(Undo(), sequence)
    assert studio.items(sequence) == []
    assert studio.refused(Undo(), sequence).code == "nothing_to_undo"
    for _ in range(3):
        studio.do(Redo(), sequence)
    assert studio.items(sequence) == ["a", "b", "c"]
    assert studio.refused(Redo(), sequence).code == "nothing_to_redo"


def test_a_new_edit_clears_what_could_be_redone(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a")
    studio.do(Undo(), sequence)
    studio.append(sequence, "b")
    assert studio.refused(Redo(), sequence).code == "nothing_to_redo"


def test_everybody_undoes_their_own(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a", actor="ann")
    studio.append(sequence, "b", actor="bob")
    studio.append(sequence, "c", actor="ann")
    studio.do(Undo(), sequence, actor="bob")
    assert studio.items(sequence) == ["a", "c"]
    studio.do(Undo(), sequence, actor="ann")
    assert studio.items(sequence) == ["a"]
    assert studio.refused(Undo(), sequence, actor="bob").code == "nothing_to_undo"
    studio.do(Redo(), sequence, actor="bob")
    assert studio.items(sequence) == ["a", "b"]


def test_what_somebody_changed_since_stands_against_an_undo(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a", actor="ann")
    studio.do(RenameItem("a", "Ann's"), sequence, actor="ann")
    studio.do(RenameItem("a", "Bob's"), sequence, actor="bob")
    error = studio.refused(Undo(), sequence, actor="ann")
    assert error.code == "undo_conflict"
    assert [conflict["id"] for conflict in error.details["conflicts"]] == ["a"]
    assert names(studio, sequence) == {"a": "Bob's"}
    studio.do(Undo(force=True), sequence, actor="ann")
    assert names(studio, sequence) == {"a": "a"}


def test_a_forced_undo_of_what_is_gone_makes_way_for_the_one_before(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a", actor="ann")
    studio.append(sequence, "b", actor="ann")
    studio.do(ExtractItems(("b",)), sequence, actor="bob")
    assert studio.refused(Undo(), sequence, actor="ann").code == "undo_conflict"
    studio.do(Undo(force=True), sequence, actor="ann")
    assert studio.items(sequence) == ["a"]
    studio.do(Undo(), sequence, actor="ann")
    assert studio.items(sequence) == []
    studio.do(Redo(), sequence, actor="ann")
    assert studio.items(sequence) == ["a"]


def test_undo_survives_a_restart(studio: Studio) -> None:
    sequence = studio.sequence()
    for item in "abc":
        studio.append(sequence, item)
    studio.do(Undo(), sequence)
    again = studio.reopened()
    again.do(Undo(), sequence)
    assert again.items(sequence) == ["a"]
    again.do(Redo(), sequence)
    again.do(Redo(), sequence)
    assert again.items(sequence) == ["a", "b", "c"]
    again.app.close()


def test_an_earlier_edit_is_undone_by_its_version(studio: Studio) -> None:
    sequence = studio.sequence()
    version = studio.append(sequence, "a").version
    studio.append(sequence, "b")
    studio.do(Undo(ref=version), sequence)
    assert studio.items(sequence) == ["b"]
    assert studio.refused(Undo(ref=version), sequence).code == "nothing_to_undo"
    assert studio.refused(Undo(ref=1), sequence).code == "nothing_to_undo"
    assert studio.refused(Undo(ref=99), sequence).code == "no_such_version"
    studio.do(Redo(), sequence)
    assert studio.items(sequence) == ["b", "a"] or studio.items(sequence) == ["a", "b"]


def test_an_edit_and_its_undo_in_one_group(studio: Studio) -> None:
    sequence = studio.sequence()
    track = studio.track(sequence)
    commands = [AppendItem(track, clip("a")), Undo(), Redo(), AppendItem(track, clip("b")), Revert(2), Revert(1)]
    futures = [studio.app.submit(studio.envelope(command, sequence)) for command in commands]
    assert [future.result(10).version for future in futures] == [2, 3, 4, 5, 6, 7]
    assert studio.items(sequence) == []
    assert set(studio.app.sequence(sequence, 5).items) == {"a", "b"}


def test_a_hosts_echo_is_not_undone(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a")
    studio.append(sequence, "b", kind="sync")
    studio.do(Undo(), sequence)
    assert studio.items(sequence) == ["b"]


def test_revert_makes_it_what_it_was_and_can_be_undone(studio: Studio) -> None:
    sequence = studio.sequence()
    for item in "abc":
        studio.append(sequence, item)
    then = studio.app.sequence(sequence, 2)
    studio.do(Revert(2), sequence)
    assert content_of(studio.app.sequence(sequence)) == content_of(then)
    assert studio.refused(Revert(2), sequence).code == "no_change"
    assert studio.refused(Revert(0), sequence).code == "no_such_version"
    assert studio.refused(Revert(99), sequence).code == "no_such_version"
    studio.do(Undo(), sequence)
    assert studio.items(sequence) == ["a", "b", "c"]


def test_every_version_can_be_read(studio: Studio) -> None:
    sequence = studio.sequence()
    for item in "abcd":
        studio.append(sequence, item)
    for version in range(1, 6):
        state = studio.app.sequence(sequence, version)
        assert (state.version, len(state.items)) == (version, version - 1)
    for version in (0, -1, 6):
        with pytest.raises(NotFound) as caught:
            studio.app.sequence(sequence, version)
        assert caught.value.code == "no_such_version"


def test_the_history_list(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a", actor="ann", host="resolve")
    studio.append(sequence, "b", actor="bob", label="The best one")
    studio.do(Undo(), sequence, actor="ann")
    entries = studio.app.history(sequence)
    assert [(e.version, e.kind, e.intent, e.actor, e.ref, e.undone) for e in entries] == [
        (4, "undo", "Undo", "ann", 2, False),
        (3, "edit", "AppendItem", "bob", None, False),
        (2, "edit", "AppendItem", "ann", None, True),
        (1, "edit", "SequenceCreated", "ann", None, False),
    ]
    assert entries[1].label == "The best one"
    assert entries[2].host == "resolve"
    assert entries[0].label == f"Undo {entries[2].label}"
    assert [e.timestamp for e in entries] == sorted((e.timestamp for e in entries), reverse=True)
    studio.do(Redo(), sequence, actor="ann")
    assert not any(e.undone for e in studio.app.history(sequence))
    studio.do(Undo(), sequence, actor="ann")
    assert [e.version for e in studio.app.history(sequence) if e.undone] == [2]


def test_pages_of_history(studio: Studio) -> None:
    sequence = studio.sequence()
    for k in range(450):
        studio.do(RenameItem("a", str(k)) if k else AppendItem(studio.track(sequence), clip("a")), sequence,
                  actor="bob" if k % 100 == 0 else "ann")  # fmt: skip
    page = studio.app.history(sequence, limit=3)
    assert [e.version for e in page] == [451, 450, 449]
    assert [e.version for e in studio.app.history(sequence, before=449, limit=2)] == [448, 447]
    assert [e.version for e in studio.app.history(sequence, actor="bob")] == [402, 302, 202, 102, 2]
    assert studio.app.history(sequence, before=1) == []
    with pytest.raises(BadInput):
        studio.app.history(sequence, limit=0)


def test_a_new_name_reaches_the_project_and_goes_back(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    studio.do(SetSequence(name="Fine cut"), sequence)
    assert dict(studio.app.project(project).sequences) == {sequence: "Fine cut"}
    studio.do(Undo(), sequence)
    assert dict(studio.app.project(project).sequences) == {sequence: "Cut"}


def test_a_sequence_is_forked_at_a_version(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    for item in "abc":
        studio.append(sequence, item)
    made = studio.do(ForkSequence(3, "Try"), sequence)
    assert made.created == (made.target,)
    assert studio.items(made.target) == ["a", "b"]
    assert dict(studio.app.project(project).sequences) == {sequence: "Cut", made.target: "Try"}
    origin = next(studio.store.read(studio.seen[-2].event.originator_id))
    assert isinstance(origin, SequenceImported)
    assert (origin.origin.sequence, origin.origin.version, origin.kind) == (sequence, 3, "import")
    studio.append(made.target, "z")
    assert studio.items(sequence) == ["a", "b", "c"]
    assert studio.app.sequence(studio.do(ForkSequence(), sequence).target).name == "Cut (version 4)"
    assert studio.refused(ForkSequence(9), sequence).code == "no_such_version"


def forkable(studio: Studio) -> tuple[str, str, str, str]:
    project = studio.project()
    shot = studio.shot(project)
    studio.do(AddTake(Take("t1", 1, "/1.mov")), shot)
    studio.do(AddTake(Take("t2", 2, "/2.mov"), select=False), shot)
    studio.do(SelectTake("t2"), shot)
    studio.do(SetShotStatus("review"), shot)
    studio.do(AddMedia((MediaFile("m1", "/m.mov"),)), project)
    studio.do(SetElement(Element("e1", "character", "Mia")), project)
    studio.do(SetScene(Scene("s1", "SC01")), project)
    inner, outer = studio.sequence(project, "Inner"), studio.sequence(project, "Outer")
    studio.append(inner, "a")
    track = studio.track(outer)
    studio.do(AppendItem(track, Item("n", Nested(inner), 10)), outer)
    studio.do(AppendItem(track, Item("g", Shot(shot), 10)), outer)
    return project, shot, inner, outer


def test_a_project_is_forked_with_everything_that_belongs_to_it(studio: Studio) -> None:
    project, shot, inner, outer = forkable(studio)
    made = studio.do(ForkProject(name="Second"), project).target
    old, new = studio.app.project(project), studio.app.project(made)
    assert (new.name, new.media, new.elements, new.scenes) == ("Second", old.media, old.elements, old.scenes)
    by_name = {name: id_ for id_, name in new.sequences.items()}
    assert set(by_name) == {"Inner", "Outer"}
    assert not set(new.sequences) & {inner, outer}
    copy = studio.app.find_shot(made, "sh0010")
    source = studio.app.shot(shot)
    assert (copy.takes, copy.selected, copy.status, copy.brief) == (source.takes, "t2", "review", source.brief)
    items = studio.app.sequence(by_name["Outer"]).items
    assert items["n"].source == Nested(by_name["Inner"])
    assert items["g"].source == Shot(copy.id)
    assert studio.app.sequence(outer).items["n"].source == Nested(inner)


def test_a_project_is_forked_as_it_was(studio: Studio) -> None:
    project, _, _, outer = forkable(studio)
    at = studio.app.head_id()
    studio.do(RenameProject("Later"), project)
    studio.append(outer, "z")
    studio.do(CreateShot(project, "SH0020"))
    made = studio.do(ForkProject(at), project).target
    assert studio.app.project(made).name == "Blue (copy)"
    assert [shot.code for shot in studio.app.shots(made)] == ["SH0010"]
    by_name = {name: id_ for id_, name in studio.app.project(made).sequences.items()}
    assert studio.items(by_name["Outer"]) == ["n", "g"]
    assert studio.refused(ForkProject(0), project).code == "no_such_version"


def test_nothing_is_forked_or_reverted_at_a_place_the_log_has_not_reached(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    head = studio.app.head_id()
    for at in (head + 1, 10**9, -1):
        error = studio.refused(ForkProject(at), project)
        assert (error.code, str(head) in error.message) == ("no_such_version", True)
    version = studio.app.sequence(sequence).version
    for command in (ForkSequence(version + 1), ForkSequence(0), Revert(version + 1)):
        assert studio.refused(command, sequence).code == "no_such_version"
    made = studio.do(ForkProject(head), project).target
    assert studio.app.project(made).name == "Blue (copy)"
