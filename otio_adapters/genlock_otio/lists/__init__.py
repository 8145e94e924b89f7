"""Lists that tell about a cut and are none: logs, shot lists, change lists, subtitles, marker lists; and XGES, which is
written only.

`write` and the readers are one function each; LISTS is the table of what there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.changes import Change
from genlock.timeline.events import Content
from genlock.timeline.model import Marker
from genlock.timeline.rate import Rate
from genlock_otio import xges
from genlock_otio.dialects import Incoming
from genlock_otio.lists import ale, markers, spots, subtitles, tables
from genlock_otio.lists.spots import Clock, Spot
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Loss


class Listed(Struct, frozen=True):
    """One kind of list. `suffix` is what its file is called by default; a kind whose suffix has two parts (".markers.csv")
    is asked for by it. `tells` is what a list of this kind can be read as."""

    title: str
    suffix: str
    tells: str = ""


LISTS: Final[dict[str, Listed]] = {
    "ale": Listed("Avid log", ".ale", "clips"),
    "csv": Listed("shot list", ".csv"),
    "srt": Listed("subtitles", ".srt", "markers"),
    "changes.csv": Listed("change list as a table", ".changes.csv"),
    "changes.md": Listed("change list as a page", ".md"),
    "markers.csv": Listed("marker list as a table", ".markers.csv", "markers"),
    "markers.edl": Listed("Resolve's marker list", ".markers.edl", "markers"),
    "avid-markers": Listed("Media Composer's marker list", ".txt", "markers"),
    "xges": Listed("GStreamer Editing Services, Pitivi", ".xges"),
}
"""Kind -> what it is. All can be written; `tells` says which can be read, and as what."""

_WRITERS: Final[dict[str, Callable[[Outgoing], bytes]]] = {
    "ale": ale.write,
    "csv": tables.shots,
    "srt": subtitles.write,
    "markers.csv": markers.write_table,
    "markers.edl": markers.write_resolve,
    "avid-markers": markers.write_avid,
    "xges": lambda outgoing: xges.write(outgoing).data,
}
_CHANGES: Final[dict[str, Callable[[Outgoing, tuple[Change, ...]], bytes]]] = {
    "changes.csv": tables.changes_table,
    "changes.md": tables.changes_page,
}
_MARKERS: Final[dict[str, Callable[[bytes, Clock], list[Spot]]]] = {
    "srt": subtitles.read,
    "markers.csv": markers.read_table,
    "markers.edl": markers.read_resolve,
    "avid-markers": markers.read_avid,
}


def kind_of(path: Path) -> str:
    """Returns the kind of list a file's name asks for, "" for none: the longest suffix that fits."""
    name = path.name.lower()
    fitting = [kind for kind, listed in LISTS.items() if name.endswith(listed.suffix)]
    return max(fitting, key=lambda kind: len(LISTS[kind].suffix), default="")


def write(
    kind: str,
    content: Content,
    *,
    media: Mapping[str, MediaFile] = {},
    takes: Callable[[str, str | None], MediaFile | None] = lambda _shot, _take: None,
    nested: Callable[[str], Content | None] = lambda _sequence: None,
    changes: tuple[Change, ...] = (),
) -> bytes:
    """Returns a list about a cut. For change lists `content` is the later cut, whose timecodes they show, and `changes`
    what led to it. Raises BadInput(unknown_format)."""
    outgoing = Outgoing(content, media=media, takes=takes, nested=nested)
    if (listing := _CHANGES.get(kind)) is not None:
        return listing(outgoing, changes)
    if (writing := _WRITERS.get(kind)) is not None:
        return writing(outgoing)
    raise _unknown(kind)


def loss(kind: str, outgoing: Outgoing) -> Loss:
    """Returns what is lost: nothing in a list, which tells what it tells."""
    return xges.write(outgoing).loss if kind == "xges" else Loss()


def read_markers(
    kind: str, data: bytes, *, rate: Rate, drop_frame: bool = False, start_frame: int = 0
) -> tuple[Marker, ...]:
    """Returns the markers of a list, on the sequence whose rate, counting and first frame are given, by time.

    What lies before the first frame is put on it. Raises BadInput: too_large, unknown_format, bad_timeline,
    bad_timecode, with the line.
    """
    reading = _MARKERS.get(kind)
    if reading is None:
        raise _unknown(kind)
    return spots.markers(data, reading(data, Clock(rate, drop_frame, start_frame)))


def read_clips(incoming: Incoming) -> Imported:
    """Reads an Avid log as media and a sequence of all its clips end to end. Raises BadInput, with the line."""
    return ale.read(incoming)


def _unknown(kind: str) -> BadInput:
    return BadInput("unknown_format", f"There is no list of the kind {kind!r}; known are {', '.join(LISTS)}.")
