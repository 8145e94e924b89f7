"""Whatever operator changes the strips, the daemon hears of it: the right change, exactly once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import bpy
import pytest
from daemons import Daemon
from linked import Editor, select

from genlock_blender import compat

SEQ = bpy.ops.sequencer


class Case(NamedTuple):
    """`do` changes the scene below. `added`, `removed`: items; `fields` that differ on those that stay, and those that
    `may`, as 4.x shows a frame more of what plays faster; `marks`: markers added."""

    name: str
    do: Callable[[Editor], Any]
    fields: set[str] = set()
    added: int = 0
    removed: int = 0
    marks: int = 0
    may: set[str] = set()


def one(name: str, operator: Callable[[], Any]) -> Callable[[Editor], Any]:
    """Runs an operator on one selected strip."""

    def do(editor: Editor) -> None:
        select(editor, name)
        assert "FINISHED" in operator()

    return do


def _paste(editor: Editor) -> None:
    select(editor, "Red")
    SEQ.copy()
    editor.scene.frame_current = 501
    assert "FINISHED" in SEQ.paste()


def _duplicate(editor: Editor) -> None:
    select(editor, "Red")
    SEQ.duplicate()
    strip = next(strip for strip in editor.strips if strip.name == "Red.001")
    strip.channel = 5


def _separate(editor: Editor) -> None:
    select(editor, "Red", "Blue")
    SEQ.meta_make()
    editor.settle()
    select(editor, *(strip.name for strip in editor.strips if strip.type == "META"))
    editor.answers.clear()
    SEQ.meta_separate()


def _named(editor: Editor) -> None:
    editor.named("Red").name = "Crimson"


def _split(editor: Editor) -> None:
    select(editor, "Red")
    SEQ.split(frame=25, channel=1, type="SOFT", side="RIGHT", use_cursor_position=False, ignore_selection=False)


def _slide(editor: Editor) -> None:
    select(editor, "Red")
    bpy.ops.transform.seq_slide(value=(200, 1))


def _gap(editor: Editor) -> None:
    editor.scene.frame_current = 310
    SEQ.gap_remove(all=False)


def _insert(editor: Editor) -> None:
    editor.scene.frame_current = 60
    SEQ.gap_insert(frames=24)


def _mark(editor: Editor) -> None:
    editor.scene.timeline_markers.new("Here", frame=12)


def _trim(editor: Editor) -> None:
    setattr(editor.named("a"), compat.A.right, 150)


def _text(editor: Editor) -> None:
    editor.named("Words").text = "Changed"


def _channel(editor: Editor) -> None:
    compat.editor(editor.scene).channels[1].name = "Colours"


def _meta(editor: Editor) -> None:
    select(editor, "Red", "Blue")
    SEQ.meta_make()


CASES = [
    Case("split", _split, {"duration"}, added=1),
    Case("duplicate", _duplicate, added=1),
    Case("paste", _paste, added=1),
    Case("delete", one("Red", lambda: SEQ.delete()), removed=1),
    Case("mute", one("Red", lambda: SEQ.mute()), {"enabled"}),
    Case("lock", one("Red", lambda: SEQ.lock()), {"foreign"}),
    Case("color tag", one("Red", lambda: SEQ.strip_color_tag_set(color="COLOR_03")), {"source"}),
    Case("snap", one("Green", lambda: SEQ.snap(frame=200)), {"start"}),
    Case("slip", one("a", lambda: SEQ.slip(offset=-12)), {"source_in"}),
    Case("slide", _slide, {"start", "track"}),
    Case("gap remove", _gap, {"start"}),
    Case("gap insert", _insert, {"start"}),
    Case("swap", one("Red", lambda: SEQ.swap(side="RIGHT")), {"start"}),
    Case("meta make", _meta, added=1, removed=2),
    Case("meta separate", _separate),
    Case("offset clear", one("a", lambda: SEQ.offset_clear()), {"start", "duration", "source_in"}),
    Case("speed", one("b", lambda: SEQ.retiming_segment_speed_set(speed=200.0)), {"speed", "duration"}, may={"source"}),
    Case("fades", one("Red", lambda: SEQ.fades_add(duration_seconds=0.5, type="IN")), {"foreign"}),
    Case("marker", _mark, marks=1),
    Case("rename", _named, {"name"}),
    Case("trim", _trim, {"duration"}),
    Case("text", _text, {"source"}),
    Case("channel name", _channel),
    Case("transform clear", one("Red", lambda: SEQ.strip_transform_clear(property="ALL")), {"source"}),
    Case("modifier", one("Red", lambda: SEQ.strip_modifier_add(type="BRIGHT_CONTRAST")), {"foreign"}),
]

NOTHING = [
    Case("select", lambda editor: SEQ.select_all(action="SELECT")),
    Case("playhead", lambda editor: editor.scene.frame_set(40)),
    Case("view", lambda editor: SEQ.set_range_to_strips(preview=True)),
]


@pytest.fixture
def editor(scene: Any, daemon: Daemon, project: str, footage: Path, sequencer: Any) -> Iterator[Editor]:
    """Red, Blue (1 to 97) and Green (at 350) on channel 1, a text on 2, movies on 3 (trimmed) and 4; linked."""
    compat.register()
    made = Editor(daemon, project)
    made.color("Red", 1, 1, 49)
    made.color("Blue", 1, 49, 97)
    made.color("Green", 1, 350, 398)
    compat.new_effect(made.strips, "Words", "TEXT", 2, 1, 49)
    movie = made.movie(footage / "a.mp4", 3, 1)
    setattr(movie, compat.A.left, 25)
    setattr(movie, compat.A.right, 200)
    made.movie(footage / "b.mp4", 4, 1)
    made.named("Red").transform.offset_x = 20
    made.link_new()
    made.answers.clear()
    with bpy.context.temp_override(**sequencer, scene=scene):
        yield made
    made.close()
    compat.unregister()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_operator_is_told_once(editor: Editor, case: Case) -> None:
    before, marks = editor.items(), editor.snapshot()["markers"]
    case.do(editor)
    editor.settle()
    snapshot = editor.snapshot()
    after = editor.items()
    assert [type(answer).__name__ for answer in editor.answers] == ["CommandAccepted"], editor.answers
    assert len(after.keys() - before.keys()) == case.added
    assert len(before.keys() - after.keys()) == case.removed
    kept = before.keys() & after.keys()
    names = set().union(*(before[key].keys() | after[key].keys() for key in kept)) - {"after", "gap"}
    differ = {name for name in names for key in kept if before[key].get(name) != after[key].get(name)}
    assert case.fields <= differ <= case.fields | case.may
    assert len(snapshot["markers"]) - len(marks) == case.marks
    editor.answers.clear()
    editor.pump(0.5)
    editor.settle()
    assert editor.answers == []
    assert editor.status.state == "linked", editor.status


@pytest.mark.parametrize("case", NOTHING, ids=lambda case: case.name)
def test_what_is_no_edit_is_not_told(editor: Editor, case: Case) -> None:
    version = editor.snapshot()["version"]
    case.do(editor)
    editor.settle()
    assert editor.answers == []
    assert editor.snapshot()["version"] == version
