"""Given stills and clips as pictures of the size that is made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image, ImageOps

from genlock.errors import BadInput, MediaError
from genlock.generation.engines.ltx2.grid import Size
from genlock.media.clip import Clip, open_clip
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]


class Footage:
    """Pictures of one file, counted in frames of `rate`. Open only while they are read, so that an error of the model is
    never taken for one of the file. Raises BadInput(bad_generation) when it holds no picture that can be read."""

    def __init__(self, path: str, rate: Rate) -> None:
        self._path = Path(path)
        with self._opened() as clip:
            self._step = Fraction(1) if clip.rate is None else clip.rate.fraction / rate.fraction
            self.frames = max(1, round(clip.frames / self._step))

    def take(self, first: int, count: int, size: Size, own: int = 0) -> list[Array]:
        """Returns `count` pictures from frame `first` on, counted from the clip's own frame `own`; past the end the last
        one stays."""
        return list(self.each(first, count, size, own))

    def each(self, first: int, count: int, size: Size, own: int = 0) -> Iterator[Array]:
        """Yields the same one by one."""
        with self._opened() as clip:
            held: tuple[int, Array] | None = None
            for n in range(count):
                number = max(0, min(clip.frames - 1, own + int(self._step * (first + n))))
                if held is None or held[0] != number:
                    ((_, image),) = clip.pictures([number])
                    held = number, covering(image, size)
                yield held[1]

    @contextmanager
    def _opened(self) -> Iterator[Clip]:
        try:
            with open_clip(self._path) as clip:
                yield clip
        except MediaError as error:
            raise BadInput("bad_generation", f"{self._path.name} cannot be followed: {error.message}") from error


def covering(image: Image.Image, size: Size) -> Array:
    """Returns a picture that fills `size`, HxWx3 uint8, cut equally at two sides when the shapes differ."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    image = image.convert("RGB")
    fitted = image if image.size == size else ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return np.asarray(fitted)


def padded(picture: Array, size: Size) -> Array:
    """Returns a picture with its edges repeated up to `size`, so that `cropped` gives it back."""
    left, top = _margins(size, (picture.shape[1], picture.shape[0]))
    right, bottom = size[0] - picture.shape[1] - left, size[1] - picture.shape[0] - top
    return np.pad(picture, ((top, bottom), (left, right), (0, 0)), mode="edge")


def cropped(picture: Array, inner: Size, asked: Size) -> Array:
    """Returns the middle of a picture, `inner` large, enlarged to `asked` when that is more."""
    left, top = _margins((picture.shape[1], picture.shape[0]), inner)
    cut = np.ascontiguousarray(picture[top : top + inner[1], left : left + inner[0]])
    if inner == asked:
        return cut
    return cast("Array", np.asarray(Image.fromarray(cut).resize(asked, Image.Resampling.LANCZOS)))


def _margins(outer: Size, inner: Size) -> Size:
    return (outer[0] - inner[0]) // 2, (outer[1] - inner[1]) // 2
