"""The state of one sequence, immutable, and `apply(state, op)`, which is all that ever changes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, assert_never

from immutables import Map
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from genlock.timeline.lane import Lane, Slot
from genlock.timeline.model import Item, Marker, Resolution, Track, Transition
from genlock.timeline.ops import (
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    MergeConflict,
    Op,
    SequenceSet,
    Spot,
    TrackInserted,
    TrackMoved,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.rate import Rate

V = TypeVar("V")


class Sequence(Struct, frozen=True):
    """A whole timeline at one version.

    `order` lists the track ids, each kind from bottom to top (V1, V2, ..., A1, A2, ...). `lanes` says what lies where,
    `home` on which track an item is, `links` who belongs to a link group, `marks` which markers are on an item.
    `conflicts` are what merges left open.
    `start_frame` is the frame number of the first frame's timecode. Reading helpers below; nothing here checks an edit:
    that is what edits.decide is for.
    """

    id: str
    version: int = 0
    name: str = ""
    rate: Rate = Rate(24)
    drop_frame: bool = False
    start_frame: int = 0
    resolution: Resolution = Resolution()
    order: tuple[str, ...] = ()
    tracks: Map[str, Track] = Map()
    lanes: Map[str, Lane] = Map()
    items: Map[str, Item] = Map()
    home: Map[str, str] = Map()
    transitions: Map[str, Transition] = Map()
    markers: Map[str, Marker] = Map()
    links: Map[str, frozenset[str]] = Map()
    marks: Map[str, frozenset[str]] = Map()
    conflicts: Map[str, MergeConflict] = Map()
    foreign: dict[str, Any] = {}
    archived: bool = False

    @property
    def duration(self) -> int:
        """Frames to the end of the longest track."""
        return max((lane.end for lane in self.lanes.values()), default=0)

    def slot(self, item: str) -> Slot:
        """Returns where the item lies; KeyError when it does not exist."""
        return self.lanes[self.home[item]].slot(item)

    def track_of(self, item: str) -> Track:
        return self.tracks[self.home[item]]

    def track_called(self, track: str) -> str:
        """Returns the track's name; one without is called as in cutting rooms: V2, A1."""
        found = self.tracks[track]
        if found.name:
            return found.name
        same = [id_ for id_ in self.order if self.tracks[id_].kind == found.kind]
        return f"{found.kind[0].upper()}{same.index(track) + 1}"

    def placed(self, track: str) -> Iterator[tuple[Slot, Item]]:
        """Yields the items of a track in order, with their places."""
        for slot in self.lanes[track]:
            yield slot, self.items[slot.id]

    def linked(self, item: str) -> tuple[str, ...]:
        """Returns the other members of the item's link group, sorted by id."""
        link = self.items[item].link
        return tuple(sorted(self.links[link] - {item})) if link else ()


def apply(state: Sequence, op: Op) -> Sequence:
    """Returns the state after one op.

    The op must fit the state, as those from decide, undo and the log do; one that does not raises KeyError.
    """
    match op:
        case ItemInserted(track=track, item=item, after=after, start=start):
            return _insert(state, track, item, after, start)
        case ItemRemoved(item=item):
            return _remove(state, item.id)
        case ItemMoved():
            return _move(state, op.item, op.after)
        case ItemSet():
            return _set_item(state, op)
        case ItemsShifted(track=track, first=first, delta=delta):
            return replace(state, lanes=state.lanes.set(track, state.lanes[track].shift(first, delta)))
        case TrackInserted() | TrackRemoved() | TrackMoved() | TrackSet():
            return _apply_track(state, op)
        case TransitionSet(key=key, after=transition):
            return replace(state, transitions=_put(state.transitions, key, transition))
        case MarkerSet(marker=marker, after=value):
            marks = _leave(state.marks, old.item if (old := state.markers.get(marker)) else None, marker)
            marks = _join(marks, value.item if value else None, marker)
            return replace(state, markers=_put(state.markers, marker, value), marks=marks)
        case ConflictSet(conflict=id_, after=conflict):
            return replace(state, conflicts=_put(state.conflicts, id_, conflict))
        case SequenceSet(after=patch):
            return replace(state, **_fields(patch))
        case _:
            assert_never(op)


