"""Any program of edits keeps every invariant, can be reversed exactly, and is never answered by an exception."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline import check
from genlock.timeline.commands import (
    AddTrack,
    AppendItem,
    Batch,
    EditCommand,
    ExtractItems,
    ExtractRange,
    FillGap,
    InsertItem,
    JoinItems,
    LiftItems,
    LiftRange,
    LinkItems,
    MoveItems,
    MoveTrack,
    NestItems,
    OverwriteItem,
    Place,
    RemoveMarker,
    RemoveTrack,
    RemoveTransition,
    RenameItem,
    ReplaceSource,
    RippleTrimItem,
    RollCut,
    SetEffects,
    SetEnabled,
    SetMarker,
    SetSequence,
    SetSpeed,
    SetTrack,
    SetTransition,
    SlideItem,
    SlipItem,
    SplitAt,
    SplitItem,
    TrimItem,
    UnlinkItems,
    UnnestItem,
)
from genlock.timeline.decision import Context, Decision, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import restore
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Shot
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.sequence import Sequence, apply_all
from tests.timeline.cuts import cut, reverse, same

START = cut(
    "V1= A:20/10[0+60] B:30/5[0+50] _:6 C:12&l D:24*1r2[0+40] E:15/30*-1[0+60]",
    "V2~ T:10@5 U:8@15 W:30@50[0+80]%30",
    "V3~! L:40@3",
    "A1~ S:12@56&l R:25@100",
    "A2=? M:50 _:9 N:40*0",
    transitions=("A>B 3+2", "E> 2+0", "T>U 1+1"),
    markers=(Marker("m1", 12, item="A"), Marker("m2", 25, item="A"), Marker("m3", 40)),
)


class Asker:
    """Makes random commands about a state: mostly sensible, some beside the point."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def items(self, state: Sequence, most: int = 3) -> tuple[str, ...]:
        ids = sorted(state.items)
        open_ = [id_ for id_ in ids if not state.track_of(id_).locked]
        ids = open_ if open_ and self.random.random() < 0.95 else ids
        if not ids or self.random.random() < 0.02:
            return ("nobody",)
        if self.random.random() < 0.4:  # neighbours
            lane = list(state.lanes[state.home[self.random.choice(ids)]].ids())
            at = self.random.randrange(len(lane))
            return tuple(lane[at : at + self.random.randint(1, most)])
        return tuple(self.random.sample(ids, min(len(ids), self.random.randint(1, most))))

    def one(self, state: Sequence) -> str:
        return self.items(state, 1)[0]

    def track(self, state: Sequence) -> str:
        open_ = [id_ for id_ in state.order if not state.tracks[id_].locked]
        return self.random.choice(open_ if open_ and self.random.random() < 0.95 else [*state.order, "nowhere"])

    def tracks(self, state: Sequence) -> tuple[str, ...]:
        return () if self.random.random() < 0.4 else tuple(dict.fromkeys((self.track(state), self.track(state))))

    def frame(self, state: Sequence) -> int:
        slots = [slot for lane in state.lanes.values() for slot in lane]
        if slots and self.random.random() < 0.5:  # at a cut
            slot = self.random.choice(slots)
            return self.random.choice([slot.start, slot.end, slot.start + slot.duration // 2])
        return self.random.randint(-2, state.duration + 10)

    def delta(self) -> int:
        return self.random.choice([-40, -12, -5, -2, -1, 0, 1, 2, 3, 7, 15, 50])

    def place(self, state: Sequence) -> Place:
        track = self.track(state)
        kind = self.random.random()
        if kind < 0.3 and track in state.lanes and len(state.lanes[track]):
            return Place(track, after=self.random.choice(list(state.lanes[track].ids())))
        return Place(track) if kind < 0.4 else Place(track, at=self.frame(state))

    def speed(self) -> Speed:
        return Speed(*self.random.choice([(1, 1), (1, 2), (2, 1), (-1, 1), (-1, 2), (0, 1), (3, 2), (-7, 3), (1, 0)]))

    def source(self) -> Any:
        return self.random.choice(
            [
                Media("m", 0, 100),
                Media("n"),
                Media("p", 1000, 40, Rate(30)),
                Shot("sh"),
                Shot("st", None, 0, 48),
                Generator("bars"),
                Nested("f" * 32, 0, 30),
                Gap(),
            ]
        )

    def item(self) -> Item:
        source = self.source()
        into = getattr(source, "first", 0) + self.random.randint(0, 20)
        return Item("", source, self.random.randint(0, 30), "", into, self.speed())

    def command(self, state: Sequence, depth: int = 0) -> EditCommand:
        choices = [name for name in dir(self) if name.startswith("_do_")]
        if depth == 0 and self.random.random() < 0.1:
            return Batch(tuple(self.command(state, 1) for _ in range(self.random.randint(0, 3))))
        command: EditCommand = getattr(self, self.random.choice(choices))(state)
        return command

    def flag(self) -> bool:
        return self.random.random() < 0.6

    def _do_insert(self, state: Sequence) -> EditCommand:
        return InsertItem(self.place(state), self.item(), sync=self.flag())

    def _do_overwrite(self, state: Sequence) -> EditCommand:
        return OverwriteItem(self.track(state), self.frame(state), self.item())

    def _do_append(self, state: Sequence) -> EditCommand:
        return AppendItem(self.track(state), self.item())

    def _do_fill(self, state: Sequence) -> EditCommand:
        fit = self.random.choice(["trim", "speed", "source"])
        return FillGap(self.track(state), self.frame(state), self.item(), fit)

    def _do_lift(self, state: Sequence) -> EditCommand:
        return LiftItems(self.items(state), linked=self.flag())

    def _do_extract(self, state: Sequence) -> EditCommand:
        return ExtractItems(self.items(state), linked=self.flag(), sync=self.flag())

    def _do_lift_range(self, state: Sequence) -> EditCommand:
        start = self.frame(state)
        return LiftRange(start, start + self.random.randint(0, 30), self.tracks(state))

    def _do_extract_range(self, state: Sequence) -> EditCommand:
        start = self.frame(state)
        return ExtractRange(start, start + self.random.randint(0, 30), self.tracks(state), self.flag())

    def _do_trim(self, state: Sequence) -> EditCommand:
        return TrimItem(self.one(state), self.random.choice(["head", "tail"]), self.delta(), self.flag())

    def _do_ripple(self, state: Sequence) -> EditCommand:
        edge = self.random.choice(["head", "tail"])
        return RippleTrimItem(self.one(state), edge, self.delta(), self.flag(), self.flag())

    def pair(self, state: Sequence) -> tuple[str, str]:
        one = self.one(state)
        right = state.lanes[state.home[one]].after(one) if one in state.items else None
        return (one, right.id) if right and self.random.random() < 0.9 else (one, self.one(state))

    def _do_roll(self, state: Sequence) -> EditCommand:
        return RollCut(*self.pair(state), self.delta(), self.flag())

    def _do_slip(self, state: Sequence) -> EditCommand:
        return SlipItem(self.one(state), self.delta(), self.flag())

    def _do_slide(self, state: Sequence) -> EditCommand:
        return SlideItem(self.one(state), self.delta(), self.flag())

    def _do_move(self, state: Sequence) -> EditCommand:
        items, place = self.items(state), self.place(state)
        if self.flag() and items[0] in state.items:
            place = replace(place, track=state.home[items[0]], after=None)
        return MoveItems(items, place, self.flag(), self.flag(), self.flag(), self.random.random() < 0.3)

    def _do_split(self, state: Sequence) -> EditCommand:
        id_ = self.one(state)
        at = state.slot(id_).start + self.random.randint(0, 12) if id_ in state.items else 3
        return SplitItem(id_, at, self.flag())

    def _do_split_at(self, state: Sequence) -> EditCommand:
        return SplitAt(self.frame(state), self.tracks(state))

    def _do_join(self, state: Sequence) -> EditCommand:
        pairs = [
            (slot.id, right.id)
            for lane in state.lanes.values()
            for slot in lane
            if (right := lane.after(slot.id)) and state.items[slot.id].source == state.items[right.id].source
        ]
        return JoinItems(*(self.random.choice(pairs) if pairs else self.pair(state)))

    def _do_replace(self, state: Sequence) -> EditCommand:
        return ReplaceSource(self.one(state), self.source(), self.random.choice([None, 0, 5]), "new")

    def _do_speed(self, state: Sequence) -> EditCommand:
        return SetSpeed(self.one(state), self.speed(), self.flag(), self.flag(), self.flag())

    def _do_enabled(self, state: Sequence) -> EditCommand:
        return SetEnabled(self.items(state), self.flag())

    def _do_rename(self, state: Sequence) -> EditCommand:
        return RenameItem(self.one(state), "named")

    def _do_effects(self, state: Sequence) -> EditCommand:
        return SetEffects(self.one(state), ({"a": 1},), {"b": 2})

    def _do_link(self, state: Sequence) -> EditCommand:
        return LinkItems(self.items(state))

    def _do_unlink(self, state: Sequence) -> EditCommand:
        return UnlinkItems(self.items(state))

    def _do_transition(self, state: Sequence) -> EditCommand:
        left, right = self.pair(state)
        sides = self.random.choice([(left, right), (left, right), (None, right), (left, None)])
        return SetTransition(*sides, self.random.randint(0, 4), self.random.randint(0, 4))

    def _do_untransition(self, state: Sequence) -> EditCommand:
        known = sorted(state.transitions.values(), key=lambda it: it.key)
        if not known:
            return RemoveTransition("A", "B")
        it = self.random.choice(known)
        return RemoveTransition(it.left, it.right)

    def _do_marker(self, state: Sequence) -> EditCommand:
        id_ = self.random.choice(["", "m1", *state.markers])
        item = self.random.choice([None, self.one(state)])
        return SetMarker(Marker(id_, self.random.randint(-1, 60), self.random.randint(-1, 3), item))

    def _do_unmark(self, state: Sequence) -> EditCommand:
        return RemoveMarker(self.random.choice(["m1", *state.markers]))

    def _do_add_track(self, state: Sequence) -> EditCommand:
        after = self.random.choice([None, self.track(state)])
        kind, placement = self.random.choice(["video", "audio"]), self.random.choice(["magnetic", "free"])
        return AddTrack(kind, placement, after=after) if len(state.order) < 8 else AddTrack(kind, id=state.order[0])

    def _do_set_track(self, state: Sequence) -> EditCommand:
        choose = self.random.choice
        return SetTrack(
            self.track(state),
            choose([None, "N"]),
            choose([None, "magnetic", "free"]),
            choose([None, True, False]),
            choose([None, None, None, None, False, True]),
            choose([None, True, False]),
        )

    def _do_move_track(self, state: Sequence) -> EditCommand:
        return MoveTrack(self.track(state), self.random.choice([None, self.track(state)]))

    def _do_remove_track(self, state: Sequence) -> EditCommand:
        return RemoveTrack(self.track(state), self.random.random() < 0.1)

    def _do_nest(self, state: Sequence) -> EditCommand:
        return NestItems(self.items(state), f"{self.random.getrandbits(128):032x}", "nest")

    def _do_unnest(self, state: Sequence) -> EditCommand:
        nests = sorted(id_ for id_, item in state.items.items() if isinstance(item.source, Nested))
        return UnnestItem(self.random.choice(nests) if nests and self.random.random() < 0.9 else self.one(state))

    def _do_sequence(self, state: Sequence) -> EditCommand:
        return SetSequence(self.random.choice([None, "", "name"]), self.flag(), self.random.choice([None, -1, 86400]))


INNER = replace(cut("V1= X:10 _:5 Y:20", "A1~ Z:30@2"), id="f" * 32)


def tidy(state: Sequence) -> bool:
    """No Gaps side by side, none last."""
    for track, lane in state.lanes.items():
        if state.tracks[track].placement == "magnetic":
            gaps = [isinstance(state.items[id_].source, Gap) for id_ in lane.ids()] + [len(lane) > 0]
            if any(one and two for one, two in pairwise(gaps)):
                return False
    return True


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32))
def test_programs_of_edits(seed: int) -> None:
    run(seed)


