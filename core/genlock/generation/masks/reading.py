"""Masks that come as files: a grey or black and white picture, one with transparency, or a clip of either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.clip import open_clip

Array = np.ndarray[Any, Any]

WHITE: Final = 128
"""Grey from which a pixel is inside."""


class Matte:
    """A mask a frame; a still is the same on every frame, and after a clip's end its last one holds."""

    def __init__(self, clip: Any) -> None:
        self._clip = clip
        self.frames: int = clip.frames

    def at(self, frame: int) -> Array:
        """Returns the mask of a frame, HxW bool."""
        ((_, image),) = self._clip.pictures([min(max(0, frame), self.frames - 1)])
        return inside(image)


@contextmanager
def matte(path: str, size: tuple[int, int] | None = None) -> Iterator[Matte]:
    """Opens a mask; raises BadInput(bad_generation) when it cannot be read, or is not of `size` (width, height)."""
    try:
        with open_clip(Path(path)) as clip:
            opened = Matte(clip)
            found = opened.at(0).shape[::-1]
            if size is not None and found != size:
                raise BadInput(
                    "bad_generation",
                    f"The mask {Path(path).name} is {found[0]}x{found[1]}, what it masks {size[0]}x{size[1]}.",
                )
            yield opened
    except MediaError as error:
        raise BadInput("bad_generation", f"The mask {Path(path).name} cannot be read: {error.message}") from error


def inside(image: Image.Image) -> Array:
    """Returns the mask in a picture: its transparency where it has any, else where it is bright."""
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < 255:
            return alpha >= WHITE
    return np.asarray(image.convert("L")) >= WHITE
