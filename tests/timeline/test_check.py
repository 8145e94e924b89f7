"""Every way a sequence can be wrong is found, whole and near an edit."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from immutables import Map
from msgspec.structs import replace

from genlock.timeline import check
from genlock.timeline.lane import Lane
from genlock.timeline.model import Marker, Media, Transition
from genlock.timeline.ops import (
    ItemInserted,
    ItemMoved,
    ItemPatch,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    SequencePatch,
    SequenceSet,
    Spot,
    TrackPatch,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.rate import Speed
from genlock.timeline.sequence import Sequence, apply, apply_all
from tests.timeline.cuts import cut, item

SOUND = cut(
    "V1= A:20/10[0+60] B:30/5[0+50] _:6 C:12&l D:24",
    "V2~ T:10@5 U:8@15 W:30@50",
    "A1~ S:12@56&l R:25@100",
    transitions=("A>B 3+2", ">C 0+2", "D> 2+0", "T>U 1+1"),
    markers=(Marker("m1", 12, item="A"), Marker("m3", 40)),
)


def found(state: Sequence) -> set[tuple[str, str]]:
    return {(conflict.code, conflict.id) for conflict in check.violations(state)}


def put(state: Sequence, it: Transition, key: str = "") -> Sequence:
    return replace(state, transitions=state.transitions.set(key or it.key, it))


def change(state: Sequence, id_: str, **fields: object) -> Sequence:
    """Changes an item behind the lane's back."""
    return replace(state, items=state.items.set(id_, replace(state.items[id_], **fields)))


def lane(state: Sequence, track: str, rows: list[tuple[str, int, int]]) -> Sequence:
    return replace(state, lanes=state.lanes.set(track, Lane.of(rows)))


def test_a_sound_sequence() -> None:
    assert check.violations(SOUND) == []


