"""Edit lists as other tools write them."""

from __future__ import annotations

import pytest

from genlock.timeline.rate import Rate, Speed
from genlock_otio.edl.reader import knows
from tests.otio.edl.lists import event, fades, picture, read, titled

NTSC = Rate(30000, 1001)


def test_a_dissolve_starts_at_the_event_and_its_cut_lies_in_its_middle() -> None:
    found = read(
        titled(
            event(
                "001  A001     V     C        01:00:00:00 01:00:04:00 01:00:00:00 01:00:04:00", "* FROM CLIP NAME: a"
            ),
            event(
                "002  A001     V     C        01:00:04:00 01:00:04:00 01:00:04:00 01:00:04:00",
                "002  B001     V     D    025 02:00:00:00 02:00:05:00 01:00:04:00 01:00:09:00",
                "* FROM CLIP NAME: a",
                "* TO CLIP NAME: b",
            ),
        )
    )
    assert picture(found) == [f"V1: a@0+108/86400 b@108+108/{172800 + 12}"]
    assert fades(found) == ["a>b 12+13 dissolve"]
    assert found.content.start_frame == 86400
    assert found.warnings == ()


def test_fades_from_and_to_black_lie_inside_the_clip() -> None:
    found = read(
        titled(
            "001  BL       V     C        00:00:00:00 00:00:00:00 00:00:00:00 00:00:00:00",
            event("001  A        V     D    012 00:00:10:00 00:00:12:00 00:00:00:00 00:00:02:00", "* TO CLIP NAME: a"),
            "002  A        V     C        00:00:12:00 00:00:12:00 00:00:02:00 00:00:02:00",
            event("002  BL       V     D    010 00:00:00:00 00:00:01:00 00:00:02:00 00:00:03:00"),
            event(
                "003  B        V     C        00:00:00:00 00:00:01:00 00:00:03:00 00:00:04:00", "* FROM CLIP NAME: b"
            ),
        )
    )
    assert picture(found) == ["V1: a@0+58/240 b@72+24/0"]
    assert fades(found) == [">a 0+12 dissolve", "a> 10+0 dissolve"]


def test_a_one_line_dissolve_comes_from_the_clip_before() -> None:
    found = read(
        titled(
            event(
                "001  A        V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00", "* FROM CLIP NAME: a"
            ),
            event(
                "002  B        V     D    008 00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00", "* FROM CLIP NAME: b"
            ),
        )
    )
    assert picture(found) == ["V1: a@0+28/0 b@28+20/4"]
    assert fades(found) == ["a>b 4+4 dissolve"]


def test_a_dissolve_out_of_nothing_is_a_fade_with_a_warning() -> None:
    found = read(titled("001  B        V     D    008 00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00"))
    assert fades(found) == ["> 0+8 dissolve"]
    assert found.warnings == ("Line 3, event 001: its transition starts from nothing; read as a fade.",)


def test_both_sides_of_a_dissolve_in_one_event() -> None:
    found = read(
        titled(
            "005  A        V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00",
            "005  B        V     W019 010 00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00",
            "* FROM CLIP NAME: a",
            "* TO CLIP NAME: b",
            "* WIPE",
        )
    )
    assert fades(found) == [">b 5+5 wipe:019"] or fades(found) == ["a>b 5+5 wipe:019"]
    assert picture(found)[0].endswith("b@29+19/5")


@pytest.mark.parametrize(
    ("channel", "more", "tracks"),
    [
        ("V", "", ["V1"]),
        ("A", "", ["A1"]),
        ("A2", "", ["A2"]),
        ("AA", "", ["A1", "A2"]),
        ("B", "", ["V1", "A1"]),
        ("AA/V", "", ["V1", "A1", "A2"]),
        ("A2/V", "", ["V1", "A2"]),
        ("NONE", "AUD  3    4", ["A3", "A4"]),
        ("AA", "AUD   4", ["A1", "A2", "A4"]),
        ("A7", "", ["A7"]),
        ("A1A2", "", ["A1", "A2"]),
        ("VA1A2", "", ["V1", "A1", "A2"]),
        ("V/AA", "", ["V1", "A1", "A2"]),
        ("V2", "", ["V2"]),
    ],
)
def test_channels(channel: str, more: str, tracks: list[str]) -> None:
    line = f"001  REEL     {channel:<5} C        01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00"
    found = read(titled(event(line, more)))
    assert [part.track.name for part in found.content.tracks] == tracks
    links = {part.items[0].item.link for part in found.content.tracks}
    assert len(links) == 1
    assert (None in links) == (len(tracks) == 1)


