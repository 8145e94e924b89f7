"""<rate> and <timecode>, both ways."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.rate import Rate, source_rate
from genlock.timeline.timecode import frames_per_day, from_timecode, to_timecode
from genlock_otio.fcp7.trees import Page, decimal, flag, number, text
from genlock_otio.times import Exact, whole

TICKS: Final = 254_016_000_000
"""Premiere's ticks a second: a whole number of them fits into a frame of every rate there is."""
_TIMEBASE: Final = re.compile(r"\d{1,6}(\.\d{1,12})?\Z", re.ASCII)
_NEVER_NTSC: Final = (25, 50, 100)
_CACHED: Final = 100
_known: Final[dict[tuple[str, str], Rate | None]] = {}
"""What each <rate> says: a document repeats the same two words thousands of times."""


class Timecode(Struct, frozen=True):
    """A <timecode>: the frame it names, counted from midnight at its own rate."""

    frame: Exact
    drop_frame: bool
    rate: Rate | None
    contradiction: str = ""

    def at(self, rate: Rate) -> Exact:
        """Returns the frame in frames of `rate`."""
        if self.rate is None or self.rate == rate:
            return self.frame
        return whole(Fraction(self.frame) * rate.fraction / self.rate.fraction)


def read_rate(element: Element | None, place: str) -> Rate | None:
    """Returns the exact rate of a <rate> element: its time base, times 1000/1001 for NTSC; None where there is none.

    Raises BadInput(bad_rate).
    """
    if element is None:
        return None
    words = (element.findtext("timebase") or "", element.findtext("ntsc") or "")
    if words in _known:
        return _known[words]
    found = _read_rate(element, place)
    if len(_known) < _CACHED:
        _known[words] = found
    return found


def _read_rate(element: Element, place: str) -> Rate | None:
    value = text(element, "timebase").strip()
    if not value:
        return None
    if not _TIMEBASE.match(value):
        raise BadInput("bad_rate", f"The time base of {place} is {value[:40]!r}, which is no frame rate.")
    exact = Fraction(value)
    if flag(element.find("ntsc"), False) and exact.denominator == 1 and exact not in _NEVER_NTSC:
        exact = exact * 1000 / 1001
    try:
        return source_rate(exact)
    except BadInput as error:
        raise BadInput("bad_rate", f"The time base of {place} is {value!r}, which is no frame rate.") from error


def write_rate(page: Page, rate: Rate) -> None:
    """Writes a <rate>; rates that it has no words for (12.5 frames per second) as a decimal, which is read back exactly."""
    whole_base = is_written(rate)
    page.open("rate")
    page.leaf("timebase", rate.nominal if whole_base else decimal(rate.fraction, 12))
    page.flag("ntsc", whole_base and rate.is_ntsc)
    page.close("rate")


def read_timecode(element: Element | None, rate: Rate | None, place: str) -> Timecode | None:
    """Reads a <timecode>; `rate` is what it counts in when it does not say so itself. None where there is none.

    The frame number counts, as Premiere means it; the text where there is none. Raises BadInput.
    """
    if element is None:
        return None
    own = read_rate(element.find("rate"), f"the timecode of {place}") or rate
    frame = number(element.find("frame"), f"the timecode of {place}")
    written = text(element, "string").strip()
    shown = text(element, "displayformat").strip().upper()
    drop = bool(own is not None and own.drop_per_minute) and (shown == "DF" or (not shown and ";" in written))
    said = _frame_of(written, own, drop)
    if said is None and frame is None:
        return None
    if said is None or own is None or frame is None:
        return Timecode((frame or 0) if said is None else said, drop, own)
    if frame % frames_per_day(own, drop) == said or (";" in written and not drop):
        return Timecode(frame, drop, own)  # Premiere counts drop frame at 30 frames per second too
    odd = f"The timecode of {place} says {written} and frame {float(frame):g}, which differ; the frame was taken."
    return Timecode(frame, drop, own, odd)


def _frame_of(written: str, rate: Rate | None, drop: bool) -> int | None:
    if not written or rate is None:
        return None
    try:
        return from_timecode(written.replace(";", ":").replace(".", ":"), rate, drop)
    except BadInput:
        return None


def write_timecode(page: Page, frame: int, rate: Rate, drop_frame: bool) -> None:
    page.open("timecode")
    write_rate(page, rate)
    if frame >= 0 and rate.nominal < 1000:
        page.leaf("string", to_timecode(frame, rate, drop_frame))
    page.leaf("frame", frame)
    page.leaf("displayformat", "DF" if drop_frame else "NDF")
    page.close("timecode")


def ticks(frames: int, rate: Rate) -> int | None:
    """Returns Premiere's ticks for frames of a rate; None where they would have to be rounded."""
    exact, rest = divmod(frames * TICKS * rate.den, rate.num)
    return exact if rest == 0 else None


def is_written(rate: Rate) -> bool:
    """Returns whether <timebase> and <ntsc> can say this rate."""
    return rate.den == 1 or (rate.den == 1001 and rate.num % 1000 == 0 and rate.nominal not in _NEVER_NTSC)
