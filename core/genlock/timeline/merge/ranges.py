"""In- and out-point, source and speed of an item, merged as an editor would: each end on its own."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from genlock.timeline.merge.registers import Trim, settle, trim_of
from genlock.timeline.model import Item
from genlock.timeline.rate import Rate

PARTS = ("source", "speed", "source_in", "duration")


class Picture(Struct, frozen=True):
    """What an item shows after the merge.

    `fields` are those that differ from ours, `clashes` what both sides set ("source", "speed", "in", "out"). `head` and
    `tail` tell whether theirs' trim at that end was taken; `empty` that both together would leave nothing, so nothing was.
    `again` are the fields that give theirs its way where both set it, `front` whether that moves the front.
    """

    fields: dict[str, Any] = {}
    clashes: tuple[str, ...] = ()
    head: bool = False
    tail: bool = False
    empty: bool = False
    again: dict[str, Any] = {}
    front: bool = False


def merge_picture(base: Item, ours: Item, theirs: Item, rate: Rate) -> Picture:
    """Returns what comes of source, source in, duration and speed."""
    source, both_sources = settle(base.source, ours.source, theirs.source)
    speed, both_speeds = settle(base.speed, ours.speed, theirs.speed)
    one, two = trim_of(base, ours, rate), trim_of(base, theirs, rate)
    first, both_firsts = _first(base, ours, theirs, one, two)
    if both_sources:  # a number of their source says nothing in ours
        first, both_firsts = ours.source_in, False
    both_lasts = bool(two.tail) and one.tail not in (0, two.tail)
    named = (("source", both_sources), ("speed", both_speeds), ("in", both_firsts), ("out", both_lasts))
    clashes = tuple(name for name, both in named if both)
    head = bool(two.head) and not one.head and not both_firsts and not both_sources
    tail = bool(two.tail) and not one.tail and not both_speeds and not both_sources
    duration = ours.duration - (two.head if head else 0) + (two.tail if tail else 0)
    if duration < 1:
        return Picture(empty=True, again=_differing(ours, theirs), front=True)
    values = {"source": source, "speed": speed, "source_in": first, "duration": duration}
    changed = {name: value for name, value in values.items() if value != getattr(ours, name)}
    again = _again(base, ours, theirs, one, two, clashes) if clashes else {}
    front = not {"in", "source", "speed"}.isdisjoint(clashes)
    return Picture(changed, clashes, head, tail, False, again, front)


def _first(base: Item, ours: Item, theirs: Item, one: Trim, two: Trim) -> tuple[int, bool]:
    """Returns the first source frame and whether both moved it."""
    value, both = settle(base.source_in, ours.source_in, theirs.source_in)
    replaced = (ours.source != base.source) != (theirs.source != base.source)
    if both and replaced and not (one.head and two.head):
        # one side brought another source with its own numbers, the other moved along in the old one
        return ours.source_in + theirs.source_in - base.source_in, False
    return value, both


def _again(base: Item, ours: Item, theirs: Item, one: Trim, two: Trim, clashes: tuple[str, ...]) -> dict[str, Any]:
    if "source" in clashes or "speed" in clashes:
        return _differing(ours, theirs)
    at_front = "in" in clashes or (two.head and not one.head)
    head = two.head if at_front else one.head
    tail = two.tail if "out" in clashes or not one.tail else one.tail
    values = {
        "source_in": theirs.source_in if at_front else ours.source_in,
        "duration": base.duration - head + tail,
    }
    return values if values["duration"] >= 1 else {}


def _differing(ours: Item, theirs: Item) -> dict[str, Any]:
    return {name: getattr(theirs, name) for name in PARTS if getattr(theirs, name) != getattr(ours, name)}
