# SPDX-License-Identifier: GPL-3.0-or-later
"""Every simple property of a strip as a JSON-ready payload, and back: the usual is left out, the unknown is kept.

A payload names a property by its RNA path ("blend_alpha", "transform.offset_x") and says its value; a property at its usual
value is absent, on every version alike. Place, files, names, mute, lock and what is only a matter of display are not in it:
a `Strip` tells them itself. What a payload holds that this version cannot show is kept on the strip and told again by the
next `payload`, so that an older Blender loses nothing.
"""

from __future__ import annotations

import json
import math
import struct
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy

from . import compat

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

Payload = dict[str, Any]
KEPT: Final = "genlock_kept"
"""The strip's custom property with what this version cannot show, as JSON text."""

LARGEST: Final = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
"""The largest 32-bit float there is."""

_OUT: Final = compat.PLACE | {
    "rna_type", "name", "type", "select", "select_left_handle", "select_right_handle", "mute", "lock", "show_retiming_keys",
    "show_waveform", "filepath", "directory", "stream_index", "use_proxy", "proxy", "use_reverse_frames", "input_count",
    "input_1", "input_2", "scene", "sound", "elements", "modifiers", "connections", "retiming_keys", "strips", "sequences",
    "channels", "use_multiview", "views_format", "stereo_3d_format", "textbox_state", "fps", "use_cache_raw",
    "use_cache_preprocessed", "use_cache_composite", "override_cache_settings", "view_layer", "is_active", "show_expanded",
    "show_preview", "is_data", "enable", "input_mask_strip", "curve_mapping",
}  # fmt: skip
SHY: Final[frozenset[str]] = frozenset({"colorspace_settings.name", "clip", "mask"})
"""Properties that Blender chooses from the file, or that a strip cannot be without: left alone when absent."""
_SIZED: Final = {"width": "resolution_x", "height": "resolution_y"}
"""Properties of a colour that usually are the scene's."""
_PERCENT: Final[frozenset[str]] = frozenset({"blend_alpha"})
"""Fractions that Blender keeps as per cent, so that the last digits of a float do not come back."""
_USUAL: Final[Payload] = {
    "blend_alpha": 1.0, "blend_type": "ALPHA_OVER", "color_tag": "NONE", "volume": 1.0,
    "transform.origin": [0.5, 0.5], "colorspace_settings.name": "sRGB", "pitch_correction": True, "use_annotations": True,
}  # fmt: skip
"""What Blender gives to a strip just made, where that is not what RNA calls the default (which versions differ about)."""
_USUAL_OF: Final[dict[str, Payload]] = {
    "ADJUSTMENT": {"blend_type": "CROSS"},
    "COLOR": {"color": [0.5, 0.5, 0.5]},
    "COLORMIX": {"blend_effect": "OVERLAY", "factor": 1.0},
    "GAUSSIAN_BLUR": {"size_x": 9.0, "size_y": 9.0},
    "GLOW": {"threshold": 0.25, "clamp": 1.0, "boost_factor": 0.5, "blur_radius": 3.0, "quality": 3},
    "SPEED": {"speed_factor": 1.0},
    "TEXT": {
        "font_size": 60.0, "text": "Text", "color": [1.0, 1.0, 1.0, 1.0], "box_color": [0.2, 0.2, 0.2, 0.7],
        "outline_color": [0.0, 0.0, 0.0, 0.7], "shadow_color": [0.0, 0.0, 0.0, 0.7], "location": [0.5, 0.5],
        "wrap_width": 1.0, "alignment_x": "CENTER", "anchor_x": "CENTER", "anchor_y": "CENTER", "abs_space_line": 60.0,
    },
    "TRANSFORM": {
        "scale_start_x": 1.0, "scale_start_y": 1.0, "interpolation": "BILINEAR", "translation_unit": "PERCENT",
    },
}  # fmt: skip


class Trouble(NamedTuple):
    """A property that could not be set, and why: "unknown" here, or "refused" with Blender's own words."""

    path: str
    code: str
    words: str = ""


class _Field(NamedTuple):
    """One property: its attribute here, whether it is an array, the collection of its ID ("" for a plain value). `low` is
    the least value that can be set: some properties begin below it, which then means the same."""

    path: str
    attribute: str
    kind: str
    array: bool
    of: str
    usual: Any
    low: float | None = None