@pytest.mark.parametrize(
    ("broken", "code", "id_"),
    [
        (replace(SOUND, order=("V1", "V2", "V2", "A1")), "bad_timeline", "s0"),
        (replace(SOUND, order=("V1", "A1")), "bad_timeline", "V2"),
        (replace(SOUND, tracks=SOUND.tracks.delete("V2")), "bad_timeline", "V2"),
        (replace(SOUND, lanes=SOUND.lanes.delete("V2")), "bad_timeline", "V2"),
        (replace(SOUND, items=SOUND.items.delete("R")), "bad_timeline", "R"),
        (replace(SOUND, home=SOUND.home.set("R", "V2")), "bad_timeline", "R"),
        (replace(SOUND, items=SOUND.items.set("ghost", item("ghost:5"))), "bad_timeline", "ghost"),
        (lane(SOUND, "A1", [("S", 56, 12), ("R", 100, 25), ("T", 200, 10)]), "bad_timeline", "T"),
        (lane(SOUND, "A1", [("S", 56, 12), ("R", 60, 25)]), "overlap", "R"),
        (lane(SOUND, "A1", [("S", -1, 12), ("R", 100, 25)]), "before_start", "S"),
        (lane(SOUND, "A1", [("S", 56, 12), ("R", 100, 24)]), "bad_timeline", "R"),
        (
            lane(SOUND, "V1", [("A", 0, 20), ("B", 21, 30), ("gap3", 51, 6), ("C", 57, 12), ("D", 69, 24)]),
            "bad_timeline",
            "B",
        ),
        (change(SOUND, "R", duration=0), "too_short", "R"),
        (change(SOUND, "R", source=SOUND.items["gap3"].source), "wrong_placement", "R"),
        (change(SOUND, "R", source=Media("m", 0, 24)), "outside_media", "R"),
        (change(SOUND, "R", source=Media("m", 1, 99)), "outside_media", "R"),
        (change(SOUND, "R", source=Media("m", 0, 48), speed=Speed(2)), "outside_media", "R"),
        (change(SOUND, "R", source=Media("m", 0, 99), speed=Speed(-1)), "outside_media", "R"),
        (change(SOUND, "R", link="l"), "bad_timeline", "R"),
        (replace(SOUND, links=SOUND.links.set("l", frozenset({"C", "S", "R"}))), "bad_timeline", "R"),
        (replace(SOUND, links=SOUND.links.delete("l")), "bad_timeline", "C"),
        (replace(SOUND, markers=SOUND.markers.set("m9", Marker("m9", 0, item="ghost"))), "no_such_item", "m9"),
        (replace(SOUND, markers=SOUND.markers.set("m9", Marker("m8", 0))), "bad_timeline", "m9"),
        (replace(SOUND, markers=SOUND.markers.set("m9", Marker("m9", 0, -1))), "bad_value", "m9"),
        (replace(SOUND, markers=SOUND.markers.delete("m1")), "bad_timeline", "m1"),
        (replace(SOUND, marks=Map()), "bad_timeline", "m1"),
        (put(SOUND, Transition("A", "B", 3, 2), "A>C"), "bad_timeline", "A>C"),
        (put(SOUND, Transition(None, None, 3, 2)), "bad_value", ">"),
        (put(SOUND, Transition("A", "B", 0, 0)), "bad_value", "A>B"),
        (put(SOUND, Transition("A", "B", -1, 2)), "bad_value", "A>B"),
        (put(SOUND, Transition("C", "ghost", 1, 1)), "no_such_item", "C>ghost"),
        (put(SOUND, Transition("A", "C", 1, 1)), "not_adjacent", "A>C"),
        (put(SOUND, Transition("U", "W", 1, 1)), "not_adjacent", "U>W"),
        (put(SOUND, Transition("D", "S", 1, 1)), "not_adjacent", "D>S"),
        (put(SOUND, Transition("B", "gap3", 1, 1)), "not_adjacent", "B>gap3"),
        (put(SOUND, Transition(None, "B", 0, 1)), "not_adjacent", ">B"),
        (put(SOUND, Transition("T", None, 1, 0)), "not_adjacent", "T>"),
        (put(SOUND, Transition("A", "B", 6, 0)), "not_enough_handle", "A>B"),
        (put(SOUND, Transition("A", "B", 0, 31)), "not_enough_handle", "A>B"),
        (put(SOUND, Transition("T", "U", 11, 1)), "too_short", "T"),
        (put(SOUND, Transition("C", "D", 11, 1)), "too_short", "C"),
    ],
)
def test_finds(broken: Sequence, code: str, id_: str) -> None:
    assert (code, id_) in found(broken)
    assert all(conflict.message for conflict in check.violations(broken))


def test_fades_lie_at_open_edges() -> None:
    """Beside a gap, at either end of a track, and beside room."""
    state = SOUND
    for it in (Transition("B", None, 4, 0), Transition(None, "W", 0, 9), Transition(None, "A", 0, 5)):
        state = put(state, it)
    assert check.violations(state) == []


def test_handles_count_in_the_direction_of_play() -> None:
    rate = SOUND.rate
    assert check.source_handles(item("A:20/10[0+60]"), rate) == (10, 30)
    assert check.source_handles(item("A:20/29*-1[0+60]"), rate) == (30, 10)
    assert check.source_handles(item("A:20/10*2[0+60]"), rate) == (10, 11)
    assert check.source_handles(item("A:20/10*0[0+60]"), rate) == (10, 49)
    assert check.source_handles(item("A:20/10"), rate) is None


def test_an_old_fault_does_not_stop_edits_near_it() -> None:
    broken = replace(SOUND, items=SOUND.items.set("R", replace(SOUND.items["R"], source=Media("m", 0, 5))))
    trim = ItemSet("R", ItemPatch(duration=25), ItemPatch(duration=24))
    after = apply(broken, trim)
    assert [c.code for c in check.violations_after(broken, [trim])] == ["outside_media"]
    assert check.new_violations(broken, [trim], after) == []
    worse = ItemSet("R", ItemPatch(duration=25), ItemPatch(duration=0))
    assert [c.code for c in check.new_violations(broken, [worse], apply(broken, worse))] == ["too_short"]


