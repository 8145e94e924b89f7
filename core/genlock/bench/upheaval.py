"""A Blender that edits at random, inside Blender's own Python: it saves, undoes, reopens, and may be killed at any moment.

`python upheaval.py` takes requests as lines of JSON, `[name, arguments]`, and answers each with a line that begins with
`{`; see `Table`. Between requests it pumps the add-on as Blender's timer would. `python upheaval.py nest` waits for
lines of arguments and plays each in a fork of itself (`Victim`), since it takes Blender a second to start.
"""

from __future__ import annotations

import json
import os
import re
import select
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import bpy

import genlock_blender
from genlock_blender import compat
from genlock_blender.bridge import bridge
from genlock_blender.links import Linked
from genlock_blender.mapping.crossings import KINDS
from genlock_blender.mapping.items import PLACEHOLDER
from genlock_client import cut as cuts
from genlock_client import diff
from genlock_client.happenings import CommandAccepted, CommandRefused
from genlock_client.partly import keep
from genlock_client.session import Live
from genlock_client.sync import Idle

player: Any = import_module("player")
TAG: Final = player.TAG
COUNTED: Final = re.compile(r"(\.\d{3})+$")
"""What Blender adds to a name that another strip has: not the same in every Blender."""
STEADY: Final = 0.7
"""Seconds for which nothing happens any more before a scene counts as settled."""
PATIENCE: Final = 45.0


def say(found: dict[str, Any]) -> None:
    """Prints an object for the process that asked."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def begin() -> None:
    """Makes an empty scene at 24 frames per second, 320x180."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    scene.frame_start = 1
    compat.editor(scene)
    player.timeline(scene)


_watching: list[Callable[[], None]] = []
"""What is called after each pump."""


def pump(seconds: float) -> None:
    """Pumps for a while, at least once."""
    end = time.monotonic() + seconds
    while True:
        bridge().pump()
        for watch in _watching:
            watch()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.02))


def level() -> bool:
    """Whether the scene is in step as far as it knows."""
    link = bridge().links.get(bpy.context.scene.session_uid)
    session = bridge().session
    if link is None or session is None or not isinstance(session.state, Live) or not isinstance(link.state, Linked):
        return False
    sync = link.state.sync
    model = session.model.sequences.get(link.kept.sequence)
    return isinstance(sync.state, Idle) and model is not None and sync.base == model.version


def settle(patience: float = PATIENCE) -> dict[str, Any]:
    """Pumps until nothing happens any more, what the fingerprint does not see included."""
    begun = time.monotonic()
    since, looked = 0.0, False
    while time.monotonic() - begun < patience:
        pump(0.02)
        if not level():
            since = 0.0
        elif not since:
            since = time.monotonic()
        elif time.monotonic() - since > STEADY / 2 and not looked:
            looked = True
            bridge().sync_now(bpy.context.scene)
        elif time.monotonic() - since > STEADY and looked:
            return {"settled": True, "seconds": time.monotonic() - begun}
    link = bridge().links.get(bpy.context.scene.session_uid)
    where = str(link.sync.state)[:600] if link is not None and link.sync is not None else str(link)
    return {"settled": False, "why": [str(bridge().status(bpy.context.scene)), where, *bridge().notes]}


def tell() -> dict[str, Any]:
    """Returns what this scene shows and what it believes the daemon has: see `Told` in kills."""
    scene = bpy.context.scene
    link, session = bridge().links[scene.session_uid], bridge().session
    assert isinstance(link.state, Linked)
    assert session is not None
    host, sync = link.state
    models = session.model.sequences
    picture = host.read()
    mapped = host.cut(picture)
    there = cuts.of(models[link.kept.sequence], models)
    here = keep(there, mapped.cut, {**mapped.held, **sync.troubles})
    odds = diff.changes(_named(there), _named(here), {id_: model.version for id_, model in models.items()})
    keys = [strip.key for strip in picture.strips]
    first = host.book.origin
    shown = {
        s.key: [s.type, _begins(s.name), s.left - first, s.right - first, s.mute, s.speed, s.files, _looks(s)]
        for s in picture.strips
        if s.key not in mapped.held and s.key not in sync.troubles and s.type not in KINDS
    }
    names = host.names()
    return {
        "version": models[link.kept.sequence].version,
        "cut": _plain(there),
        "odds": odds,
        "twice": sorted({key for key in keys if keys.count(key) > 1 or not key}),
        "shown": shown,
        "strips": len(keys),
        "held": {names.get(key, key): why for key, why in mapped.held.items()},
        "troubles": {names.get(key, key): why for key, why in sync.troubles.items()},
        "conflicts": len(models[link.kept.sequence].conflicts),
        "refusal": sync.refusal.message if sync.refusal is not None else "",
        "notes": [note for note in bridge().notes if "went wrong" in note],
        "tags": sorted(player.tags()),
    }


def _begins(name: str) -> str:
    """Returns as much of a name as is left of it where Blender needs room for a count."""
    return COUNTED.sub("", name).encode()[:50].decode(errors="ignore")


def _looks(strip: Any) -> Any:
    """Returns what a strip looks like; how what stands in for something looks is told to nobody."""
    return None if strip.note.get(PLACEHOLDER) else strip.props


