"""What a host or a person asks for. Names are imperatives; on the wire a command is `{"do": "TrimItem", ...}`.

Frames are sequence frames from the sequence's first frame (so 0 is its start timecode) unless a field says otherwise.
Empty ids are filled from the command id (edits.ids.Ids), so that a repeated command makes the same ids.

`linked`: the other members of the item's link group take part (A/V clips move and trim together).
`sync`: the ripple also moves the other sync-locked tracks.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from genlock.timeline.model import Item, Kind, Marker, Placement, Resolution, Source
from genlock.timeline.rate import Speed


class Place(Struct, frozen=True, omit_defaults=True):
    """Where on a track: directly behind the item `after`, else at frame `at`, else behind the last item."""

    track: str
    at: int | None = None
    after: str | None = None


class _Command(Struct, frozen=True, omit_defaults=True, tag_field="do", tag=True, forbid_unknown_fields=True):
    pass


class InsertItem(_Command, frozen=True):
    """Inserts and ripples: what lies under `at` is split, everything later moves right by the item's duration."""

    place: Place
    item: Item
    sync: bool = True


class OverwriteItem(_Command, frozen=True):
    """Puts the item at `at` over whatever lies there; nothing else moves."""

    track: str
    at: int
    item: Item


class AppendItem(_Command, frozen=True):
    """Puts the item behind the last one of the track."""

    track: str
    item: Item


class FillGap(_Command, frozen=True):
    """Puts the item into the gap at `at`; `fit`: "trim" cuts the item to the gap, "speed" retimes it to fill it,
    "source" keeps its length (refused when it does not fit)."""

    track: str
    at: int
    item: Item
    fit: Literal["trim", "speed", "source"] = "trim"


class LiftItems(_Command, frozen=True):
    """Removes items and leaves a gap."""

    items: tuple[str, ...]
    linked: bool = True


class ExtractItems(_Command, frozen=True):
    """Removes items and closes up (ripple delete)."""

    items: tuple[str, ...]
    linked: bool = True
    sync: bool = True


class LiftRange(_Command, frozen=True):
    """Empties frames `start` to `end` (exclusive) of the tracks (all unlocked ones when empty), leaving a gap."""

    start: int
    end: int
    tracks: tuple[str, ...] = ()


class ExtractRange(_Command, frozen=True):
    """Cuts frames `start` to `end` (exclusive) out of the tracks (all unlocked ones when empty) and closes up. With
    `sync` the other sync-locked tracks close up too, where they have room."""

    start: int
    end: int
    tracks: tuple[str, ...] = ()
    sync: bool = True


class TrimItem(_Command, frozen=True):
    """Moves one edge by `delta` frames (positive = later) without moving anything else. Extending over a neighbour is
    refused on a free track; on a magnetic one the freed room becomes a Gap item and extending eats an adjoining Gap."""

    item: str
    edge: Literal["head", "tail"]
    delta: int
    linked: bool = True


class RippleTrimItem(_Command, frozen=True):
    """Moves one edge by `delta` frames and moves everything later along. A ripple trim of the head keeps the item's
    start and changes what it shows first."""

    item: str
    edge: Literal["head", "tail"]
    delta: int
    linked: bool = True
    sync: bool = True


class RollCut(_Command, frozen=True):
    """Moves the cut between two neighbours by `delta` frames; the total length stays."""

    left: str
    right: str
    delta: int
    linked: bool = True


class SlipItem(_Command, frozen=True):
    """Shows source `delta` source frames later; position and duration stay."""

    item: str
    delta: int
    linked: bool = True


class SlideItem(_Command, frozen=True):
    """Moves the item by `delta` frames between its neighbours, which give and take the frames."""

    item: str
    delta: int
    linked: bool = True


class MoveItems(_Command, frozen=True):
    """Moves items so that the first of `items` lands on `place`; the others keep their distance to it.

    `ripple`: the hole they leave closes and the place they go to opens (on magnetic tracks always so). Without it they
    need free room at the target (`overlap` otherwise), or with `overwrite` they replace what lies there.
    """

    items: tuple[str, ...]
    place: Place
    ripple: bool = False
    overwrite: bool = False
    linked: bool = True
    sync: bool = True


class SplitItem(_Command, frozen=True):
    """Cuts the item before the frame `at`. The right half gets a new id; linked items are cut too and their right
    halves linked with each other."""

    item: str
    at: int
    linked: bool = True


class SplitAt(_Command, frozen=True):
    """Cuts every item under frame `at` on the tracks (all unlocked ones when empty): the razor through all tracks."""

    at: int
    tracks: tuple[str, ...] = ()


class JoinItems(_Command, frozen=True):
    """Makes one item again of two neighbours that are one piece of source."""

    left: str
    right: str


