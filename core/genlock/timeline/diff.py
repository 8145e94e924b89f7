"""State against state, as ops: what turns one version of a sequence into another (revert, and what merges build on).

Items, tracks and markers are matched by id. The answer is small: on a magnetic track only what is not in a longest
common order moves, on a free track a run of equal displacements is one ripple.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any, TypeVar

from msgspec import Struct

from genlock.timeline.ops import (
    ANCHORS,
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemPatch,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    SequencePatch,
    SequenceSet,
    Spot,
    TrackInserted,
    TrackMoved,
    TrackPatch,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.sequence import Sequence, apply

V = TypeVar("V")


def diff(before: Sequence, after: Sequence) -> tuple[Op, ...]:
    """Returns ops that, applied to `before` in order, give the content of `after`.

    Both are states of sequences of one rate whose ids mean the same things; versions and `archived` do not count. Costs
    O(n) comparisons by identity, so that two versions of one history are cheap.
    """
    return tuple(_Diff(before, after).run())


class _Diff:
    def __init__(self, before: Sequence, after: Sequence) -> None:
        self.state = before
        self.target = after
        self.ops: list[Op] = []

    def run(self) -> list[Op]:
        before, after = self.state, self.target
        self._settings()
        self._marks_gone(before, after)
        self._tracks_appear()
        changed = [track for track in before.order if track in after.tracks and self._early(track)]
        self._items_gone(before, after)
        self._items_set(before, after)
        for track in after.order:
            if before.lanes.get(track) is not after.lanes[track] or track in changed:
                self._lane(track)
        for track in after.order:
            self._track_set(track)
        self._tracks_go()
        self._tracks_move()
        self._marks_set(before, after)
        self._conflicts(before, after)
        return self.ops

    def _add(self, op: Op) -> None:
        self.state = apply(self.state, op)
        self.ops.append(op)

    # -- settings and marks

    def _settings(self) -> None:
        old, new = _changes(SequencePatch, self.state, self.target)
        if new:
            self._add(SequenceSet(SequencePatch(**old), SequencePatch(**new)))

    def _marks_gone(self, before: Sequence, after: Sequence) -> None:
        for key, transition in _differing(before.transitions, after.transitions):
            if key not in after.transitions:
                self._add(TransitionSet(key, transition))
        for id_, marker in _differing(before.markers, after.markers):
            if id_ not in after.markers:
                self._add(MarkerSet(id_, marker))

    def _marks_set(self, before: Sequence, after: Sequence) -> None:
        for key, transition in _differing(after.transitions, before.transitions):
            self._add(TransitionSet(key, before.transitions.get(key), transition))
        for id_, marker in _differing(after.markers, before.markers):
            self._add(MarkerSet(id_, before.markers.get(id_), marker))

    def _conflicts(self, before: Sequence, after: Sequence) -> None:
        for id_, conflict in _differing(before.conflicts, after.conflicts):
            if id_ not in after.conflicts:
                self._add(ConflictSet(id_, conflict, None))
        for id_, conflict in _differing(after.conflicts, before.conflicts):
            self._add(ConflictSet(id_, before.conflicts.get(id_), conflict))

    # -- tracks

    def _tracks_appear(self) -> None:
        known: str | None = None
        for id_ in self.target.order:
            if id_ not in self.state.tracks:
                self._add(TrackInserted(self.target.tracks[id_], known))
            known = id_

    def _early(self, id_: str) -> bool:
        """Frees a magnetic track that is to be free before its items get their starts; returns whether the placement of
        the track changes. (A track that is to be magnetic becomes so when its items lie without holes.)"""
        old, new = self.state.tracks[id_].placement, self.target.tracks[id_].placement
        if (old, new) == ("magnetic", "free"):
            self._track_set(id_)
        return old != new

    def _track_set(self, id_: str) -> None:
        old, new = _changes(TrackPatch, self.state.tracks[id_], self.target.tracks[id_])
        if new:
            self._add(TrackSet(id_, TrackPatch(**old), TrackPatch(**new)))

    def _tracks_go(self) -> None:
        for id_ in self.state.order:
            if id_ not in self.target.tracks:
                lefts = _lefts(self.state.order, id_)
                self._add(TrackRemoved(self.state.tracks[id_], lefts[0] if lefts else None, lefts))

    def _tracks_move(self) -> None:
        stay = longest_rising(self.state.order, {id_: n for n, id_ in enumerate(self.target.order)})
        known: str | None = None
        for id_ in self.target.order:
            if id_ not in stay:
                lefts = _lefts(self.state.order, id_)
                self._add(TrackMoved(id_, lefts[0] if lefts else None, lefts, known))
            known = id_

    # -- items

    def _items_gone(self, before: Sequence, after: Sequence) -> None:
        for track in before.order:
            if before.lanes[track] is after.lanes.get(track):
                continue
            for id_ in before.lanes[track].ids():
                if id_ not in after.items:
                    at = self._spot(id_)
                    self._add(ItemRemoved(at.track, self.state.items[id_], at.after, at.lefts, at.start))

    def _items_set(self, before: Sequence, after: Sequence) -> None:
        for id_, item in _differing(after.items, before.items):
            old = before.items.get(id_)
            if old is None:
                continue
            was, now = _changes(ItemPatch, old, item)
            if now:
                self._add(ItemSet(id_, ItemPatch(**was), ItemPatch(**now)))

    def _lane(self, track: str) -> None:
        if self.state.tracks[track].placement == "magnetic":
            self._magnetic(track)
        else:
            self._free(track)

    def _magnetic(self, track: str) -> None:
        wanted = list(self.target.lanes[track].ids())
        stay = longest_rising(self.state.lanes[track].ids(), {id_: n for n, id_ in enumerate(wanted)})
        known: str | None = None
        for id_ in wanted:
            if id_ not in self.state.items:
                self._add(ItemInserted(track, self.target.items[id_], known))
            elif id_ not in stay:
                self._add(ItemMoved(id_, self._spot(id_), Spot(track, known)))
            known = id_

    def _free(self, track: str) -> None:
        wanted = {slot.id: slot.start for slot in self.target.lanes[track]}
        rank = {id_: n for n, id_ in enumerate(wanted)}
        stay = longest_rising(self.state.lanes[track].ids(), rank)
        self._ripple(track, [id_ for id_ in wanted if id_ in stay], wanted)
        now = {slot.id: slot.start for slot in self.state.lanes[track]}
        for id_, start in wanted.items():
            if id_ not in self.state.items:
                self._add(ItemInserted(track, self.target.items[id_], start=start))
            elif now.get(id_) != start:
                self._add(ItemMoved(id_, self._spot(id_), Spot(track, start=start)))

    def _ripple(self, track: str, ids: list[str], wanted: Mapping[str, int]) -> None:
        """Brings items that keep their order to their starts: runs of one displacement by a shift, single ones alone.

        What does not keep its order and lies in the way is put behind the last item first: one op, where else all that
        comes after it would have to move one by one."""
        now = {slot.id: slot.start for slot in self.state.lanes[track]}
        staying, moved = set(ids), 0
        for at, id_ in enumerate(ids):
            delta = wanted[id_] - now[id_] - moved
            if delta == 0:
                continue
            left = self.state.lanes[track].before(id_)
            while left is not None and left.start >= wanted[id_] and left.id not in staying:
                end = self.state.lanes[track].end
                self._add(ItemMoved(left.id, self._spot(left.id), Spot(track, start=end)))
                left = self.state.lanes[track].before(id_)
            if left is not None and left.start >= wanted[id_]:
                continue
            if at + 1 >= len(ids) or wanted[ids[at + 1]] - now[ids[at + 1]] - moved != delta:
                self._alone(track, id_, wanted[id_])
            else:
                self._add(ItemsShifted(track, id_, delta, self.state.lanes[track].rights(id_, ANCHORS)))
                moved += delta

    def _alone(self, track: str, id_: str, start: int) -> None:
        """Moves one item to its start, if it passes nothing on its way; else that is done when the others lie."""
        right = self.state.lanes[track].after(id_)
        if right is None or start < right.start:
            self._add(ItemMoved(id_, self._spot(id_), Spot(track, start=start)))

    def _spot(self, id_: str) -> Spot:
        track = self.state.home[id_]
        lane = self.state.lanes[track]
        if self.state.tracks[track].placement == "free":
            return Spot(track, start=lane.slot(id_).start)
        lefts = lane.lefts(id_, ANCHORS)
        return Spot(track, lefts[0] if lefts else None, lefts)


def _changes(patch: type[Struct], old: Struct, new: Struct) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the values that differ, of the fields a patch type knows, before and after."""
    differ = [name for name in patch.__struct_fields__ if getattr(old, name) != getattr(new, name)]
    return {name: getattr(old, name) for name in differ}, {name: getattr(new, name) for name in differ}


