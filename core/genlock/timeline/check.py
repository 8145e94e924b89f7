"""What is true of every sequence, as a check. `violations` looks at everything, `violations_after` near an edit only.

Items     each lies on exactly one lane; `home`, `items`, `lanes` and `links` agree; a duration is at least one frame; a
          Gap lies on magnetic tracks only; the frames shown exist, where the available range is known.
Lanes     nothing starts before 0; a magnetic lane has no hole; nothing overlaps on a free one.
Transitions
          keyed by their neighbours, which exist, are no Gaps, lie on one track and touch. A fade (one side None) lies at
          an open edge: on that side its item touches nothing but a Gap. Offsets are >= 0 and not both 0, fit into the
          items (the one at the head and the one at the tail together), and the handles exist where media is known.
Markers   those of an item name one that exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from msgspec import UNSET

from genlock.timeline.decision import Conflict
from genlock.timeline.lane import Slot
from genlock.timeline.model import Gap, Item, Track, Transition, available_range, source_frame, source_range
from genlock.timeline.ops import (
    ANCHORS,
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    SequenceSet,
    TrackInserted,
    TrackMoved,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all

FURTHEST: Final = 2**28
"""Frames from the start of a sequence at most: 51 days at 60 frames per second."""

FURTHEST_SOURCE: Final = 2**48
"""Frame numbers of a source, and of a sequence's start, at most, either way: files count in ticks too."""


def violations(state: Sequence) -> list[Conflict]:
    """Returns everything about the sequence that must not be, each as a conflict; empty for a sound one."""
    found = [*_start(state), *_tracks(state), *_homes(state)]
    for track in state.tracks.values():
        if track.id in state.lanes:
            found.extend(_end(state, track.id))
            found.extend(_lane(state, track))
    for link in state.links:
        found.extend(_group(state, link))
    for key in state.transitions:
        found.extend(_transition(state, key))
    for marker in state.markers:
        found.extend(_marker(state, marker))
    for item in state.marks:
        found.extend(_marks(state, item))
    return list(dict.fromkeys(found))


def violations_after(before: Sequence, ops: Iterable[Op], after: Sequence | None = None) -> list[Conflict]:
    """Returns what the ops, applied to the sound state `before`, would break; looks only near what they touch.

    `after` is the state they lead to, when the caller has it already. For a sound `before` the answer holds the same
    conflicts as `violations(after)`, in another order. Raises KeyError for ops that do not fit the state.
    """
    ops = tuple(ops)
    if after is None:
        after = apply_all(before, ops)
    return _near(before, after, _Touched.by(ops))


def new_violations(before: Sequence, ops: Iterable[Op], after: Sequence) -> list[Conflict]:
    """Returns what the ops break that was whole before, so that an old fault does not stop every edit near it."""
    ops = tuple(ops)
    touched = _Touched.by(ops)
    found = _near(before, after, touched)
    if not found:
        return found
    old = {(conflict.code, conflict.id) for conflict in _near(before, before, touched)}
    return [conflict for conflict in found if (conflict.code, conflict.id) not in old]


def source_handles(item: Item, rate: Rate) -> tuple[int, int] | None:
    """Returns how many frames of handle lie before the item's in-point and behind its out-point, counted in source
    frames in the direction it plays; None when its source is endless or unprobed."""
    available = available_range(item)
    if available is None:
        return None
    low, high = source_range(item, rate)
    head, tail = low - available[0], available[1] - high
    return (tail, head) if item.speed.num < 0 else (head, tail)


def item_at(state: Sequence, id_: str, side: int) -> str | None:
    """Returns the clip that touches the item on its left (`side` -1) or right (+1); None for room, a Gap or no item."""
    left, slot, right = state.lanes[state.home[id_]].around(id_)
    other = left if side < 0 else right
    if other is None or (other.end != slot.start if side < 0 else slot.end != other.start):
        return None
    return None if isinstance(state.items[other.id].source, Gap) else other.id


