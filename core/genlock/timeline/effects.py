"""What an edit changed, as absolute upserts, so that no client re-implements edit rules (docs/protocol.md).

A client holds tracks in order and on each an ordered list of items with the empty frames before them (`gap`), so a
position is a running sum on either kind of track. An effect is `[kind, id, value]`; value None removes. An item's value
means: place it directly behind `after` on `track` (None: at the head) with `gap` frames before it; nothing else changes.
A ripple therefore is one effect, however many items it moves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, assert_never

from msgspec import UNSET, to_builtins

from genlock.timeline.lane import Slot
from genlock.timeline.model import Item, Marker, Track, Transition
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
    TrackInserted,
    TrackMoved,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.sequence import Sequence

Wire = dict[str, Any]


def snapshot(state: Sequence) -> Wire:
    """Returns the whole sequence as JSON-ready values: its header, `tracks` with their `items` in order, `transitions`,
    `markers` and open `conflicts`. Applying `effects` to the snapshot before an event gives the one after, but for
    `version`."""
    return {
        **header(state),
        "version": state.version,
        "tracks": [_track_snapshot(state, id_) for id_ in state.order],
        "transitions": [transition_value(state.transitions[key]) for key in sorted(state.transitions)],
        "markers": [marker_value(state.markers[id_]) for id_ in sorted(state.markers)],
        "conflicts": [conflict_value(state.conflicts[id_]) for id_ in sorted(state.conflicts)],
    }


def effects(before: Sequence | None, after: Sequence, ops: tuple[Op, ...] = ()) -> list[list[Any]]:
    """Returns what the ops changed between the two states, as `[kind, id, value|None]` in the order to apply them.

    Costs O(what the ops touch). Without `before` (the sequence is new) everything is upserted.
    """
    if before is None:
        return _everything(after)
    touched = _Touched(before, after)
    for op in ops:
        touched.add(op)
    # Its duration comes from the lanes, all else of its own from SequenceSet: most edits touch neither.
    own = before.lanes is not after.lanes or any(isinstance(op, SequenceSet) for op in ops)
    found: list[list[Any]] = []
    if own and (head := header(after)) != header(before):
        found.append(["sequence", after.id, head])
    found += touched.tracks_appear()
    found += touched.marks_gone()
    found += touched.items_gone()
    found += touched.items_placed()
    found += touched.marks_set()
    found += touched.tracks_gone()
    return found


def header(state: Sequence) -> Wire:
    """Returns the sequence's own fields."""
    value: Wire = {
        "id": state.id,
        "name": state.name,
        "rate": [state.rate.num, state.rate.den],
        "drop_frame": state.drop_frame,
        "start_frame": state.start_frame,
        "resolution": [state.resolution.width, state.resolution.height],
        "duration": state.duration,
        "archived": state.archived,
    }
    if state.foreign:
        value["foreign"] = to_builtins(state.foreign)
    return value


def track_value(track: Track, after: str | None) -> Wire:
    """Returns a track's own fields; `after` is the track below it in the sequence's order."""
    value: Wire = {
        "id": track.id,
        "after": after,
        "kind": track.kind,
        "name": track.name,
        "placement": track.placement,
        "enabled": track.enabled,
        "locked": track.locked,
        "sync_lock": track.sync_lock,
    }
    if track.foreign:
        value["foreign"] = to_builtins(track.foreign)
    return value


def item_value(item: Item, track: str, after: str | None, gap: int) -> Wire:
    """Returns an item with its place: behind `after`, `gap` empty frames between."""
    value: Wire = {
        "id": item.id,
        "track": track,
        "after": after,
        "gap": gap,
        "duration": item.duration,
        "source": to_builtins(item.source),
        "source_in": item.source_in,
        "speed": [item.speed.num, item.speed.den],
        "name": item.name,
        "enabled": item.enabled,
        "link": item.link,
    }
    if item.effects:
        value["effects"] = to_builtins(list(item.effects))
    if item.foreign:
        value["foreign"] = to_builtins(item.foreign)
    return value


def transition_value(transition: Transition) -> Wire:
    value: Wire = {
        "key": transition.key,
        "left": transition.left,
        "right": transition.right,
        "in_offset": transition.in_offset,
        "out_offset": transition.out_offset,
        "kind": transition.kind,
        "name": transition.name,
    }
    if transition.foreign:
        value["foreign"] = to_builtins(transition.foreign)
    return value


def marker_value(marker: Marker) -> Wire:
    value: Wire = {
        "id": marker.id,
        "item": marker.item,
        "start": marker.start,
        "duration": marker.duration,
        "name": marker.name,
        "color": marker.color,
        "comment": marker.comment,
    }
    if marker.foreign:
        value["foreign"] = to_builtins(marker.foreign)
    return value


def conflict_value(conflict: MergeConflict) -> Wire:
    """Returns a conflict as a person or a panel shows it; `choices` are the ways to settle it."""
    choices = ["ours", "theirs"] if conflict.take_theirs else ["ours"]
    return {
        "id": conflict.id,
        "kind": conflict.kind,
        "about": conflict.about,
        "field": conflict.field,
        "message": conflict.message,
        "base": to_builtins(conflict.base),
        "ours": to_builtins(conflict.ours),
        "theirs": to_builtins(conflict.theirs),
        "choices": [*choices, *(["both"] if conflict.keep_both else []), "manual"],
    }


def _track_snapshot(state: Sequence, id_: str) -> Wire:
    at = state.order.index(id_)
    items: list[Wire] = []
    left: Slot | None = None
    for slot, item in state.placed(id_):
        items.append(_placed(item, id_, left, slot))
        left = slot
    return {**track_value(state.tracks[id_], state.order[at - 1] if at else None), "items": items}


