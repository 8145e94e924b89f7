"""The events of a list laid on their channels: what lies where, and what is joined by a transition."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final
from urllib.parse import unquote

from msgspec import Struct

from genlock.timeline.rate import FREEZE, NORMAL, Rate, Speed
from genlock_otio.edl.lines import Event, Motion
from genlock_otio.edl.remarks import CUT, EXACT, FROM, FROM_EXACT, ID, Locator, Remarks, understood
from genlock_otio.edl.speed import Shown, columns, shown, speed_of

KEY: Final = "V key"
BLACK: Final = frozenset({"BL", "BLACK", "BLK"})
FASTEST: Final = 10_000
LONGEST: Final = 999
"""Frames of a transition that the column holds."""

_MARKS: Final = str.maketrans(";.,", ":::")
_OFFSETS: Final = re.compile(r"(\d{1,7})\+(\d{1,7})", re.ASCII)


class Timed(Struct):
    """An event with its timecodes counted: record frames from the sequence's first, source frames absolute."""

    event: Event
    record_in: int
    record_out: int
    source_in: int
    source_out: int


class Cell(Struct):
    """One clip on one channel. The event says `low`, `span` and `motion` of its source for `length` frames from `at`;
    `start` and `end` are where the clip lies once the transitions have taken their part."""

    channel: str
    at: int
    length: int
    low: int
    span: int
    motion: str
    speed: Speed
    reel: str
    name: str
    files: tuple[str, ...]
    remarks: Remarks
    start: int
    end: int
    line: int
    told: str = ""
    exact: str = ""
    link: str = ""
    key: str = ""
    id: str = ""

    def shows(self, rate: Rate, day: int) -> Shown:
        """Returns what the clip shows: what the event says, or our own exact word while the event still says the same.
        `day` is how many frames of timecode there are."""
        lead = self.start - self.at
        if self.exact and (own := _exact(self.exact, self.speed, rate)) is not None:
            again = columns(own, rate, lead, self.length)
            if (again.low % day, again.span, again.motion) == (self.low, self.span, self.motion):
                return own
        return shown(self.low, self.span, self.speed, rate, lead, self.length)


class Join(Struct):
    """A transition: `cut` frames of it lie before the cut, `rest` after."""

    left: Cell | None
    right: Cell | None
    cut: int
    rest: int
    kind: str
    effect: str


