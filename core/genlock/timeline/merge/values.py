"""What a merge notes while it works: what stands against taking theirs, and what would settle it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Struct

from genlock.timeline.model import Marker, Transition
from genlock.timeline.ops import ConflictKind


class SetItem(Struct, frozen=True):
    """Gives an item theirs' fields; on a free track `shift` moves its start and with `ripple` what follows moves along with
    its end. `with_new` are the parts that theirs split off it."""

    item: str
    fields: dict[str, Any]
    shift: int = 0
    ripple: bool = False
    with_new: tuple[str, ...] = ()


class Bring(Struct, frozen=True):
    """Puts theirs' items, with their markers, where theirs has them."""

    items: tuple[str, ...]


class Drop(Struct, frozen=True):
    """Removes an item of ours."""

    item: str


class Place(Struct, frozen=True):
    """Moves an item to where theirs has it."""

    item: str


class Ripple(Struct, frozen=True):
    """Moves an item and what follows it on its free track."""

    item: str
    delta: int


class TrackBack(Struct, frozen=True):
    """Brings a removed track back with what theirs has on it."""

    track: str


class TrackGone(Struct, frozen=True):
    """Removes a track with all that lies on it."""

    track: str


class TrackFields(Struct, frozen=True):
    track: str
    fields: dict[str, Any]


class TrackPlace(Struct, frozen=True):
    """Moves a track to where theirs has it."""

    track: str


class SequenceFields(Struct, frozen=True):
    fields: dict[str, Any]


class PutTransition(Struct, frozen=True):
    key: str
    value: Transition | None


class PutMarker(Struct, frozen=True):
    marker: str
    value: Marker | None


class Unlocked(Struct, frozen=True):
    """Merges a locked track as if it were not."""

    track: str


Remedy = (
    SetItem
    | Bring
    | Drop
    | Place
    | Ripple
    | TrackBack
    | TrackGone
    | TrackFields
    | TrackPlace
    | SequenceFields
    | PutTransition
    | PutMarker
    | Unlocked
)


class Found(Struct, frozen=True):
    """One disagreement. `values` are those of base, ours and theirs as they are; None where there is none."""

    kind: ConflictKind
    about: str
    field: str = ""
    values: tuple[Any, Any, Any] = (None, None, None)
    remedy: Remedy | None = None

    @property
    def base(self) -> Any:
        return self.values[0]

    @property
    def ours(self) -> Any:
        return self.values[1]

    @property
    def theirs(self) -> Any:
        return self.values[2]


class Veto(NamedTuple):
    """Something of theirs that cannot be had: merged without it, the cut is sound.

    item        everything theirs did to the item, and the item if it is theirs' own
    range       its in- and out-point
    place       where it lies
    ripple      the cause (kind and id) of a displacement of what follows
    transition  theirs' version of it; `gone`: ours as well
    marker, track (everything on it), all
    """

    what: Literal["item", "range", "place", "ripple", "transition", "gone", "marker", "track", "all"]
    about: str
    track: str = ""


Vetoes = dict[Veto, ConflictKind]
