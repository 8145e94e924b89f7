"""What one side did to the order and the places of one track.

A track is read as rows of clips with room between them, Gap items being room like any other: their ids say nothing, for
a reader makes them afresh. Of the clips that base and side share, those that kept their order *stay*; the others were
placed anew. Between two that stay, something may have come, gone or been trimmed. Whether what lies behind moved along (a
ripple) or not (it was absorbed by room) is told by how far it moved, cause by cause.

Places are measured at an item's *origin*: where its first frame of base lies or would lie, so that a trimmed front does
not look like a move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Final, NamedTuple

from genlock.timeline.diff import longest_rising
from genlock.timeline.lane import Lane, Slot
from genlock.timeline.merge.registers import Trim
from genlock.timeline.model import Gap
from genlock.timeline.sequence import Sequence

Cause = tuple[str, str]
""""out" and "in" (an end of a clip was trimmed), "gone" and "new" (a clip left or came), "room" (no other cause), and the
id of the clip."""

APART: Final = 8
"""How many clips in a row may have been moved one by one rather than as a ripple and another one back."""

MOST: Final = 5
"""Causes at one place that are told apart; more of them count all together or not at all."""


class Step(NamedTuple):
    """What changed between a clip that stays and the one that stays before it: causes with the frames each adds."""

    rippled: dict[Cause, int]
    absorbed: dict[Cause, int]


class Survey(NamedTuple):
    """One side of one track.

    `stay` are the clips that kept their order, `steps` what changed before each of them (None: behind the last), `apart`
    by how many frames a clip was moved on its own (free tracks), `level` how far everything moved at each, ripples alone.
    """

    rows: list[Slot]
    stay: list[str]
    steps: dict[str, Step]
    apart: dict[str, int]
    level: dict[str, int]
    before: dict[str, str | None]


def rows(state: Sequence, track: str) -> list[Slot]:
    """Returns where the clips of a track lie, Gap items left out; empty when there is no such track."""
    lane = state.lanes.get(track)
    if lane is None:
        return []
    items = state.items
    if state.tracks[track].placement == "free":
        return list(lane)
    return [slot for slot in lane if not isinstance(items[slot.id].source, Gap)]


def same_lane(one: Lane | None, two: Lane | None) -> bool:
    return one is two or (one is not None and two is not None and one == two)


def survey(base: list[Slot], side: list[Slot], trims: Callable[[str], Trim], *, free: bool) -> Survey:
    """Compares the rows of one track; `trims` tells how far a clip of both was trimmed."""
    rank = {slot.id: n for n, slot in enumerate(side)}
    staying = longest_rising([slot.id for slot in base], rank)
    old = {slot.id: slot for slot in base}
    stay = [slot.id for slot in side if slot.id in staying]
    at = {slot.id: slot for slot in side}
    seams = _seams(base, side, staying)
    before: dict[str, str | None] = {}
    found = Survey(side, stay, {}, {}, {}, before)
    moved: dict[str, int] = {}
    causes: dict[str, dict[Cause, int]] = {}
    left: str | None = None
    for id_ in stay:
        before[id_] = left
        moved[id_] = at[id_].start - trims(id_).head - old[id_].start
        causes[id_] = seams.get(id_, {})
        if left is not None and (tail := trims(left).tail):
            causes[id_] = {("out", left): tail, **causes[id_]}
        if head := trims(id_).head:
            causes[id_] = {("in", id_): -head, **causes[id_]}  # first: a slip is likelier than two trims that match it
        left = id_
    (_explain_free if free else _explain_magnetic)(found, moved, causes)
    return found


def _seams(base: list[Slot], side: list[Slot], staying: set[str]) -> dict[str, dict[Cause, int]]:
    """Returns for each clip that stays what went and came before it."""
    found: dict[str, dict[Cause, int]] = {}
    for row, name, sign in ((base, "gone", -1), (side, "new", 1)):
        waiting: dict[Cause, int] = {}
        for slot in row:
            if slot.id not in staying:
                waiting[name, slot.id] = sign * slot.duration
            elif waiting:
                found[slot.id] = {**found.get(slot.id, {}), **waiting}
                waiting = {}
    return found


def _explain_magnetic(found: Survey, moved: Mapping[str, int], causes: Mapping[str, dict[Cause, int]]) -> None:
    """On a magnetic track what comes and goes pushes and pulls by itself; the rest is room."""
    level = 0
    for id_ in found.stay:
        delta, why = moved[id_] - level, causes[id_]
        level = found.level[id_] = moved[id_]
        if not delta and not why:
            continue
        rippled = explained(why, delta)
        if rippled is None:
            rippled = {**why, ("room", id_): delta - sum(why.values())}
        found.steps[id_] = Step(rippled, {key: n for key, n in why.items() if key not in rippled})


def _explain_free(found: Survey, moved: Mapping[str, int], causes: Mapping[str, dict[Cause, int]]) -> None:
    """On a free track nothing moves unless somebody moved it: clips on their own, or all that follows."""
    level, at, stay = 0, 0, found.stay
    while at < len(stay):
        id_ = stay[at]
        delta, why = moved[id_] - level, causes[id_]
        rippled = {} if not delta else explained(why, delta)
        if rippled is None:
            until = _back(stay, at, level, moved, causes)
            if until is not None:
                for name in stay[at:until]:
                    found.apart[name] = moved[name] - level
                    found.level[name] = level
                    if causes[name]:
                        found.steps[name] = Step({}, causes[name])
                at = until
                continue
            rippled = {("room", id_): delta}
        level = found.level[id_] = moved[id_]
        if delta or why:
            found.steps[id_] = Step(rippled, {key: n for key, n in why.items() if key not in rippled})
        at += 1


def _back(
    stay: list[str], at: int, level: int, moved: Mapping[str, int], causes: Mapping[str, dict[Cause, int]]
) -> int | None:
    """Returns where, soon behind, things lie as if the clips from `at` on had been moved on their own; None: nowhere."""
    for until in range(at + 1, min(len(stay), at + APART) + 1):
        if until == len(stay):
            return until if until == at + 1 else None
        delta = moved[stay[until]] - level
        if not delta or explained(causes[stay[until]], delta) is not None:
            return until
    return None


def explained(causes: dict[Cause, int], delta: int) -> dict[Cause, int] | None:
    """Returns the largest choice of causes that makes up the displacement; None when there is none."""
    if sum(causes.values()) == delta:
        return causes
    if len(causes) > MOST:
        return None if delta else {}
    for size in range(len(causes) - 1, -1, -1):
        for chosen in combinations(causes.items(), size):
            if sum(amount for _, amount in chosen) == delta:
                return dict(chosen)
    return None


def by_cause(seen: Survey) -> dict[Cause, tuple[str, int, bool]]:
    """Returns cause -> (clip it comes before, frames, whether it rippled)."""
    found: dict[Cause, tuple[str, int, bool]] = {}
    for id_, step in seen.steps.items():
        for part, rippled in ((step.rippled, True), (step.absorbed, False)):
            for cause, amount in part.items():
                found[cause] = (id_, amount, rippled)
    return found
