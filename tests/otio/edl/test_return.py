"""Lists that come back: unchanged they are no edit, with our remarks or without; edited they are the edit."""

from __future__ import annotations

import re
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline.changes import changes
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Track, Transition
from genlock.timeline.profiles import EDL
from genlock.timeline.rate import RATES, Rate, Speed
from genlock.timeline.reconcile import Reconciled, reconcile
from genlock.timeline.sequence import Sequence
from tests.otio.edl.lists import path_of, read, written
from tests.otio.timelines import FILES, POOL, Maker

PATHS = {file.id: file.path or file.name for file in POOL.values()}


def back(base: Sequence, data: bytes) -> Reconciled:
    imported = read(data, base.rate)
    pool = {file.id: file.path or file.name for file in imported.media}
    return reconcile(
        base,
        imported.content,
        EDL,
        base_path=lambda source: path_of(source, PATHS),
        path=lambda source: path_of(source, pool),
        told=imported.ids,
    )


def without_ours(data: bytes) -> bytes:
    return b"\r\n".join(line for line in data.split(b"\r\n") if not line.startswith(b"* GENLOCK"))


def edits(base: Sequence, found: Reconciled) -> list[tuple[str, str, str]]:
    assert found.disagreements == ()
    after = restore(base.id, 2, found.theirs)
    return [(change.kind, change.name, change.detail) for change in changes(base, after)]


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_an_unchanged_list_is_no_edit(seed: int) -> None:
    maker = Maker(Random(seed))
    base = restore("0" * 32, 1, maker.content())
    found = back(base, written(content_of(base), maker).data)
    assert found.disagreements == ()
    assert diff(base, restore("0" * 32, 1, found.theirs)) == ()


def usual(random: Random) -> Content:
    """Makes a cut as editors make them: it starts on the hour, its dissolves are centred."""
    rate = random.choice(RATES)
    items: list[Item] = []
    transitions = []
    for number in range(random.randrange(1, 12)):
        kind = random.randrange(8)
        source = (
            Generator("title") if kind == 0 else Gap() if kind == 1 and items else Media(random.choice(FILES[:4]).id)
        )
        speed = random.choice([Speed(), Speed(), Speed(2), Speed(1, 2), Speed(-1), Speed(0)]) if kind > 1 else Speed()
        into = random.randrange(90_000, 95_000) if kind > 1 else 0
        item = Item(f"i{number}", source, random.randrange(30, 90), f"shot {number}" if kind != 1 else "", into, speed)
        solid = items and not isinstance(items[-1].source, Gap) and not isinstance(source, Gap)
        if solid and random.random() < 0.3:
            length = random.choice([8, 12, 13])
            kind_of = random.choice(["dissolve", "dissolve", "wipe:007"])
            transitions.append(Transition(items[-1].id, item.id, length // 2, length - length // 2, kind_of))
        items.append(item)
    placed = tuple(map(Placed, items))
    sound = tuple(
        Placed(Item(f"s{p.item.id}", p.item.source, p.item.duration, p.item.name, p.item.source_in), None)
        for p in placed
        if isinstance(p.item.source, Media)
    )
    tracks = (
        TrackContent(Track("v", "video", "V1", "magnetic"), placed),
        TrackContent(Track("a", "audio", "A1", "magnetic"), sound),
    )
    marks = tuple(Marker(f"m{n}", n * 7, name=f"note {n}") for n in range(random.randrange(3)))
    drop = bool(rate.drop_per_minute) and random.random() < 0.5
    start = 107892 * (rate.nominal // 30) if drop else 3600 * rate.nominal
    return Content("Reel 1", rate, drop, start, tracks=tracks, transitions=tuple(transitions), markers=marks)


@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_an_unchanged_list_without_our_remarks_is_no_edit_either(seed: int) -> None:
    base = restore("0" * 32, 1, usual(Random(seed)))
    assert edits(base, back(base, without_ours(written(content_of(base)).data))) == []


def test_an_editors_trim_comes_back_as_a_trim() -> None:
    items = [Item(id_, Media("pool-7"), 48, f"shot {id_}", 1000 + 100 * n) for n, id_ in enumerate("abc")]
    track = TrackContent(Track("v", "video", "V1", "magnetic"), tuple(map(Placed, items)))
    base = restore("0" * 32, 1, Content("cut", Rate(24), start_frame=86400, tracks=(track,)))
    text = written(content_of(base)).data.decode()
    shorter = r"\g<1>00:00:47:10 01:00:02:00 01:00:03:14"
    text = re.sub(r"(002  .* )00:00:47:20 01:00:02:00 01:00:04:00", shorter, text)
    text = re.sub(r"(003  .* )01:00:04:00 01:00:06:00", r"\g<1>01:00:03:14 01:00:05:14", text)
    for data in (text.encode(), without_ours(text.encode())):
        assert edits(base, back(base, data)) == [("trimmed", "shot b", "10 frames shorter at the tail")]


def test_a_list_of_the_second_track_alone_changes_only_that_track() -> None:
    one = Item("a", Media("pool-7"), 48, "below", 1000)
    two = Item("b", Media(FILES[0].id), 24, "above", 2000)
    tracks = (
        TrackContent(Track("v1", "video", "V1", "magnetic"), (Placed(one),)),
        TrackContent(Track("v2", "video", "V2"), (Placed(two, 10),)),
    )
    base = restore("0" * 32, 1, Content("cut", Rate(24), tracks=tracks))
    made = written(content_of(base))
    assert edits(base, back(base, made.data)) == []
    assert edits(base, back(base, made.more[0][1])) == []
    moved = made.more[0][1].replace(b"00:00:00:10 00:00:01:10", b"00:00:00:15 00:00:01:15")
    assert edits(base, back(base, moved)) == [("moved", "above", "5 frames later")]
