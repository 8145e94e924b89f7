# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene shows already, in words of the model, and how a cut's parts hang together."""

from __future__ import annotations

from typing import Final, NamedTuple

from genlock_client.cut import Cut

from ..states import NOTHING, Strip
from .book import Value
from .lanes import Span
from .tracks import CHANNELS

MEDIA: Final = ("source", "source_in", "speed")
LOOKS: Final = ("name", "enabled", "link", "foreign")
_DEFAULTS: Final[Value] = {
    "name": "",
    "enabled": True,
    "link": None,
    "source_in": 0,
    "speed": [1, 1],
    "foreign": NOTHING,
}


class Was(NamedTuple):
    """What `to_cut` says of a strip that is shown."""

    value: Value
    zero: int
    sequence: str


def was_of(mine: Cut, zeros: dict[str, int], sequence: str) -> dict[str, Was]:
    found = {id_: Was(value, zeros[sequence], sequence) for id_, value in mine.items.items()}
    for inner, cut in mine.nested.items():
        found.update((id_, Was(value, zeros[inner], inner)) for id_, value in cut.items.items())
    return found


def transitions_of(mine: Cut) -> dict[str, Value]:
    found = dict(mine.transitions)
    for cut in mine.nested.values():
        found.update(cut.transitions)
    return found


def showing(cut: Cut) -> dict[str, set[str]]:
    """Returns the items that show each nested sequence."""
    found: dict[str, set[str]] = {}
    for each in (cut, *cut.nested.values()) if cut.nested else ():
        for id_, value in each.items.items():
            if value["source"]["type"] == "nested":
                found.setdefault(value["source"].get("sequence", ""), set()).add(id_)
    return found


def same(value: Value, was: Value, names: tuple[str, ...]) -> bool:
    for name in names:
        one, other = value.get(name), was.get(name)
        if one != other and (_DEFAULTS.get(name) if one is None else one) != (
            _DEFAULTS.get(name) if other is None else other
        ):
            return False
    return True


def span_of(value: Value, zero: int) -> Span:
    start = zero + value["start"]
    return start, start + value["duration"]


def bounds(order: list[str], values: dict[str, Value], homes: dict[str, int]) -> dict[str, int]:
    """Returns the home of the next picture track above each track, one past the last channel without any."""
    bounds, above = {}, CHANNELS + 1
    for track in reversed(order):
        bounds[track] = above
        if values[track].get("kind", "video") == "video":
            above = homes[track]
    return bounds


def inputs_first(effects: list[str], items: dict[str, Value]) -> list[str]:
    """Returns the effects with each behind those that it takes as an input, as far as they are no circle."""
    waiting, found = set(effects), []

    def add(id_: str) -> None:
        waiting.discard(id_)
        for key in items[id_]["source"]["parameters"]["inputs"]:
            if key in waiting:
                add(key)
        found.append(id_)

    for id_ in effects:
        if id_ in waiting:
            add(id_)
    return found


def common(inputs: list[Strip]) -> Span | None:
    """Returns the frames that an effect's inputs have in common, which are the effect's in Blender; None without any."""
    if not inputs:
        return None
    left, right = max(each.left for each in inputs), min(each.right for each in inputs)
    return (left, right) if left < right else None
