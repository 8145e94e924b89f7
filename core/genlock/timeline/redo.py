"""Doing ops again on a state that has moved on: what undoes their inverse, with all that undo looks out for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from msgspec import UNSET, Struct
from msgspec.structs import asdict

from genlock.timeline.decision import Conflict, Refusal
from genlock.timeline.ops import (
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    SequenceSet,
    TrackInserted,
    TrackMoved,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.sequence import Sequence
from genlock.timeline.undo import compensate


def redo(state: Sequence, ops: Iterable[Op], *, force: bool = False) -> tuple[Op, ...] | Refusal:
    """Returns ops that do to the present state what `ops` did to the one they were made for.

    Refusal("undo_conflict") lists what stands against it: values changed since, anchors gone, places taken. With `force`
    later values are overwritten and what cannot be done is left out.
    """
    ops = tuple(ops)
    if not force and (lost := _lost(state, ops)):
        return Refusal("undo_conflict", f"This cannot be done any more: {lost[0].message}", lost)
    answer = compensate(state, tuple(inverse(op) for op in reversed(ops)), force=force)
    if isinstance(answer, Refusal):
        message = f"This cannot be done any more: {answer.conflicts[0].message}"
        return Refusal(answer.code, message, answer.conflicts)
    return answer


def _lost(state: Sequence, ops: tuple[Op, ...]) -> tuple[Conflict, ...]:
    """Returns what is to come behind something that is gone: an insert names one neighbour only."""
    made = {op.item.id for op in ops if isinstance(op, ItemInserted)}
    made |= {op.track.id for op in ops if isinstance(op, TrackInserted)}
    lost = [
        op
        for op in ops
        if isinstance(op, ItemInserted)
        and op.after is not None
        and op.after not in made
        and op.after not in state.items
    ]
    return tuple(
        Conflict("no_such_item", op.after or "", f"What {op.item.name or op.item.id} belongs behind is gone.")
        for op in lost
    )


def done(state: Sequence, op: Op) -> bool:
    """Returns whether the state has already what the op would set; False for what comes, goes or moves."""
    match op:
        case ItemSet(item=id_, after=patch):
            return id_ in state.items and _has(state.items[id_], patch)
        case TrackSet(track=id_, after=settings):
            return id_ in state.tracks and _has(state.tracks[id_], settings)
        case SequenceSet(after=own):
            return _has(state, own)
        case TransitionSet(key=key, after=transition):
            return state.transitions.get(key) == transition
        case MarkerSet(marker=id_, after=marker):
            return state.markers.get(id_) == marker
        case ItemInserted() | ItemRemoved() | ItemMoved() | ItemsShifted():
            return False
        case TrackInserted() | TrackRemoved() | TrackMoved() | ConflictSet():
            return False
        case _:
            assert_never(op)


def _has(value: Struct, patch: Struct) -> bool:
    return all(wanted is UNSET or getattr(value, name) == wanted for name, wanted in asdict(patch).items())


def inverse(op: Op) -> Op:
    """Returns the op turned round, from what it carries alone."""
    match op:
        case ItemInserted():
            return ItemRemoved(op.track, op.item, op.after, (), op.start)
        case ItemRemoved():
            return ItemInserted(op.track, op.item, op.after, op.start)
        case ItemMoved():
            return ItemMoved(op.item, op.after, op.before)
        case ItemSet():
            return ItemSet(op.item, op.after, op.before)
        case ItemsShifted():
            return ItemsShifted(op.track, op.first, -op.delta, op.rights)
        case TrackInserted():
            return TrackRemoved(op.track, op.after)
        case TrackRemoved():
            return TrackInserted(op.track, op.after)
        case TrackMoved():
            return TrackMoved(op.track, op.to_after, (), op.from_after)
        case TrackSet():
            return TrackSet(op.track, op.after, op.before)
        case TransitionSet():
            return TransitionSet(op.key, op.after, op.before)
        case MarkerSet():
            return MarkerSet(op.marker, op.after, op.before)
        case ConflictSet():
            return ConflictSet(op.conflict, op.after, op.before)
        case SequenceSet():
            return SequenceSet(op.after, op.before)
        case _:
            assert_never(op)
