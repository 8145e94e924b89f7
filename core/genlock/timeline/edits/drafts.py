"""An edit in the making: the ops so far and the state they lead to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from genlock.errors import Refused
from genlock.timeline import check
from genlock.timeline.decision import Conflict, Context, Ids, Refusal
from genlock.timeline.events import Content, restore
from genlock.timeline.lane import Lane, Slot
from genlock.timeline.model import Gap, Item, Marker, Track, Transition, available_range, source_range
from genlock.timeline.ops import (
    ANCHORS,
    ItemInserted,
    ItemMoved,
    ItemPatch,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    Spot,
    TransitionSet,
)
from genlock.timeline.sequence import Sequence, apply


class EditRefused(Refused):
    """An edit turned down from within; `decide` answers it as a Refusal."""

    def __init__(self, code: str, message: str = "", conflicts: Iterable[Conflict] = ()) -> None:
        super().__init__(code, message)
        self.conflicts = tuple(conflicts)

    @property
    def refusal(self) -> Refusal:
        return Refusal(self.code, self.message, self.conflicts)


class Draft:
    """Collects the ops of one edit and keeps the running state.

    Whoever changes something here need not think of transitions whose neighbours parted, of Gaps side by side or of one
    at the end of a magnetic track: `settle` sees to them.
    """

    def __init__(self, state: Sequence, context: Context) -> None:
        self.state = state
        self.ops: list[Op] = []
        self.spawned: dict[str, Content] = {}
        self.ids = Ids(context.command_id)
        self._context = context
        self._doubtful: dict[str, None] = {}  # transitions that may have lost a neighbour
        self._gaps: dict[str, None] = {}  # Gap items that may have come to lie side by side or last

    # -- reading

    def item(self, id_: str) -> Item:
        """Returns the item; refuses with no_such_item."""
        item = self.state.items.get(id_)
        if item is None:
            raise EditRefused("no_such_item", f"There is no item {id_} in the sequence.")
        return item

    def track(self, id_: str) -> Track:
        """Returns the track; refuses with no_such_track."""
        track = self.state.tracks.get(id_)
        if track is None:
            raise EditRefused("no_such_track", f"There is no track {id_} in the sequence.")
        return track

    def open_track(self, id_: str) -> Track:
        """Returns the track; refuses with locked_track."""
        track = self.track(id_)
        if track.locked:
            raise EditRefused(
                "locked_track",
                f"The track {track.name or id_} is locked.",
                [Conflict("locked_track", id_, f"{track.name or id_} is locked.")],
            )
        return track

    def editable(self, id_: str) -> Item:
        """Returns the item; refuses when it does not exist or its track is locked."""
        item = self.item(id_)
        self.open_track(self.state.home[id_])
        return item

    def lane(self, track: str) -> Lane:
        return self.state.lanes[track]

    def slot(self, id_: str) -> Slot:
        return self.state.slot(id_)

    def home(self, id_: str) -> str:
        return self.state.home[id_]

    def magnetic(self, track: str) -> bool:
        return self.state.tracks[track].placement == "magnetic"

    def is_gap(self, id_: str | None) -> bool:
        return id_ is not None and isinstance(self.state.items[id_].source, Gap)

    def name(self, id_: str) -> str:
        """Returns what to call an item in a sentence."""
        item = self.state.items.get(id_)
        if item is None:
            return id_
        return item.name or ("the gap" if isinstance(item.source, Gap) else id_)

    def markers(self, item: str) -> list[Marker]:
        """Returns the markers on an item."""
        return [self.state.markers[id_] for id_ in sorted(self.state.marks.get(item, ()))]

    def nested(self, sequence: str) -> Sequence | None:
        """Returns another sequence as this edit leaves it."""
        if sequence in self.spawned:
            return restore(sequence, 0, self.spawned[sequence])
        return self._context.nested(sequence)

    def fresh(self, prefix: str, taken: Iterable[str] = ()) -> str:
        """Returns a new id that nothing else has."""
        while True:
            id_ = self.ids.new(prefix)
            state = self.state
            used = id_ in state.items or id_ in state.tracks or id_ in state.markers or id_ in state.links
            if not used and id_ not in taken:
                return id_

    # -- changing

    def do(self, op: Op) -> None:
        self.state = apply(self.state, op)
        self.ops.append(op)

    def insert(self, track: str, item: Item, *, after: str | None = None, start: int | None = None) -> None:
        """Inserts behind `after` on a magnetic track, at `start` on a free one."""
        if self.magnetic(track):
            self.do(ItemInserted(track, item, after=after))
            if isinstance(item.source, Gap):
                self._gaps[item.id] = None
        else:
            self.do(ItemInserted(track, item, start=start))
        self._doubt(item.id)

    def remove(self, id_: str) -> None:
        """Removes the item with its markers; a magnetic track closes up."""
        for marker in self.markers(id_):
            self.put_marker(marker.id, None)
        self._doubt(id_)
        self._unsettle(id_)
        spot = self.spot(id_)
        self.do(ItemRemoved(spot.track, self.state.items[id_], spot.after, spot.lefts, spot.start))

    def set(self, id_: str, **fields: Any) -> None:
        """Changes fields of an item; those that stay equal are left out."""
        item = self.state.items[id_]
        old = {name: getattr(item, name) for name in fields}
        changed = [name for name, value in fields.items() if value != old[name]]
        if not changed:
            return
        patches = [ItemPatch(**{name: values[name] for name in changed}) for values in (old, fields)]
        if "duration" not in changed:
            self.do(ItemSet(id_, *patches))
            return
        self._doubt(id_)
        self.do(ItemSet(id_, *patches))
        self._doubt(id_)

    def move(self, id_: str, track: str, *, after: str | None = None, start: int | None = None) -> None:
        """Moves the item behind `after` on a magnetic track, to `start` on a free one."""
        before = self.spot(id_)
        if self.magnetic(track):
            lefts = self.lane(track).lefts(after, ANCHORS) if after is not None else ()
            spot = Spot(track, after, tuple(left for left in lefts if left != id_))
        else:
            spot = Spot(track, start=start)
        if (spot.track, spot.after, spot.start) == (before.track, before.after, before.start):
            return
        self._doubt(id_)
        self._unsettle(id_)
        self.do(ItemMoved(id_, before, spot))
        self._doubt(id_)
        self._unsettle(id_)

    def shift(self, track: str, first: str, delta: int) -> None:
        """On a free track moves `first` and everything later."""
        if not delta:
            return
        self._doubt(first)
        self.do(ItemsShifted(track, first, delta, self.lane(track).rights(first, ANCHORS)))
        self._doubt(first)

    def put_transition(self, key: str, value: Transition | None) -> None:
        """Adds, changes or (None) removes a transition."""
        old = self.state.transitions.get(key)
        if old != value:
            self.do(TransitionSet(key, old, value))

    def put_marker(self, id_: str, value: Marker | None) -> None:
        """Adds, changes or (None) removes a marker."""
        old = self.state.markers.get(id_)
        if old != value:
            self.do(MarkerSet(id_, old, value))

    def spot(self, id_: str) -> Spot:
        """Returns the item's place as ops tell it."""
        track = self.home(id_)
        lane = self.lane(track)
        if not self.magnetic(track):
            return Spot(track, start=lane.slot(id_).start)
        lefts = lane.lefts(id_, ANCHORS + 1)
        return Spot(track, lefts[0] if lefts else None, lefts[1:])

    # -- tidying up

    def doubt(self, key: str) -> None:
        """Has `settle` look whether this transition's neighbours touch."""
        self._doubtful[key] = None

    def settle(self) -> None:
        """Merges Gaps that came to lie side by side, drops one at the end of a track, and drops the transitions whose
        neighbours parted."""
        while self._gaps:
            id_ = next(iter(self._gaps))
            del self._gaps[id_]
            if id_ in self.state.items and self.is_gap(id_) and self.magnetic(self.home(id_)):
                self._merge(id_)
        for key in self._doubtful:
            it = self.state.transitions.get(key)
            if it is not None and not check.in_place(self.state, it):
                self.put_transition(key, None)
        self._doubtful.clear()

    def changes(self, before: Sequence, since: int) -> bool:
        """Returns whether the ops from number `since` on leave anything other than it was in `before`."""
        ops = self.ops[since:]
        made = {op.item.id for op in ops if isinstance(op, ItemInserted)}
        if not any(isinstance(op, ItemRemoved) and op.item.id in made for op in ops):
            return bool(ops)
        if not all(isinstance(op, ItemInserted | ItemRemoved | ItemSet) for op in ops):
            return True
        ids = {op.item if isinstance(op, ItemSet) else op.item.id for op in ops}  # type: ignore[union-attr]
        return any(before.items.get(id_) != self.state.items.get(id_) for id_ in ids)

    def guard(self, before: Sequence, since: int) -> None:
        """Refuses when the ops from number `since` on, which led here from `before`, break an invariant."""
        found = check.new_violations(before, self.ops[since:], self.state)
        if not found:
            return
        first = found[0]
        message = self._handle(before, first) if first.code == "outside_media" else first.message
        raise EditRefused(first.code, message, found)

    def rewind(self, state: Sequence, count: int) -> None:
        """Forgets everything since the state that the first `count` ops led to."""
        self.state = state
        del self.ops[count:]
        self._doubtful.clear()
        self._gaps.clear()

    def _merge(self, id_: str) -> None:
        left, slot, right = self.lane(self.home(id_)).around(id_)
        if right is None:
            self.remove(id_)
        elif left is not None and self.is_gap(left.id):
            self.remove(id_)
            self.set(left.id, duration=left.duration + slot.duration)
            self._gaps[left.id] = None
        elif self.is_gap(right.id):
            self.remove(right.id)
            self.set(id_, duration=slot.duration + right.duration)
            self._gaps[id_] = None

    def _doubt(self, id_: str) -> None:
        """Remembers the transitions near an item, as it lies now."""
        known = self.state.transitions
        if not known:
            return
        left, _, right = self.lane(self.home(id_)).around(id_)
        before, behind = left.id if left else "", right.id if right else ""
        for one, two in (
            (before, id_),
            (id_, behind),
            ("", id_),
            (id_, ""),
            (before, behind),
            (before, ""),
            ("", behind),
        ):
            key = f"{one}>{two}"
            if key in known:
                self._doubtful[key] = None

    def _unsettle(self, id_: str) -> None:
        """Remembers the Gaps beside an item that comes or goes."""
        track = self.home(id_)
        if not self.magnetic(track):
            return
        left, _, right = self.lane(track).around(id_)
        for slot in (left, right):
            if slot is not None and self.is_gap(slot.id):
                self._gaps[slot.id] = None

    def _handle(self, before: Sequence, conflict: Conflict) -> str:
        """Says how many frames of handle an item had when an edit asked for more."""
        old, new = before.items.get(conflict.id), self.state.items[conflict.id]
        available = available_range(new)
        if old is None or available is None or old.source != new.source:
            return conflict.message
        left = check.source_handles(old, before.rate)
        low, high = source_range(new, before.rate)
        if left is None:
            return conflict.message
        below, above = available[0] - low, high - available[1]
        at_head = (below > 0) == (new.speed.num >= 0)
        has, side = (left[0], "head") if at_head else (left[1], "tail")
        wants = max(below, above) + max(has, 0)
        return (
            f"{self.name(new.id)} has {check.frames(max(has, 0))} of handle left at its {side}; the edit needs {wants}."
        )


def retarget(it: Transition, *, left: str | None, right: str | None) -> Transition:
    """Returns the transition between other neighbours."""
    return replace(it, left=left, right=right)
