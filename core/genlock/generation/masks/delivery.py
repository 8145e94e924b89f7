"""Masks as every engine delivers them: pictures with transparency, a folder of mattes, and polygons as JSON lines."""

from __future__ import annotations

import zlib
from typing import Any, Final, NamedTuple

import numpy as np

from genlock.generation.engine import Sink
from genlock.generation.masks import matte
from genlock.generation.masks.outline import Outline, lines, outline
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]

MATTE: Final = "matte"
POLYGON: Final = "polygon"
POLYGONS: Final = "polygon.jsonl"
"""The file of all outlines, a line for each thing and frame."""

Masks = dict[int, Array]
"""By thing."""


class Packed(NamedTuple):
    """Masks of a frame that wait for their turn: a bit a pixel, deflated."""

    shape: tuple[int, int]
    bits: dict[int, bytes]


def packed(masks: Masks, size: tuple[int, int]) -> Packed:
    """Returns masks of `size` (width, height), small."""
    return Packed(size[::-1], {t: zlib.compress(np.packbits(m).tobytes(), 1) for t, m in masks.items() if m.any()})


def unpacked(given: Packed) -> Masks:
    """Returns them again, without the empty ones."""
    height, width = given.shape
    return {
        thing: np.unpackbits(np.frombuffer(zlib.decompress(bits), np.uint8), count=height * width)
        .reshape(height, width)
        .astype(bool)
        for thing, bits in given.bits.items()
    }


class Delivery:
    """Hands finished frames to the sink, in the source's order. Mattes and polygons are in the source's pixels, frames in
    the size asked."""

    def __init__(self, request: GenerationRequest, sink: Sink, size: tuple[int, int]) -> None:
        self._sink, self._size = sink, size
        self._asked = request.resolution.width, request.resolution.height
        self._outlines: list[bytes] = []
        self._last: Array | None = None
        self.frames = 0
        self.empty = 0

    def put(self, frame: int, picture: Array, masks: Masks) -> None:
        """Delivers a frame; raises Halt."""
        whole = matte.united(masks.values(), self._size)
        self._outlines.append(lines(self.outlines(frame, masks)))
        self._sink.attach(MATTE, f"{MATTE}/{matte.name(MATTE, frame)}", matte.png(whole))
        self._last = matte.cut_out(picture, whole, self._asked)
        self._sink.frame(self._last)
        self.frames += 1
        self.empty += not whole.any()

    def fill(self, frames: int) -> None:
        """Repeats the last frame until there are as many as asked."""
        while self.frames < frames and self._last is not None:
            self._sink.frame(self._last.copy())
            self.frames += 1

    def close(self) -> None:
        """Delivers the polygons of all frames."""
        self._sink.attach(POLYGON, POLYGONS, b"".join(self._outlines))

    @staticmethod
    def outlines(frame: int, masks: Masks) -> list[Outline]:
        """Returns the polygons of a frame."""
        return [outline(mask, frame, thing) for thing, mask in sorted(masks.items()) if mask.any()]
