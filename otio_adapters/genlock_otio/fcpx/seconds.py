"""FCPXML's times: rational numbers of seconds, such as "1001/24000s", "5s" and "12.5s"."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.rate import Rate
from genlock_otio.times import Exact

ZERO: Final = Fraction(0)
_TEXT: Final = re.compile(r"\s*([+-]?[0-9]{1,24})(?:/([0-9]{1,24})|(\.[0-9]{1,24}))?\s*s?\s*", re.ASCII)


@lru_cache(maxsize=65_536)
def parsed(text: str) -> Fraction | None:
    """Returns the seconds a text means, None when it means none."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    whole, below, rest = found.groups()
    if rest:
        return Fraction(whole + rest)
    if below is None:
        return Fraction(int(whole))
    return Fraction(int(whole), int(below)) if int(below) else None


def seconds(element: Element, name: str) -> Fraction | None:
    """Returns a time attribute, None where it is not given. Raises BadInput(bad_time) with the element."""
    text = element.get(name)
    if text is None:
        return None
    value = parsed(text)
    if value is None:
        raise BadInput("bad_time", f"`{name}` of {place(element)} is {text[:60]!r}, which is no time.")
    return value


def length(element: Element, name: str = "duration") -> Fraction | None:
    """Returns a duration, None where it is not given. Raises BadInput(bad_time) for a negative one."""
    value = seconds(element, name)
    if value is not None and value < 0:
        raise BadInput("bad_time", f"`{name}` of {place(element)} is negative.")
    return value


def place(element: Element) -> str:
    """Returns how an element is found again in the file: its tag and what names it."""
    about = (
        f" {key}={value[:60]!r}" for key in ("id", "ref", "name", "offset") if (value := element.get(key)) is not None
    )
    return f"<{element.tag}{''.join(about)}>"


def written(value: Fraction) -> str:
    """Returns a time in lowest terms."""
    return f"{value.numerator}s" if value.denominator == 1 else f"{value.numerator}/{value.denominator}s"


def in_frames(value: Fraction, rate: Rate) -> Exact:
    """Returns seconds as frames: whole ones as an int. (A hundred thousand clips are some million of these.)"""
    number, below = value.numerator * rate.num, value.denominator * rate.den
    return Fraction(number, below) if number % below else number // below


def of_frames(frames: int, rate: Rate) -> Fraction:
    """Returns how long frames last, in seconds."""
    return Fraction(frames * rate.den, rate.num)
