# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a person sees and presses, registered in order and taken away in reverse."""

from __future__ import annotations

from typing import Any

import bpy

from . import (
    commands,
    commands_generate,
    commands_jobs,
    commands_points,
    commands_takes,
    desk,
    form,
    hints,
    keymap,
    listing,
    panel,
    panel_generate,
    panel_jobs,
    panel_takes,
    translations,
)

WITH_CLASSES = (
    commands,
    commands_generate,
    commands_jobs,
    commands_points,
    commands_takes,
    listing,
    panel,
    panel_generate,
    panel_jobs,
    panel_takes,
)
BEFORE = (translations, form)
BEHIND = (desk, hints, keymap)  # keys name operators, so these have to be there
_registered: list[Any] = []


def classes() -> list[Any]:
    """Returns every class with a name of its own in Blender, in the order of the tab."""
    return [each for module in WITH_CLASSES for each in module.CLASSES]


def register() -> None:
    """Registers all of it."""
    for part in BEFORE:
        part.register()
    for each in classes():
        bpy.utils.register_class(each)
        _registered.append(each)
    for part in BEHIND:
        part.register()


def unregister() -> None:
    """Takes all of it away."""
    commands_points.end_drawing()
    for part in reversed(BEHIND):
        part.unregister()
    while _registered:
        bpy.utils.unregister_class(_registered.pop())
    for part in reversed(BEFORE):
        part.unregister()
