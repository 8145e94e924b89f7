# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of the sequencer. They stand in Blender's keymap editor and can be changed there."""

from __future__ import annotations

from typing import Any, NamedTuple

import bpy


class Key(NamedTuple):
    """An operator on a key with Ctrl and Alt."""

    operator: str
    key: str
    properties: dict[str, Any]


KEYS = (
    Key("genlock.generate", "G", {"action": "new"}),
    Key("genlock.generate", "F", {"action": "gap"}),
    Key("genlock.generate", "R", {"action": "retake"}),
    Key("genlock.take_step", "RIGHT_ARROW", {"by": 1}),
    Key("genlock.take_step", "LEFT_ARROW", {"by": -1}),
)
_made: list[tuple[Any, Any]] = []


def register() -> None:
    """Adds the keys; without a window there is no keymap to add them to."""
    config = bpy.context.window_manager.keyconfigs.addon
    if config is None:
        return
    keys = config.keymaps.new(name="Sequencer", space_type="SEQUENCE_EDITOR")
    for each in KEYS:
        item = keys.keymap_items.new(each.operator, each.key, "PRESS", ctrl=True, alt=True)
        for name, value in each.properties.items():
            setattr(item.properties, name, value)
        _made.append((keys, item))


def unregister() -> None:
    """Takes them away."""
    while _made:
        keys, item = _made.pop()
        keys.keymap_items.remove(item)
