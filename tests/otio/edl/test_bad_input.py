"""Lists that are broken: a warning with the line where reading can go on, else a coded error with the place."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from genlock.errors import BadInput, GenlockError
from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock.timeline.rate import Rate
from genlock_otio.dialects import Incoming
from genlock_otio.door import Limits
from genlock_otio.edl import reader
from tests.otio.edl.lists import SAMPLES, fades, picture, read, titled

GOOD = "001  A001     V     C        01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00"


def refusal(text: str | bytes, rate: Rate | None = Rate(24)) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read(text, rate)
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (b"\x00\x01\x02garbage", "unknown_format", "binary"),
        ("this is a letter\nto a friend\n", "bad_timeline", "no event"),
        ("", "bad_timeline", "no event"),
        (titled(GOOD.replace("01:00:00:00", "-1:00:00:00")), "bad_timecode", "Line 3, event 001"),
        (titled(GOOD.replace("01:00:00:00", "01:61:00:00")), "bad_timecode", "Line 3, event 001"),
        (titled(GOOD.replace("01:00:00:00", "99:00:00:00")), "bad_timecode", "Line 3, event 001"),
        (titled(GOOD.replace("01:00:01:00", "01:00:00:29")), "bad_timecode", "Line 3: 01:00:00:29 cannot be at 24"),
        (titled(GOOD.replace("00:00:01:00", "00:00:00:00").replace("00:00:00:00", "00:00:05:00", 1)), "bad_time", "Line 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where(text: str | bytes, code: str, said: str) -> None:
    error = refusal(text)
    assert error.code == code
    assert said in error.message


def test_more_lines_or_bytes_than_a_list_has() -> None:
    start = time.monotonic()
    assert refusal("x y z\n" * 1_000_000).code == "too_large"
    assert refusal("* LOC: 01:00:00:00 RED x\n" * 390_000).code == "too_large"
    assert refusal("x" * (49 * 1024 * 1024)).code == "too_large"
    with pytest.raises(BadInput, match="larger than 10 bytes"):
        reader.read(Incoming(GOOD.encode(), "x", Path("/"), None, Limits(size=10)))
    assert time.monotonic() - start < 6


def test_more_events_than_a_film_has() -> None:
    start = time.monotonic()
    error = refusal("\n".join([GOOD] * 390_000))
    assert (error.code, error.message) == ("too_large", "The list has more than 100000 events.")
    assert time.monotonic() - start < 2


def test_garbage_between_events_is_passed_over_with_its_line() -> None:
    found = read(titled("what is this", GOOD, "17 monkeys", "\x07\x07", "* fine"))
    assert picture(found) == ["V1: @0+24/86400"]
    assert found.warnings == (
        "Line 3 is no line of an edit list and was passed over: 'what is this'.",
        "Line 5 is no complete event and was passed over: '17 monkeys'.",
        "Line 6 is no line of an edit list and was passed over: '??'.",
    )


def test_an_unknown_transition_is_a_cut() -> None:
    found = read(titled(GOOD.replace("  C  ", "  Q7 ")))
    assert picture(found) == ["V1: @0+24/86400"]
    assert found.warnings == ("Line 3, event 001: 'Q7' is no transition of an edit list; read as a cut.",)


def test_duplicate_event_numbers_are_events() -> None:
    found = read(titled(GOOD, GOOD.replace("00:00:01:00", "00:00:02:00").replace("00:00:00:00", "00:00:01:00")))
    assert [part.track.name for part in found.content.tracks] == ["V1"]
    assert len(found.content.tracks[0].items) == 2


def test_records_that_go_backwards_are_put_in_order() -> None:
    found = read(
        titled(
            "001  B        V     C        00:00:10:00 00:00:11:00 00:00:05:00 00:00:06:00",
            "002  A        V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00",
        )
    )
    assert picture(found) == ["V1: @0+24/0 @120+24/240"]


def test_a_dissolve_longer_than_its_event_is_shortened() -> None:
    found = read(titled(GOOD, "002  B        V     D    200 00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00"))
    assert fades(found) == ["> 12+12 dissolve"]
    assert "longer than the event" in found.warnings[0]


def test_a_lone_half_of_a_dissolve_is_said() -> None:
    line = "002  A001     V     C        01:00:01:00 01:00:01:00 00:00:01:00 00:00:01:00"
    assert read(titled(GOOD, line)).warnings == ("Line 4, event 002 is 0 frames long and was left out.",)
    assert read(titled(line, GOOD)).warnings == ("Line 3, event 002 is 0 frames long and was left out.",)


def test_absurd_speeds_markers_and_remarks_do_no_harm() -> None:
    odd = [
        "M2   A001     999999.999999999                00:00:00:00",
        "* LOC: 25:99:99:99 RED x",
        "* GENLOCK-ID: " + "x" * 5000,
        "* GENLOCK-EXACT: in=x speed=1/0 rate=0/0",
        "* GENLOCK-EXACT: in=99999999999999999999 speed=-5/-7 rate=24/0",
        "* GENLOCK-CUT: 99999999999+1",
        "* GENLOCK-LIST: 0/0 x",
        "* GENLOCK: a b c d",
        "* ASC_SOP (1 2 3)(nan 0 0)(1 1 1)",
        "* ASC_SAT 1e999",
    ]
    for remark in odd:
        if "25:99:99:99" in remark:
            assert "Line 3" in refusal(titled(remark, GOOD)).message
        else:
            assert picture(read(titled(remark, GOOD, remark), None)) == ["V1: @0+24/86400"], remark


def test_thousands_of_clips_in_one_place_are_refused_in_time() -> None:
    start = time.monotonic()
    error = refusal(titled(*[GOOD] * 20_000))
    assert error.code == "bad_timeline"
    assert "lie on each other" in error.message
    assert time.monotonic() - start < 6


@pytest.mark.parametrize("seed", range(60))
def test_damaged_lists_are_read_or_refused_with_a_code(seed: int) -> None:
    random = Random(seed)
    data = bytearray(random.choice(sorted(SAMPLES.glob("*.edl"))).read_bytes())
    for _ in range(random.randrange(1, 40)):
        at = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[at] = random.randrange(1, 256)
            case 1:
                del data[at : at + random.randrange(1, 30)]
            case 2:
                data[at:at] = data[at : at + random.randrange(1, 200)]
            case _:
                data[at:at] = random.choice([b";", b"\r", b"99", b"-", b"D 025 ", b"*", b"M2 ", b"\xff", b"AUD 3 4\n"])
    with suppress(GenlockError):
        assert violations(restore("0" * 32, 1, read(bytes(data), None).content)) == []
