"""The lines of an edit list: text in, events with their remarks out. Knows no rate: timecodes stay four numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from msgspec import Struct

from genlock.errors import BadInput
from genlock_otio.door import Limits

LINES: Final = 400_000
"""More than that is no film: a reel has a few thousand events, each with its remarks."""
EVENTS: Final = 100_000
"""Each has one line, or two with a transition."""
SIZE: Final = 48 * 1024 * 1024
LONGEST: Final = 2000
"""Characters of a line that are looked at."""

_TIME: Final = r"(-?\d{1,4}[:;.,]\d{1,3}[:;.,]\d{1,3}[:;.,]\d{1,4})"
_EVENT: Final = re.compile(
    r"\s*(\d{1,9})\s+(?:(\S.{0,160}?)\s+)?(V\d{0,2}|B|NONE|(?:V/?)?(?:A{1,2}\d{0,2}/?){1,24}V?)\s+"
    rf"(C|D|W\d{{0,3}}|KB|KO|K)(?:\s+([BO](?=\s)))?(?:\s+(\d{{1,6}}))?\s+{_TIME}\s+{_TIME}\s+{_TIME}\s+{_TIME}",
    re.ASCII | re.IGNORECASE,
)
_ODD: Final = re.compile(rf"\s*(\d{{1,9}})\s+(\S.{{0,300}}?)\s+{_TIME}\s+{_TIME}\s+{_TIME}\s+{_TIME}", re.ASCII)
_TITLE: Final = re.compile(r"\s*TITLE\s*:\s*(.*)", re.IGNORECASE)
_FCM: Final = re.compile(r"\s*FCM\s*:\s*(.*)", re.IGNORECASE)
_M2: Final = re.compile(rf"\s*M2\s+(\S.{{0,160}}?)??\s*([+-]?\d{{1,6}}(?:[.,]\d{{0,9}})?)(?:\s+{_TIME})?\s*$", re.ASCII)
_SOUND: Final = re.compile(r"(A{1,2})(\d{0,2})", re.ASCII)
_WHOLE: Final = re.compile(r"\*\s*GENLOCK(-LIST|-TRACK)?\s*:", re.IGNORECASE)
_AUD: Final = re.compile(r"\s*AUD\s+([\d\s]*)$", re.ASCII)


class Time(NamedTuple):
    """A timecode as it is written; `drop` is True where its separators say so."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool
    text: str


class Motion(NamedTuple):
    """A motion line: frames a second with its sign and the source timecode, as written."""

    reel: str
    speed: str
    at: str


class Event(Struct):
    """One line of an event, and the remarks below it.

    `kind` is "C", "D", "W", "K", "KB" or "KO", `wipe` its pattern number, `length` that of the transition in frames.
    `drop` is the frame code mode in force for its source, None when none was said.
    """

    line: int
    number: str
    reel: str
    channels: tuple[str, ...]
    kind: str
    wipe: str
    length: int
    source_in: Time
    source_out: Time
    record_in: Time
    record_out: Time
    drop: bool | None
    remarks: list[tuple[int, str]]
    motions: list[Motion]


class Listing(Struct):
    """A whole list. `drop` is the frame code mode at its head, None when it says none; `remarks` stand before the first
    event, or are ours about the whole list; `highest` is the highest frame number of any timecode, with its line."""

    title: str
    drop: bool | None
    remarks: list[tuple[int, str]]
    events: list[Event]
    highest: tuple[int, int, str]
    semicolons: bool