def transition_at(state: Sequence, id_: str, side: int) -> Transition | None:
    """Returns the transition at the item's head (`side` -1) or tail (+1), a fade included."""
    if not state.transitions:
        return None
    other = item_at(state, id_, side)
    for name in (other, None) if other else (None,):
        key = f"{name or ''}>{id_}" if side < 0 else f"{id_}>{name or ''}"
        if (found := state.transitions.get(key)) is not None:
            return found
    return None


def frames(count: int) -> str:
    """Returns a number of frames in words."""
    return f"{count} frame" if count == 1 else f"{count} frames"


def in_place(state: Sequence, it: Transition) -> bool:
    """Returns whether the transition's neighbours exist and touch, or a fade's edge is open."""
    for id_, side, other in ((it.left, 1, it.right), (it.right, -1, it.left)):
        if id_ is None:
            continue
        lane = state.lanes.get(state.home.get(id_, ""))
        if lane is None or isinstance(state.items[id_].source, Gap):
            return False
        if item_at(state, id_, side) != other:
            return False
    return True


# -- one thing at a time


def _start(state: Sequence) -> Iterator[Conflict]:
    if abs(state.start_frame) > FURTHEST_SOURCE:
        yield Conflict("bad_value", state.id, f"No sequence starts at frame {state.start_frame}.")


def _end(state: Sequence, track: str) -> Iterator[Conflict]:
    if (end := state.lanes[track].end) > FURTHEST:
        yield Conflict("bad_value", track, f"The track would end at frame {end}; the furthest is {FURTHEST}.")


def _tracks(state: Sequence) -> Iterator[Conflict]:
    if len(set(state.order)) != len(state.order):
        yield Conflict("bad_timeline", state.id, "A track stands twice in the order.")
    for name in {*state.order, *state.tracks, *state.lanes}:
        if not (name in state.order and name in state.tracks and name in state.lanes):
            yield Conflict("bad_timeline", name, f"Order, tracks and lanes disagree about track {name}.")


def _homes(state: Sequence) -> Iterator[Conflict]:
    seen: set[str] = set()
    for track, lane in state.lanes.items():
        for id_ in lane.ids():
            if id_ in seen:
                yield Conflict("bad_timeline", id_, f"{id_} lies in two places.")
            elif id_ not in state.items or state.home.get(id_) != track:
                yield Conflict("bad_timeline", id_, f"{id_} lies on {track} and the state does not know it.")
            seen.add(id_)
    for id_ in {*state.items, *state.home} - seen:
        yield Conflict("bad_timeline", id_, f"{id_} lies on no track.")


def _lane(state: Sequence, track: Track) -> Iterator[Conflict]:
    left: Slot | None = None
    for slot in state.lanes[track.id]:
        yield from _seam(state, track, left, slot)
        if slot.id in state.items:
            yield from _item(state, track, slot, state.items[slot.id])
        left = slot


def _seam(state: Sequence, track: Track, left: Slot | None, slot: Slot) -> Iterator[Conflict]:
    if slot.start < 0 and (left is None or left.start >= 0):
        yield Conflict("before_start", slot.id, f"{_name(state, slot.id)} would start at frame {slot.start}.")
    if track.placement == "magnetic":
        if slot.start != (left.end if left else 0):
            yield Conflict("bad_timeline", slot.id, f"There is a hole before {_name(state, slot.id)}.")
    elif left and slot.start < left.end:
        message = f"{_name(state, left.id)} and {_name(state, slot.id)} would share {frames(left.end - slot.start)}."
        yield Conflict("overlap", slot.id, message)


