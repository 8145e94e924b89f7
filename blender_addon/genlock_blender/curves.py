# SPDX-License-Identifier: GPL-3.0-or-later
"""The f-curves of a strip (fades, keyed opacity, volume, transform) as plain values, in frames from its left handle.

Blender keeps them on the scene, found by the strip's name in the data path. An `index` is made once for a whole reading;
each curve is told as {"keys": [[frame, value, interpolation, easing?, left handle, right handle], ...], "extrapolation"?,
"mute"?}, a handle as [type, frame, value] counted from its key. Bezier keys have no easing, constant and linear ones end
with their interpolation.
"""

from __future__ import annotations

import re
from typing import Any, Final

from . import compat
from .compat import A

Curves = dict[str, Any]
_PATH: Final = re.compile(r'sequence_editor\.(?:strips|sequences)_all\["((?:[^"\\]|\\.)*)"\]\.(.+)', re.DOTALL)
_PLACE: Final = re.compile(r"(.+)\[(\d+)\]")
_DIGITS: Final = 6


def _named(path: str) -> tuple[str, str] | None:
    """The strip and the property that a data path of the scene points to."""
    found = _PATH.fullmatch(path)
    return None if found is None else (re.sub(r"\\(.)", r"\1", found.group(1)), found.group(2))


def index(scene: Any) -> dict[str, list[tuple[str, Any]]]:
    """The scene's f-curves by the strip's name: (property, with [n] for a further part of an array; the curve). It holds
    Blender's curves, so it lives no longer than one reading."""
    found: dict[str, list[tuple[str, Any]]] = {}
    if scene.animation_data is None:
        return found
    for curve in compat.fcurves(scene):
        named = _named(curve.data_path)
        if named is not None:
            path = named[1] if not curve.array_index else f"{named[1]}[{curve.array_index}]"
            found.setdefault(named[0], []).append((path, curve))
    return found


def driven(scene: Any) -> dict[str, set[str]]:
    """The properties that drivers move, by the strip's name: they have no value of their own."""
    found: dict[str, set[str]] = {}
    if scene.animation_data is not None:
        for driver in scene.animation_data.drivers:
            named = _named(driver.data_path)
            if named is not None:
                found.setdefault(named[0], set()).add(named[1])
    return found


def _key(point: Any, left: int) -> list[Any]:
    frame, value = point.co
    told = [round(frame - left, 3), round(value, _DIGITS), point.interpolation]
    if point.interpolation in ("CONSTANT", "LINEAR"):
        return told
    if point.interpolation != "BEZIER":
        told.append(point.easing)
    for kind, (x, y) in (
        (point.handle_left_type, point.handle_left),
        (point.handle_right_type, point.handle_right),
    ):
        told.append([kind, round(x - frame, 3), round(y - value, _DIGITS)])
    return told


def told(found: list[tuple[str, Any]], left: int) -> Curves:
    """The curves of one strip, out of the `index`, whose left handle is at `left`."""
    curves: Curves = {}
    for path, curve in sorted(found, key=lambda one: one[0]):
        one: dict[str, Any] = {"keys": [_key(point, left) for point in curve.keyframe_points]}
        if curve.extrapolation != "CONSTANT":
            one["extrapolation"] = curve.extrapolation
        if curve.mute:
            one["mute"] = True
        curves[path] = one
    return curves


def curves(strip: Any, scene: Any) -> Curves:
    """The f-curves of one strip. For many strips make one `index` and ask `told`."""
    return told(index(scene).get(strip.name, []), getattr(strip, A.left))


def plain(path: str) -> str:
    """The property of a curve without the place in an array, as a payload names it."""
    found = _PLACE.fullmatch(path)
    return path if found is None else found.group(1)


def _lay(curve: Any, one: dict[str, Any], left: int) -> None:
    keys = one.get("keys", [])
    points = curve.keyframe_points
    points.add(len(keys))
    for point, key in zip(points, keys, strict=True):
        point.co = (key[0] + left, key[1])
        point.interpolation = key[2]
        if len(key) > 5:
            point.easing = key[3]
        for side, (kind, x, y) in zip(("left", "right"), key[-2:] if len(key) > 4 else (), strict=False):
            setattr(point, f"handle_{side}_type", kind)
            setattr(point, f"handle_{side}", (key[0] + left + x, key[1] + y))
    curve.extrapolation = one.get("extrapolation", "CONSTANT")
    curve.mute = bool(one.get("mute", False))
    curve.update()


def restore_curves(strip: Any, scene: Any, wanted: Curves) -> list[str]:
    """Makes these the strip's f-curves, counted from its left handle; answers the properties that refused."""
    left = getattr(strip, A.left)
    there = index(scene).get(strip.name, [])
    if told(there, left) == wanted:
        return []
    for _, curve in there:
        compat.remove_fcurve(scene, curve)
    refused = []
    for path, one in wanted.items():
        place = _PLACE.fullmatch(path)
        name, part = (place.group(1), int(place.group(2))) if place else (path, 0)
        try:
            base = strip.path_from_id()
            _lay(compat.new_fcurve(scene, f"{base}.{name}", part), one, left)
        except (RuntimeError, TypeError, ValueError, IndexError):
            refused.append(path)
    return refused
