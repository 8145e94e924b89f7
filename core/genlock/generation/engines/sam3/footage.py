"""The source's pictures, one at a time in either direction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.clip import Clip, open_clip

Array = np.ndarray[Any, Any]

CHUNK: Final = 16
"""Frames held while a clip is read backward: decoders go forward only."""


class Footage:
    """The pictures of a clip or a still, HxWx3 uint8; `size` is width and height."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self.frames = clip.frames
        self.size: tuple[int, int] = self.at(0).shape[1::-1]

    def at(self, frame: int) -> Array:
        """Returns one picture."""
        return next(picture for _, picture in self.forward(frame, frame + 1))

    def forward(self, first: int, end: int) -> Iterator[tuple[int, Array]]:
        """Yields (frame, picture) from `first` to before `end`."""
        for frame, image in self._clip.pictures(range(first, end)):
            yield frame, _opaque(image)

    def backward(self, last: int, fit: Any = lambda picture: picture) -> Iterator[tuple[int, Any]]:
        """Yields (frame, what `fit` made of the picture) from `last` down to 0."""
        for end in range(last + 1, 0, -CHUNK):
            held = [(frame, fit(picture)) for frame, picture in self.forward(max(0, end - CHUNK), end)]
            while held:
                yield held.pop()


@contextmanager
def footage(path: str) -> Iterator[Footage]:
    """Opens a source; raises BadInput(bad_generation) when it holds no picture that can be read."""
    try:
        with open_clip(Path(path)) as clip:
            yield Footage(clip)
    except MediaError as error:
        raise BadInput("bad_generation", f"{Path(path).name} cannot be looked at: {error.message}") from error


def _opaque(image: Image.Image) -> Array:
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("RGB"))
