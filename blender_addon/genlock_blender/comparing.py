# SPDX-License-Identifier: GPL-3.0-or-later
"""Which take a strip shows, and two of them side by side. Pure: commands and walks."""

from __future__ import annotations

import uuid
from typing import Any

from genlock_client import jobs
from genlock_client.model import Model, Value

from . import scenery
from .asking import Body, Walk, command
from .scenery import Cannot, Place

MARK = "A/B "
"""How the names of compared takes begin, by which they are found again."""


def shot_of(model: Model, place: Place) -> tuple[Value, Value]:
    """Returns the active strip's item and shot; raises Cannot for a strip that shows none."""
    item = scenery.active(model, place)
    shot = model.shots.get(item["source"].get("shot", ""))
    if item["source"]["type"] != "shot" or shot is None:
        raise Cannot("{name} shows no shot", name=scenery.name_of(item))
    return item, shot


def shown_take(item: Value, shot: Value) -> str:
    """Returns the id of the take that an item shows, "" for none."""
    return str(item["source"].get("take") or shot.get("selected") or "")


def select(model: Model, place: Place, take: str) -> tuple[Body, str, str]:
    """Returns (command, target, label) that make the strip show a take: the shot's choice, or the strip's own where it
    is pinned to one. Raises Cannot."""
    item, shot = shot_of(model, place)
    held = shot["takes"].get(take)
    if held is None:
        raise Cannot("The shot has no such take")
    if held.get("kind", "picture") != "picture":
        raise Cannot("A mask or a text cannot stand in the cut")
    label = f"{shot['code']} take {held['number']}"
    if item["source"].get("take"):
        source = {**item["source"], "take": take}
        return {"do": "ReplaceSource", "item": item["id"], "source": source}, place.sequence, label
    return {"do": "SelectTake", "take": take}, shot["id"], label


def step(model: Model, place: Place, by: int) -> str:
    """Returns the take that comes `by` steps after the shown one; raises Cannot beyond the ends."""
    item, shot = shot_of(model, place)
    found = jobs.next_take(shot, shown_take(item, shot), by)
    if found is None:
        raise Cannot("{name} has no further take", name=shot["code"])
    return found


def compare(model: Model, place: Place, take: str, wipe: bool) -> Walk:
    """A take laid over the strip: its left half over the shown one's (`wipe`), or whole and muted, to be switched on and
    off. What was compared before is taken away. Raises Cannot."""
    item, shot = shot_of(model, place)
    held = shot["takes"].get(take)
    if held is None or held.get("kind", "picture") != "picture":
        raise Cannot("The shot has no such take")
    if take == shown_take(item, shot):
        raise Cannot("The strip shows this take already")
    return _compare(model, place, item, shot, held, wipe)


def _compare(model: Model, place: Place, item: Value, shot: Value, held: Value, wipe: bool) -> Walk:
    sequence = scenery.sequence_of(model, place)
    before = compared(model, place)
    name = f"{MARK}{shot['code']} v{held['number']:03d}"
    laid: dict[str, Any] = {
        "id": uuid.uuid4().hex,
        "name": name,
        "source": {**item["source"], "take": held["id"]},
        "duration": item["duration"],
        "source_in": item.get("source_in", 0),
        "speed": item.get("speed") or [1, 1],
        "enabled": wipe,
        "foreign": {"blender": {"props": _half(held) if wipe else {}}},
    }
    commands: list[Body] = [{"do": "LiftItems", "items": before}] if before else []
    start, frames = sequence.start(item["id"]), int(item["duration"])
    track = scenery.free_track(sequence, start, frames, item["track"])
    if not track:
        track, videos = uuid.uuid4().hex, [each["id"] for each in sequence.tracks if each["kind"] == "video"]
        commands.append({"do": "AddTrack", "kind": "video", "id": track, "name": "A/B", "after": videos[-1]})
    commands.append({"do": "OverwriteItem", "track": track, "at": start, "item": laid})
    yield command("Batch", sequence.id, f"Compare {shot['code']}", commands=commands)
    return f"{name} lies over the strip"


def _half(held: Value) -> Body:
    width = int((held.get("info") or {}).get("width", 0))
    return {"crop.max_x": width // 2, "blend_type": "ALPHA_OVER"}


def compared(model: Model, place: Place) -> list[str]:
    """Returns the items that were laid over others to be compared."""
    sequence = scenery.sequence_of(model, place)
    return [
        key
        for key, item in sequence.items.items()
        if str(item.get("name", "")).startswith(MARK) and item["source"].get("take")
    ]
