"""Settling what a merge left open."""

from __future__ import annotations

from genlock.timeline.commands import ResolveConflict
from genlock.timeline.decision import Refusal
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.ops import ConflictSet, MergeConflict
from genlock.timeline.redo import done, redo


def resolve_conflict(draft: Draft, command: ResolveConflict) -> str:
    """Closes a conflict: ours and manual leave the cut as it is, theirs and both carry out what the merge stored.

    Refuses with no_such_conflict, conflict_choice when the merge found no way for that choice, and undo_conflict when
    what it would change was changed since (`force` overwrites it).
    """
    conflict = draft.state.conflicts.get(command.conflict)
    if conflict is None:
        raise EditRefused("no_such_conflict", f"There is no open conflict {command.conflict}.")
    if command.choice in ("theirs", "both"):
        _carry_out(draft, conflict, command)
    draft.do(ConflictSet(conflict.id, conflict, None))
    how = {"ours": "as it is here", "theirs": "as returned", "both": "with both", "manual": "by hand"}
    return f"Settle {how[command.choice]}: {conflict.message.removesuffix('.')}"


def _carry_out(draft: Draft, conflict: MergeConflict, command: ResolveConflict) -> None:
    wanted = conflict.take_theirs if command.choice == "theirs" else conflict.keep_both
    if not wanted:
        choices = [name for name, ops in (("theirs", conflict.take_theirs), ("both", conflict.keep_both)) if ops]
        words = ", ".join(["ours", *choices, "manual"])
        raise EditRefused(
            "conflict_choice", f"This conflict cannot be settled with {command.choice}: {words} can be had."
        )
    if all(done(draft.state, op) for op in wanted):
        return  # somebody did it by hand
    answer = redo(draft.state, wanted, force=command.force)
    if isinstance(answer, Refusal):
        raise EditRefused(answer.code, answer.message, answer.conflicts)
    if not answer:
        raise EditRefused("conflict_choice", "Nothing of it can be done any more; settle it by hand with `manual`.")
    for op in answer:
        draft.do(op)
