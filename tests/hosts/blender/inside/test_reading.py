"""What a scene shows is read as it is: every type, rate, speed, nesting, missing file; and a reading changes nothing."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import bpy
import pytest

from genlock_blender import compat, mediums, reading
from genlock_blender.compat import A
from genlock_blender.states import Channel, Mark, Strip

ONE_INPUT = {"SPEED", "GLOW", "GAUSSIAN_BLUR", "TRANSFORM"}
NO_INPUT = {"COLOR", "TEXT", "ADJUSTMENT", "MULTICAM", "COMPOSITOR"}
OTHERS = ("MOVIE", "IMAGE", "SOUND", "SCENE", "META", "MASK", "MOVIECLIP")


def colour(scene: Any, name: str, channel: int, left: int, right: int) -> Any:
    return compat.new_effect(compat.strips(scene.sequence_editor), name, "COLOR", channel, left, right)


def movie(scene: Any, path: Path, channel: int = 1, start: int = 10) -> Any:
    return compat.new_movie(compat.strips(scene.sequence_editor), path.name, str(path), channel, start)


def make(scene: Any, kind: str, footage: Path) -> Any:
    """A strip of this type from frame 10, channel 3."""
    strips = compat.strips(scene.sequence_editor)
    if kind == "MOVIE":
        return movie(scene, footage / "a.mp4", 3)
    if kind == "IMAGE":
        return strips.new_image("image", str(footage / "still.png"), 3, 10)
    if kind == "SOUND":
        return compat.new_sound(strips, "sound", str(footage / "tone.wav"), 3, 10)
    if kind == "SCENE":
        return strips.new_scene("scene", bpy.data.scenes.new("shown"), 3, 10)
    if kind == "META":
        return strips.new_meta("meta", 3, 10)
    if kind == "MASK":
        return strips.new_mask("mask", bpy.data.masks.new("m"), 3, 10)
    if kind == "MOVIECLIP":
        return strips.new_clip("clip", bpy.data.movieclips.load(str(footage / "a.mp4")), 3, 10)
    inputs = [colour(scene, "one", 1, 10, 60), colour(scene, "two", 2, 10, 60)]
    inputs = inputs[: 0 if kind in NO_INPUT else 1 if kind in ONE_INPUT else 2]
    return compat.new_effect(strips, "fx", kind, 3, 10, 60, *inputs)


def only(scene: Any, name: str = "") -> Strip:
    found = [strip for strip in reading.read(scene).strips if not name or strip.name == name]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("kind", sorted(compat.EFFECTS) + list(OTHERS))
def test_every_type_is_read_with_its_place(scene: Any, footage: Path, kind: str) -> None:
    if kind == "SOUND" and not compat.has_sound():
        pytest.skip("this Blender has no sound")
    strip = make(scene, kind, footage)
    strip["genlock_id"] = "k"
    strip.mute = strip.lock = True
    found = only(scene, strip.name)
    assert (found.key, found.type, found.channel, found.mute, found.lock) == ("k", kind, 3, True, True)
    assert (found.left, found.right) == (getattr(strip, A.left), getattr(strip, A.right))
    assert found.content_start == 10
    assert (found.speed, found.missing, found.modifiers, found.curves, found.note) == ((1, 1), False, (), {}, {})
    json.dumps(found)
    assert reading.read_strip(strip, reading.keys_of(scene)) == found
    assert len(found.inputs) == (0 if kind in NO_INPUT or kind in OTHERS else 1 if kind in ONE_INPUT else 2)


def test_two_readings_are_equal_when_nothing_happened(scene: Any, footage: Path) -> None:
    movie(scene, footage / "ntsc.mp4")
    make(scene, "TEXT", footage).text = "hello"
    make(scene, "CROSS", footage)
    scene.timeline_markers.new("m", frame=4)
    before = reading.read(scene)
    assert reading.read(scene) == before
    assert before.rate == (24, 1)
    assert before.size == (320, 180)


def test_a_movie_tells_its_file_and_its_own_length(scene: Any, footage: Path, tmp_path: Path) -> None:
    strip = movie(scene, footage / "a.mp4")
    setattr(strip, A.left, 34)
    setattr(strip, A.right, 202)
    found = only(scene)
    assert (found.files, found.rate, found.frames) == ((str(footage / "a.mp4"),), (24, 1), 240)
    assert (found.left, found.right, found.content_start) == (34, 202, 10)


def test_paths_beside_the_file_are_absolute(scene: Any, footage: Path) -> None:
    movie(scene, footage / "a.mp4")
    bpy.ops.wm.save_as_mainfile(filepath=str(footage / "there.blend"), relative_remap=True)
    strip = compat.strips(bpy.context.scene.sequence_editor)[0]
    strip.filepath = "//a.mp4"
    assert only(bpy.context.scene).files == (str(footage / "a.mp4"),)
    assert not only(bpy.context.scene).missing


@pytest.mark.parametrize(
    ("name", "rate", "speed", "frames"),
    [("a.mp4", (24, 1), (1, 1), 240), ("thirty.mp4", (30, 1), (4, 5), 150), ("ntsc.mp4", (24000, 1001), (1, 1), 240)],
)
def test_a_clip_of_another_rate_made_by_the_data_api_plays_frame_by_frame(
    scene: Any, footage: Path, name: str, rate: tuple[int, int], speed: tuple[int, int], frames: int
) -> None:
    found = only_after(scene, movie(scene, footage / name))
    assert (found.rate, found.speed, found.frames) == (rate, speed, frames)
    assert found.right - found.left == frames


def only_after(scene: Any, strip: Any) -> Strip:
    return only(scene, strip.name)


def added_in_the_window(scene: Any, footage: Path, sequencer: Any, name: str) -> Any:
    with bpy.context.temp_override(**sequencer, scene=scene):
        bpy.ops.sequencer.movie_strip_add(
            filepath=str(footage / name),
            frame_start=10,
            channel=1,
            sound=False,
            adjust_playback_rate=True,
            use_framerate=False,
        )
    return compat.strips(scene.sequence_editor)[0]


@pytest.mark.skipif(compat.V >= (5, 0, 0), reason="operators that add strips crash without a window from 5.0 on")
def test_a_clip_of_another_rate_added_in_the_window_plays_in_real_time(
    scene: Any, footage: Path, sequencer: Any
) -> None:
    strip = added_in_the_window(scene, footage, sequencer, "thirty.mp4")
    found = only_after(scene, strip)
    assert (found.rate, found.speed, found.frames) == ((30, 1), (1, 1), 150)
    assert (found.left, found.right) == (10, 130)
    setattr(strip, A.left, 30)
    setattr(strip, A.right, 60)
    assert only_after(scene, strip)._replace(left=10, right=130) == found


OLDER = Path(__file__).resolve().parents[4] / ".venv-bpy-4.5/bin/python"
ADD_IN_4_5 = """
import sys, bpy
scene = bpy.context.scene
scene.render.fps = 24
scene.sequence_editor_create()
window = bpy.context.window_manager.windows[0]
area = window.screen.areas[0]
area.type = "SEQUENCE_EDITOR"
region = next(region for region in area.regions if region.type == "WINDOW")
with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region, scene=scene):
    bpy.ops.sequencer.movie_strip_add(
        filepath=sys.argv[1], frame_start=10, channel=1, sound=False, adjust_playback_rate=True, use_framerate=False
    )
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
"""


@pytest.mark.skipif(compat.V < (5, 0, 0) or not OLDER.exists(), reason="needs Blender 4.5 beside a later one")
def test_a_clip_of_another_rate_from_an_older_file_plays_in_real_time(
    scene: Any, footage: Path, tmp_path: Path, sequencer: Any
) -> None:
    path = str(tmp_path / "older.blend")
    subprocess.run([OLDER, "-c", ADD_IN_4_5, footage / "thirty.mp4", path], check=True, timeout=60, capture_output=True)
    bpy.ops.wm.open_mainfile(filepath=path)
    opened = bpy.context.scene
    strip = compat.strips(opened.sequence_editor)[0]
    found = only(opened)
    assert (found.rate, found.speed, found.frames, found.right) == ((30, 1), (1, 1), 150, 130)
    window = bpy.context.window_manager.windows[0]
    window.screen.areas[0].type = "SEQUENCE_EDITOR"
    window.workspace.sequencer_scene = opened
    assert compat.set_speed(opened, strip, 5, 2)
    found = only(opened)
    assert (found.speed, found.right) == ((2, 1), 70)


def test_a_scene_of_ntsc_rate_is_exact(scene: Any, footage: Path) -> None:
    scene.render.fps, scene.render.fps_base = 24, 1.001
    movie(scene, footage / "ntsc.mp4", 1)
    movie(scene, footage / "thirty.mp4", 2)
    picture = reading.read(scene)
    assert picture.rate == (24000, 1001)
    assert [strip.speed for strip in picture.strips] == [(1, 1), (800, 1001)]


def test_a_clip_of_another_rate_can_be_made_to_play_in_real_time(scene: Any, footage: Path, sequencer: Any) -> None:
    strip = movie(scene, footage / "thirty.mp4")
    assert compat.set_speed(scene, strip, 5, 4)
    found = only_after(scene, strip)
    assert (found.speed, found.frames) == ((1, 1), 150)
    assert found.right - found.left == pytest.approx(120, abs=1)


SPEEDS = [(2, 1), (1, 2), (3, 4), (4, 3), (3, 2), (1, 4), (5, 2), (10, 1)]


@pytest.mark.parametrize(("num", "den"), SPEEDS)
def test_the_speed_of_one_segment_is_exact(scene: Any, footage: Path, sequencer: Any, num: int, den: int) -> None:
    strip = movie(scene, footage / "a.mp4")
    assert compat.set_speed(scene, strip, num, den)
    found = only_after(scene, strip)
    assert (found.speed, found.retiming, found.frames) == ((num, den), (), 240)
    setattr(strip, A.left, getattr(strip, A.left) + 3)
    setattr(strip, A.right, getattr(strip, A.right) - 4)
    assert only_after(scene, strip).speed == (num, den)


def test_reversed_frames_are_a_negative_speed(scene: Any, footage: Path, sequencer: Any) -> None:
    strip = movie(scene, footage / "a.mp4")
    strip.use_reverse_frames = True
    assert only_after(scene, strip).speed == (-1, 1)
    compat.set_speed(scene, strip, 2, 1)
    assert only_after(scene, strip).speed == (-2, 1)


def test_a_ramp_is_told_verbatim_and_has_no_speed(scene: Any, footage: Path, sequencer: Any) -> None:
    strip = movie(scene, footage / "a.mp4")
    setattr(strip, A.left, 40)
    setattr(strip, A.right, 80)
    with bpy.context.temp_override(**sequencer, scene=scene), compat.selected(scene, [strip]):
        bpy.ops.sequencer.retiming_segment_speed_set(speed=200)
    found = only_after(scene, strip)
    assert found.speed is None
    assert len(found.retiming) == len(compat.speed_of(strip) or ()) > 2
    assert found.retiming[:2] == (0, 30)


@pytest.mark.skipif(not compat.has_sound() or compat.V < (4, 5, 0), reason="sound cannot be retimed here")
def test_a_sound_played_faster_has_its_speed(scene: Any, footage: Path, sequencer: Any) -> None:
    strip = make(scene, "SOUND", footage)
    assert only_after(scene, strip).speed == (1, 1)
    assert compat.set_speed(scene, strip, 2, 1)
    assert only_after(scene, strip).speed == (2, 1)


def test_a_still_and_numbered_images(scene: Any, footage: Path, sequencer: Any) -> None:
    still = make(scene, "IMAGE", footage)
    setattr(still, A.right, 60)
    found = only_after(scene, still)
    assert (found.files, found.frames, found.rate) == ((str(footage / "still.png"),), 1, None)
    assert (found.left, found.right, found.freeze) == (10, 60, False)
    numbered = compat.strips(scene.sequence_editor).new_image("n", str(footage / "numbered.0001.png"), 5, 10)
    for number in range(2, 13):
        numbered.elements.append(f"numbered.{number:04d}.png")
    setattr(numbered, A.right, 22)
    found = only_after(scene, numbered)
    assert found.files == tuple(str(footage / f"numbered.{number:04d}.png") for number in range(1, 13))
    assert (found.frames, found.right) == (12, 22)
    if compat.speed_of(numbered) is not None:
        assert compat.set_speed(scene, numbered, 2, 1)
        assert only_after(scene, numbered).speed == (2, 1)


def test_content_that_is_cut_off_the_file_itself_moves_where_the_file_begins(scene: Any, footage: Path) -> None:
    strip = movie(scene, footage / "a.mp4")
    setattr(strip, A.left_trim, 10)
    setattr(strip, A.right_trim, 5)
    found = only(scene)
    shown = getattr(strip, A.start)
    assert (found.content_start, found.frames, found.speed) == (shown - 10, 240, (1, 1))
    assert found.right - found.left == 225


def test_a_clip_held_on_its_last_frame_is_frozen(scene: Any, footage: Path) -> None:
    strip = movie(scene, footage / "a.mp4")
    assert not only(scene).freeze
    setattr(strip, A.right, 300)
    assert not only(scene).freeze
    setattr(strip, A.left, 260)
    assert only(scene).freeze


def test_missing_files_are_said_and_hurt_nobody(scene: Any, tmp_path: Path) -> None:
    movie(scene, tmp_path / "gone.mp4", 1)
    compat.strips(scene.sequence_editor).new_image("i", str(tmp_path / "gone.png"), 2, 10)
    if compat.has_sound():
        compat.new_sound(compat.strips(scene.sequence_editor), "s", str(tmp_path / "gone.wav"), 3, 10)
    strips = reading.read(scene).strips
    assert [strip.missing for strip in strips] == [True] * len(strips)
    assert strips[0].files == (str(tmp_path / "gone.mp4"),)
    assert (strips[0].rate, strips[0].frames, strips[0].speed) == (None, 0, (1, 1))


def test_a_file_that_goes_away_is_missed_after_a_while(scene: Any, footage: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    path.write_bytes((footage / "a.mp4").read_bytes())
    movie(scene, path)
    assert not only(scene).missing
    path.unlink()
    mediums.there.clear()
    assert only(scene).missing
    assert only(scene).frames == 0


def test_meta_strips_two_deep_name_their_parents(scene: Any, footage: Path) -> None:
    strips = compat.strips(scene.sequence_editor)
    outer, inner = strips.new_meta("outer", 5, 10), strips.new_meta("inner", 6, 10)
    leaf, cross = colour(scene, "leaf", 1, 10, 60), colour(scene, "other", 2, 30, 80)
    fade = compat.new_effect(strips, "fade", "CROSS", 3, 30, 60, leaf, cross)
    for strip in (leaf, cross, fade):
        if strip.parent_meta() is None:  # an effect and its inputs go together
            strip.move_to_meta(inner)
    inner.move_to_meta(outer)
    reading.stamp(scene, {"outer": "O", "inner": "I", "leaf": "L"})
    picture = reading.read(scene)
    assert {strip.name: strip.parent for strip in picture.strips} == {
        "outer": "",
        "inner": "O",
        "leaf": "I",
        "other": "I",
        "fade": "I",
    }
    order = [strip.name for strip in picture.strips]
    assert order.index("outer") < order.index("inner") < min(order.index("leaf"), order.index("fade"))
    assert next(strip for strip in picture.strips if strip.name == "fade").inputs == ("L", "=other")
    assert set(picture.channels) == {5}
    for strip in compat.strips_all(scene.sequence_editor):
        assert reading.read_strip(strip, reading.keys_of(scene)) in picture.strips


def test_strips_without_keys_are_named_by_name(scene: Any) -> None:
    meta = compat.strips(scene.sequence_editor).new_meta("meta", 5, 10)
    colour(scene, "leaf", 1, 10, 60).move_to_meta(meta)
    assert {strip.name: strip.parent for strip in reading.read(scene).strips} == {"meta": "", "leaf": "=meta"}


def test_names_that_are_too_long_are_told_as_blender_cut_them(scene: Any) -> None:
    long = "Ä" * 60
    for channel in (1, 2, 3):
        colour(scene, long, channel, 10, 60)
    names = [strip.name for strip in reading.read(scene).strips]
    assert all(len(name.encode()) <= 63 for name in names)
    for _ in range(2):  # Blender itself gives two of them one name: the first stamp sets them apart
        names = [strip.name for strip in reading.read(scene).strips if not strip.key]
        reading.stamp(scene, {name: f"key {name}" for name in names})
    found = reading.read(scene).strips
    assert len({strip.name for strip in found}) == len({strip.key for strip in found}) == 3
    assert "" not in {strip.key for strip in found}


class Future:
    """A strip of a type that this add-on has not heard of: everything but its type is a real strip's."""

    type = "HOLOGRAM"

    def __init__(self, strip: Any) -> None:
        self._strip = strip

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strip, name)

    def __contains__(self, name: str) -> bool:
        return name in self._strip