def _placed(item: Item, track: str, left: Slot | None, slot: Slot) -> Wire:
    return item_value(item, track, left.id if left else None, slot.start - (left.end if left else 0))


def _everything(state: Sequence) -> list[list[Any]]:
    whole = snapshot(state)
    found: list[list[Any]] = [["sequence", state.id, header(state)]]
    for track in whole["tracks"]:
        items = track.pop("items")
        found.append(["track", track["id"], track])
        found.extend(["item", item["id"], item] for item in items)
    found.extend(["transition", value["key"], value] for value in whole["transitions"])
    found.extend(["marker", value["id"], value] for value in whole["markers"])
    found.extend(["conflict", value["id"], value] for value in whole["conflicts"])
    return found


def _gaps(state: Sequence, track: str) -> dict[str, tuple[str | None, int]]:
    """Returns (left neighbour, gap) of each item of a track."""
    found: dict[str, tuple[str | None, int]] = {}
    left: Slot | None = None
    for slot in state.lanes.get(track, ()):
        found[slot.id] = (left.id, slot.start - left.end) if left else (None, slot.start)
        left = slot
    return found


class _Touched:
    """What ops name, and what lies right of it: the only things whose place can have changed.

    Items that no op placed keep their order among themselves, and what lies behind them unless something was placed or
    taken away there. So it is enough to place, from left to right, what was touched and its right neighbours, old and new.
    """

    def __init__(self, before: Sequence, after: Sequence) -> None:
        self._before = before
        self._after = after
        self._placed: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._shifts: list[tuple[str, ...]] = []
        self._replaced: list[str] = []
        self._tracks: dict[str, None] = {}
        self._transitions: dict[str, None] = {}
        self._markers: dict[str, None] = {}
        self._conflicts: dict[str, None] = {}

    def add(self, op: Op) -> None:
        match op:
            case ItemInserted(item=item) | ItemRemoved(item=item):
                self._placed[item.id] = None
            case ItemMoved(item=id_):
                self._placed[id_] = None
            case ItemSet(item=id_, after=patch):
                (self._changed if patch.duration is UNSET else self._placed)[id_] = None
            case ItemsShifted(first=first, rights=rights):
                self._shifts.append((first, *rights))
            case TrackInserted(track=track) | TrackRemoved(track=track):
                self._tracks[track.id] = None
            case TrackMoved(track=id_):
                self._tracks[id_] = None
            case TrackSet(track=id_, after=patch):
                self._tracks[id_] = None
                if patch.placement is not UNSET:
                    self._replaced.append(id_)
            case TransitionSet(key=key):
                self._transitions[key] = None
            case MarkerSet(marker=id_):
                self._markers[id_] = None
            case ConflictSet(conflict=id_):
                self._conflicts[id_] = None
            case SequenceSet():
                pass
            case _:
                assert_never(op)

    def tracks_appear(self) -> list[list[Any]]:
        order = self._after.order
        if not self._tracks:
            return []
        near = dict(self._tracks)
        for old in (self._before.order, order):
            near.update({right: None for left, right in pairwise(old) if left in self._tracks})
        found: list[list[Any]] = []
        for at, id_ in enumerate(order):
            if id_ in near:
                found.append(["track", id_, track_value(self._after.tracks[id_], order[at - 1] if at else None)])
        return found

    def tracks_gone(self) -> list[list[Any]]:
        return [["track", id_, None] for id_ in self._tracks if id_ not in self._after.tracks]

    def items_gone(self) -> list[list[Any]]:
        return [
            ["item", id_, None] for id_ in self._placed if id_ not in self._after.items and id_ in self._before.items
        ]

    def items_placed(self) -> list[list[Any]]:
        near = dict(self._placed) | self._changed
        for row in self._shifts:
            for id_ in row:
                near[id_] = None
                if id_ not in self._placed and id_ in self._after.home:
                    break  # it stands where it stood among those that no op placed, so its gap is all that changed
        for state in (self._before, self._after):
            for id_ in self._placed:
                if id_ in state.home and (right := state.lanes[state.home[id_]].after(id_)) is not None:
                    near[right.id] = None
        for track in self._replaced:
            # what an op takes away closes up or not, depending on when it came: only a look at the whole track tells
            old, new = _gaps(self._before, track), _gaps(self._after, track)
            near.update({id_: None for id_, place in new.items() if old.get(id_) != place})
        by_track: dict[str, list[Slot]] = {}
        for id_ in near:
            if id_ in self._after.home:
                by_track.setdefault(self._after.home[id_], []).append(self._after.slot(id_))
        found: list[list[Any]] = []
        for track, slots in by_track.items():
            lane = self._after.lanes[track]
            for slot in sorted(slots, key=lambda slot: slot.start):
                value = _placed(self._after.items[slot.id], track, lane.before(slot.id), slot)
                found.append(["item", slot.id, value])
        return found

    def marks_gone(self) -> list[list[Any]]:
        before, after = self._before, self._after
        gone = [
            ["transition", k, None] for k in self._transitions if k in before.transitions and k not in after.transitions
        ]
        gone += [["marker", m, None] for m in self._markers if m in before.markers and m not in after.markers]
        gone += [["conflict", c, None] for c in self._conflicts if c in before.conflicts and c not in after.conflicts]
        return gone

    def marks_set(self) -> list[list[Any]]:
        transitions, markers = self._after.transitions, self._after.markers
        found = [
            ["transition", key, transition_value(transitions[key])] for key in self._transitions if key in transitions
        ]
        found += [["marker", id_, marker_value(markers[id_])] for id_ in self._markers if id_ in markers]
        conflicts = self._after.conflicts
        return [*found, *(["conflict", c, conflict_value(conflicts[c])] for c in self._conflicts if c in conflicts)]