class ReplaceSource(_Command, frozen=True):
    """Swaps what an item shows, keeping place and duration. `source_in` None keeps the offset from the available start."""

    item: str
    source: Source
    source_in: int | None = None
    name: str | None = None


class SetSpeed(_Command, frozen=True):
    """Sets the playback speed. `ripple` False keeps the duration (more or less source is shown); True keeps the source
    range and changes the duration, moving later items (with `sync` also those of the other sync-locked tracks). Speed 0
    freezes on the item's first frame, keeping its duration."""

    item: str
    speed: Speed
    ripple: bool = False
    linked: bool = True
    sync: bool = True


class SetEnabled(_Command, frozen=True):
    items: tuple[str, ...]
    enabled: bool


class RenameItem(_Command, frozen=True):
    item: str
    name: str


class SetEffects(_Command, frozen=True):
    """Replaces an item's opaque effects, or its foreign metadata, or both."""

    item: str
    effects: tuple[dict[str, Any], ...] | None = None
    foreign: dict[str, Any] | None = None


class LinkItems(_Command, frozen=True):
    """Puts items into one new link group, taking them out of their old ones."""

    items: tuple[str, ...]


class UnlinkItems(_Command, frozen=True):
    items: tuple[str, ...]


class SetTransition(_Command, frozen=True):
    """Adds or changes the transition between two neighbours; a None side makes a fade at the other's open edge."""

    left: str | None
    right: str | None
    in_offset: int
    out_offset: int
    kind: str = "dissolve"
    name: str = ""
    foreign: dict[str, Any] = {}


class RemoveTransition(_Command, frozen=True):
    left: str | None
    right: str | None


class SetMarker(_Command, frozen=True):
    """Adds or changes a marker (empty id: adds)."""

    marker: Marker


class RemoveMarker(_Command, frozen=True):
    marker: str


class AddTrack(_Command, frozen=True):
    """Adds an empty track above `after` (None: on top of its kind). An empty name becomes V3, A2 and so on."""

    kind: Kind
    placement: Placement = "free"
    name: str = ""
    after: str | None = None
    id: str = ""
    foreign: dict[str, Any] = {}


class SetTrack(_Command, frozen=True):
    """Changes what is not None. `placement` to magnetic turns gaps into Gap items; to free turns them into room."""

    track: str
    name: str | None = None
    placement: Placement | None = None
    enabled: bool | None = None
    locked: bool | None = None
    sync_lock: bool | None = None
    foreign: dict[str, Any] | None = None


class MoveTrack(_Command, frozen=True):
    track: str
    after: str | None = None


class RemoveTrack(_Command, frozen=True):
    """Removes a track; `with_items` also removes what lies on it (refused otherwise when it is not empty)."""

    track: str
    with_items: bool = False


class NestItems(_Command, frozen=True):
    """Puts items (of one track, neighbours) into a new sequence and one nested item in their place. `sequence` is the
    new sequence's id (32 hex digits)."""

    items: tuple[str, ...]
    sequence: str
    name: str = ""


class UnnestItem(_Command, frozen=True):
    """Replaces a nested item by the items of the nested sequence's track of the same kind that it shows."""

    item: str


class SetSequence(_Command, frozen=True):
    """Changes what is not None."""

    name: str | None = None
    drop_frame: bool | None = None
    start_frame: int | None = None
    resolution: Resolution | None = None
    foreign: dict[str, Any] | None = None


class ResolveConflict(_Command, frozen=True):
    """Settles what a merge left open: `ours` leaves all as it is, `theirs` takes the returned cut's, `both` keeps both,
    `manual` says that it was settled by hand. `force` overwrites what was changed there since the merge."""

    conflict: str
    choice: Literal["ours", "theirs", "both", "manual"]
    force: bool = False


class Batch(_Command, frozen=True):
    """Several edits as one: all or none, one event, one undo. Later ones see what earlier ones did."""

    commands: tuple[EditCommand, ...]
    label: str = ""


EditCommand = (
    InsertItem
    | OverwriteItem
    | AppendItem
    | FillGap
    | LiftItems
    | ExtractItems
    | LiftRange
    | ExtractRange
    | TrimItem
    | RippleTrimItem
    | RollCut
    | SlipItem
    | SlideItem
    | MoveItems
    | SplitItem
    | SplitAt
    | JoinItems
    | ReplaceSource
    | SetSpeed
    | SetEnabled
    | RenameItem
    | SetEffects
    | LinkItems
    | UnlinkItems
    | SetTransition
    | RemoveTransition
    | SetMarker
    | RemoveMarker
    | AddTrack
    | SetTrack
    | MoveTrack
    | RemoveTrack
    | NestItems
    | UnnestItem
    | SetSequence
    | ResolveConflict
    | Batch
)
