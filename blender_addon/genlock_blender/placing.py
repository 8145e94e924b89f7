# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts strips exactly where they belong. Blender moves a strip to another channel when it meets one on its way.

So a strip only ever lands on free room. `order` sorts moves so that whoever stands in the way leaves first, which lets a
ripple be spread over many steps; strips that stand in each other's way (a swap, a reversal) come out as one group and go
together: all of them far to the right, then each to its place. Strips under one effect move as one, because Blender moves
the effect with its inputs and does not look where to.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import compat
from .compat import A

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PARK: Final = 400_000
"""Frames to the right, where a group waits; Blender's timeline ends at 1,048,574."""
STAGE: Final = -400_000
"""The frame where one strip at a time changes channel and length."""
NEAR: Final = 0.01
"""Frames by which two beginnings of contents may differ and be the same: Blender keeps them as 32-bit floats."""


class Spot(NamedTuple):
    """Where a strip lies: `start` is the frame of its content's first frame. That of a meta strip tells how far its
    children go with it: Blender itself makes it start where its first child does."""

    channel: int
    left: int
    right: int
    start: float


class Room(NamedTuple):
    """Frames `left` to `right` (exclusive) of a channel."""

    channel: int
    left: int
    right: int


class Block(NamedTuple):
    """What moves as one: a strip, or strips that share effects. `keys` move; `effects` follow and then change channel;
    `now` and `then` are the rooms of both."""

    keys: tuple[str, ...]
    effects: tuple[str, ...]
    now: tuple[Room, ...]
    then: tuple[Room, ...]


def order(blocks: Sequence[Block]) -> list[list[Block]]:
    """Groups of blocks in an order in which each group lands on room that the groups before it have left.

    Blocks in one group stand in each other's way and have to move together.
    """
    waits = _waits(blocks)
    return [[blocks[index] for index in group] for group in _together(waits)]


def _waits(blocks: Sequence[Block]) -> list[set[int]]:
    """For each block the blocks that lie where it goes."""
    lying: dict[int, list[tuple[int, int, int]]] = {}
    for index, block in enumerate(blocks):
        for room in block.now:
            lying.setdefault(room.channel, []).append((room.left, room.right, index))
    lefts: dict[int, list[int]] = {}
    reach: dict[int, list[int]] = {}
    for channel, rooms in lying.items():
        rooms.sort()
        lefts[channel] = [left for left, _, _ in rooms]
        far = reach[channel] = []
        for _, right, _ in rooms:
            far.append(max(right, far[-1]) if far else right)
    waits: list[set[int]] = [set() for _ in blocks]
    for index, block in enumerate(blocks):
        for room in block.then:
            at = bisect_left(lefts.get(room.channel, ()), room.right) - 1
            while at >= 0 and reach[room.channel][at] > room.left:
                _, right, other = lying[room.channel][at]
                if right > room.left and other != index:
                    waits[index].add(other)
                at -= 1
    return waits


def _together(waits: Sequence[set[int]]) -> list[list[int]]:
    """Tarjan's strongly connected components of the waiting graph, those that wait for nothing first."""
    number = [0] * len(waits)
    low = [0] * len(waits)
    on_stack = [False] * len(waits)
    stack: list[int] = []
    found: list[list[int]] = []
    count = 0
    for root in range(len(waits)):
        if number[root]:
            continue
        walk = [(root, iter(waits[root]))]
        count += 1
        number[root] = low[root] = count
        stack.append(root)
        on_stack[root] = True
        while walk:
            node, others = walk[-1]
            for other in others:
                if not number[other]:
                    count += 1
                    number[other] = low[other] = count
                    stack.append(other)
                    on_stack[other] = True
                    walk.append((other, iter(waits[other])))
                    break
                if on_stack[other]:
                    low[node] = min(low[node], number[other])
            else:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == number[node]:
                    at = stack.index(node)
                    found.append(stack[at:])
                    for member in stack[at:]:
                        on_stack[member] = False
                    del stack[at:]
    return found


# On Blender's strips


def spot_of(strip: Any) -> Spot:
    """Where the strip lies at this moment."""
    return Spot(strip.channel, getattr(strip, A.left), getattr(strip, A.right), getattr(strip, A.start))


def same(one: Spot, other: Spot) -> bool:
    """Whether both are the same place, but for rounding of the content's start."""
    return one[:3] == other[:3] and abs(one.start - other.start) < NEAR


def floats(strip: Any) -> bool:
    """Whether the content starts wherever the strip does, as that of a still or a colour."""
    if strip.type == "IMAGE":
        return len(strip.elements) == 1
    return strip.type in compat.EFFECTS


def fit(strip: Any, left: int, right: int) -> None:
    """Sets both handles, in the order in which they do not pass one another."""
    if right > getattr(strip, A.left):
        if getattr(strip, A.right) != right:
            setattr(strip, A.right, right)
        if getattr(strip, A.left) != left:
            setattr(strip, A.left, left)
    else:
        setattr(strip, A.left, left)
        setattr(strip, A.right, right)