def wild(random: Random, state: Sequence, number: int) -> Op:
    """Returns an op that fits the state and often breaks it."""
    id_ = random.choice(sorted(state.items))
    old, track = state.items[id_], random.choice(state.order)
    lane_ = state.lanes[track]
    after = random.choice([None, *[other for other in lane_.ids() if other != id_]])
    start = random.randint(-3, 130)
    magnetic = state.tracks[track].placement == "magnetic"
    spot = Spot(track, after) if magnetic else Spot(track, start=start)
    match random.choice(["insert", "remove", "move", "set", "shift", "marker", "transition", "track"]):
        case "insert":
            new = replace(old, id=f"n{number}", link=random.choice([None, "l", "k"]))
            return ItemInserted(track, new, spot.after, spot.start)
        case "remove":
            return ItemRemoved(state.home[id_], old)
        case "move":
            return ItemMoved(id_, Spot(state.home[id_]), spot)
        case "set":
            fields = (
                random.choice(
                    [
                        {"duration": random.randint(0, 60)},
                        {"source_in": random.randint(-5, 60)},
                        {"source": random.choice([Media("m", 0, 20), state.items["gap3"].source])},
                        {"link": random.choice([None, "l"])},
                        {"speed": Speed(random.randint(-2, 2))},
                    ]
                )
                if "gap3" in state.items
                else {"duration": 3}
            )
            return ItemSet(id_, ItemPatch(**{name: getattr(old, name) for name in fields}), ItemPatch(**fields))
        case "shift" if not magnetic and len(lane_):
            return ItemsShifted(track, random.choice(list(lane_.ids())), random.randint(-30, 30))
        case "marker":
            name = random.choice(["m1", "m3", f"m{number}"])
            made = Marker(name, 3, random.randint(-1, 1), random.choice([None, id_, "ghost"]))
            old_marker = state.markers.get(name)
            return MarkerSet(name, old_marker, None if old_marker and random.random() < 0.5 else made)
        case "track" if random.random() < 0.3:
            if random.random() < 0.5:
                placement = random.choice(["magnetic", "free"])
                return TrackSet(track, TrackPatch(), TrackPatch(placement=placement))
            return TrackRemoved(state.tracks[track])
        case _:
            pairs = [*pairwise(lane_.ids()), (None, id_), (id_, None), (id_, "ghost")]
            it = Transition(*random.choice(pairs), random.randint(0, 9), random.randint(0, 9))
            known = random.choice([it.key, *sorted(state.transitions)])
            value = it if known == it.key else None
            return TransitionSet(known, state.transitions.get(known), value)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_near_agrees_with_whole(seed: int) -> None:
    """From a sound state the local check finds what the whole one finds, no more and no less."""
    random, state, ops = Random(seed), SOUND, []
    for number in range(random.randint(1, 4)):
        op = wild(random, state, number)
        if isinstance(op, TrackSet | TrackRemoved):  # the lanes of a track that changes its nature may not be read on
            ops.append(op)
            state = apply(state, op)
            break
        ops.append(op)
        state = apply(state, op)
        if not state.items:
            break
    near = check.violations_after(SOUND, ops)
    assert set(near) == set(check.violations(state)), ops
    assert near == check.violations_after(SOUND, ops, apply_all(SOUND, ops))


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("length", ItemSet("W", ItemPatch(duration=30), ItemPatch(duration=check.FURTHEST))),
        ("ripple", ItemsShifted("V2", "T", check.FURTHEST)),
        ("source", ItemSet("D", ItemPatch(source_in=0), ItemPatch(source_in=-check.FURTHEST_SOURCE - 1))),
        ("marker", MarkerSet("far", None, Marker("far", check.FURTHEST_SOURCE + 1))),
        ("start", SequenceSet(SequencePatch(start_frame=0), SequencePatch(start_frame=2**63 - 1))),
    ],
)
def test_nothing_lies_further_away_than_a_film_can(name: str, op: Op) -> None:
    after = apply(SOUND, op)
    found = {conflict.code for conflict in check.violations(after)}
    assert "bad_value" in found, name
    assert {conflict.code for conflict in check.violations_after(SOUND, [op])} == found
