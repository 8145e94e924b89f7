"""Which of several masks are the same thing twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

SAME: Final = 0.5
"""Overlap over union above which two masks are one thing."""

WITHIN: Final = 0.9
"""Part of the smaller mask inside the larger one above which it is a part of it."""


def overlap(one: Array, other: Array) -> float:
    """Returns the area both cover over the area either covers; 1 for two empty masks."""
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 1.0


def within(one: Array, other: Array) -> float:
    """Returns how much of the smaller of two masks lies inside the other; 0 when it is empty."""
    smaller = min(np.count_nonzero(one), np.count_nonzero(other))
    return np.count_nonzero(one & other) / smaller if smaller else 0.0


def distinct(masks: Sequence[Array], scores: Sequence[float], same: float = SAME, part: float = WITHIN) -> list[int]:
    """Returns the numbers of the masks to keep, best score first (equal scores in their order): greedy non-maximum
    suppression. A mask goes when a better one overlaps it by more than `same`, or when more than `part` of the smaller one
    lies in the other; 1 switches a rule off.
    """
    kept: list[int] = []
    for number in sorted(range(len(masks)), key=lambda n: -scores[n]):
        mask = masks[number]
        if all(overlap(mask, masks[k]) <= same and within(mask, masks[k]) <= part for k in kept):
            kept.append(number)
    return kept
