"""A returned cut as an edit of the one that went out: matched, adopted, lifted, proved."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Generator, Item, Media, Nested, Shot, Source
from genlock.timeline.ops import ItemInserted, ItemSet
from genlock.timeline.profiles import ALL, OTIO, PROFILES, Feature, Profile
from genlock.timeline.projection import project
from genlock.timeline.rate import Rate
from genlock.timeline.reconcile import Reconciled, reconcile
from genlock.timeline.sequence import Sequence
from tests.timeline.cuts import cut, picture
from tests.timeline.full_cuts import full_cut


def profile(*missing: Feature) -> Profile:
    """A file of another program: nothing of ours survives but what is named."""
    gone = {"track.placement", "item.shot", "item.effects", "item.foreign", "item.link", *missing}
    return Profile("nle", "NLE", (".x",), ALL - gone)


def base_path(source: Source) -> str:
    match source:
        case Media(media=id_):
            return f"/rushes/{id_}.mov"
        case Shot(shot=shot):
            return f"/takes/{shot}_v001.mov"
        case _:
            return ""


def path(source: Source) -> str:
    """The file's media are named by their paths (or, where the file was written by us, as the base has them)."""
    if isinstance(source, Media):
        return source.media if source.media.startswith(("/", "missing")) else base_path(source)
    return base_path(source)


def as_read(content: Content) -> Content:
    """What a stranger's reader makes of a file: ids of its own, media by path, titles as offline media."""
    names = {p.item.id: f"r{n}" for n, p in enumerate(p for part in content.tracks for p in part.items)}

    def source(old: Source) -> Source:
        match old:
            case Generator() | Nested():
                return Media("missing:" + getattr(old, "generator", "nested"))
            case _:
                return replace(Media(base_path(old)), rate=getattr(old, "rate", None))

    return replace(
        content,
        tracks=tuple(
            TrackContent(
                replace(part.track, id=f"t{n}"),
                tuple(
                    Placed(replace(p.item, id=names[p.item.id], source=source(p.item.source)), p.start)
                    for p in part.items
                ),
            )
            for n, part in enumerate(content.tracks)
        ),
        transitions=tuple(
            replace(t, left=names.get(t.left or ""), right=names.get(t.right or "")) for t in content.transitions
        ),
        markers=tuple(replace(m, id=f"k{n}", item=names.get(m.item or "")) for n, m in enumerate(content.markers)),
    )


def returned(base: Sequence, content: Content, of: Profile, told: frozenset[str] = frozenset()) -> Reconciled:
    def there(source: Source) -> str:
        return "" if path(source).startswith("missing") else path(source)

    return reconcile(base, content, of, base_path=base_path, path=there, told=told)


def ids(content: Content) -> frozenset[str]:
    return frozenset(
        [part.track.id for part in content.tracks]
        + [p.item.id for part in content.tracks for p in part.items]
        + [m.id for m in content.markers]
    )


def reel() -> Sequence:
    state = cut("V1= A:10 _:5 B:20/7 C:9/40 D:30", "V2~ S:30@10", "A1~ M:40@0")
    content = content_of(state)
    parts = [
        TrackContent(part.track, tuple(Placed(_full(p.item), p.start) for p in part.items)) for part in content.tracks
    ]
    return restore("s0", 4, replace(content, tracks=tuple(parts)))


FULL: dict[str, dict[str, Any]] = {
    "B": {"source": Shot("sB", "t7", 0, 900), "effects": ({"blur": 1},)},
    "C": {"foreign": {"Tool": 1}},
    "S": {"source": Generator("title")},
}


def _full(item: Item) -> Item:
    return replace(item, **FULL.get(item.id, {}))


def test_an_unchanged_file_without_one_id_is_the_base() -> None:
    base, of = reel(), profile("item.generator")
    file = as_read(project(content_of(base), of))
    made = returned(base, file, of)
    assert made.theirs == content_of(base)
    assert made.disagreements == ()
    assert diff(base, restore("s0", 4, made.theirs)) == ()
    assert set(made.matching.items.values()) == {"A", "B", "C", "D", "S", "M"}


