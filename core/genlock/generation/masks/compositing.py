"""Putting what was made into the source, so that every pixel outside the mask is the source's own."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Array = np.ndarray[Any, Any]


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
