"""Speeds and source columns, both ways: what a motion line says, and which source frames an event names."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import NamedTuple

from genlock.timeline.rate import FREEZE, NORMAL, Rate, Speed
from genlock_otio.times import rounded


class Columns(NamedTuple):
    """What an event says about its source: the lowest frame, how many frames, and the motion line's number ("" at
    normal speed). Frames of the sequence's rate."""

    low: int
    span: int
    motion: str


class Shown(NamedTuple):
    """What an item shows: its first source frame, in frames of `rate`."""

    source_in: int
    speed: Speed
    rate: Rate


def columns(shown: Shown, rate: Rate, lead: int, length: int) -> Columns:
    """Returns the source columns of an event that starts `lead` frames before the item does and is `length` long."""
    if shown.speed == NORMAL and shown.rate == rate:
        return Columns(shown.source_in - lead, length, "")
    speed = shown.speed.fraction
    at = shown.source_in * rate.fraction / shown.rate.fraction - speed * lead
    first = at.numerator // at.denominator if shown.rate == rate else rounded(at)
    if shown.speed == NORMAL:
        return Columns(first, length, "")
    low = first - _back(speed, length)
    span = max(1, rounded(abs(speed) * length)) if length else 0
    return Columns(low, span, motion(shown.speed, rate))


def shown(source_in: int, span: int, speed: Speed, rate: Rate, lead: int, length: int) -> Shown:
    """Returns what an item shows that starts `lead` frames behind its event; the inverse of `columns` for whole frames.

    A reversed event names its lowest frame (Premiere, Resolve) or, where its span is not what its speed needs, the frame
    shown first (Avid).
    """
    if speed == NORMAL:
        return Shown(source_in + lead, speed, rate)
    pace = speed.fraction
    at = Fraction(source_in)
    if pace < 0 and abs(span + pace * length) <= 1:
        at += _back(pace, length)
    at += pace * lead
    return Shown(at.numerator // at.denominator, speed, rate)


def _back(pace: Fraction, length: int) -> int:
    """Returns how far below the frame shown first the lowest one lies."""
    if pace >= 0 or length < 1:
        return 0
    far = -pace * (length - 1)
    return -(-far.numerator // far.denominator)


def motion(speed: Speed, rate: Rate) -> str:
    """Returns the number of a motion line: frames a second, one decimal, or three where one is not enough."""
    exact = speed.fraction * rate.nominal
    for places in (1, 2, 3):
        step = Decimal(1).scaleb(-places)
        text = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(step, ROUND_HALF_UP)
        if Fraction(text) == exact:
            break
    sign = "-" if text < 0 else ""
    return f"{sign}{abs(text):0{4 + places}.{places}f}"


def speed_of(text: str, rate: Rate) -> Speed:
    """Returns the speed a motion line means: the simplest fraction that rounds to its number.

    Its frames a second count against the nominal rate (Premiere, Resolve) or the real one (47.95 at 23.976 is twice):
    the simpler answer is right.
    """
    value = Fraction(text or "0")
    if value == 0:
        return FREEZE
    places = len(text.partition(".")[2])
    off = Fraction(1, 20) if places < 2 else Fraction(1, 10**places)  # some round the last digit, some cut it off
    best: Fraction | None = None
    for base in (Fraction(rate.nominal), rate.fraction):
        found = _typed(abs(value) / base, off / base)
        if best is None or found.denominator < best.denominator:
            best = found
    assert best is not None
    return Speed.of(-best if value < 0 else best)


def _typed(exact: Fraction, margin: Fraction) -> Fraction:
    """Returns the whole per cent a rounded speed means (that is what people type), else the simplest fraction."""
    margin = min(margin, exact / 4)
    per_cent = Fraction(rounded(exact * 100), 100)
    if abs(per_cent - exact) <= margin:
        return per_cent
    return _simplest(exact - margin, exact + margin)


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """Returns the fraction with the smallest denominator between two positive ones (Stern and Brocot's tree)."""
    whole = low.numerator // low.denominator
    if whole == low:
        return low
    if whole + 1 <= high:
        return Fraction(whole + 1)
    return whole + 1 / _simplest(1 / (high - whole), 1 / (low - whole))