def apply_all(state: Sequence, ops: Iterable[Op]) -> Sequence:
    """Returns the state after the ops in order."""
    for op in ops:
        state = apply(state, op)
    return state


def _insert(state: Sequence, track: str, item: Item, after: str | None, start: int | None) -> Sequence:
    return replace(
        state,
        items=state.items.set(item.id, item),
        home=state.home.set(item.id, track),
        lanes=state.lanes.set(track, _lane_insert(state, Spot(track, after, (), start), item)),
        links=_join(state.links, item.link, item.id),
    )


def _remove(state: Sequence, id_: str) -> Sequence:
    track = state.home[id_]
    return replace(
        state,
        items=state.items.delete(id_),
        home=state.home.delete(id_),
        lanes=state.lanes.set(track, state.lanes[track].remove(id_, close=_magnetic(state, track))),
        links=_leave(state.links, state.items[id_].link, id_),
    )


def _move(state: Sequence, id_: str, spot: Spot) -> Sequence:
    track, item = state.home[id_], state.items[id_]
    state = replace(
        state,
        home=state.home.set(id_, spot.track),
        lanes=state.lanes.set(track, state.lanes[track].remove(id_, close=_magnetic(state, track))),
    )
    return replace(state, lanes=state.lanes.set(spot.track, _lane_insert(state, spot, item)))


def _lane_insert(state: Sequence, spot: Spot, item: Item) -> Lane:
    lane = state.lanes[spot.track]
    if _magnetic(state, spot.track):
        return lane.insert_after(spot.after, item.id, item.duration)
    if spot.start is None:
        raise KeyError(f"no start for {item.id} on the free track {spot.track}")
    return lane.insert_at(spot.start, item.id, item.duration)


def _set_item(state: Sequence, op: ItemSet) -> Sequence:
    old = state.items[op.item]
    new = replace(old, **_fields(op.after))
    state = replace(state, items=state.items.set(op.item, new))
    if new.duration != old.duration:
        track = state.home[op.item]
        lane = state.lanes[track].resize(op.item, new.duration, push=_magnetic(state, track))
        state = replace(state, lanes=state.lanes.set(track, lane))
    if new.link != old.link:
        links = _join(_leave(state.links, old.link, op.item), new.link, op.item)
        state = replace(state, links=links)
    return state


def _apply_track(state: Sequence, op: TrackInserted | TrackRemoved | TrackMoved | TrackSet) -> Sequence:
    match op:
        case TrackInserted(track=track, after=after):
            return replace(
                state,
                order=_behind(state.order, track.id, after),
                tracks=state.tracks.set(track.id, track),
                lanes=state.lanes.set(track.id, Lane()),
            )
        case TrackRemoved(track=track):
            return replace(
                state,
                order=tuple(t for t in state.order if t != track.id),
                tracks=state.tracks.delete(track.id),
                lanes=state.lanes.delete(track.id),
            )
        case TrackMoved(track=id_, to_after=after):
            return replace(state, order=_behind(tuple(t for t in state.order if t != id_), id_, after))
        case TrackSet(track=id_, after=patch):
            track = replace(state.tracks[id_], **_fields(patch))
            return replace(state, tracks=state.tracks.set(id_, track))
        case _:
            assert_never(op)


def _magnetic(state: Sequence, track: str) -> bool:
    return state.tracks[track].placement == "magnetic"


def _behind(order: tuple[str, ...], id_: str, after: str | None) -> tuple[str, ...]:
    at = 0 if after is None else order.index(after) + 1
    return (*order[:at], id_, *order[at:])


def _put(values: Map[str, V], key: str, value: V | None) -> Map[str, V]:
    return values.delete(key) if value is None else values.set(key, value)


def _join(groups: Map[str, frozenset[str]], group: str | None, member: str) -> Map[str, frozenset[str]]:
    return groups if group is None else groups.set(group, groups.get(group, frozenset()) | {member})


def _leave(groups: Map[str, frozenset[str]], group: str | None, member: str) -> Map[str, frozenset[str]]:
    if group is None:
        return groups
    rest = groups[group] - {member}
    return groups.set(group, rest) if rest else groups.delete(group)


def _fields(patch: Struct) -> dict[str, Any]:
    return {name: value for name, value in asdict(patch).items() if value is not UNSET}
