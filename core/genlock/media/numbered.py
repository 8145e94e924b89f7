"""Numbered image sequences as tools write them: `name.%04d.exr`, `name.####.exr`, `name.[1001-1099].exr` (Resolve), or a
folder of numbered images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from genlock.errors import MediaError

IMAGES: Final = frozenset(
    {"exr", "dpx", "tif", "tiff", "png", "jpg", "jpeg", "tga", "bmp", "webp", "jp2", "j2k", "hdr"}
)
LONGEST: Final = 1_000_000

_PERCENT: Final = re.compile(r"%(?:0(\d+))?d")
_HASHES: Final = re.compile(r"(#+)")
_RANGE: Final = re.compile(r"\[(\d+)-(\d+)\]")
_NUMBERED: Final = re.compile(r"(.*?)(\d+)(\.\w+)")


class Numbered(Struct, frozen=True):
    """The files of a sequence by number. Numbers may be missing: the image before is shown in their place."""

    files: dict[int, str]
    first: int
    last: int

    @property
    def frames(self) -> int:
        return self.last - self.first + 1

    @property
    def paths(self) -> list[Path]:
        """The files that exist, in order."""
        return [Path(self.files[number]) for number in sorted(self.files)]

    def file(self, frame: int) -> Path:
        """Returns the file shown at a frame (0 is the first), held over holes and both ends."""
        number = min(max(self.first + frame, self.first), self.last)
        while number not in self.files:
            number -= 1
        return Path(self.files[number])


def find(path: Path) -> Numbered | None:
    """Returns the sequence that a path names, or None when it names a plain file.

    Raises MediaError(media_missing) for a pattern or a folder without images.
    """
    if path.is_file():
        return None
    if path.is_dir():
        return _found(path, _largest_run(path))
    for pattern in (_PERCENT, _HASHES, _RANGE):
        if match := pattern.search(path.name):
            return _found(path, _matching(path, match))
    return None


def _matching(path: Path, match: re.Match[str]) -> dict[int, str]:
    head, tail = path.name[: match.start()], path.name[match.end() :]
    if not path.parent.is_dir():
        return {}
    expected = re.compile(re.escape(head) + r"(\d+)" + re.escape(tail))
    first, last = (int(match[1]), int(match[2])) if match.re is _RANGE else (0, LONGEST * 10)
    found = {}
    for entry in path.parent.iterdir():
        number = expected.fullmatch(entry.name)
        if number and first <= int(number[1]) <= last:
            found[int(number[1])] = str(entry)
    return found


def _largest_run(folder: Path) -> dict[int, str]:
    """Returns the images of the folder that share a name, of the name that most of them share."""
    runs: dict[tuple[str, str], dict[int, str]] = {}
    for entry in sorted(folder.iterdir()):
        match = _NUMBERED.fullmatch(entry.name)
        if match and match[3][1:].lower() in IMAGES:
            runs.setdefault((match[1], match[3]), {})[int(match[2])] = str(entry)
    return max(runs.values(), key=len, default={})


def _found(path: Path, files: dict[int, str]) -> Numbered:
    if not files:
        raise MediaError("media_missing", f"{path} holds no numbered images.", path=str(path))
    first, last = min(files), max(files)
    if last - first >= LONGEST:
        raise MediaError("media_unreadable", f"{path} numbers its images from {first} to {last}.", path=str(path))
    return Numbered(files, first, last)
