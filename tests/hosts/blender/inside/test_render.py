"""Rendering beside the user's Blender: the right frames of the right strips, and nothing of the user's touched."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest
from conftest import PYTHON

from genlock_blender import compat, render_input
from genlock_blender.render_input import Cancelled, Failed, Rendered, Rendering, State, Working
from genlock_blender.render_worker import percentage

PROBE = """
import av, json, sys
with av.open(sys.argv[1]) as file:
    video = file.streams.video[0]
    frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video)]
    rate, sounds = str(video.average_rate), len(file.streams.audio)
    means = [[float(frame[..., c].mean()) for c in range(3)] for frame in frames]
print(json.dumps({"frames": len(frames), "size": frames[0].shape[1::-1], "rate": rate, "codec": video.codec_context.name,
                  "means": means, "sounds": sounds}))
"""


def probe(path: Path) -> dict:
    """What a decoder that is not Blender's finds in a movie: frames, size, rate, codec, mean colours, sound streams."""
    done = subprocess.run([PYTHON, "-c", PROBE, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def wait(rendering: Rendering, seconds: float = 60.0) -> State:
    end = time.monotonic() + seconds
    while isinstance(rendering.poll(), Working) and time.monotonic() < end:
        time.sleep(0.02)
    return rendering.state


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    render_input.unregister()


@pytest.fixture
def cut(scene: bpy.types.Scene, footage: Path, tmp_path: Path) -> bpy.types.Scene:
    """A saved cut: A and B under a dissolve, a red and a green card, a meta strip around two cards."""
    scene.view_settings.view_transform = "Standard"  # red is red
    strips = compat.strips(compat.editor(scene))
    a = compat.new_movie(strips, "A", str(footage / "a.mp4"), 1, 1)
    b = compat.new_movie(strips, "B", str(footage / "b.mp4"), 2, 1)
    dissolve = compat.new_effect(strips, "X", "CROSS", 3, 1, 241, a, b)
    for name, channel, colour in (("red", 4, (1, 0, 0)), ("green", 5, (0, 1, 0))):
        card = compat.new_effect(strips, name, "COLOR", channel, 1, 101)
        card.color = colour
    inner = compat.new_effect(strips, "blue", "COLOR", 7, 20, 60)
    inner.color = (0, 0, 1)
    meta = strips.new_meta("M", 6, 20)
    inner.move_to_meta(meta)
    setattr(meta, compat.A.right, 60)
    for strip in (a, b, dissolve, meta):
        strip["genlock_id"] = "id-" + strip.name
    scene.frame_start, scene.frame_end = 1, 100
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "mine.blend"))
    return scene


def everything(scene: bpy.types.Scene) -> dict:
    """What of the user's a rendering could spoil."""
    render = scene.render
    return {
        "file": bpy.data.filepath,
        "dirty": bpy.data.is_dirty,
        "range": (scene.frame_start, scene.frame_end, scene.frame_step, scene.frame_current, scene.use_preview_range),
        "size": (render.resolution_x, render.resolution_y, render.resolution_percentage),
        "out": (render.filepath, render.image_settings.file_format, render.ffmpeg.format, render.ffmpeg.codec),
        "users": (scene.use_fake_user, scene.users),
        "strips": [
            (strip.name, strip.mute, strip.channel, strip.blend_type, strip.select, getattr(strip, "filepath", ""))
            for strip in compat.strips_all(scene.sequence_editor)
        ],
        "channels": [(channel.name, channel.mute) for channel in scene.sequence_editor.channels],
        "scenes": sorted(bpy.data.scenes.keys()),
    }


