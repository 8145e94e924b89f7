"""Where items went: what kept its order, what moved, and which shifts an edit explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from genlock.timeline.changes.edges import heads
from genlock.timeline.lane import Slot
from genlock.timeline.match.order import rising
from genlock.timeline.model import Gap
from genlock.timeline.sequence import Sequence

MOST = 7
"""Edits at one place of which every combination is tried as the reason of a shift; of more only all together."""


class Spot(NamedTuple):
    """What happened between two items that stayed: by how many frames each edit there would move what follows. `low`
    and `high` are the record frames, before, between which it was; `high` None: to the end."""

    track: str
    low: int
    high: int | None
    amounts: tuple[int, ...]

    def meets(self, other: Spot) -> bool:
        return (self.high is None or other.low <= self.high) and (other.high is None or self.low <= other.high)


class Shift(NamedTuple):
    """Items that moved by `by` frames without an edit on their track that would explain it: one, or with `rest` all that
    follow too."""

    item: str
    by: int
    rest: bool
    spot: Spot


class Lanes(NamedTuple):
    """`own` is by how much the start of an item that stayed moved through its own edit, not through a ripple. `moved`
    changed track or order. `holes` went without anything closing up."""

    own: dict[str, int]
    moved: list[str]
    shifts: list[Shift]
    spots: list[Spot]
    holes: set[str]


def placed(before: Sequence, after: Sequence) -> Lanes:
    """Returns where the items of all tracks went."""
    found = Lanes({}, [], [], [], set())
    for track in after.order:
        if track in before.lanes:
            if before.lanes[track] is not after.lanes[track] or before.items is not after.items:
                _Walk(before, after, track, found).run()
        else:
            found.moved.extend(slot.id for slot in after.lanes[track] if slot.id in before.items)
    return found


class _Walk:
    """One track, from its start."""

    def __init__(self, before: Sequence, after: Sequence, track: str, found: Lanes) -> None:
        self.before = before
        self.after = after
        self.track = track
        self.found = found
        old = [slot for slot in before.lanes[track] if not _hole(before, slot)]
        new = [slot for slot in after.lanes[track] if not _hole(after, slot)]
        rank = {slot.id: n for n, slot in enumerate(old)}
        common = [slot for slot in new if slot.id in rank]
        stay = {common[at].id for at in rising([rank[slot.id] for slot in common])}
        found.moved.extend(slot.id for slot in new if slot.id in before.items and slot.id not in stay)
        self.was = [slot for slot in old if slot.id in stay]
        self.now = [slot for slot in new if slot.id in stay]
        self._gone = _between(old, stay)
        self._come = _between(new, stay)

    def run(self) -> None:
        level = 0
        for at, (was, now) in enumerate(zip(self.was, self.now, strict=True)):
            spot = self._spot(at)
            delta = now.start - was.start
            reached = self._level(at, level, spot.amounts)
            if spot.amounts:
                self.found.spots.append(spot)
            if reached is None:
                alone = self._returns(at, level, spot.amounts)
                self.found.shifts.append(Shift(now.id, delta - level, not alone, spot))
                if alone:
                    continue
                reached = delta
            elif reached == level and sum(spot.amounts) != 0:
                self.found.holes.update(slot.id for slot in self._gone[at])
            level = reached
            self.found.own[now.id] = delta - level
        if self.was or self._gone[0] or self._come[0]:
            end = self._spot(len(self.was))
            if end.amounts:
                self.found.spots.append(end)

    def _spot(self, at: int) -> Spot:
        """Returns what happened between item `at - 1` and item `at` of those that stayed."""
        gone, come = self._gone[at], self._come[at]
        amounts = [*(-slot.duration for slot in gone), *(slot.duration for slot in come)] if gone or come else []
        if at and (more := self.now[at - 1].duration - self.was[at - 1].duration):
            amounts.append(more)
        low = self.was[at - 1].start if at else 0
        return Spot(self.track, low, self.was[at].start if at < len(self.was) else None, tuple(amounts))

    def _level(self, at: int, level: int, amounts: tuple[int, ...]) -> int | None:
        """Returns how far the ripples up to item `at` moved it; None when nothing explains where it is."""
        was, now = self.was[at], self.now[at]
        delta = now.start - was.start
        if delta == level and not amounts:
            return level
        old, new = self.before.items[was.id], self.after.items[was.id]
        own = (0, *heads(old, new, self.after.rate)) if old is not new else (0,)
        for total in sums(amounts):
            for head in own:
                if delta == level + total + head:
                    return level + total
        return None

    def _returns(self, at: int, level: int, amounts: tuple[int, ...]) -> bool:
        """Returns whether the next item is where it would be without this one's move."""
        if at + 1 == len(self.was):
            return True
        return self._level(at + 1, level, (*amounts, *self._spot(at + 1).amounts)) is not None


def sums(amounts: tuple[int, ...]) -> Iterable[int]:
    """Yields what edits may add up to: nothing, all of them, any of them."""
    yield 0
    if amounts:
        yield sum(amounts)
    if 1 < len(amounts) <= MOST:
        totals = {0}
        for amount in amounts:
            totals |= {total + amount for total in totals}
        yield from sorted(totals, key=lambda total: (abs(total), total))


def _between(slots: list[Slot], stay: set[str]) -> list[list[Slot]]:
    """Returns the slots that do not stay: before the first that does, before the second, ..., behind the last."""
    found: list[list[Slot]] = [[]]
    for slot in slots:
        if slot.id in stay:
            found.append([])
        else:
            found[-1].append(slot)
    return found


def _hole(state: Sequence, slot: Slot) -> bool:
    return isinstance(state.items[slot.id].source, Gap)


def unexplained(found: Lanes) -> Iterator[list[Shift]]:
    """Yields the shifts that no edit on another track explains, those of one ripple together."""
    groups: list[list[Shift]] = []
    for shift in found.shifts:
        near = [spot for spot in found.spots if spot.track != shift.spot.track and spot.meets(shift.spot)]
        amounts = tuple(amount for spot in near for amount in spot.amounts)
        if shift.by in sums(amounts) or any(shift.by in sums(spot.amounts) for spot in near):
            continue
        for group in groups:
            first = group[0]
            if shift.rest and first.rest and first.by == shift.by and first.spot.meets(shift.spot):
                group.append(shift)
                break
        else:
            groups.append([shift])
    yield from groups