class Board:
    """Takes the events in order."""

    def __init__(self, rate: Rate, warn: Callable[[str], None]) -> None:
        self.cells: list[Cell] = []
        self.joins: list[Join] = []
        self.remarks: list[Remarks] = []
        self.spots: list[tuple[Timed, Locator]] = []
        self.uneven: list[int] = []
        self._rate = rate
        self._warn = warn
        self._ends: dict[tuple[str, int], Cell] = {}
        self._held: Timed | None = None

    def add(self, timed: Timed) -> None:
        """Adds one event."""
        event, held = timed.event, self._held
        self._held = None
        if held is not None and not _leads(held.event, event):
            self._warn(f"Line {held.event.line}, event {held.event.number} is 0 frames long and was left out.")
            held = None
        if not event.channels:
            self._warn(f"Line {event.line}, event {event.number} is on no channel and was passed over.")
            return
        match event.kind:
            case "D" | "W":
                self._transition(timed, held)
            case "KO":
                self._warn(f"Line {event.line}, event {event.number}: the end of a key was passed over.")
            case "C" if timed.record_in == timed.record_out:
                self._held = timed
            case "K":
                self._warn(f"Line {event.line}, event {event.number}: a key lies on a track of its own.")
                self._plain(timed, KEY)
            case _:
                self._plain(timed, "")

    def finish(self) -> None:
        """Says what was still waiting for a transition, and which clips did not fit their events."""
        if self._held is not None:
            event = self._held.event
            self._warn(f"Line {event.line}, event {event.number} is 0 frames long and was left out.")
        if self.uneven:
            lines = ", ".join(map(str, self.uneven[:5])) + (" and more" if len(self.uneven) > 5 else "")
            self._warn(
                f"{len(self.uneven)} events show more or fewer source frames than they record and say no speed (lines"
                f" {lines}); the record side counts."
            )

    def _plain(self, timed: Timed, channel: str) -> None:
        remarks = self._said(timed.event)
        if remarks.spot is not None:
            self.spots.append((timed, remarks.spot))
        elif timed.event.reel.upper() not in BLACK:
            side = "key" if channel and "key" in remarks.names else "from"
            self._cells(timed, remarks, side, (channel,) if channel else timed.event.channels)

    def _said(self, event: Event) -> Remarks:
        remarks = understood(event.remarks)
        self.remarks.append(remarks)
        return remarks

    def _transition(self, timed: Timed, held: Timed | None) -> None:
        event = timed.event
        if held is not None:
            event.remarks[:0] = held.event.remarks
            event.motions[:0] = held.event.motions
            held.event.motions = event.motions
        remarks = self._said(event)
        length = min(event.length, timed.record_out - timed.record_in)
        if length < event.length:
            self._warn(f"Line {event.line}, event {event.number}: its transition is longer than the event.")
        black = event.reel.upper() in BLACK
        from_black = held is not None and held.event.reel.upper() in BLACK
        lone = held is None and "to" not in remarks.names
        side = "from" if (lone or from_black) and "to" not in remarks.names else "to"
        rights = [] if black else self._cells(timed, remarks, side, event.channels)
        for number, channel in enumerate(event.channels):
            right = rights[number] if rights else None
            left = None if from_black else self._left(channel, timed, held, remarks)
            if length and (left is not None or right is not None):
                self._join(left, right, length, event, remarks)

    def _left(self, channel: str, timed: Timed, held: Timed | None, remarks: Remarks) -> Cell | None:
        left = self._ends.get((channel, timed.record_in)) if FROM not in remarks.ours else None
        if left is None and held is not None:
            return self._cell(held, remarks, "from", channel)
        if left is None:
            self._warn(
                f"Line {timed.event.line}, event {timed.event.number}: its transition starts from nothing; read as a"
                " fade."
            )
        return left

    def _join(self, left: Cell | None, right: Cell | None, length: int, event: Event, remarks: Remarks) -> None:
        cut = 0 if left is None else length if right is None else length // 2
        rest = length - cut
        said, _, kind = remarks.ours.get(CUT, "").partition(" ")
        if (told := _OFFSETS.fullmatch(said)) is not None and min(LONGEST, int(told[1]) + int(told[2])) == length:
            cut, rest = int(told[1]), int(told[2])
        kind = unquote(kind) if told else ""
        if event.kind == "W":
            kind = "wipe" if event.wipe == "000" else f"wipe:{event.wipe or '001'}"
        if left is not None:
            left.end += cut
        if right is not None:
            right.start += cut
        self.joins.append(Join(left, right, cut, rest, kind or "dissolve", remarks.effect))

    def _cells(self, timed: Timed, remarks: Remarks, side: str, channels: tuple[str, ...]) -> list[Cell]:
        found = [self._cell(timed, remarks, side, channel) for channel in channels]
        for cell in found if len(found) > 1 else ():
            cell.link = f"event {timed.event.line}"
        return found

    def _cell(self, timed: Timed, remarks: Remarks, side: str, channel: str) -> Cell:
        event = timed.event
        text = _motion(event, side)
        speed = speed_of(text, self._rate) if text else FREEZE if remarks.still and side != "to" else NORMAL
        if abs(speed.num) > FASTEST * speed.den:
            self._warn(f"Line {event.line}, event {event.number}: {text} frames a second is no speed; left out.")
            speed = NORMAL
        length = timed.record_out - timed.record_in
        low, span = timed.source_in, timed.source_out - timed.source_in
        if span < 0:
            low, span = timed.source_out, -span
        if speed == NORMAL and span != length:
            self.uneven.append(event.line)
        first = side == "from" and event.kind == "C" and not length
        own = remarks
        if first:
            exact = remarks.ours.get(FROM_EXACT, "")
            own = Remarks(remarks.names, [], {}, {}, [], {EXACT: exact}, {}, [])
        cell = Cell(
            channel, timed.record_in, length, low, span, "" if speed == NORMAL else text, speed, event.reel,
            remarks.names.get(side, ""), _files(remarks, side), own, timed.record_in, timed.record_out, event.line,
            told=unquote(remarks.ours.get(FROM if first else ID, "")), key=event.kind if event.kind[0] == "K" else "",
        )  # fmt: skip
        cell.exact = own.ours.get(EXACT, "")
        self.cells.append(cell)
        self._ends[channel, cell.end] = cell
        return cell