def test_a_range_of_one_strip_has_its_frames_and_leaves_the_users_scene_alone(cut: bpy.types.Scene) -> None:
    before, bytes_before = everything(cut), Path(bpy.data.filepath).read_bytes()
    rendering = render_input.start(cut, strips=["id-A"], first=25, last=49)
    seen = set()
    while isinstance(state := rendering.poll(), Working):
        seen.add(state)
        time.sleep(0.005)
    assert isinstance(state, Rendered), state
    assert state.frames == 24
    found = probe(state.path)
    assert (found["frames"], found["size"], found["rate"]) == (24, [320, 180], "24")
    assert found["codec"] == state.codec == ("prores" if compat.V >= (4, 5, 0) else "h264")
    assert {working.total for working in seen} <= {0, 24}
    assert everything(cut) == before
    assert Path(bpy.data.filepath).read_bytes() == bytes_before
    folder = rendering.folder
    assert folder.is_dir()
    rendering.close()
    assert not folder.exists()


def test_an_unsaved_change_is_rendered_and_stays_unsaved(cut: bpy.types.Scene) -> None:
    compat.strips_all(cut.sequence_editor)["red"].color = (0, 0, 1)
    bpy.ops.ed.undo_push(message="blue")
    dirty = bpy.data.is_dirty
    rendering = render_input.start(cut, strips=["red"], first=1, last=4, kind="h264")
    assert bpy.data.is_dirty == dirty
    found = probe(wait(rendering).path)
    assert all(blue > 200 and red < 50 for red, _, blue in found["means"])


@pytest.mark.parametrize(("strip", "wanted"), [("red", 0), ("green", 1), ("id-M", 2)])
def test_what_is_chosen_is_rendered_alone(cut: bpy.types.Scene, strip: str, wanted: int) -> None:
    found = probe(wait(render_input.start(cut, strips=[strip], first=30, last=33, kind="h264")).path)
    assert found["frames"] == 3
    for mean in found["means"]:
        assert mean[wanted] > 150
        assert sum(mean) - mean[wanted] < 80


def test_a_muted_strip_that_is_chosen_shows(cut: bpy.types.Scene) -> None:
    compat.strips_all(cut.sequence_editor)["red"].mute = True
    cut.sequence_editor.channels[4].mute = True
    found = probe(wait(render_input.start(cut, strips=["red"], first=1, last=3, kind="h264")).path)
    assert all(mean[0] > 150 for mean in found["means"])


def test_an_effect_brings_its_inputs(cut: bpy.types.Scene) -> None:
    def one(strip: str) -> list[float]:
        return probe(wait(render_input.start(cut, strips=[strip], first=120, last=121, kind="h264")).path)["means"][0]

    a, b, both = one("id-A"), one("id-B"), one("id-X")
    assert max(abs(x - y) for x, y in zip(a, b, strict=True)) > 4
    assert all(abs((x + y) / 2 - z) < 6 for x, y, z in zip(a, b, both, strict=True))


def test_without_strips_the_whole_scene_over_its_own_range(cut: bpy.types.Scene) -> None:
    cut.render.resolution_percentage = 50
    cut.frame_step = 7
    state = wait(render_input.start(cut, kind="h264", size=(160, 90)))
    found = probe(state.path)
    assert (found["frames"], found["size"]) == (100, [160, 90])
    assert found["means"][0][1] > 150, "green lies on top"
    assert found["means"][30][2] > 150, "the meta strip lies on top of green"


@pytest.mark.parametrize(
    ("scene", "size", "percent"),
    [
        ((1920, 1080), (0, 0), 100),
        ((1920, 1080), (960, 540), 50),
        ((1920, 1080), (768, 432), 40),
        ((1920, 1080), (1280, 720), 70),
        ((1920, 1080), (540, 540), 50),
        ((160, 90), (320, 180), 200),
    ],
)
def test_a_size_is_covered_by_whole_per_cents(scene: tuple[int, int], size: tuple[int, int], percent: int) -> None:
    assert percentage(*scene, size) == percent


