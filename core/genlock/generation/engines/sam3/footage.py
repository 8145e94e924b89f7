"""The source's pictures, one at a time in either direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from PIL import Image

from genlock.generation.masks.reading import Pictures, pictures

Array = np.ndarray[Any, Any]

CHUNK: Final = 16
"""Frames held while a clip is read backward: decoders go forward only."""


class Footage:
    """The pictures of a clip or a still, HxWx3 uint8; `size` is width and height."""

    def __init__(self, shown: Pictures) -> None:
        self._shown = shown
        self.frames = shown.frames
        self.size: tuple[int, int] = shown.at(0).size

    def at(self, frame: int) -> Array:
        """Returns one picture."""
        return _opaque(self._shown.at(frame))

    def forward(self, first: int, end: int) -> Iterator[tuple[int, Array]]:
        """Yields (frame, picture) from `first` to before `end`."""
        for frame, image in enumerate(self._shown.run(first, end), first):
            yield frame, _opaque(image)

    def backward(self, last: int, fit: Callable[[Array], Array]) -> Iterator[tuple[int, Array]]:
        """Yields (frame, what `fit` made of the picture) from `last` down to 0."""
        for end in range(last + 1, 0, -CHUNK):
            held = [(frame, fit(picture)) for frame, picture in self.forward(max(0, end - CHUNK), end)]
            while held:
                yield held.pop()


@contextmanager
def footage(path: str) -> Iterator[Footage]:
    """Opens a source; raises BadInput(bad_generation) when it holds no picture that can be read."""
    with pictures(path, "source") as shown:
        yield Footage(shown)


def _opaque(image: Image.Image) -> Array:
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.asarray(image.convert("RGB"))
