# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures in panels: fetched over errands, kept as files of this run, loaded by Blender's previews.

At most one picture is under way, so that a tick never loads more than one: Blender decodes it there and then.
"""

from __future__ import annotations

import base64
import binascii
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy.utils.previews

Fetch = Callable[[str, dict[str, Any], Callable[[Any], None]], None]

WIDTH = 256
MOST = 200
"""Pictures that are kept; the one shown longest ago goes first."""


class Thumbs:
    """Pictures by name. `fetch(path, query, then)` asks the daemon; `changed` is called when one has come."""

    def __init__(self, fetch: Fetch, changed: Callable[[], None]) -> None:
        self._fetch = fetch
        self._changed = changed
        self._folder: Path | None = None
        self._previews: Any = None
        self._icons: OrderedDict[str, int] = OrderedDict()
        self._wanted: OrderedDict[str, int] = OrderedDict()
        self._failed: set[str] = set()
        self._asked = ""
        self._count = 0

    def icon(self, digest: str, frame: int = 0) -> int:
        """Returns the icon of a file's frame, 0 while it has not come; it is fetched when it is not here."""
        name = f"{digest}:{frame}"
        if name in self._icons:
            self._icons.move_to_end(name)
            return self._icons[name]
        if digest and name not in self._failed and name != self._asked:
            self._wanted[name] = frame
            self._next()
        return 0

    def show(self, name: str, jpeg: str) -> int:
        """Returns the icon of a picture in base64, as a running job sends them; 0 for what is none."""
        known = f"{name}:{hash(jpeg)}"
        if known not in self._icons:
            try:
                data = base64.b64decode(jpeg, validate=True)
            except (binascii.Error, ValueError):
                return 0
            for old in [each for each in self._icons if each.startswith(f"{name}:")]:
                self._drop(old)
            self._load(known, data)
            tuple(self._previews[known].image_size)  # reads it now: the next one comes before Blender would get to it
        return self._icons[known]

    @property
    def loaded(self) -> int:
        return len(self._icons)

    def again(self) -> None:
        """Tries again what could not be had, as after a reconnect."""
        self._failed.clear()
        self._asked = ""

    def close(self) -> None:
        """Lets go of the pictures and their files."""
        if self._previews is not None:
            bpy.utils.previews.remove(self._previews)
            self._previews = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._icons.clear()
        self._wanted.clear()

    def _next(self) -> None:
        if self._asked or not self._wanted:
            return
        name, frame = self._wanted.popitem(last=False)
        self._asked = name

        def come(answer: Any) -> None:
            self._asked = ""
            if answer.error is None:
                self._load(name, answer.body)
                self._changed()
            else:
                self._failed.add(name)
            self._next()

        query = {"frame": frame, "width": WIDTH}
        self._fetch(f"/api/media/{name.partition(':')[0]}/thumbnail", query, come)

    def _load(self, name: str, data: bytes) -> None:
        if self._previews is None:
            self._previews = bpy.utils.previews.new()
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="genlock-thumbs-"))
        self._count += 1
        path = self._folder / f"{self._count}.jpg"  # a path of its own: Blender keeps what it loaded under one
        path.write_bytes(data)
        self._icons[name] = self._previews.load(name, str(path), "IMAGE").icon_id
        while len(self._icons) > MOST:
            self._drop(next(iter(self._icons)))

    def _drop(self, name: str) -> None:
        del self._icons[name]
        del self._previews[name]
