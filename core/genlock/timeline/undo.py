"""Undo: compensating ops computed against the present state, and who can undo what as a fold over the log.

An edit is undone by inverting its ops in reverse order, all or nothing. Whatever somebody changed since stands against it
and is listed; `force` undoes it anyway, as Figma does: later values are overwritten, what is gone or has no room is left
out, and the result is always a sound sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, assert_never

from immutables import Map
from msgspec import UNSET, Struct
from msgspec.structs import replace

from genlock.timeline.check import new_violations
from genlock.timeline.decision import Refusal
from genlock.timeline.events import SequenceEdited, SequenceEvent
from genlock.timeline.inverse import Inverse
from genlock.timeline.model import Transition
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
from genlock.timeline.sequence import Sequence, apply

LEVELS: Final = 1000
"""How many edits a person can undo; older ones leave the stack (history and revert still reach them)."""


def compensate(state: Sequence, ops: tuple[Op, ...], *, force: bool = False) -> tuple[Op, ...] | Refusal:
    """Returns the ops that undo `ops` on the present state.

    Refusal("undo_conflict") lists every conflict: an item changed, removed or moved since, its place taken, a track gone
    or locked, a marker or transition put on it. With `force` never a refusal; the answer may then be empty, when nothing
    of the edit is left to undo.
    """
    return _forced(state, ops) if force else _strict(state, ops)


def _strict(state: Sequence, ops: tuple[Op, ...]) -> tuple[Op, ...] | Refusal:
    locks = frozenset(op.track for op in ops if isinstance(op, TrackSet) and op.after.locked is not UNSET)
    work = Inverse(state, unlocking=locks)
    for op in reversed(ops):
        work.undo(op)
    made = tuple(work.made)
    conflicts = work.conflicts or [*new_violations(state, made, work.state), *work.seams()]
    if not conflicts:
        return made
    unique = {(conflict.code, conflict.id): conflict for conflict in reversed(conflicts)}
    found = tuple(reversed(unique.values()))
    return Refusal("undo_conflict", f"This cannot be undone: {found[0].message}", found)


def _forced(state: Sequence, ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """Undoes what can be undone, leaving out op by op what would break the sequence."""
    left_out: set[int] = set()
    while len(left_out) < len(ops):
        work = Inverse(state, force=True)
        for at in reversed(range(len(ops))):
            if at not in left_out:
                work.undo(ops[at])
        made, after = _without_leftovers(state, work)
        found = [*new_violations(state, made, after), *work.seams()]
        if not found:
            return made
        concerned = {name for conflict in found for name in _concerned(after, conflict.id)}
        culprits = {at for at, op in enumerate(ops) if at not in left_out and not concerned.isdisjoint(_names(op))}
        left_out |= culprits or set(range(len(ops)))
    return ()


def _without_leftovers(state: Sequence, work: Inverse) -> tuple[tuple[Op, ...], Sequence]:
    """Takes away the transitions and markers that somebody put on what the undo removes or parts."""
    made, after = list(work.made), work.state
    own = {op.key for op in made if isinstance(op, TransitionSet)} | {
        op.marker for op in made if isinstance(op, MarkerSet)
    }
    for conflict in new_violations(state, made, after):
        extra: Op | None = None
        if conflict.id in own:
            continue
        if conflict.id in after.transitions:
            extra = TransitionSet(conflict.id, before=after.transitions[conflict.id])
        elif conflict.id in after.markers:
            extra = MarkerSet(conflict.id, before=after.markers[conflict.id])
        if extra is not None:
            made.append(extra)
            after = apply(after, extra)
    return tuple(made), after


def _concerned(state: Sequence, id_: str) -> set[str]:
    """Returns the id itself and the items it may clash with: those next to it."""
    home = state.home.get(id_)
    if home is None:
        return {id_}
    lane = state.lanes[home]
    return {id_, *lane.lefts(id_, 1), *lane.rights(id_, 1)}


def _names(op: Op) -> set[str]:
    match op:
        case ItemInserted(item=item) | ItemRemoved(item=item):
            return {item.id}
        case ItemMoved(item=id_) | ItemSet(item=id_):
            return {id_}
        case ItemsShifted(first=first, rights=rights):
            return {first, *rights}
        case TrackInserted(track=track) | TrackRemoved(track=track):
            return {track.id}
        case TrackMoved(track=id_) | TrackSet(track=id_):
            return {id_}
        case TransitionSet(key=key, before=before, after=after):
            return {key, *_sides(before), *_sides(after)}
        case MarkerSet(marker=id_) | ConflictSet(conflict=id_):
            return {id_}
        case SequenceSet():
            return set()
        case _:
            assert_never(op)


def _sides(transition: Transition | None) -> Iterator[str]:
    if transition is not None:
        yield from (side for side in (transition.left, transition.right) if side is not None)


def _pushed(stack: tuple[int, ...], version: int) -> tuple[int, ...]:
    return stack[1 - LEVELS :] + (version,)  # noqa: RUF005  a slice and a sum copy the stack once, unpacking thrice


class _Stack(Struct, frozen=True):
    undo: tuple[int, ...] = ()
    redo: tuple[int, ...] = ()


class Stacks(Struct, frozen=True):
    """What each actor can undo and redo in one sequence: versions, newest last. A fold over the sequence's events."""

    by_actor: Map[str, _Stack] = Map()

    def record(self, event: SequenceEvent) -> Stacks:
        """Returns the stacks after one event.

        Creating, archiving and `sync` events (a host's echo) are not undoable. An undo takes its `ref` off the stack and
        can be redone; a redo puts its own version back on; everything else is a new edit and clears the redo stack.
        """
        if not isinstance(event, SequenceEdited):
            return self
        version, actor = event.originator_version, event.actor
        match event.kind:
            case "sync":
                return self
            case "undo":
                stacks = self._taken("undo", actor, event.ref)
                old = stacks._of(actor)
                return stacks._with(actor, replace(old, redo=_pushed(old.redo, version)))
            case "redo":
                stacks = self._taken("redo", actor, event.ref)
                old = stacks._of(actor)
                return stacks._with(actor, replace(old, undo=_pushed(old.undo, version)))
            case "edit" | "import" | "merge" | "revert":
                old = self._of(actor)
                return self._with(actor, _Stack(undo=_pushed(old.undo, version)))
            case _:
                assert_never(event.kind)

    def undoable(self, actor: str) -> int | None:
        """Returns the version this actor would undo next."""
        stack = self._of(actor).undo
        return stack[-1] if stack else None

    def redoable(self, actor: str) -> int | None:
        """Returns the version of the undo this actor would redo next."""
        stack = self._of(actor).redo
        return stack[-1] if stack else None

    def _of(self, actor: str) -> _Stack:
        return self.by_actor.get(actor, _Stack())

    def _with(self, actor: str, stack: _Stack) -> Stacks:
        return Stacks(self.by_actor.set(actor, stack))

    def _taken(self, side: str, actor: str, version: int | None) -> Stacks:
        """Removes the version wherever it is: on the actor's own stack, else on whoever's holds it."""
        for name in (actor, *(other for other in sorted(self.by_actor) if other != actor)):
            stack = self._of(name)
            held: tuple[int, ...] = getattr(stack, side)
            if version in held:
                kept: Any = tuple(v for v in held if v != version)
                return self._with(name, replace(stack, **{side: kept}))
        return self
