# SPDX-License-Identifier: GPL-3.0-or-later
"""Genlock inside Blender's sequencer: one timeline with everyone else's.

Each part of `PARTS` has `register` and `unregister`; they go in this order and back. What is still registered when
Blender's interpreter ends makes 4.2 crash and 4.5 hang, therefore `unregister` also runs at exit.
"""

from __future__ import annotations

import atexit
import importlib
from typing import Any

PARTS = ("compat", "prefs", "handlers", "interface")
"""Modules of this package with something to register, in order."""

_registered: list[Any] = []


def register() -> None:
    """Registers everything once; a second call does nothing."""
    if _registered:
        return
    atexit.register(unregister)
    for name in PARTS:
        part = importlib.import_module(f"{__name__}.{name}")
        _registered.append(part)
        part.register()


def unregister() -> None:
    """Takes everything away again, the last part first; without anything registered it does nothing."""
    atexit.unregister(unregister)
    while _registered:
        _registered.pop().unregister()
