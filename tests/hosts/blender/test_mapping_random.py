"""The mapping on movies and pictures by chance: nothing raises, nothing is lost, nothing moves that need not."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock_blender.mapping import Wanted, level, to_cut, to_strips
from genlock_blender.mapping.crossings import TYPES
from genlock_blender.states import Strip
from genlock_client import diff
from genlock_client.cut import Cut
from tests.hosts.blender.movies import Making, model_of, movie, picture

EXAMPLES = 120
chances = st.integers(0, 2**32).map(Random)


def mapped(cut: Cut, wanted: Wanted) -> Cut:
    """The part of the cut that a scene shows: without what is held, and transitions that no effect strip stands for."""
    held = wanted.held
    lost = {id_ for id_, value in cut.items.items() if id_ in held or value["track"] in held}
    lost |= {id_ for inner in cut.nested.values() for id_ in inner.items if id_ in held}
    shown = {strip.key for strip in wanted.picture.strips}
    forced = {strip.key: _place(strip, wanted) for strip in wanted.picture.strips if strip.inputs}
    metas = {strip.key for strip in wanted.picture.strips if strip.type == "META"}
    nested: dict[str, Cut] = {}
    for each in (cut, *cut.nested.values()):
        for id_, value in each.items.items():
            if id_ in metas:
                inner = value["source"]["sequence"]
                nested[inner] = _part(cut.nested[inner], lost, shown, forced)
    return _part(cut, lost, shown, forced)._replace(nested=nested)


def _part(cut: Cut, lost: set[str], shown: set[str], forced: dict[str, Any]) -> Cut:
    items = {id_: {**value, **forced.get(id_, {})} for id_, value in cut.items.items() if id_ not in lost}
    transitions = {key: value for key, value in cut.transitions.items() if key in shown}
    return Cut(cut.settings, cut.tracks, items, transitions, cut.markers, {})


def _place(strip: Strip, wanted: Wanted) -> dict[str, int]:
    """Where an effect lies: Blender gives it the frames of its inputs, whatever the model says."""
    zero = wanted.book.origin
    if strip.parent:
        meta = next(each for each in wanted.picture.strips if each.key == strip.parent)
        zero = int(meta.content_start) - meta.note.get("first", 0)
    return {"start": strip.left - zero, "duration": strip.right - strip.left}


def overlaps(strips: tuple[Strip, ...]) -> list[tuple[str, str]]:
    found = []
    last: dict[tuple[str, int], Strip] = {}
    for strip in sorted(strips, key=lambda each: each.left):
        before = last.get((strip.parent, strip.channel))
        if before is not None and before.right > strip.left:
            found.append((before.key, strip.key))
        last[strip.parent, strip.channel] = strip
    return found


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances)
def test_a_cut_comes_back_from_the_strips_that_show_it(chance: Random) -> None:
    cut, book = movie(chance)
    wanted = to_strips(cut, book)
    back = to_cut(wanted.picture, wanted.book)
    assert back.held == {}
    found = diff.changes(mapped(cut, wanted), back.cut)
    assert found is None, found


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances)
def test_strips_lie_as_blender_can_have_them(chance: Random) -> None:
    cut, book = movie(chance)
    wanted = to_strips(cut, book)
    strips = wanted.picture.strips
    assert overlaps(strips) == []
    assert len({strip.name for strip in strips}) == len(strips)
    assert all(len(strip.name.encode()) <= 61 for strip in strips)
    by_key = {strip.key: strip for strip in strips}
    seen: set[str] = set()
    for strip in strips:
        assert 1 <= strip.channel <= 128
        assert strip.parent == "" or strip.parent in seen
        assert all(key in seen for key in strip.inputs), "an effect before its input"
        seen.add(strip.key)
        if strip.type in TYPES.values() and len(strip.inputs) == 2:
            assert all(by_key[key].channel < strip.channel for key in strip.inputs)
            left, right = (by_key[key] for key in strip.inputs)
            assert (strip.left, strip.right) == (right.left, left.right)
    for each in (cut, *cut.nested.values()):
        homes = [wanted.book.homes[track] for track in each.tracks if track in wanted.book.homes]
        assert homes == sorted(set(homes)), "tracks keep their order"


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances)
def test_the_topmost_strip_is_that_of_the_topmost_track(chance: Random) -> None:
    cut, book = movie(chance)
    wanted = to_strips(cut, book)
    check_stack(cut, wanted, book.origin)


def check_stack(cut: Cut, wanted: Wanted, origin: int) -> None:
    """At every frame the highest picture strip belongs to the highest track that shows something."""
    order = {track: at for at, track in enumerate(cut.tracks)}
    strips = [strip for strip in wanted.picture.strips if not strip.parent and strip.type != "SOUND"]
    track_of = {id_: value["track"] for id_, value in cut.items.items()}
    track_of.update(
        (key, cut.items[value["right"]]["track"]) for key, value in cut.transitions.items() if value["right"]
    )
    inputs = {key for strip in strips for key in strip.inputs}
    shown = [
        strip for strip in strips if strip.key in track_of and not (strip.inputs and strip.key not in cut.transitions)
    ]
    end = max((strip.right for strip in shown), default=0)
    for frame in range(origin, end):
        here = [strip for strip in shown if strip.left <= frame < strip.right]
        if not here:
            continue
        top = max(here, key=lambda strip: strip.channel)
        assert order[track_of[top.key]] == max(order[track_of[strip.key]] for strip in here), (frame, top, inputs)


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances)
def test_what_is_shown_already_stays(chance: Random) -> None:
    cut, book = movie(chance)
    wanted = to_strips(cut, book)
    again = to_strips(cut, wanted.book, wanted.picture)
    assert again.book.homes == wanted.book.homes
    before = {strip.key: strip for strip in wanted.picture.strips}
    assert {strip.key: strip for strip in again.picture.strips} == before
    assert again.picture == wanted.picture
    assert again.held == wanted.held


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances)
def test_a_move_of_one_item_moves_one_strip(chance: Random) -> None:
    cut, book = movie(chance)
    wanted = to_strips(cut, book)
    joined = {id_ for value in cut.transitions.values() for id_ in (value["left"], value["right"])}
    under = {key for strip in wanted.picture.strips for key in strip.inputs}
    free = [id_ for id_ in cut.items if id_ not in joined | under and id_ not in wanted.held]
    free = [id_ for id_ in free if not (cut.items[id_]["source"].get("parameters") or {}).get("inputs")]
    if not free:
        return
    id_ = chance.choice(free)
    end = max(value["start"] + value["duration"] for value in cut.items.values())
    moved = cut._replace(items={**cut.items, id_: {**cut.items[id_], "start": end + 100}})
    after = to_strips(moved, wanted.book, wanted.picture)
    before = {strip.key: strip for strip in wanted.picture.strips}
    assert after.book.homes == wanted.book.homes
    for strip in after.picture.strips:
        if strip.key == id_:
            shift = moved.items[id_]["start"] - cut.items[id_]["start"]
            old = before[id_]
            assert (strip.left, strip.right) == (old.left + shift, old.right + shift)
            assert strip.content_start == old.content_start + shift
        elif not _inside(strip, id_, before):
            assert strip is before[strip.key]


def _inside(strip: Strip, key: str, strips: dict[str, Strip]) -> bool:
    while strip.parent:
        if strip.parent == key:
            return True
        strip = strips[strip.parent]
    return False


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances, st.booleans())
def test_any_picture_maps_without_an_overlap(chance: Random, wild: bool) -> None:
    cut, book = movie(chance, most=3)
    found = to_cut(picture(chance, wild=wild, known=tuple(cut.items)), book, fresh=_ids())
    for each in (found.cut, *found.cut.nested.values()):
        ends: dict[str, int] = {}
        for value in sorted(each.items.values(), key=lambda value: value["start"]):
            assert value["start"] >= ends.get(value["track"], 0)
            assert value["duration"] >= 1
            assert value["track"] in each.tracks
            ends[value["track"]] = value["start"] + value["duration"]
        for key, value in each.transitions.items():
            left, right = each.items[value["left"]], each.items[value["right"]]
            assert key == f"{value['left']}>{value['right']}"
            assert left["track"] == right["track"]
            assert left["start"] + left["duration"] == right["start"]
            assert value["in_offset"] >= 0 <= value["out_offset"]
            assert value["in_offset"] + value["out_offset"] > 0


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances, st.booleans())
def test_a_picture_is_told_alike_each_time_and_shown_as_it_is(chance: Random, wild: bool) -> None:
    cut, book = movie(chance, most=3)
    seen = picture(chance, wild=wild)
    first = to_cut(seen, book)
    second = to_cut(seen, first.book)
    assert diff.changes(*level(first, second)) is None
    shown = to_strips(first.cut, first.book, seen)
    before = {strip.key: strip for strip in seen.strips}
    if wild:
        return
    assert overlaps(shown.picture.strips) == [] or overlaps(seen.strips) != []
    for strip in shown.picture.strips:
        assert strip == before[strip.key]
    del cut


@settings(max_examples=EXAMPLES, deadline=None)
@given(chances, chances)
def test_another_cut_is_shown_over_the_first(chance: Random, other: Random) -> None:
    making = Making(chance)
    model = model_of(making.sequences)
    from genlock_blender.mapping import book_of
    from genlock_client import cut as cuts

    cut = cuts.of(model.sequences["q"], model.sequences)
    book = book_of(model, "q", {}, ["Other"])
    wanted = to_strips(cut, book)
    shuffled = shuffle(cut, other)
    after = to_strips(shuffled, wanted.book, wanted.picture)
    assert overlaps(after.picture.strips) == []
    check_stack(shuffled, after, book.origin)
    back = to_cut(after.picture, after.book)
    expected = mapped(shuffled, after)
    found = diff.changes(expected, back.cut._replace(tracks=expected.tracks))
    assert found is None, found
    assert sorted(back.cut.tracks) == sorted(expected.tracks)


def shuffle(cut: Cut, chance: Random) -> Cut:
    """Tracks in another order, some items and transitions gone, some clips shifted together with all behind them."""
    tracks = list(cut.tracks)
    chance.shuffle(tracks)
    gone = {id_ for id_ in cut.items if chance.random() < 0.2}
    items = {id_: value for id_, value in cut.items.items() if id_ not in gone}
    shift = {track: chance.choice((0, 0, 7)) for track in tracks}
    items = {id_: {**value, "start": value["start"] + shift[value["track"]]} for id_, value in items.items()}
    transitions = {
        key: value
        for key, value in cut.transitions.items()
        if value["left"] in items and value["right"] in items and chance.random() < 0.8
    }
    return cut._replace(tracks={track: cut.tracks[track] for track in tracks}, items=items, transitions=transitions)


def _ids() -> object:
    numbers = iter(range(10_000))
    return lambda: f"new{next(numbers)}"
