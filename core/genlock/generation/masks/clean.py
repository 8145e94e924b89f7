"""Holes and specks: what a model leaves in a mask that nobody meant. Sizes count against the object, not the picture."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

Array = np.ndarray[Any, Any]

SMALL: Final = 0.005
"""Part of the object's outline area below which a hole or a piece counts as a mistake."""


def clean(mask: Array, small: float = SMALL) -> Array:
    """Returns the mask without specks and small holes. Cleaning twice changes nothing more."""
    return fill_holes(drop_specks(mask, small), small)


def fill_holes(mask: Array, small: float = SMALL) -> Array:
    """Returns the mask with holes filled that are at most `small` of the area inside its outline.

    A hole is background that cannot reach the picture's edge in steps up, down, left and right.
    """
    limit = small * _inside(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_framed(~mask, 1), connectivity=4)
    fill = stats[:, cv2.CC_STAT_AREA] <= limit
    fill[[0, labels[0, 0]]] = False
    return mask | fill[labels[1:-1, 1:-1]] if count > 2 else mask.copy()


def drop_specks(mask: Array, small: float = SMALL) -> Array:
    """Returns the mask without pieces smaller than `small` of the area inside its outline; the largest always stays."""
    limit = small * _inside(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask.copy()
    keep = stats[:, cv2.CC_STAT_AREA] >= limit
    keep[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))] = True
    keep[0] = False
    kept: Array = keep[labels]
    return kept


def _inside(mask: Array) -> int:
    """Returns how many pixels the outline holds, holes included: the measure that filling them does not change."""
    labels = cv2.connectedComponents(_framed(~mask, 1), connectivity=4)[1]
    return int(np.count_nonzero(labels[1:-1, 1:-1] != labels[0, 0]))


def _framed(mask: Array, value: int) -> Array:
    return np.pad(mask.astype(np.uint8), 1, constant_values=value)
