# SPDX-License-Identifier: GPL-3.0-or-later
"""Genlock inside Blender's sequencer: one timeline with everyone else's.

Each part of `PARTS` has `register` and `unregister`; they go in this order and back. What is still registered when
Blender's interpreter ends makes 4.2 crash and 4.5 hang, therefore `unregister` also runs at exit.
"""

from __future__ import annotations

import atexit
import importlib
import sys
from pathlib import Path
from typing import Any

PARTS = ("compat", "prefs", "handlers", "interface")
"""Modules of this package with something to register, in order."""

_registered: list[Any] = []


def _forget_client() -> None:
    """Drops the client that an earlier version of this extension loaded: an update unpacks another under the same name.

    At import only, when none of our own modules holds a part of it; one that is not unpacked by Blender stays.
    """
    client = sys.modules.get("genlock_client")
    if client is not None and ".local" in Path(client.__file__ or "").parts:
        for name in [name for name in sys.modules if name.partition(".")[0] == "genlock_client"]:
            del sys.modules[name]
        importlib.invalidate_caches()


_forget_client()


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
