"""A magnetic track of both sides: ours' order with theirs' moves and inserts behind their predecessors, and the room."""

from __future__ import annotations

from typing import NamedTuple

from genlock.timeline.decision import Ids
from genlock.timeline.lane import Lane
from genlock.timeline.merge.ripples import Ripples
from genlock.timeline.merge.surveys import rows
from genlock.timeline.merge.things import Things, continues
from genlock.timeline.model import Gap, Item
from genlock.timeline.sequence import Sequence

END = ""
"""Stands behind the last clip, so that room there has an owner."""


class Spaced(NamedTuple):
    """A clip, or the end, with the frames of room before it."""

    id: str
    room: int


def merge_magnetic(things: Things, track: str) -> list[Spaced]:
    """Returns the clips of the merged track in order."""
    work = _Magnetic(things, track)
    work.take_away()
    work.make_room()
    work.put_in()
    return work.result()


class _Magnetic:
    def __init__(self, things: Things, track: str) -> None:
        self.things = things
        self.track = track
        self.ripples = Ripples(things, track)
        self.room = rooms(things.ours, track)
        ids = [slot.id for slot in self.ripples.mine.rows]
        self.next = dict(zip([END, *ids], [*ids, END], strict=True))  # a ring: END is before the first, too
        self.prev = {behind: before for before, behind in self.next.items()}

    def take_away(self) -> None:
        """Takes out what goes or is moved by theirs; its room falls to what follows."""
        for id_ in [*self.next]:
            if id_ and (id_ in self.things.gone or id_ in self.things.placed):
                before, behind = self.prev.pop(id_), self.next.pop(id_)
                self.next[before], self.prev[behind] = behind, before
                self.room[behind] += self.room.pop(id_)

    def make_room(self) -> None:
        """Opens and closes the room that theirs opened and closed."""
        base, number = self.ripples.base, self.ripples.number
        for id_, amount in self.ripples.rooms.items():
            at = number[id_]
            while at < len(base) and not (base[at].id in self.next and base[at].id in self.ripples.mine.level):
                at += 1
            owner = base[at].id if at < len(base) else END
            self.room[owner] = max(0, self.room[owner] + amount)

    def put_in(self) -> None:
        """Puts theirs' clips in, each behind the nearest predecessor that is still at its place here."""
        things, here, there = self.things, self.ripples.mine, self.ripples.other
        room = rooms(things.theirs, self.track)
        own = {slot.id for slot in here.rows if slot.id not in here.level}
        before = END
        left: str | None = None
        following = [*(slot.id for slot in there.rows[1:]), END]
        for slot, behind in zip(there.rows, following, strict=False):
            if things.placed.get(slot.id) == self.track:
                after, away = before, False
                if left is not None and left in self.next and continues(things.theirs, left, slot.id):
                    after, away = (
                        left,
                        left != before,
                    )  # the halves of a split stay together, wherever ours has the first
                else:
                    while self.next[after] in own:  # ours came first to this place
                        after = self.next[after]
                self._insert(after, slot.id, room[slot.id], touching=not room[behind])
                before = before if away else slot.id
            elif slot.id in self.next and not (slot.id in own and slot.id in there.level):
                before = slot.id
            left = slot.id

    def _insert(self, after: str, id_: str, room: int, *, touching: bool) -> None:
        """Inserts with so much of the room there before it; all of it when it touches what follows."""
        behind = self.next[after]
        self.next[after], self.next[id_], self.prev[id_], self.prev[behind] = id_, behind, after, id_
        if behind == END:
            self.room[id_] = room
        else:
            self.room[id_] = self.room[behind] if touching and room else min(room, self.room[behind])
            self.room[behind] -= self.room[id_]

    def result(self) -> list[Spaced]:
        found = []
        id_ = self.next[END]
        while id_ != END:
            found.append(Spaced(id_, self.room[id_]))
            id_ = self.next[id_]
        tails = [rooms(state, self.track)[END] for state in (self.things.base, self.things.ours, self.things.theirs)]
        return [*found, Spaced(END, tails[2] if tails[1] == tails[0] else tails[1])]