class _Group(NamedTuple):
    """The properties of a struct in a strip: its scalars in one call, and its arrays by name."""

    head: str
    read: Callable[[Any], Any]
    usual: tuple[Any, ...]
    fields: tuple[_Field, ...]
    arrays: tuple[tuple[str, _Field], ...]


class _Table(NamedTuple):
    """What to read of one type: scalars in one call, nested structs in one call each, arrays and IDs one by one."""

    fields: dict[str, _Field]
    scalars: tuple[_Field, ...]
    groups: tuple[_Group, ...]
    others: tuple[_Field, ...]
    read: Callable[[Any], Any]
    usual: tuple[Any, ...]


_tables: dict[tuple[type, str], _Table] = {}


def _single(value: float) -> float:
    """The nearest 32-bit float, which is what RNA keeps."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def short(value: float) -> float:
    """The shortest decimal that reads back as the same 32-bit float, so that 0.1 is 0.1 and not 0.10000000149.

    JSON has no word for what is infinite or no number: the largest float and 0 stand for them.
    """
    if not math.isfinite(value):
        return 0.0 if math.isnan(value) else math.copysign(LARGEST, value)
    for digits in (6, 7, 8):
        told = float(f"{value:.{digits}g}")
        if _single(told) == value:
            return told
    return float(f"{value:.9g}")


def _collection(kind: Any) -> str:
    """The name of the bpy.data collection with IDs of this RNA type; "" for anything that is not an ID."""
    base = kind
    while base is not None and base.identifier != "ID":
        base = base.base
    if base is None:
        return ""
    for prop in bpy.types.BlendData.bl_rna.properties:
        if prop.type == "COLLECTION" and prop.fixed_type == kind:
            return str(prop.identifier)
    return ""


def _fields(owner: Any, usual: Payload, prefix: str = "") -> Iterator[_Field]:
    """The properties of a struct and of the structs in it that a payload may tell."""
    for prop in owner.bl_rna.properties:
        name = prop.identifier
        path = prefix + compat.TWINS_READ.get(name, name)
        if name in _OUT or path in _OUT:
            continue
        if prop.type == "POINTER":
            of = _collection(prop.fixed_type)
            if of and not prop.is_readonly:
                yield _Field(path, prefix + name, "ID", False, of, "")
            elif not of and not prefix and getattr(owner, name, None) is not None:
                yield from _fields(getattr(owner, name), usual, name + ".")
        elif prop.type in ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM") and not prop.is_readonly:
            array = bool(getattr(prop, "is_array", False))
            if prop.type == "ENUM":
                default: Any = sorted(prop.default_flag) if prop.is_enum_flag else prop.default
            else:
                default = list(prop.default_array) if array else prop.default
            value = usual.get(path, default)
            if prop.type == "FLOAT":
                value = [_single(part) for part in value] if array else _single(value)
            low = prop.hard_min if prop.type in ("INT", "FLOAT") and not array else None
            yield _Field(path, prefix + name, prop.type, array or isinstance(value, list), "", value, low)


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda owner: ()
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda owner: (only(owner),)
    return attrgetter(*names)


def _table(owner: Any, kind: str) -> _Table:
    """The table for this kind of strip or modifier, made at its first sight."""
    identity = (type(owner), kind)
    found = _tables.get(identity)
    if found is None:
        usual = {**_USUAL, "use_default_fade": kind in compat.EFFECTS, **_USUAL_OF.get(kind, {})}
        fields = tuple(_fields(owner, usual))
        apart = {
            field.path for field in fields if field.array or field.of or (kind == "COLOR" and field.path in _SIZED)
        }
        plain = [field for field in fields if field.path not in apart]
        scalars = tuple(field for field in plain if "." not in field.attribute)
        heads = dict.fromkeys(field.attribute.split(".")[0] for field in fields if "." in field.attribute)
        groups = tuple(_group(head, fields) for head in heads)
        found = _tables[identity] = _Table(
            {field.path: field for field in fields},
            scalars,
            groups,
            tuple(field for field in fields if field.path in apart and "." not in field.attribute),
            _getter([field.attribute for field in scalars]),
            tuple(field.usual for field in scalars),
        )
    return found


def _group(head: str, fields: tuple[_Field, ...]) -> _Group:
    inside = [(field.attribute[len(head) + 1 :], field) for field in fields if field.attribute.startswith(head + ".")]
    plain = [(name, field) for name, field in inside if not field.array and not field.of]
    return _Group(
        head,
        _getter([name for name, _ in plain]),
        tuple(field.usual for _, field in plain),
        tuple(field for _, field in plain),
        tuple((name, field) for name, field in inside if field.array and field.kind != "ENUM"),
    )


def _told(field: _Field, value: Any) -> Any:
    """A value of RNA as JSON."""
    if field.of:
        return "" if value is None else value.name
    if field.kind == "FLOAT":
        if field.path in _PERCENT:
            return round(value, 6)
        return [short(part) for part in value] if field.array else short(value)
    if field.array:
        return sorted(value) if field.kind == "ENUM" else list(value)
    return value


def _owner(strip: Any, attribute: str) -> tuple[Any, str]:
    """The struct that has the property itself, and the property's name there."""
    head, dot, rest = attribute.partition(".")
    return (getattr(strip, head), rest) if dot else (strip, head)


