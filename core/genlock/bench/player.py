"""Somebody who edits the scene in front of a Blender at random, for `upheaval`: a module beside that script, because the
Python of Blender has not got what `genlock.bench` needs.

Every strip made here carries a *tag* in its name, which no other strip has but its copies: what became of an edit can be
told from any text that a tag is found in.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable
from typing import Any, Final

import bpy

from genlock_blender import compat, placing
from genlock_blender.compat import A

TAG: Final = re.compile(r"tag-\w+-\d+")
END: Final = 900
"""Frames within which strips are laid."""
ROWS: Final = 6


class Player:
    """Edits the scene in front, one random edit a call. `who` is in the tags of what it makes."""

    def __init__(self, who: str, seed: int, footage: str) -> None:
        self.random = random.Random(seed)
        self.who = who
        self.footage = footage
        self.made = 0
        self.gone: set[str] = set()
        """Tags of what went by an edit made here."""
        self.seen: set[str] = set()
        """Tags of what came by one: Blender refuses some of what is named."""
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
        after = tags()
        self.gone |= before - after
        self.seen |= after - before
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
        strip, channel = self.one(("COLOR", "TEXT", "MOVIE", "META")), self.random.randint(1, ROWS)
        if channel > strip.channel or placing.is_free(compat.editor(bpy.context.scene), strip, channel):
            strip.channel = channel  # downward onto others with no room below them, Blender looks for one for ever

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
