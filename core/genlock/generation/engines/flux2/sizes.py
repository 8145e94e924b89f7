"""Sizes the model can compute, and the way back to the size asked for. Pure arithmetic: the planner needs it too."""

from __future__ import annotations

import math
from typing import Final

from msgspec import Struct

GRID: Final = 16
"""Pixels a token covers: the autoencoder's 8 and patches of 2."""
LOOKED: Final = 1024 * 1024
"""Pixels of a given picture that the model looks at; larger ones are made smaller."""
MADE: Final = 2048 * 2048
"""Pixels the model was trained to make at most."""
WORDS: Final = 512
"""Tokens of a prompt, always padded to as many."""

Size = tuple[int, int]
"""Width and height in pixels."""


class Window(Struct, frozen=True, array_like=True):
    """A rectangle of a picture, in pixels from its top left."""

    left: int
    top: int
    width: int
    height: int


def made(size: Size, most: int = MADE) -> Size:
    """Returns the size to compute for a size asked: up to the next multiples of 16, less of the same shape where that were
    more pixels than `most`."""
    width, height = (math.ceil(side / GRID) * GRID for side in size)
    if width * height <= most:
        return width, height
    scale = math.sqrt(most / (size[0] * size[1]))
    return tuple(max(GRID, int(side * scale) // GRID * GRID) for side in size)  # type: ignore[return-value]


def looked(size: Size) -> Size:
    """Returns the size a given picture is looked at: as it is up to 1 MP, else of the same shape with 1 MP. The model then
    cuts it to multiples of 16."""
    pixels = size[0] * size[1]
    if pixels <= LOOKED:
        return size
    # as diffusers' Flux2ImageProcessor rounds, so that its result is the same
    scale = math.sqrt(LOOKED / pixels)
    return int(size[0] * scale), int(size[1] * scale)


def tokens(size: Size) -> int:
    """Returns how many tokens a picture of this size is."""
    return (size[0] // GRID) * (size[1] // GRID)


def window(size: Size, box: Window, padding: int | None) -> Window:
    """Returns the part of a picture of `size` to compute so that `box` is made anew: the box with `padding` pixels around
    it; without a padding the whole picture where that fits into what the model looks at, else half the box around it."""
    if padding is None:
        if size[0] * size[1] <= LOOKED:
            return Window(0, 0, *size)
        padding = max(64, max(box.width, box.height) // 2)
    left, right = max(0, box.left - padding), min(size[0], box.left + box.width + padding)
    top, bottom = max(0, box.top - padding), min(size[1], box.top + box.height + padding)
    left, right = _at_least(left, right, size[0])
    top, bottom = _at_least(top, bottom, size[1])
    return Window(left, top, right - left, bottom - top)


def _at_least(first: int, end: int, limit: int, least: int = 64) -> tuple[int, int]:
    """Widens a range to what the model can look at, within the picture."""
    least = min(least, limit)
    if end - first >= least:
        return first, end
    first = min(max(0, (first + end - least) // 2), limit - least)
    return first, first + least