def decoded(data: bytes, limits: Limits, name: str) -> str:
    """Returns the text of a list: UTF-8 or UTF-16 by their marks, else UTF-8, else Latin-1.

    Raises BadInput: too_large, unknown_format (binary data).
    """
    if len(data) > min(limits.size, SIZE):
        raise BadInput("too_large", f"{name} is larger than {min(limits.size, SIZE)} bytes, which no edit list is.")
    if data.count(b"\n") + data.count(b"\r") > 2 * LINES:
        raise BadInput("too_large", f"{name} has more than {LINES} lines, which no edit list has.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise BadInput("unknown_format", f"{name} is binary data, no edit list.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse_lines(text: str, warn: Callable[[str], None]) -> Listing:
    """Returns the events of a list. Lines that are none are warned about with their number.

    Raises BadInput: too_large, bad_timecode (with the line and the event).
    """
    return _Lines(warn).read(text)


class _Lines:
    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._drop: bool | None = None
        self._odd = 0
        self._times: dict[str, Time] = {}
        self._found = Listing("", None, [], [], (0, 0, ""), False)

    def read(self, text: str) -> Listing:
        lines = text.splitlines()
        if len(lines) > LINES:
            raise BadInput("too_large", f"The list has {len(lines)} lines; {LINES} are the most.")
        if sum(line[:1].isdigit() for line in lines) > 2 * EVENTS:
            raise BadInput("too_large", f"The list has more than {EVENTS} events.")
        for number, line in enumerate(lines, 1):
            if not line or line.isspace():
                continue
            if len(line) > LONGEST:
                self._strange(number, line, "is too long")
                line = line[:LONGEST]
            self._line(number, line)
        if self._odd > 20:
            self._warn(f"{self._odd} lines in all were passed over.")
        return self._found

    def _line(self, number: int, line: str) -> None:
        bare = line.lstrip()
        first = bare[0]
        if "|C:ResolveColor" in line:
            self._remark(number, bare)
        elif first.isdigit():
            self._event(number, line)
        elif first == "*" or first == ">" or first == "#":
            self._remark(number, bare)
        elif (found := _M2.match(line)) is not None:
            self._motion(number, found)
        elif (found := _TITLE.match(line)) is not None:
            self._found.title = self._found.title or found[1].strip()
        elif (found := _FCM.match(line)) is not None:
            self._mode(found[1])
        elif (found := _AUD.match(line)) is not None:
            self._more_audio(number, found[1])
        elif bare.upper().startswith(("EFFECTS NAME IS", "FINAL CUT PRO", "SPLIT:", "DLEDL", "GPI", "MASTER", "SLAVE")):
            self._remark(number, bare)
        else:
            self._strange(number, line, "is no line of an edit list")

    def _strange(self, number: int, line: str, why: str) -> None:
        self._odd += 1
        if self._odd <= 20:
            shown = "".join(c if c.isprintable() else "?" for c in line[:40]).strip()
            self._warn(f"Line {number} {why} and was passed over: {shown!r}.")

    def _event(self, number: int, line: str) -> None:
        found = _EVENT.match(line)
        if found is None:
            self._odd_event(number, line)
            return
        event, reel, channel, kind, key, length, *times = found.groups()
        kind = kind.upper()
        wipe = kind[1:] if kind[0] == "W" else ""
        kind = "W" if kind[0] == "W" else kind + (key or "").upper() if kind == "K" else kind
        self._add(number, event, (reel or "").strip(), _channels(channel.upper()), kind, wipe, int(length or 0), times)

    def _odd_event(self, number: int, line: str) -> None:
        found = _ODD.match(line)
        if found is None:
            self._strange(number, line, "is no complete event")
            return
        event, middle, *times = found.groups()
        reel, channels, kind = _guessed(middle)
        self._warn(f"Line {number}, event {event}: {kind!r} is no transition of an edit list; read as a cut.")
        self._add(number, event, reel, channels, "C", "", 0, times)

    def _add(
        self, number: int, event: str, reel: str, channels: tuple[str, ...], kind: str, wipe: str, length: int,
        texts: list[str],
    ) -> None:  # fmt: skip
        one, two, three, four = (self._time(text, number, event) for text in texts)
        made = Event(
            number, event, reel, channels, kind, wipe, length, one, two, three, four, self._drop, [], []
        )  # fmt: skip
        self._found.events.append(made)

    def _time(self, text: str, line: int, event: str) -> Time:
        known = self._times.get(text)
        if known is None:
            known = self._times[text] = self._timed(text, line, event)
        return known

    def _timed(self, text: str, line: int, event: str) -> Time:
        if text[0] == "-":
            raise BadInput("bad_timecode", f"Line {line}, event {event}: {text} lies before 00:00:00:00.")
        drop = text[-3] in ";.," or (len(text) > 8 and text[2] == ";")
        parts = text.replace(";", ":").replace(".", ":").replace(",", ":").split(":")
        made = Time(int(parts[0]), int(parts[1]), int(parts[2]), int(parts[3]), drop, text)
        if made.hours > 23 or made.minutes > 59 or made.seconds > 59 or made.frames > 119:
            raise BadInput("bad_timecode", f"Line {line}, event {event}: {text} is not a timecode.")
        if drop:
            self._found.semicolons = True
        if made.frames > self._found.highest[0]:
            self._found.highest = (made.frames, line, text)
        return made

    def _mode(self, text: str) -> None:
        self._drop = "NON" not in text.upper()
        if not self._found.events and self._found.drop is None:
            self._found.drop = self._drop

    def _remark(self, number: int, text: str) -> None:
        whole = not self._found.events or _WHOLE.match(text) is not None
        rows = self._found.remarks if whole else self._found.events[-1].remarks
        rows.append((number, text.rstrip()))

    def _motion(self, number: int, found: re.Match[str]) -> None:
        if not self._found.events:
            self._warn(f"Line {number}: a speed before the first event was passed over.")
            return
        self._found.events[-1].motions.append(
            Motion((found[1] or "").strip(), found[2].replace(",", "."), found[3] or "")
        )

    def _more_audio(self, number: int, text: str) -> None:
        if not self._found.events:
            self._warn(f"Line {number}: audio channels before the first event were passed over.")
            return
        event = self._found.events[-1]
        more = tuple(f"A{int(n)}" for n in text.split() if 0 < int(n) <= 99)
        event.channels = tuple(dict.fromkeys((*event.channels, *more)))


def _channels(text: str) -> tuple[str, ...]:
    """Returns the channels of an event: "V" and "A1", "A2" and so on; nothing for NONE."""
    match text:
        case "NONE":
            return ()
        case "B":
            return ("V", "A1")
        case "AA":
            return ("A1", "A2")
        case _ if "A" not in text:
            return ("V",) if int(text[1:] or 1) <= 1 else (f"V{int(text[1:])}",)
        case _:
            video = ("V",) if "V" in text else ()
            numbers = sorted({n for pair, digits in _SOUND.findall(text) for n in _numbers(pair, digits)})
            return (*video, *(f"A{n}" for n in numbers))


def _numbers(pair: str, digits: str) -> tuple[int, ...]:
    """Returns the audio channels of "A", "A2" or "AA"."""
    return (1, 2) if pair == "AA" and not digits else (int(digits or 1) or 1,)


def _guessed(middle: str) -> tuple[str, tuple[str, ...], str]:
    """Returns (reel, channels, transition) of an event whose columns are not what they should be."""
    words = middle.split()
    for at, word in enumerate(words):
        if at and re.fullmatch(r"V\d?|A\d?|AA|B|NONE|AA/V|A2/V", word.upper()):
            return " ".join(words[:at]), _channels(word.upper()), " ".join(words[at + 1 :])
    return words[0], ("V",), " ".join(words[1:])
