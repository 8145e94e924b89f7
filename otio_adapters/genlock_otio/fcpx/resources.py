"""What the clips of an FCPXML file refer to: formats, assets, effects and compound clips."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate, snap_rate, source_rate
from genlock_otio.fcpx.seconds import ZERO, length, place, seconds
from genlock_otio.keeping import Json

_RATE: Final = re.compile(r"\d([pi])(2398|24|25|2997|30|47(?:95)?|48|50|5994|60)\Z", re.ASCII)
_NAMED: Final = {"2398": "23.976", "2997": "29.97", "4795": "47.952", "5994": "59.94"}
LARGEST: Final = 65_536
"""Pixels of a picture's side."""


class Format(Struct, frozen=True):
    """A format: its frame rate (None for sound), and picture size (None where it has none)."""

    rate: Rate | None
    size: Resolution | None


class Asset(Struct, frozen=True):
    """A file. `first` and `length` in seconds; a length of None is unknown. `rate` is the picture's."""

    url: str
    name: str
    first: Fraction
    length: Fraction | None
    rate: Rate | None
    video: bool
    audio: bool


class Resources:
    """The resources of one file, looked up by id. Raises BadInput(bad_timeline) for one that is not there."""

    def __init__(self, root: Element) -> None:
        self._found: dict[str, Element] = {}
        for part in root.iter("resources"):
            for resource in part:
                if (id_ := resource.get("id")) is not None:
                    self._found.setdefault(id_, resource)
        self._formats: dict[str, Format] = {}
        self._assets: dict[str, Asset] = {}

    def get(self, element: Element) -> Element:
        """Returns the resource an element refers to."""
        ref = element.get("ref")
        found = None if ref is None else self._found.get(ref)
        if found is None:
            raise BadInput("bad_timeline", f"{place(element)} refers to a resource that is not in the file.")
        return found

    def format(self, id_: str | None) -> Format:
        """Returns a format; one that is not there says nothing."""
        if id_ is None or (found := self._found.get(id_)) is None or found.tag != "format":
            return Format(None, None)
        if id_ not in self._formats:
            self._formats[id_] = Format(_rate(found), _size(found))
        return self._formats[id_]

    def rate_of_frames(self, id_: str | None) -> Fraction | None:
        """Returns the exact frame rate a format writes, for sequences, which run at nine rates only."""
        found = None if id_ is None else self._found.get(id_)
        return None if found is None or found.tag != "format" else _exact(found)

    def asset(self, element: Element) -> Asset:
        """Returns the asset a resource element says."""
        id_ = element.get("id", "")
        if id_ not in self._assets:
            rep = element.find("media-rep")
            url = element.get("src", "" if rep is None else rep.get("src", ""))
            video, audio = element.get("hasVideo") == "1", element.get("hasAudio") == "1"
            long = length(element)
            self._assets[id_] = Asset(
                url,
                element.get("name", ""),
                seconds(element, "start") or ZERO,
                None if long == 0 else long,  # a still picture has no length
                self.format(element.get("format")).rate,
                video or not audio,
                audio,
            )
        return self._assets[id_]

    def effect(self, id_: str) -> Json | None:
        """Returns an effect as it is kept with a filter; None where there is none."""
        found = self._found.get(id_)
        if found is None or found.tag != "effect":
            return None
        return {key: value for key in ("name", "uid", "src") if (value := found.get(key)) is not None}


def _exact(element: Element) -> Fraction | None:
    each = length(element, "frameDuration")
    if each:
        return 1 / each
    named = _RATE.search(element.get("name", ""))
    if named is None:
        return None
    found = Fraction(_NAMED.get(named[2], named[2]))
    return found / 2 if named[1] == "i" else found


def _rate(element: Element) -> Rate | None:
    exact = _exact(element)
    try:
        return None if exact is None else source_rate(exact)
    except BadInput as error:
        raise BadInput("bad_rate", f"{place(element)} is of no frame rate.") from error


def _size(element: Element) -> Resolution | None:
    sides = element.get("width", ""), element.get("height", "")
    if not all(side.isascii() and side.isdigit() and len(side) < 6 and 0 < int(side) <= LARGEST for side in sides):
        return None
    return Resolution(int(sides[0]), int(sides[1]))


def sequence_rate(exact: Fraction, where: Element) -> Rate:
    """Returns the rate of a sequence. Raises BadInput(bad_rate) with the element."""
    try:
        return snap_rate(exact)
    except BadInput as error:
        raise BadInput("bad_rate", f"{place(where)} runs at {float(exact):g} frames per second.") from error