def land(strip: Any, to: Spot) -> bool:
    """Puts one strip on free room; False when Blender put it elsewhere, because the room was not free."""
    if floats(strip):
        to = to._replace(start=to.left)
    now = spot_of(strip)
    if same(now, to):
        return True
    shift = to.start - now.start
    rigid = abs(now.left + shift - to.left) < 1 and abs(now.right + shift - to.right) < 1
    if rigid and now.channel == to.channel:
        setattr(strip, A.start, to.start)
    elif rigid:  # a channel is changed where nothing lies: 4.5 never comes back from one that is taken there
        setattr(strip, A.start, STAGE)
        strip.channel = to.channel
        setattr(strip, A.start, to.start)
    else:
        setattr(strip, A.start, STAGE)
        if strip.channel != to.channel:
            strip.channel = to.channel
        fit(strip, round(STAGE + to.left - to.start), round(STAGE + to.right - to.start))
        setattr(strip, A.start, to.start)
    now = spot_of(strip)
    if now[1:3] != to[1:3]:
        fit(strip, to.left, to.right)
        now = spot_of(strip)
    return now[:3] == to[:3]


def park(strips: Iterable[Any]) -> None:
    """Takes strips far to the right, the last one first, so that none meets another one."""
    for strip in sorted(strips, key=lambda strip: -getattr(strip, A.left)):
        setattr(strip, A.start, getattr(strip, A.start) + PARK)


def spare_channels(owner: Any, taken: Iterable[int] = ()) -> list[int]:
    """Channels of a sequence editor or meta strip that hold nothing, the highest first; `taken` are left out."""
    strips = compat.strips(owner)
    used = [0] * len(strips)
    strips.foreach_get("channel", used)
    full = {*used, *taken}
    return [channel for channel in range(compat.CHANNELS, 0, -1) if channel not in full]


def is_free(owner: Any, strip: Any, channel: int) -> bool:
    """Whether the strip would meet no other one on that channel."""
    left, right = getattr(strip, A.left), getattr(strip, A.right)
    return not any(
        other.channel == channel
        and other != strip
        and getattr(other, A.left) < right
        and getattr(other, A.right) > left
        for other in compat.strips(owner)
    )


def move(owner: Any, moves: Mapping[str, tuple[Any, Spot]], effects: Mapping[str, tuple[Any, int]]) -> set[str]:
    """Moves one group: strips to their places and the effects over them to their channels.

    `owner` is the sequence editor or meta strip around them. Nothing stays parked. Returns the keys of strips that Blender
    put elsewhere, because something that is not in the group lies on their room.
    """
    turns = _in_turn(moves, effects)
    if turns is None:
        _all_at_once(owner, moves, effects)
    else:
        for key in turns:
            land(*moves[key])
    changing = {key: (strip, channel) for key, (strip, channel) in effects.items() if strip.channel != channel}
    if len(changing) > 1:
        _aside(owner, changing)
    for strip, channel in changing.values():
        if is_free(owner, strip, channel):
            strip.channel = channel
    lost = {key for key, (strip, to) in moves.items() if spot_of(strip)[:3] != to[:3]}
    return lost | {key for key, (strip, channel) in effects.items() if strip.channel != channel}


def _in_turn(moves: Mapping[str, tuple[Any, Spot]], effects: Mapping[str, tuple[Any, int]]) -> list[str] | None:
    """The order in which the strips can go one after another; None when they have to leave all at once."""
    lanes = {strip.channel for strip, _ in effects.values()}
    if any(to.channel in lanes for _, to in moves.values()):
        return None
    if len(moves) < 2:
        return list(moves)
    blocks = []
    for key, (strip, to) in moves.items():
        blocks.append(Block((key,), (), (Room(*spot_of(strip)[:3]),), (Room(*to[:3]),)))
    groups = order(blocks)
    return None if len(groups) < len(blocks) else [group[0].keys[0] for group in groups]


def _all_at_once(owner: Any, moves: Mapping[str, tuple[Any, Spot]], effects: Mapping[str, tuple[Any, int]]) -> None:
    park(strip for strip, _ in moves.values())
    if effects:
        _aside(owner, effects, {to.channel for _, to in moves.values()})
    for strip, to in moves.values():
        land(strip, to)


def _aside(owner: Any, effects: Mapping[str, tuple[Any, int]], taken: Iterable[int] = ()) -> None:
    """Takes effects to channels that hold nothing: over inputs that are apart they are as long as what lies between."""
    lanes = sorted({strip.channel for strip, _ in effects.values()})
    spare = spare_channels(owner, {*taken, *(channel for _, channel in effects.values())})
    to = dict(zip(lanes, spare, strict=False))
    for strip, _ in effects.values():
        strip.channel = to.get(strip.channel, strip.channel)
