"""Reads CMX3600 edit lists, and what Avid, Premiere, Resolve, Final Cut and Nucoda make of them."""

from __future__ import annotations

import re
from typing import Final

from genlock.errors import BadInput
from genlock.timeline.model import Item, Source
from genlock.timeline.projection import PLACEHOLDER
from genlock.timeline.rate import Rate
from genlock_otio.dialects import Incoming
from genlock_otio.draft import Draft, DraftTrack
from genlock_otio.edl.cells import KEY, Board, Cell, Timed, facts, rate_said
from genlock_otio.edl.clock import Clock, drops, rate_of_list
from genlock_otio.edl.lines import EVENTS, Listing, Time, decoded, parse_lines
from genlock_otio.edl.remarks import LIST, STAND_IN, TAG, Locator, Remarks, understood
from genlock_otio.tracks import first_of
from genlock_otio.values import Imported, Tag

AFTER_THE_HOUR: Final = 5 * 60
"""Seconds: a list whose first event lies no further behind a full hour belongs to a cut that starts on it."""
GENERIC: Final = frozenset({"", "AX", "AUX", "BL", "NONE", "UNKNOWN", "UNTITLED", "GEN"})
"""Reel names that tell nothing about the source."""

_KNOWN: Final = re.compile(
    rb"\s*(TITLE\s*:|FCM\s*:|\d{1,9}\s+\S.{0,300}?\d\d[:;.]\d\d[:;.]\d\d[:;.]\d\d\s+\d\d[:;.]\d\d)", re.IGNORECASE
)
_FILE: Final = re.compile(r".*\.[A-Za-z0-9]{2,4}$", re.DOTALL)


def knows(data: bytes) -> bool:
    """Returns whether the bytes look like an edit list."""
    head = data[:4096]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "replace").encode()
    return any(_KNOWN.match(line) for line in head.removeprefix(b"\xef\xbb\xbf").splitlines()[:50])


def read(incoming: Incoming) -> Imported:
    """Reads an edit list.

    Raises BadInput: too_large, unknown_format (no text), bad_timeline (no event), bad_timecode and bad_time, with the
    line.
    """
    warnings: dict[str, None] = {}
    text = decoded(incoming.data, incoming.limits, incoming.name or "The list")
    listing = parse_lines(text, lambda message: warnings.setdefault(message))
    if not listing.events and not listing.title and not listing.remarks:
        raise BadInput("bad_timeline", f"{incoming.name or 'The file'} holds no event of an edit list in any line.")
    return _Reader(incoming, listing, warnings).read()


