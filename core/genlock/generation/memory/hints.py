"""What hosts say they are about to do with the memory. Only their own plug-ins know before it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Final

from msgspec import Struct

from genlock.generation.memory.machine import GiB

LASTS: Final = 30.0
"""Seconds a hint counts without being renewed."""

PAGES: Final[Mapping[str, Mapping[str, int]]] = {
    "resolve": {"color": 4 * GiB, "fusion": 4 * GiB, "deliver": 4 * GiB, "edit": 2 * GiB, "cut": 2 * GiB},
    "blender": {"cycles": 4 * GiB, "eevee": 2 * GiB, "sequencer": GiB},
}
"""Bytes a host is expected to take on a page: what its makers ask of a card for 4K work, roughly. What it is seen to hold
counts when that is more."""

PLAYING: Final = GiB
RENDERING: Final = 2 * GiB
"""Bytes on top."""


class Hint(Struct, frozen=True):
    """What a host does: the `page` (or mode) it shows, whether it plays or renders."""

    host: str
    page: str = ""
    playing: bool = False
    rendering: bool = False

    @property
    def bytes(self) -> int:
        """Returns what the host is expected to take."""
        page = PAGES.get(self.host, {}).get(self.page.lower(), 0)
        return page + PLAYING * self.playing + RENDERING * self.rendering


class Hints:
    """The latest hint of each host. Callable from any thread."""

    def __init__(self, lasts: float = LASTS, clock: Callable[[], float] = monotonic) -> None:
        self.lasts = lasts
        self._clock = clock
        self._lock = Lock()
        self._heard: dict[str, tuple[float, Hint]] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Set by who wants to know at once."""

    def hear(self, hint: Hint) -> None:
        """Takes a hint in the place of the host's last one."""
        with self._lock:
            before = self._heard.get(hint.host)
            self._heard[hint.host] = (self._clock() + self.lasts, hint)
        if before is None or before[1] != hint:
            self.on_change()

    def forget(self, host: str) -> None:
        """Drops a host's hint: it went away."""
        with self._lock:
            gone = self._heard.pop(host, None)
        if gone:
            self.on_change()

    def standing(self) -> tuple[Hint, ...]:
        """Returns the hints that still count, by host."""
        with self._lock:
            now = self._clock()
            self._heard = {host: entry for host, entry in self._heard.items() if entry[0] > now}
            return tuple(hint for _, (_, hint) in sorted(self._heard.items()))

    def expected(self) -> dict[str, int]:
        """Returns the bytes each host is expected to take."""
        return {hint.host: hint.bytes for hint in self.standing() if hint.bytes}