def _named(cut: Any) -> Any:
    """Returns the cut without what Blender adds to names, and without tracks of nothing, which no meta strip shows."""
    items = {id_: {**item, "name": COUNTED.sub("", item.get("name", ""))} for id_, item in cut.items.items()}
    used = {item["track"] for item in items.values()}
    tracks = {id_: track for id_, track in cut.tracks.items() if id_ in used}
    return cut._replace(items=items, tracks=tracks, nested={id_: _named(inner) for id_, inner in cut.nested.items()})


def _plain(cut: Any) -> dict[str, Any]:
    return {**cut._asdict(), "nested": {id_: _plain(inner) for id_, inner in cut.nested.items()}}


class Answers:
    """What the daemon answered to the commands of this Blender."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused: list[str] = []
        self._told: dict[str, set[str]] = {}
        self.tags: set[str] = set()
        """Tags in commands that were refused: they are allowed to be gone."""
        bridge().listen_all(self._hear)
        _watching.append(self._note)

    def _hear(self, happening: Any) -> None:
        if isinstance(happening, CommandAccepted):
            self.accepted += 1
        elif isinstance(happening, CommandRefused):
            self.refused.append(f"{happening.error.code}: {happening.error.message}")
            self.tags |= self._told.get(happening.id, set())

    def _note(self) -> None:
        """Notes which tags are in the command that is on its way."""
        link = bridge().links.get(bpy.context.scene.session_uid)
        pending = link.sync.pending if link is not None and link.sync is not None else None
        if pending is not None and pending[0] not in self._told:
            self._told[pending[0]] = set(TAG.findall(json.dumps(pending[1])))


class Table:
    """Answers requests, one at a time, and pumps between them."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.player: Any = None

    def serve(self) -> None:
        """Answers until the input ends."""
        while True:
            if not select.select([sys.stdin], [], [], 0)[0]:
                pump(0.0)
                time.sleep(0.02)
                continue
            line = sys.stdin.readline()
            if not line:
                return
            name, arguments = json.loads(line)
            say(getattr(self, name)(**arguments) or {})

    def join(self, project: str, sequence: str) -> dict[str, Any]:
        """Shows a sequence in an empty scene."""
        begin()
        bridge().connect()
        bridge().link_existing(bpy.context.scene, sequence, project)
        return settle()

    def play(self, who: str, seed: int, steps: int, footage: str, pause: float) -> dict[str, Any]:
        """Makes so many edits, with pauses of `pause` seconds at most; says what was done, gone, answered."""
        self.player = made = player.Player(who, seed, footage)
        for _ in range(steps):
            made.edit()
            pump(made.random.random() * pause)
        return {
            "done": made.done,
            "made": sorted(made.seen),
            "gone": sorted(made.gone),
            "accepted": self.answers.accepted,
        }

    def settle(self) -> dict[str, Any]:
        return settle()

    def tell(self) -> dict[str, Any]:
        return {**tell(), "gone": sorted(self.answers.tags), "refused": self.answers.refused}

    def save(self, path: str) -> dict[str, Any]:
        """Saves the file."""
        bpy.ops.wm.save_as_mainfile(filepath=path)
        return {"saved": path}

    def know(self, token: str) -> dict[str, Any]:
        """Takes another token, as a restarted daemon has one."""
        os.environ["GENLOCK_TOKEN"] = token
        bridge().connect()
        return {}


class Victim:
    """One life of a Blender that will be killed: opens its file, comes in step, tells, and edits until the end."""

    def __init__(self, path: str, project: str, sequence: str, who: str, seed: int, footage: str) -> None:
        self.path, self.project, self.sequence = Path(path), project, sequence
        self.player = player.Player(who, seed, footage)
        self.answers = Answers()

    def live(self, offline: int, steps: int) -> None:
        """Makes `offline` edits before it looks for the daemon; the life ends by itself after `steps` more."""
        if self.path.exists():
            bpy.ops.wm.open_mainfile(filepath=str(self.path))
        else:
            begin()
            bridge().link_existing(bpy.context.scene, self.sequence, self.project)
        for _ in range(offline):
            self._edit()
        say({"opened": sorted(player.tags())})
        bridge().connect()
        found = settle(30.0)
        self._bury()
        say({**found, **(tell() if found["settled"] else {})})
        for _ in range(steps):
            self._edit()
            if self.player.random.random() < 0.3:
                self._save()
            pump(self.player.random.random() * 0.25)
        self._save()
        say({"over": True})

    def _edit(self) -> None:
        self.player.edit()
        self._bury()

    def _bury(self) -> None:
        gone = self.player.gone | self.answers.tags
        if gone:
            say({"gone": sorted(gone)})

    def _save(self) -> None:
        bpy.ops.wm.save_as_mainfile(filepath=str(self.path))
        say({"saved": sorted(player.tags())})


def nest() -> None:
    """Plays each line of arguments in a fork of this process, and says its process id; ends with the input."""
    for line in sys.stdin:
        arguments = json.loads(line)
        life = arguments.pop("life")
        child = os.fork()
        if child:
            say({"child": child})
            os.waitpid(child, 0)
            say({"ended": child})
            continue
        genlock_blender.register()
        Victim(**arguments).live(**life)
        os._exit(0)


def main() -> None:
    """Serves one table, or a nest."""
    if sys.argv[1:] == ["nest"]:
        nest()
        os._exit(0)
    genlock_blender.register()
    try:
        begin()
        Table().serve()
    finally:
        genlock_blender.unregister()


if __name__ == "__main__":
    main()
