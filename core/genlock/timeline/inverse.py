"""The inverse of one op at a time, against the present state."""

from __future__ import annotations

from typing import Any, assert_never

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from genlock.timeline.decision import Conflict
from genlock.timeline.lane import Lane
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


class Inverse:
    """Undoes ops one after the other, last first, and collects what stands against it.

    `state` is the state reached, `made` the ops that led there, `conflicts` what was changed since. A conflicting op is
    left out; with `force` values changed since are overwritten, and only what is gone or in the way is left out (which
    then shows in neither list). `unlocking` names the tracks whose lock the edit itself changed: it stops nothing.
    """

    def __init__(self, state: Sequence, *, force: bool = False, unlocking: frozenset[str] = frozenset()) -> None:
        self.state = state
        self.made: list[Op] = []
        self.conflicts: list[Conflict] = []
        self._near: dict[str, None] = {}
        self._force = force
        self._unlocking = unlocking

    def undo(self, op: Op) -> None:
        """Appends the inverse of `op`, or conflicts."""
        match op:
            case ItemInserted():
                self._item_inserted(op)
            case ItemRemoved():
                self._item_removed(op)
            case ItemMoved():
                self._item_moved(op)
            case ItemSet():
                self._item_set(op)
            case ItemsShifted():
                self._shifted(op)
            case TrackInserted():
                self._track_inserted(op)
            case TrackRemoved():
                self._track_removed(op)
            case TrackMoved():
                self._track_moved(op)
            case TrackSet():
                self._track_set(op)
            case TransitionSet():
                self._transition_set(op)
            case MarkerSet():
                self._marker_set(op)
            case ConflictSet():
                self._conflict_set(op)
            case SequenceSet():
                now = _values(self.state, op.after)
                if self._unchanged(self.state.id, "The sequence", now, op.after):
                    self._make(SequenceSet(SequencePatch(**now), op.before), bool(now))
            case _:
                assert_never(op)

    # -- items

    def _item_inserted(self, op: ItemInserted) -> None:
        state, id_ = self.state, op.item.id
        if not self._there(id_) or not self._unlocked(state.home[id_]):
            return
        home = state.home[id_]
        slot = state.slot(id_)
        free = state.tracks[home].placement == "free"
        if state.items[id_] != op.item and self._stands_against(id_, f"{self._name(id_)} was changed since."):
            return
        moved = home != op.track or (free and op.start is not None and slot.start != op.start)
        if moved and self._stands_against(id_, f"{self._name(id_)} was moved since."):
            return
        lefts = () if free else state.lanes[home].lefts(id_, ANCHORS)
        after = lefts[0] if lefts else None
        self._make(ItemRemoved(home, state.items[id_], after, lefts, slot.start if free else None))

    def _item_removed(self, op: ItemRemoved) -> None:
        id_ = op.item.id
        if id_ in self.state.items:
            self._conflict("id_taken", id_, f"{self._name(id_)} is back already.")
            return
        spot = self._place(id_, Spot(op.track, op.after, op.lefts, op.start), op.item.name or id_)
        if spot is not None:
            self._make(ItemInserted(spot.track, op.item, spot.after, spot.start))

    def _item_moved(self, op: ItemMoved) -> None:
        state, id_ = self.state, op.item
        if not self._there(id_) or not self._unlocked(state.home[id_]):
            return
        home, wanted = state.home[id_], op.after
        lane, slot = state.lanes[home], state.slot(id_)
        free = state.tracks[home].placement == "free"
        moved = home != wanted.track or (
            (wanted.start is not None and slot.start != wanted.start) if free else _passed(lane, id_, wanted.after)
        )
        if moved and self._stands_against(id_, f"{self._name(id_)} was moved since."):
            return
        lefts = () if free else lane.lefts(id_, ANCHORS)
        now = Spot(home, lefts[0] if lefts else None, lefts, slot.start if free else None)
        spot = self._place(id_, op.before, self._name(id_))
        if spot is not None:
            self._make(
                ItemMoved(id_, now, spot), (now.track, now.after, now.start) != (spot.track, spot.after, spot.start)
            )

    def _place(self, id_: str, spot: Spot, name: str) -> Spot | None:
        """Returns where the spot is now: behind the nearest left neighbour that is still there."""
        state = self.state
        if spot.track not in state.tracks:
            self._conflict("no_such_track", spot.track, f"The track {name} was on is gone.")
            return None
        if not self._unlocked(spot.track):
            return None
        free = state.tracks[spot.track].placement == "free"
        if free:
            if spot.start is None:
                self._conflict("wrong_placement", spot.track, f"The track of {name} is free now, it was magnetic.")
                return None
            return Spot(spot.track, start=spot.start)
        if spot.start is not None:
            self._conflict("wrong_placement", spot.track, f"The track of {name} is magnetic now, it was free.")
            return None
        if spot.after is None:
            return Spot(spot.track)
        for anchor in dict.fromkeys((spot.after, *spot.lefts)):
            if anchor != id_ and state.home.get(anchor) == spot.track:
                return Spot(spot.track, anchor)
        lost = f"Everything that lay before {name} is gone, so its place is unknown."
        if len(spot.lefts) >= ANCHORS and self._stands_against(id_, lost):
            return None
        return Spot(spot.track)

    def _item_set(self, op: ItemSet) -> None:
        id_ = op.item
        if not self._there(id_) or not self._unlocked(self.state.home[id_]):
            return
        now = _values(self.state.items[id_], op.after)
        if self._unchanged(id_, self._name(id_), now, op.after):
            self._make(ItemSet(id_, ItemPatch(**now), op.before), now != _given(op.before))

    def _shifted(self, op: ItemsShifted) -> None:
        state = self.state
        if op.track not in state.tracks:
            self._conflict("no_such_track", op.track, "The track that was rippled is gone.")
            return
        if not self._unlocked(op.track):
            return
        here = [id_ for id_ in (op.first, *op.rights) if state.home.get(id_) == op.track]
        if state.tracks[op.track].placement != "free" or not here:
            self._conflict("no_such_item", op.first, "What was rippled is gone.")
            return
        lane = state.lanes[op.track]
        starts = [lane.slot(id_).start for id_ in here]
        passed = starts != sorted(starts)
        if passed and self._stands_against(op.first, "The items that were rippled were moved about since."):
            return
        first = min(here, key=lambda id_: lane.slot(id_).start)
        left, start = lane.before(first), lane.slot(first).start - op.delta
        if start < 0 or (left is not None and left.start >= start):
            # it would pass its left neighbour: lanes stay in order even half-way through an undo
            self._conflict("overlap", first, f"There is no room to move {self._name(first)} back.")
            return
        self._make(ItemsShifted(op.track, first, -op.delta, lane.rights(first, ANCHORS)))

    # -- tracks

    def _track_inserted(self, op: TrackInserted) -> None:
        id_ = op.track.id
        track = self.state.tracks.get(id_)
        if track is None:
            self._conflict("no_such_track", id_, f"The track {op.track.name or id_} is gone already.")
        elif len(self.state.lanes[id_]):
            self._conflict("track_not_empty", id_, f"The track {track.name or id_} holds items now.")
        elif track == op.track or not self._stands_against(id_, f"The track {track.name or id_} was changed since."):
            lefts = _lefts(self.state.order, id_)
            self._make(TrackRemoved(track, lefts[0] if lefts else None, lefts))

    def _track_removed(self, op: TrackRemoved) -> None:
        id_ = op.track.id
        if id_ in self.state.tracks:
            self._conflict("id_taken", id_, f"The track {op.track.name or id_} is back already.")
            return
        self._make(TrackInserted(op.track, self._anchor(id_, op.after, op.lefts)))

    def _track_moved(self, op: TrackMoved) -> None:
        id_, order = op.track, self.state.order
        if id_ not in self.state.tracks:
            self._conflict("no_such_track", id_, "The track that was moved is gone.")
            return
        passed = op.to_after in order and order.index(op.to_after) > order.index(id_)
        if passed and self._stands_against(id_, f"The track {self.state.tracks[id_].name or id_} was moved since."):
            return
        lefts, target = _lefts(order, id_), self._anchor(id_, op.from_after, op.from_lefts)
        now = lefts[0] if lefts else None
        self._make(TrackMoved(id_, now, lefts, target), now != target)

    def _track_set(self, op: TrackSet) -> None:
        track = self.state.tracks.get(op.track)
        if track is None:
            self._conflict("no_such_track", op.track, "The track that was changed is gone.")
            return
        now = _values(track, op.after)
        if self._unchanged(track.id, f"The track {track.name or track.id}", now, op.after):
            self._make(TrackSet(track.id, TrackPatch(**now), op.before), now != _given(op.before))

    def _anchor(self, id_: str, after: str | None, lefts: tuple[str, ...]) -> str | None:
        for anchor in (after, *lefts):
            if anchor != id_ and anchor in self.state.tracks:
                return anchor
        return None

    # -- transitions and markers

    def _transition_set(self, op: TransitionSet) -> None:
        now = self.state.transitions.get(op.key)
        changed = now != op.after
        if changed and self._stands_against(op.key, "The transition was changed since."):
            return
        self._make(TransitionSet(op.key, now, op.before), now != op.before)

    def _marker_set(self, op: MarkerSet) -> None:
        now = self.state.markers.get(op.marker)
        changed = now != op.after
        if changed and self._stands_against(op.marker, "The marker was changed since."):
            return
        self._make(MarkerSet(op.marker, now, op.before), now != op.before)

    def _conflict_set(self, op: ConflictSet) -> None:
        now = self.state.conflicts.get(op.conflict)
        changed = now != op.after
        if changed and self._stands_against(op.conflict, "The merge conflict was settled since."):
            return
        self._make(ConflictSet(op.conflict, now, op.before), now != op.before)

    # -- what all of them need

    def seams(self) -> list[Conflict]:
        """Returns where items of a free track share frames now, near everything that was touched on the way.

        check.new_violations looks near what the ops name in the first and the last state; half-way through an undo an
        item may stand between others that a ripple then moves, and be gone in the end.
        """
        found: dict[Conflict, None] = {}
        for id_ in self._near:
            home = self.state.home.get(id_)
            if home is None or self.state.tracks[home].placement != "free":
                continue
            left, slot, right = self.state.lanes[home].around(id_)
            for one, two in ((left, slot), (slot, right)):
                if one is not None and two is not None and one.end > two.start:
                    message = f"{self._name(one.id)} and {self._name(two.id)} would share frames."
                    found[Conflict("overlap", two.id, message)] = None
        return list(found)

    def _make(self, op: Op, differs: bool = True) -> None:
        if differs:
            before, self.state = self.state, apply(self.state, op)
            self.made.append(op)
            self._note_neighbours(before, op)

    def _note_neighbours(self, before: Sequence, op: Op) -> None:
        match op:
            case ItemInserted(item=item) | ItemRemoved(item=item):
                id_ = item.id
            case ItemMoved(item=id_) | ItemSet(item=id_) | ItemsShifted(first=id_):
                pass
            case _:
                return
        for state in (before, self.state):
            if id_ in state.home:
                around = state.lanes[state.home[id_]].around(id_)
                self._near.update({slot.id: None for slot in around if slot is not None})

    def _conflict(self, code: str, id_: str, message: str) -> None:
        if not self._force:
            self.conflicts.append(Conflict(code, id_, message))

    def _stands_against(self, id_: str, message: str) -> bool:
        """Notes that somebody changed it since; returns whether that stops the undo."""
        self._conflict("undo_conflict", id_, message)
        return not self._force

    def _there(self, id_: str) -> bool:
        if id_ in self.state.items:
            return True
        self._conflict("no_such_item", id_, f"{id_} was removed since.")
        return False

    def _unlocked(self, track: str) -> bool:
        if self._force or not self.state.tracks[track].locked or track in self._unlocking:
            return True
        self._conflict("locked_track", track, f"The track {self.state.tracks[track].name or track} is locked now.")
        return False

    def _unchanged(self, id_: str, name: str, now: dict[str, Any], wrote: Struct) -> bool:
        changed = [field for field, value in _given(wrote).items() if now[field] != value]
        words = ", ".join(field.replace("_", " ") for field in changed)
        return not changed or not self._stands_against(id_, f"{name}: {words} was changed since.")

    def _name(self, id_: str) -> str:
        return self.state.items[id_].name or id_


def _passed(lane: Lane, id_: str, anchor: str | None) -> bool:
    """Returns whether the item was moved to before the neighbour that this edit put it behind."""
    return anchor is not None and anchor in lane and lane.slot(anchor).start > lane.slot(id_).start


def _lefts(order: tuple[str, ...], id_: str) -> tuple[str, ...]:
    return tuple(reversed(order[: order.index(id_)]))[:ANCHORS]


def _given(patch: Struct) -> dict[str, Any]:
    return {name: value for name, value in asdict(patch).items() if value is not UNSET}


def _values(of: Struct, patch: Struct) -> dict[str, Any]:
    """Returns the present values of the fields a patch holds."""
    return {name: getattr(of, name) for name in _given(patch)}
