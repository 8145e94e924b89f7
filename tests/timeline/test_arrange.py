"""A version and what a host changed in it make what the host shows, or a refusal that names what cannot be."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.errors import CODES
from genlock.timeline.arrange import arrange
from genlock.timeline.check import violations
from genlock.timeline.decision import Refusal
from genlock.timeline.diff import diff
from genlock.timeline.events import content_of
from genlock.timeline.laid import Arrangement, Laid, LaidMarker, LaidSettings, LaidTrack, LaidTransition
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Transition
from genlock.timeline.rate import Speed
from genlock.timeline.sequence import Sequence, apply_all
from tests.timeline.arrangements import difference, seen
from tests.timeline.cuts import cut
from tests.timeline.op_programs import EMPTY, sequence_after
from tests.timeline.two_editors import without_gap_ids

BARS = Generator("bars")


def shown(state: Sequence) -> object:
    """What a host can see of a cut: room is room, none of it behind the last item, and tracks have an order by kind."""
    own, tracks, transitions, _ = without_gap_ids(state)  # type: ignore[misc]
    rows = [
        (track, row, [span for span in spans if row and span[0] < row[-1][0]] if track.placement == "magnetic" else [])
        for track, row, spans in tracks
    ]
    return own, sorted(rows, key=lambda entry: entry[0].kind), transitions, seen(state)


def laid(base: Sequence, seed: str = "s", **parts: Any) -> Sequence:
    made = arrange(base, Arrangement(**parts), seed)
    assert not isinstance(made, Refusal), made
    assert violations(made) == []
    return made


def refused(base: Sequence, **parts: Any) -> tuple[str, set[tuple[str, str]]]:
    answer = arrange(base, Arrangement(**parts), "s")
    assert isinstance(answer, Refusal), answer
    assert answer.message
    return answer.code, {(conflict.code, conflict.id) for conflict in answer.conflicts}


def starts(state: Sequence, track: str) -> dict[str, int]:
    return {slot.id: slot.start for slot, item in state.placed(track) if not isinstance(item.source, Gap)}


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_a_version_and_the_difference_to_another_make_that_other(seed: int) -> None:
    random = Random(seed)
    base = sequence_after(random, random.randrange(2, 20), prefix="b")
    after = sequence_after(random, random.randrange(8), base, prefix="t")
    made = arrange(base, difference(base, after), "s")
    assert not isinstance(made, Refusal), made
    assert violations(made) == []
    assert shown(made) == shown(after)


@given(st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_an_empty_sequence_becomes_any_other_and_back(seed: int) -> None:
    after = sequence_after(Random(seed), 12)
    nothing = replace(EMPTY, order=(), tracks=type(EMPTY.tracks)(), lanes=type(EMPTY.lanes)())
    there = arrange(nothing, difference(nothing, after), "s")
    assert not isinstance(there, Refusal), there
    assert shown(there) == shown(after)
    back = arrange(there, difference(there, nothing), "s")
    assert not isinstance(back, Refusal), back
    assert content_of(back) == content_of(replace(nothing, foreign=after.foreign))


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_what_is_as_it_was_changes_nothing(seed: int) -> None:
    base = sequence_after(Random(seed), 12)
    told = {
        id_: Laid(**{name: getattr(item, name) for name in ("duration", "source", "name", "speed", "link")})
        for id_, item in base.items.items()
        if not isinstance(item.source, Gap)
    }
    made = laid(base, items=told)
    assert made == base
    assert all(made.lanes[track] is base.lanes[track] for track in base.order)


# -- where items lie


def test_on_a_magnetic_track_a_hole_is_held_by_a_gap_that_keeps_its_id() -> None:
    base = cut("V1= A:10 B:10 _:5 C:10")
    (gap,) = [slot.id for slot, item in base.placed("V1") if isinstance(item.source, Gap)]
    made = laid(base, items={"B": Laid(duration=4)})
    assert starts(made, "V1") == {"A": 0, "B": 10, "C": 25}
    assert made.slot(gap) == (gap, 14, 11)
    moved = laid(base, items={"C": Laid(start=40), "B": Laid(start=12)})
    assert starts(moved, "V1") == {"A": 0, "B": 12, "C": 40}
    assert moved.slot(gap) == (gap, 22, 18)
    (new,) = [slot for slot, _ in moved.placed("V1") if slot.start == 10]
    assert new.duration == 2
    assert laid(base, items={"C": Laid(start=40), "B": Laid(start=12)}) == moved
    other = laid(base, "t", items={"C": Laid(start=40), "B": Laid(start=12)})
    assert set(other.items) - set(moved.items) == set(other.items) - set(base.items) != set()
    closed = laid(base, items={"B": None, "C": Laid(start=10)})
    assert (starts(closed, "V1"), gap in closed.items) == ({"A": 0, "C": 10}, False)


def test_nothing_but_what_is_told_moves() -> None:
    base = cut("V1= A:10 B:10 C:10", "V2~ S:10@0 T:10@50")
    made = laid(base, items={"A": None, "S": Laid(start=20)})
    assert starts(made, "V1") == {"B": 10, "C": 20}
    assert starts(made, "V2") == {"S": 20, "T": 50}
    swapped = laid(base, items={"A": Laid(start=20), "C": Laid(start=0)})
    assert starts(swapped, "V1") == {"C": 0, "B": 10, "A": 20}
    across = laid(base, items={"A": Laid(track="V2", start=10), "T": Laid(track="V1", start=0)})
    assert (starts(across, "V1"), starts(across, "V2")) == ({"T": 0, "B": 10, "C": 20}, {"S": 0, "A": 10})


def test_room_behind_the_last_item_stays_while_that_item_does() -> None:
    base = cut("V1= A:10 B:10 _:5")
    assert laid(base, items={"A": Laid(duration=6)}).lanes["V1"].end == 25
    assert laid(base, items={"B": Laid(duration=6)}).lanes["V1"].end == 16
    assert laid(base, items={"A": None, "B": None}).lanes["V1"].end == 0


def test_a_track_changes_its_placement_with_what_lies_on_it() -> None:
    base = cut("V1= A:10 _:5 B:10", "V2~ S:10@5")
    made = laid(base, tracks={"V1": LaidTrack(placement="free"), "V2": LaidTrack(placement="magnetic")})
    assert [(slot.id, slot.start) for slot in made.lanes["V1"]] == [("A", 0), ("B", 15)]
    assert [(slot.start, slot.duration) for slot in made.lanes["V2"]] == [(0, 5), (5, 10)]


def test_tracks_come_go_and_change_places() -> None:
    base = cut("V1= A:10", "V2~ S:10@5", "A1~ M:5@0")
    made = laid(
        base,
        tracks={
            "top": LaidTrack(kind="video", name="Top"),
            "low": LaidTrack(kind="audio", after=None),
            "over": LaidTrack(kind="video", after="low-v"),
            "low-v": LaidTrack(kind="video", after=None),
            "V2": None,
        },
        items={"S": Laid(track="over"), "M": Laid(track="low")},
    )
    assert made.order == ("low-v", "over", "V1", "top", "low", "A1")
    assert starts(made, "over") == {"S": 5}
    assert laid(base, tracks={"V1": LaidTrack(after="V2")}).order == ("V2", "V1", "A1")
    assert laid(base, tracks={"V2": LaidTrack(after=None)}).order == ("V2", "V1", "A1")


# -- what hangs on items


def test_a_transition_that_is_not_told_is_shortened_or_goes() -> None:
    base = cut("V1= A:20/5[0+40] B:20/5[0+40] C:20/5[0+40]", transitions=("A>B 4+4", "B>C 4+4"))
    assert dict(laid(base, items={"A": Laid(name="a")}).transitions) == dict(base.transitions)
    shorter = laid(base, items={"B": Laid(start=20, duration=20, source_in=2)})
    assert shorter.transitions["A>B"] == Transition("A", "B", 2, 4)
    tiny = laid(base, items={"B": Laid(duration=3), "C": Laid(start=23)})
    assert {key: (it.in_offset, it.out_offset) for key, it in tiny.transitions.items()} == {
        "B>C": (3, 4),
        "A>B": (4, 0),
    }
    apart = laid(base, items={"B": Laid(start=22, duration=18)})
    assert list(apart.transitions) == ["B>C"]
    assert list(laid(base, items={"B": None}).transitions) == []
    faded = cut("V2~ A:20@0 B:20@40", transitions=("A> 4+0",))
    assert list(laid(faded, items={"B": Laid(start=20)}).transitions) == []


def test_a_transition_that_is_told_must_be_possible() -> None:
    base = cut("V1= A:20/5[0+40] B:20/5[0+40] _:5 C:20", transitions=("A>B 4+4",))
    told = {"A>B": LaidTransition(in_offset=2), "B>": LaidTransition(in_offset=3, out_offset=0, kind="fade")}
    made = laid(base, transitions=told)
    assert made.transitions["A>B"] == Transition("A", "B", 2, 4)
    assert made.transitions["B>"] == Transition("B", None, 3, 0, "fade")
    assert not laid(base, transitions={"A>B": None}).transitions
    for key, it, code in (
        ("A>B", LaidTransition(in_offset=6), "not_enough_handle"),
        ("B>C", LaidTransition(in_offset=1, out_offset=1), "not_adjacent"),
        ("A>B", LaidTransition(in_offset=0, out_offset=0), "bad_value"),
        ("A>B", LaidTransition(in_offset=-1), "bad_value"),
        ("A", LaidTransition(in_offset=1, out_offset=1), "bad_value"),
        (">", LaidTransition(in_offset=1, out_offset=1), "bad_value"),
        ("A>Z", LaidTransition(in_offset=1, out_offset=1), "no_such_item"),
        ("B>C", LaidTransition(in_offset=1), "no_such_transition"),
        ("B>C", None, "no_such_transition"),
    ):
        assert refused(base, transitions={key: it}) == (code, {(code, key)})
    assert refused(base, transitions={"A>B": LaidTransition(name="x")}, items={"B": Laid(start=21, duration=19)})[
        0
    ] == ("not_adjacent")


def test_markers_go_with_their_items_and_links_with_their_partners() -> None:
    markers = (Marker("m1", 3, item="A"), Marker("m2", 4), Marker("m3", 3, item="B"))
    base = cut("V1= A:10&l B:10&k C:10&k D:10&k", "A1~ M:10@0&l", markers=markers)
    made = laid(base, items={"A": None}, markers={"m3": LaidMarker(item=None, start=7), "new": LaidMarker(start=1)})
    assert {id_: (m.start, m.item) for id_, m in made.markers.items()} == {
        "m2": (4, None),
        "m3": (7, None),
        "new": (1, None),
    }
    assert made.items["M"].link is None
    assert "l" not in made.links
    assert made.links["k"] == {"B", "C", "D"}
    kept = laid(base, items={"A": None, "M": Laid(link="l")})
    assert kept.links["l"] == {"M"}
    moved = laid(base, items={"B": Laid(link="l"), "C": Laid(link=None)})
    assert (moved.links["l"], "k" in moved.links, moved.items["D"].link) == ({"A", "M", "B"}, False, None)
    rescued = laid(base, items={"A": None}, markers={"m1": LaidMarker(item="B")})
    assert rescued.marks["B"] == {"m1", "m3"}
    assert refused(base, items={"A": None}, markers={"m1": LaidMarker(name="x")}) == (
        "no_such_item",
        {("no_such_item", "m1")},
    )


# -- what cannot be


NEW = Laid(track="V2", start=0, duration=5, source=BARS)


@pytest.mark.parametrize(
    ("parts", "code", "ids"),
    [
        ({"items": {"Z": None}}, "no_such_item", {"Z"}),
        ({"items": {"Z": Laid(start=3)}}, "no_such_item", {"Z"}),
        ({"items": {"Z": replace(NEW, track="V9")}}, "no_such_track", {"Z"}),
        ({"items": {"Z": replace(NEW, start=-1)}}, "before_start", {"Z"}),
        ({"items": {"Z": replace(NEW, duration=0)}}, "too_short", {"Z"}),
        ({"items": {"Z": replace(NEW, start=20, duration=2**28)}}, "bad_value", {"V2"}),
        ({"items": {"Z": replace(NEW, start=9)}}, "overlap", {"Z", "S"}),
        ({"items": {"B": Laid(start=5)}}, "overlap", {"A", "B"}),
        ({"items": {"B": Laid(track="V2", start=12)}}, "overlap", {"B", "S"}),
        ({"items": {"Z": replace(NEW, source=Gap())}}, "bad_value", {"Z"}),
        ({"items": {"gap3": Laid(duration=4)}}, "bad_value", {"gap3"}),
        ({"items": {"Z": replace(NEW, speed=Speed(1, 0))}}, "bad_value", {"Z"}),
        ({"items": {"Z": replace(NEW, source=Media("m", 0, -1))}}, "bad_value", {"Z"}),
        ({"items": {"Z": replace(NEW, source=Media("m", 0, 3), source_in=0)}}, "outside_media", {"Z"}),
        ({"items": {"V1": NEW}}, "id_taken", {"V1"}),
        ({"items": {"Z": NEW}, "markers": {"Z": LaidMarker(start=0)}}, "id_taken", {"Z"}),
        ({"items": {"a>b": NEW}}, "bad_value", {"a>b"}),
        ({"items": {"": NEW}}, "bad_value", {""}),
        ({"items": {"Z" * 65: NEW}}, "bad_value", {"Z" * 65}),
        ({"tracks": {"V9": None}}, "no_such_track", {"V9"}),
        ({"tracks": {"V9": LaidTrack(name="x")}}, "no_such_track", {"V9"}),
        ({"tracks": {"V9": LaidTrack(kind="video", after="V8")}}, "no_such_track", {"V9"}),
        ({"tracks": {"V1": LaidTrack(after="V1")}}, "no_such_track", {"V1"}),
        ({"tracks": {"A9": LaidTrack(kind="audio", after="V2")}}, "wrong_track_kind", {"A9"}),
        ({"tracks": {"V1": LaidTrack(kind="audio")}}, "wrong_track_kind", {"V1"}),
        ({"tracks": {"V1": None}}, "track_not_empty", {"A", "B", "C"}),
        ({"tracks": {"V3": None}}, "locked_track", {"V3", "L"}),
        ({"tracks": {"V3": LaidTrack(placement="magnetic")}}, "locked_track", {"V3"}),
        ({"items": {"L": Laid(enabled=False)}}, "locked_track", {"L"}),
        ({"items": {"A": Laid(track="V3", start=40)}}, "locked_track", {"A"}),
        ({"items": {"L": None}}, "locked_track", {"L"}),
        ({"markers": {"Z": LaidMarker(start=1, item="L")}}, "locked_track", {"Z"}),
        ({"transitions": {"L>": LaidTransition(in_offset=1, out_offset=0)}}, "locked_track", {"L>"}),
        ({"markers": {"Z": None}}, "no_such_marker", {"Z"}),
        ({"markers": {"Z": LaidMarker(name="x")}}, "no_such_marker", {"Z"}),
        ({"markers": {"Z": LaidMarker(start=-1)}}, "before_start", {"Z"}),
        ({"markers": {"Z": LaidMarker(start=1, duration=-1)}}, "bad_value", {"Z"}),
        ({"markers": {"Z": LaidMarker(start=1, item="Y")}}, "no_such_item", {"Z"}),
        ({"settings": LaidSettings(name=" ")}, "bad_name", {"s0"}),
        ({"settings": LaidSettings(drop_frame=True)}, "bad_value", {"s0"}),
        ({"settings": LaidSettings(start_frame=-1)}, "bad_value", {"s0"}),
    ],
)
def test_what_cannot_be_is_refused_and_named(parts: dict[str, Any], code: str, ids: set[str]) -> None:
    base = cut("V1= A:10 B:10 _:5 C:10", "V2~ S:10@10", "V3~! L:10@0")
    got, conflicts = refused(base, **parts)
    assert got == code
    assert {id_ for _, id_ in conflicts} == ids


def test_everything_that_stands_against_it_is_named_at_once() -> None:
    base = cut("V1= A:10 B:10 C:10")
    _, conflicts = refused(base, items={"Z": None, "B": Laid(start=5)}, markers={"m": None})
    assert conflicts == {("no_such_item", "Z"), ("overlap", "A"), ("overlap", "B"), ("no_such_marker", "m")}


def test_a_locked_track_that_is_unlocked_in_the_same_breath_is_open() -> None:
    base = cut("V3~! L:10@0")
    made = laid(base, tracks={"V3": LaidTrack(locked=False)}, items={"L": Laid(start=4)})
    assert starts(made, "V3") == {"L": 4}
    assert laid(base, items={"L": Laid(start=0, enabled=True)}) == base  # nothing changes: nothing is locked


def test_speeds_are_reduced_and_a_new_item_begins_where_its_source_does() -> None:
    base = cut("V2~ S:10@10")
    made = laid(base, items={"S": Laid(speed=Speed(4, 2)), "Z": replace(NEW, source=Media("m", 100, 50))})
    assert (made.items["S"].speed, made.items["Z"].source_in) == (Speed(2), 100)
    assert made.items["Z"] == Item("Z", Media("m", 100, 50), 5, source_in=100)
    nested = laid(base, items={"Z": replace(NEW, source=Nested("n" * 32))})
    assert nested.items["Z"].source == Nested("n" * 32)


# -- how long it takes


def test_five_thousand_items_are_arranged_at_once() -> None:
    parts = " ".join(f"i{n}:24" for n in range(5_000))
    base = cut(f"V1= {parts}")
    begun = perf_counter()
    one = laid(base, items={"i2500": Laid(duration=12)})
    single = perf_counter() - begun
    begun = perf_counter()
    made = laid(base, items={f"i{n}": Laid(start=(4_999 - n + 4_700) * 24) for n in range(4_700, 5_000)})
    many = perf_counter() - begun
    assert single < 0.3  # 15 ms, and 12 for the check of everything
    assert many < 0.6  # 40 ms
    assert one.slot("i2501").start == 2501 * 24
    assert list(made.lanes["V1"].ids())[4_700] == "i4999"


def test_a_pile_of_tracks_that_are_told_from_the_top_down_is_ordered_at_once() -> None:
    base = cut("V1= A:10")
    names = ["V1", *(f"t{n}" for n in range(2_000))]
    told = {name: LaidTrack(kind="video", after=below) for below, name in reversed(list(pairwise(names)))}
    begun = perf_counter()
    made = laid(base, tracks=told)
    assert perf_counter() - begun < 10  # 0.9 s
    assert made.order == tuple(names)


# -- whatever a host says


class Sayer:
    """Says anything: mostly of what is there and with numbers that could be, now and then without sense."""

    def __init__(self, random: Random, base: Sequence) -> None:
        self.random, self.base = random, base
        self.clips = sorted(id_ for id_, item in base.items.items() if not isinstance(item.source, Gap))
        self.nonsense = [*sorted(set(base.items) - set(self.clips)), *base.markers, *base.order, "", "x>y", "Z" * 65]

    def arrangement(self) -> Arrangement:
        parts = self.random.sample(["tracks", "items", "items", "transitions", "markers"], 2)
        return Arrangement(**{part: getattr(self, part)() for part in parts})

    def items(self) -> dict[str, Laid | None]:
        return self.few(self.item, self.clips)

    def tracks(self) -> dict[str, LaidTrack | None]:
        return self.few(self.track, list(self.base.order))

    def transitions(self) -> dict[str, LaidTransition | None]:
        pairs = [f"{a}>{b}" for track in self.base.order for a, b in pairwise(self.base.lanes[track].ids())]
        return self.few(self.transition, [*self.base.transitions, *pairs, *(f"{id_}>" for id_ in self.clips)])

    def markers(self) -> dict[str, LaidMarker | None]:
        return self.few(self.marker, sorted(self.base.markers))

    def few(self, make: Any, ids: list[str]) -> dict[str, Any]:
        r = self.random
        told = {
            id_: None if r.random() < 0.2 else make(new=False) for id_ in r.sample(ids, min(len(ids), r.randrange(3)))
        }
        for n in range(r.randrange(3)):
            told[f"new{make.__name__}{n}"] = make(new=True)
        if r.random() < 0.05:
            told[r.choice(self.nonsense)] = r.choice([None, make(new=True)])
        return told

    def some(self, new: bool, needed: tuple[str, ...], fields: dict[str, Any]) -> dict[str, Any]:
        r = self.random
        return {k: v for k, v in fields.items() if r.random() < 0.3 or (new and k in needed and r.random() < 0.98)}

    def frame(self) -> int:
        return self.random.choice([-5, 2**40]) if self.random.random() < 0.02 else self.random.randrange(1, 600)

    def item(self, *, new: bool) -> Laid:
        r = self.random
        sources = [BARS, Media("m2"), Media("m1", 0, 700), Nested("n" * 32), *([Gap()] if r.random() < 0.05 else [])]
        fields = {
            "track": r.choice([*self.base.order, *(["newtrack0"] if r.random() < 0.2 else [])]),
            "start": self.frame(),
            "duration": 1 + self.frame() // 20,
            "source": r.choice(sources),
            "source_in": self.frame(),
            "speed": r.choice([Speed(2), Speed(0), Speed(2, 4), *([Speed(1, 0)] if r.random() < 0.1 else [])]),
            "link": r.choice([None, "la", "lz"]),
        }
        return Laid(**self.some(new, ("track", "start", "duration", "source"), fields))

    def track(self, *, new: bool) -> LaidTrack:
        r = self.random
        fields = {
            "kind": r.choice(["video", "audio"]),
            "placement": r.choice(["magnetic", "free"]),
            "locked": r.random() < 0.5,
            "after": r.choice([None, *self.base.order]),
        }
        return LaidTrack(**self.some(new, ("kind",), fields))

    def transition(self, *, new: bool) -> LaidTransition:
        offsets = {"in_offset": self.random.choice([0, 1, 9]), "out_offset": self.random.choice([0, 2])}
        return LaidTransition(**self.some(True, ("in_offset", "out_offset"), offsets))

    def marker(self, *, new: bool) -> LaidMarker:
        return LaidMarker(
            **self.some(new, ("start",), {"start": self.frame(), "item": self.random.choice([None, *self.clips])})
        )


@given(st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_whatever_a_host_says_gives_a_sound_cut_or_a_refusal(seed: int) -> None:
    random = Random(seed)
    base = sequence_after(random, 10)
    answer = arrange(base, Sayer(random, base).arrangement(), "s")
    if isinstance(answer, Refusal):
        assert answer.conflicts
        assert answer.code in CODES
        return
    assert violations(answer) == []
    assert content_of(apply_all(base, diff(base, answer))) == content_of(answer)
