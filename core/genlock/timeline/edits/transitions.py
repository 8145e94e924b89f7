"""Transitions between neighbours, and fades at an open edge."""

from __future__ import annotations

from genlock.timeline import check
from genlock.timeline.commands import RemoveTransition, SetTransition
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.model import Transition, transition_key


def set_transition(draft: Draft, command: SetTransition) -> str:
    sides = [id_ for id_ in (command.left, command.right) if id_ is not None]
    if not sides:
        raise EditRefused("bad_value", "A transition needs an item on one side at least.")
    if command.in_offset < 0 or command.out_offset < 0 or command.in_offset + command.out_offset == 0:
        raise EditRefused("bad_value", "A transition needs a length, and none of its offsets may be negative.")
    for id_ in sides:
        draft.editable(id_)
    it = Transition(
        command.left,
        command.right,
        command.in_offset,
        command.out_offset,
        command.kind,
        command.name,
        command.foreign,
    )
    if not check.in_place(draft.state, it):
        if len(sides) == 2:
            message = f"{draft.name(sides[0])} and {draft.name(sides[1])} do not touch."
        else:
            message = f"{draft.name(sides[0])} touches another clip there: name both for a transition."
        raise EditRefused("not_adjacent", message)
    draft.put_transition(it.key, it)
    return f"{it.name or it.kind.capitalize()} {_where(draft, it)}, {it.in_offset + it.out_offset} frames"


def remove_transition(draft: Draft, command: RemoveTransition) -> str:
    key = transition_key(command.left, command.right)
    it = draft.state.transitions.get(key)
    if it is None:
        raise EditRefused("no_such_transition")
    for id_ in (it.left, it.right):
        if id_ is not None:
            draft.editable(id_)
    draft.put_transition(key, None)
    return f"Remove the {it.name or it.kind} {_where(draft, it)}"


def _where(draft: Draft, it: Transition) -> str:
    if it.left is None or it.right is None:
        return f"into {draft.name(it.right or '')}" if it.left is None else f"out of {draft.name(it.left)}"
    return f"{draft.name(it.left)} / {draft.name(it.right)}"