def test_a_type_from_the_future_is_read_by_what_every_strip_has(scene: Any) -> None:
    strip = colour(scene, "h", 4, 10, 60)
    strip.color = (1, 0, 0)
    found = reading.read_strip(Future(strip), {})
    assert (found.type, found.channel, found.left, found.right) == ("HOLOGRAM", 4, 10, 60)
    assert found.props["color"] == [1.0, 0.0, 0.0]
    assert (found.files, found.inputs, found.speed) == ((), (), (1, 1))


def test_the_scene_strip_names_its_scene(scene: Any) -> None:
    other = bpy.data.scenes.new("other")
    other.frame_start, other.frame_end = 5, 81
    compat.strips(scene.sequence_editor).new_scene("s", other, 1, 10)
    found = only(scene)
    assert (found.scene, found.frames, found.right - found.left) == ("other", 77, 77)


def test_channels_that_say_something_are_told(scene: Any) -> None:
    colour(scene, "x", 2, 10, 60)
    channels = scene.sequence_editor.channels
    channels["Channel 4"].name = "Music"
    channels["Channel 7"].mute = channels["Channel 8"].lock = True
    assert reading.read(scene).channels == {
        2: Channel("Channel 2"),
        4: Channel("Music"),
        7: Channel("Channel 7", mute=True),
        8: Channel("Channel 8", lock=True),
    }


