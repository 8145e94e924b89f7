"""The cut as a table of shots, and two cuts as a list of changes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from genlock.timeline.changes import Change
from genlock.timeline.layout import handles
from genlock.timeline.model import Shot, source_range
from genlock.timeline.timecode import frames_per_day, to_timecode
from genlock_otio.lists.text import plain, table
from genlock_otio.outgoing import Outgoing

SHOTS: Final = (
    "Event", "Track", "Name", "Record In", "Record Out", "Frames", "Duration", "Source In", "Source Out", "Source FPS",
    "Speed %", "Head Handle", "Tail Handle", "Enabled", "Shot", "Take", "Media", "Path",
)  # fmt: skip
CHANGES: Final = ("Timecode", "Change", "Track", "Name", "Detail")


def shots(outgoing: Outgoing) -> bytes:
    """Writes the cut as comma-separated values, one row a clip, by record time. Handles are in frames of the sequence,
    empty where the media has no known end."""
    return table(SHOTS, _shots(outgoing))


def _shots(outgoing: Outgoing) -> Iterator[tuple[object, ...]]:
    content, rate = outgoing.content, outgoing.rate
    rows = []
    for order, part in enumerate(content.tracks):
        name = part.track.name or part.track.kind
        rows += [(row.slot.start, order, name, part.track.enabled, row) for row in outgoing.rows(part)]
    rows.sort(key=lambda row: row[:2])
    for number, (start, _, track, on, row) in enumerate(rows, 1):
        item = row.item
        own = outgoing.source_rate(item)
        drop = content.drop_frame and own == rate
        low, high = source_range(item, rate)
        file = outgoing.file(item)
        head, tail = handles(item, rate)
        times = [_time(outgoing, at) for at in (start, row.slot.end)]
        source = [to_timecode(at % frames_per_day(own, drop), own, drop) for at in (low, high)]
        shot = item.source if isinstance(item.source, Shot) else None
        yield (
            number, track, item.name, *times, item.duration, to_timecode(item.duration, rate, content.drop_frame),
            *source, str(own), _speed(item.speed.fraction), "" if head is None else head, "" if tail is None else tail,
            "yes" if item.enabled and on else "no", shot.shot if shot else "", (shot.take or "") if shot else "",
            file.name if file else "", file.path if file else "",
        )  # fmt: skip


def _speed(speed: Fraction) -> int | float:
    exact = speed * 100
    return exact.numerator if exact.denominator == 1 else round(float(exact), 3)


def _time(outgoing: Outgoing, frame: int) -> str:
    """Returns the record timecode of a frame counted from the sequence's first."""
    content = outgoing.content
    return to_timecode(max(0, content.start_frame + frame), content.rate, content.drop_frame)


def changes_table(outgoing: Outgoing, found: tuple[Change, ...]) -> bytes:
    """Writes changes as comma-separated values."""
    return table(CHANGES, [(_time(outgoing, c.at), c.kind, c.track, c.name, c.detail) for c in found])


def changes_page(outgoing: Outgoing, found: tuple[Change, ...]) -> bytes:
    """Writes changes as a Markdown page."""
    lines = [f"# Changes: {_cell(outgoing.content.name) or 'untitled'}", ""]
    if not found:
        lines.append("Nothing changed.")
    else:
        lines += ["| " + " | ".join(CHANGES) + " |", "|" + "---|" * len(CHANGES)]
        for c in found:
            cells = (_time(outgoing, c.at), c.kind, c.track, c.name, c.detail)
            lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _cell(text: str) -> str:
    """Returns a text that cannot leave its cell or become mark-up."""
    text = plain(text).replace("\\", "\\\\")
    for mark in "|<>[]*_`":
        text = text.replace(mark, "\\" + mark)
    return text
