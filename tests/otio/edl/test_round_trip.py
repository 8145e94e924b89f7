"""Cuts written as edit lists and read back: what the profile says survives, survives; the second trip equals the first."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Item, Marker, Media, Track, Transition
from genlock.timeline.profiles import EDL
from genlock.timeline.projection import disagreements
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio.edl import writer
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Tag
from tests.otio.edl.lists import path_of, picture, read, written
from tests.otio.timelines import POOL, Maker

PATHS = {file.id: file.path or file.name for file in POOL.values()}


def trip(content: Content, maker: Maker | None = None) -> Imported:
    """Writes and reads a cut, checks it against the profile, and that a second trip changes nothing."""
    back = read(written(content, maker).data, None)
    pool = {file.id: file.path or file.name for file in back.media}
    found = disagreements(content, back.content, EDL, same=lambda a, b: path_of(a, PATHS) == path_of(b, pool))
    assert found == ()
    assert violations(restore("0" * 32, 1, back.content)) == []
    assert back.warnings == ()
    files = {file.id: file for file in back.media}
    second = writer.write(Outgoing(back.content, media=files)).data
    again = read(second, None)
    assert again.content == back.content
    assert writer.write(Outgoing(again.content, media=files)).data == second
    return back


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_any_cut_comes_back_as_the_profile_says(seed: int) -> None:
    maker = Maker(Random(seed))
    trip(maker.content(), maker)


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_at_every_rate(rate: Rate, seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content(rate)
    back = trip(content, maker)
    assert back.content.rate == rate
    told = trip(replace(content, start_frame=23 * 3600 * rate.nominal), maker)
    assert told.content.start_frame == 23 * 3600 * rate.nominal


def plain(*items: Item, rate: Rate = Rate(24), transitions: tuple[Transition, ...] = (), **fields: object) -> Content:
    placed = tuple(Placed(item) for item in items)
    track = TrackContent(Track("t1", "video", "V1", "magnetic"), placed)
    return Content("cut", rate, tracks=(track,), transitions=transitions, **fields)  # type: ignore[arg-type]


def clip(id_: str, duration: int = 50, source_in: int = 1000, speed: Speed = Speed()) -> Item:
    return Item(id_, Media("pool-7"), duration, f"clip {id_}", source_in, speed)


@pytest.mark.parametrize("speed", [Speed(2), Speed(1, 2), Speed(-1), Speed(0), Speed(3, 2), Speed(-1, 3), Speed(5, 4)])
@pytest.mark.parametrize("rate", [Rate(24), Rate(24000, 1001), Rate(25), Rate(30000, 1001), Rate(60)], ids=str)
def test_the_speeds_people_use_need_no_remark_of_ours(speed: Speed, rate: Rate) -> None:
    content = plain(clip("a"), clip("b", speed=speed), clip("c"), rate=rate)
    data = written(content).data
    assert b"GENLOCK-EXACT" not in data
    stripped = b"\r\n".join(line for line in data.split(b"\r\n") if b"GENLOCK" not in line)
    (part,) = read(stripped, rate).content.tracks
    assert [placed.item.speed for placed in part.items] == [Speed(), speed, Speed()]
    assert [placed.item.source_in for placed in part.items] == [1000] * 3


def test_a_list_whose_remarks_an_editing_system_dropped_is_still_the_same_cut() -> None:
    dissolve, fade = Transition("a", "b", 6, 6), Transition("c", None, 10, 0)
    content = plain(clip("a"), clip("b", 40), clip("c"), transitions=(dissolve, fade), start_frame=86400)
    data = written(content).data
    bare = b"\r\n".join(line for line in data.split(b"\r\n") if b"GENLOCK" not in line)
    found = read(bare, Rate(24))
    assert picture(found) == ["V1: clip a@0+50/1000 clip b@50+40/1000 clip c@90+50/1000"]
    assert [(t.in_offset, t.out_offset) for t in found.content.transitions if t.right] == [(6, 6)]
    assert [(t.in_offset, t.out_offset) for t in found.content.transitions if not t.right] == [(10, 0)]
    assert found.content.start_frame == 86400
    assert found.ids == frozenset()


def test_off_centre_dissolves_wipes_and_unknown_kinds() -> None:
    transitions = (
        Transition("a", "b", 2, 8),
        Transition("b", "c", 0, 5, "wipe:119"),
        Transition("c", "d", 5, 0, "Custom Transition/😀"),
    )
    back = trip(plain(clip("a"), clip("b"), clip("c"), clip("d"), transitions=transitions))
    assert {(t.left, t.in_offset, t.out_offset, t.kind) for t in back.content.transitions} == {
        ("a", 2, 8, "dissolve"),
        ("b", 0, 5, "wipe:119"),
        ("c", 5, 0, "Custom Transition/😀"),
    }


def test_the_tag_and_all_ids_return() -> None:
    marker = Marker("m 1", 60, name="VFX: replace the sky", color="GREEN")
    content = plain(clip("a b%"), clip("c"), markers=(marker, Marker("m2", 3, color="Teal (mine)")))
    back = read(written(content, tag=Tag("5" * 32, 17, "e" * 32)).data, None)
    assert back.tag == Tag("5" * 32, 17, "e" * 32)
    assert back.ids == {"a b%", "c", "m 1", "m2", "t1"}
    assert {(m.start, m.name, m.color) for m in back.content.markers} == {
        (60, "VFX: replace the sky", "GREEN"),
        (3, "", "Teal (mine)"),
    }


def test_a_transition_longer_than_its_column_is_noted_and_comes_back() -> None:
    content = plain(clip("a", 2000), clip("b", 2000), transitions=(Transition("a", "b", 600, 700),))
    assert [row.what for row in written(content).loss.rows] == ["transitions longer than 999 frames"]
    (found,) = trip(content).content.transitions
    assert (found.in_offset, found.out_offset) == (600, 700)


def test_a_thousand_events_are_numbered_with_six_digits() -> None:
    content = plain(*(clip(f"i{n}", 5) for n in range(1001)))
    assert b"\n001001  b_roll   V     C" in written(content).data
    assert len(trip(content).content.tracks[0].items) == 1001


def test_names_with_line_breaks_stay_one_line_and_are_noted() -> None:
    content = plain(replace(clip("a"), name="one\ntwo\r\n* FROM CLIP NAME: three\u2028four"))
    made = written(content)
    assert [(row.what, row.count) for row in made.loss.rows] == [("characters that a list cannot hold", 1)]
    (part,) = read(made.data).content.tracks
    assert part.items[0].item.name == "one two  * FROM CLIP NAME: three four"


def test_a_grade_and_foreign_remarks_return() -> None:
    sop = {"slope": [1.0, 0.9, 1.123456], "offset": [0.0, -0.01, 0.5], "power": [1.0, 1.0, 1.0]}
    grade = {"asc_sop": sop, "asc_sat": 0.85}
    kept = {"edl": {"remarks": ["* 079_HA_0010", ">>> SOURCE x 1", "no star"]}, "cdl": grade}
    data = written(plain(replace(clip("a"), foreign=kept))).data
    assert b"* ASC_SOP (1.0000 0.9000 1.123456)(0.0000 -0.0100 0.5000)(1.0000 1.0000 1.0000)\r\n" in data
    assert b"* ASC_SAT 0.8500\r\n" in data
    item = read(data).content.tracks[0].items[0].item
    assert item.foreign["cdl"] == grade
    assert item.foreign["edl"]["remarks"] == ["* 079_HA_0010", ">>> SOURCE x 1", "* no star"]