def run(seed: int) -> None:
    asker = Asker(Random(seed))
    state = START
    nested = {INNER.id: INNER}
    for number in range(40):
        command = asker.command(state)
        context = Context(f"c{number}", nested.get)
        answer = decide(state, command, context)
        if isinstance(answer, Refusal):
            assert answer.message, command
            continue
        assert answer.ops, command
        after = apply_all(state, answer.ops)
        assert check.violations(after) == [], command
        assert check.violations_after(state, answer.ops) == [], command
        assert tidy(after), command
        assert same(apply_all(after, reverse(answer.ops)), state), command
        for id_, track in state.tracks.items():  # these may unlock it
            assert not track.locked or isinstance(command, Batch | SetTrack) or after.lanes[id_] == state.lanes[id_], (
                command
            )
        nested.update({id_: restore(id_, 1, content) for id_, content in answer.spawned})
        for id_, content in answer.spawned:
            assert check.violations(restore(id_, 1, content)) == [], command
        state = after


def test_most_random_edits_are_made() -> None:
    """The generator is worth something only when its edits are not nearly all refused, and none always is."""
    asker, state = Asker(Random(1)), START
    made: dict[str, int] = {}
    for number in range(16_000):
        command = asker.command(state)
        answer = decide(state, command, Context(f"c{number}", {INNER.id: INNER}.get))
        if isinstance(answer, Decision):
            made[answer.intent] = made.get(answer.intent, 0) + 1
        if number % 40 == 39:
            state = START
        elif isinstance(answer, Decision):
            state = apply_all(state, answer.ops)
    assert len(made) == 36, sorted(made)
    assert sum(made.values()) > 7200
