"""What goes wrong between two ticks, or always: nothing is lost for it, nothing goes on for ever, and it is said."""

from __future__ import annotations

import faulthandler
import gc
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from daemons import Daemon
from linked import Editor, left, move

from genlock_blender import compat, creating, reading
from genlock_client.sync import Idle, Showing

faulthandler.enable()


@pytest.fixture
def editor(scene: Any, daemon: Daemon, project: str, sequencer: Any) -> Iterator[Editor]:
    """Red at 1 and Blue at 101 on channel 1; linked, with an undo step behind it."""
    compat.register()
    made = Editor(daemon, project)
    made.color("Red", 1, 1, 49)
    made.color("Blue", 1, 101, 149)
    made.link_new()
    bpy.ops.ed.undo_push(message="Begin")
    made.answers.clear()
    with bpy.context.temp_override(window=sequencer["window"], screen=sequencer["screen"]):
        yield made
    made.close()
    compat.unregister()


def undo(editor: Editor) -> None:
    assert "FINISHED" in bpy.ops.ed.undo()
    editor.bridge.hint("Undo in Blender")


def starts(editor: Editor) -> dict[str, int]:
    return {item["name"]: item["start"] for item in editor.items().values()}


def shows(editor: Editor, seconds: float) -> int:
    """How often something is begun to be shown in this time."""
    host = editor.link.state.host
    begun = []
    show = host.show
    host.show = lambda *given: begun.append(1) or show(*given)
    editor.pump(seconds)
    del host.show
    return len(begun)


def test_their_edit_that_came_a_moment_ago_is_not_undone_with_mine(editor: Editor) -> None:
    blue = editor.named("Blue")["genlock_id"]
    editor.arrange(**{blue: {"start": 200}})
    editor.until(lambda: left(editor.named("Blue")) == 201)
    editor.settle()
    move(editor.named("Red"), 10)
    bpy.ops.ed.undo_push(message="Move")
    editor.settle()
    editor.arrange(**{blue: {"start": 300}})
    editor.until(lambda: left(editor.named("Blue")) == 301)
    undo(editor)
    editor.settle()
    assert starts(editor) == {"Red": 0, "Blue": 300}
    assert (left(editor.named("Red")), left(editor.named("Blue"))) == (1, 301)


def test_undo_between_two_steps_of_a_showing_takes_back_mine_alone(editor: Editor) -> None:
    move(editor.named("Red"), 10)
    bpy.ops.ed.undo_push(message="Move")
    editor.settle()
    track = next(iter(editor.items().values()))["track"]
    source = {"type": "generator", "generator": "blender.color", "parameters": {}}
    new = {
        f"{n:032x}": {"track": track, "start": 1000 + 50 * n, "duration": 40, "source": source, "name": f"n{n}"}
        for n in range(60)
    }
    editor.arrange(**new)
    sync = editor.link.sync
    for _ in range(2000):
        editor.bridge.pump(budget=0.0005)
        if isinstance(sync.state, Showing) and len(editor.strips) > 10:
            break
    assert isinstance(sync.state, Showing)
    assert len(editor.strips) < 60
    undo(editor)
    editor.settle()
    assert len(editor.items()) == 62
    assert starts(editor)["Red"] == 0
    assert len(editor.strips) == 62


