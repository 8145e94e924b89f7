"""Pictures brought to the sizes that the model computes, and back."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from genlock.generation.engines.flux2 import sizes
from genlock.generation.engines.flux2.settings import bad
from genlock.generation.engines.flux2.sizes import Size
from genlock.generation.masks.reel import cover

Array = np.ndarray[Any, Any]

SMALLEST: Final = 64
SLIMMEST: Final = 8
"""What the model looks at is at least so many pixels wide and high, and at most so many times as long as wide."""


def reference(picture: Array, use: str) -> Image.Image:
    """Returns a picture as the model may look at it: at most 1 MP, at least 64 pixels a side.

    Raises BadInput(bad_generation) for one that is more than eight times as long as wide.
    """
    image = Image.fromarray(picture)
    if max(image.size) > SLIMMEST * min(image.size):
        raise bad(f"The {use} is {image.width}x{image.height}: more than {SLIMMEST} times as long as wide.")
    if min(image.size) < SMALLEST:
        scale = SMALLEST / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    size = sizes.looked(image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def returned(picture: Array, size: Size) -> Array:
    """Returns what was made at a size asked: cut where only the grid made it larger, else scaled to fill it."""
    height, width = picture.shape[:2]
    spare = width - size[0], height - size[1]
    if all(0 <= pixels < sizes.GRID for pixels in spare):
        left, top = spare[0] // 2, spare[1] // 2
        return picture[top : top + size[1], left : left + size[0]]
    image = Image.fromarray(cover(picture, _shape(size, (width, height))))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def _shape(size: Size, within: Size) -> Size:
    """Returns the largest size of the shape of `size` within another."""
    scale = min(within[0] / size[0], within[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def padded(picture: Array, size: Size) -> Array:
    """Returns a picture or mask continued to the right and below by its own edge."""
    height, width = picture.shape[:2]
    spare = 0, size[1] - height, 0, size[0] - width
    return np.asarray(cv2.copyMakeBorder(picture, *spare, cv2.BORDER_REPLICATE))
