"""The stored primitives. Each is addressed by ids and anchors, never by index, and carries before and after values, so
that it can be inverted without looking anything up.

Anchors: `after` is the left neighbour on a magnetic track (None = at the head); `lefts` are up to eight earlier
neighbours, nearest first, for when the anchor itself is gone by the time of an undo. On a free track `start` (sequence
frames from the first frame) places the item and the anchors are empty.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from genlock.timeline.model import Item, Kind, Marker, Placement, Resolution, Source, Track, Transition
from genlock.timeline.rate import Speed

ANCHORS = 8


class ItemInserted(Struct, frozen=True, omit_defaults=True, tag="ItemInserted"):
    """On a magnetic track everything later moves along by the item's duration; on a free track nothing else moves."""

    track: str
    item: Item
    after: str | None = None
    start: int | None = None


class ItemRemoved(Struct, frozen=True, omit_defaults=True, tag="ItemRemoved"):
    """On a magnetic track everything later closes up; on a free track nothing else moves."""

    track: str
    item: Item
    after: str | None = None
    lefts: tuple[str, ...] = ()
    start: int | None = None


class Spot(Struct, frozen=True, omit_defaults=True):
    """A place on a track: anchors on a magnetic one, `start` on a free one."""

    track: str
    after: str | None = None
    lefts: tuple[str, ...] = ()
    start: int | None = None


class ItemMoved(Struct, frozen=True, omit_defaults=True, tag="ItemMoved"):
    """One item changes place; markers, transitions and links are untouched by this op itself."""

    item: str
    before: Spot
    after: Spot


class ItemPatch(Struct, frozen=True, omit_defaults=True):
    """Some fields of an item."""

    name: str | UnsetType = UNSET
    source: Source | UnsetType = UNSET
    source_in: int | UnsetType = UNSET
    duration: int | UnsetType = UNSET
    speed: Speed | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    effects: tuple[dict[str, Any], ...] | UnsetType = UNSET
    link: str | UnsetType | None = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class ItemSet(Struct, frozen=True, omit_defaults=True, tag="ItemSet"):
    """Fields of one item change. Both patches hold the same fields. A new `duration` moves later items on a magnetic
    track and nothing on a free one."""

    item: str
    before: ItemPatch
    after: ItemPatch


class ItemsShifted(Struct, frozen=True, omit_defaults=True, tag="ItemsShifted"):
    """On a free track `first` and everything after it move by `delta` frames: a ripple is one op, whatever its length.
    `rights` are up to eight later neighbours for when `first` is gone."""

    track: str
    first: str
    delta: int
    rights: tuple[str, ...] = ()


class TrackInserted(Struct, frozen=True, omit_defaults=True, tag="TrackInserted"):
    """An empty track, above `after` in the sequence's track order (None = first)."""

    track: Track
    after: str | None = None


class TrackRemoved(Struct, frozen=True, omit_defaults=True, tag="TrackRemoved"):
    """An empty track goes; its items went before it by ItemRemoved."""

    track: Track
    after: str | None = None
    lefts: tuple[str, ...] = ()


class TrackMoved(Struct, frozen=True, omit_defaults=True, tag="TrackMoved"):
    track: str
    from_after: str | None = None
    from_lefts: tuple[str, ...] = ()
    to_after: str | None = None


class TrackPatch(Struct, frozen=True, omit_defaults=True):
    """Some fields of a track."""

    kind: Kind | UnsetType = UNSET
    name: str | UnsetType = UNSET
    placement: Placement | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    sync_lock: bool | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class TrackSet(Struct, frozen=True, omit_defaults=True, tag="TrackSet"):
    track: str
    before: TrackPatch
    after: TrackPatch


class TransitionSet(Struct, frozen=True, omit_defaults=True, tag="TransitionSet"):
    """A transition appears (`before` None), changes, or goes (`after` None). `key` is model.transition_key."""

    key: str
    before: Transition | None = None
    after: Transition | None = None


class MarkerSet(Struct, frozen=True, omit_defaults=True, tag="MarkerSet"):
    """A marker appears (`before` None), changes, or goes (`after` None)."""

    marker: str
    before: Marker | None = None
    after: Marker | None = None


class SequencePatch(Struct, frozen=True, omit_defaults=True):
    """Some settings of a sequence. Its rate never changes."""

    name: str | UnsetType = UNSET
    drop_frame: bool | UnsetType = UNSET
    start_frame: int | UnsetType = UNSET
    resolution: Resolution | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class SequenceSet(Struct, frozen=True, omit_defaults=True, tag="SequenceSet"):
    before: SequencePatch
    after: SequencePatch


PlainOp = (
    ItemInserted
    | ItemRemoved
    | ItemMoved
    | ItemSet
    | ItemsShifted
    | TrackInserted
    | TrackRemoved
    | TrackMoved
    | TrackSet
    | TransitionSet
    | MarkerSet
    | SequenceSet
)


ConflictKind = Literal[
    "both_set",
    "removed_here",
    "removed_there",
    "both_moved",
    "no_room",
    "no_handle",
    "transition_lost",
    "track_removed",
    "locked",
    "unsure",
]
"""Why a returned cut could not be merged at one place:

both_set        the same field of the same thing was given two values
removed_here    changed in the returned cut, removed here since
removed_there   removed in the returned cut, changed here since
both_moved      moved to two places
no_room         it would lie where something else lies by now (free tracks)
no_handle       in- and out-point together would leave nothing, or ask for frames the media does not have
transition_lost a transition whose neighbours are no longer side by side, or too short for it
track_removed   a track removed on one side and worked on by the other
locked          changed in the returned cut on a track that is locked here
unsure          which of several items the returned one was cannot be told with confidence
"""


class MergeConflict(Struct, frozen=True, omit_defaults=True):
    """One place where a returned cut and the present one disagree. Ours stands until somebody decides.

    `about` is the id of the item, track or marker, the key of the transition, or the sequence's id; `field` the field
    in question, or several ("in_offset, out_offset"). `base`, `ours` and `theirs` are the three values, JSON-ready, for
    showing; of several fields by their names. `take_theirs` and `keep_both` are the edits that settle it otherwise, as ops
    on the state right after the merge (empty: that cannot be done).
    """

    id: str
    kind: ConflictKind
    about: str
    message: str
    field: str = ""
    base: Any = None
    ours: Any = None
    theirs: Any = None
    take_theirs: tuple[PlainOp, ...] = ()
    keep_both: tuple[PlainOp, ...] = ()


class ConflictSet(Struct, frozen=True, omit_defaults=True, tag="ConflictSet"):
    """A merge leaves a conflict open (`before` None), or it is settled (`after` None)."""

    conflict: str
    before: MergeConflict | None = None
    after: MergeConflict | None = None


Op = PlainOp | ConflictSet
