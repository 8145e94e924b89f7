"""Timecodes of a list to frames, and the rate of a list that does not say it (none does)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from genlock.errors import BadInput
from genlock.timeline.rate import Rate, snap_rate
from genlock.timeline.timecode import frames_per_day
from genlock_otio.edl.lines import Listing, Time

_SAID: Final = re.compile(
    r"\b(?:FPS|FRAME\s*RATE|TIME\s*CODE\s*(?:RATE|FORMAT|FPS))\s*[:=]?\s*(\d[\d./]*)", re.IGNORECASE
)
_SUFFIX: Final = re.compile(r"(\d{2}(?:[.]\d{1,3})?)\s*FPS\b", re.IGNORECASE)


class Clock:
    """Counts the frames of the list's timecodes."""

    def __init__(self, rate: Rate, drop: bool, warn: Callable[[str], None]) -> None:
        self.rate = rate
        self.drop = drop and bool(rate.drop_per_minute)
        self.day = frames_per_day(rate, self.drop)
        self._warn = warn
        self._nominal = rate.nominal
        self._dropped = rate.drop_per_minute
        self._known: dict[tuple[str, bool], int] = {}

    def frame(self, time: Time, drop: bool | None, line: int) -> int:
        """Returns the absolute frame number. Raises BadInput(bad_timecode) for a frame number this rate cannot have."""
        counting = time.drop or (self.drop if drop is None else drop)
        found = self._known.get((time.text, counting))
        if found is None:
            found = self._known[time.text, counting] = self._count(time, counting, line)
        return found

    def _count(self, time: Time, counting: bool, line: int) -> int:
        if time.frames >= self._nominal:
            if time.frames > self._nominal:
                raise BadInput(
                    "bad_timecode",
                    f"Line {line}: {time.text} cannot be at {self.rate} frames a second; the list runs faster.",
                    hint="Give the list's own rate with --rate.",
                )
            self._warn(f"Line {line}: {time.text} counts one frame too many for {self.rate} frames a second.")
        minutes = time.hours * 60 + time.minutes
        frame = (minutes * 60 + time.seconds) * self._nominal + time.frames
        if not counting or not self._dropped:
            return frame
        if time.frames < self._dropped and time.seconds == 0 and time.minutes % 10:
            self._warn(f"Line {line}: {time.text} does not exist in drop frame; read as the first frame that does.")
            frame += self._dropped - time.frames
        return frame - self._dropped * (minutes - minutes // 10)


def rate_of_list(listing: Listing, told: Rate | None, said: str, warn: Callable[[str], None]) -> Rate:
    """Returns the rate a list runs at: the one it says itself (`said`: in our remark), the told one, else a guess from
    remarks, counting and the highest frame number, with a warning."""
    if said:
        rate = snap_rate(said)
        if told is not None and rate != told:
            warn(f"The list says that it runs at {rate} frames a second, not at {told}; it was believed.")
        return rate
    if told is not None:
        return told
    for text in (listing.title, *(text for _, text in listing.remarks)):
        if (found := _SAID.search(text) or _SUFFIX.search(text)) is not None:
            try:
                rate = snap_rate(found[1])
            except BadInput:
                continue
            if rate.nominal > listing.highest[0]:
                return rate
    rate = _guess(listing)
    why = f"its frames count up to {listing.highest[0]:02}" if listing.highest[0] >= 24 else "that is the usual one"
    if drops(listing):
        why = "it counts in drop frame"
    warn(f"An edit list does not say its rate; {rate} frames a second were assumed ({why}).")
    return rate


def drops(listing: Listing) -> bool:
    """Returns whether the record side counts in drop frame."""
    if listing.drop is not None:
        return listing.drop
    if not listing.semicolons:
        return False
    return any(event.record_in.drop or event.record_out.drop for event in listing.events)


def _guess(listing: Listing) -> Rate:
    highest = listing.highest[0]
    if drops(listing) or listing.semicolons:
        return Rate(30000, 1001) if highest < 30 else Rate(60000, 1001)
    for limit, rate in ((24, Rate(24)), (25, Rate(25)), (30, Rate(30000, 1001)), (48, Rate(48)), (50, Rate(50))):
        if highest < limit:
            return rate
    if highest >= 60:
        _, line, text = listing.highest
        raise BadInput("bad_timecode", f"Line {line}: {text} counts more frames than any rate Genlock knows has.")
    return Rate(60000, 1001)