def _item(state: Sequence, track: Track, slot: Slot, item: Item) -> Iterator[Conflict]:
    if item.duration < 1:
        yield Conflict("too_short", item.id, f"{_name(state, item.id)} would be left without a frame.")
        return
    if slot.duration != item.duration:
        yield Conflict("bad_timeline", item.id, f"Lane and item disagree about the length of {item.id}.")
    if track.placement == "free" and isinstance(item.source, Gap):
        yield Conflict("wrong_placement", item.id, "A Gap item lies on a free track.")
    if item.link is not None and item.id not in state.links.get(item.link, ()):
        yield Conflict("bad_timeline", item.id, f"The link group {item.link} misses {item.id}.")
    if abs(item.source_in) > FURTHEST_SOURCE:
        yield Conflict("bad_value", item.id, f"No source has a frame {item.source_in}.")
    yield from _shown(state, item, 0, 0, "outside_media")


def _shown(state: Sequence, item: Item, head: int, tail: int, code: str, of: str = "") -> Iterator[Conflict]:
    """Checks the item with `head` and `tail` more sequence frames against the media it has."""
    available = available_range(item)
    if available is None:
        return
    one, two = source_frame(item, state.rate, -head), source_frame(item, state.rate, item.duration - 1 + tail)
    low, high = min(one, two), max(one, two) + 1
    if low < available[0] or high > available[1]:
        message = (
            f"{_name(state, item.id)} would show source frames {low} to {high - 1}; "
            f"there are {available[0]} to {available[1] - 1}."
        )
        yield Conflict(code, of or item.id, message)


def _group(state: Sequence, link: str) -> Iterator[Conflict]:
    for id_ in state.links.get(link, ()):
        if id_ not in state.items or state.items[id_].link != link:
            yield Conflict("bad_timeline", id_, f"The link group {link} names {id_}, which is not in it.")


def _marker(state: Sequence, id_: str) -> Iterator[Conflict]:
    marker = state.markers[id_]
    if marker.id != id_:
        yield Conflict("bad_timeline", id_, f"The marker {marker.id} is stored as {id_}.")
    if marker.item is not None and marker.item not in state.items:
        yield Conflict("no_such_item", id_, f"The marker {id_} is on {marker.item}, which does not exist.")
    elif marker.item is not None and id_ not in state.marks.get(marker.item, ()):
        yield Conflict("bad_timeline", id_, f"The state does not know that the marker {id_} is on {marker.item}.")
    if marker.duration < 0:
        yield Conflict("bad_value", id_, "A marker has a negative duration.")
    if max(abs(marker.start), marker.duration) > FURTHEST_SOURCE:
        yield Conflict("bad_value", id_, "A marker lies further away than any frame.")


def _marks(state: Sequence, item: str) -> Iterator[Conflict]:
    for id_ in sorted(state.marks[item]):
        if id_ not in state.markers or state.markers[id_].item != item:
            yield Conflict("bad_timeline", id_, f"The marker {id_} is not on {item}.")


def _transition(state: Sequence, key: str) -> Iterator[Conflict]:
    it = state.transitions[key]
    if it.key != key:
        yield Conflict("bad_timeline", key, f"The transition {it.key} is stored as {key}.")
    elif it.left is None and it.right is None:
        yield Conflict("bad_value", key, "A transition needs an item on one side at least.")
    elif it.in_offset < 0 or it.out_offset < 0 or it.in_offset + it.out_offset == 0:
        yield Conflict("bad_value", key, "A transition needs a length, and none of its offsets may be negative.")
    elif missing := [id_ for id_ in (it.left, it.right) if id_ is not None and id_ not in state.items]:
        yield Conflict("no_such_item", key, f"A transition is on {missing[0]}, which does not exist.")
    elif not in_place(state, it):
        yield Conflict("not_adjacent", key, "The neighbours of a transition do not touch.")
    else:
        yield from _covered(state, it)


def _covered(state: Sequence, it: Transition) -> Iterator[Conflict]:
    if it.left is not None:
        item, head = state.items[it.left], transition_at(state, it.left, -1)
        yield from _fits(state, item, (head.out_offset if head else 0) + it.in_offset)
        yield from _shown(state, item, 0, it.out_offset, "not_enough_handle", it.key)
    if it.right is not None:
        item, tail = state.items[it.right], transition_at(state, it.right, 1)
        yield from _fits(state, item, it.out_offset + (tail.in_offset if tail else 0))
        yield from _shown(state, item, it.in_offset, 0, "not_enough_handle", it.key)


