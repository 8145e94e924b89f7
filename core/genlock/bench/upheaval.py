"""A Blender that edits at random, inside Blender's own Python: it saves, undoes, reopens, and may be killed at any moment.

`python upheaval.py` takes requests as lines of JSON, `[name, arguments]`, and answers each with a line that begins with
`{`; see `Table`. Between requests it pumps the add-on as Blender's timer would. `python upheaval.py nest` waits for
lines of arguments and plays each in a fork of itself (`Victim`), since it takes Blender a second to start.

Every strip made here carries a *tag* in its name, which no other strip has but its copies: what became of an edit can be
told from any text that a tag is found in.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import bpy

import genlock_blender
from genlock_blender import compat
from genlock_blender.bridge import bridge
from genlock_blender.compat import A
from genlock_blender.links import Linked
from genlock_blender.mapping.crossings import KINDS
from genlock_client import cut as cuts
from genlock_client import diff
from genlock_client.happenings import CommandAccepted, CommandRefused
from genlock_client.partly import keep
from genlock_client.session import Live
from genlock_client.sync import Idle

TAG: Final = re.compile(r"tag-\w+-\d+")
COUNTED: Final = re.compile(r"\.\d{3}$")
"""What Blender adds to a name that another strip has: not the same in every Blender."""
END: Final = 900
"""Frames within which strips are laid."""
ROWS: Final = 6
STEADY: Final = 0.7
"""Seconds for which nothing happens any more before a scene counts as settled."""
PATIENCE: Final = 45.0


def say(found: dict[str, Any]) -> None:
    """Prints an object for the process that asked."""
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


class Player:
    """Edits the scene in front, one random edit a call. `who` is in the tags of what it makes."""

    def __init__(self, who: str, seed: int, footage: str) -> None:
        self.random = random.Random(seed)
        self.who = who
        self.footage = footage
        self.made = 0
        self.gone: set[str] = set()
        """Tags of what went by an edit made here."""
        self.done: dict[str, int] = {}
        """How often each kind of edit was made."""

    @property
    def strips(self) -> Any:
        return compat.strips(compat.editor(bpy.context.scene))

    def edit(self) -> str:
        """Makes one edit and returns its kind, "" when Blender would not."""
        kinds, weights = zip(*_KINDS.items(), strict=True)
        kind = self.random.choices(kinds, weights)[0]
        before = tags()
        try:
            kind(self)
        except (RuntimeError, TypeError, IndexError):  # Blender's refusal, or nothing there to edit
            kind = None
        bpy.context.view_layer.update()
        self.gone |= before - tags()
        if kind is None:
            return ""
        if kind not in (Player.undo, Player.redo):
            compat.undo_push(kind.__name__)
        self.done[kind.__name__] = self.done.get(kind.__name__, 0) + 1
        return str(kind.__name__)

    # -- choosing

    def one(self, types: Iterable[str] = ()) -> Any:
        """Returns a strip; IndexError when there is none of these types."""
        return self.random.choice([strip for strip in self.strips if not types or strip.type in types])

    def free(self, length: int) -> tuple[int, int]:
        """Returns a channel and a frame where nothing lies."""
        for _ in range(30):
            channel, left = self.random.randint(1, ROWS), self.random.randint(1, END)
            if not any(
                strip.channel == channel and getattr(strip, A.left) < left + length and left < getattr(strip, A.right)
                for strip in self.strips
            ):
                return channel, left
        raise IndexError

    def name(self) -> str:
        """Returns a name with a tag that nothing has."""
        self.made += 1
        return f"tag-{self.who}-{self.made}"

    # -- edits

    def color(self) -> None:
        length = self.random.randint(5, 60)
        channel, left = self.free(length)
        compat.new_effect(self.strips, self.name(), "COLOR", channel, left, left + length)

    def text(self) -> None:
        length = self.random.randint(5, 60)
        channel, left = self.free(length)
        strip = compat.new_effect(self.strips, self.name(), "TEXT", channel, left, left + length)
        strip.text = self.random.choice(("Genlock", "Größe", "", "a\nb"))

    def movie(self) -> None:
        channel, left = self.free(240)
        file = self.random.choice(("a.mp4", "b.mp4", "thirty.mp4"))
        compat.new_movie(self.strips, self.name(), os.path.join(self.footage, file), channel, left)

    def move(self) -> None:
        strip = self.one(("COLOR", "TEXT", "MOVIE", "META"))
        setattr(strip, A.start, max(1, getattr(strip, A.start) + self.random.randint(-80, 80)))

    def lift(self) -> None:
        self.one(("COLOR", "TEXT", "MOVIE", "META")).channel = self.random.randint(1, ROWS)

    def trim(self) -> None:
        strip = self.one(("COLOR", "TEXT", "MOVIE", "META"))
        left, right = getattr(strip, A.left), getattr(strip, A.right)
        if self.random.random() < 0.5:
            setattr(strip, A.left, min(right - 1, max(1, left + self.random.randint(-10, 20))))
        else:
            setattr(strip, A.right, max(left + 1, right + self.random.randint(-20, 10)))

    def split(self) -> None:
        strip = self.one(("COLOR", "TEXT", "MOVIE", "META"))
        left, right = getattr(strip, A.left), getattr(strip, A.right)
        if right - left > 2:
            strip.split(frame=self.random.randrange(left + 1, right), split_method="SOFT")

    def remove(self) -> None:
        self.strips.remove(self.one())

    def rename(self) -> None:
        strip = self.one()
        more = "ü" * 60 if self.random.random() < 0.1 else f"{self.who} {self.random.randint(0, 99)}"
        strip.name = " ".join([*TAG.findall(strip.name), more])

    def mute(self) -> None:
        strip = self.one()
        strip.mute = not strip.mute

    def fade(self) -> None:
        self.one().blend_alpha = self.random.choice((0.0, 0.25, 0.5, 1.0))

    def duplicate(self) -> None:
        self._operate(bpy.ops.sequencer.duplicate, [self.one(("COLOR", "TEXT", "MOVIE"))])

    def group(self) -> None:
        chosen = [strip for strip in self.strips if strip.type in ("COLOR", "TEXT", "MOVIE")]
        if len(chosen) > 3:
            self._operate(bpy.ops.sequencer.meta_make, self.random.sample(chosen, 2))

    def ungroup(self) -> None:
        self._operate(bpy.ops.sequencer.meta_separate, [self.one(("META",))])

    def cross(self) -> None:
        """Lays a strip so that it overlaps another one, with a cross over both."""
        one = self.one(("COLOR", "MOVIE"))
        at = getattr(one, A.right)
        channel = one.channel + 1
        if at - getattr(one, A.left) < 12 or channel + 1 > ROWS + 2:
            return
        if any(
            strip.channel in (channel, channel + 1)
            and getattr(strip, A.left) < at + 30
            and at - 8 < getattr(strip, A.right)
            for strip in self.strips
        ):
            return
        other = compat.new_effect(self.strips, self.name(), "COLOR", channel, at - 8, at + 30)
        compat.new_effect(self.strips, "Cross", "CROSS", channel + 1, at - 8, at, one, other)

    def uncross(self) -> None:
        self.strips.remove(self.one(("CROSS",)))

    def mark(self) -> None:
        marks = bpy.context.scene.timeline_markers
        drawn = self.random.random()
        if not len(marks) or (drawn < 0.4 and len(marks) < 12):
            marks.new(f"m{self.random.randint(0, 99)}", frame=self.random.randint(1, END))
        elif drawn < 0.6:
            marks.remove(self.random.choice(list(marks)))
        elif drawn < 0.8:
            self.random.choice(list(marks)).name = f"n{self.random.randint(0, 99)}"
        else:
            self.random.choice(list(marks)).frame = self.random.randint(1, END)

    def channel(self) -> None:
        found = compat.editor(bpy.context.scene).channels[self.random.randint(1, ROWS)]
        drawn = self.random.random()
        if drawn < 0.5:
            found.name = f"row {self.random.randint(0, 99)}"
        elif drawn < 0.9:
            found.mute = not found.mute
        else:
            found.lock = not found.lock

    def undo(self) -> None:
        self._step(bpy.ops.ed.undo)

    def redo(self) -> None:
        self._step(bpy.ops.ed.redo)

    def _step(self, operator: Any) -> None:
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            if operator.poll():
                operator()

    def _operate(self, operator: Any, chosen: list[Any]) -> None:
        scene = bpy.context.scene
        names = [strip.name for strip in chosen]
        with bpy.context.temp_override(**timeline(scene)):
            for strip in compat.strips_all(compat.editor(scene)):
                strip.select = strip.name in names
                strip.select_left_handle = strip.select_right_handle = False
            compat.editor(scene).active_strip = compat.strips_all(compat.editor(scene))[names[0]]
            operator()


_KINDS: Final[dict[Any, int]] = {
    Player.color: 8,
    Player.text: 4,
    Player.movie: 3,
    Player.move: 14,
    Player.lift: 6,
    Player.trim: 10,
    Player.split: 5,
    Player.remove: 5,
    Player.rename: 5,
    Player.mute: 4,
    Player.fade: 4,
    Player.duplicate: 4,
    Player.group: 2,
    Player.ungroup: 2,
    Player.cross: 3,
    Player.uncross: 1,
    Player.mark: 5,
    Player.channel: 3,
    Player.undo: 5,
    Player.redo: 2,
}


def timeline(scene: Any) -> dict[str, Any]:
    """Returns the override under which the sequencer's operators run on a scene."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    area.spaces[0].view_type = "SEQUENCER"
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "screen": window.screen, "area": area, "region": region, "scene": scene}


