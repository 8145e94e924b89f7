"""What one side did shows on the other, and never comes back as an edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest
import rich
from daemons import Daemon
from linked import Editor, left, move

from genlock_blender import compat


@pytest.fixture
def editor(scene: object, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    yield made
    made.close()
    compat.unregister()


def test_strips_of_a_scene_become_a_sequence(editor: Editor, footage: Path) -> None:
    editor.movie(footage / "a.mp4", 1, 1)
    editor.color("Title", 2, 25, 49)
    editor.link_new()
    assert editor.status.state == "linked", editor.status
    found = {item["name"]: (item["start"], item["duration"]) for item in editor.items().values()}
    assert found == {"a": (0, 240), "Title": (24, 24)}


def test_a_strip_moved_here_moves_there_once(editor: Editor) -> None:
    editor.color("Title", 2, 25, 49)
    editor.link_new()
    key = editor.named("Title")["genlock_id"]
    editor.answers.clear()
    move(editor.named("Title"), 10)
    editor.settle()
    assert editor.items()[key]["start"] == 34
    assert len(editor.answers) == 1


def test_an_item_moved_there_moves_here_and_does_not_come_back(editor: Editor) -> None:
    editor.color("Title", 2, 25, 49)
    editor.link_new()
    key = editor.named("Title")["genlock_id"]
    editor.answers.clear()
    editor.arrange(**{key: {"start": 100}})
    editor.until(lambda: left(editor.named("Title")) == 101)
    editor.settle()
    for _ in range(10):
        editor.pump()
    editor.pump(1.0)
    assert editor.answers == []


@pytest.fixture
def full(editor: Editor, footage: Path, sequencer: dict[str, object]) -> Editor:
    """A scene with some of everything, linked."""
    with bpy.context.temp_override(**sequencer, scene=editor.scene):
        rich.plate(footage)
        rich.fill(editor.scene, footage)
        editor.link_new()
    editor.answers.clear()
    return editor


def test_a_scene_with_some_of_everything_is_told_whole_and_then_there_is_quiet(full: Editor) -> None:
    assert full.status.state == "linked", full.status
    assert not full.status.refusal
    for _ in range(10):
        full.pump()
    full.settle()
    full.pump(1.0)
    assert full.answers == []


def test_every_item_moved_elsewhere_moves_here_and_none_comes_back(full: Editor) -> None:
    free = {track["id"] for track in full.snapshot()["tracks"] if not track["locked"]}
    items = {key: item for key, item in full.items().items() if item["track"] in free}
    version = full.snapshot()["version"]
    full.arrange(**{key: {"start": item["start"] + 1000} for key, item in items.items()})
    full.settle()
    assert full.status.troubles == {}
    for _ in range(10):
        full.pump()
    full.settle()
    full.pump(1.0)
    assert full.answers == []
    assert full.snapshot()["version"] == version + 1
    there = full.items()
    assert {key: there[key]["start"] - 1000 for key in items} == {key: item["start"] for key, item in items.items()}


def test_another_scene_shows_it_all_and_has_nothing_to_add(full: Editor) -> None:
    sequence, version = full.sequence, full.snapshot()["version"]
    full.bridge.unlink(full.scene)
    other = bpy.data.scenes.new("Other")
    other.sequence_editor_create()
    bpy.context.window.scene = other
    full.bridge.link_existing(other, sequence, full.project)
    full.settle()
    full.pump(6.0)
    full.settle()
    assert full.answers == []
    assert full.snapshot()["version"] == version


@pytest.mark.parametrize("name", ["a", "Title"])
def test_a_change_of_name_and_mute_there_is_shown_here(editor: Editor, footage: Path, name: str) -> None:
    editor.movie(footage / "a.mp4", 1, 1)
    editor.color("Title", 2, 25, 49)
    editor.link_new()
    key = editor.named(name)["genlock_id"]
    editor.answers.clear()
    editor.arrange(**{key: {"name": "Other", "enabled": False, "start": 50, "duration": 12}})
    editor.settle()
    assert editor.shown()[key][1:4] == ("Other", 51, 63)
    assert editor.named("Other").mute
    editor.pump(1.0)
    assert editor.answers == []


def test_a_removed_item_goes_and_a_new_one_comes(editor: Editor) -> None:
    editor.color("Title", 2, 25, 49)
    editor.link_new()
    key = editor.named("Title")["genlock_id"]
    item = editor.items()[key]
    new = {name: item[name] for name in ("track", "duration", "source")} | {"start": 300, "name": "New"}
    editor.answers.clear()
    editor.arrange(**{key: None, "n" * 8: new})
    editor.settle()
    assert {name for _, name, *_ in editor.shown().values()} == {"New"}
    assert editor.shown()["n" * 8][2:4] == (301, 325)
    editor.pump(1.0)
    assert editor.answers == []


def test_a_refused_edit_is_taken_back_and_the_panel_says_why(editor: Editor) -> None:
    editor.color("Title", 2, 25, 49)
    editor.link_new()
    key = editor.named("Title")["genlock_id"]
    track = editor.items()[key]["track"]
    answer = editor.command({"do": "SetTrack", "track": track, "locked": True})
    assert answer["version"]
    editor.settle()
    move(editor.named("Title"), 10)
    editor.settle()
    assert editor.status.refusal
    assert left(editor.named("Title")) == 25
