"""Putting what was made into the source, so that every pixel outside the mask is the source's own."""

from __future__ import annotations

from typing import Any

import cv2
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


def opacity(mask: Array, feather: int) -> Array:
    """Returns how much of what was made shows, float32 HxW 0..1: exactly 0 outside the mask.

    A `feather` rises over so many pixels from the edge inwards, never outwards.
    """
    shown: Array = mask.astype(np.float32) / 255
    if feather:
        inside = cv2.copyMakeBorder((mask > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
        depth = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
        shown = shown * np.clip(depth / (feather + 1), 0, 1)
    return shown


def composite(source: Array, made: Array, shown: Array) -> Array:
    """Returns the source with what was made over it, HxWx3 uint8; where `shown` is 0 it is the source bit for bit."""
    part = shown[..., None]
    mixed = np.rint(source * (1 - part) + made * part).clip(0, 255).astype(np.uint8)
    return np.where(part > 0, mixed, source)


def cut(picture: Array, at: Window) -> Array:
    """Returns a window of a picture or a mask."""
    return picture[at.top : at.top + at.height, at.left : at.left + at.width]


def pasted(picture: Array, part: Array, at: Window) -> Array:
    """Returns a copy of the picture with a part put into a window."""
    result = picture.copy()
    result[at.top : at.top + at.height, at.left : at.left + at.width] = part
    return result
