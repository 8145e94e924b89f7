"""What our lists look like to others: pycmx, which nobody here wrote, agrees on every event."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pycmx
import pytest
from msgspec.structs import replace

import genlock_otio
from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Shot, Track, Transition
from genlock.timeline.rate import RATES, Rate, Speed
from genlock.timeline.timecode import to_timecode
from genlock_otio.edl import writer
from genlock_otio.edl.reels import Reels
from genlock_otio.outgoing import Outgoing
from tests.otio.edl.lists import picture, read, written
from tests.otio.timelines import POOL, Maker, take

RATE = Rate(24)


def track(id_: str, kind: str, *items: Item, starts: tuple[int, ...] = ()) -> TrackContent:
    if not starts:
        return TrackContent(Track(id_, kind, id_, "magnetic"), tuple(Placed(item) for item in items))  # type: ignore[arg-type]
    return TrackContent(Track(id_, kind, id_), tuple(map(Placed, items, starts)))  # type: ignore[arg-type]


def clip(id_: str, duration: int = 48, source_in: int = 0, media: str = "pool-7", **fields: Any) -> Item:
    return Item(id_, Media(media), duration, f"clip {id_}", source_in, **fields)


def lines(content: Content) -> list[str]:
    return written(content).data.decode().split("\r\n")


def test_a_list_to_the_letter() -> None:
    content = Content(
        "Reel 1",
        RATE,
        start_frame=86400,
        tracks=(
            track("v1", "video", clip("a"), clip("b", 48, 1000, speed=Speed(2)), Item("g", Gap(), 24), clip("c", 24)),
            track("a1", "audio", clip("d", 96)),
        ),
        transitions=(Transition("a", "b", 6, 6),),
        markers=(Marker("m1", 50, name="sky", color="BLUE"),),
    )
    assert lines(content) == [
        "TITLE: Reel 1",
        "FCM: NON-DROP FRAME",
        "001  b_roll   V     C        00:00:00:00 00:00:01:18 01:00:00:00 01:00:01:18",
        "* FROM CLIP NAME: clip a",
        "* SOURCE FILE: /footage/B 002 100%.mxf",
        "* GENLOCK-ID: a",
        "* GENLOCK-LIST: 24/1 86400",
        "* GENLOCK-TRACK: V v1",
        "* GENLOCK-TRACK: A1 a1",
        "002  b_roll   A     C        00:00:00:00 00:00:04:00 01:00:00:00 01:00:04:00",
        "* FROM CLIP NAME: clip d",
        "* SOURCE FILE: /footage/B 002 100%.mxf",
        "* GENLOCK-ID: d",
        "* LOC: 01:00:02:02 BLUE    sky",
        "* GENLOCK-LOC: m1",
        "003  b_roll   V     C        00:00:01:18 00:00:01:18 01:00:01:18 01:00:01:18",
        "003  b_roll   V     D    012 00:00:41:04 00:00:45:16 01:00:01:18 01:00:04:00",
        "* FROM CLIP NAME: clip a",
        "* TO CLIP NAME: clip b",
        "* SOURCE FILE: /footage/B 002 100%.mxf",
        "* SOURCE FILE: /footage/B 002 100%.mxf",
        "M2   b_roll   048.0                 00:00:41:04",
        "* GENLOCK-ID: b",
        "004  b_roll   V     C        00:00:00:00 00:00:01:00 01:00:05:00 01:00:06:00",
        "* FROM CLIP NAME: clip c",
        "* SOURCE FILE: /footage/B 002 100%.mxf",
        "* GENLOCK-ID: c",
        "",
    ]


def test_further_tracks_are_lists_of_their_own() -> None:
    content = Content(
        "cut",
        RATE,
        tracks=(
            track("v0", "video"),
            track("v1", "video", clip("a")),
            track("v2", "video", clip("b"), starts=(100,)),
            *(track(f"a{n}", "audio", clip(f"s{n}")) for n in range(6)),
        ),
    )
    made = written(content)
    assert [suffix for suffix, _ in made.more] == ["_V2.edl", "_A5.edl"]
    assert [line.split(":")[0] for line in picture(read(made.data))] == ["V1", "A1", "A2", "A3", "A4"]
    assert picture(read(made.more[0][1])) == ["V1: clip b@100+48/0"]
    assert picture(read(made.more[1][1])) == ["A1: clip s4@0+48/0", "A2: clip s5@0+48/0"]
    assert read(made.more[0][1]).ids == {"v2", "b"}
    assert b"AUD  3" in made.data
    assert b"AUD  4" in made.data


def test_titles_stand_in_under_our_reel_and_unmade_shots_under_the_auxiliary_one() -> None:
    items = (
        Item("t", Generator("Title"), 24, "Credits"),
        Item("s", Shot("SH0010"), 24, "street"),
        Item("k", Shot("s1"), 24, "made"),
    )
    text = written(Content("cut", RATE, tracks=(track("v", "video", *items),))).data.decode()
    assert "001  GENLOCK " in text
    assert "002  AX " in text
    assert "* SOURCE FILE: SH0010" in text
    assert "003  SH0010_v001" in text
    assert "* SOURCE FILE: /takes/SH0010_v001.mov" in text


def test_reels_are_plain_and_one_for_each_file() -> None:
    reels = Reels()
    assert reels.name("1", "A001_C002 (copy).mov") == "A001_C002_copy"
    assert reels.name("2", "A001_C002 [copy].mxf") == "A001_C002_copy_2"
    assert reels.name("1", "anything") == "A001_C002_copy"
    assert reels.name("3", "ax.mov") == "ax_2"
    assert reels.name("4", "日本.mov") == "REEL"
    assert reels.name("5", "x" * 40 + ".mov") == "x" * 32
    assert reels.name("6", "x" * 41 + ".mov") == "x" * 30 + "_2"
    assert reels.name("", "x") == "AX"
    assert reels.name("8", "genlock.mov") == "genlock_2"
    assert reels.name("7", "tape.mov", "TAPE 7") == "TAPE 7"


def test_a_reel_returns_while_the_clip_shows_its_media() -> None:
    kept = {"edl": {"reel": "TAPE0042", "of": "pool-7"}}
    content = Content("cut", RATE, tracks=(track("v", "video", clip("a", foreign=kept)),))
    assert any(line.startswith("001  TAPE0042 V") for line in lines(content))
    relinked = replace(clip("a", foreign=kept), source=Media(next(iter(POOL))))
    content = Content("cut", RATE, tracks=(track("v", "video", relinked),))
    assert not any("TAPE0042" in line for line in lines(content))


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("seed", range(12))
def test_pycmx_reads_the_same_events(rate: Rate, seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content(rate)
    data = writer.write(Outgoing(content, media=POOL, takes=take, nested=maker.nested.get)).data
    theirs = pycmx.parse_cmx3600(StringIO(data.decode(), newline=None))
    assert theirs.title == content.name
    assert all(s.content.startswith("M2") for s in theirs.unrecognized_statements)
    edits = [edit for event in theirs.events for edit in event.edits] if "\n001  " in data.decode() else []
    expected = list(_expected(content, maker))
    assert [_said(edit) for edit in edits if edit.record_in != edit.record_out] == expected


def _said(edit: Any) -> tuple[str, str, str, str, str]:
    channel = "V" if edit.channels.video else "A" + "".join(map(str, edit.channels.channels))
    return edit.record_in, edit.record_out, channel, edit.transition.kind[0], str(edit.transition.operand or "")


def _expected(content: Content, maker: Maker) -> list[tuple[str, str, str, str, str]]:
    """Works out the events of the main list from the cut alone."""
    outgoing = Outgoing(content, media=POOL)
    found = []
    parts = {kind: [p for p in outgoing.tracks(kind) if list(outgoing.rows(p))] for kind in ("video", "audio")}
    channels = [("V", p) for p in parts["video"][:1]] + [(f"A{n}", p) for n, p in enumerate(parts["audio"][:4], 1)]
    for order, (channel, part) in enumerate(channels):
        for row in outgoing.rows(part):
            head, tail = outgoing.around(row.item.id)
            start = row.slot.start - (head.in_offset if head else 0)
            end = row.slot.end - (tail.in_offset if tail else 0)
            kind = "C" if head is None else "W" if head.kind == "wipe" else "D"
            length = "" if head is None else f"{head.in_offset + head.out_offset:03}"
            found.append((start, order, end, channel, kind, length))
            if tail is not None and tail.right is None:
                length = f"{tail.in_offset + tail.out_offset:03}"
                found.append((end, order, end + int(length), channel, "W" if tail.kind == "wipe" else "D", length))
    found.sort(key=lambda row: row[:2])

    def time(frame: int) -> str:
        return to_timecode(content.start_frame + frame, content.rate, content.drop_frame)

    return [(time(s), time(e), channel, kind, length) for s, _, e, channel, kind, length in found if s != e]


def test_pycmx_reads_names_files_and_grades() -> None:
    pool = {"m": MediaFile("m", "/footage/A001_C002.mov", "A001_C002.mov")}
    grade = {"asc_sop": {"slope": [1.1, 1, 0.9], "offset": [0, 0, 0.01], "power": [1, 1, 1]}, "asc_sat": 0.9}
    items = (clip("a", media="m", foreign={"cdl": grade}), clip("b", media="m"))
    content = Content(
        "cut", RATE, tracks=(track("v", "video", *items),), transitions=(Transition("a", "b", 4, 4, "wipe:007"),)
    )
    data = writer.write(Outgoing(content, media=pool)).data.decode()
    theirs = pycmx.parse_cmx3600(StringIO(data, newline=None))
    assert theirs.format == "File32"
    (one,), (left, right) = (event.edits for event in theirs.events)
    assert (one.clip_name, one.source, one.source_file) == ("clip a", "A001_C002", "/footage/A001_C002.mov")
    assert one.asc_sop.slope.red == 1.1
    assert one.asc_sat == 0.9
    assert (left.clip_name, right.clip_name, right.transition.kind) == ("clip a", "clip b", "W")
    assert right.transition.operand == "008"


def test_every_list_of_a_cut_is_a_file_beside_the_first(tmp_path: Path) -> None:
    tracks = tuple(track(f"v{n}", "video", clip(f"c{n}")) for n in (1, 2, 3))
    content = Content("cut", RATE, tracks=tracks)
    loss = genlock_otio.write(content, tmp_path / "reel.edl", media=POOL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reel.edl", "reel_V2.edl", "reel_V3.edl"]
    assert any("2 video tracks" in row.what or "video track" in row.what for row in loss.rows)
    assert picture(genlock_otio.read(tmp_path / "reel_V3.edl")) == ["V1: clip c3@0+48/0"]
    (tmp_path / "reel.edl").rename(tmp_path / "unnamed")
    assert genlock_otio.read(tmp_path / "unnamed").dialect == "edl"
