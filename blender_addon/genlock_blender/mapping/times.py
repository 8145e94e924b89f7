# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the timeline and of a source. Exact: steps are fractions, what falls between two frames is rounded down."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any, Final

Rate = tuple[int, int]
Step = tuple[int, int]
"""Source frames a timeline frame advances, as (num, den) in lowest terms; den is above 0."""

NORMAL: Final[Rate] = (1, 1)
_FINE: Final = 1000
"""Blender keeps frames in short floats: a thousandth of a frame is all that is believed of them."""


@lru_cache(maxsize=4096)
def step_of(speed: Rate, own: Rate | None, rate: Rate) -> Step:
    """Returns the step at a speed, signed; `own` is the source's rate, None for the scene's."""
    num, den = speed[0], speed[1] or 1
    if own is not None and own != rate and own[0] and own[1] and rate[0] and rate[1]:
        num, den = num * own[0] * rate[1], den * own[1] * rate[0]
    return reduced(num, den)


def reduced(num: int, den: int) -> Rate:
    """Returns the fraction in lowest terms; a denominator of 0 counts as 1."""
    if den < 0:
        num, den = -num, -den
    common = gcd(num, den) or 1
    return num // common, den // common or 1


def offset(left: int, content_start: float) -> int | Fraction:
    """Returns the timeline frames from the content's first frame to `left`."""
    off = left - content_start
    whole = int(off)
    return whole if whole == off else Fraction(round(off * _FINE), _FINE)


def frame_at(off: int | Fraction, step: Step, frames: int, anchor: Any = None) -> int:
    """Returns the source frame, from the file's first, that is shown `off` timeline frames into the content.

    Backwards the content begins with the last of its `frames`. `anchor` is what `offset_for` returned, if its step still
    is this one.
    """
    if step == NORMAL and not anchor and type(off) is int:
        return off
    num, den = step
    if anchor and _fits(anchor, step):
        return int(anchor[1] + (off - anchor[0]) * num // den)
    first = frames - 1 if num < 0 and frames > 0 else 0
    return int(first + off * num // den)


def offset_for(frame: int, step: Step, frames: int) -> tuple[int, list[Any] | None]:
    """Returns the whole offset at which `frame_at` gives `frame`, and an anchor where only a remembered one does."""
    num, den = step
    if step == NORMAL:
        return frame, None
    if num > 0:
        off = -(-frame * den // num)
    elif num < 0:
        off = ((frames - 1 if frames > 0 else 0) - frame) * den // -num
    else:
        off = 0
    if frame_at(off, step, frames) == frame:
        return off, None
    return off, [off, frame, f"{num}/{den}"]


def _fits(anchor: Any, step: Step) -> bool:
    return (
        isinstance(anchor, (list, tuple))
        and len(anchor) == 3
        and isinstance(anchor[0], int)
        and isinstance(anchor[1], int)
        and anchor[2] == f"{step[0]}/{step[1]}"
    )


def pair(value: Any) -> Rate | None:
    """Returns a rate or a speed as it came over the wire as (num, den); None for anything else."""
    if value is not None and isinstance(value, (list, tuple)) and len(value) == 2:
        num, den = value
        if isinstance(num, int) and isinstance(den, int) and den:
            return num, den
    return None
