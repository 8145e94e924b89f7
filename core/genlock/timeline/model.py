"""The values of a timeline. All are frozen; lengths are whole frames of the sequence's rate unless a field says so."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from msgspec import Struct

from genlock.timeline.rate import NORMAL, Rate, Speed

Kind = Literal["video", "audio"]
Placement = Literal["magnetic", "free"]


class Resolution(Struct, frozen=True, array_like=True):
    """Picture size in pixels."""

    width: int = 1920
    height: int = 1080


class Media(Struct, frozen=True, omit_defaults=True, tag="media"):
    """A file in the media pool.

    `first` and `frames` are the available range in the source's own frames (`first` counts from the embedded
    timecode); `frames` is None while the media was never probed, and then no handle check is made. `rate` is None
    when the source runs at the sequence's rate.
    """

    media: str
    first: int = 0
    frames: int | None = None
    rate: Rate | None = None


class Shot(Struct, frozen=True, omit_defaults=True, tag="shot"):
    """A generated shot. `take` pins one take; None follows the take selected on the shot. Ranges as in Media."""

    shot: str
    take: str | None = None
    first: int = 0
    frames: int | None = None
    rate: Rate | None = None


class Generator(Struct, frozen=True, omit_defaults=True, tag="generator"):
    """Something synthetic without an end: a colour, bars, a title. `parameters` are the tool's own."""

    generator: str
    parameters: dict[str, Any] = {}


class Nested(Struct, frozen=True, omit_defaults=True, tag="nested"):
    """Another sequence. `first` is 0; `frames` its length when it was nested, None when unknown."""

    sequence: str
    first: int = 0
    frames: int | None = None
    rate: Rate | None = None


class Gap(Struct, frozen=True, tag="gap"):
    """A hole that holds its place on a magnetic track. Free tracks never contain one: there a gap is just room."""


Source = Media | Shot | Generator | Nested | Gap


class Item(Struct, frozen=True, omit_defaults=True):
    """What lies on a track.

    `source_in` is the source frame shown first, in frames of the source's own rate, in the source's own numbering (the
    frame shown first is the *last* one of the range for a negative speed). `duration` is in sequence frames and at least
    1. `effects` are opaque and kept in order. `link` names the link group. `foreign` is other tools' metadata, verbatim.
    Where the item lies is the track's business (see lane.Lane).
    """

    id: str
    source: Source
    duration: int
    name: str = ""
    source_in: int = 0
    speed: Speed = NORMAL
    enabled: bool = True
    effects: tuple[dict[str, Any], ...] = ()
    link: str | None = None
    foreign: dict[str, Any] = {}


class Track(Struct, frozen=True, omit_defaults=True):
    """A track. On a magnetic one order gives the position, on a free one `start` does and overlap is refused.

    `sync_lock`: a ripple elsewhere moves this track too, so that it stays in sync.
    """

    id: str
    kind: Kind = "video"
    name: str = ""
    placement: Placement = "free"
    enabled: bool = True
    locked: bool = False
    sync_lock: bool = True
    foreign: dict[str, Any] = {}


class Transition(Struct, frozen=True, omit_defaults=True):
    """A transition, keyed by its neighbours; None on one side makes it a fade.

    `in_offset` frames lie before the cut (over the tail of `left`), `out_offset` after it, as in OTIO: `right` must have
    `in_offset` frames of handle before its in-point, `left` must have `out_offset` after its out-point.
    """

    left: str | None
    right: str | None
    in_offset: int
    out_offset: int
    kind: str = "dissolve"
    name: str = ""
    foreign: dict[str, Any] = {}

    @property
    def key(self) -> str:
        return transition_key(self.left, self.right)


def transition_key(left: str | None, right: str | None) -> str:
    """Returns the key of the transition between two neighbours ("a>b", "a>", ">b")."""
    return f"{left or ''}>{right or ''}"


class Marker(Struct, frozen=True, omit_defaults=True):
    """A marker. On the sequence (`item` None) `start` counts sequence frames from its first frame; on an item it counts
    source frames in the source's own numbering, so that it stays on its picture when the clip is trimmed."""

    id: str
    start: int
    duration: int = 0
    item: str | None = None
    name: str = ""
    color: str = "RED"
    comment: str = ""
    foreign: dict[str, Any] = {}


def source_step(item: Item, rate: Rate) -> Fraction:
    """Returns how many source frames one sequence frame of the item advances (signed), exactly."""
    own = getattr(item.source, "rate", None)
    step = item.speed.fraction
    return step if own is None or own == rate else step * own.fraction / rate.fraction


def source_frame(item: Item, rate: Rate, offset: int) -> int:
    """Returns the source frame shown `offset` sequence frames after the item's first (floor, as every NLE rounds)."""
    own = getattr(item.source, "rate", None)
    if own is None or own == rate:
        return item.source_in + item.speed.num * offset // item.speed.den
    exact = item.source_in + source_step(item, rate) * offset
    return exact.numerator // exact.denominator


def source_range(item: Item, rate: Rate) -> tuple[int, int]:
    """Returns (lowest source frame shown, one past the highest)."""
    first, last = source_frame(item, rate, 0), source_frame(item, rate, item.duration - 1)
    return min(first, last), max(first, last) + 1


def available_range(item: Item) -> tuple[int, int] | None:
    """Returns (first, one past the last) source frame that exists, or None when the source is endless or unprobed."""
    match item.source:
        case Media(first=first, frames=frames) | Shot(first=first, frames=frames) | Nested(first=first, frames=frames):
            return None if frames is None else (first, first + frames)
        case Generator() | Gap():
            return None
