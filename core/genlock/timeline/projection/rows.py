"""Putting the items of a returned track back on a track as it was: magnetic with its gaps, or free."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from hashlib import blake2b

from msgspec.structs import replace

from genlock.timeline.events import Placed, TrackContent
from genlock.timeline.model import Gap, Item

Lay = list[tuple[Item, int]]
"""Items with their first frames, in order."""


def laid(items: Iterable[Placed]) -> Lay:
    """Returns the items of a track with their places, without Gap items."""
    found: Lay = []
    cursor = 0
    for placed in items:
        start = cursor if placed.start is None else placed.start
        cursor = start + placed.item.duration
        if not isinstance(placed.item.source, Gap):
            found.append((placed.item, start))
    return found


def magnetic(old: TrackContent, row: Lay, fills: Collection[str]) -> tuple[Placed, ...]:
    """Returns the row in order, with Gap items for its room.

    `fills` are items of the old track that the file could not tell and that lie in its room. What filled a room before,
    gaps and such items, fills it again as far as it fits.
    """
    runs = _Runs(old, row, fills)
    found: list[Item] = []
    left: str | None = None
    end = 0
    for item, start in row:
        if start > end:
            found += filled(runs.take(left, item.id), start - end, f"{old.track.id}/{item.id}")
        found.append(item)
        left, end = item.id, start + item.duration
    found += runs.rest(left)
    return tuple(map(Placed, found))


def free(old: TrackContent, row: Lay, fills: Collection[str]) -> tuple[Placed, ...]:
    """Returns the row at its places, with the items `fills` of the old track back beside their neighbours, where there is
    still room for them."""
    if not fills:
        return tuple([Placed(item, start) for item, start in row])
    before = laid(old.items)
    now = {item.id: (item, start) for item, start in row}
    starts = [start for _, start in row]
    made = list(row)
    for (item, start), delta in zip(before, _moved(before, now), strict=True):
        if item.id not in fills:
            continue
        for there in dict.fromkeys((start + delta, start)):
            index = bisect_right(starts, there)
            clear = index == 0 or made[index - 1][1] + made[index - 1][0].duration <= there
            if there >= 0 and clear and (index == len(made) or there + item.duration <= starts[index]):
                starts.insert(index, there)
                made.insert(index, (item, there))
                break
    return tuple([Placed(item, start) for item, start in made])


def filled(run: list[Item], length: int, seed: str) -> list[Item]:
    """Returns what fills `length` frames: the run, its gaps made to fit, its last items left out if they do not."""
    taken = 0
    fitting = []
    for item in run:
        solid = not isinstance(item.source, Gap)
        if not solid or taken + item.duration <= length:
            fitting.append(item)
            taken += item.duration * solid
    more = length - sum(item.duration for item in fitting)
    found: list[Item] = []
    for item in reversed(fitting):
        if not more or not isinstance(item.source, Gap):
            found.append(item)
            continue
        wanted = max(0, item.duration + more)
        more -= wanted - item.duration
        if wanted:
            found.append(replace(item, duration=wanted))
    found.reverse()
    if more:
        made = "g" + blake2b(f"gap before {seed}".encode(), digest_size=8).hexdigest()
        found.append(Item(made, Gap(), more))
    return found


class _Runs:
    """What lay in the rooms of a magnetic track, found by the items on either side that are still there."""

    def __init__(self, old: TrackContent, row: Lay, fills: Collection[str]) -> None:
        here = {item.id for item, _ in row}
        self._of_left: dict[str | None, list[Item]] = {}
        self._left_of: dict[str, str | None] = {}
        self._used: set[str | None] = set()
        left: str | None = None
        for placed in old.items:
            item = placed.item
            if item.id in here:
                self._left_of[item.id] = left
                left = item.id
            elif isinstance(item.source, Gap) or item.id in fills:
                self._of_left.setdefault(left, []).append(item)
        self._last = left

    def take(self, left: str | None, right: str) -> list[Item]:
        """Returns what lay behind `left`, else before `right`; each run once."""
        for key in (left, self._left_of[right]) if right in self._left_of else (left,):
            if key in self._of_left and key not in self._used:
                self._used.add(key)
                return self._of_left[key]
        return []

    def rest(self, left: str | None) -> list[Item]:
        """Returns what lies behind the last item if it was the last before: no file tells of room at the end."""
        found = self._of_left.get(left, [])
        return found if left == self._last and left not in self._used else []


def _moved(before: Lay, now: dict[str, tuple[Item, int]]) -> list[int]:
    """Returns, for each item of a track, by how much its nearest neighbour that is still there moved."""
    found: list[int | None] = []
    delta: int | None = None
    for item, start in before:
        if item.id in now:
            there, at = now[item.id]
            delta = at + there.duration - start - item.duration
        found.append(delta)
    delta = 0
    for index in range(len(before) - 1, -1, -1):
        item, start = before[index]
        if item.id in now:
            delta = now[item.id][1] - start
        if found[index] is None:
            found[index] = delta
    return [delta or 0 for delta in found]