def _fits(state: Sequence, item: Item, covered: int) -> Iterator[Conflict]:
    if covered > item.duration:
        message = f"{_name(state, item.id)} has {frames(item.duration)}, its transitions need {covered}."
        yield Conflict("too_short", item.id, message)


def _name(state: Sequence, id_: str) -> str:
    item = state.items.get(id_)
    return (item.name if item else "") or id_


# -- near an edit


class _Touched:
    """What a list of ops names."""

    def __init__(self) -> None:
        self.items: dict[str, None] = {}  # in order, so that conflicts come in the same order each time
        self.tracks: set[str] = set()
        self.whole_tracks: set[str] = set()
        self.transitions: dict[str, None] = {}
        self.markers: dict[str, None] = {}
        self.shifts: list[ItemsShifted] = []

    @classmethod
    def by(cls, ops: tuple[Op, ...]) -> _Touched:
        touched = cls()
        for op in ops:
            touched.add(op)
        return touched

    def add(self, op: Op) -> None:
        match op:
            case ItemInserted(item=item) | ItemRemoved(item=item):
                self.items[item.id] = None
            case ItemMoved(item=id_):
                self.items[id_] = None
            case ItemSet(item=id_, after=patch):
                # names, switches and effects break nothing
                if not (
                    patch.duration is UNSET
                    and patch.source_in is UNSET
                    and patch.source is UNSET
                    and patch.speed is UNSET
                    and patch.link is UNSET
                ):
                    self.items[id_] = None
            case ItemsShifted():
                self.shifts.append(op)
            case TrackInserted(track=track) | TrackRemoved(track=track):
                self.tracks.add(track.id)
                self.whole_tracks.add(track.id)
            case TrackMoved(track=id_):
                self.tracks.add(id_)
            case TrackSet(track=id_, after=settings):
                if settings.placement is not UNSET:
                    self.whole_tracks.add(id_)
            case TransitionSet(key=key):
                self.transitions[key] = None
            case MarkerSet(marker=id_):
                self.markers[id_] = None
            case SequenceSet() | ConflictSet():
                pass
            case _:
                assert_never(op)


def _near(before: Sequence, after: Sequence, touched: _Touched) -> list[Conflict]:
    found: dict[Conflict, None] = {}
    _add_shifted(before, after, touched)
    if touched.tracks:
        found.update(dict.fromkeys(_tracks(after)))
    for name in sorted(touched.whole_tracks):
        found.update(dict.fromkeys(_whole_track(before, after, name, touched)))
    found.update(dict.fromkeys(_start(after)))
    seams, near = _surroundings(before, after, touched)
    for name in sorted({track for track, _ in seams}):
        found.update(dict.fromkeys(_end(after, name)))
    for (track, id_), (left, slot) in seams.items():
        found.update(dict.fromkeys(_seam(after, after.tracks[track], left, slot)))
        if id_ in touched.items:
            found.update(dict.fromkeys(_item(after, after.tracks[track], slot, after.items[id_])))
    for link in sorted(_links(before, after, touched)):
        found.update(dict.fromkeys(_group(after, link)))
    for key in _keys(before, after, touched, near):
        found.update(dict.fromkeys(_transition(after, key)))
    for id_ in _markers(after, touched):
        found.update(dict.fromkeys(_marker(after, id_)))
    return list(found)


def _whole_track(before: Sequence, after: Sequence, name: str, touched: _Touched) -> Iterator[Conflict]:
    there = [key for key, it in after.transitions.items() if after.home.get(it.left or it.right or "") == name]
    touched.transitions.update(dict.fromkeys(there))
    if name in after.tracks and name in after.lanes:
        yield from _lane(after, after.tracks[name])
        return
    ids = [*(before.lanes[name].ids() if name in before.lanes else ()), *touched.items]
    for id_ in dict.fromkeys(ids):
        if after.home.get(id_) == name:
            yield Conflict("bad_timeline", id_, f"{id_} lies on no track.")


