"""Windows of a picture around a mask."""

from __future__ import annotations

from typing import Any

import numpy as np

from genlock.generation.engines.flux2.sizes import Window

Array = np.ndarray[Any, Any]


def box(mask: Array) -> Window | None:
    """Returns the rectangle that holds everything the mask (HxW uint8) selects; None when it selects nothing."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    left, top = int(columns[0]), int(rows[0])
    return Window(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def cut(picture: Array, at: Window) -> Array:
    """Returns a window of a picture or a mask."""
    return picture[at.top : at.top + at.height, at.left : at.left + at.width]


def pasted(picture: Array, part: Array, at: Window) -> Array:
    """Returns a copy of the picture with a part put into a window."""
    result = picture.copy()
    result[at.top : at.top + at.height, at.left : at.left + at.width] = part
    return result
