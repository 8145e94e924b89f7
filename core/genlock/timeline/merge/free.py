"""A free track of both sides: what ours has where ours has it, moved along by theirs' ripples, and theirs' clips in."""

from __future__ import annotations

from bisect import bisect_left, insort

from genlock.timeline.lane import Lane, Slot
from genlock.timeline.merge.ripples import Push, Ripples
from genlock.timeline.merge.surveys import Survey
from genlock.timeline.merge.things import Things, continues
from genlock.timeline.merge.values import Veto, Vetoes

FAR = 1 << 60


def merge_free(things: Things, track: str, vetoes: Vetoes) -> Lane:
    """Returns the merged lane; notes in `vetoes` what has no room, and then the lane is not to be used."""
    work = _Free(things, track, vetoes)
    work.keep()
    if not vetoes:
        work.bring()
    return Lane.of(work.row)


class _Free:
    def __init__(self, things: Things, track: str, vetoes: Vetoes) -> None:
        self.things = things
        self.track = track
        self.vetoes = vetoes
        self.ripples = Ripples(things, track)
        self.row: list[Slot] = []

    def keep(self) -> None:
        """Places what ours has here."""
        things, ripples = self.things, self.ripples
        mine, other = ripples.mine, ripples.other
        for slot, left, right in _with_neighbours(mine):
            id_ = slot.id
            if id_ in things.gone or (
                id_ in things.placed and (things.placed[id_] != self.track or id_ not in other.apart)
            ):
                continue
            if id_ in mine.level:
                start = slot.start + ripples.owed.at(ripples.number[id_])
                if id_ in things.placed:
                    start += other.apart[id_]
            else:
                start = slot.start + self._along(slot.start, left, right)
            if id_ in things.heads and id_ in mine.level:
                start += things.trim(things.theirs, id_).head
            elif id_ in things.heads:
                start += things.front(things.theirs, id_)
            value = things.values.get(id_)
            self.row.append(Slot(id_, start, value.duration if value is not None else slot.duration))
        self.row.sort(key=lambda slot: (slot.start, slot.end))
        self._look()

    def _along(self, start: int, left: str | None, right: str | None) -> int:
        """Returns how far something that ours placed between two clips moves with theirs' ripples."""
        ripples = self.ripples
        low, high = _numbers(ripples, left, right)
        frame = start - (ripples.mine.level[left] if left is not None else 0)
        near = [
            push.amount
            for push in ripples.owed.near(low, high)
            if frame > push.frame or (frame == push.frame and not push.new)
        ]
        return ripples.owed.at(low) + sum(near)

    def bring(self) -> None:
        """Places what theirs placed here."""
        things, ripples = self.things, self.ripples
        taken = {slot.id for slot in self.row}
        before: Slot | None = None
        for slot, left, right in _with_neighbours(ripples.other):
            last, before = before, slot
            if things.placed.get(slot.id) != self.track or slot.id in taken:
                continue
            low, high = _numbers(ripples, left, right)
            frame = slot.start - (ripples.other.level[left] if left is not None else 0)
            shift = ripples.extra.at(low) - ripples.refused.at(low)
            near = ripples.extra.near(low, high)
            along = sum(push.amount for push in near if push.frame <= frame)
            duration = things.values[slot.id].duration if slot.id in things.values else slot.duration
            starts = [slot.start + shift + along, slot.start + shift, slot.start + shift + _sum(near)]
            if last is not None and last.end == slot.start and continues(things.theirs, last.id, slot.id):
                starts[:0] = [
                    each.end for each in self.row if each.id == last.id
                ]  # the halves of a split stay together
            start = next((at for at in dict.fromkeys(starts) if self._fits(at, duration)), None)
            if start is None:
                self.vetoes[Veto("place", slot.id)] = "no_room"
            else:
                insort(self.row, Slot(slot.id, start, duration), key=lambda each: each.start)

    def _fits(self, start: int, duration: int) -> bool:
        at = bisect_left(self.row, start, key=lambda each: each.start)
        free_left = at == 0 or self.row[at - 1].end <= start
        return start >= 0 and free_left and (at == len(self.row) or self.row[at].start >= start + duration)

    def _look(self) -> None:
        """Finds what stands in each other's way and blames something of theirs for it."""
        left: Slot | None = None
        for slot in self.row:
            if left is None and slot.start < 0:
                self._blame(None, slot)
            elif left is not None and left.end > slot.start:
                self._blame(left, slot)
            left = slot

    def _blame(self, left: Slot | None, right: Slot) -> None:
        things, ripples = self.things, self.ripples
        both = [slot.id for slot in (left, right) if slot is not None]
        for id_ in both:
            if id_ in things.placed:
                self.vetoes[Veto("place", id_)] = "no_room"
                return
        for id_ in both:
            if (id_ in things.tails or id_ in things.heads) and things.values[id_].duration > things.ours.items[
                id_
            ].duration:
                self.vetoes[Veto("range", id_)] = "no_room"
                return
        known = sorted(ripples.number[id_] for id_ in both if id_ in ripples.number)
        low, high = (known[0] if len(known) > 1 else -1), (known[-1] if known else FAR)
        for push in reversed(ripples.owed.near(low, high)):
            if push.amount < 0:
                name, about = push.cause
                self.vetoes[Veto("ripple", f"{name} {about}", self.track)] = "no_room"
                return
        self.vetoes[Veto("track", self.track)] = "no_room"


def _with_neighbours(seen: Survey) -> list[tuple[Slot, str | None, str | None]]:
    """Returns each row with the nearest clips on its left and right that kept their order."""
    lefts: list[str | None] = []
    left: str | None = None
    for slot in seen.rows:
        lefts.append(left)
        if slot.id in seen.level:
            left = slot.id
    found = []
    right: str | None = None
    for slot, before in zip(reversed(seen.rows), reversed(lefts), strict=True):
        found.append((slot, before, right))
        if slot.id in seen.level:
            right = slot.id
    return found[::-1]


def _numbers(ripples: Ripples, left: str | None, right: str | None) -> tuple[int, int]:
    number = ripples.number
    return (number[left] if left is not None else -1), (number[right] if right is not None else FAR)


def _sum(pushes: list[Push]) -> int:
    return sum(push.amount for push in pushes)