def tags() -> set[str]:
    """Returns the tags of all strips."""
    return set(TAG.findall(" ".join(strip.name for strip in compat.strips_all(compat.editor(bpy.context.scene)))))


def begin() -> None:
    """Makes an empty scene at 24 frames per second, 320x180."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.0
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    scene.frame_start = 1
    compat.editor(scene)
    timeline(scene)


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
    here = keep(there, mapped.cut, {**mapped.held, **sync.troubles, **_half_crossed(there)})
    odds = diff.changes(_named(there), _named(here), {id_: model.version for id_, model in models.items()})
    keys = [strip.key for strip in picture.strips]
    first = host.book.origin
    shown = {
        s.key: [s.type, COUNTED.sub("", s.name), s.left - first, s.right - first, s.mute, s.speed, s.files, s.props]
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
        "tags": sorted(tags()),
    }


def _half_crossed(cut: Any) -> dict[str, Any]:
    """Returns the items that were told as a cross which joins nothing, with their inputs: where somebody else's edit makes
    them join, Blender shows a transition, and tells that with its next edit of them."""
    words = {f"blender.{kind.lower()}" for kind in KINDS}
    crosses = {id_: item for id_, item in cut.items.items() if item["source"].get("generator") in words}
    text = json.dumps(list(crosses.values()))
    return {id_: None for id_ in cut.items if id_ in crosses or id_ in text}


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
        self.player: Player | None = None

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
        player = self.player = Player(who, seed, footage)
        for _ in range(steps):
            player.edit()
            pump(player.random.random() * pause)
        return {
            "done": player.done,
            "made": [f"tag-{who}-{number}" for number in range(1, player.made + 1)],
            "gone": sorted(player.gone),
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
        self.player = Player(who, seed, footage)
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
        say({"opened": sorted(tags())})
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
        say({"saved": sorted(tags())})


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
