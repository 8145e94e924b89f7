"""How a clip's own time relates to the sequence's and to its source's.

An element has a local time that begins at its `start`. Its markers and what is connected to it count in that time; its
`duration`, and its place, in its parent's. `conform-rate` makes a local second longer or shorter than a sequence's;
`timeMap` says which second of the source a local second shows.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.rate import Rate, source_rate
from genlock_otio.fcpx.seconds import ZERO, place, seconds

ONE: Final = Fraction(1)
_CLOSE: Final = Fraction(6, 100)
"""Rates nearer than this (24 and 25) are conformed frame for frame; others keep their real speed as whole numbers do."""


class Place(NamedTuple):
    """Where an element's local time lies: `start` is shown at the sequence's second `at`, and a sequence's second holds
    `scale` local ones."""

    at: Fraction
    start: Fraction
    scale: Fraction = ONE

    def on_sequence(self, local: Fraction) -> Fraction:
        if self.scale is ONE:
            return local if self.start is self.at else self.at + local - self.start
        return self.at + (local - self.start) / self.scale

    def local(self, second: Fraction) -> Fraction:
        since = second - self.at
        return self.start + (since if self.scale is ONE else since * self.scale)


class Line(NamedTuple):
    """Source seconds over local seconds, at one constant speed."""

    local: Fraction
    value: Fraction
    slope: Fraction = ONE

    def at(self, local: Fraction) -> Fraction:
        return local if self is IDENTITY else self.value + (local - self.local) * self.slope

    def after(self, inner: Line) -> Line:
        """Returns the line from the local time of this one to what `inner` makes of its values."""
        return Line(self.local, inner.at(self.value), self.slope * inner.slope)


IDENTITY: Final = Line(ZERO, ZERO)


def conform(own: Rate, rate: Rate) -> Fraction:
    """Returns how many seconds of a source Final Cut Pro shows in one second of the sequence when it conforms the two
    rates: 24 and 25 frame for frame, 23.976 in 60 as 24 in 60."""
    steps = ONE if abs(Fraction(own.nominal, rate.nominal) - 1) < _CLOSE else Fraction(own.nominal, rate.nominal)
    return steps * rate.fraction / own.fraction


def scale_of(element: Element, own: Rate | None, rate: Rate) -> Fraction:
    """Returns the local seconds in a second of the sequence that `conform-rate` asks for."""
    found = element.find("conform-rate")
    if found is None or found.get("scaleEnabled") == "0":
        return ONE
    if (text := found.get("srcFrameRate")) is not None:
        try:
            own = source_rate(text)
        except BadInput as error:
            raise BadInput("bad_rate", f"{place(element)} conforms {text[:40]!r} frames per second.") from error
    return ONE if own is None else conform(own, rate)


def time_map(element: Element, start: Fraction, end: Fraction) -> tuple[Line, bool]:
    """Returns the line a clip follows between two local times, and whether its speed is constant there. A ramp becomes
    the line from its first to its last moment. Raises BadInput(bad_time)."""
    points = _points(element)
    if len(points) < 2:
        return IDENTITY if not points else Line(points[0][0], points[0][1], ZERO), True
    lines = [
        Line(one[0], one[1], (two[1] - one[1]) / (two[0] - one[0])) for one, two in pairwise(points) if two[0] > one[0]
    ]
    if not lines:
        return Line(points[0][0], points[0][1], ZERO), True
    ends = [two.local for two in lines[1:]]
    shown = [
        line
        for number, line in enumerate(lines)
        if (number == 0 or line.local < end) and (number == len(ends) or ends[number] > start)
    ]
    if len({line.slope for line in shown}) == 1 and all(two.value == one.at(two.local) for one, two in pairwise(shown)):
        return shown[0], True
    first = shown[0].at(start)
    slope = (shown[-1].at(end) - first) / (end - start) if end > start else ONE
    return Line(start, first, slope), False


def _points(element: Element) -> list[tuple[Fraction, Fraction]]:
    found: list[tuple[Fraction, Fraction]] = []
    for point in element:
        if point.tag != "timept":
            continue
        time, value = seconds(point, "time"), seconds(point, "value")
        if time is None or value is None:
            raise BadInput("bad_time", f"A point of the time map of {place(element)} lacks its time or value.")
        found.append((time, value))
    return sorted(found, key=lambda point: point[0])


def inside(line: Line, start: Fraction, end: Fraction, first: Fraction, length: Fraction | None) -> Line:
    """Returns the line as one over the source's own time. Some programs count a time map's values from the media's first
    frame, though all else counts from zero: that is told by values that lie before it."""
    if first <= 0:
        return line
    low = min(line.at(start), line.at(end))
    if low < first and (length is None or low + first < first + length):
        return line._replace(value=line.value + first)
    return line
