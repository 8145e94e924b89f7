"""Which of theirs' displacements are still to be made on a track that ours has worked on too."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from genlock.timeline.merge.surveys import Cause, Survey, by_cause
from genlock.timeline.merge.things import Things
from genlock.timeline.merge.values import Found, Ripple, Veto
from genlock.timeline.sequence import Sequence


class Push(NamedTuple):
    """From the clip of base with number `at` on, and from frame `frame` of base's numbering on, everything moves by
    `amount`. `new`: something was inserted just there."""

    at: int
    frame: int
    amount: int
    cause: Cause
    new: bool


class Ripples:
    """The displacements of both sides on one track.

    `owed` are those of theirs that ours does not have and that hold, `refused` those of theirs that do not hold, `extra`
    those of ours that theirs does not have. `rooms` are frames of room to add before clips (magnetic tracks).
    """

    def __init__(self, things: Things, track: str) -> None:
        self.track = track
        self.mine = things.survey(things.ours, track)
        self.other = things.survey(things.theirs, track)
        self.base = things.rows(things.base, track)
        self.number = {slot.id: n for n, slot in enumerate(self.base)}
        self.rooms: dict[str, int] = {}
        self._things = things
        self._slots = {slot.id: slot for slot in self.base}
        self._here = here = by_cause(self.mine)
        there = by_cause(self.other)
        owed, refused, extra = [], [], []
        for cause, (id_, amount, rippled) in there.items():
            if rippled and here.get(cause, ("", 0, False))[1:] == (amount, True):
                continue
            if not self._holds(cause, id_, amount):
                if rippled:
                    refused.append(self._push(things.theirs, self.other, cause, id_, amount))
                continue
            known = here.get(cause)
            if rippled and (known is None or not known[2]):
                owed.append(self._push(things.theirs, self.other, cause, id_, amount))
            if known is None and not rippled:
                self._room(id_, -amount)
            elif (known is not None and rippled and not known[2]) or (known is None and cause[0] == "room"):
                self._room(id_, amount)
        for cause, (id_, amount, rippled) in here.items():
            known = there.get(cause)
            if rippled and (known is None or known[1:] != (amount, True)):
                extra.append(self._push(things.ours, self.mine, cause, id_, amount))
        self.owed, self.refused, self.extra = Pushes(owed), Pushes(refused), Pushes(extra)

    def _room(self, id_: str, amount: int) -> None:
        self.rooms[id_] = self.rooms.get(id_, 0) + amount

    def _holds(self, cause: Cause, id_: str, amount: int) -> bool:
        """Returns whether what moved things in theirs is part of the merge."""
        things, (name, about) = self._things, cause
        if Veto("ripple", f"{name} {about}", self.track) in things.vetoes:
            self._refuse(id_, amount, Veto("ripple", f"{name} {about}", self.track))
            return False
        match name:
            case "out":
                return (about in things.tails and about in self.mine.level) or self._both(cause, amount)
            case "in":
                return (about in things.heads and about in self.mine.level) or self._both(cause, amount)
            case "gone":
                taken = about in things.gone or about in things.placed or about not in things.ours.items
                return taken or self._both(cause, amount)
            case "new":
                return things.placed.get(about) == self.track or self._both(cause, amount)
            case _:
                return self._room_holds(cause, id_, amount)

    def _both(self, cause: Cause, amount: int) -> bool:
        """Returns whether ours did just the same, whether or not it let things move along."""
        known = self._here.get(cause)
        return known is not None and known[1] == amount

    def _room_holds(self, cause: Cause, id_: str, amount: int) -> bool:
        step = self.mine.steps.get(id_)
        own = step.rippled.get(cause) if step is not None else None
        if own is None or self._things.theirs.tracks[self.track].placement == "magnetic":
            return own is None or own != amount
        if own != amount:
            found = Found("both_moved", id_, "start", (None, own, amount), Ripple(id_, amount - own))
            self._things.found[id_, "start"] = found
        return False

    def _refuse(self, id_: str, amount: int, veto: Veto) -> None:
        """Notes that a displacement does not hold; several before one clip are one disagreement."""
        kind, known = self._things.vetoes[veto], self._things.found.get((id_, "start"))
        if known is not None and known.kind == kind:
            amount += known.theirs
        self._things.found[id_, "start"] = Found(kind, id_, "start", (None, 0, amount), Ripple(id_, amount))

    def _push(self, side: Sequence, seen: Survey, cause: Cause, id_: str, amount: int) -> Push:
        name, about = cause
        before = seen.before[id_]
        match name:
            case "out" | "gone":
                frame = self._slots[about].end
            case "new":
                frame = side.slot(about).start - (seen.level[before] if before is not None else 0)
            case _:
                frame = self._slots[id_].start
        return Push(self.number[id_], frame, amount, cause, name == "new")


class Pushes:
    """Displacements by the number of the clip they begin at."""

    def __init__(self, pushes: Iterable[Push]) -> None:
        self.all = sorted(pushes, key=lambda push: (push.at, push.frame))
        self._ats = [push.at for push in self.all]
        self._sums = [0]
        for push in self.all:
            self._sums.append(self._sums[-1] + push.amount)

    def at(self, number: int) -> int:
        """Returns how far the clip of base with this number is moved (-1: what lies before all of them)."""
        return self._sums[bisect_right(self._ats, number)]

    def near(self, low: int, high: int) -> list[Push]:
        """Returns those that begin behind clip `low` and up to clip `high`."""
        return self.all[bisect_right(self._ats, low) : bisect_right(self._ats, high)]
