# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen so that strips as they are become strips as they are wanted; values only, Blender is not asked."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from . import creating, properties
from .placing import NEAR, Block, Room, Spot
from .states import Strip

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_LOOKS: Final = ("mute", "lock", "modifiers", "curves", "note", "link")
_MEDIA: Final = ("files", "stream", "scene")
_MUTE: Final = Strip._fields.index("mute")
"""From this field on, none says where a strip lies."""
_BOUND: Final = frozenset({"MOVIE", "SOUND", "SCENE", "MOVIECLIP", "MASK", "META"})


def _told(have: Strip, want: Strip) -> dict[str, Any]:
    """The properties that differ from what is usual, without those that Blender chooses when nobody says them."""
    if have.props == want.props:
        return want.props
    return {path: value for path, value in have.props.items() if path in want.props or path not in properties.SHY}


def _begins(strip: Strip) -> bool:
    """Whether the content has a beginning of its own, wherever the strip begins; of pictures only numbered ones have."""
    return strip.type in _BOUND or (strip.type == "IMAGE" and len(strip.files) > 1)


class Plan:
    """Strips by key: `want`, and `have`, which is kept up to date while the work goes on. `rate` is the scene's."""

    def __init__(self, want: dict[str, Strip], have: dict[str, Strip], rate: tuple[int, int]) -> None:
        self.want = want
        self.have = have
        self._rate = Fraction(*rate)
        self._effect_depths: dict[str, int] = {}
        self._names = {strip.name for strip in have.values()}

    def settled(self) -> bool:
        """Whether nothing has to happen."""
        return self.want.keys() == self.have.keys() and not any(
            self.want[key].type != have.type
            or self.want[key].parent != have.parent
            or self.misplaced(key)
            or self.undressed(key)
            for key, have in self.have.items()
        )

    # -- how strips hang together

    def depth(self, key: str) -> int:
        """How many meta strips are around a strip."""
        found, seen = 0, {key}
        while (strip := self.want.get(key) or self.have.get(key)) is not None and strip.parent not in seen:
            if not strip.parent:
                break
            found, key = found + 1, strip.parent
            seen.add(key)
        return found

    def depths(self) -> int:
        """How many levels of meta strips there are to be, the scene's own among them."""
        parents = {strip.parent for strip in self.want.values()} - {""}
        return 1 + max((self.depth(key) + 1 for key in parents), default=0)

    def effect_depth(self, key: str, strips: dict[str, Strip], seen: frozenset[str] = frozenset()) -> int:
        """0 without inputs, 1 over plain strips, 2 over such effects, and so on."""
        strip = strips.get(key)
        if strip is None or not strip.inputs or key in seen:
            return 0
        return 1 + max(self.effect_depth(one, strips, seen | {key}) for one in strip.inputs)

    def inside(self, key: str) -> list[str]:
        """Every strip in a meta strip and in the ones in it, as things are."""
        found = []
        around = {key}
        while around:
            inner = [one for one, strip in self.have.items() if strip.parent in around]
            found += inner
            around = {one for one in inner if self.have[one].type == "META"}
        return found

    # -- what goes and what comes

    def leaving(self) -> list[str]:
        """Keys that have to leave, effects before inputs and what is in a meta strip before it. Some come again: what
        leaves a meta strip, and an effect that becomes another or has other inputs."""
        going = {key for key in self.have if key not in self.want or self._reborn(key)}
        while more := {
            key
            for key, have in self.have.items()
            if key not in going and (have.parent in going or any(one in going for one in have.inputs))
        }:
            going |= more
        have = self.have
        return sorted(going, key=lambda key: (-self._have_depth(key), -self.effect_depth(key, have)))

    def _have_depth(self, key: str) -> int:
        found = 0
        while (strip := self.have.get(key)) is not None and strip.parent and found < 64:
            found, key = found + 1, strip.parent
        return found

    def _reborn(self, key: str) -> bool:
        have, want = self.have[key], self.want[key]
        if have.parent != want.parent and (not want.parent or have.inputs):
            return True
        if have.type == want.type:
            return have.inputs != want.inputs
        return bool(have.inputs or want.inputs) or "META" in (have.type, want.type)

    def intake(self) -> tuple[list[str], list[str]]:
        """Meta strips to make because strips that exist go into them, and those strips; outer ones first."""
        strips = [
            key
            for key, want in self.want.items()
            if key in self.have and want.parent and want.parent != self.have[key].parent and not want.inputs
        ]
        metas: set[str] = set()
        for key in strips:
            around = self.want[key].parent
            while around and around not in self.have and around in self.want and around not in metas:
                metas.add(around)
                around = self.want[around].parent
        return sorted(metas, key=self.depth), sorted(strips, key=self.depth)

    def coming(self, left: Collection[str]) -> list[str]:
        """Keys to make or to make again in place: meta strips before what is in them, inputs before effects."""
        found = [
            key
            for key, want in self.want.items()
            if key not in left and (key not in self.have or self.have[key].type != want.type)
        ]
        return sorted(found, key=lambda key: (self.depth(key), self.effect_depth(key, self.want)))

    # -- where strips belong

    def misplaced(self, key: str) -> bool:
        """Whether a strip lies elsewhere than it should. Effects lie where their inputs do, on a channel of their own."""
        have, want = self.have[key], self.want[key]
        if have.inputs:
            return have.channel != want.channel
        if have.left != want.left or have.right != want.right or have.channel != want.channel:
            return True
        return _begins(have) and abs(self.spot(key).start - have.content_start) >= NEAR

    def spot(self, key: str) -> Spot:
        """Where a strip belongs. A meta strip's content begins with its first child, so the start only says how far the
        children go with it: as far as all of them want to."""
        have, want = self.have.get(key), self.want[key]
        start = want.content_start
        if have is None:
            return Spot(want.channel, want.left, want.right, start)
        if have.type == "META":
            start = have.content_start + self._carry(key)
        elif not _begins(have):
            start = have.content_start + want.left - have.left
        return Spot(want.channel, want.left, want.right, start)

    def _carry(self, key: str) -> int:
        shifts = {
            self.want[child].left - have.left
            for child, have in self.have.items()
            if have.parent == key and child in self.want and self.want[child].parent == key and not have.inputs
        }
        if len(shifts) == 1:
            return shifts.pop()
        return 0 if shifts else self.want[key].left - self.have[key].left

    def moves(self, depth: int, left: Collection[str]) -> Iterable[tuple[str, list[Block]]]:
        """What moves at one level of meta strips: the key of the meta strip around, and the blocks."""
        levels: dict[str, list[str]] = {}
        for key, have in self.have.items():
            want = self.want.get(key)
            if want is None or want.parent != have.parent or key in left:
                continue
            if depth == (self.depth(key) if want.parent else 0):
                levels.setdefault(have.parent, []).append(key)
        for parent, keys in levels.items():
            blocks = self._blocks(keys)
            if blocks:
                yield parent, blocks

    def _blocks(self, keys: list[str]) -> list[Block]:
        """Strips that share effects are one block; blocks in which nothing moves are left out."""
        if not any(self.have[key].inputs for key in keys):
            return [self._block([key]) for key in keys if self.misplaced(key)]
        head = {key: key for key in keys}

        def find(key: str) -> str:
            while head[key] != key:
                head[key] = head[head[key]]
                key = head[key]
            return key

        for key in keys:
            for one in self.have[key].inputs:
                if one in head:
                    head[find(one)] = find(key)
        members: dict[str, list[str]] = {}
        for key in keys:
            members.setdefault(find(key), []).append(key)
        return [self._block(together) for together in members.values() if any(self.misplaced(key) for key in together)]

    def _block(self, keys: list[str]) -> Block:
        effects = sorted(
            (key for key in keys if self.have[key].inputs), key=lambda key: self.effect_depth(key, self.have)
        )
        return Block(
            tuple(key for key in keys if not self.have[key].inputs),
            tuple(effects),
            tuple(Room(self.have[key].channel, self.have[key].left, self.have[key].right) for key in keys),
            tuple(Room(self.want[key].channel, self.want[key].left, self.want[key].right) for key in keys),
        )

    # -- how strips look

    def undressed(self, key: str) -> bool:
        """Whether anything but type and place differs."""
        have, want = self.have[key], self.want[key]
        if have[_MUTE:] == want[_MUTE:] and have.name == want.name:
            return False
        return (
            any(getattr(have, name) != getattr(want, name) for name in _LOOKS)
            or _told(have, want) != want.props
            or self.repointed(key)
            or self.paced(key)
            or not self.named(key)
        )

    def repointed(self, key: str) -> bool:
        """Whether it shows another file, scene or stream."""
        return any(getattr(self.have[key], name) != getattr(self.want[key], name) for name in _MEDIA)

    def paced(self, key: str) -> bool:
        """Whether it should play at another speed. Blender rounds what a speed makes of a length, so that one speed is read
        as another one near it: within a frame over all of the medium they are the same."""
        strip, wanted = self.have[key], self.want[key].speed
        if strip.speed is None or wanted is None:
            return strip.speed is not wanted
        shown, pace = Fraction(*strip.speed), Fraction(*wanted)
        if shown == pace or not shown * pace > 0:
            return shown != pace
        length = strip.frames * (self._rate / Fraction(*strip.rate) if strip.rate else 1)
        return not length or abs(length / shown - length / pace) > 1

    def named(self, key: str) -> bool:
        """Whether it has its name, or the number after it that Blender gives to the second strip of a name."""
        wanted, name = creating.fitting(self.want[key].name), self.have[key].name
        return name == wanted or (wanted in self._names and creating.numbered(name, wanted))

    def dressing(self) -> list[str]:
        """Keys of strips that look otherwise than they should."""
        return [
            key
            for key, have in self.have.items()
            if key in self.want and have.type == self.want[key].type and self.undressed(key)
        ]