def _same(field: _Field, value: Any) -> bool:
    """Whether a value below what can be set, or the least that can be, means the usual one."""
    low = field.low
    return low is not None and field.usual <= low and value <= low


def _usual(owner: Any, field: _Field) -> Any:
    """The usual value of a property here and now."""
    if not field.array and field.path in _SIZED:
        return getattr(owner.id_data.render, _SIZED[field.path])
    return "" if field.of else _told(field, field.usual)


def simple(owner: Any, kind: str, without: Collection[str] = ()) -> Payload:
    """What of a strip or modifier of this kind is not as usual; `payload` adds what was kept."""
    table = _table(owner, kind)
    told: Payload = {}
    values = table.read(owner)
    if values != table.usual:
        for field, value in zip(table.scalars, values, strict=True):
            if value != field.usual and not _same(field, value):
                told[field.path] = _told(field, value)
    for head, read, usual, inside, arrays in table.groups:
        group = getattr(owner, head)
        if group is None:
            continue
        values = read(group)
        if values != usual:
            for field, value in zip(inside, values, strict=True):
                if value != field.usual:
                    told[field.path] = _told(field, value)
        for name, field in arrays:
            plain = list(getattr(group, name))
            if plain != field.usual:
                told[field.path] = _told(field, plain)
    for field in table.others:
        value = getattr(owner, field.attribute)
        if field.of:
            if value is not None:
                told[field.path] = value.name
        elif not field.array:
            if value != _usual(owner, field):
                told[field.path] = value
        else:
            plain = sorted(value) if field.kind == "ENUM" else list(value)
            if plain != field.usual:
                told[field.path] = _told(field, plain)
    for path in without:
        told.pop(path, None)
    return told


def kept(strip: Any) -> dict[str, Any]:
    """What was given to this strip and this version cannot show: {"props": {...}, "modifiers": [[place, {...}], ...]}."""
    text = strip.get(KEPT)
    if not isinstance(text, str):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _keep(strip: Any, what: str, value: Any) -> None:
    """Keeps what cannot be shown on the strip itself; nothing is kept when there is nothing."""
    before = kept(strip)
    after = {**before, what: value}
    after = {name: held for name, held in after.items() if held}
    if after != before:
        if after:
            strip[KEPT] = json.dumps(after, sort_keys=True)
        else:
            del strip[KEPT]


def payload(strip: Any, without: Collection[str] = ()) -> Payload:
    """Every simple property of the strip that is not as usual, by RNA path, JSON-ready, floats as short decimals.

    `without` are paths to leave out: what f-curves and drivers move has no value of its own.
    """
    told = simple(strip, strip.type, without)
    unknown = kept(strip).get("props") if KEPT in strip else None
    return {**unknown, **told} if unknown else told


def _set(owner: Any, field: _Field, value: Any) -> Trouble | None:
    """Sets one property when it has another value."""
    holder, name = _owner(owner, field.attribute)
    try:
        if field.of:
            wanted = getattr(bpy.data, field.of).get(value) if value else None
            if value and wanted is None:
                return Trouble(field.path, "unknown", f"this file has no {value!r}")
            if getattr(holder, name) != wanted:
                setattr(holder, name, wanted)
        else:
            now = _plain(field, getattr(holder, name))
            if _told(field, now) != value and not (value == field.usual and _same(field, now)):
                setattr(holder, name, set(value) if field.kind == "ENUM" and field.array else value)
    except (TypeError, ValueError, AttributeError, OverflowError, RuntimeError) as refused:
        return Trouble(field.path, "refused", str(refused).splitlines()[0])
    return None


def _plain(field: _Field, value: Any) -> Any:
    return value[:] if field.array and field.kind != "ENUM" else value