def test_markers_are_told_in_order_and_stamped_by_their_place(scene: Any) -> None:
    compat.register()
    try:
        camera = bpy.data.objects.new("cam", bpy.data.cameras.new("cam"))
        scene.timeline_markers.new("same", frame=4)
        scene.timeline_markers.new("same", frame=9).camera = camera
        reading.stamp_marks(scene, {0: "m-1", 7: "nobody"})
        assert reading.read(scene).marks == (Mark("m-1", "same", 4), Mark("", "same", 9, "cam"))
    finally:
        compat.unregister()


def test_links_are_a_property_or_blenders_own_connection(scene: Any, footage: Path, sequencer: Any) -> None:
    one, two = movie(scene, footage / "a.mp4", 1), colour(scene, "two", 2, 10, 60)
    assert [strip.link for strip in reading.read(scene).strips] == ["", ""]
    one["genlock_link"] = two["genlock_link"] = "pair"
    assert [strip.link for strip in reading.read(scene).strips] == ["pair", "pair"]


@pytest.mark.skipif(
    "connections" not in compat.StripType.bl_rna.properties, reason="this Blender does not tell connections"
)
def test_connected_strips_are_linked(scene: Any, footage: Path, sequencer: Any) -> None:
    one, two, _ = (colour(scene, name, channel, 10, 60) for channel, name in enumerate(("one", "two", "three"), 1))
    with bpy.context.temp_override(**sequencer, scene=scene), compat.selected(scene, [one, two]):
        bpy.ops.sequencer.connect()
    reading.stamp(scene, {"one": "K1", "two": "K2"})
    links = {strip.name: strip.link for strip in reading.read(scene).strips}
    assert links == {"one": "K1", "two": "K1", "three": ""}


