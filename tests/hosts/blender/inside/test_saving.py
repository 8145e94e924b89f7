"""`genlock blender save`: the file opens in a Blender without Genlock as it should be, and goes on in one with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from conftest import PYTHON
from daemons import Daemon
from linked import Editor, left

from genlock_blender import compat, reading
from genlock_blender.links import Linked

SECONDS = 110
LOOK = """
import json, os, sys
import bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
held = scene.sequence_editor
strips = held.strips_all if hasattr(held, "strips_all") else held.sequences_all
names = ("left_handle", "right_handle") if bpy.app.version >= (5, 1, 0) else ("frame_final_start", "frame_final_end")
found = {}
for strip in strips:
    path = getattr(strip, "filepath", "") or (strip.sound.filepath if strip.type == "SOUND" else "")
    edges = [getattr(strip, name) for name in names]
    found[strip.name] = [strip.type, *edges, path, os.path.exists(bpy.path.abspath(path))]
window = bpy.context.window_manager.windows[0]
areas = [area.type for area in window.screen.areas]
chosen = getattr(window.workspace, "sequencer_scene", scene)
render = scene.render
if hasattr(render.image_settings, "media_type"):
    render.image_settings.media_type = "IMAGE"
render.image_settings.file_format = "BMP"
render.filepath = sys.argv[2]
scene.frame_set(30)
bpy.ops.render.render(write_still=True)
told = {"strips": found, "areas": areas, "shown": chosen == scene, "name": scene.name, "genlock": "genlock" in sys.modules}
told["marks"] = [[mark.name, mark.frame] for mark in scene.timeline_markers]
told["range"] = [scene.frame_start, scene.frame_end, render.fps]
print("told: " + json.dumps(told), flush=True)
os._exit(0)
"""


@pytest.fixture
def editor(scene: object, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    yield made
    made.close()
    compat.unregister()


@pytest.fixture
def cut(editor: Editor, footage: Path) -> Editor:
    """A linked scene with clips, a transition, a title and a marker."""
    one = editor.movie(footage / "a.mp4", 1, 1)
    setattr(one, compat.A.right, 60)
    title = editor.color("Title", 4, 20, 50)
    title.blend_type, title.blend_alpha = "ALPHA_OVER", 0.5
    two = editor.movie(footage / "b.mp4", 2, 48)
    compat.new_effect(editor.strips, "Cross", "CROSS", 3, 48, 60, one, two)
    if compat.has_sound():
        compat.new_sound(editor.strips, "Tone", str(footage / "tone.wav"), 6, 1)
    editor.scene.timeline_markers.new("Here", frame=24)
    editor.link_new()
    return editor


def save(editor: Editor, file: Path, *more: str) -> dict[str, Any]:
    """Runs the command in a process of its own, with this Blender."""
    command = [
        PYTHON,
        "-m",
        "genlock",
        "blender",
        "save",
        editor.sequence,
        str(file),
        "--with",
        sys.executable,
        "--json",
    ]
    environment = {**os.environ, "GENLOCK_HOME": str(editor.daemon.folder / "home")}
    environment.pop("PYTHONPATH", None)
    store = ["--store", str(editor.daemon.store)]
    done = subprocess.run([*command, *store, *more], capture_output=True, text=True, timeout=SECONDS, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def look(file: Path) -> dict[str, Any]:
    """What a Blender without Genlock finds in the file; it renders a frame beside it."""
    command = [sys.executable, "-c", LOOK, str(file), str(file.with_suffix(".bmp"))]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment, cwd=file.parent)
    line = next((line for line in done.stdout.splitlines() if line.startswith("told: ")), "")
    assert line, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(line.removeprefix("told: "))
    return found


def test_a_blender_without_genlock_shows_everything(cut: Editor, footage: Path, tmp_path: Path) -> None:
    wanted = {strip.name: [strip.type, strip.left, strip.right] for strip in reading.read(cut.scene).strips}
    file = tmp_path / "cut.blend"
    said = save(cut, file)
    assert (said["strips"], said["frames"]) == (len(wanted), max(right for _, _, right in wanted.values()) - 1)
    assert (said["missing"], said["troubles"]) == ([], [])
    found = look(file)
    assert {name: strip[:3] for name, strip in found["strips"].items()} == wanted
    assert all(there for type_, *_, there in found["strips"].values() if type_ in ("MOVIE", "SOUND"))
    assert found["strips"]["a"][3] == str(footage / "a.mp4")
    assert not found["genlock"]
    assert found["marks"] == [["Here", 24]]
    assert found["range"] == [1, said["frames"], 24]
    assert "SEQUENCE_EDITOR" in found["areas"]
    assert found["shown"]
    pixels = file.with_suffix(".bmp").read_bytes()[54:]
    assert len(set(pixels)) > 100


def test_no_token_and_no_address_are_in_the_file(cut: Editor, tmp_path: Path) -> None:
    file = tmp_path / "cut.blend"
    save(cut, file)
    data = file.read_bytes()
    endpoint = cut.daemon.endpoint()
    assert endpoint is not None
    assert cut.sequence.encode() in data  # so it is not packed, and the search finds what is there
    for secret in (endpoint.token, f"127.0.0.1:{endpoint.port}", "Bearer", "GENLOCK_TOKEN"):
        assert secret.encode() not in data, secret


def test_the_file_goes_on_as_the_sequence(cut: Editor, tmp_path: Path) -> None:
    file, sequence = tmp_path / "cut.blend", cut.sequence
    key = cut.named("Title")["genlock_id"]
    save(cut, file)
    bpy.ops.wm.open_mainfile(filepath=str(file))
    cut.bridge.file_closes()
    cut.bridge.file_opened()
    cut.until(lambda: cut.bridge.links and isinstance(cut.link.state, Linked))
    cut.settle()
    assert cut.sequence == sequence
    before = cut.snapshot()["version"]
    cut.pump(0.5)
    assert cut.snapshot()["version"] == before, "opening the file is no edit"
    cut.arrange(**{key: {"start": 100}})
    cut.until(lambda: left(cut.named("Title")) == 101)


def test_the_file_and_its_media_can_move_together(cut: Editor, footage: Path, tmp_path: Path) -> None:
    file = footage / "cut.blend"
    save(cut, file, "--relative")
    moved = tmp_path / "elsewhere"
    shutil.copytree(footage, moved)
    file.unlink()
    found = look(moved / "cut.blend")["strips"]["a"]
    assert (found[3], found[4]) == ("//a.mp4", True)


def test_what_was_there_is_kept(cut: Editor, tmp_path: Path) -> None:
    file = tmp_path / "cut.blend"
    file.write_bytes(b"mine")
    save(cut, file)
    assert (tmp_path / "cut.blend1").read_bytes() == b"mine"
