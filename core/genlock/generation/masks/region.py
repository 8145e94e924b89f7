"""Which part of each frame is made again: a mask that is given, what was selected, or both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np

Array = np.ndarray[Any, Any]
Frames = Callable[[int], Array]
"""Returns the mask of a frame of the result, HxW uint8, 255 inside."""

GROWN: Final = 5
"""Pixels by which what was selected is widened where nothing is said: outlines are soft, and a rim of the old that stays
shows more than one that goes. A mask that is given is taken as it is."""


class Region:
    """The masks of a result's frames at the source's size."""

    def __init__(self, parts: list[Frames], grow: int) -> None:
        self._parts = parts
        self._kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grow + 1, 2 * grow + 1)) if grow else None

    def mask(self, number: int) -> Array:
        """Returns what is made again on a frame, HxW uint8; between 0 and 255 where it is mixed with the source."""
        whole = self._parts[0](number)
        for part in self._parts[1:]:
            whole = np.maximum(whole, part(number))
        return whole if self._kernel is None else np.asarray(cv2.dilate(whole, self._kernel))
