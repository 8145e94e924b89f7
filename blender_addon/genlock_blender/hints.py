# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the daemon when Blender plays or renders, so that jobs make room for it first. Handlers only leave a word."""

from __future__ import annotations

import time
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import desk

AGAIN_SECONDS = 15.0
"""A hint is forgotten after thirty."""


class Telling:
    """What the daemon was told last, and when."""

    def __init__(self) -> None:
        self.playing = False
        self.rendering = False
        self._at = 0.0

    def tell(self, now: float, **changes: bool) -> None:
        """Takes what began or ended, and tells it."""
        for name, value in changes.items():
            setattr(self, name, value)
        self._at = now
        desk.desk().hint(playing=self.playing, rendering=self.rendering)

    def renew(self, now: float) -> None:
        """Tells it once more when it goes on for long."""
        if (self.playing or self.rendering) and now - self._at >= AGAIN_SECONDS:
            self.tell(now)


telling = Telling()


@persistent
def _plays(*_: Any) -> None:
    telling.tell(time.monotonic(), playing=True)


@persistent
def _stops(*_: Any) -> None:
    telling.tell(time.monotonic(), playing=False)


@persistent
def _renders(*_: Any) -> None:
    telling.tell(time.monotonic(), rendering=True)


@persistent
def _rendered(*_: Any) -> None:
    telling.tell(time.monotonic(), rendering=False)


@persistent
def _goes_on(*_: Any) -> None:
    telling.renew(time.monotonic())


HANDLERS = (
    ("animation_playback_pre", _plays),
    ("animation_playback_post", _stops),
    ("render_init", _renders),
    ("render_complete", _rendered),
    ("render_cancel", _rendered),
    ("render_post", _goes_on),
    ("frame_change_post", _goes_on),
)


def register() -> None:
    """Hangs the handlers in."""
    for name, handler in HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        if handler not in handlers:
            handlers.append(handler)


def unregister() -> None:
    """Takes them out."""
    for name, handler in HANDLERS:
        handlers = getattr(bpy.app.handlers, name)
        while handler in handlers:
            handlers.remove(handler)
