"""Files of which only the name is known, as they come back from programs that make file names of them."""

from __future__ import annotations

import pytest

from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.match import PathOf, match, name_of, named
from genlock.timeline.match.files import same_files
from genlock.timeline.model import Generator, Item, Media, Source, Track
from genlock.timeline.profiles import OTIO, RESOLVE
from genlock.timeline.projection.registers import Registers
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.reconcile import reconcile

RATE = Rate(24)


def cut(*items: Item) -> Content:
    starts = [sum(before.duration for before in items[:n]) for n in range(len(items))]
    placed = tuple(Placed(item, start) for item, start in zip(items, starts, strict=True))
    return Content("Cut", RATE, tracks=(TrackContent(Track("v1"), placed),))


def at(**paths: str) -> PathOf:
    return lambda source: paths.get(source.media, "") if isinstance(source, Media) else ""


def test_a_name_is_no_path() -> None:
    assert (name_of(named("24000/1001 fps")), name_of("/24000/1001 fps"), name_of("")) == ("24000/1001 fps", None, None)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (named("24000/1001 fps"), named("24000_1001 fps")),
        ("/rushes/A001.mov", named("A001.mov")),
        ("/plates/sh010.%04d.exr", "/plates/sh010.%05d.exr"),
    ],
)
def test_names_and_numbers_are_found_again(ours: str, theirs: str) -> None:
    assert same_files([ours, "/rushes/else.mov"], [theirs]) == {theirs: ours}


def test_names_that_look_alike_stay_what_they_are() -> None:
    both = [named("a/b"), named("a_b")]
    assert same_files(both, both) == {one: one for one in both}


@pytest.mark.parametrize("name", ["24000_1001 fps", "The clip"])
def test_offline_media_come_back_under_their_own_name_or_their_clips(name: str) -> None:
    item = Item("i1", Media("m1"), 24, "The clip")
    made = reconcile(
        restore("0" * 32, 1, cut(item)),
        cut(Item("x", Media("f1"), 24, name)),
        RESOLVE,
        base_path=at(m1=named("24000/1001 fps")),
        path=at(f1=named(name)),
    )
    assert made.theirs.tracks[0].items[0].item == item


@pytest.mark.parametrize(("path", "same"), [(named("Basic Title"), True), ("/rushes/A001.mov", False)])
def test_a_placeholder_stands_for_a_title_and_a_file_does_not(path: str, same: bool) -> None:
    title = Item("i1", Generator("title", {"text": "Hello"}), 24, "Basic Title", 86400)
    made = reconcile(
        restore("0" * 32, 1, cut(title)),
        cut(Item("x", Media("f1"), 24, "Basic Title", 86400)),
        RESOLVE,
        base_path=at(),
        path=at(f1=path),
    )
    source: Source = made.theirs.tracks[0].items[0].item.source
    assert (source == title.source) is same


def test_placeholders_are_told_apart_by_their_place() -> None:
    titles = [Item(f"i{n}", Generator("title", {"text": str(n)}), 24, "Title", 86400) for n in range(3)]
    base = restore("0" * 32, 1, cut(*[Item(i.id, Generator("placeholder"), 24) for i in titles]))
    back = restore("0" * 32, 1, cut(*[Item(f"x{n}", Media("f1"), 24, "Title", 86400) for n in range(3)]))
    found = match(base, back, base_path=at(), path=at(f1=named("Title")))
    assert found.items == {"x0": "i0", "x1": "i1", "x2": "i2"}


@pytest.mark.parametrize(
    ("other", "close"),
    [
        (Speed(1806620, 1000000), True),
        (Speed(18066204, 10**7), True),
        (Speed(18067, 10**4), False),
        (Speed(-9, 5), False),
    ],
)
def test_speeds_are_one_as_far_as_decimals_tell(other: Speed, close: bool) -> None:
    assert Registers(OTIO, RATE, lambda _one, _two: True).close(Speed(90331, 50000), other) is close
