"""What a file says and the model refuses is settled here, so that every file that can be read makes a sound sequence.

Editing systems write transitions over material that is not there (the handles are on another server) or that are longer
than their clips. What the file said stays with the objects and is written back while they are not changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import to_builtins
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.timeline.check import FURTHEST, violations_after
from genlock.timeline.decision import Conflict
from genlock.timeline.events import Content, TrackContent, restore
from genlock.timeline.layout import handles
from genlock.timeline.model import Item, Media, Nested, Shot, Transition
from genlock.timeline.ops import TransitionSet
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all
from genlock_otio.keeping import KEEP, kept
from genlock_otio.times import range_json, time_json

ROUNDS: Final = 4
LONGEST_NAME: Final = 200


def settled(content: Content, warn: Callable[[str], None]) -> Content:
    """Returns the content with transitions the model accepts: handles that are not there count as unknown, transitions
    longer than their clips are shortened, and what remains impossible is left out.

    Raises BadInput(bad_time) for a cut that goes on for longer than a sequence can.
    """
    _bounded(content)
    for last in [False] * (ROUNDS - 1) + [True]:
        if not content.transitions:
            break
        state = restore("0" * 32, 1, replace(content, transitions=()))
        ops = [TransitionSet(t.key, None, t) for t in content.transitions]
        after = apply_all(state, ops)
        found = violations_after(state, ops, after)
        if not found:
            break
        content = _without(content, after, found, warn) if last else _eased(content, after, found, warn)
    return content


def _bounded(content: Content) -> None:
    for part in content.tracks:
        last = part.items[-1] if part.items else None
        total = sum(placed.item.duration for placed in part.items)
        end = total if last is None or last.start is None else last.start + last.item.duration
        if max(total, end) > FURTHEST:
            name = part.track.name or part.track.kind
            raise BadInput("bad_time", f"The track {name!r} of {content.name} is longer than any film.")


def presentable(name: str) -> str:
    """Returns the name as a sequence may have it: visible, printable, not endless."""
    return "".join(c if c.isprintable() else " " for c in name)[:LONGEST_NAME].strip() or "Untitled"


def _eased(content: Content, state: Sequence, found: list[Conflict], warn: Callable[[str], None]) -> Content:
    unknown: set[str] = set()
    short: set[str] = set()
    for conflict in found:
        if conflict.code == "not_enough_handle" and (it := state.transitions.get(conflict.id)) is not None:
            unknown |= _lacking(it, state)
        elif conflict.code == "too_short":
            short.add(conflict.id)
    if unknown:
        warn("Transitions reach beyond the range their media gives; the handles of those clips are unknown.")
    if short:
        warn("Transitions longer than their clips were shortened.")
    parts = (
        tuple(_with_unknown_ends(part, unknown, content.rate) for part in content.tracks) if unknown else content.tracks
    )
    made = _shortened(content.transitions, state, short)
    gone = [t for t in content.transitions if t.key not in made]
    return _remembering(replace(content, tracks=parts, transitions=tuple(made.values())), gone)


def _lacking(it: Transition, state: Sequence) -> set[str]:
    """Returns the sides of a transition whose media has too little handle."""
    found = set()
    if (
        it.left is not None
        and (tail := handles(state.items[it.left], state.rate)[1]) is not None
        and tail < it.out_offset
    ):
        found.add(it.left)
    if (
        it.right is not None
        and (head := handles(state.items[it.right], state.rate)[0]) is not None
        and head < it.in_offset
    ):
        found.add(it.right)
    return found


def _without(content: Content, state: Sequence, found: list[Conflict], warn: Callable[[str], None]) -> Content:
    bad = {conflict.id for conflict in found}
    warn("Transitions that cannot be were left out.")
    rest = tuple(t for t in content.transitions if bad.isdisjoint({t.key, t.left, t.right}))
    gone = [t for t in content.transitions if t not in rest]
    return _remembering(replace(content, transitions=rest), gone)


def _remembering(content: Content, gone: list[Transition]) -> Content:
    """Keeps transitions that cannot be with one of their clips, so that they are written back where they were."""
    for transition in gone:
        owner = transition.left or transition.right
        parts = []
        for part in content.tracks:
            row = [p if p.item.id != owner else replace(p, item=_owning(p.item, transition)) for p in part.items]
            parts.append(replace(part, items=tuple(row)))
        content = replace(content, tracks=tuple(parts))
    return content


def _owning(item: Item, transition: Transition) -> Item:
    old = kept(item.foreign)
    return replace(
        item,
        foreign={**item.foreign, KEEP: {**old, "impossible": [*old.get("impossible", ()), to_builtins(transition)]}},
    )


def _with_unknown_ends(part: TrackContent, items: set[str], rate: Rate) -> TrackContent:
    if items.isdisjoint(placed.item.id for placed in part.items):
        return part
    placed = (replace(p, item=_with_unknown_end(p.item, rate)) if p.item.id in items else p for p in part.items)
    return replace(part, items=tuple(placed))


def _with_unknown_end(item: Item, rate: Rate) -> Item:
    source = item.source
    if not isinstance(source, Media | Shot | Nested) or source.frames is None:
        return item
    endless = replace(source, frames=None)
    if not isinstance(endless, Media):
        return replace(item, source=endless)
    own = endless.rate or rate
    reference = dict(kept(item.foreign).get("reference", {}))
    plain = range_json(source.first, own, source.frames, own)
    verbatim = reference["range"][0] if "range" in reference else plain
    facts = [endless.first, None, [own.num, own.den] if endless.rate else None]
    reference |= {"range": [verbatim, facts], "of": endless.media}
    return replace(item, source=endless, foreign={**item.foreign, KEEP: {**kept(item.foreign), "reference": reference}})


def _shortened(transitions: tuple[Transition, ...], state: Sequence, short: set[str]) -> dict[str, Transition]:
    """Gives the frames of each clip that is too short first to the transition at its head; those with none left go."""
    made = {t.key: t for t in transitions}
    heads = {t.right: t.key for t in transitions if t.right in short}
    tails = {t.left: t.key for t in transitions if t.left in short}
    for id_ in sorted(short):
        length = state.items[id_].duration
        if id_ in heads:
            head = made[heads[id_]]
            made[head.key] = replace(head, out_offset=min(head.out_offset, length))
            length -= made[head.key].out_offset
        if id_ in tails:
            tail = made[tails[id_]]
            made[tail.key] = replace(tail, in_offset=min(tail.in_offset, length))
    told = {t.key: _told(made[t.key], t, state.rate) for t in transitions}
    return {key: now for key, now in told.items() if now.in_offset + now.out_offset}


def _told(now: Transition, before: Transition, rate: Rate) -> Transition:
    """Returns the shortened transition with what the file said kept for it."""
    if now == before:
        return now
    plain = [time_json(before.in_offset, rate), time_json(before.out_offset, rate)]
    old = kept(before.foreign)
    offsets = [old["offsets"][0] if "offsets" in old else plain, [now.in_offset, now.out_offset]]
    return replace(now, foreign={**before.foreign, KEEP: {**old, "offsets": offsets}})
