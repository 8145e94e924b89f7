"""What was measured on this machine, in one small file beside the models: bandwidths, dry runs, corrections.

Any process may add to it: changes are made under a lock, and the file is replaced as a whole. A file that cannot be read
counts as empty, one that cannot be written loses a measurement and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field, structs

log = logging.getLogger("genlock.memory")

FILE: Final = "measured.json"

SHARE: Final = 0.3
"""Weight of the newest ratio in the mean."""

FORGETTING: Final = 0.98
"""How much of its distance to the mean the highest ratio keeps with each measurement that is lower."""


class Fit(Struct, frozen=True, omit_defaults=True):
    """Bytes of a part: for `each` unit (token, or pixel of a frame) and a `base` on top, and at `least` so many."""

    each: float
    base: float
    least: float = 0.0

    def at(self, units: int) -> float:
        """Returns the bytes for so many units."""
        return max(self.least, self.each * units + self.base)


class Ratio(Struct, frozen=True):
    """Measured over predicted: the moving mean, and the most that was seen, which is forgotten slowly."""

    mean: float
    most: float
    count: int = 1

    def seen(self, ratio: float) -> Ratio:
        """Returns it after one more measurement."""
        mean = self.mean + SHARE * (ratio - self.mean)
        return Ratio(mean, max(ratio, mean, mean + FORGETTING * (self.most - mean)), self.count + 1)


class Record(Struct, frozen=True):
    """All of the file: bytes a second over `link` and from `disk` (0: not measured), fits by a part's digest and variant,
    ratios by what was predicted."""

    link: float = 0.0
    disk: float = 0.0
    fits: dict[str, dict[str, Fit]] = field(default_factory=dict)
    ratios: dict[str, Ratio] = field(default_factory=dict)


class Measured:
    """The record under a folder of models."""

    def __init__(self, home: Path) -> None:
        self.file = home / FILE
        self._read: tuple[tuple[int, int, int], Record] | None = None

    def read(self) -> Record:
        """Returns the record; as it is in memory while the file is the same."""
        try:
            stat = self.file.stat()
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, msgspec.json.decode(self.file.read_bytes(), type=Record))
            return self._read[1]
        except (OSError, msgspec.DecodeError):
            return Record()

    def change(self, make: Callable[[Record], Record]) -> None:
        """Replaces the record with what `make` returns for the present one."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.file.with_name(f".{FILE}.lock")):
                temporary = self.file.with_name(f".{FILE}.{os.getpid()}")
                temporary.write_bytes(
                    msgspec.json.format(msgspec.json.encode(make(self.read()), order="deterministic"))
                )
                temporary.replace(self.file)
        except OSError as error:
            log.warning("%s cannot be written, a measurement is lost: %s", self.file, error)

    def keep_fits(self, digest: str, fits: Mapping[str, Fit]) -> None:
        """Keeps the fits of a part."""
        self.change(lambda record: structs.replace(record, fits={**record.fits, digest: dict(fits)}))

    def keep_ratio(self, key: str, ratio: float) -> None:
        """Adds a ratio of measured to predicted."""

        def add(record: Record) -> Record:
            before = record.ratios.get(key)
            after = before.seen(ratio) if before else Ratio(ratio, ratio)
            return structs.replace(record, ratios={**record.ratios, key: after})

        self.change(add)

    def keep_rates(self, *, link: float = 0.0, disk: float = 0.0) -> None:
        """Keeps bandwidths in bytes a second; 0 leaves one as it is."""
        self.change(lambda record: structs.replace(record, link=link or record.link, disk=disk or record.disk))


def digest(kind: str, config: Mapping[str, Any]) -> str:
    """Returns what names a part's shape: its class and its config."""
    return hashlib.blake2b(msgspec.json.encode((kind, config), order="deterministic"), digest_size=8).hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a lock that the system lets go of when this process dies."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(fd)
        yield
    finally:
        os.close(fd)


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_LOCK, 1)
else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)
