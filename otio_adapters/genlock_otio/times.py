"""OTIO's times (two doubles) to frames and back, exactly.

A rate is snapped to the exact fraction it was meant as (23.976, 23.976024627 and 24000/1001 are one rate); a count of
frames is an int where the file's number is whole, else a Fraction, and rounding happens once, at the sequence's grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from genlock.errors import BadInput
from genlock.timeline.rate import Rate, source_rate
from genlock.timeline.timecode import frames_per_day

Exact = int | Fraction
LONGEST: Final = 100 * 366 * 24 * 3600
"""Seconds: a time beyond a hundred years is a broken export."""
_NEAR: Final = 1e8
"""Frames: surely shorter than that at any rate of a sequence."""

_rates: dict[float, Rate] = {}


def rate_of(time: Mapping[str, Any]) -> Rate:
    """Returns the exact rate of a RationalTime. Raises BadInput(bad_rate)."""
    number = time.get("rate")
    if type(number) is not float and type(number) is not int:
        raise BadInput("bad_rate", f"{number!r} is not a frame rate.")
    known = _rates.get(number)
    if known is None:
        known = source_rate(number)
        if len(_rates) < 1000:
            _rates[number] = known
    return known


def frames(time: Any, rate: Rate) -> Exact:
    """Returns a RationalTime as frames of `rate`. Raises BadInput(bad_time)."""
    if not isinstance(time, dict):
        raise BadInput("bad_time", f"{time!r} is not a time.")
    value, own = time.get("value"), rate_of(time)
    if type(value) is float:
        if -_NEAR < value < _NEAR and value.is_integer() and own == rate:
            return int(value)
    elif type(value) is int:
        if -_NEAR < value < _NEAR and own == rate:
            return value
    else:
        raise BadInput("bad_time", f"{value!r} is not a time.")
    if abs(value) > LONGEST * own.num / own.den:
        raise BadInput("bad_time", f"{value!r} at {own} a second is longer than any film.")
    return whole(Fraction(value) * rate.fraction / own.fraction)


def whole(value: Fraction) -> Exact:
    return value.numerator if value.denominator == 1 else value


def rounded(value: Exact) -> int:
    """Returns the nearest frame, halves upwards."""
    if type(value) is int:
        return value
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def length(time: Any, rate: Rate, what: str) -> Exact:
    """Returns a duration in frames of `rate`; BadInput(bad_time) for a negative one."""
    found = frames(time, rate)
    if found < 0:
        raise BadInput("bad_time", f"{what} has a negative duration.")
    return found


def time_json(frame: int, rate: Rate) -> dict[str, Any]:
    """Returns frames as a RationalTime with the exact double of the rate."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate.num / rate.den, "value": float(frame)}


def range_json(start: int, start_rate: Rate, duration: int, rate: Rate) -> dict[str, Any]:
    """Returns a TimeRange; start and duration may count at different rates."""
    return {  # spelled out: this is a quarter of writing a long cut
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": {"OTIO_SCHEMA": "RationalTime.1", "rate": rate.num / rate.den, "value": float(duration)},
        "start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": start_rate.num / start_rate.den, "value": float(start)},
    }


def says_time(time: Any, frame: int, rate: Rate) -> bool:
    """Returns whether a JSON time is what `time_json` would write, to the last bit."""
    return (
        isinstance(time, dict)
        and time.get("value") == frame
        and time.get("rate") == rate.num / rate.den
        and len(time) == 3
    )


def says_range(span: Any, start: int, start_rate: Rate, duration: int, rate: Rate) -> bool:
    """Returns whether a JSON range is what `range_json` would write."""
    return (
        isinstance(span, dict)
        and says_time(span.get("duration"), duration, rate)
        and says_time(span.get("start_time"), start, start_rate)
    )


def looks_like_drop_frame(frame: int, rate: Rate) -> bool:
    """Returns whether a start frame is a full hour in drop-frame counting and not in the other: cuts start on the hour."""
    if not rate.drop_per_minute or frame == 0:
        return False
    return frame % (frames_per_day(rate, True) // 24) == 0 and frame % (frames_per_day(rate) // 24) != 0
