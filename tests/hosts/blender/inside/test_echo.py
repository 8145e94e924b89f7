"""What one side did shows on the other, and never comes back as an edit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
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
