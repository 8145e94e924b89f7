# SPDX-License-Identifier: GPL-3.0-or-later
"""Transitions: in Blender an effect over two strips that overlap, in a sequence a cut with frames on either side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from ..states import Strip
from .lanes import UNSEEN, Channels

KINDS: Final = {"CROSS": "dissolve", "GAMMA_CROSS": "gamma_cross", "WIPE": "wipe"}
TYPES: Final = {kind: type_ for type_, kind in KINDS.items()}


def usual(type_: str) -> str:
    """Returns what Blender calls an effect of this type that nobody named."""
    return type_.title().replace("_", " ")


def given_name(effect: Strip) -> str:
    """Returns the name that somebody gave to a transition, "" for none."""
    name, plain = effect.name, usual(effect.type)
    numbered = name.startswith(plain + ".") and name[len(plain) + 1 :].isdigit()
    return "" if name == plain or numbered else name


class Crossing(NamedTuple):
    """A transition as strips: `cut` is the scene frame where `right` takes over from `left`."""

    effect: Strip
    left: Strip
    right: Strip
    cut: int

    @property
    def key(self) -> str:
        return f"{self.left.key}>{self.right.key}"

    @property
    def in_offset(self) -> int:
        return self.cut - self.right.left

    @property
    def out_offset(self) -> int:
        return self.left.right - self.cut


def find(effects: Iterable[Strip], strips: Mapping[str, Strip], used: frozenset[str]) -> list[Crossing]:
    """Returns the effects that are transitions, in order of time.

    `strips` are those of one level by key, `used` the keys that other effects take as an input. An input of a transition
    has no inputs of its own, overlaps the other one at one end only, and has one transition at each end at most. Nothing
    else shows between the channels of a transition, else it would be above or below what it is not on its track.
    """
    found: list[Crossing] = []
    for effect in effects:
        if effect.key in used or len(effect.inputs) != 2:
            continue
        left, right = (strips.get(key) for key in effect.inputs)
        if left is None or right is None or left is right or left.inputs or right.inputs:
            continue
        if left.type == "SOUND" or right.type == "SOUND":
            continue
        if not _cross(effect, left, right):
            continue
        found.append(Crossing(effect, left, right, _cut(effect, left, right)))
    found.sort(key=lambda each: (each.cut, each.effect.key))
    found = _apart(found)
    while found and (crossed := _crossed(found, strips)):
        found = [each for each in found if each.key not in crossed]
    return found


def _crossed(crossings: list[Crossing], strips: Mapping[str, Strip]) -> set[str]:
    """Returns the keys of the transitions between whose channels something else shows."""
    first: dict[str, str] = {}  # strip -> that with which its row of transitions begins
    for each in crossings:
        first[each.right.key] = first[each.effect.key] = first.setdefault(each.left.key, each.left.key)
    grid = Channels()
    grid.fill(
        (strip.channel, strip.left, strip.right, UNSEEN if strip.type == "SOUND" else first.get(key, key))
        for key, strip in strips.items()
    )
    found = set()
    for each in crossings:
        head = first[each.right.key]
        home, right, effect = strips[head].channel, each.right, each.effect
        if not (
            grid.clear(head, home, right.channel, (right.left, right.right))
            and grid.clear(head, home, effect.channel, (right.left, each.left.right))
        ):
            found.add(each.key)
    return found


def _cross(effect: Strip, left: Strip, right: Strip) -> bool:
    """Whether the strips overlap as at a cut; where one covers the other's end, only a transition of ours does."""
    if left.left < right.left < left.right < right.right:
        return True
    ours = "in" in effect.note
    return ours and left.left <= right.left < left.right <= right.right


def _cut(effect: Strip, left: Strip, right: Strip) -> int:
    length = left.right - right.left
    remembered = effect.note.get("in")
    if isinstance(remembered, int) and 0 <= remembered <= length:
        return right.left + remembered
    return right.left + length // 2


def _apart(crossings: list[Crossing]) -> list[Crossing]:
    """Leaves out what shares an end with one before, or overlaps it."""
    free: dict[str, int] = {}  # strip -> where its transition at the head ends
    tails: set[str] = set()
    kept = []
    for each in crossings:
        left, right = each.left, each.right
        if right.key in free or left.key in tails or free.get(left.key, left.left) > right.left:
            continue
        if each.cut <= left.left or each.cut >= right.right:
            continue
        tails.add(left.key)
        free[right.key] = left.right
        kept.append(each)
    return kept
