# SPDX-License-Identifier: GPL-3.0-or-later
"""Meta strips: nested sequences whose frames Blender counts on the scene's timeline."""

from __future__ import annotations

from collections.abc import Iterable

from ..states import Strip
from .book import Held

DEEPEST = 32
"""Meta strips inside each other at most."""


def families(strips: Iterable[Strip], held: Held) -> dict[str, list[Strip]]:
    """Returns the strips by the key of the meta strip around them ("" for none), in their order.

    What has no key, a key twice, or a parent that is no meta strip is held back, and all in it.
    """
    found: dict[str, list[Strip]] = {}
    metas: dict[str, str] = {}
    seen: set[str] = set()
    nested = False
    for strip in strips:
        key = strip.key
        if not key or key in seen:
            held[key or strip.name] = ("no_id", f"{strip.name} has no id of its own yet.")
            continue
        seen.add(key)
        if strip.type == "META":
            metas[key] = strip.parent
        nested = nested or bool(strip.parent)
        found.setdefault(strip.parent, []).append(strip)
    if nested:
        for parent in [each for each in found if each and not _rooted(each, metas)]:
            for strip in found.pop(parent):
                held[strip.key] = ("bad_meta", f"{strip.name} is in a meta strip that cannot be told.")
    return found


def _rooted(key: str, metas: dict[str, str]) -> bool:
    for _ in range(DEEPEST):
        if key not in metas:
            return False
        key = metas[key]
        if not key:
            return True
    return False


def zero(strip: Strip, children: list[Strip]) -> int:
    """Returns the scene frame of the first frame of the sequence that a meta strip shows."""
    first = strip.note.get("first", 0)
    own = int(strip.content_start // 1) - (first if isinstance(first, int) else 0)
    return min(own, min((child.left for child in children), default=own))


def around(strip: Strip, children: list[Strip], first: int) -> Strip:
    """Returns the meta strip around its children, `first` being the scene frame of the sequence's first frame."""
    if strip.content and zero(strip, children) == first:
        return strip
    left = min((child.left for child in children), default=strip.left)
    right = max((child.right for child in children), default=strip.right)
    note = {name: value for name, value in strip.note.items() if name != "first"}
    if left != first:
        note["first"] = left - first
    return strip._replace(content_start=left, content=right - left, note=note)