@pytest.mark.parametrize("note", [{"in": 4}, {"at": [3, 4, "1/2"], "placeholder": True, "first": None}])
def test_notes_are_any_json(scene: Any, note: dict[str, Any]) -> None:
    strip = colour(scene, "x", 1, 10, 60)
    reading.set_note(strip, note)
    strip["genlock_id"] = "k"
    assert only(scene).note == note
    assert list(reading.notes(scene)) == [("k", note)]
    reading.set_note(strip, {})
    assert "genlock" not in strip


@pytest.mark.parametrize("damaged", ["{not json", "[1, 2]", 4, [1.0, 2.0]])
def test_a_damaged_note_is_no_note(scene: Any, damaged: Any) -> None:
    colour(scene, "x", 1, 10, 60)["genlock"] = damaged
    assert only(scene).note == {}


def test_a_note_that_is_a_group_is_read_too(scene: Any) -> None:
    colour(scene, "x", 1, 10, 60)["genlock"] = {"in": 4, "name": "long"}
    assert only(scene).note == {"in": 4, "name": "long"}


def test_the_first_of_two_strips_with_one_key_is_found(scene: Any) -> None:
    for channel, name in ((1, "one"), (2, "two")):
        colour(scene, name, channel, 10, 60)["genlock_id"] = "same"
    colour(scene, "three", 3, 10, 60)
    assert {key: strip.name for key, strip in reading.find(scene).items()} == {"same": "one"}