def test_a_channel_of_none_is_passed_over_with_its_line() -> None:
    found = read(titled("001  REEL     NONE  C        01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00"))
    assert found.content.tracks == ()
    assert found.warnings == ("Line 3, event 001 is on no channel and was passed over.",)


@pytest.mark.parametrize(
    ("reel", "name"),
    [
        ("A001", "A001"),
        ("A001C002_230101_R1AB", "A001C002_230101_R1AB"),
        ("ROLL 12 C V  3", "ROLL 12 C V  3"),
        ("x" * 129, "x" * 129),
        ("001", "001"),
        ("AX", "offline media"),
    ],
)
def test_reels_of_any_width(reel: str, name: str) -> None:
    line = f"000001  {reel:<32} V     C        01:00:00:00 01:00:01:00 00:00:00:00 00:00:01:00"
    found = read(titled(line))
    assert [file.name for file in found.media] == [name]
    assert picture(found) == ["V1: @0+24/86400"]


@pytest.mark.parametrize(
    ("remarks", "path", "media"),
    [
        (["* FROM CLIP NAME: shot", "* FROM FILE: /plates/sh010.1001-1100.exr"], "/plates/sh010.1001-1100.exr", None),
        (["* FROM CLIP NAME: shot", "* SOURCE FILE: E:\\rushes\\A001.MXF"], "E:\\rushes\\A001.MXF", None),
        (["* FROM CLIP: file:///footage/a%20b.mov"], "/footage/a b.mov", None),
        (["*FROM CLIP NAME:  A001.mov"], "", "A001.mov"),
        (["* FROM CLIP NAME: shot", "* SOURCE FILE: A001_C002.mov"], "", "A001_C002.mov"),
        (["FINAL CUT PRO REEL: My long reel name REPLACED BY: AX"], "", "My long reel name"),
        (["* SOURCE FILE: //server/share/a.mov"], "//server/share/a.mov", None),
    ],
)
def test_where_the_media_is(remarks: list[str], path: str, media: str | None) -> None:
    line = "001  AX       V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00"
    (file,) = read(titled(event(line, *remarks))).media
    assert file.path == path
    assert media is None or file.name == media


@pytest.mark.parametrize(
    ("text", "rate", "speed"),
    [
        ("048.0", Rate(24), Speed(2)),
        ("-24.0", Rate(24), Speed(-1)),
        ("000.0", Rate(24), Speed(0)),
        ("047.95", Rate(24000, 1001), Speed(2)),
        ("023.98", Rate(24000, 1001), Speed(1)),
        ("012.0", Rate(24000, 1001), Speed(1, 2)),
        ("014.98", NTSC, Speed(1, 2)),
        ("008.0", Rate(24), Speed(1, 3)),
        ("+036,0", Rate(24), Speed(3, 2)),
        ("12.5", Rate(25), Speed(1, 2)),
        ("033.3", Rate(25), Speed(133, 100)),
    ],
)
def test_speeds_as_people_type_them(text: str, rate: Rate, speed: Speed) -> None:
    line = "001  A001     V     C        00:00:10:00 00:00:11:00 00:00:00:00 00:00:01:00"
    (part,) = read(titled(event(line, f"M2   A001     {text}                00:00:10:00")), rate).content.tracks
    assert part.items[0].item.speed == speed