def _add_shifted(before: Sequence, after: Sequence, touched: _Touched) -> None:
    """Adds the first item that a shift moved and nothing else did; the whole track when the op cannot tell."""
    otherwise = frozenset(touched.items) if touched.shifts else frozenset()
    for op in touched.shifts:
        for id_ in (op.first, *op.rights):
            if id_ not in otherwise and after.home.get(id_) == op.track == before.home.get(id_):
                touched.items[id_] = None
                break
        else:
            lane = before.lanes.get(op.track)
            was_last = lane is not None and lane.last is not None and lane.last.id == op.first
            if not (was_last or 0 < len(op.rights) < ANCHORS):
                touched.whole_tracks.add(op.track)


_Seams = dict[tuple[str, str], tuple[Slot | None, Slot]]
"""(track, item right of the seam) -> the slots left and right of it"""


def _surroundings(before: Sequence, after: Sequence, touched: _Touched) -> tuple[_Seams, dict[str, None]]:
    """Returns the seams to look at, and every item near what was touched."""
    seams: _Seams = {}
    near: dict[str, None] = dict.fromkeys(touched.items)
    for id_ in touched.items:
        track = after.home.get(id_)
        if track is not None and track in after.lanes:
            left, slot, right = after.lanes[track].around(id_)
            seams[track, id_] = (left, slot)
            if left is not None:
                near[left.id] = None
            if right is not None:
                near[right.id] = None
                seams[track, right.id] = (slot, right)
        old = before.home.get(id_)
        unmoved = old == track and old is not None and before.lanes.get(old) is after.lanes.get(old)
        if old is not None and old in before.lanes and not unmoved:
            left, _, right = before.lanes[old].around(id_)
            for beside in (left, right):
                if beside is not None:
                    near[beside.id] = None
            _old_seam(after, old, left, right, seams)
    return seams, near


def _old_seam(after: Sequence, track: str, left: Slot | None, right: Slot | None, seams: _Seams) -> None:
    """Adds the seams where something was taken away."""
    lane = after.lanes.get(track)
    if lane is None:
        return
    if right is not None and after.home.get(right.id) == track and (track, right.id) not in seams:
        beside, slot, _ = lane.around(right.id)
        seams[track, right.id] = (beside, slot)
    if left is None:
        if lane.first is not None:
            seams[track, lane.first.id] = (None, lane.first)
    elif after.home.get(left.id) == track:
        _, slot, now = lane.around(left.id)
        if now is not None:
            seams[track, now.id] = (slot, now)


def _links(before: Sequence, after: Sequence, touched: _Touched) -> set[str]:
    items = [state.items.get(id_) for state in (before, after) for id_ in touched.items]
    return {item.link for item in items if item is not None and item.link is not None}


def _keys(before: Sequence, after: Sequence, touched: _Touched, near: dict[str, None]) -> Iterator[str]:
    """Yields the transitions of `after` that may be concerned, each once."""
    if not after.transitions:
        return
    keys: dict[str, None] = dict.fromkeys(touched.transitions)
    for id_ in near:
        for state in (before, after):
            track = state.home.get(id_)
            if track is None or track not in state.lanes:
                continue
            left, _, right = state.lanes[track].around(id_)
            keys[f"{left.id if left else ''}>{id_}"] = None
            keys[f"{id_}>{right.id if right else ''}"] = None
        keys[f">{id_}"] = None
        keys[f"{id_}>"] = None
    yield from (key for key in keys if key in after.transitions)


def _markers(after: Sequence, touched: _Touched) -> Iterator[str]:
    yield from (id_ for id_ in touched.markers if id_ in after.markers)
    if after.marks:
        for id_ in touched.items:
            if id_ not in after.items:
                yield from sorted(after.marks.get(id_, ()))
