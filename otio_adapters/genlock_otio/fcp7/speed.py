"""The Time Remap filter, both ways.

Retimed clips count their in and out points in *retimed* frames: those of the whole media played at the clip's speed, for
a reversed clip from the media's end. The filter's graph says which place in the media each of them shows, so that the
first frame is exact where the in-point had to be rounded (docs/why/fcp7.md).
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Any, Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.rate import FREEZE, NORMAL, Speed
from genlock_otio.fcp7.notes import meant
from genlock_otio.fcp7.trees import Page, apart, decimal, flag, number, text
from genlock_otio.keeping import Json
from genlock_otio.times import Exact

PLACES: Final = 12
"""Decimals of a percentage: enough to tell any speed whose denominator is below a million."""
_GRAPH_PLACES: Final = 6
_EDGES: Final = ("speedkfstart", "speedkfin", "speedkfout", "speedkfend")
_FASTEST: Final = 100_000


class Retime(Struct, frozen=True):
    """What a Time Remap filter says. `graph` is (retimed frame, place in the media) in order; a ramp is not understood."""

    speed: Speed
    graph: tuple[tuple[Exact, Exact], ...] = ()
    ramp: bool = False
    said: str = ""

    def place(self, at: Exact) -> Exact | None:
        """Returns the place in the media that the graph shows at a retimed frame; None without one."""
        if not self.graph:
            return None
        if not self.ramp:
            when, value = min(self.graph, key=lambda point: apart(point[0], at))
            return value + (at - when) * self.speed.fraction
        points = self.graph
        right = next((n for n, point in enumerate(points) if point[0] >= at), len(points) - 1)
        (one, low), (two, high) = points[max(0, right - 1)], points[right]
        return high if one == two else low + Fraction(at - one) * (high - low) / (two - one)


def read_retime(filter_: Element, note: Json, place: str) -> Retime | None:
    """Reads a <filter>; None when it is another one, or switched off. Raises BadInput(bad_time)."""
    effect = filter_.find("effect")
    if text(effect, "effectid").strip().lower() != "timeremap" or not flag(filter_.find("enabled"), True):
        return None
    assert effect is not None
    found = {text(p, "parameterid").strip() or text(p, "name").strip(): p for p in effect.iterfind("parameter")}
    ramp = flag(_value(found, "variablespeed"), False)
    said = text(_value(found, "speed")).strip()
    percent = number(_value(found, "speed"), place)
    graph = _graph(found.get("graphdict"), place)
    if percent is None:
        if not graph:
            return None
        percent = 100
    if apart(percent, 0) > _FASTEST * 100:
        raise BadInput("bad_time", f"{place} plays at {float(percent):g} %, which is no speed.")
    exact = _exact(percent, said)
    if flag(_value(found, "reverse"), False):
        exact = -abs(exact)
    speed = Speed.of(exact)
    own = meant(note, "speed", said)
    if isinstance(own, list) and len(own) == 2 and all(type(n) is int for n in own) and own[1] > 0:
        speed = Speed.of(Fraction(own[0], own[1]))
    return Retime(speed, graph, ramp, said)


def _value(parameters: dict[str, Element], name: str) -> Element | None:
    found = parameters.get(name)
    return None if found is None else found.find("value")


def _graph(parameter: Element | None, place: str) -> tuple[tuple[Exact, Exact], ...]:
    points: dict[Exact, Exact] = {}
    for key in () if parameter is None else parameter.iterfind("keyframe"):
        when, value = number(key.find("when"), place), number(key.find("value"), place)
        if when is not None and value is not None:
            points[when] = value
    return tuple(sorted(points.items()))


def _exact(percent: Exact, said: str) -> Fraction:
    """Returns the ratio a percentage stands for: 33.3333 is a third, not 333333 millionths."""
    exact = Fraction(percent) / 100
    places = 2 + len(said.partition(".")[2])
    near = exact.limit_denominator(max(1, isqrt(10 ** max(0, places - 2))))
    return near if abs(near - exact) * 2 * 10**places <= 1 else exact


def first_shown(retime: Retime, at: Exact, length: Exact | None, scale: Exact) -> Exact | None:
    """Returns the media frame shown first, counted from the media's first, for a retimed in-point `at`.

    `length` is the media's length in frames (None: unknown), `scale` how many media frames a frame of the clip's rate
    lasts. None for a reversed clip of which nothing says where the media ends.
    """
    back = retime.speed.num < 0
    place = retime.place(at) if scale == 1 else None
    if place is None:
        if retime.speed == FREEZE:
            return at * scale
        place = at * retime.speed.fraction * scale
        if back:
            if length is None:
                return None
            place += length
    return place - 1 if back else place


class Played(Struct, frozen=True):
    """How a clip is written: `first` is the retimed frame its first picture has, `scale` always 1 in what we write."""

    speed: Speed
    first: int
    place: Exact
    length: int

    @property
    def whole(self) -> int:
        """Retimed frames of the whole media."""
        if self.speed == FREEZE:
            return self.length
        return max(1, -(-self.length * self.speed.den // abs(self.speed.num)))


def played(speed: Speed, into: int, length: int) -> Played:
    """Returns how a clip is written that shows media frame `into` (from the media's first) first; `length` is the
    media's length in frames."""
    if speed in (NORMAL, FREEZE):
        return Played(speed, into, into, length)
    if speed.num > 0:
        return Played(speed, _nearest(into / speed.fraction), into, length)
    return Played(speed, _nearest((length - into - 1) / -speed.fraction), into + 1, length)


def _nearest(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def percent_text(speed: Speed) -> str:
    """Returns the speed in percent, without its sign: "reverse" says that."""
    return decimal(abs(speed.fraction) * 100, PLACES)


def speed_note(speed: Speed) -> list[Any] | None:
    """Returns what to note about a speed that its percentage does not tell exactly."""
    said = percent_text(speed)
    exact = _exact(Fraction(said), said)
    return None if exact == abs(speed.fraction) else [said, [speed.num, speed.den]]


def write_retime(page: Page, play: Played, into: int, out: int, place: Exact, media: str) -> None:
    """Writes the filter of a clip whose in and out points are `into` and `out`; `place` is that of the in-point, which is
    exact where `into` had to be rounded."""
    page.open("filter")
    page.open("effect")
    page.leaf("name", "Time Remap")
    page.leaf("effectid", "timeremap")
    page.leaf("effectcategory", "motion")
    page.leaf("effecttype", "motion")
    page.leaf("mediatype", media)
    _parameter(page, "variablespeed", "0", ("0", "1"))
    _parameter(page, "speed", percent_text(play.speed), ("-100000", "100000"))
    _parameter(page, "reverse", "TRUE" if play.speed.num < 0 else "FALSE")
    _parameter(page, "frameblending", "FALSE")
    page.open("parameter", {"authoringApp": "PremierePro"})
    page.leaf("parameterid", "graphdict")
    page.leaf("name", "graphdict")
    page.leaf("valuemin", "0")
    page.leaf("valuemax", play.length)
    page.leaf("value", "0")
    for edge, when in zip(_EDGES, (min(0, into), into, out, max(out, play.whole)), strict=True):
        if (edge == "speedkfstart" and when == into) or (edge == "speedkfend" and when == out):
            continue
        page.open("keyframe")
        page.leaf("when", when)
        page.leaf("value", decimal(place + (when - into) * play.speed.fraction, _GRAPH_PLACES))
        page.leaf("speedvirtualkf", "TRUE")
        page.leaf(edge, "TRUE")
        page.close("keyframe")
    page.open("interpolation")
    page.leaf("name", "FCPCurve")
    page.close("interpolation")
    page.close("parameter")
    page.close("effect")
    page.close("filter")


def _parameter(page: Page, name: str, value: str, span: tuple[str, str] | None = None) -> None:
    page.open("parameter", {"authoringApp": "PremierePro"})
    page.leaf("parameterid", name)
    page.leaf("name", name)
    if span:
        page.leaf("valuemin", span[0])
        page.leaf("valuemax", span[1])
    page.leaf("value", value)
    page.close("parameter")


def told_place(place: Exact, reverse: bool) -> Exact:
    """Returns what a reader makes of a place of the graph as it is written: the media frame shown there."""
    said = Fraction(decimal(place, _GRAPH_PLACES))
    return said - 1 if reverse else said