def test_the_motion_lines_of_a_dissolve_belong_to_their_reels() -> None:
    found = read(
        titled(
            event(
                "001  A        V     C        00:00:00:00 00:00:02:00 00:00:00:00 00:00:01:00",
                "M2   A        048.0                00:00:00:00",
            ),
            event(
                "002  A        V     C        00:00:02:00 00:00:02:00 00:00:01:00 00:00:01:00",
                "002  B        V     D    010 00:00:00:00 00:00:00:12 00:00:01:00 00:00:02:00",
                "M2   A        048.0                00:00:02:00",
                "M2   B        012.0                00:00:00:00",
            ),
        )
    )
    assert [placed.item.speed for placed in found.content.tracks[0].items] == [Speed(2), Speed(1, 2)]


def test_a_clip_that_does_not_fit_its_event_and_says_no_speed() -> None:
    found = read(titled("001  A        V     C        00:00:00:00 00:00:02:00 00:00:00:00 00:00:01:00"))
    assert picture(found) == ["V1: @0+24/0"]
    assert "say no speed (lines 3)" in found.warnings[0]


def test_locators_become_markers() -> None:
    line = "001  A001     V     C        00:00:00:00 00:00:10:00 01:00:00:00 01:00:10:00"
    marks = ["* LOC: 01:00:02:00 GREEN   VFX_010 sky", "*LOC: 01:00:03:12 remove the boom", "* LOC: 01:00:04:00 RED"]
    found = read(titled(event(line, *marks))).content.markers
    assert [(m.start, m.color, m.name) for m in found] == [
        (48, "GREEN", "VFX_010 sky"),
        (84, "RED", "remove the boom"),
        (96, "RED", ""),
    ]


def test_resolves_marker_list_is_markers_and_no_clips() -> None:
    found = read(
        titled(
            event(
                "001  001      V     C        01:00:02:00 01:00:02:01 01:00:02:00 01:00:02:01",
                " |C:ResolveColorBlue |M:Marker 1 |D:1",
            ),
            event(
                "002  001      V     C        01:00:04:00 01:00:04:01 01:00:04:00 01:00:04:01",
                "2 fixes |C:ResolveColorRose |M:Marker 2 |D:24",
            ),
        )
    )
    assert found.content.tracks == ()
    assert found.warnings == ()
    assert [(m.start, m.duration, m.color, m.name, m.comment) for m in found.content.markers] == [
        (48, 0, "BLUE", "Marker 1", ""),
        (96, 24, "ROSE", "Marker 2", "2 fixes"),
    ]


@pytest.mark.parametrize(
    ("first", "start", "at"),
    [
        ("01:00:00:00", "01:00:00:00", 0),
        ("01:00:08:00", "01:00:00:00", 8 * 24),
        ("01:04:59:23", "01:00:00:00", 299 * 24 + 23),
        ("10:31:00:00", "10:31:00:00", 0),
        ("00:59:58:00", "00:59:58:00", 0),
    ],
)
def test_the_sequence_starts_on_the_hour_below_or_at_the_first_event(first: str, start: str, at: int) -> None:
    h, m, s, f = map(int, first.split(":"))
    out = f"{h:02}:{m:02}:{s + 1:02}:{f:02}" if s < 59 else f"{h:02}:{m + 1:02}:00:{f:02}"
    found = read(titled(f"001  A        V     C        00:00:00:00 00:00:01:00 {first} {out}"))
    h, m, s, f = map(int, start.split(":"))
    assert found.content.start_frame == ((h * 60 + m) * 60 + s) * 24 + f
    (placed,) = found.content.tracks[0].items
    assert (placed.start or 0) == at


def test_record_times_past_midnight_go_on() -> None:
    found = read(
        titled(
            "001  A        V     C        00:00:00:00 00:00:01:00 23:59:58:00 23:59:59:00",
            "002  B        V     C        00:00:00:00 00:00:02:00 23:59:59:00 00:00:01:00",
            "003  C        V     C        00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00",
        )
    )
    assert picture(found) == ["V1: @0+24/0 @24+48/0 @72+24/0"]