def test_a_scene_without_a_sequencer_is_empty() -> None:
    bare = bpy.data.scenes.new("bare")
    picture = reading.read(bare)
    assert (picture.strips, picture.channels, picture.marks) == ((), {}, ())
    assert len(reading.fingerprint(bare)) == 16
    assert reading.find(bare) == {}
    assert bare.sequence_editor is None


def test_a_reading_leaves_no_trace(scene: Any, footage: Path, sequencer: Any) -> None:
    strip = movie(scene, footage / "thirty.mp4")
    compat.set_speed(scene, strip, 2, 1)
    clips = len(bpy.data.movieclips)
    before = reading.fingerprint(scene)
    mediums.lengths.clear()
    reading.read(scene)
    assert len(bpy.data.movieclips) == clips
    assert reading.fingerprint(scene) == before


def test_a_thousand_strips_are_read_in_milliseconds(scene: Any, footage: Path) -> None:
    strips = compat.strips(scene.sequence_editor)
    for number in range(1000):
        left = 10 + (number // 10) * 60
        strip = compat.new_effect(strips, f"c{number}", "COLOR", 1 + number % 10, left, left + 50)
        strip["genlock_id"] = f"k{number}"

    def best(call: Any) -> float:
        taken = []
        for _ in range(5):
            begun = time.process_time()
            call(scene)
            taken.append(time.process_time() - begun)
        return min(taken)

    assert best(reading.read) < 0.06
    assert best(reading.fingerprint) < 0.006
