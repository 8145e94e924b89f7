# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of the timeline and of a source. Exact: steps are fractions, what falls between two frames is rounded down."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

Rate = tuple[int, int]
Step = int | Fraction
_FINE = 1000
"""Blender keeps frames in short floats: a thousandth of a frame is all that is believed of them."""


@lru_cache(maxsize=4096)
def step_of(speed: Rate, own: Rate | None, rate: Rate) -> Step:
    """Returns how many source frames a timeline frame advances, signed; `own` is the source's rate, None: the scene's."""
    step = Fraction(speed[0], speed[1] or 1)
    if not (own is None or own == rate or not own[0] or not own[1] or not rate[0]):
        step = step * own[0] * rate[1] / (own[1] * rate[0])
    return step.numerator if step.denominator == 1 else step


def offset(left: int, content_start: float) -> Step:
    """Returns the timeline frames from the content's first frame to `left`."""
    off = left - content_start
    whole = int(off)
    return whole if whole == off else Fraction(round(off * _FINE), _FINE)


def frame_at(off: Step, step: Step, frames: int, anchor: Any = None) -> int:
    """Returns the source frame, from the file's first, that is shown `off` timeline frames into the content.

    Backwards the content begins with the last of its `frames`. `anchor` is what `offset_for` returned, if its step still
    is this one.
    """
    if step == 1 and not anchor:
        return off if isinstance(off, int) else off // 1
    if anchor and _fits(anchor, step):
        return int((anchor[1] + step * (off - anchor[0])) // 1)
    first = frames - 1 if step < 0 and frames > 0 else 0
    return int((first + step * off) // 1)


def offset_for(frame: int, step: Step, frames: int) -> tuple[int, list[Any] | None]:
    """Returns the whole offset at which `frame_at` gives `frame`, and an anchor where only a remembered one does."""
    if step == 1:
        return frame, None
    if not step:
        off = 0
    elif step > 0:
        off = -(-frame * step.denominator // step.numerator)
    else:
        off = ((frames - 1 if frames > 0 else 0) - frame) * step.denominator // -step.numerator
    if frame_at(off, step, frames) == frame:
        return off, None
    return off, [off, frame, str(step)]


def _fits(anchor: Any, step: Step) -> bool:
    return (
        isinstance(anchor, (list, tuple))
        and len(anchor) == 3
        and isinstance(anchor[0], int)
        and isinstance(anchor[1], int)
        and anchor[2] == str(step)
    )


def pair(value: Any) -> Rate | None:
    """Returns a rate or a speed as it came over the wire as (num, den); None for anything else."""
    if (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and all(isinstance(each, int) for each in value)
        and value[1]
    ):
        return value[0], value[1]
    return None