def test_drop_frame_by_header_by_separator_and_switched_for_a_source() -> None:
    lines = (
        "001  A        V     C        01:00:00:00 01:00:10:00 01:00:00:00 01:00:10:00",
        "FCM: NON-DROP FRAME",
        "002  B        V     C        01:01:00:00 01:01:10:00 01:00:10:00 01:00:20:00",
    )
    found = read("\n".join(("TITLE: x", "FCM: DROP FRAME", *lines)), None)
    assert (found.content.rate, found.content.drop_frame) == (NTSC, True)
    assert found.content.start_frame == 107892
    assert picture(found) == [f"V1: @0+300/107892 @300+300/{61 * 1800}"]
    for mark in ";.":
        text = f"TITLE: x\n001  A        V     C        01:00:00{mark}00 01:00:10{mark}00 01:00:00{mark}00 01:00:10{mark}00"
        found = read(text, None)
        assert (found.content.rate, found.content.drop_frame, found.content.start_frame) == (NTSC, True, 107892)


def test_drop_frame_at_a_rate_without_it_is_counted_without() -> None:
    found = read("FCM: DROP FRAME\n001  A  V  C  01:00:00:00 01:00:10:00 01:00:00:00 01:00:10:00", Rate(25))
    assert (found.content.drop_frame, found.content.start_frame) == (False, 90000)
    assert "drop frame, which 25" in found.warnings[0]


@pytest.mark.parametrize(
    ("head", "highest", "rate"),
    [
        ("", 23, Rate(24)),
        ("", 24, Rate(25)),
        ("", 29, NTSC),
        ("", 47, Rate(48)),
        ("", 49, Rate(50)),
        ("", 59, Rate(60000, 1001)),
        ("* FRAME RATE: 23.976", 23, Rate(24000, 1001)),
        ("* FPS: 30", 12, Rate(30)),
        ("* FPS: 24", 29, NTSC),
        ("FCM: DROP FRAME", 12, NTSC),
        ("FCM: DROP FRAME", 59, Rate(60000, 1001)),
    ],
)
def test_the_rate_of_a_list_that_says_none(head: str, highest: int, rate: Rate) -> None:
    found = read(f"TITLE: x\n{head}\n001  A  V  C  01:00:00:00 01:00:10:{highest} 01:00:00:00 01:00:10:{highest}", None)
    assert found.content.rate == rate


def test_the_rate_in_our_own_remark_is_believed() -> None:
    text = "TITLE: x\n001  A  V  C  01:00:00:00 01:00:10:00 01:00:00:00 01:00:10:00\n* GENLOCK-LIST: 25/1 90000"
    found = read(text, Rate(24))
    assert found.content.rate == Rate(25)
    assert found.warnings == ("The list says that it runs at 25 frames a second, not at 24; it was believed.",)


def test_a_key_lies_on_a_track_of_its_own_and_stays_one() -> None:
    found = read(
        titled(
            "001  BG       V     KB       00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00",
            event("001  TITLE    V     K    000 00:00:00:00 00:00:02:00 00:00:00:00 00:00:02:00", "* KEY CLIP NAME: t"),
        )
    )
    assert picture(found) == ["V1: @0+48/0", "V key: t@0+48/0"]
    assert found.content.tracks[1].items[0].item.foreign["edl"]["key"] == "K"
    assert "a key lies on a track of its own" in found.warnings[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, end: str) -> None:
    text = titled(
        event("001\tA001\tV\tC\t01:00:00:00\t01:00:01:00\t00:00:00:00\t00:00:01:00", "* FROM CLIP NAME: café")
    )
    data = text.replace("\n", end).encode(encoding)
    assert knows(data)
    assert picture(read(data)) == ["V1: café@0+24/86400"]


def test_gaps_of_black_and_of_nothing_are_room() -> None:
    found = read(
        titled(
            "001  A        V     C        00:00:00:00 00:00:01:00 00:00:00:00 00:00:01:00",
            "002  BL       V     C        00:00:00:00 00:00:01:00 00:00:01:00 00:00:02:00",
            "003  A        V     C        00:00:00:00 00:00:01:00 00:00:03:00 00:00:04:00",
        )
    )
    assert picture(found) == ["V1: @0+24/0 @72+24/0"]
    assert found.warnings == ()
