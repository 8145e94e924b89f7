"""Random sound sequences and random edits, as ops: material for the property tests of undo, diff and effects."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from genlock.timeline.check import violations_after
from genlock.timeline.events import Content, TrackContent, restore
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Resolution, Track, Transition
from genlock.timeline.ops import (
    ANCHORS,
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemPatch,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    MergeConflict,
    Op,
    SequencePatch,
    SequenceSet,
    Spot,
    TrackInserted,
    TrackMoved,
    TrackPatch,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.sequence import Sequence, apply_all

EMPTY = restore(
    "0" * 32,
    1,
    Content(
        "cut",
        Rate(24),
        tracks=(
            TrackContent(Track("V1", "video", "V1", "magnetic")),
            TrackContent(Track("V2", "video", "V2")),
            TrackContent(Track("A1", "audio", "A1")),
        ),
    ),
)


class Editor:
    """Makes random edits that fit a state; ids depend on the random numbers and a counter only."""

    def __init__(self, random: Random, prefix: str = "") -> None:
        self.random = random
        self._prefix = prefix
        self._count = 0

    def edit(self, state: Sequence) -> tuple[Op, ...]:
        """Returns the ops of one sound edit (tries until one fits; empty when none of 20 did)."""
        for _ in range(20):
            ops = self.random.choice(self.kinds)(self, state)
            if ops and not violations_after(state, ops):
                return ops
        return ()

    def id(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._prefix}{self._count}"

    def item(self) -> Item:
        r = self.random
        source = r.choice([Media("m1", 0, 100_000), Media("m2"), Generator("bars")])
        link = r.choice([None, None, None, "la", "lb"])
        return Item(
            self.id("i"), source, r.randrange(1, 40), name=r.choice("abc"), source_in=r.randrange(50), link=link
        )

    def insert(self, state: Sequence) -> list[Op]:
        """One to three items in a row, side by side."""
        r, track = self.random, self.random.choice(state.order)
        items = [self.item() for _ in range(r.choice([1, 1, 2, 3]))]
        ops: list[Op] = []
        if state.tracks[track].placement == "magnetic":
            after = r.choice([None, *state.lanes[track].ids()])
            if r.random() < 0.2:
                items[0] = replace(items[0], source=Gap(), name="", source_in=0, link=None)
            for item in items:
                ops.append(ItemInserted(track, item, after))
                after = item.id
            return ops
        start = r.choice([state.lanes[track].end, r.randrange(300)])
        for item in items:
            ops.append(ItemInserted(track, item, start=start))
            start += item.duration
        return ops

    def ripple_insert(self, state: Sequence) -> list[Op]:
        """Makes room on a free track and fills it."""
        track = self._free(state)
        first = self._item_on(state, track)
        if first is None:
            return []
        lane, item = state.lanes[track], self.item()
        shift = ItemsShifted(track, first, item.duration, lane.rights(first, ANCHORS))
        return [shift, ItemInserted(track, item, start=lane.slot(first).start)]

    def remove(self, state: Sequence) -> list[Op]:
        ops: list[Op] = []
        for id_ in self._items(state, self.random.choice([1, 1, 2, 4])):
            ops += removal(apply_all(state, ops), id_)
        return ops

    def ripple_remove(self, state: Sequence) -> list[Op]:
        track = self._free(state)
        id_ = self._item_on(state, track)
        if id_ is None:
            return []
        lane = state.lanes[track]
        ops = removal(state, id_)
        rights = lane.rights(id_, ANCHORS + 1)
        if rights:
            ops.append(ItemsShifted(track, rights[0], -lane.slot(id_).duration, rights[1:]))
        return ops

    def trim(self, state: Sequence) -> list[Op]:
        """A new duration; transitions there go with it."""
        ids = self._items(state, 1)
        if not ids:
            return []
        item = state.items[ids[0]]
        duration = max(1, item.duration + self.random.randrange(-9, 10))
        before, after = ItemPatch(duration=item.duration), ItemPatch(duration=duration)
        if self.random.random() < 0.5 and not isinstance(item.source, Gap):
            into = max(0, item.source_in + self.random.randrange(-5, 6))
            before = ItemPatch(duration=item.duration, source_in=item.source_in)
            after = ItemPatch(duration=duration, source_in=into)
        return [*transitions_gone(state, item.id), ItemSet(item.id, before, after)]

    def change(self, state: Sequence) -> list[Op]:
        ids = self._items(state, 1)
        if not ids or isinstance(state.items[ids[0]].source, Gap):
            return []
        item = state.items[ids[0]]
        changes = [
            {"name": self.random.choice("abcxyz")},
            {"enabled": not item.enabled},
            {"link": self.random.choice([None, "la", "lc"])},
            {"speed": Speed.of(self.random.choice([1, 2, 0]))},
            {"effects": ({"OTIO_SCHEMA": "Effect.1", "n": self.random.randrange(3)},)},
        ]
        patch = self.random.choice(changes)
        return [ItemSet(item.id, ItemPatch(**{k: getattr(item, k) for k in patch}), ItemPatch(**patch))]

    def split(self, state: Sequence) -> list[Op]:
        ids = self._items(state, 1)
        if not ids or state.items[ids[0]].duration < 2:
            return []
        item, track = state.items[ids[0]], state.home[ids[0]]
        cut = self.random.randrange(1, item.duration)
        shift = 0 if isinstance(item.source, Gap) else int(cut * item.speed.fraction)
        right = replace(item, id=self.id("i"), duration=item.duration - cut, source_in=item.source_in + shift)
        change = ItemSet(item.id, ItemPatch(duration=item.duration), ItemPatch(duration=cut))
        free = state.tracks[track].placement == "free"
        start = state.slot(item.id).start + cut
        put = ItemInserted(track, right, start=start) if free else ItemInserted(track, right, item.id)
        return [*transitions_gone(state, item.id), change, put]

    def move(self, state: Sequence) -> list[Op]:
        ids = self._items(state, 1)
        if not ids:
            return []
        id_, track = ids[0], self.random.choice(state.order)
        before = spot(state, id_)
        if state.tracks[track].placement == "free":
            after = Spot(track, start=self.random.randrange(400))
        else:
            after = Spot(track, self.random.choice([None, *(i for i in state.lanes[track].ids() if i != id_)]))
        return [*transitions_gone(state, id_), ItemMoved(id_, before, after)]

    def shift(self, state: Sequence) -> list[Op]:
        track = self._free(state)
        first = self._item_on(state, track)
        if first is None:
            return []
        delta = self.random.choice([d for d in range(-20, 60) if d])
        return [ItemsShifted(track, first, delta, state.lanes[track].rights(first, ANCHORS))]

    def transition(self, state: Sequence) -> list[Op]:
        if state.transitions and self.random.random() < 0.5:
            key = self.random.choice(sorted(state.transitions))
            old = state.transitions[key]
            return [TransitionSet(key, old, self.random.choice([None, replace(old, name="new")]))]
        ids = self._items(state, 1)
        right = state.lanes[state.home[ids[0]]].rights(ids[0], 1) if ids else ()
        if not right:
            return []
        made = Transition(ids[0], right[0], self.random.randrange(3), self.random.randrange(1, 3))
        return [TransitionSet(made.key, state.transitions.get(made.key), made)]

    def marker(self, state: Sequence) -> list[Op]:
        r = self.random
        if state.markers and r.random() < 0.5:
            id_ = r.choice(sorted(state.markers))
            old = state.markers[id_]
            return [MarkerSet(id_, old, r.choice([None, replace(old, name=old.name + "x")]))]
        ids = self._items(state, 1)
        made = Marker(self.id("m"), r.randrange(100), item=ids[0] if ids and r.random() < 0.7 else None)
        return [MarkerSet(made.id, None, made)]

    def track(self, state: Sequence) -> list[Op]:
        r, id_ = self.random, self.random.choice(state.order)
        lefts = tuple(reversed(state.order[: state.order.index(id_)]))[:ANCHORS]
        old = state.tracks[id_]
        match r.randrange(4):
            case 0:
                made = Track(self.id("t"), placement=r.choice(["free", "magnetic"]))
                return [TrackInserted(made, r.choice([None, *state.order]))]
            case 1 if len(state.order) > 2:
                ops: list[Op] = []
                for item in list(state.lanes[id_].ids()):
                    ops += removal(apply_all(state, ops), item)
                return [*ops, TrackRemoved(old, lefts[0] if lefts else None, lefts)]
            case 2:
                rest = [t for t in state.order if t != id_]
                return [TrackMoved(id_, lefts[0] if lefts else None, lefts, r.choice([None, *rest]))]
            case _:
                name = old.name + "x"
                return [TrackSet(id_, TrackPatch(name=old.name), TrackPatch(name=name))]

    def placement(self, state: Sequence) -> list[Op]:
        """A free track becomes magnetic, its room Gap items; or the other way round."""
        id_ = self.random.choice(state.order)
        if state.tracks[id_].placement == "free":
            return self._to_magnetic(state, id_)
        ops: list[Op] = [TrackSet(id_, TrackPatch(placement="magnetic"), TrackPatch(placement="free"))]
        for slot, item in state.placed(id_):
            if isinstance(item.source, Gap):
                ops.append(ItemRemoved(id_, item, start=slot.start))
        return ops

    def _to_magnetic(self, state: Sequence, id_: str) -> list[Op]:
        ops: list[Op] = []
        end = 0
        for slot, _ in state.placed(id_):
            if slot.start > end:
                ops.append(ItemInserted(id_, Item(self.id("g"), Gap(), slot.start - end), start=end))
            end = slot.end
        return [*ops, TrackSet(id_, TrackPatch(placement="free"), TrackPatch(placement="magnetic"))]

    def settings(self, state: Sequence) -> list[Op]:
        if self.random.random() < 0.5:
            return [SequenceSet(SequencePatch(name=state.name), SequencePatch(name=state.name + "x"))]
        return [SequenceSet(SequencePatch(resolution=state.resolution), SequencePatch(resolution=Resolution(64, 36)))]

    def conflict(self, state: Sequence) -> list[Op]:
        """A merge leaves a conflict open, or one is settled."""
        if state.conflicts and self.random.random() < 0.5:
            id_ = self.random.choice(sorted(state.conflicts))
            return [ConflictSet(id_, state.conflicts[id_], None)]
        about = self._items(state, 1) or [state.id]
        made = MergeConflict(self.id("c"), "both_set", about[0], "Renamed here and there.", "name", "a", "b", "c")
        return [ConflictSet(made.id, None, made)]

    def batch(self, state: Sequence) -> list[Op]:
        """Several edits as one."""
        ops: list[Op] = []
        for _ in range(self.random.randrange(2, 5)):
            ops += self.edit(apply_all(state, ops))
        return ops

    kinds = (
        *[insert] * 4,
        *[ripple_insert] * 2,
        *[remove] * 3,
        ripple_remove,
        *[trim] * 3,
        *[change] * 2,
        *[split] * 2,
        *[move] * 3,
        *[shift] * 2,
        *[transition] * 2,
        *[marker] * 2,
        track,
        placement,
        settings,
        conflict,
        *[batch] * 2,
    )

    def _items(self, state: Sequence, count: int) -> list[str]:
        ids = sorted(state.items)
        return self.random.sample(ids, min(count, len(ids)))

    def _free(self, state: Sequence) -> str:
        return self.random.choice([t for t in state.order if state.tracks[t].placement == "free"] or [""])

    def _item_on(self, state: Sequence, track: str) -> str | None:
        ids = list(state.lanes[track].ids()) if track else []
        return self.random.choice(ids) if ids else None


def spot(state: Sequence, id_: str) -> Spot:
    """Returns where the item is, as an op records it."""
    home = state.home[id_]
    if state.tracks[home].placement == "free":
        return Spot(home, start=state.slot(id_).start)
    lefts = state.lanes[home].lefts(id_, ANCHORS)
    return Spot(home, lefts[0] if lefts else None, lefts)


def removal(state: Sequence, id_: str) -> list[Op]:
    """Returns the ops that remove an item with its transitions and markers."""
    at = spot(state, id_)
    marks: list[Op] = [MarkerSet(m.id, m, None) for m in state.markers.values() if m.item == id_]
    gone = ItemRemoved(at.track, state.items[id_], at.after, at.lefts, at.start)
    return [*transitions_gone(state, id_), *sorted(marks, key=lambda op: op.marker), gone]  # type: ignore[union-attr]


def transitions_gone(state: Sequence, id_: str) -> list[Op]:
    found = sorted(key for key, t in state.transitions.items() if id_ in (t.left, t.right))
    return [TransitionSet(key, state.transitions[key], None) for key in found]


def sequence_after(random: Random, edits: int, start: Sequence = EMPTY, prefix: str = "") -> Sequence:
    """Returns a sound sequence after so many random edits."""
    editor = Editor(random, prefix)
    for _ in range(edits):
        start = apply_all(start, editor.edit(start))
    return start
