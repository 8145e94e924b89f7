"""Undo is an edit: what Blender takes back, the daemon hears of, and nobody else's edit goes unseen with it."""

from __future__ import annotations

import faulthandler
from collections.abc import Iterator
from typing import Any

import bpy
import pytest
from daemons import Daemon
from linked import Editor, left, move

from genlock_blender import compat, handlers

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


def redo(editor: Editor) -> None:
    assert "FINISHED" in bpy.ops.ed.redo()
    editor.bridge.hint("Redo in Blender")


def theirs(editor: Editor, name: str, start: int) -> None:
    """Anna moves an item, and Blender shows it as a step of its own."""
    editor.arrange(**{editor.named(name)["genlock_id"]: {"start": start}})
    editor.until(lambda: left(editor.named(name)) == start + 1)
    editor.settle()


def mine(editor: Editor, name: str, frames: int) -> None:
    """The user moves a strip, and Blender makes a step of it."""
    move(editor.named(name), frames)
    bpy.ops.ed.undo_push(message="Move")
    editor.settle()


def starts(editor: Editor) -> dict[str, int]:
    return {item["name"]: item["start"] for item in editor.items().values()}


def test_undo_takes_back_first_the_users_edit_and_then_theirs_and_redo_brings_them_again(editor: Editor) -> None:
    theirs(editor, "Blue", 200)
    mine(editor, "Red", 10)
    assert starts(editor) == {"Red": 10, "Blue": 200}
    undo(editor)
    editor.settle()
    assert starts(editor) == {"Red": 0, "Blue": 200}
    undo(editor)
    editor.settle()
    assert starts(editor) == {"Red": 0, "Blue": 100}
    redo(editor)
    editor.settle()
    assert starts(editor) == {"Red": 0, "Blue": 200}
    redo(editor)
    editor.settle()
    assert starts(editor) == {"Red": 10, "Blue": 200}


def test_what_undo_changed_is_named_in_the_history(editor: Editor) -> None:
    mine(editor, "Red", 10)
    undo(editor)
    editor.settle()
    history = editor.daemon.rest.get(f"/api/sequences/{editor.sequence}/history")
    entries = history["entries"] if isinstance(history, dict) else history
    assert entries[0]["label"] == "Undo in Blender"


def test_a_strip_that_undo_brings_back_has_its_id_again(editor: Editor) -> None:
    key = editor.named("Red")["genlock_id"]
    editor.strips.remove(editor.named("Red"))
    bpy.ops.ed.undo_push(message="Delete")
    editor.settle()
    assert key not in editor.items()
    undo(editor)
    editor.settle()
    assert editor.named("Red")["genlock_id"] == key
    assert editor.items()[key]["start"] == 0


def test_a_strip_whose_id_undo_took_away_keeps_it(editor: Editor) -> None:
    editor.color("Late", 2, 1, 25)
    bpy.ops.ed.undo_push(message="Add")
    editor.settle()
    key = editor.named("Late")["genlock_id"]
    mine(editor, "Red", 10)
    undo(editor)
    assert "genlock_id" not in editor.named("Late")
    editor.settle()
    assert editor.named("Late")["genlock_id"] == key
    assert list(editor.items()).count(key) == 1
    assert len(editor.items()) == 3


def test_a_burst_of_their_edits_becomes_few_steps(editor: Editor) -> None:
    for start in range(200, 400, 20):
        editor.arrange(**{editor.named("Blue")["genlock_id"]: {"start": start}})
        editor.until(lambda start=start: left(editor.named("Blue")) == start + 1)
    editor.pump(2.2)
    undone = 0
    while left(editor.named("Blue")) != 101:
        assert "FINISHED" in bpy.ops.ed.undo()
        undone += 1
    assert 1 <= undone <= 3


def test_undo_while_offline_is_told_later(editor: Editor) -> None:
    mine(editor, "Red", 10)
    editor.daemon.kill()
    undo(editor)
    editor.until(lambda: editor.status.state == "offline")
    editor.daemon.start()
    editor.until(lambda: editor.status.state != "offline")
    editor.settle()
    assert starts(editor)["Red"] == 0


def test_no_reference_is_kept_across_many_undos(editor: Editor) -> None:
    for n in range(6):
        theirs(editor, "Blue", 200 + 10 * n)
        mine(editor, "Red", 5)
        undo(editor)
        editor.pump()
        undo(editor)
        editor.pump()
        redo(editor)
        editor.settle()
    shown = {name: left for _, name, left, *_ in editor.shown().values()}
    assert {name: start + 1 for name, start in starts(editor).items()} == shown


def test_the_handlers_name_undo_and_redo() -> None:
    names = dict(handlers._HANDLERS)
    assert names["undo_post"] is not names["redo_post"]
