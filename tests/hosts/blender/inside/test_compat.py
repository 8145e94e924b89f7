"""What differs between versions answers the same words on each: places, effects, contexts, speed, markers, f-curves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import bpy
import pytest

from genlock_blender import compat
from genlock_blender.compat import A

ONE_INPUT = {"SPEED", "GLOW", "GAUSSIAN_BLUR", "TRANSFORM"}
NO_INPUT = {"COLOR", "TEXT", "ADJUSTMENT", "MULTICAM", "COMPOSITOR"}


def colour(scene: Any, name: str, channel: int, left: int, right: int) -> Any:
    return compat.new_effect(compat.strips(scene.sequence_editor), name, "COLOR", channel, left, right)


def test_every_name_of_a_place_reads_and_writes(scene: Any, footage: Path) -> None:
    strip = compat.new_movie(compat.strips(scene.sequence_editor), "a", str(footage / "a.mp4"), 1, 10)
    assert [getattr(strip, name) for name in (A.start, A.left, A.right, A.duration, A.content)] == [
        10,
        10,
        250,
        240,
        240,
    ]
    setattr(strip, A.left, 34)
    setattr(strip, A.right, 202)
    assert (getattr(strip, A.left_offset), getattr(strip, A.right_offset)) == (24, 48)
    assert (getattr(strip, A.left_trim), getattr(strip, A.right_trim)) == (0, 0)
    assert getattr(strip, A.duration) == 168
    for name in A:
        assert name in compat.PLACE


@pytest.mark.parametrize("kind", sorted(compat.EFFECTS))
def test_every_effect_of_this_version_can_be_made_with_its_inputs(scene: Any, kind: str) -> None:
    inputs = [colour(scene, "one", 1, 10, 60), colour(scene, "two", 2, 10, 60)]
    inputs = inputs[: 0 if kind in NO_INPUT else 1 if kind in ONE_INPUT else 2]
    strip = compat.new_effect(compat.strips(scene.sequence_editor), "fx", kind, 3, 10, 60, *inputs)
    assert (strip.type, getattr(strip, A.left), getattr(strip, A.right), strip.channel) == (kind, 10, 60, 3)
    found = [getattr(strip, name, None) for name in ("input_1", "input_2")]
    assert [one.name for one in found if one is not None] == [one.name for one in inputs]


def test_an_effect_that_this_version_has_not_got_is_refused(scene: Any) -> None:
    with pytest.raises(TypeError):
        compat.new_effect(compat.strips(scene.sequence_editor), "fx", "HOLOGRAM", 3, 10, 60)


def test_collections_reach_into_meta_strips(scene: Any) -> None:
    editor = compat.editor(scene)
    inner = colour(scene, "inner", 1, 10, 60)
    meta = compat.strips(editor).new_meta("meta", 5, 10)
    inner.move_to_meta(meta)
    assert [strip.name for strip in compat.strips(editor)] == ["meta"]
    assert [strip.name for strip in compat.strips(meta)] == ["inner"]
    assert sorted(strip.name for strip in compat.strips_all(editor)) == ["inner", "meta"]


def test_an_editor_is_made_where_there_is_none() -> None:
    bare = bpy.data.scenes.new("bare")
    assert bare.sequence_editor is None
    assert compat.editor(bare) == bare.sequence_editor
    assert bare.sequence_editor is not None


def test_a_sound_says_whether_it_can_be(scene: Any, footage: Path) -> None:
    strips = compat.strips(scene.sequence_editor)
    if compat.has_sound():
        assert compat.new_sound(strips, "s", str(footage / "tone.wav"), 1, 10).type == "SOUND"
    else:
        with pytest.raises((RuntimeError, AttributeError)):
            compat.new_sound(strips, "s", str(footage / "tone.wav"), 1, 10)


def test_the_sequencer_is_found_only_where_one_shows_the_scene(scene: Any, sequencer: Any) -> None:
    found = compat.sequencer_override(scene)
    assert found is not None
    assert found["area"].type == "SEQUENCE_EDITOR"
    assert compat.sequencer_override(bpy.data.scenes.new("other")) is None
    sequencer["area"].spaces[0].view_type = "PREVIEW"
    assert compat.sequencer_override(scene) is None
    assert compat.edit_scene(bpy.context) == scene


def test_nothing_is_busy_without_a_person() -> None:
    assert compat.busy(bpy.context) == ""


@pytest.mark.parametrize(("word", "busy"), [("SEQUENCER_OT_slip", "drag"), ("MY_OT_screencast_keys", "")])
def test_only_modal_operators_that_change_strips_are_waited_for(word: str, busy: str) -> None:
    class Operator:
        bl_idname = word

    class Screen:
        is_animation_playing = is_scrubbing = False

    class Window:
        screen = Screen()
        modal_operators = (Operator(),)

    class Manager:
        windows = (Window(),)

    class Context:
        window_manager = Manager()

    assert compat.busy(Context()) == busy


def test_what_is_pushed_is_one_undo_step(scene: Any) -> None:
    compat.undo_push("start")
    colour(scene, "x", 1, 10, 60)
    assert compat.undo_push("Genlock: added a clip")
    with bpy.context.temp_override(window=compat.windows()[0]):
        bpy.ops.ed.undo()
    assert len(compat.strips_all(bpy.context.scene.sequence_editor)) == 0


def test_the_selection_comes_back(scene: Any) -> None:
    one, two = colour(scene, "one", 1, 10, 60), colour(scene, "two", 2, 10, 60)
    one.select, two.select = True, False
    one.select_left_handle = True
    scene.sequence_editor.active_strip = one
    with compat.selected(scene, [two]):
        assert (one.select, two.select, scene.sequence_editor.active_strip.name) == (False, True, "two")
    assert (one.select, one.select_left_handle, two.select) == (True, True, False)
    assert scene.sequence_editor.active_strip.name == "one"


@pytest.mark.parametrize(("num", "den", "length"), [(2, 1, 120), (1, 2, 480), (3, 4, 320), (4, 3, 180)])
def test_a_speed_is_laid_over_the_whole_clip(
    scene: Any, sequencer: Any, footage: Path, num: int, den: int, length: int
) -> None:
    strips = compat.strips(scene.sequence_editor)
    colour(scene, "before", 1, 1, 9)
    strip = compat.new_movie(strips, "a", str(footage / "a.mp4"), 2, 10)
    setattr(strip, A.left, 30)
    setattr(strip, A.right, 90)
    assert compat.set_speed(scene, strip, num, den)
    assert len(compat.speed_of(strip) or ()) == 2
    assert getattr(strip, A.left) == 10
    assert getattr(strip, A.duration) == pytest.approx(length, abs=2)
    assert compat.set_speed(scene, strip, 1, 1)
    assert getattr(strip, A.duration) == 240
    assert not compat.speed_of(strip)


def test_no_speed_without_a_sequencer_on_the_screen(scene: Any, footage: Path) -> None:
    for area in compat.windows()[0].screen.areas:
        if area.type == "SEQUENCE_EDITOR":
            area.type = "VIEW_3D"
    strip = compat.new_movie(compat.strips(scene.sequence_editor), "a", str(footage / "a.mp4"), 2, 10)
    assert not compat.set_speed(scene, strip, 2, 1)
    assert not compat.set_speed(scene, colour(scene, "c", 3, 10, 60), 2, 1)
    assert compat.speed_of(compat.strips(scene.sequence_editor)["c"]) is None


def test_markers_keep_our_id_through_a_file(scene: Any, tmp_path: Path) -> None:
    mark = scene.timeline_markers.new("here", frame=12)
    compat.unregister()
    compat.set_marker_uid(mark, "lost")
    assert compat.marker_uid(mark) == ""
    compat.register()
    try:
        compat.set_marker_uid(mark, "m-1")
        path = str(tmp_path / "marks.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.open_mainfile(filepath=path)
        assert compat.marker_uid(bpy.context.scene.timeline_markers["here"]) == "m-1"
    finally:
        compat.unregister()


def test_f_curves_are_made_found_and_taken_away(scene: Any) -> None:
    assert list(compat.fcurves(scene)) == []
    strip = colour(scene, "x", 1, 10, 60)
    path = strip.path_from_id("blend_alpha")
    compat.new_fcurve(scene, path, 0).keyframe_points.insert(12, 0.5)
    strip.keyframe_insert("blend_alpha", frame=30)
    (curve,) = compat.fcurves(scene)
    assert (curve.data_path, len(curve.keyframe_points)) == (path, 2)
    assert len(compat.new_fcurve(scene, path, 0).keyframe_points) == 0
    compat.remove_fcurve(scene, next(iter(compat.fcurves(scene))))
    assert list(compat.fcurves(scene)) == []


def test_output_settings_are_set_in_an_order_that_each_version_takes(scene: Any) -> None:
    compat.video_output(scene.render)
    assert (scene.render.image_settings.file_format, scene.render.ffmpeg.codec) == ("FFMPEG", "H264")
    compat.image_output(scene.render)
    assert scene.render.image_settings.file_format == "PNG"


def test_importing_it_and_leaving_needs_no_clean_up() -> None:
    root = Path(__file__).resolve().parents[4]
    code = "import bpy; from genlock_blender import compat, reading; reading.read(bpy.context.scene)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{root / 'core'}:{root / 'blender_addon'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
