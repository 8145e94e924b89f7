"""What marker lists and subtitles are made of: texts with a time and a length, on the sequence."""

from __future__ import annotations

from fractions import Fraction
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from genlock.timeline.model import Generator, Marker, source_step
from genlock.timeline.rate import Rate
from genlock.timeline.timecode import to_timecode
from genlock_otio.outgoing import Outgoing
from genlock_otio.reading import Reading


class Clock(Struct, frozen=True):
    """How a list's times count: the sequence's rate, drop frame, and the frame number of its first frame."""

    rate: Rate
    drop_frame: bool = False
    start_frame: int = 0

    def text(self, frame: int) -> str:
        """Returns the record timecode of a frame counted from the first."""
        return to_timecode(max(0, self.start_frame + frame), self.rate, self.drop_frame)


class Spot(Struct, frozen=True):
    """One text on the sequence: `start` and `duration` in frames from its first. `clip` names the clip it is on."""

    start: int
    duration: int
    name: str
    comment: str = ""
    color: str = "RED"
    clip: str = ""


def clock_of(outgoing: Outgoing) -> Clock:
    content = outgoing.content
    return Clock(content.rate, content.drop_frame, content.start_frame)


def spots(outgoing: Outgoing) -> list[Spot]:
    """Returns all markers by record time; those on clips where their frame is shown, others of them not."""
    found = [Spot(m.start, m.duration, m.name, m.comment, m.color) for m in outgoing.markers(None)]
    for part in outgoing.content.tracks:
        for row in outgoing.rows(part):
            for marker in outgoing.markers(row.item.id):
                step = source_step(row.item, outgoing.rate)
                offset = Fraction(marker.start - row.item.source_in) / step if step else Fraction(0)
                at = -(-offset.numerator // offset.denominator)
                if offset >= 0 and at < row.item.duration:
                    length = int(Fraction(marker.duration) / abs(step)) if step else 0
                    name = row.item.name or "clip"
                    found.append(Spot(row.slot.start + at, length, marker.name, marker.comment, marker.color, name))
    return sorted(found, key=lambda s: (s.start, s.name))


def titles(outgoing: Outgoing) -> list[Spot]:
    """Returns the titles of the cut that say a text."""
    found = []
    for part in outgoing.tracks("video"):
        for row in outgoing.rows(part):
            if isinstance(row.item.source, Generator) and row.item.enabled:
                text = row.item.source.parameters.get("text")
                said = text if isinstance(text, str) else ""
                if said.strip():
                    found.append(Spot(row.slot.start, row.slot.duration, said))
    return found


def markers(data: bytes, found: list[Spot]) -> tuple[Marker, ...]:
    """Returns the spots as markers of the sequence, in order; their ids depend on the file's bytes and their place."""
    reading = Reading(blake2b(data, digest_size=16).hexdigest(), Path())
    return tuple(
        Marker(reading.id("m"), max(0, s.start), s.duration, None, s.name, s.color, s.comment)
        for s in sorted(found, key=lambda s: s.start)
    )
