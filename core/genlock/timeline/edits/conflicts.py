"""Settling what a merge left open."""

from __future__ import annotations

from genlock.timeline.commands import ResolveConflict
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.ops import ConflictSet


def resolve_conflict(draft: Draft, command: ResolveConflict) -> str:
    conflict = draft.state.conflicts.get(command.conflict)
    if conflict is None:
        raise EditRefused("no_such_conflict", f"There is no open conflict {command.conflict}.")
    draft.do(ConflictSet(conflict.id, conflict, None))
    return f"Settle {conflict.message}"
