"""Marker lists and subtitles, both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.errors import BadInput
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Generator, Item, Marker, Media, Track
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio import lists
from genlock_otio.lists import LISTS

READABLE = [kind for kind, listed in LISTS.items() if listed.tells == "markers"]


def content(rate: Rate, *markers: Marker, drop: bool = False, start: int = 86400) -> Content:
    return Content("cut", rate, drop, start, markers=markers)


def returned(kind: str, cut: Content) -> tuple[Marker, ...]:
    data = lists.write(kind, cut)
    return lists.read_markers(kind, data, rate=cut.rate, drop_frame=cut.drop_frame, start_frame=cut.start_frame)


@pytest.mark.parametrize("kind", ["markers.csv", "markers.edl", "avid-markers", "srt"])
@settings(max_examples=60, deadline=None)
@given(
    rate=st.sampled_from(RATES),
    drop=st.booleans(),
    spots=st.lists(
        st.tuples(
            st.integers(0, 500_000), st.integers(2, 5000), st.sampled_from(["sky", "Übung 😀", "=SUM(A1)", "a,b;c"])
        ),
        max_size=6,
        unique_by=lambda spot: spot[0],
    ),
)
def test_markers_return_on_their_frames_at_every_rate(
    kind: str, rate: Rate, drop: bool, spots: list[tuple[int, int, str]]
) -> None:
    made = [Marker(f"m{at}", at, frames, None, name, "GREEN") for at, frames, name in sorted(spots)]
    cut = content(rate, *made, drop=drop and bool(rate.drop_per_minute), start=3600 * rate.nominal)
    if not made:
        assert lists.write(kind, cut) is not None
        return
    found = returned(kind, cut)
    assert [(m.start, m.duration, m.name) for m in found] == [(m.start, m.duration, m.name) for m in made]
    assert kind == "srt" or {m.color for m in found} == {"GREEN"}
    assert found == returned(kind, cut)


def test_a_table_to_the_letter() -> None:
    cut = content(Rate(24), Marker("m", 49, 12, None, "sky", "BLUE", "paint, please"), Marker("n", 0, 0, None, "+1"))
    assert lists.write("markers.csv", cut).decode("utf-8-sig") == (
        "Timecode,Frames,Name,Comment,Colour,Clip\r\n"
        "01:00:00:00,0,'+1,,RED,\r\n"
        '01:00:02:01,12,sky,"paint, please",BLUE,\r\n'
    )


def test_resolves_list_to_the_letter() -> None:
    cut = content(Rate(30000, 1001), Marker("m", 30, 12, None, "sky|sea", "MAGENTA", "note"), drop=True, start=107892)
    assert lists.write("markers.edl", cut).decode() == (
        "TITLE: cut\r\nFCM: DROP FRAME\r\n\r\n"
        "001  001      V     C        01:00:01;00 01:00:01;01 01:00:01;00 01:00:01;01\r\n"
        "note |C:ResolveColorFuchsia |M:sky/sea |D:12\r\n\r\n"
    )


def test_a_list_from_resolve() -> None:
    text = (
        "TITLE: Timeline 1\nFCM: NON-DROP FRAME\n\n"
        "001  001      V     C        01:00:02:00 01:00:02:01 01:00:02:00 01:00:02:01  \n"
        " |C:ResolveColorBlue |M:Marker 1 |D:1\n\n"
        "002  001      V     C        01:00:04:00 01:00:04:01 01:00:04:00 01:00:04:01  \n"
        "grade this |C:ResolveColorRose |M:Marker 2 |D:24\n"
    )
    found = lists.read_markers("markers.edl", text.encode(), rate=Rate(24), start_frame=86400)
    assert [(m.start, m.duration, m.name, m.color, m.comment) for m in found] == [
        (48, 0, "Marker 1", "BLUE", ""),
        (96, 24, "Marker 2", "ROSE", "grade this"),
    ]


def test_avids_text_to_the_letter_and_back() -> None:
    cut = content(Rate(24), Marker("m", 48, 1, None, "VFX_010", "PURPLE", "sky"))
    data = lists.write("avid-markers", cut)
    assert data.decode() == "Genlock\t01:00:02:00\tV1\tmagenta\tVFX_010: sky\t1\r\n"
    (found,) = lists.read_markers("avid-markers", data, rate=Rate(24), start_frame=86400)
    assert (found.start, found.duration, found.name, found.color) == (48, 0, "VFX_010: sky", "MAGENTA")


def test_markers_of_clips_are_told_where_they_are_seen() -> None:
    clip = Item("a", Media("x"), 24, "shot", 100, Speed(2))
    track = TrackContent(Track("v"), (Placed(clip, 10),))
    on = [Marker("m", 110, 4, "a", "here"), Marker("n", 99, 0, "a", "cut off"), Marker("o", 148, 0, "a", "behind")]
    cut = Content("cut", Rate(24), tracks=(track,), markers=tuple(on))
    (row,) = lists.write("markers.csv", cut).decode("utf-8-sig").splitlines()[1:]
    assert row == "00:00:00:15,2,here,,RED,shot"


def test_subtitles_are_real_time_rounded_once() -> None:
    title = Item("t", Generator("title", {"text": "Once upon\na time\n\nin Genlock"}), 30)
    track = TrackContent(Track("v"), (Placed(title, 107892),))
    cut = Content("cut", Rate(30000, 1001), True, tracks=(track,), markers=(Marker("m", 1, 1, None, "one frame"),))
    assert lists.write("srt", cut).decode() == (
        "1\r\n00:00:00,033 --> 00:00:00,067\r\none frame\r\n\r\n"
        "2\r\n00:59:59,996 --> 01:00:00,997\r\nOnce upon\r\na time\r\nin Genlock\r\n\r\n"
    )


def test_subtitles_of_other_programs() -> None:
    text = "\ufeff1\n00:00:01.000 --> 00:00:02,5 X1:5\nHello\nthere\n2\n00:00:03,000 --> 00:00:02,000\n<i>Back</i>\n"
    found = lists.read_markers("srt", text.encode("utf-16"), rate=Rate(24))
    assert [(m.start, m.duration, m.name, m.comment) for m in found] == [
        (24, 36, "Hello", "there"),
        (72, 1, "<i>Back</i>", ""),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_other_programs(separator: str) -> None:
    rows = [["Marker Name", "Description", "In", "Duration", "Color"], ["sky", "", "01:00:01:00", "00:00:00:05", "red"]]
    data = "\r\n".join(separator.join(row) for row in rows).encode("latin-1")
    (found,) = lists.read_markers("markers.csv", data, rate=Rate(24), start_frame=86400)
    assert (found.start, found.duration, found.name, found.color) == (24, 5, "sky", "RED")


@pytest.mark.parametrize(
    ("kind", "data", "code", "said"),
    [
        ("srt", b"no subtitles", "unknown_format", "no subtitle"),
        ("srt", b"\0\1", "unknown_format", "binary"),
        ("markers.csv", b"a,b\n1,2\n", "bad_timeline", "Timecode"),
        ("markers.csv", b"Timecode,Name\n01:00:00:99,x\n", "bad_timecode", "Line 2"),
        ("markers.csv", b"Timecode,Name\n-5,x\n", "bad_timecode", "Line 2"),
        ("markers.csv", b"Timecode\n" + b'"' + b"x" * 200_000, "bad_timeline", "line 2"),
        ("markers.edl", b"TITLE: x\n", "unknown_format", "Resolve"),
        ("avid-markers", b"a\tb\tc\n", "unknown_format", "Media Composer"),
        ("avid-markers", b"a\t99:00:00:00\tV1\tred\tx\n", "bad_timecode", "Line 1"),
        ("avid-markers", b"x\n" * 500_000, "too_large", "longer"),
        ("csv", b"", "unknown_format", "'csv'"),
        ("nothing", b"", "unknown_format", "'nothing'"),
    ],
)
def test_bad_lists_say_what_is_wrong(kind: str, data: bytes, code: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        lists.read_markers(kind, data, rate=Rate(24))
    assert caught.value.code == code
    assert said in caught.value.message


def test_markers_before_the_start_lie_on_the_first_frame() -> None:
    (found,) = lists.read_markers("markers.csv", b"Timecode,Name\n00:59:59:00,x\n", rate=Rate(24), start_frame=86400)
    assert found.start == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.ale", "ale"),
        ("a.CSV", "csv"),
        ("reel.markers.csv", "markers.csv"),
        ("reel.changes.csv", "changes.csv"),
        ("reel.markers.edl", "markers.edl"),
        ("reel.edl", ""),
        ("a.srt", "srt"),
        ("a.md", "changes.md"),
        ("a.txt", "avid-markers"),
    ],
)
def test_the_kind_a_name_asks_for(name: str, kind: str) -> None:
    assert lists.kind_of(Path(name)) == kind


def test_every_readable_kind_is_tested() -> None:
    assert sorted(READABLE) == ["avid-markers", "markers.csv", "markers.edl", "srt"]
