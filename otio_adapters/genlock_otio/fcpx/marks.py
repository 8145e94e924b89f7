"""Markers both ways. Final Cut Pro has four kinds, each with its colour, and no other colours."""

from __future__ import annotations

from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from genlock.timeline.model import Marker
from genlock_otio.fcpx.notes import read_note, write_note
from genlock_otio.fcpx.seconds import seconds, written
from genlock_otio.keeping import Json

NATURAL: Final = {"marker": "BLUE", "to-do": "RED", "done": "GREEN", "chapter": "ORANGE"}
"""Kind of marker -> the colour Final Cut Pro shows it in."""
TAGS: Final = frozenset({"marker", "chapter-marker"})


class Mark(Struct, frozen=True):
    """A marker read. `start` and `duration` are local seconds of the element it is on; `frames` is the duration a note
    says, `whole` whether it belongs to the sequence."""

    start: Fraction
    duration: Fraction | None
    name: str
    color: str
    comment: str
    id: str
    ours: bool
    whole: bool
    frames: int | None
    foreign: Json


def read_mark(element: Element) -> Mark:
    """Reads a marker or chapter marker. Raises BadInput(bad_time)."""
    note = read_note(element.get("note", ""))
    kind = _kind(element)
    color = note.facts.get("color", "")
    if kind != "marker" or color in ("", NATURAL["chapter"]):
        color = NATURAL[kind]
    about: Json = {"kind": kind} if kind in ("to-do", "done") else {}
    if (poster := element.get("posterOffset")) is not None:
        about["posterOffset"] = poster
    frames = note.facts.get("duration", "")
    return Mark(
        seconds(element, "start") or Fraction(0),
        seconds(element, "duration"),
        element.get("value", ""),
        color,
        note.text,
        note.id,
        note.ours,
        note.facts.get("on") == "sequence",
        int(frames) if frames.isascii() and frames.isdigit() and len(frames) < 16 else None,
        {"fcpx": about} if about else {},
    )


def _kind(element: Element) -> str:
    if element.tag == "chapter-marker":
        return "chapter"
    completed = element.get("completed")
    return "marker" if completed is None else "done" if completed == "1" else "to-do"


def write_mark(parent: Element, marker: Marker, start: Fraction, duration: Fraction) -> None:
    """Writes a marker at a local time of the element it is put on."""
    kept = marker.foreign.get("fcpx")
    about = kept if isinstance(kept, dict) else {}
    kind = about.get("kind", "marker")
    if kind not in NATURAL or NATURAL[kind] != marker.color:
        kind = "chapter" if marker.color == NATURAL["chapter"] else "marker"
    made = SubElement(parent, "chapter-marker" if kind == "chapter" else "marker")
    made.set("start", written(start))
    made.set("duration", written(duration))
    made.set("value", marker.name)
    if kind in ("to-do", "done"):
        made.set("completed", "1" if kind == "done" else "0")
    on = "sequence" if marker.item is None else None
    color = marker.color if marker.color != NATURAL[kind] else None
    made.set("note", write_note(marker.comment, marker.id, {"color": color, "duration": marker.duration, "on": on}))
    if kind == "chapter" and isinstance(poster := about.get("posterOffset"), str):
        made.set("posterOffset", poster)
