"""What is told of a strip's properties, modifiers and f-curves puts them back, on this version and past it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genlock_blender import compat, curves, properties, reading
from genlock_blender.compat import A

TYPES = [*sorted(compat.EFFECTS), "MOVIE", "IMAGE", "META", "SCENE", "MASK", "MOVIECLIP"]


def make(scene: Any, kind: str, footage: Path, channel: int = 3) -> Any:
    from test_reading import make as made

    strip = made(scene, kind, footage)
    strip.channel = channel
    return strip


def colour(scene: Any, name: str, channel: int) -> Any:
    return compat.new_effect(compat.strips(scene.sequence_editor), name, "COLOR", channel, 10, 60)


@pytest.mark.parametrize("kind", TYPES)
def test_a_strip_just_made_has_nothing_to_tell(scene: Any, footage: Path, kind: str) -> None:
    told = properties.payload(make(scene, kind, footage))
    expected = {"MASK": {"mask": "m"}, "MOVIECLIP": {"clip": "a.mp4"}}.get(kind, {})
    if kind == "MOVIECLIP" and compat.V < (4, 3, 0):
        expected = {}  # it does not tell its clip
    if kind == "GAUSSIAN_BLUR" and compat.V < (5, 0, 0):
        expected = {"size_x": 0.0, "size_y": 0.0}
    assert told == expected


def change(value: Any, prop: Any) -> Any:
    """Another value that the property takes."""
    if prop.type == "ENUM":
        names = [item.identifier for item in prop.enum_items]
        return next((name for name in names if name != value), value)
    if prop.type == "BOOLEAN":
        return [not part for part in value] if getattr(prop, "is_array", False) else not value
    if prop.type == "STRING":
        return value + "x"
    if getattr(prop, "is_array", False):
        return [min(part + 0.125, prop.hard_max) if part + 0.125 <= prop.hard_max else part - 0.125 for part in value]
    if value < prop.hard_min:
        return prop.hard_min + 1
    step = 1 if prop.type == "INT" else 0.1
    return value + step if value + step <= prop.hard_max else value - step


def disturb(strip: Any) -> set[str]:
    """Changes every property that a payload may tell; answers which took it."""
    changed = set()
    table = properties._table(strip, strip.type)
    for path, field in table.fields.items():
        holder, name = properties._owner(strip, field.attribute)
        if field.of or path.startswith("colorspace") or path in ("multicam_source", "blend_alpha"):
            continue
        before = getattr(holder, name)
        before = before[:] if field.array and field.kind != "ENUM" else before
        try:
            setattr(holder, name, change(before, holder.bl_rna.properties[name]))
        except (TypeError, ValueError):
            continue
        now = getattr(holder, name)
        if (now[:] if field.array and field.kind != "ENUM" else now) != before:
            changed.add(path)
    return changed


@pytest.mark.parametrize("kind", TYPES)
def test_every_property_is_told_and_put_back(scene: Any, footage: Path, kind: str) -> None:
    strip = make(scene, kind, footage)
    usual = properties.payload(strip)
    changed = disturb(strip)
    told = json.loads(json.dumps(properties.payload(strip)))
    assert changed <= set(told)
    assert len(changed) > 5
    assert properties.restore(strip, usual) == []
    assert properties.payload(strip) == usual
    assert properties.restore(strip, told) == []
    assert properties.payload(strip) == told


ROOT = Path(__file__).resolve().parents[4]
TELL = """
import json, pathlib, sys
sys.path[:0] = sys.argv[1:4]
import bpy, test_properties
from genlock_blender import compat, properties
told = {}
for kind in test_properties.TYPES:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    compat.editor(scene)
    strip = test_properties.make(scene, kind, pathlib.Path(sys.argv[4]))
    test_properties.disturb(strip)
    told[kind] = properties.payload(strip)