def rooms(state: Sequence, track: str) -> dict[str, int]:
    """Returns how many frames of room lie before each clip of a track, and behind the last (END)."""
    found: dict[str, int] = {}
    end = 0
    for slot in rows(state, track):
        found[slot.id] = slot.start - end
        end = slot.end
    lane = state.lanes.get(track)
    found[END] = lane.end - end if lane is not None else 0
    return found


class Holes:
    """Makes the Gap items of a magnetic track: those of ours where its holes are as they were, theirs' where they fit."""

    def __init__(self, things: Things, track: str, seed: str) -> None:
        self._track = track
        self._things = things
        self._ids = Ids(f"{seed}/gap/{track}")
        self._taken: set[str] = set()
        self._ours = _gaps(things.ours, track)
        self._theirs = _gaps(things.theirs, track)
        self._base = _gaps(things.base, track)

    def lane(self, entries: list[Spaced], durations: dict[str, int]) -> tuple[Lane, dict[str, Item]]:
        """Returns the lane with its holes filled, and its Gap items."""
        chosen: dict[str, list[Item]] = {}
        for id_, room in entries:
            own = self._ours.get(id_, [])
            if room and sum(gap.duration for gap in own) == room:
                chosen[id_] = [self._merged(gap) for gap in own]
                self._taken.update(gap.id for gap in own)
        for id_, room in entries:
            if room and id_ not in chosen:
                chosen[id_] = self._fill(id_, room)
        found: list[tuple[str, int, int]] = []
        items: dict[str, Item] = {}
        start = 0
        for id_, _ in entries:
            for gap in chosen.get(id_, []):
                items[gap.id] = gap
                found.append((gap.id, start, gap.duration))
                start += gap.duration
            if id_ != END:
                found.append((id_, start, durations[id_]))
                start += durations[id_]
        return Lane.of(found), items

    def _merged(self, gap: Item) -> Item:
        """A hole that both have under one id takes what theirs changed about it."""
        base, theirs = self._things.base.items.get(gap.id), self._things.theirs.items.get(gap.id)
        if base == gap and theirs is not None and isinstance(theirs.source, Gap) and theirs.duration == gap.duration:
            return theirs
        return gap

    def _fill(self, id_: str, room: int) -> list[Item]:
        theirs = self._theirs.get(id_, [])
        if sum(gap.duration for gap in theirs) == room and all(self._free(gap.id) for gap in theirs):
            self._taken.update(gap.id for gap in theirs)
            return theirs
        own = next((gap for gap in self._ours.get(id_, []) if gap.id not in self._taken), None)
        gap = Item(own.id if own is not None else self._fresh(), Gap(), room)
        self._taken.add(gap.id)
        return [gap]

    def _free(self, id_: str) -> bool:
        """Returns whether a Gap of theirs may come in under its own id."""
        ours = self._things.ours
        if id_ in self._taken or id_ in self._things.values:
            return False
        item = ours.items.get(id_)
        return item is None or (isinstance(item.source, Gap) and ours.home[id_] == self._track)

    def _fresh(self) -> str:
        things = self._things
        while True:
            id_ = self._ids.new("i")
            if id_ not in things.ours.items and id_ not in things.theirs.items and id_ not in self._taken:
                return id_


def _gaps(state: Sequence, track: str) -> dict[str, list[Item]]:
    """Returns the Gap items before each clip, and behind the last (END)."""
    found: dict[str, list[Item]] = {}
    waiting: list[Item] = []
    for _, item in state.placed(track) if track in state.lanes else ():
        if isinstance(item.source, Gap):
            waiting.append(item)
        elif waiting:
            found[item.id], waiting = waiting, []
    if waiting:
        found[END] = waiting
    return found