class _Reader:
    def __init__(self, incoming: Incoming, listing: Listing, warnings: dict[str, None]) -> None:
        self._listing = listing
        self._warnings = warnings
        self._head = understood(listing.remarks)
        said, _, start = self._head.ours.get(LIST, "").partition(" ")
        self._rate = rate_of_list(listing, incoming.rate, said if _is_rate(said) else "", self._warn)
        self._clock = Clock(self._rate, self._drops(), self._warn)
        self._board = Board(self._rate, self._warn)
        self._start, self._timed = self._counted(start)
        self._draft = Draft(
            incoming.data, incoming.base, listing.title or incoming.name, self._rate, drop_frame=self._clock.drop,
            start_frame=self._start, tag=_tag(self._head.ours.get(TAG, "")), foreign=_kept(self._head),
        )  # fmt: skip
        self._tracks: dict[str, DraftTrack] = {}

    def _warn(self, message: str) -> None:
        self._warnings.setdefault(message)

    def _drops(self) -> bool:
        drop = drops(self._listing)
        if drop and not self._rate.drop_per_minute:
            self._warn(f"The list says drop frame, which {self._rate} frames a second does not have; counted without.")
        return drop

    def read(self) -> Imported:
        for timed in self._timed:
            self._board.add(timed)
        self._board.finish()
        self._place()
        locators = [spot for remarks in (self._head, *self._board.remarks) for spot in remarks.locators]
        if len(locators) > EVENTS:
            raise BadInput("too_large", f"The list has more than {EVENTS} locators.")
        for locator in locators:
            self._locate(locator)
        for timed, spot in self._board.spots:
            length = spot.length if spot.length > 1 else 0
            self._draft.marker(timed.record_in, length, name=spot.name, color=spot.color, comment=spot.comment)
        for message in self._warnings:
            self._draft.warn(message)
        return self._draft.finish("edl")

    def _counted(self, said: str) -> tuple[int, list[Timed]]:
        """Returns the sequence's first frame, and the events with their record times counted from it."""
        clock, day, found = self._clock, self._clock.day, []
        last: int | None = None
        for event in self._listing.events:
            record_in = clock.frame(event.record_in, None, event.line)
            length = clock.frame(event.record_out, None, event.line) - record_in
            if length < -day // 2:
                length += day
            if length < 0:
                where = f"Line {event.line}, event {event.number}"
                raise BadInput("bad_time", f"{where}: it is recorded to {event.record_out.text}, before it starts.")
            if last is not None and record_in < last - day // 2:
                record_in += day
                self._warn(f"Line {event.line}: record times go past midnight.")
            last = record_in
            source_in = clock.frame(event.source_in, event.drop, event.line)
            span = clock.frame(event.source_out, event.drop, event.line) - source_in
            if span < -day // 2:
                span += day
            found.append(Timed(event, record_in, record_in + length, source_in, source_in + span))
        start = self._first(min((t.record_in for t in found), default=0), said, bool(found))
        for timed in found:
            timed.record_in -= start
            timed.record_out -= start
        return start, found

    def _first(self, first: int, said: str, any_event: bool) -> int:
        if said.isdecimal() and len(said) < 12 and (int(said) <= first or not any_event):
            return int(said)
        hour = self._clock.day // 24
        full = first // hour * hour
        return full if first - full <= AFTER_THE_HOUR * self._rate.nominal else first

    def _place(self) -> None:
        cells = self._board.cells
        for channel in sorted({cell.channel for cell in cells}, key=_order):
            kind = "audio" if channel[0] == "A" else "video"
            id_ = self._head.tracks.get(channel, "")
            self._tracks[channel] = self._draft.track(kind, "V1" if channel == "V" else channel, id=id_)  # type: ignore[arg-type]
        for cell in cells:
            self._add(cell)
        for join in self._board.joins:
            left, right = join.left, join.right
            self._draft.transition(
                left.id if left else None, right.id if right else None, join.cut, join.rest, kind=join.kind,
                foreign={"edl": {"effect": join.effect}} if join.effect else None,
            )  # fmt: skip

    def _add(self, cell: Cell) -> None:
        shown = cell.shows(self._rate, self._clock.day)
        length = max(0, cell.end - cell.start)
        source, media = self._source(cell, shown.rate)
        first = first_of(Item("", source, length, "", shown.source_in, shown.speed), self._rate) if length else 0
        cell.id = self._tracks[cell.channel].add(
            cell.start, length, source, name=cell.name, first=first, speed=shown.speed, link=cell.link or None,
            id=cell.told, foreign=facts(cell, media),
        )  # fmt: skip

    def _source(self, cell: Cell, rate: Rate) -> tuple[Source, str]:
        """Returns the source a cell shows, and its media's id. A path is one only where the list writes a folder."""
        if cell.reel.upper() == STAND_IN:
            return PLACEHOLDER, ""
        path = next((text for text in cell.files if "/" in text or "\\" in text), "")
        if path:
            source = self._draft.media(path, rate=rate)
            return source, source.media
        generic = cell.reel.upper() in GENERIC
        name = cell.files[0] if cell.files else cell.remarks.replaced.get(cell.reel, "")
        if not name and (generic or _FILE.match(cell.name)):
            name = cell.name
        source = self._draft.media("", name=name or ("" if generic else cell.reel), rate=rate)
        return source, source.media

    def _locate(self, locator: Locator) -> None:
        parts = [int(part) for part in re.split("[:;.]", locator.time)]
        time = Time(parts[0], parts[1], parts[2], parts[3], ";" in locator.time, locator.time)
        at = self._clock.frame(time, None, locator.line) - self._start
        if at < -self._clock.day // 2:
            at += self._clock.day
        self._draft.marker(at, name=locator.name, color=locator.color, id=locator.id)


def _order(channel: str) -> tuple[int, int]:
    if channel == KEY:
        return 1, 0
    return (0 if channel[0] == "V" else 2), int(channel[1:] or 1)


def _is_rate(text: str) -> bool:
    try:
        rate_said(text)
    except ValueError:
        return False
    return True


def _tag(text: str) -> Tag:
    parts = text.split()
    if len(parts) != 3 or not parts[1].isdecimal() or len(parts[1]) > 15:
        return Tag()
    sequence, version, export = ("" if part == "-" else part for part in parts)
    return Tag(sequence, int(version), export)


def _kept(head: Remarks) -> dict[str, object]:
    return {"edl": {"remarks": list(head.kept)}} if head.kept else {}
