"""Every strip keeps the one id that is its own, whatever Blender copies along."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from daemons import Daemon
from linked import Editor, move, select

from genlock_blender import compat

SEQ = bpy.ops.sequencer


@pytest.fixture
def editor(scene: Any, daemon: Daemon, project: str, sequencer: Any) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    made.color("Red", 1, 1, 49)
    made.color("Blue", 1, 101, 149)
    made.link_new()
    bpy.ops.ed.undo_push(message="Begin")
    with bpy.context.temp_override(**sequencer, scene=scene):
        yield made
    made.close()
    compat.unregister()


def key(editor: Editor, name: str) -> str:
    return str(editor.named(name)["genlock_id"])


def agree(editor: Editor) -> None:
    """Ids are unique, and both sides have the same things in the same places."""
    editor.settle()
    keys = [strip.get("genlock_id", "") for strip in compat.strips_all(compat.editor(editor.scene))]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    items = {id_: (item["start"] + 1, item["start"] + 1 + item["duration"]) for id_, item in editor.items().items()}
    inside = {id_ for id_, strip in editor.shown().items() if id_ not in items}
    metas = [strip for strip in editor.strips if strip.type == "META"]
    assert not inside or metas
    assert {id_: shown[2:4] for id_, shown in editor.shown().items() if id_ in items} == items


def test_a_split_keeps_the_id_on_the_left_half(editor: Editor) -> None:
    red = key(editor, "Red")
    select(editor, "Red")
    SEQ.split(frame=25, channel=1, type="SOFT", side="RIGHT", use_cursor_position=False)
    agree(editor)
    assert key(editor, "Red") == red
    assert editor.items()[red]["duration"] == 24


def test_a_copy_gets_an_id_of_its_own(editor: Editor) -> None:
    red = key(editor, "Red")
    select(editor, "Red")
    SEQ.duplicate()
    editor.named("Red.001").channel = 4
    agree(editor)
    assert key(editor, "Red") == red != key(editor, "Red.001")


def test_a_paste_gets_an_id_of_its_own_also_in_another_scene(editor: Editor) -> None:
    select(editor, "Red")
    SEQ.copy()
    editor.scene.frame_current = 301
    SEQ.paste()
    agree(editor)
    assert len(editor.items()) == 3


def test_what_was_cut_and_pasted_is_not_there_twice(editor: Editor) -> None:
    select(editor, "Red")
    SEQ.copy()
    SEQ.delete()
    editor.settle()
    editor.scene.frame_current = 301
    SEQ.paste()
    agree(editor)
    assert len(editor.items()) == 2


def test_ids_go_into_a_meta_strip_and_come_out(editor: Editor) -> None:
    ids = {key(editor, "Red"), key(editor, "Blue")}
    select(editor, "Red", "Blue")
    SEQ.meta_make()
    agree(editor)
    assert ids == {
        strip["genlock_id"] for strip in compat.strips_all(compat.editor(editor.scene)) if strip.type != "META"
    }
    select(editor, next(strip.name for strip in editor.strips if strip.type == "META"))
    SEQ.meta_separate()
    agree(editor)
    assert ids == set(editor.items())


def test_a_renamed_strip_is_the_same(editor: Editor) -> None:
    red = key(editor, "Red")
    editor.named("Red").name = "Crimson"
    agree(editor)
    assert key(editor, "Crimson") == red
    assert editor.items()[red]["name"] == "Crimson"


def test_ids_survive_undo_of_a_delete_and_redo(editor: Editor) -> None:
    red = key(editor, "Red")
    select(editor, "Red")
    SEQ.delete()
    bpy.ops.ed.undo_push(message="Delete")
    agree(editor)
    bpy.ops.ed.undo()
    agree(editor)
    assert key(editor, "Red") == red
    bpy.ops.ed.redo()
    agree(editor)
    assert red not in editor.items()


def test_two_strips_that_trade_their_names_keep_their_ids(editor: Editor) -> None:
    red, blue = key(editor, "Red"), key(editor, "Blue")
    strip = editor.named("Red")
    strip.name = "Green"
    editor.named("Blue").name = "Red"
    editor.named("Green").name = "Blue"
    agree(editor)
    assert (key(editor, "Blue"), key(editor, "Red")) == (red, blue)


def test_markers_keep_their_ids_too(editor: Editor) -> None:
    marks = editor.scene.timeline_markers
    marks.new("One", frame=10)
    agree(editor)
    one = compat.marker_uid(marks[0])
    copy = marks.new("One", frame=20)
    compat.set_marker_uid(copy, one)
    agree(editor)
    ids = {mark.frame: compat.marker_uid(mark) for mark in marks}
    assert ids[10] == one != ids[20]
    assert {marker["id"] for marker in editor.snapshot()["markers"]} == set(ids.values())


def test_ids_survive_saving_and_loading(editor: Editor, tmp_path: Path) -> None:
    ids = set(editor.items())
    editor.save(tmp_path / "a.blend")
    editor.load(tmp_path / "a.blend")
    editor.answers.clear()
    agree(editor)
    assert set(editor.items()) == ids
    assert editor.answers == []


DEEDS: dict[str, Callable[[Editor, Any], Any]] = {
    "split": lambda editor, strip: SEQ.split(
        frame=(strip[1] + strip[2]) // 2, channel=strip[3], type="SOFT", side="RIGHT", use_cursor_position=False
    ),
    "copy": lambda editor, strip: (SEQ.duplicate(), _up(editor)),
    "delete": lambda editor, strip: SEQ.delete(),
    "move": lambda editor, strip: move(editor.named(strip[0]), 700),
    "rename": lambda editor, strip: setattr(editor.named(strip[0]), "name", "Strip"),
    "meta": lambda editor, strip: SEQ.meta_make(),
    "separate": lambda editor, strip: SEQ.meta_separate() if SEQ.meta_separate.poll() else None,
    "undo": lambda editor, strip: bpy.ops.ed.undo() if bpy.ops.ed.undo.poll() else None,
    "redo": lambda editor, strip: bpy.ops.ed.redo() if bpy.ops.ed.redo.poll() else None,
}


def _up(editor: Editor) -> None:
    """Puts the selected copies on a channel of their own."""
    used = max(strip.channel for strip in editor.strips)
    for strip in editor.strips:
        if strip.select:
            used += 1
            strip.channel = min(used, 30)


@pytest.mark.parametrize("seed", range(6))
def test_random_operators_keep_both_sides_alike(editor: Editor, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(12):
        strips = sorted(
            (s.name, getattr(s, compat.A.left), getattr(s, compat.A.right), s.channel) for s in editor.strips
        )
        if not strips:
            editor.color("Red", 1, 1, 49)
            continue
        strip, deed = chance.choice(strips), chance.choice(sorted(DEEDS))
        if deed == "split" and strip[2] - strip[1] < 4:
            continue
        select(editor, strip[0])
        DEEDS[deed](editor, strip)
        if deed not in ("undo", "redo"):
            bpy.ops.ed.undo_push(message=deed)
        if chance.random() < 0.5:
            agree(editor)
    agree(editor)
