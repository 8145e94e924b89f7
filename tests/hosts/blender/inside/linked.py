"""A Blender that is linked to a real daemon, pumped by the test instead of a timer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from daemons import Daemon

from genlock_blender import compat, reading
from genlock_blender.bridge import Bridge
from genlock_blender.compat import A
from genlock_blender.links import Linked
from genlock_client.happenings import CommandAccepted, CommandRefused
from genlock_client.sync import Idle

SECONDS = 20.0
PYTHON = os.environ.get("GENLOCK_PYTHON") or str(Path(__file__).resolve().parents[4] / ".venv/bin/python")


class Editor:
    """One scene, its bridge, and the daemon as a witness."""

    def __init__(self, daemon: Daemon, project: str) -> None:
        self.daemon = daemon
        self.project = project
        self.bridge = Bridge()
        self.answers: list[Any] = []
        self.bridge.listen_all(self._hear)
        self.bridge.connect()

    def _hear(self, happening: Any) -> None:
        if isinstance(happening, (CommandAccepted, CommandRefused)):
            self.answers.append(happening)

    @property
    def scene(self) -> Any:
        return bpy.context.scene

    @property
    def strips(self) -> Any:
        return compat.strips(compat.editor(self.scene))

    @property
    def status(self) -> Any:
        return self.bridge.status(self.scene)

    @property
    def link(self) -> Any:
        return self.bridge.links[self.scene.session_uid]

    @property
    def sequence(self) -> str:
        return str(self.link.kept.sequence)

    def pump(self, seconds: float = 0.0) -> None:
        """Pumps for a while, at least once."""
        end = time.monotonic() + seconds
        while True:
            self.bridge.pump()
            if time.monotonic() >= end:
                return
            time.sleep(0.01)

    def until(self, there: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Pumps until something holds, and returns it."""
        end = time.monotonic() + seconds
        while True:
            self.bridge.pump()
            found = there()
            if found:
                return found
            assert time.monotonic() < end, f"it never came: {self.status}, notes {list(self.bridge.notes)}"
            time.sleep(0.01)

    def settle(self) -> None:
        """Pumps until everything that was edited here is told and everything that was edited there is shown."""
        linked = self.until(lambda: isinstance(self.link.state, Linked) and self.link.state)
        linked.sync.hint()
        self.pump(0.3)
        self.until(lambda: isinstance(linked.sync.state, Idle) and self._level(linked.sync))
        self.pump(0.1)
        self.until(lambda: isinstance(linked.sync.state, Idle) and self._level(linked.sync))
        assert not [note for note in self.bridge.notes if "went wrong" in note], list(self.bridge.notes)

    def _level(self, sync: Any) -> bool:
        model = self.bridge.session.model.sequences.get(self.sequence) if self.bridge.session else None
        return model is not None and bool(sync.base == model.version)

    def link_new(self) -> None:
        """Links the scene to a new sequence."""
        self.bridge.link_new(self.scene, self.project)
        self.settle()

    def snapshot(self) -> dict[str, Any]:
        """The sequence as the daemon has it."""
        found: dict[str, Any] = self.daemon.rest.get(f"/api/sequences/{self.sequence}")
        return found

    def items(self) -> dict[str, dict[str, Any]]:
        """The daemon's items by id, each with its `start`."""
        return items_of(self.snapshot())

    def shown(self) -> dict[str, tuple[Any, ...]]:
        """The strips by key: type, name, left, right, channel."""
        return {s.key: (s.type, s.name, s.left, s.right, s.channel) for s in reading.read(self.scene).strips}

    def command(self, command: dict[str, Any], **envelope: Any) -> dict[str, Any]:
        """Somebody else edits the sequence."""
        answer: dict[str, Any] = self.daemon.rest.command(command, self.sequence, actor="anna", **envelope)
        return answer

    def arrange(self, **items: Any) -> None:
        """Somebody else arranges items, against the newest version."""
        base = self.snapshot()["version"]
        self.command({"do": "Arrange", "base": base, "arrangement": {"items": items}})

    def color(self, name: str, channel: int, left: int, right: int) -> Any:
        """Adds a colour strip."""
        return compat.new_effect(self.strips, name, "COLOR", channel, left, right)

    def movie(self, path: Path, channel: int, left: int) -> Any:
        """Adds a movie strip."""
        return compat.new_movie(self.strips, path.stem, str(path), channel, left)

    def named(self, name: str) -> Any:
        """The strip of this name at this moment."""
        return compat.strips_all(compat.editor(self.scene))[name]

    def save(self, path: Path) -> None:
        """Saves the file, with what the handlers would do."""
        self.bridge.file_saves(str(path))
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
        self.bridge.file_saved()

    def load(self, path: Path) -> None:
        """Opens a file, with what the handlers would do."""
        self.bridge.file_closes()
        bpy.ops.wm.open_mainfile(filepath=str(path))
        self.bridge.file_opened()
        self.pump()

    def close(self) -> None:
        self.bridge.close()


def items_of(snapshot: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Items by id, each with its `start` and `track`."""
    found = {}
    for track in snapshot["tracks"]:
        frame = 0
        for item in track["items"]:
            frame += item.get("gap", 0)
            found[item["id"]] = {**item, "start": frame, "track": track["id"]}
            frame += item["duration"]
    return found


def left(strip: Any) -> int:
    return int(getattr(strip, A.left))


def move(strip: Any, frames: int) -> None:
    """Moves a strip along, as a drag would leave it."""
    setattr(strip, A.start, getattr(strip, A.start) + frames)


def select(editor: Editor, *names: str) -> None:
    """Selects just these strips, the first one active."""
    held = compat.editor(editor.scene)
    for strip in compat.strips_all(held):
        strip.select = strip.name in names
        strip.select_left_handle = strip.select_right_handle = False
    held.active_strip = compat.strips_all(held)[names[0]]
