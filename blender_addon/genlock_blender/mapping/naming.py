# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of strips: Blender wants each once, and short."""

from __future__ import annotations

from collections.abc import Iterable

from .book import Value

LONGEST = 61
"""Bytes of a strip's name at most."""


class Names:
    """The names that are in use; `reserved` are those that stay."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._taken = set(reserved)
        self._next: dict[str, int] = {}

    def give(self, name: str, otherwise: str) -> tuple[str, Value]:
        """Returns a free name for a strip, and the note that remembers the whole one where it had to change."""
        short = cut(name or otherwise, LONGEST)
        given, number = short, self._next.get(short, 1)
        while given in self._taken:
            given = f"{cut(short, LONGEST - 4)}.{number:03d}"
            number += 1
        self._next[short] = number
        self._taken.add(given)
        return given, {} if given == name else {"name": name, "shown": given}


def cut(name: str, most: int) -> str:
    """Returns the name cut to `most` bytes, between letters; control characters are left out."""
    data = name.encode("utf-8", "ignore")
    if len(data) <= most and name.isprintable():
        return name
    plain = "".join(letter for letter in data.decode() if letter.isprintable()).encode()
    return plain[:most].decode("utf-8", "ignore") or "Strip"