def _differing(these: Mapping[str, V], others: Mapping[str, V]) -> list[tuple[str, V]]:
    """Returns the entries of `these` that `others` has not or has otherwise, sorted by key."""
    if these is others:
        return []
    found = [(key, value) for key, value in these.items() if (other := others.get(key)) is not value and other != value]
    return sorted(found, key=itemgetter(0))


def _lefts(order: tuple[str, ...], id_: str) -> tuple[str, ...]:
    return tuple(reversed(order[: order.index(id_)]))[:ANCHORS]


def longest_rising(ids: Iterable[str], rank: Mapping[str, int]) -> set[str]:
    """Returns a largest set of the ids whose ranks rise (patience sorting, O(n log n)); ids without a rank are left out."""
    tails: list[int] = []
    ends: list[str] = []
    before: dict[str, str | None] = {}
    for id_ in ids:
        if id_ not in rank:
            continue
        at = bisect_left(tails, rank[id_])
        before[id_] = ends[at - 1] if at else None
        if at == len(tails):
            tails.append(rank[id_])
            ends.append(id_)
        else:
            tails[at], ends[at] = rank[id_], id_
    found: set[str] = set()
    last: str | None = ends[-1] if ends else None
    while last is not None:
        found.add(last)
        last = before[last]
    return found
