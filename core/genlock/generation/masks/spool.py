"""The masks of a whole clip, kept in a file while they are needed: a bit a pixel, deflated."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any

import numpy as np

from genlock.generation.masks import matte
from genlock.generation.masks.delivery import Masks, Packed, packed, unpacked

Array = np.ndarray[Any, Any]


class Spool:
    """One mask a frame, of all things together, in pixels of `size` (width, height); read in any order once written."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.empty = 0
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._places: list[tuple[int, int]] = []

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self._places)

    def put(self, frame: int, picture: Array, masks: Masks) -> None:
        """Takes the next frame."""
        bits = packed({0: matte.united(masks.values(), self.size)}, self.size).bits.get(0, b"")
        self._places.append((self._file.tell(), len(bits)))
        self._file.write(bits)
        self.empty += not bits

    def at(self, frame: int) -> Array:
        """Returns the mask of a frame, HxW bool; past the end the last."""
        start, length = self._places[min(frame, self.frames - 1)]
        self._file.seek(start)
        found = unpacked(Packed(self.size[::-1], {0: self._file.read(length)} if length else {}))
        return matte.united(found.values(), self.size)

    def close(self) -> None:
        """Drops the file."""
        self._file.close()
