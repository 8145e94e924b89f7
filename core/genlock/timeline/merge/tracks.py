"""The tracks themselves: which there are, in what order, with what settings, and which of them take nothing from theirs."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from genlock.timeline.diff import longest_rising
from genlock.timeline.merge.registers import names_of, settle_fields
from genlock.timeline.merge.surveys import rows, same_lane
from genlock.timeline.merge.values import Found, TrackBack, TrackFields, TrackGone, TrackPlace, Unlocked, Veto, Vetoes
from genlock.timeline.model import Gap, Item, Track
from genlock.timeline.sequence import Sequence

FIELDS = names_of(Track, "id")


class Tracks:
    """The tracks of one attempt: `order` and `values` after the merge, those that are `shut`, and what was `found`.

    `opened` are tracks to merge although they are locked, `yielding` those that go although ours worked on them.
    """

    def __init__(
        self,
        base: Sequence,
        ours: Sequence,
        theirs: Sequence,
        vetoes: Vetoes,
        *,
        opened: frozenset[str] = frozenset(),
        yielding: frozenset[str] = frozenset(),
    ) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.found: list[Found] = []
        self.values: dict[str, Track] = dict(ours.tracks)
        self.shut: set[str] = set()
        self.gone: set[str] = set()
        self._vetoes = vetoes
        self._opened = opened
        self._yielding = yielding
        for id_ in ours.order:
            self._ours(id_)
        for id_ in theirs.order:
            if id_ not in ours.tracks:
                self._not_ours(id_)
        self.order = tuple(self._ordered())

    def _ours(self, id_: str) -> None:
        base, ours, theirs = (side.tracks.get(id_) for side in (self.base, self.ours, self.theirs))
        assert ours is not None
        if (kind := self._vetoes.get(Veto("track", id_))) is not None:
            self.shut.add(id_)
            self.found.append(Found(kind, id_, "", (base, ours, theirs), TrackGone(id_) if theirs is None else None))
        elif theirs is None:
            if base is not None:
                self._removed(id_, base, ours)
        else:
            self._both(id_, base, ours, theirs)

    def _removed(self, id_: str, base: Track, ours: Track) -> None:
        """Theirs removed it."""
        if ours.locked and id_ not in self._opened | self._yielding:
            self.shut.add(id_)
            self.found.append(Found("locked", id_, "", (base, ours, None), TrackGone(id_)))
        elif id_ not in self._yielding and (ours != base or any(self._worked(self.ours, id_))):
            self.shut.add(id_)
            self.found.append(Found("track_removed", id_, "", (base, ours, None), TrackGone(id_)))
        else:
            self.gone.add(id_)

    def _both(self, id_: str, base: Track | None, ours: Track, theirs: Track) -> None:
        fields, clashes = settle_fields(base, ours, theirs, FIELDS) if base != theirs else ({}, [])
        if ours.locked and fields.get("locked", True) and id_ not in self._opened:
            self.shut.add(id_)
            if fields or clashes or any(self._worked(self.theirs, id_)) or self._fewer(id_):
                self.found.append(Found("locked", id_, "", (base, ours, theirs), Unlocked(id_)))
            return
        for name in clashes:
            three = (getattr(base, name, None), getattr(ours, name), getattr(theirs, name))
            self.found.append(Found("both_set", id_, name, three, TrackFields(id_, {name: three[2]})))
        if fields:
            self.values[id_] = replace(ours, **fields)

    def _not_ours(self, id_: str) -> None:
        theirs, base = self.theirs.tracks[id_], self.base.tracks.get(id_)
        if base is None:
            self.values[id_] = theirs
        elif theirs != base or any(self._worked(self.theirs, id_, beside=self.ours)):
            self.found.append(Found("track_removed", id_, "", (base, None, theirs), TrackBack(id_)))

    def _worked(self, side: Sequence, id_: str, beside: Sequence | None = None) -> Iterator[str]:
        """Yields the clips of a track that a side brought there, moved or changed, leaving out those that `beside` has."""
        base = self.base
        if same_lane(base.lanes.get(id_), side.lanes[id_]) and base.items is side.items:
            return
        before = [slot.id for slot in rows(base, id_)]
        now = [slot.id for slot in rows(side, id_)]
        known = [name for name in now if base.home.get(name) == id_]
        stay = longest_rising(before, {name: n for n, name in enumerate(known)})
        for name in now:
            if beside is not None and name in beside.items:
                continue
            if name not in stay or not _same(base.items.get(name), side.items[name]):
                yield name

    def _fewer(self, id_: str) -> bool:
        """Returns whether clips left the track in theirs, or lie elsewhere on it."""
        if same_lane(self.base.lanes.get(id_), self.theirs.lanes[id_]):
            return False
        return [slot[:2] for slot in rows(self.base, id_)] != [slot[:2] for slot in rows(self.theirs, id_)]

    def _ordered(self) -> list[str]:
        base, ours, theirs = self.base.order, self.ours.order, self.theirs.order
        moved_there, moved_here = _moved(base, theirs), _moved(base, ours)
        brought = {id_ for id_ in theirs if id_ not in ours and id_ in self.values}
        placed = brought | (moved_there - moved_here - self.shut)
        for id_ in sorted(moved_there & moved_here):
            if id_ in self.values and _left(ours, id_) != _left(theirs, id_):
                three = (_left(base, id_), _left(ours, id_), _left(theirs, id_))
                self.found.append(Found("both_moved", id_, "place", three, TrackPlace(id_)))
        row = [id_ for id_ in ours if id_ not in self.gone and id_ not in placed]
        own = {id_ for id_ in ours if id_ not in base} | moved_here
        before: str | None = None
        for id_ in theirs:
            if id_ in placed and id_ in self.values:
                at = row.index(before) + 1 if before is not None else 0
                while at < len(row) and row[at] in own:
                    at += 1
                row.insert(at, id_)
            if id_ in row:
                before = id_
        return row


def _same(one: Item | None, two: Item) -> bool:
    if one is not None and isinstance(one.source, Gap) and isinstance(two.source, Gap):
        return True
    return one is two or one == two


def _moved(base: tuple[str, ...], side: tuple[str, ...]) -> set[str]:
    rank = {id_: n for n, id_ in enumerate(side)}
    return {id_ for id_ in base if id_ in rank} - longest_rising(base, rank)


def _left(order: tuple[str, ...], id_: str) -> str | None:
    at = order.index(id_) if id_ in order else 0
    return order[at - 1] if at else None
