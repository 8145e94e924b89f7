"""Pictures and masks of a file, counted at a result's rate and brought to its size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.clip import Clip, open_clip
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]
Size = tuple[int, int]

_BLACK: Final = 16
_LEVELS: Final = np.clip(np.rint((np.arange(256) - _BLACK) * 255 / (255 - 2 * _BLACK)), 0, 255).astype(np.uint8)


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
        raise BadInput("bad_generation", f"The {use} cannot be used: {error.message}") from error


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
