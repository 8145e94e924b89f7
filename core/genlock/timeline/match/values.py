"""What matching answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from genlock.timeline.model import Source

PathOf = Callable[[Source], str]
"""The path of the file a source shows; for a shot that of its take; `named` where only the file's name is known; "" where
there is neither."""

_NAMED: Final = "named\0"
"""How what `named` gives begins: no path holds such a sign."""


def named(name: str) -> str:
    """Returns what stands for the path of a file of which only the name is known."""
    return _NAMED + name


def name_of(path: str) -> str | None:
    """Returns the name that `named` was given, None for a path."""
    return path[len(_NAMED) :] if path.startswith(_NAMED) else None


Rung = Literal["id", "exact", "overlap", "slot"]
"""Why an item was taken for another, the surest first:

id      the file brought the id back
exact   the same piece of the same media, as long and as fast
overlap the same media, and source frames in common (trimmed, slipped, retimed)
slot    the same place between the same neighbours: what it shows was replaced
"""


class Matching(Struct, frozen=True):
    """Which thing of a returned cut is which of the base.

    `tracks`, `items` (Gap items included) and `markers` lead from returned ids to base ids, each base id at most once.
    `rungs` says why, for the items. `unsure` names, for an item, the base items that are gone and would have fitted
    nearly as well. `origins` says, for a new item, of which base item it is a split-off piece or a copy. `media` leads
    from a path in the returned cut to the path of the same file in the base.
    """

    tracks: dict[str, str]
    items: dict[str, str]
    markers: dict[str, str]
    rungs: dict[str, Rung]
    unsure: dict[str, tuple[str, ...]]
    origins: dict[str, str]
    media: dict[str, str]
