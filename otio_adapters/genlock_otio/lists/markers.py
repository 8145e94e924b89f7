"""Marker lists: a table, Resolve's edit list of markers, Avid's text."""

from __future__ import annotations

import re
from typing import Final

from genlock.errors import BadInput
from genlock.timeline.timecode import from_timecode
from genlock_otio.lists.spots import Clock, Spot, clock_of, spots
from genlock_otio.lists.text import CELL, decoded, plain, table, untabled
from genlock_otio.outgoing import Outgoing

TABLE: Final = ("Timecode", "Frames", "Name", "Comment", "Colour", "Clip")
_HEADS: Final = {
    "timecode": "at", "start": "at", "in": "at", "record in": "at", "position": "at", "tc": "at", "timecode in": "at",
    "frames": "frames", "duration": "frames", "length": "frames", "name": "name", "marker name": "name", "title": "name",
    "comment": "comment", "notes": "comment", "note": "comment", "description": "comment", "colour": "color",
    "color": "color", "clip": "clip", "marker color": "color",
}  # fmt: skip

RESOLVE: Final = (
    "BLUE", "CYAN", "GREEN", "YELLOW", "RED", "PINK", "PURPLE", "FUCHSIA", "ROSE", "LAVENDER", "SKY", "MINT", "LEMON",
    "SAND", "COCOA", "CREAM",
)  # fmt: skip
AVID: Final = ("RED", "GREEN", "BLUE", "CYAN", "MAGENTA", "YELLOW", "BLACK", "WHITE")
_RESOLVE: Final = {"MAGENTA": "FUCHSIA", "ORANGE": "SAND", "BLACK": "COCOA", "WHITE": "CREAM"}
_AVID: Final = {
    "PINK": "MAGENTA", "ORANGE": "YELLOW", "PURPLE": "MAGENTA", "FUCHSIA": "MAGENTA", "ROSE": "MAGENTA", "SKY": "CYAN",
    "LAVENDER": "BLUE", "MINT": "GREEN", "LEMON": "YELLOW", "SAND": "YELLOW", "COCOA": "BLACK", "CREAM": "WHITE",
}  # fmt: skip
_NOTE: Final = re.compile(r"(.*?)\|C:ResolveColor(\w*)\s*\|M:(.*?)\s*\|D:(\d{1,9})\s*$", re.DOTALL)
_EVENT: Final = re.compile(r"\s*\d{1,9}\s.*?(\S+)\s+(\S+)\s*$")


def write_table(outgoing: Outgoing) -> bytes:
    """Writes all markers as comma-separated values, those on clips with the clip's name."""
    clock = clock_of(outgoing)
    rows = [(clock.text(s.start), s.duration, s.name, s.comment, s.color, s.clip) for s in spots(outgoing)]
    return table(TABLE, rows)


def read_table(data: bytes, clock: Clock) -> list[Spot]:
    """Reads comma-, semicolon- or tab-separated values with a line of column names.

    Raises BadInput: too_large, unknown_format, bad_timeline (no column of times), bad_timecode with the line.
    """
    rows = untabled(decoded(data, "The marker list"), "The marker list")
    at = next((n for n, row in enumerate(rows) if any(_HEADS.get(_key(cell)) == "at" for cell in row)), None)
    if at is None:
        raise BadInput("bad_timeline", "The marker list has no column named Timecode.")
    heads = [_HEADS.get(_key(cell), "") for cell in rows[at]]
    found = []
    for line, row in enumerate(rows[at + 1 :], at + 2):
        said: dict[str, str] = {}
        for head, cell in zip(heads, row, strict=False):
            said.setdefault(head, cell)
        if any(cell.strip() for cell in row):
            start = _frame(said.get("at", ""), clock, line)
            frames = _frames(said.get("frames", ""), clock, line)
            color = _color(said.get("color", ""))
            found.append(
                Spot(start, frames, said.get("name", ""), said.get("comment", ""), color, said.get("clip", ""))
            )
    return found


