"""Given stills and clips as pictures of the result's size and rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import cv2
import numpy as np
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.clip import Clip, open_clip
from genlock.media.opening import opened, reading
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]

RATE: Final = 48000


class Footage:
    """Pictures of one file, fitted to `size`, counted in frames of `rate` from its first one."""

    def __init__(self, clip: Clip, size: tuple[int, int], rate: Rate, fit: Callable[[Array], Array]) -> None:
        self._clip, self._size, self._fit = clip, size, fit
        self.step = Fraction(1) if clip.rate is None else clip.rate.fraction / rate.fraction
        """Frames of the clip's own to one of the result."""
        self.own = clip.frames
        """Frames of its own."""
        self.frames = max(1, round(clip.frames / self.step))
        """How many frames of the result's rate it fills."""

    def at(self, number: int, first: int = 0) -> Array:
        """Returns frame `number` of the result's rate, counted from the clip's own frame `first`; past the end the last."""
        own = min(self._clip.frames - 1, first + int(self.step * number))
        return self._fit(cover(self.whole(own), self._size))

    def own_length(self, frames: int) -> int:
        """Returns how long `frames` of the clip's own last in the result."""
        return max(1, round(frames / self.step))

    def whole(self, own: int) -> Array:
        """Returns the clip's own frame, HxWx3 uint8."""
        ((_, image),) = self._clip.pictures([max(0, own)])
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
        return np.asarray(image.convert("RGB"))

    def plain(self, number: int) -> Array:
        """Returns frame `number` of the result's rate as it is in the file, but for its size."""
        return cover(self.whole(min(self._clip.frames - 1, int(self.step * number))), self._size)


@contextmanager
def footage(path: str, size: tuple[int, int], rate: Rate, fit: Callable[[Array], Array]) -> Iterator[Footage]:
    """Opens a still or a clip; raises BadInput(bad_generation) when it holds no picture that can be read."""
    try:
        with open_clip(Path(path)) as clip:
            yield Footage(clip, size, rate, fit)
    except MediaError as error:
        raise BadInput("bad_generation", f"{Path(path).name} cannot be followed: {error.message}") from error


def cover(picture: Array, size: tuple[int, int]) -> Array:
    """Returns the picture filling `size`, cut equally at two sides when the shapes differ; a copy."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture.copy()
    scale = max(size[0] / width, size[1] / height)
    wide, high = min(width, round(size[0] / scale)), min(height, round(size[1] / scale))
    left, top = (width - wide) // 2, (height - high) // 2
    cut = np.ascontiguousarray(picture[top : top + high, left : left + wide])
    return cast("Array", cv2.resize(cut, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC))


def sound(path: str, total: int) -> Array | None:
    """Returns the first `total` samples of a file's sound, float32 [2, total], silence behind its end; None without any."""
    with reading(Path(path)), opened(Path(path)) as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        samples = np.zeros((2, total), np.float32)
        at = 0
        for frame in container.decode(container.streams.audio[0]):
            for part in resampler.resample(frame):
                block = part.to_ndarray()[:, : total - at]
                samples[:, at : at + block.shape[1]] = block
                at += block.shape[1]
            if at >= total:
                break
        return samples
