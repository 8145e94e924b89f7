"""Pictures and masks from files, and their sizes brought to what the model computes and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from genlock.errors import MediaError
from genlock.generation.engines.flux2 import sizes
from genlock.generation.engines.flux2.settings import bad
from genlock.generation.engines.flux2.sizes import Size
from genlock.media.clip import Clip, open_clip
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]

_BLACK: Final = 16
_LEVELS: Final = np.clip(np.rint((np.arange(256) - _BLACK) * 255 / (255 - 2 * _BLACK)), 0, 255).astype(np.uint8)

SMALLEST: Final = 64
SLIMMEST: Final = 8
"""What the model looks at is at least so many pixels wide and high, and at most so many times as long as wide."""


class Reel:
    """Pictures of a file by number, counted in frames of `rate`; a still shows the same at every number."""

    def __init__(self, clip: Clip, rate: Rate, name: str) -> None:
        self._clip, self._name = clip, name
        self._step = Fraction(1) if clip.rate is None else clip.rate.fraction / rate.fraction
        self.still = clip.frames == 1
        self.frames = max(1, round(clip.frames / self._step))

    def own(self, number: int) -> int:
        """Returns the number that the picture shown at a number has in its file."""
        return min(self._clip.frames - 1, int(self._step * number))

    def picture(self, number: int) -> Array:
        """Returns the picture shown at a number, HxWx3 uint8; past the end the last."""
        image = self._image(number)
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
        return np.asarray(image.convert("RGB"))

    def mask(self, number: int) -> Array:
        """Returns what the picture at a number selects, HxW uint8: its alpha where that says anything, else how bright it
        is. Nearly black is 0 and nearly white 255, because clips are compressed."""
        image = self._image(number)
        alpha = np.asarray(image.getchannel("A")) if image.mode == "RGBA" else None
        if alpha is not None and alpha.min() < 255:
            return np.asarray(_LEVELS[alpha])
        return np.asarray(_LEVELS[np.asarray(image.convert("L"))])

    def _image(self, number: int) -> Image.Image:
        with _named(self._name):
            ((_, image),) = self._clip.pictures([self.own(number)])
        return image


@contextmanager
def reel(path: str, rate: Rate, use: str) -> Iterator[Reel]:
    """Opens a still, a clip or a folder of numbered images. Raises BadInput(bad_generation) when that cannot be read, also
    later."""
    with ExitStack() as stack:
        with _named(use):
            clip = stack.enter_context(open_clip(Path(path)))
        yield Reel(clip, rate, use)


@contextmanager
def _named(use: str) -> Iterator[None]:
    try:
        yield
    except MediaError as error:
        raise bad(f"The {use} cannot be used: {error.message}") from error


def cover(picture: Array, size: Size) -> Array:
    """Returns a picture or mask filling `size`, cut equally at two sides when the shapes differ; itself when it has it."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    scale = max(size[0] / width, size[1] / height)
    wide, high = min(width, round(size[0] / scale)), min(height, round(size[1] / scale))
    left, top = (width - wide) // 2, (height - high) // 2
    part = np.ascontiguousarray(picture[top : top + high, left : left + wide])
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


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
