# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's undo and what others did: steps for it, and what an undo takes along that had none yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from . import compat
from .states import Picture

PUSH_SECONDS: Final = 2.0
"""Others' edits become at most one undo step in this time: Blender keeps 32 steps."""


class Steps:
    """Undo steps for what others did. Without a step of its own, the user's next undo would take it back unseen."""

    def __init__(self) -> None:
        self._labels: list[str] = []
        self._last = 0.0

    def done(self, label: str) -> None:
        """Notes that something was shown."""
        self._labels.append(label)

    def undone(self) -> None:
        """Forgets what waits for its step: the user's undo or redo left it behind, and a step would end their redo."""
        self._labels.clear()

    def flush(self, now: float) -> bool:
        """Makes the step that is due; says whether it did."""
        if not self._labels or (self._last and now - self._last < PUSH_SECONDS):
            return False
        labels, self._labels = [label for label in self._labels if label], []
        self._last = now
        what = labels[0] if len(labels) == 1 else f"{len(labels)} edits" if labels else "changes from elsewhere"
        compat.undo_push(f"Genlock: {what}"[:60])
        return True


class Unstepped:
    """What was shown since the last step, before and after it, by key: the next undo takes it along unmeant."""

    def __init__(self) -> None:
        self._strips: dict[Any, tuple[Any, Any]] = {}
        self._marks: dict[Any, tuple[Any, Any]] = {}
        self._channels: dict[Any, tuple[Any, Any]] = {}
        self._mixed = False

    def __bool__(self) -> bool:
        return bool(self._strips or self._marks or self._channels)

    def add(self, before: Picture, after: Picture) -> None:
        """Notes what a showing changed."""
        _note(self._strips, _keyed(before.strips), _keyed(after.strips))
        _note(self._marks, _keyed(before.marks), _keyed(after.marks))
        _note(self._channels, before.channels, after.channels)

    def mixed(self) -> None:
        """Says that the user edited since: their step holds this too, and their undo takes it back with them."""
        self._mixed = bool(self)

    def stepped(self) -> None:
        """Says that there is a step. What a step of the user holds as well is kept until the one after it."""
        if not self._mixed:
            for each in (self._strips, self._marks, self._channels):
                each.clear()
        self._mixed = False

    def taken(self, shadow: Picture, there: Picture) -> Picture:
        """Returns the shadow with what is `there` as it was before it was shown."""
        strips = _back(self._strips, _keyed(shadow.strips), _keyed(there.strips))
        marks = _back(self._marks, _keyed(shadow.marks), _keyed(there.marks))
        channels = _back(self._channels, shadow.channels, there.channels)
        return shadow._replace(strips=tuple(strips.values()), marks=tuple(marks.values()), channels=channels)


def _keyed(things: Any) -> dict[str, Any]:
    return {each.key: each for each in things}


def _note(known: dict[Any, tuple[Any, Any]], before: Mapping[Any, Any], after: Mapping[Any, Any]) -> None:
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old is not new and old != new:
            known[key] = (known[key][0] if key in known else old, new)


def _back(known: dict[Any, tuple[Any, Any]], shadow: Mapping[Any, Any], there: Mapping[Any, Any]) -> dict[Any, Any]:
    found = dict(shadow)
    for key, (before, after) in known.items():
        if there.get(key) == before and shadow.get(key) == after:
            if before is None:
                found.pop(key, None)
            else:
                found[key] = before
    return found
