# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact rates and speeds from what Blender tells, which is rounded floats and whole frames. No bpy here."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

ONE: Final = Fraction(1)
_CLOSE: Final = 2e-6
"""How far a 32-bit float may be off, relative to its value; 23.976 and 24000/1001 are ten times as far apart."""


def exact_rate(value: float) -> Fraction:
    """The frame rate that a float stands for: a whole number, one times 1000/1001, or the closest with a denominator of at
    most 1001. Raises ValueError for a rate that is not above zero."""
    if not value > 0:
        raise ValueError(f"{value} is no frame rate")
    for candidate in (Fraction(round(value)), Fraction(round(value * 1.001) * 1000, 1001)):
        if candidate and abs(float(candidate) - value) <= _CLOSE * value:
            return candidate
    return Fraction(value).limit_denominator(1001)


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the smallest denominator in [low, high], 0 < low <= high (by the Stern-Brocot tree)."""
    whole = low.numerator // low.denominator
    if whole == low:
        return Fraction(whole)
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def speed_from(frames: int, length: float, real: Fraction = ONE) -> Fraction:
    """The speed at which `frames` of a medium take `length` timeline frames, a length that was rounded to whole frames.

    `real` is the scene's rate over the medium's: at speed 1 a timeline frame is 1 / `real` frames of the medium. The answer
    is the simplest fraction that rounds to this length. Raises ValueError when either is not above zero.
    """
    if frames <= 0 or length <= 0:
        raise ValueError("no speed without a length")
    exact = frames * real
    half = Fraction(1, 2)
    taken = Fraction(length)
    high = exact / (taken - half) if taken > half else exact / taken
    return simplest(exact / (taken + half), high)
