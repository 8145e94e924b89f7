# SPDX-License-Identifier: GPL-3.0-or-later
"""Renderings that walks wait for: another Blender makes them, and a look now and then says how far they are."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import bpy

from genlock_client import discovery
from genlock_client.errors import ClientError
from genlock_client.model import Model

from . import render_input

LOOK_SECONDS = 0.25
FOLDER = "Inputs"


class _Going(NamedTuple):
    rendering: Any
    folder: Path
    then: Callable[[Any], None]


class Renders:
    """The renderings under way."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._going: list[_Going] = []
        self._timer = self.tick  # Blender knows a timer by its object, and each `self.tick` is another

    @property
    def under_way(self) -> list[Any]:
        """Their states, oldest first."""
        return [each.rendering.state for each in self._going]

    def start(
        self, scene: Any, keys: tuple[str, ...], first: int, last: int, folder: Path, then: Callable[[Any], None]
    ) -> None:
        """Renders strips over scene frames `first` to `last` (exclusive) into the folder; `then` gets the path, or a
        ClientError."""
        try:
            rendering = render_input.start(scene, strips=keys, first=first, last=last)
        except OSError as error:
            then(ClientError("render_failed", str(error)))
            return
        self._going.append(_Going(rendering, folder, then))
        if not bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.register(self._timer, first_interval=LOOK_SECONDS, persistent=True)

    def tick(self) -> float | None:
        """The timer's: looks, and says when to look again."""
        self.look()
        return LOOK_SECONDS if self._going else None

    def look(self) -> None:
        """Hands out what is done. Never waits."""
        for each in list(self._going):
            state = each.rendering.poll()
            if isinstance(state, render_input.Working):
                continue
            self._going.remove(each)
            answer = _kept(state, each.folder)
            each.rendering.close()
            each.then(answer)
        self._changed()

    def close(self) -> None:
        """Ends them all; nobody is told."""
        for each in self._going:
            each.rendering.close()
        self._going = []
        if bpy.app.timers.is_registered(self._timer):
            bpy.app.timers.unregister(self._timer)


def _kept(state: Any, folder: Path) -> Any:
    """Moves what was rendered to where the daemon may read it, and returns its path or why there is none."""
    if isinstance(state, render_input.Failed):
        return ClientError(state.code, state.message)
    if not isinstance(state, render_input.Rendered):
        return ClientError("render_failed", "The rendering was called off.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid.uuid4().hex}{state.path.suffix}"
        shutil.move(str(state.path), path)
    except OSError as error:
        return ClientError("unwritable_folder", f"What was rendered cannot be put into {folder}: {error.strerror}.")
    return str(path)


def folder_of(model: Model) -> Path:
    """Returns where inputs of a project lie: in its folder, else beside the daemon's store."""
    project = model.project or {}
    folder = (project.get("settings") or {}).get("folder")
    if folder:
        return Path(folder) / FOLDER
    endpoint = discovery.find()
    store = Path(endpoint.store) if endpoint is not None and endpoint.store else Path.home() / "Genlock" / "studio"
    return store.parent / FOLDER
