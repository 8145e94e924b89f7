"""MLT XML out and in again."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Generator, Item, Marker, Media, Resolution, Shot, Track, Transition
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio.dialects import Incoming
from genlock_otio.mlt.reader import knows, read
from genlock_otio.mlt.writer import write
from genlock_otio.outgoing import Outgoing
from genlock_otio.references import media_id
from genlock_otio.values import Tag

A, B = "/footage/a.mov", "/footage/b.mov"
POOL = {media_id(path): MediaFile(media_id(path), path, Path(path).name) for path in (A, B)}


def item(id_: str, path: str, into: int, length: int, first: int = 0, frames: int = 1000, **more: object) -> Item:
    return Item(id_, Media(media_id(path), first, frames), length, Path(path).name, into, **more)  # type: ignore[arg-type]


def cut(rate: Rate = Rate(24)) -> Content:
    picture = (
        Placed(item("i1", A, 86410, 50, first=86400), 10),
        Placed(item("i2", B, 100, 40), 60),
        Placed(item("i3", A, 86500, 30, first=86400, speed=Speed(2)), 100),
        Placed(item("i4", A, 86701, 31, first=86400, speed=Speed(-3, 2)), 130),
        Placed(item("i5", B, 77, 25, speed=Speed(0)), 161),
        Placed(item("i6", B, 200, 24, enabled=False), 200),
        Placed(Item("i7", Generator("bars", {"colour": "red"}), 24, "bars"), 230),
    )
    sound = (Placed(item("a1", B, 100, 40, link="lxx"), 60),)
    tracks = (
        TrackContent(Track("t1", "video", "V1", "free"), picture),
        TrackContent(
            Track("t2", "video", "Über V2", "free", enabled=False, locked=True), (Placed(item("o1", B, 0, 20), 5),)
        ),
        TrackContent(Track("t3", "audio", "A1", "free"), sound),
        TrackContent(Track("t4", "audio", "A2", "free"), (Placed(item("a2", A, 86400, 40, first=86400), 0),)),
    )
    return Content(
        "The cut",
        rate,
        resolution=Resolution(1280, 720),
        tracks=tracks,
        transitions=(Transition("i1", "i2", 4, 8), Transition(None, "i6", 0, 6), Transition("i6", None, 5, 0)),
        markers=(Marker("m1", 42, name="look here", color="GREEN"),),
    )


def trip(content: Content, suffix: str = ".kdenlive", tag: Tag = Tag()) -> tuple[Content, bytes, Tag]:
    data = write(Outgoing(content, media=POOL, suffix=suffix, tag=tag)).data
    found = read(Incoming(data, "cut", Path("/films")))
    return found.content, data, found.tag


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_cut_comes_back_at_every_rate(rate: Rate) -> None:
    content = cut(rate)
    again, data, tag = trip(content, tag=Tag("ab" * 16, 7, "cd" * 16))
    assert tag == Tag("ab" * 16, 7, "cd" * 16)
    assert (again.name, again.rate, again.resolution) == (content.name, rate, content.resolution)
    assert [p.track.name for p in again.tracks] == [p.track.name for p in content.tracks]
    assert [(p.track.kind, p.track.enabled, p.track.locked) for p in again.tracks] == [
        (p.track.kind, p.track.enabled, p.track.locked) for p in content.tracks
    ]
    for there, here in zip(again.tracks, content.tracks, strict=True):
        assert [p.start for p in there.items] == [p.start for p in here.items]
        for got, want in zip(there.items, here.items, strict=True):
            plain = replace(got.item, foreign={})
            if isinstance(want.item.source, Media):
                plain = replace(plain, source=replace(plain.source, frames=want.item.source.frames))
                assert got.item.source.frames is None or abs(got.item.source.frames - 1000) <= 2
            assert plain == replace(want.item, name=plain.name)
    assert {t.key: (t.in_offset, t.out_offset) for t in again.transitions} == {
        t.key: (t.in_offset, t.out_offset) for t in content.transitions
    }
    assert [(m.start, m.name, m.color) for m in again.markers] == [(42, "look here", "GREEN")]
    twice = write(Outgoing(again, media=POOL, suffix=".kdenlive", tag=tag)).data
    assert twice == data


def test_media_of_another_rate_keeps_its_frames() -> None:
    source = Media(media_id(A), 1000, 900, Rate(30))
    content = replace(cut(), tracks=(TrackContent(Track("t1", "video", "V1", "free"), (
        Placed(Item("i1", source, 48, "a.mov", 1007), 0),)),), transitions=(), markers=())  # fmt: skip
    again, _, _ = trip(content)
    got = again.tracks[0].items[0].item
    assert (got.source_in, got.duration, got.source) == (1007, 48, source)


def test_a_clip_moved_in_the_file_is_read_where_it_is() -> None:
    data = write(Outgoing(cut(), media=POOL, suffix=".mlt")).data
    edited = data.replace(b'in="200" out="223"', b'in="190" out="213"')
    assert edited != data
    found = read(Incoming(edited, "cut", Path("/films"))).content
    assert {p.item.id: p.item.source_in for p in found.tracks[0].items}["i6"] == 190


def test_a_shot_without_a_take_is_a_place_holder_of_its_length() -> None:
    part = TrackContent(Track("t1", "video", "V1", "free"), (Placed(Item("i1", Shot("s1"), 33, "SH010"), 12),))
    again, _, _ = trip(replace(cut(), tracks=(part,), transitions=(), markers=()))
    placed = again.tracks[0].items[0]
    assert (placed.start, placed.item.duration, placed.item.name) == (12, 33, "SH010")


SHOTCUT = b"""<?xml version="1.0"?>
<mlt LC_NUMERIC="C" version="7.20.0" root="/films" producer="main_bin">
 <profile width="1920" height="1080" frame_rate_num="25" frame_rate_den="1"/>
 <playlist id="main_bin"><property name="xml_retain">1</property></playlist>
 <producer id="black" in="00:00:00.000" out="00:00:10.000"><property name="mlt_service">color</property></producer>
 <playlist id="background"><entry producer="black" in="00:00:00.000" out="00:00:10.000"/></playlist>
 <chain id="chain0" out="00:00:19.960"><property name="length">00:00:20.000</property>
  <property name="resource">day 1/A.mov</property><property name="mlt_service">avformat-novalidate</property></chain>
 <chain id="chain1" out="00:00:19.960"><property name="length">00:00:20.000</property>
  <property name="resource">B.mov</property><property name="mlt_service">avformat-novalidate</property></chain>
 <tractor id="tractor0" in="00:00:00.000" out="00:00:00.960">
  <property name="shotcut:transition">lumaMix</property>
  <track producer="chain0" in="00:00:05.000" out="00:00:05.960"/>
  <track producer="chain1" in="00:00:01.000" out="00:00:01.960"/>
  <transition id="transition0" out="00:00:00.960"><property name="mlt_service">luma</property></transition>
 </tractor>
 <playlist id="playlist0"><property name="shotcut:video">1</property><property name="shotcut:name">V1</property>
  <blank length="00:00:01.000"/>
  <entry producer="chain0" in="00:00:02.000" out="00:00:04.960"/>
  <entry producer="tractor0" in="00:00:00.000" out="00:00:00.960"/>
  <entry producer="chain1" in="00:00:02.000" out="00:00:03.960"/>
 </playlist>
 <tractor id="tractor1" in="00:00:00.000" out="00:00:10.000"><property name="shotcut">1</property>
  <track producer="background"/><track producer="playlist0"/>
 </tractor>
