"""Timecode: a bijection over a whole day, the reasons of refusal, and OpenTimelineIO as the witness."""

from __future__ import annotations

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.errors import BadInput
from genlock.timeline.rate import RATES, Rate
from genlock.timeline.timecode import frames_per_day, from_timecode, to_timecode

COUNTINGS = [(rate, False) for rate in RATES] + [(rate, True) for rate in RATES if rate.drop_per_minute]
NTSC = Rate(30000, 1001)


@pytest.mark.parametrize(("rate", "drop"), COUNTINGS, ids=str)
def test_every_minute_boundary_of_a_day_reads_back(rate: Rate, drop: bool) -> None:
    seen = set()
    for minute in range(24 * 60):
        total = minute * 60 * rate.nominal - (rate.drop_per_minute if drop else 0) * (minute - minute // 10)
        for frame in range(max(0, total - 2), min(total + 5, frames_per_day(rate, drop))):
            text = to_timecode(frame, rate, drop)
            assert from_timecode(text, rate, drop) == frame
            assert from_timecode(text, rate) == frame
            seen.add(text)
    assert len(seen) == 24 * 60 * 7 - 2


@given(st.sampled_from(COUNTINGS), st.data())
@settings(max_examples=300, deadline=None)
def test_any_frame_of_a_day_reads_back_and_agrees_with_otio(counting: tuple[Rate, bool], data: st.DataObject) -> None:
    rate, drop = counting
    frame = data.draw(st.integers(0, frames_per_day(rate, drop) - 1))
    text = to_timecode(frame, rate, drop)
    assert from_timecode(text, rate, drop) == frame
    assert to_timecode(frame + frames_per_day(rate, drop), rate, drop) == text
    if frame * rate.den >= 86_400 * rate.num:
        return  # OTIO starts over after 24 hours of the clock, which non-drop numbers at NTSC rates have not reached
    time = otio.opentime.RationalTime(frame, rate.num / rate.den)
    assert otio.opentime.to_timecode(time, rate.num / rate.den, drop) == text
    assert otio.opentime.from_timecode(text, rate.num / rate.den).value == frame


def test_known_values() -> None:
    assert to_timecode(107892, NTSC, True) == "01:00:00;00"
    assert to_timecode(1799, NTSC, True) == "00:00:59;29"
    assert to_timecode(1800, NTSC, True) == "00:01:00;02"
    assert to_timecode(17982, NTSC, True) == "00:10:00;00"
    assert to_timecode(3600, Rate(60000, 1001), True) == "00:01:00;04"
    assert from_timecode("01:00:00:00", Rate(24000, 1001)) == 86400
    assert from_timecode("01;00;00;00", NTSC) == 107892
    assert from_timecode("01:00:00.00", NTSC) == 107892
    assert from_timecode("01:00:00.12", Rate(25)) == 90012
    assert from_timecode("01:00:00:00", NTSC, True) == 107892
    assert from_timecode("01:00:00:00", NTSC) == 108000
    assert from_timecode(" 86400 ", Rate(24)) == 86400
    assert from_timecode("01:00:00:00+12", Rate(24)) == 86412
    assert from_timecode("01:00:00:00 - 1", Rate(24)) == 86399
    assert from_timecode("+12", Rate(24), base=100) == 112
    assert from_timecode("-00:00:01:00", Rate(24), base=100) == 76


@pytest.mark.parametrize(
    ("text", "rate", "drop", "reason"),
    [
        ("00:01:00;00", NTSC, None, "leaves out"),
        ("00:09:00;01", NTSC, None, "leaves out"),
        ("00:01:00:03", Rate(60000, 1001), True, "leaves out"),
        ("00:00:00:24", Rate(24), None, "frames run from 0 to 23"),
        ("00:60:00:00", Rate(24), None, "minutes run"),
        ("00:00:60:00", Rate(24), None, "seconds run"),
        ("24:00:00:00", Rate(25), None, "24 hours"),
        ("2160000", Rate(25), None, "24 hours"),
        ("23:59:59:24+1", Rate(25), None, "24 hours"),
        ("00:00:00:00-1", Rate(25), None, "before"),
        ("01:00:00;00", Rate(25), None, "does not have"),
        ("01:00:00;00", NTSC, False, "counts without"),
        ("+12", Rate(24), None, "relative"),
        ("", Rate(24), None, "neither"),
        ("1h", Rate(24), None, "neither"),
        ("-5", Rate(24), None, "relative"),
        ("٠١:00:00:00", Rate(24), None, "neither"),
    ],
)
def test_refusals_say_why(text: str, rate: Rate, drop: bool | None, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as caught:
        from_timecode(text, rate, drop)
    assert caught.value.code == "bad_timecode"


def test_negative_frames_and_drop_frame_without_it_are_refused() -> None:
    with pytest.raises(BadInput):
        to_timecode(-1, NTSC)
    with pytest.raises(BadInput):
        to_timecode(1, Rate(25), True)
    with pytest.raises(BadInput):
        from_timecode("01:00:00:00", Rate(25), True)


@given(st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_frame_or_a_coded_refusal(text: str) -> None:
    code = None
    try:
        frame = from_timecode(text, NTSC)
    except BadInput as error:
        code, frame = error.code, 0
    assert frame >= 0
    assert code in (None, "bad_timecode")
