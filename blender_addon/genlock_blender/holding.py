# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step may hold of Blender while it changes strips, and what it keeps from going on meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from . import compat, reading
from .compat import A

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .states import Strip

_CACHES: Final = ("use_prefetch", "use_cache_raw", "use_cache_final")


class Hand:
    """What one step holds of Blender; it is worth nothing after the step."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.editor = compat.editor(scene)
        self.look()

    def look(self) -> None:
        """Looks all strips up anew."""
        self.strips: dict[str, Any] = reading.find(self.scene)
        self.names: dict[str, str] = {strip.name: key for key, strip in self.strips.items()}
        self._users: dict[str, list[str]] | None = None

    def owner(self, parent: str) -> Any:
        """The sequence editor, or the meta strip with this key."""
        return self.strips[parent] if parent else self.editor

    def read(self, key: str) -> Strip:
        """The strip as it is at this moment."""
        return reading.read_strip(self.strips[key], self.names)

    def find(self, name: str) -> Any:
        """A strip of the scene by Blender's name for it, None without."""
        return compat.strips_all(self.editor).get(name)

    def users(self, strip: Any) -> list[Any]:
        """The effects directly over a strip, whoever made them."""
        if self._users is None:
            self._users = {}
            for other in compat.strips_all(self.editor):
                for one in inputs_of(other):
                    self._users.setdefault(one.name, []).append(other.name)
        found = [self.find(name) for name in self._users.get(strip.name, ())]
        return [other for other in found if other is not None and strip in inputs_of(other)]

    def made(self, key: str, strip: Any) -> None:
        """Notes a strip just made."""
        self.strips[key] = strip
        self.names[strip.name] = key
        self._users = None

    def remove(self, key: str) -> None:
        """Takes a strip out of the scene; a view into a meta strip that goes with it goes back to what is around."""
        strip = self.strips.pop(key)
        self.names.pop(strip.name, None)
        stack = [meta.name for meta in self.editor.meta_stack]
        if strip.name in stack:
            at = stack.index(strip.name)
            self.editor.display_stack(self.find(stack[at - 1]) if at else None)
        around = strip.parent_meta()
        compat.strips(around if around is not None else self.editor).remove(strip)


def inputs_of(strip: Any) -> list[Any]:
    """The strips that an effect takes."""
    found = (getattr(strip, name, None) for name in ("input_1", "input_2"))
    return [one for one in found if one is not None]


def trimmed(strip: Any) -> bool:
    """Whether frames are cut off the file itself."""
    return bool(getattr(strip, A.left_trim, 0))


@contextmanager
def undisturbed(scene: Any) -> Iterator[None]:
    """Keeps Blender from reading ahead and caching while strips change under it: that is known to crash."""
    editor = compat.editor(scene)
    held = [name for name in _CACHES if getattr(editor, name, False)]
    for name in held:
        setattr(editor, name, False)
    try:
        yield
    finally:
        for name in held:
            setattr(editor, name, True)
