# SPDX-License-Identifier: GPL-3.0-or-later
"""Markers of the scene's timeline, and those of a sequence."""

from __future__ import annotations

from collections.abc import Iterable

from ..states import Mark
from .book import Held, Value


def inward(marks: Iterable[Mark], known: dict[str, Value], origin: int, held: Held) -> dict[str, Value]:
    """Returns the markers of a sequence: those that the scene shows, and those of items, which it does not."""
    found = {id_: _bare(value) for id_, value in known.items() if value.get("item") is not None}
    for mark in marks:
        if not mark.key or mark.key in found:
            continue
        if mark.frame < origin:
            held[mark.key] = ("before_start", f"The marker {mark.name} lies before the sequence's first frame.")
            continue
        value = _bare(known.get(mark.key, {}))
        foreign = {name: each for name, each in (value.get("foreign") or {}).items() if name != "blender"}
        if mark.camera:
            foreign["blender"] = {"camera": mark.camera}
        value.update(start=mark.frame - origin, name=mark.name)
        if foreign or "foreign" in value:
            value["foreign"] = foreign
        found[mark.key] = value
    return found


def outward(markers: dict[str, Value], origin: int) -> tuple[Mark, ...]:
    """Returns the markers of a sequence that a scene can show; those of items stay in the model."""
    return tuple(
        Mark(
            id_,
            value.get("name", ""),
            value["start"] + origin,
            ((value.get("foreign") or {}).get("blender") or {}).get("camera", ""),
        )
        for id_, value in markers.items()
        if value.get("item") is None
    )


def _bare(value: Value) -> Value:
    return {name: field for name, field in value.items() if name != "id"}
