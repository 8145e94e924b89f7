"""Edits of a sequence: decided by the timeline's rules on the present state, stored as one event."""

from __future__ import annotations

from collections.abc import Sequence as Items
from uuid import UUID

from genlock.application.handlers.sequences import bring_in, register
from genlock.application.opened import Opened
from genlock.application.turn import Turn, error_of, settled
from genlock.errors import Refused
from genlock.event import EventKind
from genlock.timeline import edits
from genlock.timeline.commands import EditCommand
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.events import Origin, SequenceEdited
from genlock.timeline.ops import Op


def handle(turn: Turn, command: EditCommand) -> None:
    """Carries out an edit; sequences that it spawns are made in the same transaction."""
    opened = editable(turn)
    decision = settled(edits.decide(opened.state, command, Context(turn.envelope.id, turn.nested)))
    spawned = [(turn.free(id_), content) for id_, content in decision.spawned]
    commit(turn, opened, decision.ops, intent=decision.intent, label=decision.label)
    origin = Origin(sequence=opened.state.id, version=opened.state.version)
    for id_, content in spawned:
        bring_in(turn, opened.project, id_, content, origin, decision.label)
        register(turn, opened.project, id_.hex, content.name)


def editable(turn: Turn) -> Opened:
    """Returns the target sequence when it may be edited. Raises NotFound, Refused: archived, stale_version."""
    opened = turn.sequence(turn.target)
    turn.active_project(opened.project)
    if opened.state.archived:
        raise Refused("archived", f"The sequence {opened.state.name} was archived.")
    envelope = turn.envelope
    if envelope.strict and envelope.base_version not in (None, opened.state.version):
        raise Refused(
            "stale_version",
            f"{opened.state.name} is at version {opened.state.version}, not {envelope.base_version}.",
            version=opened.state.version,
        )
    return opened


def commit(
    turn: Turn,
    opened: Opened,
    ops: Items[Op],
    *,
    intent: str,
    label: str,
    kind: EventKind | None = None,
    ref: int | None = None,
    origin: Origin | None = None,
) -> None:
    """Lets an edit happen. Raises Refused(no_change) when there is nothing to do; an undo or a redo is stored even then,
    because it moves the stack: what came before it can be undone next."""
    if not ops and kind not in ("undo", "redo"):
        raise error_of(Refusal("no_change"))
    stamp = turn.stamp(UUID(hex=opened.state.id), opened.state.version, kind=kind, ref=ref, label=label)
    turn.emit(stamp.make(SequenceEdited, intent=intent, ops=tuple(ops), origin=origin), opened.project)
    after = turn.sequence(opened.state.id).state
    if after.name != opened.state.name:
        register(turn, opened.project, after.id, after.name)