def _leads(held: Event, event: Event) -> bool:
    """Returns whether a cut without length is the outgoing side of the transition that follows."""
    return (
        event.kind in ("D", "W") and held.number == event.number and not set(held.channels).isdisjoint(event.channels)
    )


def _motion(event: Event, side: str) -> str:
    """Returns the number of the motion line that belongs to one side of an event, "" for none."""
    found = [m for m in event.motions if _same_reel(m, event.reel)]
    if not found:
        lone = len(event.motions) == 1 and event.kind == "C" and event.record_in != event.record_out
        return event.motions[0].speed if lone else ""
    at = _digits(event.source_in.text)
    found = [m for m in found if _digits(m.at) == at] or found
    return found[0 if side == "from" else -1].speed


def _digits(time: str) -> str:
    return time.translate(_MARKS)


def _same_reel(motion: Motion, reel: str) -> bool:
    one, two = motion.reel.upper(), reel.upper()
    return not one or one == two or (len(one) >= 8 and two.startswith(one)) or (len(two) >= 8 and one.startswith(two))


def _files(remarks: Remarks, side: str) -> tuple[str, ...]:
    """Returns the files named for one side: those that say so, else in order, outgoing first."""
    here = [text for where, text in remarks.files if where == side]
    if here:
        return tuple(here)
    free = [text for where, text in remarks.files if not where]
    if side == "from" or len(free) == 1:
        return tuple(free[:1])
    return tuple(free[1:2])


def _exact(text: str, speed: Speed, rate: Rate) -> Shown | None:
    """Reads our own exact word: "in=86400 speed=7/1013 rate=25"."""
    said = dict(part.partition("=")[::2] for part in text.split())
    try:
        num, _, den = said.get("speed", f"{speed.num}/{speed.den}").partition("/")
        own = rate_said(said["rate"]) if "rate" in said else rate
        pace = Fraction(int(num[:12]), int(den[:12] or 1))
        return Shown(int(said["in"][:15]), Speed.of(pace), own) if abs(pace) <= FASTEST else None
    except (ValueError, KeyError, ZeroDivisionError):
        return None


def rate_said(text: str) -> Rate:
    """Returns a rate written as "25" or "24000/1001"; ValueError for anything else."""
    num, _, den = text.partition("/")
    made = Rate(int(num[:9]), int(den[:9] or 1))
    if made.num < 1 or made.den < 1:
        raise ValueError(text)
    return made


def facts(cell: Cell, media: str) -> dict[str, Any]:
    """Returns what a clip keeps of its event: reel (while it shows that media), key and remarks; and its grade."""
    kept: dict[str, Any] = {"reel": cell.reel, "of": media} if cell.reel else {}
    if cell.key:
        kept["key"] = cell.key
    if cell.remarks.kept:
        kept["remarks"] = list(cell.remarks.kept)
    found: dict[str, Any] = {"edl": kept} if kept else {}
    return {**found, "cdl": cell.remarks.cdl} if cell.remarks.cdl else found
