"""Shots from a cut, as a pure plan; and gaps."""

from __future__ import annotations

from typing import Any

import pytest

from genlock.daemon.breakdown import next_code, plan
from genlock.daemon.generating import find_hole
from genlock.errors import Refused
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Gap, Generator, Item, Media, Track, Transition
from genlock.timeline.rate import Rate, Speed

CLIP = Media("m", 86_400, 500)


def sequence(*items: Item, placement: Any = "magnetic", starts: tuple[int, ...] = (), transitions: Any = ()) -> Any:
    placed = tuple(Placed(item, starts[n] if starts else None) for n, item in enumerate(items))
    track = TrackContent(Track("v1", "video", "V1", placement), placed)
    return restore("s" * 32, 1, Content("Cut", Rate(24), tracks=(track,), transitions=transitions))


def item(id_: str, duration: int = 10, name: str = "", **more: Any) -> Item:
    return Item(id_, more.pop("source", CLIP), duration, name, **more)


def planned(state: Any, taken: set[str] | None = None, handles: int = 0) -> list[Any]:
    return list(plan(state, ["v1"], set() if taken is None else taken, handles))


@pytest.mark.parametrize(
    ("name", "code", "scene", "prompt"),
    [
        ("SH0040", "SH0040", "", ""),
        ("sc03_sh0040_wide on the pier", "SH0040", "SC03", "wide on the pier"),
        ("SC12-SH010A.mov", "SH010A", "SC12", ""),
        ("Harbour at dawn.mov", "SH0010", "", "Harbour at dawn"),
        ("A001C003_220101", "SH0010", "", ""),
        ("fresh1234", "SH0010", "", "fresh1234"),
        ("", "SH0010", "", ""),
    ],
)
def test_codes_and_prompts_come_from_names_that_hold_them(name: str, code: str, scene: str, prompt: str) -> None:
    (shot,) = planned(sequence(item("a", name=name)))
    assert (shot.code, shot.scene, shot.brief.prompt) == (code, scene, prompt)


def test_no_code_is_given_twice() -> None:
    state = sequence(item("a", name="SH0010"), item("b", name="sh0010"), item("c"), item("d", name="SH0020"))
    codes = [shot.code for shot in planned(state, taken={"sh0030"})]
    assert codes == ["SH0010", "SH0020", "SH0040", "SH0050"]
    assert next_code({"sh0010", "sh0020"}) == "SH0030"


def test_only_items_that_show_media_become_shots() -> None:
    state = sequence(item("a"), item("g", source=Gap()), item("b", source=Generator("bars")), item("c"))
    assert [shot.item.id for shot in planned(state)] == ["a", "c"]


@pytest.mark.parametrize(
    ("speed", "duration", "frames", "source_in"),
    [
        (Speed(1), 10, 10, 0),
        (Speed(2), 10, 19, 0),
        (Speed(1, 2), 10, 5, 0),
        (Speed(0), 10, 1, 0),
        (Speed(-1), 10, 10, 9),
        (Speed(-2), 5, 9, 8),
    ],
)
def test_a_shot_has_the_frames_that_the_item_shows(speed: Speed, duration: int, frames: int, source_in: int) -> None:
    (shot,) = planned(sequence(item("a", duration, speed=speed)))
    assert (shot.brief.frames, shot.source_in) == (frames, source_in)


def test_handles_are_asked_for_or_needed_by_transitions() -> None:
    state = sequence(item("a"), item("b"), transitions=(Transition("a", "b", 3, 5),))
    a, b = planned(state)
    assert (a.brief.frames, a.source_in) == (15, 0)
    assert (b.brief.frames, b.source_in) == (13, 3)
    a, b = planned(state, handles=4)
    assert (a.brief.frames, a.source_in) == (4 + 10 + 5, 4)
    assert (b.brief.frames, b.source_in) == (4 + 10 + 4, 4)


def test_seeds_are_the_same_each_time_and_differ_by_item() -> None:
    state = sequence(item("a"), item("b"))
    one, two = planned(state), planned(state)
    assert [shot.brief.seed for shot in one] == [shot.brief.seed for shot in two]
    assert one[0].brief.seed != one[1].brief.seed


def test_a_hole_is_found_between_items() -> None:
    free = sequence(item("a"), item("b"), placement="free", starts=(5, 40))
    hole = find_hole(free, "v1", 20)
    assert (hole.start, hole.end, hole.left.id, hole.right.id) == (15, 40, "a", "b")
    first = find_hole(free, "v1", 0)
    assert (first.start, first.end, first.left) == (0, 5, None)
    magnetic = sequence(item("a"), item("g", 7, source=Gap()), item("b"))
    assert find_hole(magnetic, "v1", 10)[:2] == (10, 17)


@pytest.mark.parametrize("at", [5, 14, 40, 49, 50, 500, -1])
def test_there_is_no_hole_under_an_item_or_behind_the_last(at: int) -> None:
    free = sequence(item("a"), item("b"), placement="free", starts=(5, 40))
    with pytest.raises(Refused, match="no gap"):
        find_hole(free, "v1", at)
