"""Lanes and tracks. Final Cut Pro has lanes, which come and go with the clips in them; what a track has beyond that stands
in the sequence's metadata, one row a track."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct

from genlock.timeline.model import Kind, Placement

KEY: Final = "com.genlock.tracks"
Lane = tuple[Kind, int]


class Told(Struct, frozen=True, omit_defaults=True):
    """A track as the metadata tells it."""

    lane: int
    kind: Literal["video", "audio"] = "video"
    id: str = ""
    name: str = ""
    placement: Literal["magnetic", "free"] = "free"
    enabled: bool = True
    locked: bool = False
    sync_lock: bool = True


def told(text: str | None) -> dict[Lane, Told] | None:
    """Returns the tracks that a file tells of; None for what is no such text."""
    if text is None:
        return None
    try:
        rows = msgspec.json.decode(text, type=list[Told])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return {(row.kind, row.lane): row for row in rows if abs(row.lane) < 100_000}


def tell(rows: list[Told]) -> str:
    """Returns the text `told` reads."""
    return msgspec.json.encode(rows).decode()


def in_order(lanes: set[Lane]) -> list[Lane]:
    """Returns the lanes as tracks: pictures from the lowest up; sound that comes with the storyline, then what lies below
    it from the top down, then what lies above."""
    return sorted(lanes, key=lambda lane: (lane[0] == "audio", _rank(lane)))


def _rank(lane: Lane) -> tuple[int, int]:
    kind, number = lane
    if kind == "video":
        return 0, number
    return (0, -number) if number <= 0 else (1, number)


def placement_of(lane: Lane, row: Told | None) -> Placement:
    """Returns how a lane is placed: the primary storyline is magnetic, what is connected is not."""
    if row is not None:
        return row.placement
    return "magnetic" if lane == ("video", 0) else "free"
