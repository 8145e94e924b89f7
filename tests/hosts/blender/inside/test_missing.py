"""Media that are not there, may not be used, or come back: the strip stays, the sequence has it, and the panel says so."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import Daemon
from linked import Editor, left, move

from genlock_blender import compat, reading


@pytest.fixture
def editor(scene: object, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    yield made
    made.close()
    compat.unregister()


def test_a_strip_without_its_file_is_in_the_sequence_and_moves_like_any_other(editor: Editor, footage: Path) -> None:
    gone = footage / "lost on the way.mp4"
    editor.movie(gone, 1, 25)
    editor.movie(footage / "a.mp4", 2, 1)
    editor.link_new()
    strip = editor.named("lost on the way")
    key = strip["genlock_id"]
    item = editor.items()[key]
    media = {value["id"]: value for value in editor.daemon.rest.get(f"/api/projects/{editor.project}/media")}
    assert media[item["source"]["media"]]["missing"]
    assert media[item["source"]["media"]]["path"] == str(gone)
    assert item["start"] == 24
    move(editor.named("lost on the way"), 10)
    editor.settle()
    assert editor.items()[key]["start"] == 34
    editor.arrange(**{key: {"start": 90}})
    editor.until(lambda: left(editor.named("lost on the way")) == 91)
    editor.settle()
    editor.answers.clear()
    editor.pump(1.0)
    assert editor.answers == []


def test_a_file_that_comes_back_is_shown_and_nothing_is_doubled(editor: Editor, footage: Path, tmp_path: Path) -> None:
    later = footage / "later.mp4"
    later.unlink(missing_ok=True)
    editor.movie(later, 1, 1)
    editor.link_new()
    shutil.copyfile(footage / "a.mp4", later)
    strip = editor.named("later")
    key = strip["genlock_id"]
    compat.strips(compat.editor(editor.scene)).remove(strip)
    editor.settle()
    assert key not in editor.items()
    editor.movie(later, 1, 1)
    editor.settle()
    (item,) = editor.items().values()
    assert (item["start"], item["duration"]) == (0, 240)
    assert not reading.read(editor.scene).strips[0].missing
    later.unlink()


def test_a_file_outside_the_roots_is_held_with_a_sentence_and_the_rest_goes_on(
    editor: Editor, footage: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = Path("/var/tmp") / f"genlock-outside-{tmp_path_factory.getbasetemp().name}.mp4"
    shutil.copyfile(footage / "a.mp4", outside)
    try:
        editor.movie(outside, 1, 1)
        editor.movie(footage / "b.mp4", 2, 1)
        editor.link_new()
        assert [item["name"] for item in editor.items().values()] == ["b"]
        code, sentence = editor.status.held[outside.stem]
        assert code == "media"
        assert "--root" in sentence
        assert editor.named(outside.stem) is not None
    finally:
        outside.unlink()
