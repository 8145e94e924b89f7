"""What the profile says survives FCPXML survives, at all nine rates; the second trip equals the first."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Shot, Source, Track, Transition
from genlock.timeline.profiles import ALL, FCPX
from genlock.timeline.projection import disagreements, project
from genlock.timeline.rate import FREEZE, RATES, Rate, Speed
from genlock.timeline.reconcile import reconcile
from genlock_otio.fcpx import writer
from genlock_otio.files import loss
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Tag
from tests.otio.fcpx.making import exported, read, same_files, sound, written
from tests.otio.fcpx.strict import Strict
from tests.otio.timelines import FILES, POOL, Maker, take

TAG = Tag("ab" * 16, 3, "cd" * 16)


def trip(maker: Maker, content: Content) -> Imported:
    """Out and in; proves that the file is valid, that what came back is what the profile says, and the second trip."""
    data = exported(maker, content, TAG)
    Strict(data)
    first = read(data)
    assert first.warnings == ()
    assert first.tag == TAG
    same = same_files({file.id: file for file in first.media})
    assert disagreements(content, first.content, FCPX, same=same) == ()  # type: ignore[arg-type]
    for id_, nested in first.nested:
        assert disagreements(maker.nested[id_], nested, FCPX, same=same) == ()  # type: ignore[arg-type]
    again = written(first)
    second = read(again)
    assert second.content == first.content
    assert second.nested == first.nested
    assert written(second) == again
    return first


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_random_cuts_come_back(seed: int) -> None:
    maker = Maker(Random(seed))
    trip(maker, maker.content())


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_rate_is_exact_ten_hours_in(rate: Rate) -> None:
    hours = 10 * 3600 * rate.nominal
    track = Track("t1", "video", "V1", "free")
    audio = Track("t2", "audio", "A1", "free")
    file = FILES[0].id
    rows = [
        Placed(Item(f"i{n}", Media(file, hours, 500_000), 7, f"c{n}", hours + 41 * n), hours + 7 * n) for n in range(50)
    ]
    sounds = [
        Placed(Item(f"a{n}", Media(file, hours, 500_000), 5, "s", hours + 3 * n), hours + 11 * n) for n in range(30)
    ]
    content = Content(
        "late",
        rate,
        bool(rate.drop_per_minute),
        hours,
        tracks=(TrackContent(track, tuple(rows)), TrackContent(audio, tuple(sounds))),
        markers=(Marker("m1", hours + 3, 0, None, "x"), Marker("m2", hours + 44, 2, "i1", "y")),
    )
    sound(content)
    found = trip(Maker(Random(0)), content).content
    assert (found.rate, found.start_frame, found.drop_frame) == (rate, hours, bool(rate.drop_per_minute))
    assert [p.start for p in found.tracks[0].items] == [p.start for p in rows]
    assert [p.item.source_in for p in found.tracks[0].items] == [p.item.source_in for p in rows]
    assert [p.item.source_in for p in found.tracks[1].items] == [p.item.source_in for p in sounds]
    assert not any("genlock.otio" in p.item.foreign for part in found.tracks for p in part.items)


@pytest.mark.parametrize("own", RATES, ids=str)
@pytest.mark.parametrize("rate", [Rate(24000, 1001), Rate(25), Rate(60)], ids=str)
def test_media_of_every_rate_at_every_speed(rate: Rate, own: Rate) -> None:
    """Real time, conformed frame for frame, slow, fast, backwards, still: the frame shown first comes back."""
    speeds = [Speed(), Speed.of(rate.fraction / own.fraction), Speed(2), Speed(7, 13), Speed(-1), Speed(-3, 2), FREEZE]
    source = Media(FILES[0].id, 1000, 100_000, None if own == rate else own)
    items = [Item(f"i{n}", source, 31, f"c{n}", 50_000 + n, speed) for n, speed in enumerate(speeds)]
    marks = [Marker(f"m{n}", 50_003 + n, 1, f"i{n}", "here") for n in range(len(items))]
    track = Track("t1", "video", "", "magnetic")
    content = Content(
        "speeds", rate, tracks=(TrackContent(track, tuple(Placed(item) for item in items)),), markers=tuple(marks)
    )
    sound(content)
    found = trip(Maker(Random(0)), content).content
    back = [placed.item for placed in found.tracks[0].items]
    assert [(i.id, i.speed, i.source_in, i.duration) for i in back] == [
        (i.id, i.speed, i.source_in, i.duration) for i in items
    ]
    assert sorted((m.id, m.start, m.item) for m in found.markers) == [(m.id, m.start, m.item) for m in marks]


def dressed() -> tuple[Maker, Content]:
    """A cut with one of everything."""
    maker = Maker(Random(1))
    inner = "0" * 31 + "7"
    maker.nested[inner] = Content(
        "inner",
        Rate(25),
        start_frame=90_000,
        tracks=(TrackContent(Track("n1", "video", "N"), (Placed(Item("n2", Media(FILES[1].id), 50, "deep"), 10),)),),
    )
    file = Media(FILES[0].id, 100, 5000)
    v1 = (
        Placed(Item("i1", file, 50, "one", 200, link="l1")),
        Placed(Item("g1", Gap(), 20, "room")),
        Placed(Item("i2", file, 40, "two", 300, enabled=False)),
        Placed(Item("i3", Nested(inner, 0, 60, Rate(25)), 30, "nest", 5)),
        Placed(Item("i4", Generator("title", {"text": "Hello", "size": 3}), 25, "card")),
        Placed(Item("i5", Generator("SMPTEBars"), 25, "bars")),
    )
    v2 = (Placed(Item("i6", file, 10, "over", 400), 5), Placed(Item("i7", file, 10, "over", 500), 15))
    a1 = (Placed(Item("a1", file, 50, "one", 200, link="l1"), 0), Placed(Item("a2", file, 30, "wild", 700), 60))
    content = Content(
        "One of everything",
        Rate(24000, 1001),
        start_frame=86_400,
        tracks=(
            TrackContent(Track("t1", "video", "Pictures", "magnetic"), v1),
            TrackContent(Track("t2", "video", "", enabled=False, locked=True), v2),
            TrackContent(Track("t3", "video", "nothing here")),
            TrackContent(Track("t4", "audio", "Dialogue"), a1),
        ),
        transitions=(
            Transition(None, "i1", 0, 12, "dissolve"),
            Transition("i1", None, 8, 3, "wipe", "out it goes"),
            Transition("i2", "i3", 2, 5, "dissolve", "mix"),
            Transition("i6", "i7", 4, 4),
        ),
        markers=(
            Marker("m1", 3, 0, None, "cut", "RED", "of the sequence"),
            Marker("m2", 500, 6, None, "behind all of it", "CYAN"),
            Marker("m3", 210, 0, "i1", "chapter", "ORANGE"),
            Marker("m4", 220, 4, "i1", "", "PINK", "two\nlines"),
        ),
    )
    sound(content)
    return maker, content_of(restore("0" * 32, 1, content))


def test_one_of_everything() -> None:
    maker, content = dressed()
    found = trip(maker, content)
    assert found.content.tracks[0].track.placement == "magnetic"
    assert [p.item.id for p in found.content.tracks[0].items] == ["i1", "g1", "i2", "i3", "i4", "i5"]
    assert {t.id: (t.name, t.enabled, t.locked) for t in (part.track for part in found.content.tracks)} == {
        "t1": ("Pictures", True, False),
        "t2": ("", False, True),
        "t3": ("nothing here", True, False),
        "t4": ("Dialogue", True, False),
    }
    assert all(p.item.enabled for p in found.content.tracks[1].items)  # the track is off, its clips are not
    assert found.content.transitions == tuple(sorted(content.transitions, key=lambda t: t.key))
    assert found.content.markers == tuple(sorted(content.markers, key=lambda m: (m.item or "", m.start, m.id)))
    assert found.ids >= {"i1", "g1", "a1", "t1", "m1"}
    assert dict(found.nested)["0" * 31 + "7"].name == "inner"


def test_picture_and_sound_of_one_file_are_one_clip() -> None:
    maker, content = dressed()
    data = exported(maker, content).decode()
    assert data.count('name="one"') == 1
    assert data.count('name="wild"') == 1
    apart = replace(content, transitions=(*content.transitions, Transition(None, "a1", 0, 3)))
    assert exported(maker, apart).decode().count('name="one"') == 2  # the sound has a fade of its own
    assert trip(maker, apart).content.transitions[0].right == "a1"


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.10", "1.11", "1.12", "1.13"])
def test_every_version_is_written_and_read(version: str) -> None:
    maker, content = dressed()
    outgoing = Outgoing(content, media=POOL, nested=maker.nested.get)
    data = writer.write(outgoing, version).data
    assert f'<fcpxml version="{version}">'.encode() in data
    Strict(data)
    assert read(data).content == read(exported(maker, content)).content


def test_writing_twice_gives_the_same_bytes() -> None:
    maker, content = dressed()
    assert exported(maker, content) == exported(maker, content)


def test_a_returned_cut_without_our_metadata_still_knows_its_tracks_from_the_note() -> None:
    maker, content = dressed()
    data = exported(maker, content).decode()
    start, end = data.rindex("<metadata>"), data.rindex("</metadata>") + len("</metadata>")
    assert "com.genlock.tracks" in data[start:end]
    assert read((data[:start] + data[end:]).encode()).content == read(data.encode()).content


def test_without_any_of_our_notes_the_cut_is_the_same_cut() -> None:
    """What another program would make of it: lanes, times and names stand in the format's own words."""
    maker, content = dressed()
    text = re.sub(r"\n?genlock:[^<\"]*", "", exported(maker, content).decode())
    text = re.sub(r'<md key="com.genlock[^>]*/>', "", text)
    found = read(text.encode()).content
    old = {p.item.name: p.item for part in content.tracks for p in part.items}
    new = {p.item.name: p.item for part in found.tracks for p in part.items}
    for name in ("one", "two", "over", "wild"):
        assert (new[name].duration, new[name].source_in) == (old[name].duration, old[name].source_in)
    assert {(t.in_offset, t.out_offset) for t in found.transitions if t.left and t.right} == {(2, 5), (4, 4)}


