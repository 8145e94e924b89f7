"""Files from elsewhere: an older or a newer add-on, a copy, a damaged link, another history. Each is said in a sentence."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from daemons import Daemon
from linked import Editor, left, move

from genlock_blender import compat, keeping
from genlock_blender.keeping import Kept
from genlock_blender.states import Channel, Mark, Picture, Strip
from genlock_client.sync import Sending


@pytest.fixture
def editor(scene: Any, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    made.color("Red", 1, 1, 49)
    yield made
    made.close()
    compat.unregister()


@pytest.fixture
def file(editor: Editor, tmp_path: Path) -> Path:
    """A saved file with a linked scene, which is open."""
    editor.link_new()
    editor.save(tmp_path / "film.blend")
    editor.answers.clear()
    return tmp_path / "film.blend"


def change(path: Path, editor: Editor, **fields: Any) -> None:
    """Saves the file with other fields in its link, as another add-on would have written them."""
    link = dict(editor.scene[keeping.KEY])
    for name, value in fields.items():
        link.pop(name, None)
        if value is not None:
            link[name] = value
    editor.scene[keeping.KEY] = link
    bpy.ops.wm.save_as_mainfile(filepath=str(path))


def test_a_file_opens_linked_and_catches_up(editor: Editor, file: Path) -> None:
    key = editor.named("Red")["genlock_id"]
    editor.bridge.disconnect()
    editor.arrange(**{key: {"start": 70}})
    editor.load(file)
    editor.bridge.connect()
    editor.settle()
    assert left(editor.named("Red")) == 71
    assert editor.answers == []


def test_an_edit_that_was_saved_unsent_is_told_when_the_file_is_opened(editor: Editor, file: Path) -> None:
    key = editor.named("Red")["genlock_id"]
    editor.bridge.disconnect()
    move(editor.named("Red"), 15)
    editor.save(file)
    editor.load(file)
    editor.bridge.connect()
    editor.settle()
    assert editor.items()[key]["start"] == 15


def test_a_command_that_waits_for_its_answer_goes_out_again_under_its_id(editor: Editor, file: Path) -> None:
    version = editor.snapshot()["version"]
    move(editor.named("Red"), 15)
    editor.until(lambda: isinstance(editor.link.sync.state, Sending))
    pending = editor.link.sync.pending
    editor.save(file)
    editor.bridge.disconnect()
    editor.load(file)
    kept = keeping.read(editor.scene)
    assert kept is not None
    assert kept.pending == pending
    editor.bridge.connect()
    editor.settle()
    assert [answer.id for answer in editor.answers] == [pending[0]]
    assert [item["start"] for item in editor.items().values()] == [15]
    assert editor.snapshot()["version"] == version + 1


def test_the_file_holds_no_secret_and_no_job(editor: Editor, file: Path) -> None:
    endpoint = editor.daemon.endpoint()
    assert endpoint is not None
    bpy.ops.wm.save_as_mainfile(filepath=str(file), compress=False)
    data = file.read_bytes()
    assert editor.sequence.encode() in data
    assert not [secret for secret in (endpoint.token, "Bearer", "127.0.0.1") if secret.encode() in data]
    assert set(dict(editor.scene[keeping.KEY])) == {
        "schema", "project", "sequence", "log", "version", "origin", "homes", "file", "path", "shadow", "pending",
    }  # fmt: skip


def test_a_file_of_an_older_addon_is_compared_anew(editor: Editor, file: Path) -> None:
    key = editor.named("Red")["genlock_id"]
    change(file, editor, schema=None, shadow=None, pending=None, homes=None, origin=None)
    editor.load(file)
    editor.settle()
    assert editor.status.state == "linked", editor.status
    assert set(editor.items()) == {key}
    assert len(editor.strips) == 1


def test_a_file_of_a_newer_addon_is_left_alone_and_says_so(editor: Editor, file: Path) -> None:
    change(file, editor, schema=99)
    editor.load(file)
    editor.pump(0.5)
    assert editor.status.state == "stopped"
    assert "newer" in editor.status.sentence
    assert editor.scene[keeping.KEY]["schema"] == 99


@pytest.mark.parametrize(
    "fields",
    [{"shadow": "!!!"}, {"shadow": ""}, {"homes": "{"}, {"version": "many"}, {"project": 7}, {"sequence": None}],
    ids=lambda fields: "-".join(fields),
)
def test_a_damaged_link_says_so(editor: Editor, file: Path, fields: dict[str, Any]) -> None:
    change(file, editor, **fields)
    editor.load(file)
    editor.pump(0.3)
    assert editor.status.state == "stopped"
    assert editor.status.hint
    assert not [note for note in editor.bridge.notes if "went wrong" in note]
    editor.bridge.unlink(editor.scene)
    assert keeping.KEY not in editor.scene


def test_save_as_asks_and_a_fork_has_a_life_of_its_own(editor: Editor, file: Path) -> None:
    first = editor.sequence
    editor.save(file.with_name("copy.blend"))
    assert editor.status.state == "asking"
    assert editor.status.choices == ("continue", "fork", "unlink")
    editor.bridge.relink(editor.scene, "fork")
    editor.until(lambda: editor.status.state == "linked")
    editor.settle()
    assert editor.sequence != first
    move(editor.named("Red"), 40)
    editor.settle()
    assert [item["start"] for item in editor.items().values()] == [40]
    before = editor.daemon.rest.get(f"/api/sequences/{first}")
    assert [item.get("gap", 0) for track in before["tracks"] for item in track["items"]] == [0]


def test_save_as_and_continue_stays_in_step(editor: Editor, file: Path) -> None:
    first = editor.sequence
    editor.save(file.with_name("film_002.blend"))
    editor.bridge.relink(editor.scene, "continue")
    editor.settle()
    move(editor.named("Red"), 40)
    editor.settle()
    assert editor.sequence == first
    assert [item["start"] for item in editor.items().values()] == [40]
    editor.save(file.with_name("film_002.blend"))
    assert editor.status.state == "linked"


def test_a_file_that_was_moved_goes_on_and_one_that_was_copied_asks(editor: Editor, file: Path) -> None:
    moved = file.with_name("moved.blend")
    shutil.move(file, moved)
    editor.load(moved)
    editor.settle()
    assert editor.status.state == "linked"
    editor.save(moved)
    copied = file.with_name("copied.blend")
    shutil.copy(moved, copied)
    editor.load(copied)
    assert editor.status.state == "asking"
    assert "fork" in editor.status.choices


def test_a_copy_of_a_scene_asks_and_the_first_goes_on(editor: Editor, file: Path) -> None:
    first = editor.scene
    copy = first.copy()
    editor.pump(0.2)
    assert editor.bridge.status(copy).state == "asking"
    assert editor.bridge.status(first).state in ("linked", "working")
    editor.bridge.relink(copy, "unlink")
    editor.settle()
    assert editor.bridge.status(copy).state == "unlinked"
    assert editor.answers == []


def test_two_scenes_of_a_file_are_not_linked_to_one_sequence(editor: Editor, file: Path) -> None:
    other = bpy.data.scenes.new("Other")
    editor.bridge.link_existing(other, editor.sequence, editor.project)
    editor.pump(0.3)
    assert editor.bridge.status(other).state == "stopped"
    assert editor.bridge.status(other).hint
    assert keeping.KEY not in other
    editor.settle()
    assert editor.status.state == "linked"


def test_a_linked_scene_that_is_deleted_is_forgotten(editor: Editor, file: Path) -> None:
    other = bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(editor.scene)
    editor.pump(0.2)
    assert editor.bridge.links == {}
    assert editor.bridge.status(other).state == "unlinked"
    assert not [note for note in editor.bridge.notes if "went wrong" in note]


def test_an_existing_sequence_comes_into_an_empty_scene_with_its_rate(editor: Editor, file: Path) -> None:
    other = bpy.data.scenes.new("Other")
    other.render.fps = 30
    other.sequence_editor_create()
    sequence = editor.sequence
    editor.bridge.unlink(editor.scene)
    bpy.context.window.scene = other
    editor.bridge.link_existing(other, sequence, editor.project)
    editor.settle()
    assert (other.render.fps, other.render.resolution_x) == (24, 320)
    assert [name for _, name, *_ in editor.shown().values()] == ["Red"]


def test_what_is_kept_comes_back_as_it_was(scene: Any) -> None:
    strip = Strip(
        "k", "n", "MOVIE", 2, 1, 9, 0.5, files=("/a",), rate=(24000, 1001), props={"t": (1.0, [2, "é"]), "!": {}}
    )
    picture = Picture("S", (24, 1), (2, 3), 1, (strip,), {3: Channel("C", True)}, (Mark("m", "n", 4),))
    book = {"origin": 1, "homes": {"t": 2}, "owners": {"t": ["s", "video"]}, "metas": {}}
    pending = ("id", {"do": "Arrange", "base": 6})
    kept = Kept("p", "s", "log", 7, {"n": 3}, book, "file", "/path", picture, pending)
    keeping.write(scene, kept)
    assert keeping.read(scene) == kept
    begun = time.perf_counter()
    many = kept._replace(shadow=picture._replace(strips=tuple(strip._replace(key=str(n)) for n in range(1000))))
    keeping.write(scene, many)
    assert keeping.read(scene) == many
    assert time.perf_counter() - begun < 2