def write_resolve(outgoing: Outgoing) -> bytes:
    """Writes the markers as Resolve's timeline marker list (an edit list of one frame a marker)."""
    clock, content = clock_of(outgoing), outgoing.content
    lines = [f"TITLE: {plain(content.name)}", f"FCM: {'DROP FRAME' if content.drop_frame else 'NON-DROP FRAME'}", ""]
    for number, spot in enumerate(spots(outgoing), 1):
        times = f"{clock.text(spot.start)} {clock.text(spot.start + 1)}"
        color = spot.color if spot.color in RESOLVE else _RESOLVE.get(spot.color, "BLUE")
        name, note = (_bar(text) for text in (spot.name, spot.comment))
        lines += [
            f"{number:03}  001      V     C        {times} {times}",
            f"{note} |C:ResolveColor{color.capitalize()} |M:{name} |D:{max(1, spot.duration)}",
            "",
        ]
    return "\r\n".join([*lines, ""]).encode("utf-8", "replace")


def _bar(text: str) -> str:
    return plain(text).replace("|", "/")


def read_resolve(data: bytes, clock: Clock) -> list[Spot]:
    """Reads Resolve's timeline marker list. Raises BadInput: too_large, unknown_format, bad_timecode with the line."""
    found = []
    start: tuple[int, int] | None = None
    for number, line in enumerate(decoded(data, "The marker list"), 1):
        note = _NOTE.match(line) if "|C:" in line else None
        if note is None and (event := _EVENT.match(line)) is not None and line.count(":") + line.count(";") >= 12:
            start = number, _frame(event[1], clock, number)
        elif note is not None and start is not None:
            length = int(note[4])
            color = _color(note[2])
            found.append(Spot(start[1], length if length > 1 else 0, note[3].strip(), note[1].strip(), color))
            start = None
    if not found:
        raise BadInput("unknown_format", "There is no marker of Resolve's in the list.")
    return found


def write_avid(outgoing: Outgoing) -> bytes:
    """Writes the markers as the text Media Composer's marker window imports: user, timecode, track, colour, comment,
    frames, with tabs between."""
    clock = clock_of(outgoing)
    lines = []
    for spot in spots(outgoing):
        color = spot.color if spot.color in AVID else _AVID.get(spot.color, "RED")
        said = ": ".join(text for text in (plain(spot.name), plain(spot.comment)) if text)
        lines.append(f"Genlock\t{clock.text(spot.start)}\tV1\t{color.lower()}\t{said}\t{max(1, spot.duration)}")
    return "".join(line + "\r\n" for line in lines).encode("utf-8", "replace")


def read_avid(data: bytes, clock: Clock) -> list[Spot]:
    """Reads Media Composer's marker text. Raises BadInput: too_large, unknown_format, bad_timecode with the line."""
    found = []
    for number, line in enumerate(decoded(data, "The marker list"), 1):
        cells = line.split("\t")
        if len(cells) < 5 or not cells[1].strip():
            continue
        frames = _frames(cells[5], clock, number) if len(cells) > 5 and cells[5].strip().isdecimal() else 0
        start = _frame(cells[1], clock, number)
        found.append(Spot(start, frames if frames > 1 else 0, cells[4].strip()[:CELL], "", _color(cells[3])))
    if not found:
        raise BadInput("unknown_format", "There is no marker of Media Composer's in the text.")
    return found


def _key(cell: str) -> str:
    return " ".join(cell.strip().lower().split())


def _color(text: str) -> str:
    return text.strip().upper()[:40] or "RED"


def _frame(text: str, clock: Clock, line: int) -> int:
    """Returns a record timecode as frames from the sequence's first one."""
    return _absolute(text, clock, line) - clock.start_frame


def _frames(text: str, clock: Clock, line: int) -> int:
    return _absolute(text, clock, line) if text.strip() else 0


def _absolute(text: str, clock: Clock, line: int) -> int:
    try:
        return from_timecode(text, clock.rate, clock.drop_frame if clock.drop_frame else None)
    except BadInput as error:
        raise BadInput(error.code, f"Line {line}: {error.message}") from error
