"""Avid logs, both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.check import violations
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Generator, Item, Media, Track
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio import lists
from genlock_otio.dialects import Incoming
from genlock_otio.lists import ale
from genlock_otio.values import Imported

POOL = {
    "m": MediaFile("m", "/footage/A001 C002.mov", "A001 C002.mov"),
    "n": MediaFile("n", "", "tape\t7"),
}


def read(data: bytes | str, rate: Rate | None = None) -> Imported:
    data = data if isinstance(data, bytes) else data.encode()
    return lists.read_clips(Incoming(data, "log", Path("/logs"), rate))


def cut(rate: Rate, *items: Item, **fields: object) -> Content:
    track = TrackContent(Track("v", "video", "V1", "magnetic"), tuple(map(Placed, items)))
    return Content("cut", rate, tracks=(track,), **fields)  # type: ignore[arg-type]


def test_a_log_to_the_letter() -> None:
    made = cut(
        Rate(24000, 1001),
        Item("a", Media("m"), 48, "open\tair", 86400),
        Item("t", Generator("title"), 10, "no file"),
        Item("b", Media("n", rate=Rate(25)), 24, "", 50, Speed(-2)),
        start_frame=86400,
    )
    assert lists.write("ale", made, media=POOL).decode().split("\r\n") == [
        "Heading",
        "FIELD_DELIM\tTABS",
        "VIDEO_FORMAT\t1080",
        "AUDIO_FORMAT\t48khz",
        "FPS\t23.976",
        "",
        "Column",
        "Name\tTracks\tStart\tEnd\tDuration\tTape\tSource File\tSource File Path\tFPS\tSpeed\tRecord In\tRecord Out",
        "",
        "Data",
        "open air\tV\t01:00:00:00\t01:00:02:00\t00:00:02:00\tA001_C002\tA001 C002.mov\t/footage/A001 C002.mov\t23.976\t100"
        "\t01:00:00:00\t01:00:02:00",
        "tape 7\tV\t00:00:00:02\t00:00:02:03\t00:00:02:01\ttape_7\ttape 7\t\t25\t-200\t01:00:02:10\t01:00:03:10",
        "",
    ]


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("own", [None, Rate(25), Rate(60000, 1001)], ids=str)
def test_clips_return_as_media_end_to_end(rate: Rate, own: Rate | None) -> None:
    own = None if own == rate else own
    items = [Item(id_, Media("m", rate=own), 48, f"shot {id_}", start) for id_, start in (("a", 100), ("b", 90_000))]
    made = cut(rate, *items)
    data = lists.write("ale", made, media=POOL)
    assert ale.knows(data)
    found = read(data)
    assert found.warnings == ()
    assert found.content.rate == rate
    (file,) = found.media
    assert file.path == "/footage/A001 C002.mov"
    (part,) = found.content.tracks
    assert [(p.item.name, p.item.source_in) for p in part.items] == [("shot a", 100), ("shot b", 90_000)]
    assert own is not None or [p.item.duration for p in part.items] == [48, 48]
    source = part.items[1].item.source
    assert isinstance(source, Media)
    assert (source.rate, source.first) == (own, 90_000)
    assert violations(restore("0" * 32, 1, found.content)) == []


def test_a_log_from_a_lab() -> None:
    text = (
        "Heading\nFIELD_DELIM\tTABS\nVIDEO_FORMAT\t1080\nFPS\t29.97\n\nColumn\n"
        "Name\tTracks\tStart\tEnd\tTape\tScene\tASC_SAT\n\nData\n"
        "12-1\tVA1A2\t01:00:00;00\t01:00:10;00\tA001R1AB\t12\t0.9\n"
        "12-2\tVA1A2\t01:00:10;00\t01:00:10;00\tA001R1AB\t12\t\n"
        "12-3\tV\tno\t01:00:10;00\n"
        "12-4\tV\t01:01:00;02\t01:01:01;02\tA002R1AB\n"
    )
    found = read(text.replace("\n", "\r\n").encode("latin-1"))
    assert found.content.rate == Rate(30000, 1001)
    assert [(p.item.name, p.item.source_in, p.item.duration) for p in found.content.tracks[0].items] == [
        ("12-1", 107892, 300),
        ("12-4", 109692, 30),
    ]
    assert found.content.tracks[0].items[0].item.foreign["ale"]["scene"] == "12"
    assert [file.name for file in found.media] == ["A001R1AB", "A002R1AB"]
    assert all(file.missing for file in found.media)
    assert found.warnings[0] == "Line 11: '12-2' ends before it starts and was left out."
    assert found.warnings[1].startswith("Line 12: '12-3' was left out: 'no' is not a timecode")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"Heading\nFPS\t24\n", "bad_timeline"),
        (b"Heading\0", "unknown_format"),
        (b"Heading\nFPS\tfast\nColumn\nName\nData\n", "bad_rate"),
        (b"x\n" * 500_000, "too_large"),
    ],
)
def test_what_is_no_log(data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(data)
    assert caught.value.code == code


def test_a_log_without_a_rate_is_read_at_the_one_told_or_says_what_it_took() -> None:
    text = "Heading\nFIELD_DELIM\tTABS\nColumn\nName\tStart\tEnd\nData\na\t00:00:01:00\t00:00:02:00\n"
    assert read(text, Rate(25)).content.tracks[0].items[0].item.source_in == 25
    found = read(text)
    assert found.content.rate == Rate(24)
    assert found.warnings == ("The log does not say its rate; 24 frames a second were assumed.",)
    empty = replace(read(text + "b\n"), media=())
    assert len(empty.content.tracks[0].items) == 1
