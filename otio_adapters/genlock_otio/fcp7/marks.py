"""Markers and their colours, both ways.

Premiere writes <pproColor> (alpha, blue, green, red, a byte each; none for green), Final Cut and Resolve <color> with 16
bits a component. Both are written: <color> says exactly which of OpenTimelineIO's colours it is, <pproColor> the nearest
that Premiere has. Where they disagree on reading, Premiere spoke last.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from genlock.timeline.model import Marker
from genlock_otio.draft import Draft
from genlock_otio.fcp7.trees import Page, number, text
from genlock_otio.reading import COLORS
from genlock_otio.times import Exact

ID: Final = "genlock.id"
_NAMED: Final = "genlock.color"
_PREMIERE: Final = {
    "GREEN": 0xFF3C9A71,
    "RED": 4281740498,
    "PURPLE": 4289825711,
    "ORANGE": 4280578025,
    "YELLOW": 4281049552,
    "WHITE": 4294967295,
    "BLUE": 4294741314,
    "CYAN": 4292277273,
}
"""Premiere's own marker colours."""
_NEAREST: Final = {**{name: name for name in _PREMIERE}, "PINK": "PURPLE", "MAGENTA": "PURPLE", "BLACK": "BLUE"}

_TWINS: Final = ("MAGENTA",)
"""Colours that look like another one."""


def color_of(marker: Element, premiere: bool) -> str:
    """Returns the colour of a marker; one without is green in Premiere's files, red in others."""
    named = marker.get(_NAMED)
    exact = _exact(marker.find("color"))
    said = text(marker, "pproColor").strip()
    if said.isdecimal() and len(said) <= 10:
        shown = _nearest_premiere(int(said))
        if named and _NEAREST.get(named, "RED") == shown:
            return named
        return exact if exact is not None and _NEAREST.get(exact) == shown else shown
    if named and (exact is None or COLORS[exact] == COLORS.get(named, COLORS["RED"])):
        return named
    return exact or ("GREEN" if premiere else "RED")


def _exact(color: Element | None) -> str | None:
    if color is None:
        return None
    parts = [text(color, name).strip() for name in ("red", "green", "blue")]
    if not all(part.isdecimal() and len(part) <= 6 for part in parts):
        return None
    rgb = [int(part) for part in parts]
    full = 65535 if max(rgb) > 255 else 255
    return min(COLORS, key=lambda name: sum((c - v / full) ** 2 for c, v in zip(COLORS[name], rgb, strict=True)))


def _nearest_premiere(value: int) -> str:
    def far(name: str) -> int:
        return sum((a - b) ** 2 for a, b in zip(_bytes(_PREMIERE[name]), _bytes(value), strict=True))

    return min(_PREMIERE, key=far)


def _bytes(value: int) -> tuple[int, int, int]:
    return value & 255, value >> 8 & 255, value >> 16 & 255


def read_marker(
    marker: Element, draft: Draft, place: str, premiere: bool, *, item: str | None = None, first: Exact = 0,
    scale: Exact = 1,
) -> None:  # fmt: skip
    """Reads one <marker>: a clip's counts from the first frame of its media, which has the number `first`; `scale` are
    media frames a frame of the clip's rate."""
    start = number(marker.find("in"), place)
    end = number(marker.find("out"), place)
    if start is None:
        draft.warn(f"A marker of {place} says no place; left out.")
        return
    pointed = end is None or end <= start or (end == -1 and start >= 0)
    draft.marker(
        first + start * scale,
        0 if pointed or end is None else (end - start) * scale,
        item=item,
        name=text(marker, "name"),
        color=color_of(marker, premiere),
        comment=text(marker, "comment"),
        id=marker.get(ID, ""),
    )


def write_marker(page: Page, marker: Marker, first: int = 0) -> None:
    attributes = {ID: marker.id}
    if marker.color not in COLORS or marker.color in _TWINS:
        attributes[_NAMED] = marker.color
    page.open("marker", attributes)
    page.leaf("name", marker.name)
    page.leaf("comment", marker.comment)
    start = marker.start - first
    page.leaf("in", start)
    page.leaf("out", start + marker.duration if marker.duration or start < 0 else -1)
    page.leaf("pproColor", _PREMIERE[_NEAREST.get(marker.color, "RED")])
    page.open("color")
    page.leaf("alpha", 0)
    for name, part in zip(("red", "green", "blue"), COLORS.get(marker.color, COLORS["RED"]), strict=True):
        page.leaf(name, round(part * 65535))
    page.close("color")
    page.close("marker")
