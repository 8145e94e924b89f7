"""Random reels and random edits of them, with the truth kept: who is who, and what was done.

All that is random comes from a seeded `Random`, so that a figure can be had again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.commands import (
    EditCommand,
    ExtractItems,
    InsertItem,
    LiftItems,
    MoveItems,
    OverwriteItem,
    Place,
    RemoveTransition,
    ReplaceSource,
    RippleTrimItem,
    RollCut,
    SetEnabled,
    SetMarker,
    SetSpeed,
    SetTransition,
    SlipItem,
    SplitItem,
    TrimItem,
)
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.lane import Slot
from genlock.timeline.model import Gap, Item, Marker, Media, Source, Track, Transition
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.sequence import Sequence, apply_all

LENGTH: Final = 4_000
"""Frames of each file."""


def path(source: Source) -> str:
    """Returns where the file of a source lies, in every reel."""
    return f"/project/media/{source.media}.mov" if isinstance(source, Media) else ""


def reel(random: Random, clips: int, *, tracks: int = 4, media: int = 60, sound: bool = True) -> Sequence:
    """Returns a sequence: V1 magnetic, further video tracks and one of sound free, a few dissolves and markers."""
    parts, transitions, markers = [], [], []
    for t in range(tracks):
        audio = sound and t == tracks - 1 > 0
        name = "A1" if audio else f"V{t + 1}"
        track = Track(f"t{t}", "audio" if audio else "video", name, "free" if t else "magnetic")
        placed: list[Placed] = []
        at = 0
        for k in range(clips // tracks + (t < clips % tracks)):
            item = _clip(random, f"i{t}-{k}", f"m{random.randrange(media)}")
            hole = random.randrange(1, 48) if t and random.random() < 0.2 else 0
            if placed and not hole and random.random() < 0.05:
                transitions.append(Transition(placed[-1].item.id, item.id, 3, 3))
            if random.random() < 0.05:
                markers.append(Marker(f"k{t}-{k}", item.source_in + random.randrange(item.duration), item=item.id))
            at += hole
            placed.append(Placed(item, at if t else None))
            at += item.duration
        parts.append(TrackContent(track, tuple(placed)))
    markers.extend(Marker(f"s{k}", random.randrange(clips * 16), name=f"note {k}") for k in range(clips // 50))
    content = Content("Reel", Rate(24), start_frame=86400, tracks=tuple(parts), markers=tuple(markers))
    return restore("b" * 32, 1, replace(content, transitions=tuple(sorted(transitions, key=lambda one: one.key))))


def _clip(random: Random, id_: str, media: str) -> Item:
    length = random.randrange(12, 120)
    return Item(id_, Media(media, 0, LENGTH), length, f"clip {id_}", random.randrange(10, LENGTH - 400))


class Made(Struct, frozen=True):
    """One edit that was made: its kind, the item it was about (the new one where there is one), and how many ops it
    took."""

    kind: str
    item: str
    ops: int


class Script:
    """Makes random edits, as a person would: commands that are decided on; what is refused is not counted."""

    def __init__(
        self,
        random: Random,
        name: str = "edit",
        kinds: tuple[str, ...] = (),
        part: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """`kinds` limits what is done, `part` where: to items that start in that part of their track."""
        self._random = random
        self._name = name
        self._part = part
        self._count = 0
        self._kinds = [(kind, make) for kind, make in _KINDS if not kinds or kind in kinds]

    def run(self, state: Sequence, count: int) -> tuple[Sequence, list[Made]]:
        """Returns the state after `count` edits, and the edits."""
        made: list[Made] = []
        for _ in range(count * 20):
            if len(made) == count:
                break
            done = self._edit(state)
            if done is not None:
                state, edit = done
                made.append(edit)
        return state, made

    def _edit(self, state: Sequence) -> tuple[Sequence, Made] | None:
        random = self._random
        picked, other = _pick(random, state, self._part), _pick(random, state, self._part)
        if picked is None or other is None:
            return None
        self._count += 1
        new = f"{self._name}{self._count}"
        kind, make = random.choice(self._kinds)
        command = make(Chance(random, state, *picked, other[0], new))
        if command is None:
            return None
        decision = decide(state, command, Context(f"{self._name}-{self._count}"))
        if isinstance(decision, Refusal) or not decision.ops:
            return None
        about = new if kind in ("insert", "duplicate", "marker") else picked[0].id
        return apply_all(state, decision.ops), Made(kind, about, len(decision.ops))


def _pick(random: Random, state: Sequence, part: tuple[float, float]) -> tuple[Slot, Item] | None:
    track = random.choice(state.order)
    end = state.lanes[track].end
    slot = state.lanes[track].upto(int(end * random.uniform(*part))) if end else None
    if slot is None or isinstance(state.items[slot.id].source, Gap):
        return None
    return slot, state.items[slot.id]


class Chance(NamedTuple):
    """What an edit may be about: an item with its place, another place, and an id that is free."""

    random: Random
    state: Sequence
    slot: Slot
    item: Item
    other: Slot
    new: str

    @property
    def track(self) -> str:
        return self.state.home[self.slot.id]

    @property
    def there(self) -> str:
        """The track of the other place."""
        return self.state.home[self.other.id]

    @property
    def right(self) -> Slot | None:
        """The item that touches the end of this one."""
        found = self.state.lanes[self.track].after(self.slot.id)
        return found if found is not None and found.start == self.slot.end else None

    def alike(self) -> bool:
        """Returns whether both places are for picture or both for sound."""
        return self.state.tracks[self.track].kind == self.state.tracks[self.there].kind


Maker = Callable[[Chance], EditCommand | None]


def _trim_head(c: Chance) -> EditCommand | None:
    return _trim(c, "head", 1, max(2, c.slot.duration // 2))


def _trim_tail(c: Chance) -> EditCommand | None:
    return _trim(c, "tail", -(c.slot.duration // 2), -1)


def _trim(c: Chance, edge: Literal["head", "tail"], low: int, high: int) -> EditCommand | None:
    if c.slot.duration < 4:
        return None
    delta = c.random.randint(low, high)
    if c.random.random() < 0.5:
        return RippleTrimItem(c.slot.id, edge, delta, sync=False)
    return TrimItem(c.slot.id, edge, delta)


def _extend(c: Chance) -> EditCommand:
    return RippleTrimItem(c.slot.id, "tail", c.random.randint(1, 40), sync=False)


def _slip(c: Chance) -> EditCommand:
    return SlipItem(c.slot.id, c.random.choice((-1, 1)) * c.random.randint(1, 12))


def _roll(c: Chance) -> EditCommand | None:
    return RollCut(c.slot.id, c.right.id, c.random.choice((-1, 1)) * c.random.randint(1, 8)) if c.right else None


def _split(c: Chance) -> EditCommand | None:
    if c.slot.duration <= 8:
        return None
    return SplitItem(c.slot.id, c.slot.start + c.random.randint(3, c.slot.duration - 3))


def _delete(c: Chance) -> EditCommand:
    return ExtractItems((c.slot.id,), sync=False) if c.random.random() < 0.5 else LiftItems((c.slot.id,))


def _insert(c: Chance) -> EditCommand:
    made = _clip(c.random, c.new, f"n{c.random.randrange(10**6)}")
    if c.random.random() < 0.2:
        return OverwriteItem(c.track, c.slot.start, replace(made, duration=min(8, c.slot.duration)))
    return InsertItem(Place(c.track, after=c.slot.id), made, sync=False)


def _duplicate(c: Chance) -> EditCommand | None:
    if not c.alike():
        return None
    return InsertItem(Place(c.there, after=c.other.id), replace(c.item, id=c.new, link=None), sync=False)


def _move(c: Chance) -> EditCommand | None:
    if c.other.id == c.slot.id or c.there != c.track:
        return None
    return MoveItems((c.slot.id,), Place(c.track, after=c.other.id), ripple=True, sync=False)


def _move_across(c: Chance) -> EditCommand | None:
    if c.there == c.track or not c.alike():
        return None
    return MoveItems((c.slot.id,), Place(c.there, after=c.other.id), ripple=True, sync=False)


def _toggle(c: Chance) -> EditCommand:
    return SetEnabled((c.slot.id,), not c.item.enabled)


def _replace(c: Chance) -> EditCommand | None:
    if not isinstance(c.item.source, Media):
        return None
    stem, _, version = c.item.source.media.partition("_v")
    newer = replace(c.item.source, media=f"{stem}_v{int(version or 1) + 1}")
    return ReplaceSource(c.slot.id, newer, c.item.source_in)


def _retime(c: Chance) -> EditCommand:
    speed = Speed(*c.random.choice(((2, 1), (1, 2), (3, 4))))
    return SetSpeed(c.slot.id, speed, ripple=c.random.random() < 0.5, sync=False)


def _transition(c: Chance) -> EditCommand | None:
    if c.right is None or isinstance(c.state.items[c.right.id].source, Gap):
        return None
    if f"{c.slot.id}>{c.right.id}" in c.state.transitions:
        return RemoveTransition(c.slot.id, c.right.id)
    length = c.random.randint(1, 3)
    return SetTransition(c.slot.id, c.right.id, length, length)


def _marker(c: Chance) -> EditCommand:
    start = c.item.source_in + c.random.randrange(c.slot.duration)
    return SetMarker(Marker(c.new, start, item=c.slot.id, name=c.new))


_KINDS: Final[tuple[tuple[str, Maker], ...]] = (
    ("trim", _trim_head),
    ("trim", _trim_tail),
    ("trim", _extend),
    ("slip", _slip),
    ("roll", _roll),
    ("split", _split),
    ("delete", _delete),
    ("insert", _insert),
    ("duplicate", _duplicate),
    ("move", _move),
    ("cross", _move_across),
    ("toggle", _toggle),
    ("replace", _replace),
    ("retime", _retime),
    ("transition", _transition),
    ("marker", _marker),
)


def stripped(state: Sequence) -> tuple[Content, dict[str, str]]:
    """Returns the content under new ids that tell nothing, and new item id -> true one (Gap items left out)."""
    content, truth = content_of(state), {}
    tracks, items = [], {}
    for t, part in enumerate(content.tracks):
        row = []
        for k, placed in enumerate(part.items):
            id_ = f"r{t}x{k}"
            items[placed.item.id] = id_
            if not isinstance(placed.item.source, Gap):
                truth[id_] = placed.item.id
            link = placed.item.link and f"g{placed.item.link}"
            row.append(Placed(replace(placed.item, id=id_, link=link), placed.start))
        tracks.append(TrackContent(replace(part.track, id=f"q{t}"), tuple(row)))
    transitions = [
        replace(one, left=items.get(one.left or ""), right=items.get(one.right or "")) for one in content.transitions
    ]
    markers = [replace(m, id=f"n{k}", item=items[m.item] if m.item else None) for k, m in enumerate(content.markers)]
    made = replace(content, tracks=tuple(tracks), transitions=tuple(transitions), markers=tuple(markers))
    return made, truth