</mlt>"""


def test_shotcuts_clock_times_roots_and_dissolves() -> None:
    assert knows(SHOTCUT)
    found = read(Incoming(SHOTCUT, "cut", Path("/elsewhere")))
    content = found.content
    assert content.rate == Rate(25)
    (track,) = content.tracks
    assert track.track.name == "V1"
    assert [(p.start, p.item.duration, p.item.source_in) for p in track.items] == [(25, 87, 50), (112, 63, 37)]
    (dissolve,) = content.transitions
    assert (dissolve.in_offset, dissolve.out_offset) == (12, 13)
    assert sorted(file.path for file in found.media) == ["/films/B.mov", "/films/day 1/A.mov"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"<xmeml/>", "bad_timeline"),
        (b"<mlt/>", "bad_timeline"),
        (b"<mlt><playlist id='p'><entry producer='gone' in='0' out='5'/></playlist></mlt>", "bad_timeline"),
        (b"<mlt><producer id='a'/><playlist id='p'><entry producer='a' in='x' out='5'/></playlist></mlt>", "bad_time"),
        (b"<mlt><producer id='a'/><playlist id='p'><entry producer='a' in='9' out='5'/></playlist></mlt>", "bad_time"),
        (
            b"<mlt><producer id='a'/><playlist id='p'><blank length='-5'/>"
            b"<entry producer='a' out='5'/></playlist></mlt>",
            "bad_time",
        ),
        (b"<mlt><profile frame_rate_num='0' frame_rate_den='1'/><playlist id='p'/></mlt>", "bad_rate"),
        (b"<mlt><profile frame_rate_num='17' frame_rate_den='1'/><playlist id='p'/></mlt>", "bad_rate"),
        (b"<mlt><tractor id='t'><track producer='t'/></tractor></mlt>", "bad_timeline"),
        (b"<mlt", "bad_xml"),
        (b"<!DOCTYPE mlt [<!ENTITY a 'b'>]><mlt>&a;</mlt>", "bad_xml"),
        (b"<mlt>" + b"<tractor>" * 300, "too_deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(text: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(Incoming(text, "cut", Path("/")))
    assert refused.value.code == code
