"""Two editors who work apart from each other on one cut: what the property tests of the merge are made of.

Each edit is an intent that names a clip, so that it can be carried out on any version of the cut: base, the other one's, or
both one after the other. The clips are dealt out by number, so that two editors never work on neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct

from genlock.timeline.commands import (
    EditCommand,
    ExtractItems,
    InsertItem,
    LiftItems,
    MoveItems,
    Place,
    RenameItem,
    RippleTrimItem,
    SetEffects,
    SetEnabled,
    SlipItem,
    SplitItem,
    TrimItem,
)
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Gap, Item, Media, Track
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all

APART = 4
"""Every fourth clip is an editor's own; the ones between are nobody's."""


class Intent(Struct, frozen=True):
    """One edit, to be made on whatever the cut is by then."""

    command: Callable[[Sequence], EditCommand]
    id: str

    def carry_out(self, state: Sequence) -> Sequence | None:
        answer = decide(state, self.command(state), Context(self.id))
        return apply_all(state, answer.ops) if isinstance(answer, Decision) else None


def reel(random: Random, clips: int) -> Sequence:
    """A cut with a magnetic and two free tracks, with room here and there."""
    parts = []
    for name, placement in (("V1", "magnetic"), ("V2", "free"), ("A1", "free")):
        placed, at = [], 0
        for n in range(clips):
            room = random.choice([0, 0, 0, 20, 35])
            item = Item(
                f"{name}c{n}",
                Media(f"m{n}", 0, 100_000),
                random.randrange(12, 60),
                f"SH{n:03}",
                random.randrange(100, 500),
            )
            if room and placement == "magnetic":
                placed.append(Placed(Item(f"{name}g{n}", Gap(), room)))
            at += room
            placed.append(Placed(item, at if placement == "free" else None))
            at += item.duration
        kind = "audio" if name == "A1" else "video"
        parts.append(TrackContent(Track(name, kind, name, placement), tuple(placed)))  # type: ignore[arg-type]
    return restore("0" * 32, 1, Content("Reel", Rate(24), tracks=tuple(parts)))


class TwoEditors:
    """Carries out random edits: each editor's alone on base, and all of them one after the other."""

    def __init__(self, seed: int, clips: int = 24, edits: int = 5) -> None:
        self.random = Random(seed)
        self.base = self.ours = self.theirs = self.both = reel(self.random, clips)
        self._count = 0
        self._used: set[str] = set()
        for _ in range(edits):
            self._edit("ours", clips, 1)
            self._edit("theirs", clips, 1 + APART // 2)

    def _edit(self, side: str, clips: int, first: int) -> None:
        track = self.random.choice(["V1", "V2", "A1"])
        id_ = f"{track}c{self.random.randrange(first, clips, APART)}"
        if id_ in self._used:
            return
        self._count += 1
        owns = [f"{track}c{n}" for n in range(first, clips, APART)]
        self.random.shuffle(owns)
        intent = self._intent(id_, track, f"{side}{self._count}", owns)
        alone, together = intent.carry_out(getattr(self, side)), intent.carry_out(self.both)
        if alone is not None and together is not None:
            self._used.add(id_)
            setattr(self, side, alone)
            self.both = together

    def _intent(self, id_: str, track: str, name: str, owns: list[str]) -> Intent:
        r = self.random
        delta = r.choice([n for n in range(-8, 9) if n])
        edge = r.choice(["head", "tail"])
        new = Item(f"i{name}", Media("new", 0, 1000), r.randrange(5, 30), f"New {name}")

        def insert(state: Sequence) -> EditCommand:
            return InsertItem(Place(track, at=state.slot(id_).start), new, sync=False)

        def split(state: Sequence) -> EditCommand:
            return SplitItem(id_, state.slot(id_).start + 5)

        def shift(state: Sequence) -> EditCommand:
            return MoveItems((id_,), Place(track, at=max(0, state.slot(id_).start + delta)))

        commands: list[Callable[[Sequence], EditCommand]] = [
            insert,
            split,
            lambda _: RippleTrimItem(id_, edge, delta, sync=False),  # type: ignore[arg-type]
            lambda _: TrimItem(id_, edge, delta),  # type: ignore[arg-type]
            lambda _: LiftItems((id_,)),
            lambda _: ExtractItems((id_,), sync=False),
            lambda _: SlipItem(id_, delta),
            lambda _: RenameItem(id_, f"New name {name}"),
            lambda _: SetEnabled((id_,), False),
            lambda _: SetEffects(id_, ({"blur": delta},)),
        ]
        if track != "V1":
            commands.append(shift)
        others = [own for own in owns if own != id_ and own not in self._used]
        if others:
            commands += [lambda _: MoveItems((id_,), Place(track, after=others[0]), ripple=True, sync=False)] * 2
        return Intent(r.choice(commands), name)


def without_gap_ids(state: Sequence) -> object:
    """Returns the content of a cut with room as room: Gap items by their place alone."""
    tracks = []
    for id_ in state.order:
        row = [
            (slot.start, slot.duration, None if isinstance(item.source, Gap) else item)
            for slot, item in state.placed(id_)
        ]
        room = [(start, duration) for start, duration, item in row if item is None]
        spans: list[tuple[int, int]] = []
        for start, duration in room:
            if spans and spans[-1][1] == start:
                spans[-1] = (spans[-1][0], start + duration)
            else:
                spans.append((start, start + duration))
        tracks.append((state.tracks[id_], [entry for entry in row if entry[2] is not None], spans))
    own = (state.name, state.drop_frame, state.start_frame, state.resolution, state.foreign)
    return own, tracks, dict(state.transitions), dict(state.markers)
