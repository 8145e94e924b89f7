"""Pictures and masks that come as files. A mask is a grey or black and white picture, one with transparency, or a clip of
either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.clip import Clip, open_clip

Array = np.ndarray[Any, Any]

WHITE: Final = 128
"""Grey from which a pixel is inside."""


class Pictures:
    """The pictures of a file; `what` it is, for the errors. Only reading them raises BadInput(bad_generation): what goes
    wrong meanwhile with something else keeps its own name."""

    def __init__(self, clip: Clip, path: Path, what: str) -> None:
        self._clip, self._path, self._what = clip, path, what
        self.frames = clip.frames

    def run(self, first: int, end: int) -> Iterator[Image.Image]:
        """Yields the pictures from `first` to before `end`, RGB or RGBA; past the clip's end its last one."""
        pictures = self._clip.pictures(range(first, end))
        while True:
            with _named(self._path, self._what):
                shown = next(pictures, None)
            if shown is None:
                return
            yield shown[1]

    def at(self, frame: int) -> Image.Image:
        """Returns one picture."""
        return next(self.run(frame, frame + 1))


class Matte:
    """A mask a frame; a still is the same on every frame, and after a clip's end its last one holds."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self.frames = pictures.frames

    def at(self, frame: int) -> Array:
        """Returns the mask of a frame, HxW bool."""
        return inside(self._pictures.at(min(max(0, frame), self.frames - 1)))


@contextmanager
def pictures(path: str, what: str) -> Iterator[Pictures]:
    """Opens the pictures of a file; raises BadInput(bad_generation) when there are none that can be read."""
    place = Path(path)
    with ExitStack() as stack:
        with _named(place, what):
            clip = stack.enter_context(open_clip(place))
        yield Pictures(clip, place, what)


@contextmanager
def matte(path: str, size: tuple[int, int] | None = None) -> Iterator[Matte]:
    """Opens a mask; raises BadInput(bad_generation) when it cannot be read, or is not of `size` (width, height)."""
    with pictures(path, "mask") as opened:
        found = opened.at(0).size
        if size is not None and found != size:
            raise BadInput(
                "bad_generation",
                f"The mask {Path(path).name} is {found[0]}x{found[1]}, what it masks {size[0]}x{size[1]}.",
            )
        yield Matte(opened)


def inside(image: Image.Image) -> Array:
    """Returns the mask in a picture: its transparency where it has any, else where it is bright."""
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"))
        if alpha.min() < 255:
            return alpha >= WHITE
    return np.asarray(image.convert("L")) >= WHITE


@contextmanager
def _named(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except MediaError as error:
        raise BadInput("bad_generation", f"The {what} {path.name} cannot be read: {error.message}") from error