pathlib.Path(sys.argv[5]).write_text(json.dumps(told))
"""


@pytest.mark.parametrize("version", ["4.2", "4.5", "5.0", "5.2"])
def test_what_another_version_tells_is_told_again(scene: Any, footage: Path, tmp_path: Path, version: str) -> None:
    python = ROOT / f".venv-bpy-{version}/bin/python"
    if not python.exists() or version == "{}.{}".format(*compat.V[:2]):
        pytest.skip("needs another Blender beside this one")
    folders = [ROOT / "core", ROOT / "blender_addon", ROOT / "tests/hosts/blender/inside"]
    path = tmp_path / "told.json"
    subprocess.run([python, "-c", TELL, *folders, footage, path], check=True, timeout=90, capture_output=True)
    for kind, told in json.loads(path.read_text()).items():
        if kind not in TYPES:
            continue
        strip = make(scene, kind, footage)
        for trouble in properties.restore(strip, told):
            assert trouble.code == "unknown", trouble
        given = {"mask": strip.mask.name} if kind == "MASK" else {}
        if kind == "MOVIECLIP" and hasattr(strip, "clip"):
            given = {"clip": strip.clip.name}
        assert properties.payload(strip) == {**given, **told}
        compat.strips(scene.sequence_editor).remove(strip)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    opacity=st.floats(0, 1, width=32),
    offset=st.floats(-10000, 10000, width=32),
    red=st.floats(0, 1, width=32),
    text=st.text(max_size=40).filter(lambda text: "\0" not in text and text.isprintable()),
)
def test_a_value_that_was_read_and_written_reads_the_same(
    scene: Any, opacity: float, offset: float, red: float, text: str
) -> None:
    strips = compat.strips(scene.sequence_editor)
    if "t" not in strips:
        compat.new_effect(strips, "t", "TEXT", 1, 10, 60)
    strip = strips["t"]
    strip.blend_alpha, strip.transform.offset_x, strip.text = opacity, offset, text
    strip.color = (red, 0, 0, 1)
    told = properties.payload(strip)
    properties.restore(strip, {})
    assert properties.payload(strip) == {}
    assert properties.restore(strip, told) == []
    assert properties.payload(strip) == told
    assert (strip.transform.offset_x, strip.text) == (offset, text)
    assert strip.blend_alpha == pytest.approx(opacity, abs=1e-6)


def test_what_is_no_number_is_told_as_one(scene: Any) -> None:
    strip = colour(scene, "c", 1)
    strip.transform.offset_x, strip.transform.offset_y = float("inf"), float("nan")
    told = properties.payload(strip)
    assert json.loads(json.dumps(told, allow_nan=False)) == properties.payload(strip)
    assert "transform.offset_x" in str(told)


def test_floats_are_short() -> None:
    assert properties.short(properties._single(0.1)) == 0.1
    assert properties.short(properties._single(1 / 3)) == 0.33333334
    assert properties.short(5.0) == 5.0


@pytest.mark.parametrize("path", ["hologram", "transform.depth", "elements", "channel"])
def test_what_this_version_does_not_know_is_kept(scene: Any, path: str) -> None:
    strip = colour(scene, "x", 1)
    told = {"blend_alpha": 0.5, path: [1, {"a": None}]}
    troubles = properties.restore(strip, told)
    assert [(trouble.path, trouble.code) for trouble in troubles] == [(path, "unknown")]
    assert strip.blend_alpha == 0.5
    assert properties.payload(strip) == told
    assert properties.restore(strip, {}) == []
    assert properties.payload(strip) == {}
    assert properties.KEPT not in strip


@pytest.mark.parametrize(("path", "value"), [("blend_type", "QUANTUM"), ("color", "red"), ("blend_alpha", None)])
def test_a_value_from_the_future_is_kept(scene: Any, path: str, value: Any) -> None:
    strip = colour(scene, "x", 1)
    (trouble,) = properties.restore(strip, {path: value})
    assert (trouble.path, trouble.code) == (path, "refused")
    assert trouble.words
    strip.lock = True
    assert reading.read(scene).strips[0].props.get(path) in (value, properties.payload(strip).get(path))


def test_a_changed_value_wins_over_what_was_kept(scene: Any) -> None:
    strip = colour(scene, "x", 1)
    properties.restore(strip, {"blend_type": "QUANTUM"})
    assert properties.payload(strip) == {"blend_type": "QUANTUM"}
    strip.blend_type = "ADD"
    assert properties.payload(strip) == {"blend_type": "ADD"}


def test_damaged_keepings_are_nothing(scene: Any) -> None:
    strip = colour(scene, "x", 1)
    for damaged in ("{", "[]", 5):
        strip[properties.KEPT] = damaged
        assert properties.payload(strip) == {}
        assert properties.modifiers(strip) == ()


def test_data_of_the_file_is_named(scene: Any, footage: Path) -> None:
    strip = make(scene, "MASK", footage)
    bpy.data.masks.new("second")
    assert properties.restore(strip, {"mask": "second"}) == []
    assert strip.mask.name == "second"
    (trouble,) = properties.restore(strip, {"mask": "nobody's"})
    assert trouble.path == "mask"
    assert properties.payload(strip)["mask"] in ("second", "nobody's")


MODIFIERS = ["COLOR_BALANCE", "CURVES", "HUE_CORRECT", "BRIGHT_CONTRAST", "MASK", "WHITE_BALANCE", "TONEMAP"]


@pytest.mark.parametrize("kind", MODIFIERS)
def test_a_modifier_is_told_and_put_back(scene: Any, kind: str) -> None:
    strip, mask = colour(scene, "x", 1), colour(scene, "mask", 2)
    modifier = strip.modifiers.new(name=kind.title(), type=kind)
    plain = properties.modifiers(strip)
    modifier.mute = True
    modifier.input_mask_strip = mask
    if kind == "COLOR_BALANCE":
        modifier.color_balance.lift = (1, 0.5, 0.25)
        modifier.color_multiply = 2.0
    if kind in ("CURVES", "HUE_CORRECT"):
        modifier.curve_mapping.curves[0].points.new(0.3, 0.7)
        modifier.curve_mapping.update()
    if kind == "BRIGHT_CONTRAST":
        modifier.bright = 0.25
    if kind == "WHITE_BALANCE":
        modifier.white_value = (1, 0.5, 0.25)
    strip.modifiers.new(name="second", type="BRIGHT_CONTRAST")
    told = json.loads(json.dumps(properties.modifiers(strip)))
    assert told[0]["mask"] == "mask"
    assert told[0] != plain[0]
    find = compat.strips_all(scene.sequence_editor).get
    assert properties.restore_modifiers(strip, [], find) == []
    assert properties.modifiers(strip) == ()
    assert properties.restore_modifiers(strip, told, find) == []
    assert list(properties.modifiers(strip)) == told
    assert properties.restore_modifiers(strip, told, find) == []


def test_a_modifier_from_the_future_is_kept_in_its_place(scene: Any) -> None:
    strip = colour(scene, "x", 1)
    told = [
        {"type": "BRIGHT_CONTRAST", "name": "a"},
        {"type": "HOLOGRAM", "name": "b", "props": {"depth": 3}},
        {"type": "BRIGHT_CONTRAST", "name": "c", "props": {"bright": 0.5}},
    ]
    (trouble,) = properties.restore_modifiers(strip, told, lambda name: None)
    assert (trouble.path, trouble.code) == ("modifiers[1]", "unknown")
    assert list(properties.modifiers(strip)) == told
    assert [modifier.name for modifier in strip.modifiers] == ["a", "c"]


@pytest.mark.skipif(compat.V < (5, 0, 0), reason="only from 5.0 on does a workspace choose the scene")
def test_modifiers_wait_while_no_workspace_has_chosen_a_scene(scene: Any) -> None:
    bpy.context.window.workspace.sequencer_scene = None
    strip = colour(scene, "x", 1)
    (trouble,) = properties.restore_modifiers(strip, [{"type": "BRIGHT_CONTRAST", "name": "a"}], lambda name: None)
    assert trouble.code == "refused"


# F-curves


def keyed(scene: Any, name: str = "x") -> Any:
    strip = colour(scene, name, 1)
    for frame, value in ((10, 0.0), (22, 1.0), (60, 0.25)):
        strip.blend_alpha = value
        strip.keyframe_insert("blend_alpha", frame=frame)
    strip.transform.offset_x = 7
    strip.transform.keyframe_insert("offset_x", frame=15)
    strip.color = (1, 0, 0)
    strip.keyframe_insert("color", frame=20)
    return strip


def test_curves_are_told_from_the_strips_left_handle(scene: Any) -> None:
    told = curves.curves(keyed(scene), scene)
    assert sorted(told) == ["blend_alpha", "color", "color[1]", "color[2]", "transform.offset_x"]
    assert [key[:2] for key in told["blend_alpha"]["keys"]] == [[0, 0.0], [12, 1.0], [50, 0.25]]
    assert json.loads(json.dumps(told)) == told


def test_curves_are_put_back_where_the_strip_now_begins(scene: Any) -> None:
    strip = keyed(scene)
    told = json.loads(json.dumps(curves.curves(strip, scene)))
    picture = reading.read(scene)
    assert curves.restore_curves(strip, scene, {}) == []
    assert curves.curves(strip, scene) == {}
    setattr(strip, A.start, 110)
    assert curves.restore_curves(strip, scene, told) == []
    assert curves.curves(strip, scene) == told
    scene.frame_set(122)
    assert strip.blend_alpha == pytest.approx(1.0)
    assert reading.read(scene).strips[0].curves == picture.strips[0].curves


@pytest.mark.parametrize("interpolation", ["CONSTANT", "LINEAR", "BEZIER", "BOUNCE"])
def test_every_kind_of_key_is_exact(scene: Any, interpolation: str) -> None:
    strip = keyed(scene)
    curve = next(one for one in compat.fcurves(scene) if one.data_path.endswith("blend_alpha"))
    for point in curve.keyframe_points:
        point.interpolation = interpolation
        point.easing = "EASE_OUT"
        point.handle_left_type = point.handle_right_type = "FREE"
        point.handle_right = (point.co[0] + 3.5, point.co[1] + 0.25)
    curve.extrapolation, curve.mute = "LINEAR", True
    told = json.loads(json.dumps(curves.curves(strip, scene)))
    values = [curve.evaluate(frame / 2) for frame in range(10, 140)]
    curves.restore_curves(strip, scene, {})
    curves.restore_curves(strip, scene, told)
    assert curves.curves(strip, scene) == told
    again = next(one for one in compat.fcurves(scene) if one.data_path.endswith("blend_alpha"))
    assert [again.evaluate(frame / 2) for frame in range(10, 140)] == pytest.approx(values, abs=1e-4)


def test_names_with_quotes_keep_their_curves_apart(scene: Any) -> None:
    strips = [colour(scene, name, channel) for channel, name in enumerate(('a "b"', "a \\b", 'a"].x["'), 1)]
    for number, strip in enumerate(strips):
        strip.blend_alpha = number / 4
        strip.keyframe_insert("blend_alpha", frame=10)
    told = {strip.name: strip.curves for strip in reading.read(scene).strips}
    assert [told[strip.name]["blend_alpha"]["keys"][0][1] for strip in strips] == [0.0, 0.25, 0.5]


def test_curves_of_what_is_not_there_are_said(scene: Any) -> None:
    strip = colour(scene, "x", 1)
    key = [[0, 1.0, "LINEAR"]]
    curves.restore_curves(strip, scene, {"blend_alpha": {"keys": key}})
    assert curves.restore_curves(strip, scene, {"blend_alpha": {"keys": [[0, 1.0, "QUANTUM"]]}}) == ["blend_alpha"]


def test_driven_properties_have_no_value(scene: Any) -> None:
    strip = colour(scene, "x", 1)
    strip.blend_alpha = 0.5
    assert reading.read(scene).strips[0].props == {"blend_alpha": 0.5}
    strip.driver_add("blend_alpha").driver.expression = "frame / 100"
    assert reading.read(scene).strips[0].props == {}
