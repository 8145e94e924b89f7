"""What an editor sees in Blender is what comes back from a file and what another Blender shows: frame by frame."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
import rich
from daemons import Daemon
from linked import Editor

from genlock_blender import compat, reading
from genlock_blender.states import Channel, Picture, Strip

ANOTHER = Path(__file__).with_name("another.py")
ANOTHER_SECONDS = 100
TRANSITIONS = ("CROSS", "GAMMA_CROSS", "WIPE")


@pytest.fixture
def editor(scene: object, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    yield made
    made.close()
    compat.unregister()


@pytest.fixture
def filled(editor: Editor, footage: Path, sequencer: object) -> Editor:
    """A rich scene that is linked to a new sequence."""
    rich.plate(footage)
    rich.fill(editor.scene, footage)
    editor.link_new()
    assert (editor.status.held, editor.status.troubles) == ({}, {}), editor.status
    return editor


def back(editor: Editor, source: Any, project: str, sequence: str) -> Any:
    """Another scene, which shows the sequence; it is in front then."""
    made = rich.empty("Back", source)
    editor.bridge.link_existing(made, sequence, project)
    editor.settle()
    return made


def round_trip(editor: Editor, folder: Path) -> tuple[dict[str, Any], str, str]:
    """Writes the sequence to a file and reads that into another project: (answer to the export, project, sequence)."""
    rest, file = editor.daemon.rest, folder / "cut.otio"
    told = rest.post(f"/api/sequences/{editor.sequence}/export", {"path": str(file)})
    project = editor.daemon.new_project("From a file")
    found = rest.post(f"/api/projects/{project}/import", {"path": str(file)})
    assert (found["warnings"], found["loss"]) == ([], [])
    return told, project, found["sequence"]


def ranks(picture: Picture) -> dict[int, int]:
    """The channels that hold strips of the scene itself, by how many of them are below: which ones are free may differ."""
    held = sorted({strip.channel for strip in picture.strips if not strip.parent})
    return {channel: rank for rank, channel in enumerate(held)}


def comparable(picture: Picture) -> dict[str, Strip]:
    """The strips by name, with other strips named in them instead of their keys.

    The id of a transition is its clips'. The content of a clip that plays faster is what Blender counts, which it does
    again when the strip is laid: one frame more or less behind the right handle, before 5.0.
    """
    names = {strip.key: strip.name for strip in picture.strips}
    rank = ranks(picture)
    found = {}
    for strip in picture.strips:
        inputs = tuple(names[key] for key in strip.inputs)
        more: dict[str, Any] = {"inputs": inputs, "parent": names.get(strip.parent, "")}
        if not strip.parent:
            more["channel"] = rank[strip.channel]
        if strip.type in TRANSITIONS:
            more["key"] = ""
        if strip.speed != (1, 1):
            more["content"] = 0
        found[strip.name] = strip._replace(**more)
    return found


def channels(picture: Picture) -> dict[int, Channel]:
    """The channels by rank; one that nobody named has no name."""
    rank = ranks(picture)
    return {
        rank[number]: channel._replace(name="" if channel.name == f"Channel {number}" else channel.name)
        for number, channel in picture.channels.items()
        if number in rank
    }


def assert_equal(before: Picture, after: Picture) -> None:
    one, other = comparable(before), comparable(after)
    assert set(one) == set(other)
    for name, strip in one.items():
        there = other[name]
        assert not {f: (a, b) for f, a, b in zip(strip._fields, strip, there, strict=True) if a != b}, name
    assert channels(before) == channels(after)
    assert set(before.marks) == set(after.marks)
    assert (before.rate, before.size) == (after.rate, after.size)


def assert_frames(before: dict[int, bytes], after: dict[int, bytes]) -> None:
    assert all(len(set(picture)) > 1 for frame, picture in before.items() if frame not in rich.HOLES)
    differences = {frame: rich.difference(picture, after[frame]) for frame, picture in before.items()}
    assert not any(differences.values()), differences


def test_a_scene_that_is_linked_renders_as_before(
    editor: Editor, footage: Path, sequencer: object, tmp_path: Path
) -> None:
    rich.plate(footage)
    rich.fill(editor.scene, footage)
    before = rich.frames(editor.scene, tmp_path / "before")
    editor.link_new()
    assert_frames(before, rich.frames(editor.scene, tmp_path / "after"))


def test_a_cut_comes_back_from_a_file_as_it_was(filled: Editor, tmp_path: Path) -> None:
    source = filled.scene
    before = rich.frames(source, tmp_path / "before")
    told, project, sequence = round_trip(filled, tmp_path)
    assert told["loss"] == []
    made = back(filled, source, project, sequence)
    assert (filled.status.held, filled.status.troubles) == ({}, {})
    assert_equal(reading.read(source), reading.read(made))
    assert_frames(before, rich.frames(made, tmp_path / "after"))


def test_another_blender_shows_the_same(filled: Editor, tmp_path: Path) -> None:
    before = rich.frames(filled.scene, tmp_path / "before")
    others = tmp_path / "plate.blend"
    bpy.data.libraries.write(str(others), {bpy.data.scenes["Plate"]})
    job = [
        str(others),
        filled.project,
        filled.sequence,
        str(tmp_path / "after"),
        filled.scene.view_settings.view_transform,
    ]
    repository = Path(__file__).resolve().parents[4]
    ours = [str(repository / folder) for folder in ("core", "blender_addon", "tests/hosts/blender/inside")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(ours)}
    done = subprocess.run(
        [sys.executable, str(ANOTHER), *job], capture_output=True, text=True, timeout=ANOTHER_SECONDS, env=environment
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert_frames(before, rich.pixels(tmp_path / "after"))


def test_a_poorer_format_says_what_it_loses_and_otio_loses_nothing(filled: Editor) -> None:
    def lost(dialect: str) -> dict[str, int]:
        rows = filled.daemon.rest.get(f"/api/sequences/{filled.sequence}/loss", dialect=dialect)["loss"]
        return {row["what"]: row["count"] for row in rows}

    assert lost("otio") == {}
    assert lost("fcp7")["other programs' notes on transitions"] == 2  # the wipe's clock, and a name
    assert lost("edl")["nested sequence becomes a placeholder"] == 1


def test_what_cannot_go_is_said_and_stays(editor: Editor, footage: Path, tmp_path: Path) -> None:
    editor.color("Early", 1, -20, 1)
    editor.color("Here", 2, 1, 50)
    editor.link_new()
    assert list(editor.status.held) == ["Early"]
    told, project, sequence = round_trip(editor, tmp_path)
    assert told["loss"] == []
    made = back(editor, editor.scene, project, sequence)
    assert [strip.name for strip in reading.read(made).strips] == ["Here"]


def test_a_ramp_is_kept_in_the_file(editor: Editor, footage: Path, sequencer: Any, tmp_path: Path) -> None:
    source = editor.scene
    strip = editor.movie(footage / "a.mp4", 1, 1)
    setattr(strip, compat.A.left, 40)
    setattr(strip, compat.A.right, 80)
    with bpy.context.temp_override(**sequencer, scene=source), compat.selected(source, [strip]):
        bpy.ops.sequencer.retiming_segment_speed_set(speed=200)
    (ramp,) = reading.read(source).strips
    assert ramp.speed is None
    editor.link_new()
    (here,) = editor.items().values()
    assert here["foreign"]["blender"]["retiming"] == list(ramp.retiming)
    _, project, sequence = round_trip(editor, tmp_path)
    back(editor, source, project, sequence)
    (there,) = editor.items().values()
    assert there["foreign"] == here["foreign"]
    assert [code for code, _ in editor.status.troubles.values()] == ["ramp"]
