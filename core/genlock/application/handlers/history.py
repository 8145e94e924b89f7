"""Undo, redo and revert: compensating edits computed against the present state."""

from __future__ import annotations

from typing import assert_never

from genlock.application.commands import HistoryCommand, Redo, Revert, Undo
from genlock.application.handlers.edits import commit, editable
from genlock.application.opened import Opened
from genlock.application.turn import Turn, settled
from genlock.errors import NotFound, Refused
from genlock.timeline.diff import diff
from genlock.timeline.events import SequenceEdited
from genlock.timeline.undo import compensate


def handle(turn: Turn, command: HistoryCommand) -> None:
    """Carries out a command of history."""
    opened = editable(turn)
    match command:
        case Undo(force=force, ref=ref):
            _undo(turn, opened, _to_undo(turn, opened, ref), force=force)
        case Redo(force=force):
            _redo(turn, opened, force=force)
        case Revert(version=version):
            _revert(turn, opened, version)
        case _:
            assert_never(command)


def _to_undo(turn: Turn, opened: Opened, ref: int | None) -> SequenceEdited:
    """Returns the edit meant. Raises Refused(nothing_to_undo), NotFound(no_such_version)."""
    version = opened.stacks.undoable(turn.envelope.actor) if ref is None else ref
    if version is None:
        raise Refused("nothing_to_undo")
    if not 1 <= version <= opened.state.version:
        raise NotFound("no_such_version", f"{opened.state.name} has versions 1 to {opened.state.version}.")
    if opened.marks.undone.get(opened.marks.roots.get(version, version)) and ref is not None:
        raise Refused("nothing_to_undo", f"Version {version} was taken back already.")
    return _edit(turn, opened, version)


def _edit(turn: Turn, opened: Opened, version: int) -> SequenceEdited:
    event = turn.event(opened.state.id, version)
    if not isinstance(event, SequenceEdited):
        raise Refused("nothing_to_undo", f"Version {version} made the sequence; there is nothing before it.")
    return event


def _undo(turn: Turn, opened: Opened, edit: SequenceEdited, *, force: bool) -> None:
    ops = settled(compensate(opened.state, edit.ops, force=force))
    label = f"Undo {edit.label or edit.intent}"
    commit(turn, opened, ops, intent="Undo", label=label, kind="undo", ref=edit.originator_version)


def _redo(turn: Turn, opened: Opened, *, force: bool) -> None:
    version = opened.stacks.redoable(turn.envelope.actor)
    if version is None:
        raise Refused("nothing_to_redo")
    undo = _edit(turn, opened, version)
    ops = settled(compensate(opened.state, undo.ops, force=force))
    label = f"Redo {(undo.label or undo.intent).removeprefix('Undo ')}"
    commit(turn, opened, ops, intent="Redo", label=label, kind="redo", ref=version)


def _revert(turn: Turn, opened: Opened, version: int) -> None:
    if not 1 <= version <= opened.state.version:
        raise NotFound("no_such_version", f"{opened.state.name} has versions 1 to {opened.state.version}.")
    past = turn.past(opened, version)
    commit(
        turn,
        opened,
        diff(opened.state, past),
        intent="Revert",
        label=f"Revert to version {version}",
        kind="revert",
        ref=version,
    )
