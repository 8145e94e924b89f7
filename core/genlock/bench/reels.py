"""Random reels and random edits of them, with the truth kept: who is who, and what was done.

All that is random comes from a seeded `Random`, so that a figure can be had again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final, Literal

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
from genlock.timeline.ops import Op
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
    """One edit that was made: its kind, the item it was about, and how many ops it took."""

    kind: str
    item: str
    ops: int


class Script:
    """Makes random edits, as a person would: commands that are decided on; what is refused is not counted."""

    def __init__(self, random: Random, name: str = "edit", kinds: tuple[str, ...] = ()) -> None:
        self._random = random
        self._name = name
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
        picked = _pick(random, state)
        if picked is None:
            return None
        self._count += 1
        slot, item = picked
        kind, make = random.choice(self._kinds)
        command = make(random, state, slot, item, f"{self._name}{self._count}")
        if command is None:
            return None
        decision = decide(state, command, Context(f"{self._name}-{self._count}"))
        if isinstance(decision, Refusal) or not decision.ops:
            return None
        return apply_all(state, decision.ops), Made(kind, item.id, _counted(decision.ops))


def _counted(ops: tuple[Op, ...]) -> int:
    return len(ops)


def _pick(random: Random, state: Sequence) -> tuple[Slot, Item] | None:
    track = random.choice(state.order)
    end = state.lanes[track].end
    slot = state.lanes[track].upto(random.randrange(end)) if end else None
    if slot is None or isinstance(state.items[slot.id].source, Gap):
        return None
    return slot, state.items[slot.id]


Maker = Callable[[Random, Sequence, Slot, Item, str], EditCommand | None]


def _trim_head(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    return _trim(random, slot, "head", 1, max(2, slot.duration // 2))


def _trim_tail(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    return _trim(random, slot, "tail", -(slot.duration // 2), -1)


def _trim(random: Random, slot: Slot, edge: Literal["head", "tail"], low: int, high: int) -> EditCommand | None:
    if slot.duration < 4:
        return None
    delta = random.randint(low, high)
    return RippleTrimItem(slot.id, edge, delta, sync=False) if random.random() < 0.5 else TrimItem(slot.id, edge, delta)


def _extend(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand:
    return RippleTrimItem(slot.id, "tail", random.randint(1, 40), sync=False)


def _slip(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand:
    return SlipItem(slot.id, random.choice((-1, 1)) * random.randint(1, 12))


def _roll(random: Random, state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    right = state.lanes[state.home[slot.id]].after(slot.id)
    if right is None or right.start != slot.end:
        return None
    return RollCut(slot.id, right.id, random.choice((-1, 1)) * random.randint(1, 8))


def _split(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    return SplitItem(slot.id, slot.start + random.randint(3, slot.duration - 3)) if slot.duration > 8 else None


def _delete(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand:
    return ExtractItems((slot.id,), sync=False) if random.random() < 0.5 else LiftItems((slot.id,))


def _insert(random: Random, state: Sequence, slot: Slot, _item: Item, new: str) -> EditCommand:
    made = _clip(random, new, f"n{random.randrange(10**6)}")
    if random.random() < 0.2:
        return OverwriteItem(state.home[slot.id], slot.start, replace(made, duration=min(8, slot.duration)))
    return InsertItem(Place(state.home[slot.id], after=slot.id), made, sync=False)


def _duplicate(random: Random, state: Sequence, _slot: Slot, item: Item, new: str) -> EditCommand | None:
    other = _pick(random, state)
    if other is None or state.tracks[state.home[other[0].id]].kind != state.tracks[state.home[item.id]].kind:
        return None
    copy = replace(item, id=new, link=None)
    return InsertItem(Place(state.home[other[0].id], after=other[0].id), copy, sync=False)


def _move(random: Random, state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    other = _pick(random, state)
    if other is None or other[0].id == slot.id or state.home[other[0].id] != state.home[slot.id]:
        return None
    return MoveItems((slot.id,), Place(state.home[slot.id], after=other[0].id), ripple=True, sync=False)


def _move_across(random: Random, state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    other = _pick(random, state)
    here = state.home[slot.id]
    if other is None or (there := state.home[other[0].id]) == here:
        return None
    if state.tracks[here].kind != state.tracks[there].kind:
        return None
    return MoveItems((slot.id,), Place(there, after=other[0].id), ripple=True, sync=False)


def _toggle(_random: Random, _state: Sequence, slot: Slot, item: Item, _new: str) -> EditCommand:
    return SetEnabled((slot.id,), not item.enabled)


def _replace(random: Random, _state: Sequence, slot: Slot, item: Item, _new: str) -> EditCommand | None:
    if not isinstance(item.source, Media):
        return None
    stem, _, version = item.source.media.partition("_v")
    newer = replace(item.source, media=f"{stem}_v{int(version or 1) + 1}")
    return ReplaceSource(slot.id, newer, item.source_in)


def _retime(random: Random, _state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand:
    return SetSpeed(slot.id, Speed(*random.choice(((2, 1), (1, 2), (3, 4)))), ripple=random.random() < 0.5, sync=False)


def _transition(random: Random, state: Sequence, slot: Slot, _item: Item, _new: str) -> EditCommand | None:
    right = state.lanes[state.home[slot.id]].after(slot.id)
    if right is None or right.start != slot.end or isinstance(state.items[right.id].source, Gap):
        return None
    if f"{slot.id}>{right.id}" in state.transitions:
        return RemoveTransition(slot.id, right.id)
    length = random.randint(1, 3)
    return SetTransition(slot.id, right.id, length, length)


def _marker(random: Random, _state: Sequence, slot: Slot, item: Item, new: str) -> EditCommand:
    return SetMarker(Marker(new, item.source_in + random.randrange(slot.duration), item=slot.id, name=new))


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
