"""SubRip subtitles: markers that last, or titles, as real time; each time is rounded once."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from genlock.errors import BadInput
from genlock_otio.lists.spots import Clock, Spot, clock_of, spots, titles
from genlock_otio.lists.text import CELL, decoded
from genlock_otio.outgoing import Outgoing
from genlock_otio.times import rounded

_TIMES: Final = re.compile(
    r"\s*(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})", re.ASCII
)


def write(outgoing: Outgoing) -> bytes:
    """Writes the titles that say a text and the markers that last, from the sequence's first frame on."""
    clock = clock_of(outgoing)
    said = [spot for spot in (*titles(outgoing), *spots(outgoing)) if spot.duration > 0]
    said.sort(key=lambda spot: (spot.start, spot.duration))
    blocks: list[str] = []
    for spot in said:
        text = _lines(spot)
        if text:
            span = f"{_time(spot.start, clock)} --> {_time(spot.start + spot.duration, clock)}"
            blocks.append("\r\n".join([str(len(blocks) + 1), span, *text, ""]))
    return ("\r\n".join(blocks) + ("\r\n" if blocks else "")).encode("utf-8", "replace")


def _lines(spot: Spot) -> list[str]:
    """Returns the text in lines; an empty one would end the subtitle."""
    return [line.strip() for line in f"{spot.name}\n{spot.comment}".splitlines() if line.strip()]


def _time(frame: int, clock: Clock) -> str:
    milliseconds = rounded(Fraction(frame) * 1000 / clock.rate.fraction)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02},{rest:03}"


def read(data: bytes, clock: Clock) -> list[Spot]:
    """Reads subtitles: the first line is the name, the others the comment.

    Raises BadInput: too_large, unknown_format (binary, or no subtitle in it).
    """
    found: list[Spot] = []
    span: tuple[int, int] | None = None
    text: list[str] = []
    for line in [*decoded(data, "The subtitles"), ""]:
        times = _TIMES.match(line)
        if times is not None or not line.strip():
            if span is not None:
                if times is not None and text and text[-1].strip().isdecimal():
                    text.pop()  # the number of the next one, without the empty line before it
                found.append(_spot(span, text))
            span, text = (_span(times, clock), []) if times is not None else (None, [])
        elif span is not None:
            text.append(line.strip()[:CELL])
    if not found:
        raise BadInput("unknown_format", "There is no subtitle in the file.")
    return found


def _span(times: re.Match[str], clock: Clock) -> tuple[int, int]:
    ends = []
    for at in (1, 5):
        hours, minutes, seconds, rest = times[at], times[at + 1], times[at + 2], times[at + 3]
        exact = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + Fraction(int(rest.ljust(3, "0")), 1000)
        ends.append(rounded(exact * clock.rate.fraction))
    return ends[0], ends[1]


def _spot(span: tuple[int, int], text: list[str]) -> Spot:
    return Spot(span[0], max(1, span[1] - span[0]), text[0] if text else "", "\n".join(text[1:]))