def test_pictures_are_numbered_by_their_frame(cut: bpy.types.Scene) -> None:
    state = wait(render_input.start(cut, strips=["red"], first=9, last=12, kind="png"))
    assert isinstance(state, Rendered)
    assert sorted(path.name for path in state.path.iterdir()) == ["frame.0009.png", "frame.0010.png", "frame.0011.png"]


def test_a_scene_strip_renders_the_scene_it_shows(cut: bpy.types.Scene) -> None:
    other = bpy.data.scenes.new("other")
    card = compat.new_effect(compat.strips(compat.editor(other)), "c", "COLOR", 1, 1, 50)
    card.color = (0, 1, 0)
    strips = compat.strips(cut.sequence_editor)
    shown = strips.new_scene(name="S", scene=other, channel=9, frame_start=200)
    shown.scene_input = "SEQUENCER"
    found = probe(wait(render_input.start(cut, strips=["S"], first=200, last=203, kind="h264")).path)
    assert all(mean[1] > 150 for mean in found["means"])


@pytest.mark.skipif(not compat.has_sound(), reason="this build has no sound")
def test_sound_comes_along(cut: bpy.types.Scene, footage: Path) -> None:
    compat.new_sound(compat.strips(cut.sequence_editor), "tone", str(footage / "tone.wav"), 12, 1)
    assert probe(wait(render_input.start(cut, first=1, last=25)).path)["sounds"] == 1


def test_many_at_once_do_not_meet(cut: bpy.types.Scene) -> None:
    both = [render_input.start(cut, strips=[name], first=1, last=4, kind="h264") for name in ("red", "green")]
    red, green = (probe(wait(each).path)["means"][0] for each in both)
    assert red[0] > 150
    assert green[1] > 150


def test_cancelling_ends_the_process_at_once(cut: bpy.types.Scene) -> None:
    cut.frame_end = 20000
    rendering = render_input.start(cut)
    while rendering.poll() == Working(0, 0):
        time.sleep(0.02)
    begin = time.monotonic()
    rendering.cancel()
    assert isinstance(rendering.poll(), Cancelled)
    rendering.close()
    assert time.monotonic() - begin < 3
    assert rendering._process.poll() is not None
    assert not rendering.folder.exists()


def test_unregister_ends_what_runs(cut: bpy.types.Scene) -> None:
    cut.frame_end = 20000
    rendering = render_input.start(cut)
    render_input.unregister()
    assert rendering._process.poll() is not None
    assert not rendering.folder.exists()


@pytest.mark.parametrize(
    ("wish", "code", "word"),
    [
        ({"strips": ["id-gone"]}, "bad_value", "id-gone"),
        ({"first": 9, "last": 9}, "bad_value", "nothing"),
        ({"first": -5, "last": 9}, "bad_value", "-5"),
    ],
)
def test_what_cannot_be_rendered_is_said(cut: bpy.types.Scene, wish: dict, code: str, word: str) -> None:
    state = wait(render_input.start(cut, **wish))
    assert isinstance(state, Failed)
    assert state.code == code
    assert word in state.message


def test_a_killed_process_is_a_failure_with_its_last_words(cut: bpy.types.Scene) -> None:
    cut.frame_end = 20000
    rendering = render_input.start(cut)
    while rendering.poll() == Working(0, 0):
        time.sleep(0.02)
    rendering._process.kill()
    state = wait(rendering)
    assert isinstance(state, Failed)
    assert state.code == "render_failed"
    assert "exit code" in state.message


def test_a_process_that_says_nothing_is_given_up(cut: bpy.types.Scene) -> None:
    cut.frame_end = 20000
    hour = iter(range(0, 10**9, 100000))
    rendering = render_input.start(cut, clock=lambda: float(next(hour)))
    state = wait(rendering)
    assert isinstance(state, Failed)
    assert "No frame came" in state.message


def test_what_cannot_be_started_leaves_nothing(cut: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(OSError, match="cannot be started"):
        render_input.start(cut)
    assert not render_input._running