def _restore(owner: Any, kind: str, told: Payload, without: Collection[str]) -> list[Trouble]:
    """Makes a struct's properties what a payload tells, those that it leaves out as usual."""
    table = _table(owner, kind)
    troubles = [Trouble(path, "unknown") for path in told if path not in table.fields and path not in without]
    for path, field in table.fields.items():
        if path in without or (path not in told and path in SHY):
            continue
        trouble = _set(owner, field, told[path] if path in told else _usual(owner, field))
        if trouble is not None:
            troubles.append(trouble)
    return troubles


def restore(strip: Any, told: Payload, without: Collection[str] = ()) -> list[Trouble]:
    """Makes the strip's properties what a payload tells, those that it leaves out as usual; answers what could not be set.

    What this version does not know or refuses stays as it is and is kept on the strip for the next `payload`. `without` are
    paths that f-curves move.
    """
    troubles = _restore(strip, strip.type, told, without)
    _keep(strip, "props", {trouble.path: told[trouble.path] for trouble in troubles if trouble.path in told})
    return troubles


# Modifiers


def _curve_map(mapping: Any) -> dict[str, Any]:
    """The points of a modifier's curves: {"clip": [...], "curves": [[[x, y, handle], ...], ...]}."""
    curves = [
        [[short(point.location[0]), short(point.location[1]), point.handle_type] for point in curve.points]
        for curve in mapping.curves
    ]
    return {"use_clip": mapping.use_clip, "curves": curves}


def _restore_curve_map(mapping: Any, told: dict[str, Any]) -> None:
    """Lays the points of each curve; the two that Blender insists on are moved instead of removed."""
    mapping.use_clip = bool(told.get("use_clip", True))
    for curve, points in zip(mapping.curves, told.get("curves", ()), strict=False):
        while len(curve.points) > max(2, len(points)):
            curve.points.remove(curve.points[1])
        while len(curve.points) < len(points):
            curve.points.new(0.5, 0.5)
        for point, (x, y, handle) in zip(curve.points, points, strict=False):
            point.location, point.handle_type = (x, y), handle
    mapping.update()


def modifiers(strip: Any) -> tuple[dict[str, Any], ...]:
    """The strip's modifiers, top first: {"type", "name", "mute"?, "mask"? (a strip's name), "curve"?, "props"?}."""
    if not len(getattr(strip, "modifiers", ())) and KEPT not in strip:
        return ()
    found = []
    for modifier in strip.modifiers:
        told: dict[str, Any] = {"type": modifier.type, "name": modifier.name}
        if modifier.mute:
            told["mute"] = True
        if modifier.input_mask_strip is not None:
            told["mask"] = modifier.input_mask_strip.name
        if getattr(modifier, "curve_mapping", None) is not None:
            told["curve"] = _curve_map(modifier.curve_mapping)
        props = simple(modifier, "modifier " + modifier.type)
        if props:
            told["props"] = props
        found.append(told)
    for place, unknown in kept(strip).get("modifiers", ()):
        found.insert(place, unknown)
    return tuple(found)


def restore_modifiers(strip: Any, told: Iterable[dict[str, Any]], find: Callable[[str], Any]) -> list[Trouble]:
    """Makes the strip's modifiers these; `find` gives a strip by the name that a mask has. Modifiers of types that this
    version has not got are kept on the strip."""
    wanted = list(told)
    if list(modifiers(strip)) == wanted:
        return []
    if not compat.modifiers_safe():
        return [Trouble("modifiers", "refused", "no window shows a sequencer")]
    troubles, unknown = [], []
    strip.modifiers.clear()
    for place, one in enumerate(wanted):
        try:
            modifier = strip.modifiers.new(name=str(one.get("name", "")), type=str(one.get("type", "")))
        except (TypeError, RuntimeError, ValueError) as refused:
            troubles.append(Trouble(f"modifiers[{place}]", "unknown", str(refused).splitlines()[0]))
            unknown.append([place, one])
            continue
        modifier.mute = bool(one.get("mute", False))
        if one.get("mask"):
            modifier.input_mask_strip = find(one["mask"])
        if one.get("curve") and getattr(modifier, "curve_mapping", None) is not None:
            _restore_curve_map(modifier.curve_mapping, one["curve"])
        left = _restore(modifier, "modifier " + modifier.type, one.get("props", {}), ())
        troubles.extend(trouble._replace(path=f"modifiers[{place}].{trouble.path}") for trouble in left)
    _keep(strip, "modifiers", unknown)
    return troubles
