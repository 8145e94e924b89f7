# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender calls: one timer, which pumps the bridge, and handlers, which only leave hints. Nothing is done in them
that could wait for the timer, because Blender is in the middle of something then."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import bridge as bridges
from . import prefs

FIRST_SECONDS = 0.1


def tick() -> float:
    """The timer: returns the seconds until the next."""
    return bridges.bridge().pump()


@persistent
def _edited(scene: Any, depsgraph: Any = None) -> None:
    if depsgraph is None or depsgraph.id_type_updated("SCENE"):
        bridges.bridge().hint()


@persistent
def _undone(*_: Any) -> None:
    bridges.bridge().hint("Undo in Blender")


@persistent
def _redone(*_: Any) -> None:
    bridges.bridge().hint("Redo in Blender")


@persistent
def _loading(*_: Any) -> None:
    bridges.bridge().file_closes()


@persistent
def _loaded(*_: Any) -> None:
    bridges.bridge().file_opened()


@persistent
def _saving(path: Any = "", *_: Any) -> None:
    bridges.bridge().file_saves(path if isinstance(path, str) else "")


@persistent
def _saved(*_: Any) -> None:
    bridges.bridge().file_saved()


_HANDLERS = (
    ("depsgraph_update_post", _edited),
    ("undo_post", _undone),
    ("redo_post", _redone),
    ("load_pre", _loading),
    ("load_post", _loaded),
    ("save_pre", _saving),
    ("save_post", _saved),
)


def register() -> None:
    """Begins: handlers, the timer, and the connection when the preferences say so."""
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler not in handlers:
            handlers.append(handler)
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=FIRST_SECONDS, persistent=True)
    made = bridges.bridge()
    made.hint()
    if prefs.settings().connect:
        made.connect()


def unregister() -> None:
    """Ends it all: nothing of it is left in Blender, and no socket is open."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    for name, handler in _HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        while handler in handlers:
            handlers.remove(handler)
    bridges.close()
