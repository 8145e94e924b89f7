"""Cuts written as AAF and read back: what the profile says survives, survives; the second trip equals the first."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Generator, Item, Media, Resolution, Track
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio.aaf import reader
from tests.otio.aaf.compositions import POOL, TAG, back, read, write
from tests.timeline.cuts import cut, fades, picture
from tests.timeline.full_cuts import full_cut


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_at_every_rate_an_unchanged_file_is_the_cut_and_the_second_trip_the_first(rate: Rate) -> None:
    content = replace(
        full_cut(Random(rate.nominal + rate.den), 30),
        rate=rate,
        name="Reel 1 ünï – 東京",
        start_frame=rate.nominal * 3600,
        drop_frame=bool(rate.drop_per_minute),
        resolution=Resolution(2048, 858),
    )
    found = read(write(content).data)
    made = back(content, found)
    assert made.theirs == content
    assert made.disagreements == ()
    assert (found.tag, found.dialect, found.warnings) == (TAG, "aaf", ())
    assert found.content.drop_frame == content.drop_frame
    pool = {file.id: file for file in found.media}
    again = read(write(found.content, pool).data)
    assert again.content == found.content
    assert again.media == found.media


def test_what_a_first_import_sees() -> None:
    state = cut(
        "V1= A:20/110[100+400] _:5 B:30/7[0+500] C:19/40[0+500]",
        "V2~ S:30@10/86400",
        "A1~ M:40@0/12 N:9@50",
        transitions=("B>C 2+8", "M> 0+4"),
    )
    content = content_of(state)
    parts = [replace(part, items=tuple(replace(p, item=_known(p.item)) for p in part.items)) for part in content.tracks]
    data = write(replace(content, tracks=tuple(parts), start_frame=90)).data
    assert reader.knows(data)
    found = read(data)
    got = restore("s", 1, found.content)
    assert picture(got) == ["V1~ A:20@0/110 B:30@25/7 C:19@55/40", "V2~ S:30@10/86400", "A1~ M:40@0/12 N:9@50"]
    assert fades(got) == ["B>C 2+8"]
    assert (got.rate, got.start_frame) == (Rate(24), 90)
    assert {"A", "B", "C", "S", "M", "N", "V1", "V2", "A1"} <= found.ids
    sources = {item.id: item.source for item in got.items.values()}
    assert isinstance(sources["A"], Media)
    assert (sources["A"].first, sources["A"].frames) == (100, 400)
    assert isinstance(sources["S"], Media)
    assert sources["S"].frames is None  # nobody knows how long the file is: the AAF says so
    assert {file.path for file in found.media} == {POOL[id_].path for id_ in ("m1", "m2")}


def _known(item: Item) -> Item:
    if not isinstance(item.source, Media):
        return item
    return replace(item, source=replace(item.source, media="m1" if item.id in "ABC" else "m2"))


def test_clips_of_one_file_and_name_share_a_master_clip_that_keeps_its_identity() -> None:
    items = tuple(Placed(Item(f"i{n}", Media("m1", 0, 900), 10, "take", 100 * n), 10 * n) for n in range(4))
    content = Content("Cut", Rate(25), tracks=(TrackContent(Track("V1", name="V1"), items),))
    found = read(write(content).data)
    mobs = {p.item.foreign["AAF"]["MobID"] for p in found.content.tracks[0].items}
    assert len(mobs) == 1
    pool = {file.id: file for file in found.media}
    again = read(write(found.content, pool).data)
    assert {p.item.foreign["AAF"]["MobID"] for p in again.content.tracks[0].items} == mobs


def test_what_the_format_cannot_hold_is_offline_media_of_the_same_length() -> None:
    items = (
        Placed(Item("t", Generator("title", {"text": "Fin"}), 25, "Fin"), 0),
        Placed(Item("r", Media("m1", 0, 900), 25, "fast", 100, Speed(2), enabled=False), 25),
        Placed(Item("x", Media("gone"), 25, "lost", 3), 50),
    )
    content = Content("Cut", Rate(25), tracks=(TrackContent(Track("V1", name="V1"), items), TrackContent(Track("V2"))))
    found = read(write(content).data)
    (part,) = found.content.tracks
    rows = [(p.start, p.item.duration, p.item.name, p.item.source_in) for p in part.items]
    assert part.track.placement == "magnetic"  # as every first track without holes
    assert rows == [(None, 25, "Fin", 0), (None, 25, "fast", 100), (None, 25, "lost", 3)]
    assert [file.missing for file in found.media] == [True, False, True]
    assert back(content, found).theirs == content


def test_an_edit_in_the_file_is_the_only_edit() -> None:
    content = content_of(cut("V1= A:20/110 B:30/7 C:19/40", "V2~ D:30@10"))
    content = replace(content, tracks=tuple(
        replace(p, items=tuple(replace(i, item=replace(i.item, source=Media("m1", 0, 900), effects=({"e": 1},)))
                               for i in p.items)) for p in content.tracks))  # fmt: skip
    file = read(write(content).data)
    pool = {f.id: f for f in file.media}
    row = list(file.content.tracks[0].items)
    row[1] = replace(row[1], item=replace(row[1].item, duration=28, source_in=9))
    row[2] = replace(row[2], start=48) if row[2].start is not None else row[2]
    edited = replace(file.content, tracks=(replace(file.content.tracks[0], items=tuple(row)), *file.content.tracks[1:]))
    made = back(content, read(write(edited, pool).data))
    old = restore("s", 1, content).items
    new = restore("s", 1, made.theirs).items
    assert {id_: item for id_, item in new.items() if item != old[id_]} == {
        "B": replace(old["B"], duration=28, source_in=9)
    }
    assert made.disagreements == ()