def test_the_profile_leaves_out_what_does_not_survive_and_nothing_else() -> None:
    lost = ALL - FCPX.carries
    assert lost == {
        "sequence.foreign", "track.foreign", "item.foreign", "transition.foreign", "marker.foreign", "item.shot",
        "item.effects",
    }  # fmt: skip
    maker, content = dressed()
    blurred = replace(content.tracks[0].items[0].item, effects=({"effect_name": "Blur"},), foreign={"x": {"y": 1}})
    first = replace(content.tracks[0], items=(Placed(blurred), *content.tracks[0].items[1:]))
    outgoing = Outgoing(replace(content, tracks=(first, *content.tracks[1:])), media=POOL, nested=maker.nested.get)
    out = writer.write(outgoing)
    assert out.loss.rows == ()
    told = loss(outgoing.content, dialect="fcpx", media=POOL, nested=maker.nested.get)
    assert [row.what for row in told.rows] == ["clip's effects", "other programs' notes on clips"]
    back = read(out.data).content.tracks[0].items[0].item
    assert back.effects == ()
    assert "x" not in back.foreign
    assert project(content, FCPX) == content


def reconciled(maker: Maker, content: Content, returned: bytes) -> Content:
    """What the returned file makes of the cut that went out."""
    found = read(returned)
    pool = {file.id: file.path for file in found.media}
    names = {file.id: file.path for file in POOL.values()}
    made = reconcile(
        restore("0" * 32, 1, content),
        found.content,
        FCPX,
        base_path=lambda source: path_of(source, names),
        path=lambda source: path_of(source, pool),
        told=found.ids,
    )
    assert made.disagreements == ()
    return made.theirs


