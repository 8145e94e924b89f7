"""Timecode as people write it, both ways (SMPTE ST 12-1).

Drop-frame counting leaves out numbers, never frames: at 29.97 the numbers 00 and 01 (at 59.94 00 to 03) of each minute
that does not divide by ten do not exist. Printing wraps at 24 hours, as a timecode generator does; reading refuses 24
hours and more, because such a text is nearly always a typing error.
"""

from __future__ import annotations

import re
from typing import Final

from genlock.errors import BadInput
from genlock.timeline.rate import Rate

_TEXT: Final = re.compile(
    r"(\d{1,3})([:;.])(\d{1,2})([:;.])(\d{1,2})([:;.])(\d{1,3})(?:\s*([+-])\s*(\d{1,9}))?", re.ASCII
)
_FRAMES: Final = re.compile(r"\d{1,9}", re.ASCII)
_RELATIVE: Final = re.compile(r"([+-])\s*(\S+)", re.ASCII)


def frames_per_day(rate: Rate, drop_frame: bool = False) -> int:
    """Returns how many frames 24 hours of timecode count."""
    minutes = 24 * 60
    return minutes * 60 * rate.nominal - (minutes - minutes // 10) * _dropped(rate, drop_frame)


def to_timecode(frame: int, rate: Rate, drop_frame: bool = False) -> str:
    """Returns the timecode of an absolute frame number: HH:MM:SS:FF, or HH:MM:SS;FF for drop frame.

    Frames at 24 hours and beyond start over at 00:00:00:00. Raises BadInput(bad_timecode) for a negative frame, and for
    drop frame at a rate that has none.
    """
    if frame < 0:
        raise BadInput("bad_timecode", f"Frame {frame} lies before 00:00:00:00.")
    dropped = _dropped(rate, drop_frame)
    frame %= frames_per_day(rate, drop_frame)
    if dropped:
        minute = 60 * rate.nominal - dropped
        ten = 10 * minute + dropped
        tens, rest = divmod(frame, ten)
        frame += dropped * (9 * tens + max(0, (rest - dropped) // minute))
    seconds, frames = divmod(frame, rate.nominal)
    mark = ";" if dropped else ":"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{frames:02}"


def from_timecode(text: str, rate: Rate, drop_frame: bool | None = None, *, base: int | None = None) -> int:
    """Returns the absolute frame number of what a person wrote.

    Accepts HH:MM:SS:FF, HH:MM:SS;FF, a timecode plus or minus frames ("01:00:00:00+12") and a whole number, which is the
    frame number itself. With `base` also texts relative to that frame: "+12", "-00:00:01:00". `drop_frame` None reads
    the counting from the text (`;` is drop frame, `.` too where the rate has it); True accepts `:` as well, since the
    caller knows. Raises BadInput(bad_timecode), with the reason, for anything else: fields out of range, numbers that
    drop frame leaves out, `;` in non-drop counting, before 0, 24 hours and beyond.
    """
    text = text.strip()
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        return _absolute(text, rate, drop_frame)
    if base is None:
        raise _bad(text, "it is relative, and there is nothing here it could be relative to")
    sign, rest = relative.groups()
    amount = _absolute(rest, rate, drop_frame)
    return _within(text, base + amount if sign == "+" else base - amount, rate, bool(drop_frame))


def _absolute(text: str, rate: Rate, drop_frame: bool | None) -> int:
    if _FRAMES.fullmatch(text):
        return _within(text, int(text), rate, bool(drop_frame))
    found = _TEXT.fullmatch(text)
    if found is None:
        raise _bad(text, "it is neither HH:MM:SS:FF nor a number of frames")
    hours, minutes, seconds, frames = (int(found[n]) for n in (1, 3, 5, 7))
    drop = _counting(text, found[2] + found[4] + found[6], rate, drop_frame)
    for value, limit, what in ((minutes, 60, "minutes"), (seconds, 60, "seconds"), (frames, rate.nominal, "frames")):
        if value >= limit:
            raise _bad(text, f"{what} run from 0 to {limit - 1}")
    dropped = rate.drop_per_minute if drop else 0
    if dropped and frames < dropped and seconds == 0 and minutes % 10:
        raise _bad(text, f"drop frame leaves out the first {dropped} numbers of that minute")
    total = hours * 60 + minutes
    frame = (total * 60 + seconds) * rate.nominal + frames - dropped * (total - total // 10)
    _within(text, frame, rate, drop)
    offset = int(found[9]) if found[8] else 0
    return _within(text, frame - offset if found[8] == "-" else frame + offset, rate, drop)


def _counting(text: str, marks: str, rate: Rate, drop_frame: bool | None) -> bool:
    """Returns whether the text counts in drop frame."""
    if drop_frame:
        _dropped(rate, True)
        return True
    if ";" in marks:
        if not rate.drop_per_minute:
            raise _bad(text, f"`;` means drop frame, which {rate} frames per second does not have")
        if drop_frame is False:
            raise _bad(text, "`;` means drop frame, and this sequence counts without")
        return True
    return drop_frame is None and marks[-1] == "." and bool(rate.drop_per_minute)


def _dropped(rate: Rate, drop_frame: bool) -> int:
    if drop_frame and not rate.drop_per_minute:
        raise BadInput("bad_timecode", f"{rate} frames per second has no drop-frame counting.")
    return rate.drop_per_minute if drop_frame else 0


def _within(text: str, frame: int, rate: Rate, drop_frame: bool) -> int:
    if frame < 0:
        raise _bad(text, "it lies before 00:00:00:00")
    if frame >= frames_per_day(rate, drop_frame):
        raise _bad(text, "it lies at 24 hours or beyond")
    return frame


def _bad(text: str, why: str) -> BadInput:
    return BadInput("bad_timecode", f"{text!r} is not a timecode at this rate: {why}.")
