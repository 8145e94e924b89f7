"""Times in MLT XML: whole frames of the profile, or clock texts."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from genlock.errors import BadInput
from genlock.timeline.rate import Rate
from genlock_otio.times import Exact, whole

_CLOCK: Final = re.compile(r"^(-)?(?:(?:(\d+):)?(\d+):)?(\d+)[.,](\d+)$")
_SMPTE: Final = re.compile(r"^(-)?(\d+):(\d+):(\d+)[:;](\d+)$")


def frames_of(text: str, rate: Rate, where: str) -> Exact:
    """Returns a time as frames of the profile: "42", "00:00:01.750" (exact, not rounded) or "00:00:01:18".

    Raises BadInput(bad_time), naming `where` it stands.
    """
    text = text.strip()
    if re.fullmatch(r"-?\d{1,15}", text):
        return int(text)
    if (found := _CLOCK.match(text)) is not None and len(text) < 40:
        sign, hours, minutes, seconds, rest = found.groups()
        exact = Fraction(int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds)) + Fraction(f"0.{rest}")
        # MLT writes milliseconds of a whole frame: the nearest frame is the one that was meant
        near = exact * rate.fraction
        nearest = round(near)
        exact = Fraction(nearest) if abs(near - nearest) <= rate.fraction / 1000 else near
        return whole(-exact if sign else exact)
    if (found := _SMPTE.match(text)) is not None and len(text) < 40:
        sign, *parts = found.groups()
        hours, minutes, seconds, rest = parts
        count = (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * rate.nominal + int(rest)
        return -count if sign else count
    raise BadInput("bad_time", f"{text[:40]!r} of {where} is no time.")