def path_of(source: Source, files: dict[str, str]) -> str:
    if isinstance(source, Shot):
        file = take(source.shot, source.take)
        return file.path if file else ""
    return files[source.media] if isinstance(source, Media) else ""


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_an_unchanged_file_is_no_edit(seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content()
    assert reconciled(maker, content, exported(maker, content)) == content


def test_a_file_written_anew_in_final_cuts_manner_is_no_edit() -> None:
    """Times over other denominators, markers a frame long, no metadata of ours: the same cut."""
    maker, content = dressed()
    text = exported(maker, content).decode()
    text = re.sub(r'"(\d+)/(\d+)s"', lambda m: f'"{int(m[1]) * 15}/{int(m[2]) * 15}s"', text)
    text = re.sub(r'(<(?:chapter-)?marker [^>]*duration=)"[^"]*"', r'\1"1001/24000s"', text)
    text = re.sub(r'<md key="com.genlock.tracks[^>]*/>', "", text)
    assert reconciled(maker, content, text.encode()) == content


def test_an_edit_in_final_cut_comes_back_as_that_edit_alone() -> None:
    maker, content = dressed()
    text = exported(maker, content).decode()
    before = re.search(r'<asset-clip ref="\w+" srcEnable="video" name="two"[^>]*enabled="0"', text)
    assert before
    there = reconciled(
        maker, content, text.replace(before[0], before[0].replace('"two"', '"2"').replace('"0"', '"1"')).encode()
    )
    old = content.tracks[0].items[2].item
    rows = tuple(
        replace(p, item=replace(old, name="2", enabled=True)) if p.item is old else p for p in content.tracks[0].items
    )
    assert there == replace(content, tracks=(replace(content.tracks[0], items=rows), *content.tracks[1:]))
