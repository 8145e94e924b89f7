"""Reel names: short, plain, and one for each file."""

from __future__ import annotations

import re
from typing import Final

SHORT: Final = 8
LONG: Final = 32
"""Columns of the reel field: CMX3600's own, and those of Avid's File_32, which Resolve and Premiere read as well."""

_ODD: Final = re.compile(r"[^A-Za-z0-9_.\-]+")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_RESERVED: Final = frozenset({"AX", "BL", "BLACK", "BLK", "NONE", "GENLOCK"})
AUXILIARY: Final = "AX"


class Reels:
    """Gives each file a reel name."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self.width = SHORT

    def name(self, key: str, title: str, wanted: str = "") -> str:
        """Returns the reel of the media `key`: the one it came with (`wanted`), else one made of its file's name."""
        if not key:
            return AUXILIARY
        found = self._names.get(key)
        if found is None:
            found = self._names[key] = wanted if self._usable(wanted) else self._free(_plain(title))
            self._taken.add(found.upper())
            self.width = max(self.width, LONG if len(found) > SHORT else SHORT)
        return found

    def _usable(self, wanted: str) -> bool:
        """Returns whether a reel can be written as it came. Several files may lie on one tape."""
        return 0 < len(wanted) <= LONG and wanted.isprintable() and wanted == " ".join(wanted.split())

    def _free(self, title: str) -> str:
        name, number = title[:LONG], 1
        while name.upper() in self._taken or name.upper() in _RESERVED:
            number += 1
            name = f"{title[: LONG - len(str(number)) - 1]}_{number}"
        return name


def _plain(title: str) -> str:
    """Returns a file's name as a reel: no folder, no suffix, no spaces."""
    base = re.split(r"[/\\]", title)[-1]
    return _ODD.sub("_", _SUFFIX.sub("", base)).strip("_.") or "REEL"