def test_one_trim_is_one_op() -> None:
    base, of = reel(), profile("item.generator")
    file = project(content_of(base), of)
    row = list(file.tracks[0].items)
    row[1] = replace(row[1], item=replace(row[1].item, duration=18, source_in=9))
    row[2:] = [replace(p, start=(p.start or 0) - 2) for p in row[2:]]
    file = as_read(replace(file, tracks=(TrackContent(file.tracks[0].track, tuple(row)), *file.tracks[1:])))
    made = returned(base, file, of)
    assert made.disagreements == ()
    (op,) = diff(base, restore("s0", 4, made.theirs))
    assert isinstance(op, ItemSet)
    assert (op.item, op.after.source_in, op.after.duration) == ("B", 9, 18)


def test_a_razor_cut_leaves_two_pieces_of_the_shot() -> None:
    base, of = reel(), profile("item.generator")
    file = project(content_of(base), of)
    one = file.tracks[0].items[1]
    half = Placed(replace(one.item, id="x", duration=8, source_in=19), (one.start or 0) + 12)
    row = (file.tracks[0].items[0], replace(one, item=replace(one.item, duration=12)), half, *file.tracks[0].items[2:])
    file = as_read(replace(file, tracks=(TrackContent(file.tracks[0].track, row), *file.tracks[1:])))
    made = returned(base, file, of)
    assert made.disagreements == ()
    assert picture(restore("s0", 4, made.theirs))[0] == "V1= A:10 _:5 B:12/7 B:8/19 C:9/40 D:30"
    ops = diff(base, restore("s0", 4, made.theirs))
    assert sorted(type(op).__name__ for op in ops) == ["ItemInserted", "ItemSet"]
    new = next(op.item for op in ops if isinstance(op, ItemInserted))
    assert (new.source, new.effects) == (Shot("sB", "t7", 0, 900), ({"blur": 1},))


def test_a_relinked_folder_is_the_same_media_and_another_file_is_not() -> None:
    base, of = reel(), profile("item.generator")
    file = as_read(project(content_of(base), of))

    def elsewhere(source: Source) -> str:
        there = path(source)
        return "" if there.startswith("missing") else there.replace("/rushes", "/Volumes/SSD").replace("mA.", "new.")

    made = reconcile(base, file, of, base_path=base_path, path=elsewhere)
    (op,) = diff(base, restore("s0", 4, made.theirs))
    assert isinstance(op, ItemSet)
    assert (op.item, op.after.source) == ("A", Media("/rushes/mA.mov"))
    assert made.disagreements == ()


def test_our_own_notes_are_believed_only_where_they_came_back() -> None:
    base = reel()
    ours = project(content_of(base), OTIO)
    assert returned(base, ours, OTIO, ids(ours)).theirs == content_of(base)
    stranger = project(content_of(base), profile())  # another OpenTimelineIO program: free tracks, no ids
    assert returned(base, as_read(stranger), OTIO).theirs.tracks[0].track.placement == "magnetic"
    freed = replace(ours, tracks=stranger.tracks)
    assert returned(base, freed, OTIO, ids(freed)).theirs.tracks[0].track.placement == "free"


def test_a_nested_sequence_under_a_made_up_id_is_the_one_it_was() -> None:
    base = cut("V1= A:10 B:20")
    item = replace(base.items["B"], source=Nested("n" * 32, 0, 50))
    base = restore("s0", 1, replace(content_of(base), tracks=(
        TrackContent(base.tracks["V1"], (Placed(base.items["A"]), Placed(item))),)))  # fmt: skip
    file = project(content_of(base), profile())
    row = (file.tracks[0].items[0], Placed(replace(item, source=Nested("f" * 32)), 10))
    file = replace(file, tracks=(TrackContent(file.tracks[0].track, row),))
    assert returned(base, file, profile(), ids(file)).theirs == content_of(base)


def test_a_file_of_another_rate_is_refused() -> None:
    base = reel()
    with pytest.raises(BadInput, match="runs at 25") as info:
        returned(base, replace(content_of(base), rate=Rate(25)), OTIO)
    assert info.value.code == "bad_rate"


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_an_unchanged_file_with_its_ids_is_no_edit_in_any_format(seed: int) -> None:
    base = restore("0" * 32, 3, full_cut(Random(seed)))
    for of in PROFILES.values():
        file = project(content_of(base), of)
        made = returned(base, file, of, ids(file))
        assert made.theirs == content_of(base)
        assert made.disagreements == ()
