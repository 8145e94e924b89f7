"""Avid log exchange: the clips of a cut as a log, and a log as clips end to end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from genlock.errors import BadInput
from genlock.timeline.model import Item
from genlock.timeline.rate import Rate, snap_rate, source_rate
from genlock.timeline.timecode import frames_per_day, from_timecode, to_timecode
from genlock_otio.dialects import Incoming
from genlock_otio.draft import Draft
from genlock_otio.edl.reels import Reels
from genlock_otio.lists.text import decoded, plain
from genlock_otio.outgoing import Outgoing
from genlock_otio.tracks import first_of
from genlock_otio.values import Imported

COLUMNS: Final = (
    "Name", "Tracks", "Start", "End", "Duration", "Tape", "Source File", "Source File Path", "FPS", "Speed", "Record In",
    "Record Out",
)  # fmt: skip
CELLS: Final = 1000
"""Columns that are told apart: Avid has a few hundred."""
_FILES: Final = ("source file path", "source path", "file path", "source file name", "source file", "filename", "file")
_TAPES: Final = ("tape", "reel", "reel name", "camroll", "tapeid", "source tape", "labroll")


def write(outgoing: Outgoing) -> bytes:
    """Writes one row for each clip of the cut that has a file, track by track.

    Start and End are source timecodes at the row's own FPS, the record columns count at the sequence's.
    """
    content, rate = outgoing.content, outgoing.rate
    lines = [
        "Heading",
        "FIELD_DELIM\tTABS",
        f"VIDEO_FORMAT\t{_format(content.resolution.height)}",
        "AUDIO_FORMAT\t48khz",
    ]
    lines += [f"FPS\t{_rate(rate)}", "", "Column", "\t".join(COLUMNS), "", "Data"]
    lines += ["\t".join(map(plain, row)) for row in _rows(outgoing)]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _rows(outgoing: Outgoing) -> Iterator[tuple[str, ...]]:
    content, reels = outgoing.content, Reels()
    for kind in ("video", "audio"):
        for number, part in enumerate(outgoing.tracks(kind), 1):
            for row in outgoing.rows(part):
                file = outgoing.file(row.item)
                if file is None:
                    continue
                start, end, own = _source(outgoing, row.item)
                record = [
                    to_timecode(content.start_frame + at, content.rate, content.drop_frame)
                    for at in (row.slot.start, row.slot.end)
                ]
                name = row.item.name or file.name
                title = (file.path or file.name).replace("\\", "/").rpartition("/")[2]
                drop = content.drop_frame and own == content.rate
                day = frames_per_day(own, drop)
                times = [to_timecode(at % day, own, drop) for at in (start, end, end - start)]
                speed = f"{float(row.item.speed.fraction) * 100:g}"
                track = "V" if kind == "video" else f"A{number}"
                reel = reels.name(file.id, file.name or file.path)
                yield (name, track, *times, reel, title, file.path, _rate(own), speed, *record)


def _source(outgoing: Outgoing, item: Item) -> tuple[int, int, Rate]:
    """Returns (first, one past the last) source frame shown and the rate they count in."""
    own = outgoing.source_rate(item)
    low = first_of(item, outgoing.rate)
    step = abs(item.speed.fraction) * own.fraction / outgoing.rate.fraction
    span = step * item.duration
    return low, low + max(1, -(-span.numerator // span.denominator)), own


def _rate(rate: Rate) -> str:
    return f"{rate.num / rate.den:.3f}".rstrip("0").rstrip(".") if rate.den != 1 else str(rate.num)


def _format(height: int) -> str:
    return {486: "NTSC", 576: "PAL", 720: "720", 1080: "1080"}.get(height, "CUSTOM")


def knows(data: bytes) -> bool:
    """Returns whether the bytes look like an Avid log."""
    head = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith(b"heading") and b"field_delim" in head


def read(incoming: Incoming) -> Imported:
    """Reads a log: its clips become the media pool, and a sequence with all of them end to end.

    Rows without a usable range are left out with a warning. Raises BadInput: too_large, unknown_format, bad_timeline
    (no columns), bad_rate.
    """
    name = incoming.name or "The log"
    heading, columns, rows = _parts(decoded(incoming.data, name, incoming.limits), name)
    fps = heading.get("fps", "")
    rate = _said(fps) if fps else incoming.rate
    if rate is None:
        rate = Rate(24)
    draft = Draft(incoming.data, incoming.base, incoming.name or "log", rate)
    if not fps and incoming.rate is None:
        draft.warn("The log does not say its rate; 24 frames a second were assumed.")
    track, at = draft.track("video", "V1"), 0
    for line, cells in rows:
        said = dict(zip(columns, cells, strict=False))
        span = _span(said, rate, line, draft)
        if span is None:
            continue
        first, frames, own = span
        path = next((v for key in _FILES if (v := said.get(key, "")) and ("/" in v or "\\" in v)), "")
        title = next((v for key in (*_FILES, *_TAPES, "name") if (v := said.get(key, ""))), "")
        media = draft.media(path, name="" if path else title, first=first, frames=frames, rate=own)
        length = frames * rate.fraction / own.fraction
        whole = max(1, (2 * length.numerator + length.denominator) // (2 * length.denominator))
        kept = {columns[n]: cell for n, cell in enumerate(cells[: len(columns)]) if cell and columns[n]}
        track.add(at, whole, media, name=said.get("name", ""), first=first, foreign={"ale": kept})
        at += whole
    return draft.finish("ale")


def _said(fps: str) -> Rate:
    try:
        return snap_rate(fps)
    except BadInput as error:
        raise BadInput("bad_rate", f"FPS in the heading is {fps[:40]!r}, which no cut can have.") from error


def _span(said: dict[str, str], rate: Rate, line: int, draft: Draft) -> tuple[int, int, Rate] | None:
    """Returns (first frame, frames, rate) of a row, None with a warning for one without."""
    try:
        own = source_rate(said["fps"]) if said.get("fps") else rate
        start, end = (from_timecode(said.get(key, ""), own) for key in ("start", "end"))
    except BadInput as error:
        draft.warn(f"Line {line}: {said.get('name', '')!r} was left out: {error.message}")
        return None
    if end <= start:
        draft.warn(f"Line {line}: {said.get('name', '')!r} ends before it starts and was left out.")
        return None
    return start, end - start, own


def _parts(lines: list[str], name: str) -> tuple[dict[str, str], list[str], list[tuple[int, list[str]]]]:
    """Returns the heading, the names of the columns (lower case), and the rows with their line numbers."""
    heading: dict[str, str] = {}
    columns: list[str] = []
    rows: list[tuple[int, list[str]]] = []
    part = ""
    for number, line in enumerate(lines, 1):
        word = line.strip().lower()
        if word in ("heading", "column", "data"):
            part = word
        elif not word:
            continue
        elif part == "heading":
            key, _, value = line.partition("\t")
            heading[key.strip().lower()] = value.strip()
        elif part == "column" and not columns:
            columns = [cell.strip().lower() for cell in line.split("\t", CELLS)]
        elif part == "data":
            rows.append((number, [cell.strip() for cell in line.split("\t", CELLS)]))
    if not columns:
        raise BadInput("bad_timeline", f"{name} has no line of columns; is it an Avid log?")
    return heading, columns, rows
