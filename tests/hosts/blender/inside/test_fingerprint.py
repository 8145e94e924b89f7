"""The fingerprint changes with each kind of edit, and stays when nothing happened; what it is blind to, a reading sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genlock_blender import compat, reading
from genlock_blender.compat import A

Edit = Callable[[Any, Any], Any]


def all_of(scene: Any) -> Any:
    return compat.strips_all(scene.sequence_editor)


def strips(scene: Any) -> Any:
    return compat.strips(scene.sequence_editor)


@pytest.fixture
def filled(scene: Any, footage: Path) -> Any:
    """A movie, a still, a text, a cross over two colours, a meta strip with one inside, a marker and a named channel."""
    compat.new_movie(strips(scene), "movie", str(footage / "a.mp4"), 1, 10)
    strips(scene).new_image("still", str(footage / "still.png"), 2, 10)
    compat.new_effect(strips(scene), "text", "TEXT", 3, 10, 60)
    one = compat.new_effect(strips(scene), "one", "COLOR", 4, 10, 60)
    two = compat.new_effect(strips(scene), "two", "COLOR", 5, 40, 90)
    compat.new_effect(strips(scene), "cross", "CROSS", 6, 40, 60, one, two)
    meta = strips(scene).new_meta("meta", 8, 10)
    compat.new_effect(strips(scene), "inner", "COLOR", 9, 10, 60).move_to_meta(meta)
    scene.timeline_markers.new("mark", frame=12)
    scene.sequence_editor.channels["Channel 2"].name = "Titles"
    return scene


def _set(name: str, attribute: str, value: Any) -> Edit:
    return lambda scene, footage: setattr(all_of(scene)[name], attribute, value)


def _mark(attribute: str, value: Any) -> Edit:
    return lambda scene, footage: setattr(scene.timeline_markers[0], attribute, value)


def _camera(scene: Any, footage: Path) -> None:
    scene.timeline_markers[0].camera = bpy.data.objects.new("cam", bpy.data.cameras.new("cam"))


def _channel(attribute: str, value: Any) -> Edit:
    return lambda scene, footage: setattr(scene.sequence_editor.channels[3], attribute, value)


def _render(attribute: str, value: Any) -> Edit:
    return lambda scene, footage: setattr(scene.render, attribute, value)


SEEN: dict[str, Edit] = {
    "move": _set("movie", A.start, 14.0),
    "trim left": _set("movie", A.left, 20),
    "trim right": _set("movie", A.right, 200),
    "slip": lambda scene, footage: (
        setattr(all_of(scene)["movie"], A.left_offset, 5.0),
        setattr(all_of(scene)["movie"], A.right_offset, 5.0),
        setattr(all_of(scene)["movie"], A.start, 10.0),
    ),
    "cut off the file": _set("movie", A.left_trim, 5),
    "another channel": _set("movie", "channel", 20),
    "mute": _set("movie", "mute", True),
    "lock": _set("movie", "lock", True),
    "rename": _set("movie", "name", "other"),
    "opacity": _set("text", "blend_alpha", 0.5),
    "blend type": _set("text", "blend_type", "ADD"),
    "colour tag": _set("text", "color_tag", "COLOR_03"),
    "add": lambda scene, footage: compat.new_effect(strips(scene), "new", "COLOR", 30, 10, 60),
    "remove": lambda scene, footage: strips(scene).remove(all_of(scene)["still"]),
    "another type": lambda scene, footage: (
        strips(scene).remove(all_of(scene)["text"]),
        compat.new_effect(strips(scene), "text", "COLOR", 3, 10, 60),
    ),
    "split": lambda scene, footage: all_of(scene)["movie"].split(frame=50, split_method="SOFT"),
    "into a meta strip": lambda scene, footage: all_of(scene)["still"].move_to_meta(all_of(scene)["meta"]),
    "move inside a meta strip": _set("inner", A.start, 22.0),
    "mute inside a meta strip": _set("inner", "mute", True),
    "new meta strip": lambda scene, footage: strips(scene).new_meta("more", 20, 10),
    "marker moved": _mark("frame", 40),
    "marker renamed": _mark("name", "there"),
    "marker camera": _camera,
    "marker added": lambda scene, footage: scene.timeline_markers.new("two", frame=3),
    "marker removed": lambda scene, footage: scene.timeline_markers.clear(),
    "channel renamed": _channel("name", "Music"),
    "channel muted": _channel("mute", True),
    "channel locked": _channel("lock", True),
    "rate": _render("fps", 30),
    "rate base": _render("fps_base", 1.001),
    "width": _render("resolution_x", 640),
    "height": _render("resolution_y", 640),
    "first frame": lambda scene, footage: setattr(scene, "frame_start", 5),
}


@pytest.mark.parametrize("edit", sorted(SEEN))
def test_the_fingerprint_changes_with(filled: Any, footage: Path, edit: str) -> None:
    before, picture = reading.fingerprint(filled), reading.read(filled)
    assert reading.fingerprint(filled) == before
    SEEN[edit](filled, footage)
    assert reading.fingerprint(filled) != before
    assert reading.read(filled) != picture


BLIND: dict[str, Edit] = {
    "file": lambda scene, footage: setattr(all_of(scene)["movie"], "filepath", str(footage / "b.mp4")),
    "text": _set("text", "text", "other"),
    "colour": _set("one", "color", (1, 0, 0)),
    "offset": lambda scene, footage: setattr(all_of(scene)["movie"].transform, "offset_x", 5),
    "crop": lambda scene, footage: setattr(all_of(scene)["movie"].crop, "min_x", 5),
    "flip": _set("movie", "use_flip_x", True),
    "reversed frames": _set("movie", "use_reverse_frames", True),
    "an effect's own setting": _set("cross", "use_default_fade", False),
    "an effect's input": _set("cross", "input_2", None),
    "modifier": lambda scene, footage: all_of(scene)["movie"].modifiers.new("m", "BRIGHT_CONTRAST"),
    "f-curve": lambda scene, footage: all_of(scene)["still"].keyframe_insert("blend_alpha", frame=20),
    "our id": lambda scene, footage: all_of(scene)["movie"].__setitem__("genlock_id", "k"),
    "our note": lambda scene, footage: reading.set_note(all_of(scene)["movie"], {"in": 3}),
    "link": lambda scene, footage: all_of(scene)["movie"].__setitem__("genlock_link", "pair"),
}


@pytest.mark.parametrize("edit", sorted(BLIND))
def test_the_fingerprint_is_blind_to_what_a_reading_sees(filled: Any, footage: Path, edit: str) -> None:
    before, picture = reading.fingerprint(filled), reading.read(filled)
    if edit == "an effect's input":
        compat.new_effect(strips(filled), "three", "COLOR", 7, 40, 90)
        before, picture = reading.fingerprint(filled), reading.read(filled)
        all_of(filled)["cross"].input_2 = all_of(filled)["three"]
    else:
        BLIND[edit](filled, footage)
    assert reading.fingerprint(filled) == before
    assert reading.read(filled) != picture


def test_selecting_and_moving_the_playhead_are_no_edits(filled: Any) -> None:
    before, picture = reading.fingerprint(filled), reading.read(filled)
    for strip in all_of(filled):
        strip.select = not strip.select
    filled.frame_set(33)
    assert reading.fingerprint(filled) == before
    assert reading.read(filled) == picture


def test_a_keyed_opacity_is_no_edit_when_the_playhead_moves(filled: Any) -> None:
    strip = all_of(filled)["text"]
    for frame, value in ((10, 0.0), (40, 1.0)):
        strip.blend_alpha = value
        strip.keyframe_insert("blend_alpha", frame=frame)
    filled.frame_set(15)
    picture = reading.read(filled)
    filled.frame_set(30)
    assert reading.read(filled) == picture
    assert "blend_alpha" not in next(one for one in picture.strips if one.name == "text").props


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(edits=st.lists(st.sampled_from(sorted(set(SEEN) - {"another type"})), min_size=1, max_size=4, unique=True))
def test_equal_fingerprints_mean_equal_pictures(scene: Any, footage: Path, edits: list[str]) -> None:
    """Whatever is done of what it sees: a picture that differs has another fingerprint."""
    for strip in reversed(list(strips(scene))):
        strips(scene).remove(strip)
    scene.timeline_markers.clear()
    one = compat.new_effect(strips(scene), "text", "COLOR", 1, 10, 60)
    for channel, name in enumerate(("movie", "still", "inner", "meta"), 2):
        compat.new_effect(strips(scene), name, "ADJUSTMENT", channel, 10, 60)
    scene.timeline_markers.new("mark", frame=12)
    assert one.name == "text"
    for edit in edits:
        before, picture = reading.fingerprint(scene), reading.read(scene)
        try:
            SEEN[edit](scene, footage)
        except (RuntimeError, KeyError, IndexError, TypeError, AttributeError):
            continue  # it needs what an earlier edit removed
        same = reading.fingerprint(scene) == before
        assert same == (reading.read(scene) == picture) or not same
