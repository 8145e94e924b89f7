"""When a file that somebody drops into a folder is all there: it has rested, and nothing says that it is still on its way.

Pure: what the disk says comes in, and the time. Copies over a network stand still and go on, programs save into another
file and rename it, browsers give unfinished downloads names of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

QUIET: Final = 1.0
"""Seconds a file must rest before it counts as arrived."""
PATIENCE: Final = 15.0
"""Seconds of rest after which a file that cannot be read is not waited for any longer: no copy pauses that long."""

_UNFINISHED: Final = (".partial", ".part", ".tmp", ".temp", ".crdownload", ".download", ".swp", ".lock", ".filepart")


class Seen(NamedTuple):
    """What a look at the disk says of a file: bytes, and the time of its last change in nanoseconds."""

    size: int
    changed: int


class _Resting(NamedTuple):
    seen: Seen
    since: float


class Arrivals:
    """Files that are being waited for. Times are seconds of any one clock."""

    def __init__(self, quiet: float = QUIET, patience: float = PATIENCE) -> None:
        self._quiet = quiet
        self._patience = patience
        self._waiting: dict[Path, _Resting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files being waited for."""
        return tuple(self._waiting)

    def look(self, path: Path, seen: Seen | None, now: float) -> bool:
        """Takes note of what the disk says now (None: it is gone), and returns whether the file has arrived."""
        if seen is None:
            self._waiting.pop(path, None)
            return False
        known = self._waiting.get(path)
        if known is None or known.seen != seen:
            self._waiting[path] = _Resting(seen, now)
            return False
        return now - known.since >= self._quiet and seen.size > 0

    def done(self, path: Path) -> None:
        """Ends the waiting for a file."""
        self._waiting.pop(path, None)

    def may_be_unfinished(self, path: Path, now: float) -> bool:
        """Returns whether a file that could not be read may still be growing: it has not rested long enough."""
        known = self._waiting.get(path)
        return known is not None and now - known.since < self._patience


def is_wanted(path: Path) -> bool:
    """Returns whether a name is one that people give: no hidden, temporary or unfinished file."""
    name = path.name
    return not (name.startswith((".", "~$", "._")) or name.endswith("~") or name.lower().endswith(_UNFINISHED))
