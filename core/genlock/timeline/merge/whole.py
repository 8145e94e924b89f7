"""The merge from end to end: attempts until the cut is sound, then conflicts with what settles them, then the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from operator import itemgetter
from typing import Final, Literal, assert_never

from msgspec import Struct

from genlock.timeline.check import new_violations
from genlock.timeline.decision import Conflict
from genlock.timeline.diff import diff
from genlock.timeline.merge.attempts import Attempt, Sides, attempt
from genlock.timeline.merge.remedies import Remedies
from genlock.timeline.merge.values import Found, Veto, Vetoes
from genlock.timeline.merge.words import THERE, Words, shown
from genlock.timeline.ops import ConflictSet, MergeConflict, Op
from genlock.timeline.sequence import Sequence, apply_all

Policy = Literal["ask", "ours", "theirs", "both"]
"""ask: conflicts stay open, ours stands. ours, theirs, both: settled that way at once where that can be done."""

ATTEMPTS: Final = 12
"""How often what does not fit is left out one by one before a whole track, and then all of theirs, is."""


class Merged(Struct, frozen=True):
    """`state` is ours after the merge and `ops` lead there, conflicts included. `conflicts` are those left open, `settled`
    those that the policy settled."""

    state: Sequence
    ops: tuple[Op, ...] = ()
    conflicts: tuple[MergeConflict, ...] = ()
    settled: tuple[MergeConflict, ...] = ()


def merge(
    base: Sequence,
    ours: Sequence,
    theirs: Sequence,
    *,
    policy: Policy = "ask",
    unsure: Mapping[str, tuple[str, ...]] | None = None,
    seed: str = "",
    there: str = THERE,
) -> Merged:
    """Returns ours with what theirs did since base.

    Ids mean the same in all three, Gap items excepted. `unsure` names items of theirs that might as well be others of
    base. Where both sides disagree ours stands and a conflict tells of it. The state is sound if ours is; the same input
    gives the same output, ids included (`seed` keeps those of several merges apart). `there` says in the conflicts' words
    where theirs was made.
    """
    sides = Sides(base, ours, theirs, unsure or {}, seed)
    vetoes, tried, ops, state = _sound(sides)
    if not tried.found:
        return Merged(state, ops)
    remedies, words = Remedies(sides, vetoes, state), Words(base, ours, theirs, there)
    disagreements = [(found, _conflict(found, words, remedies, seed)) for found in _sorted(tried.found)]
    left, settled = [conflict for _, conflict in disagreements], []
    match policy:
        case "ask":
            pass
        case "ours":
            left, settled = [], left
        case "theirs" | "both":
            left = []
            now = state
            for found, conflict in disagreements:
                made = _settled(Remedies(sides, vetoes, state, now), found, policy)
                (settled if made else left).append(conflict)
                ops, now = (*ops, *made), apply_all(now, made)
            state = now
        case _:
            assert_never(policy)
    return _opened(state, ops, tuple(left), tuple(settled))


def _settled(remedies: Remedies, found: Found, policy: Literal["theirs", "both"]) -> tuple[Op, ...]:
    """Returns the ops that settle a disagreement as the policy wants; none when that cannot be."""
    return remedies.theirs(found) if policy == "theirs" else remedies.both(found)


def _sound(sides: Sides) -> tuple[Vetoes, Attempt, tuple[Op, ...], Sequence]:
    """Tries until nothing of theirs is left that does not fit."""
    vetoes: Vetoes = {}
    for count in range(ATTEMPTS + 1):
        if count == ATTEMPTS or Veto("all", sides.ours.id) in vetoes:
            break
        tried = attempt(sides, vetoes)
        if tried.vetoes:
            vetoes |= _widened(tried.vetoes, vetoes, sides)
            continue
        ops = diff(sides.ours, tried.target)
        state = apply_all(sides.ours, ops)
        broken = new_violations(sides.ours, ops, state)
        if not broken:
            return vetoes, tried, ops, state
        vetoes |= _widened(_blamed(sides, tried.target, state, broken, vetoes), vetoes, sides)
    found = Found("no_room", sides.ours.id)
    return vetoes, Attempt(sides.ours, (found,), {}), (), sides.ours


def _widened(new: Vetoes, known: Vetoes, sides: Sides) -> Vetoes:
    """Returns the new vetoes; one that is known already and did not help becomes one of its track, then of everything."""
    found: Vetoes = {}
    for veto, kind in new.items():
        if veto not in known:
            found[veto] = kind
            continue
        home = sides.ours.home.get(veto.about) or sides.theirs.home.get(veto.about) or veto.track
        wider = Veto("track", home)
        if wider not in known and home in sides.ours.tracks:
            found[wider] = kind
        else:
            found[Veto("all", sides.ours.id)] = kind
    return found


def _blamed(sides: Sides, target: Sequence, state: Sequence, broken: Iterable[Conflict], vetoes: Vetoes) -> Vetoes:
    """Returns what of theirs to leave out because of what would be wrong otherwise."""
    found: Vetoes = {}
    for conflict in broken:
        id_ = conflict.id
        if id_ in target.transitions:
            _transition(sides, state, conflict, vetoes, found)
        elif id_ in target.markers:
            found[Veto("marker", id_)] = "removed_here"
        elif id_ in state.items:
            _item(sides, state, conflict, vetoes, found)
        elif id_ in sides.ours.tracks:
            found[Veto("track", id_)] = "no_room"
        else:
            found[Veto("all", sides.ours.id)] = "no_room"
    return found


def _transition(sides: Sides, state: Sequence, conflict: Conflict, vetoes: Vetoes, found: Vetoes) -> None:
    key = conflict.id
    it, ours = state.transitions[key], sides.ours.transitions.get(key)
    parted = conflict.code != "not_enough_handle"
    if it != ours and Veto("transition", key) not in vetoes:
        found[Veto("transition", key)] = "transition_lost" if parted else "no_handle"
        return
    if not parted:
        for id_ in (it.left, it.right):
            if id_ is not None and _trimmed(sides, state, id_) and Veto("range", id_) not in vetoes:
                found[Veto("range", id_)] = "no_handle"
                return
    found[Veto("gone", key)] = "transition_lost"


def _item(sides: Sides, state: Sequence, conflict: Conflict, vetoes: Vetoes, found: Vetoes) -> None:
    id_ = conflict.id
    of_range = conflict.code in ("too_short", "outside_media", "bad_value")
    if of_range and Veto("range", id_) not in vetoes and _trimmed(sides, state, id_):
        found[Veto("range", id_)] = "no_handle"
        return
    if conflict.code == "too_short":
        beside = sorted(
            (key, it) for key, it in sorted(state.transitions.items(), key=itemgetter(0)) if id_ in (it.left, it.right)
        )
        new = [key for key, it in beside if it != sides.ours.transitions.get(key)]
        for key in new:
            if Veto("transition", key) not in vetoes:
                found[Veto("transition", key)] = "transition_lost"
                return
        for key, _ in beside:
            found[Veto("gone", key)] = "transition_lost"
            return
    if conflict.code in ("overlap", "before_start") and Veto("place", id_) not in vetoes:
        found[Veto("place", id_)] = "no_room"
        return
    found[Veto("item", id_)] = "no_handle" if conflict.code == "outside_media" else "no_room"


def _trimmed(sides: Sides, state: Sequence, id_: str) -> bool:
    """Returns whether theirs changed what the item shows."""
    ours, now = sides.ours.items.get(id_), state.items[id_]
    if ours is None or id_ not in sides.base.items:
        return False
    names = ("source", "speed", "source_in", "duration")
    return any(getattr(ours, name) != getattr(now, name) for name in names)


# -- conflicts


def _sorted(found: Iterable[Found]) -> list[Found]:
    """Returns each disagreement once: a veto may name what was found on the way already."""
    once = {(each.about, each.kind, each.field): each for each in found}
    return [once[key] for key in sorted(once)]


def _conflict(found: Found, words: Words, remedies: Remedies, seed: str) -> MergeConflict:
    digest = blake2b(f"{found.kind}/{found.about}/{found.field}/{seed}".encode(), digest_size=8).hexdigest()
    take, both = remedies.theirs(found), remedies.both(found)
    message = words.message(found)
    if found.remedy is not None and not take:
        message += " Theirs cannot be had as it is."
    return MergeConflict(
        id=f"c{digest}",
        kind=found.kind,
        about=found.about,
        message=message,
        field=found.field,
        base=shown(found.base, found.field),
        ours=shown(found.ours, found.field),
        theirs=shown(found.theirs, found.field),
        take_theirs=take,
        keep_both=both,
    )


def _opened(
    state: Sequence, ops: tuple[Op, ...], left: tuple[MergeConflict, ...], settled: tuple[MergeConflict, ...]
) -> Merged:
    """Returns the merge with its open conflicts noted in the state."""
    notes = tuple(
        ConflictSet(conflict.id, state.conflicts.get(conflict.id), conflict)
        for conflict in left
        if state.conflicts.get(conflict.id) != conflict
    )
    return Merged(apply_all(state, notes), (*ops, *notes), left, settled)