def test_what_blender_refuses_is_not_tried_for_ever(editor: Editor, monkeypatch: Any) -> None:
    def refuse(*_: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(creating, "create", refuse)
    track = next(iter(editor.items().values()))["track"]
    source = {"type": "generator", "generator": "blender.color", "parameters": {}}
    item = {"track": track, "start": 1000, "duration": 40, "source": source, "name": "new"}
    editor.arrange(**{"a" * 32: item, editor.named("Red")["genlock_id"]: {"start": 20}})
    editor.until(lambda: left(editor.named("Red")) == 21)
    editor.pump(1.5)
    assert shows(editor, 2.0) == 0
    assert editor.link.sync.base == editor.snapshot()["version"]
    assert [code for code, _ in editor.status.troubles.values()] == ["refused"]
    assert "a" * 32 in editor.items()


def test_a_sound_that_is_gone_does_not_begin_again_for_ever(editor: Editor, footage: Path, tmp_path: Path) -> None:
    if not compat.has_sound():
        pytest.skip("no sound")
    tone = footage / "gone.wav"
    shutil.copy(footage / "tone.wav", tone)
    answer = editor.daemon.rest.post(f"/api/projects/{editor.project}/media", {"paths": [str(tone)]})
    media = answer["media"][0]["id"]
    tone.unlink()
    body = {
        "tracks": {"a" * 32: {"kind": "audio", "name": "A1"}},
        "items": {
            "b" * 32: {
                "track": "a" * 32,
                "start": 0,
                "duration": 24,
                "name": "Gone",
                "source": {"type": "media", "media": media},
            }
        },
    }
    editor.command({"do": "Arrange", "base": editor.snapshot()["version"], "arrangement": body})
    editor.pump(1.0)
    assert shows(editor, 2.0) <= 1
    assert editor.link.sync.base == editor.snapshot()["version"]


def test_what_cannot_leave_does_not_begin_again_for_ever(editor: Editor) -> None:
    meta = editor.strips.new_meta("Meta", 4, 200)
    inner = editor.color("Inner", 5, 200, 240)
    inner.move_to_meta(meta)
    setattr(meta, compat.A.right, 240)
    editor.settle()
    early = editor.color("Early", 6, -50, -10)
    early.move_to_meta(editor.named("Meta"))
    editor.settle()
    editor.arrange(**{editor.named("Meta")["genlock_id"]: None})
    editor.pump(1.0)
    assert shows(editor, 2.0) <= 1
    assert editor.link.sync.base == editor.snapshot()["version"]


def test_a_listener_that_stumbles_eats_no_answer(editor: Editor) -> None:
    def stumble(_: Any) -> None:
        raise RuntimeError("a panel is broken")

    editor.bridge.listen_all(stumble)
    move(editor.named("Red"), 10)
    editor.link.sync.hint()
    editor.pump(1.5)
    assert isinstance(editor.link.sync.state, Idle), editor.link.sync.state
    assert starts(editor)["Red"] == 10
    editor.arrange(**{editor.named("Blue")["genlock_id"]: {"start": 200}})
    editor.until(lambda: left(editor.named("Blue")) == 201)


def test_the_collector_rests_during_a_tick_and_is_left_as_it_was(editor: Editor) -> None:
    seen: list[bool] = []
    editor.bridge.listen_all(lambda _: seen.append(gc.isenabled()))
    editor.arrange(**{editor.named("Blue")["genlock_id"]: {"start": 200}})
    editor.until(lambda: seen)
    assert seen[0] is False
    assert gc.isenabled()
    gc.disable()
    try:
        editor.bridge.pump()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_scene_that_cannot_be_read_does_not_spin(editor: Editor, monkeypatch: Any) -> None:
    calls = []

    def broken(scene: Any) -> Any:
        calls.append(1)
        raise RuntimeError("an odd strip")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "read", broken)
        move(editor.named("Red"), 10)
        editor.link.sync.hint()
        editor.pump(3.0)
        assert 1 <= len(calls) <= 6
        assert editor.status.state == "stopped" or "odd strip" in " ".join(editor.bridge.notes)
    move(editor.named("Red"), 1)
    editor.until(lambda: starts(editor)["Red"] == 11, 10)


def test_a_showing_that_stumbles_is_tried_again(editor: Editor, monkeypatch: Any) -> None:
    host = editor.link.state.host
    calls = []

    def broken(*given: Any) -> Any:
        calls.append(1)
        raise RuntimeError("an odd cut")

    host.show = broken
    editor.arrange(**{editor.named("Blue")["genlock_id"]: {"start": 200}})
    editor.pump(2.0)
    assert 1 <= len(calls) <= 6
    del host.show
    editor.until(lambda: left(editor.named("Blue")) == 201, 10)


def test_a_store_put_back_while_blender_runs_is_asked_about(editor: Editor, tmp_path: Path) -> None:
    editor.daemon.end()
    folder = editor.daemon.folder
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    editor.daemon.start()
    editor.until(lambda: editor.status.state == "linked")
    for _ in range(3):
        move(editor.named("Red"), 10)
        editor.settle()
    editor.daemon.end()
    for old in folder.glob("studio.genlock*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for new in kept.glob("studio.genlock*"):
        (shutil.copytree if new.is_dir() else shutil.copy)(new, folder / new.name)
    editor.daemon.start()
    editor.until(lambda: editor.status.state == "asking")
    move(editor.named("Red"), 10)
    editor.pump(1.0)
    editor.bridge.relink(editor.scene, "continue")
    editor.settle()
    assert starts(editor)["Red"] == left(editor.named("Red")) - 1


def test_undo_after_unlink_does_not_link_again(editor: Editor) -> None:
    editor.bridge.file_saves()
    bpy.ops.ed.undo_push(message="Saved")
    editor.bridge.unlink(editor.scene)
    bpy.ops.ed.undo_push(message="Unlinked")
    editor.color("More", 3, 1, 20)
    bpy.ops.ed.undo_push(message="More")
    undo(editor)
    editor.pump(0.5)
    assert editor.status.state == "unlinked"
