"""A returned cut is merged: what changed there onto what it is here by now, as one edit of each sequence concerned."""

from __future__ import annotations

from collections.abc import Mapping

from genlock.application.commands import MergeSequence
from genlock.application.handlers.edits import commit, editable
from genlock.application.handlers.sequences import bring_in, register
from genlock.application.imports import check, check_nesting, shown_by
from genlock.application.opened import Opened
from genlock.application.returns import grown
from genlock.application.turn import Turn, error_of, settled
from genlock.collector import uncollected
from genlock.errors import BadInput, NotFound, Refused
from genlock.event import EventKind
from genlock.timeline.decision import Refusal
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Origin, content_of, restore
from genlock.timeline.merge import Merged, merge
from genlock.timeline.sequence import Sequence

INTENT = "MergeSequence"


def handle(turn: Turn, command: MergeSequence) -> None:
    """Carries out a merge. Raises Refused: no_change, nesting_cycle, id_taken; NotFound(no_such_version);
    BadInput(bad_rate)."""
    opened = editable(turn)
    taken = opened.taken_at(command.origin.digest, command.base)
    if taken is not None and command.policy == "ask":
        raise Refused("no_change", f"This file was merged already: version {taken} is what it made.", version=taken)
    known = {id_: content for id_, content in command.nested if id_ in turn.world.homes}
    fresh = {turn.free(id_).hex: content for id_, content in command.nested if id_ not in known}
    if len(known) + len(fresh) < len(command.nested):
        raise Refused("id_taken", "Two nested sequences have the same id.")
    if opened.state.id in known:
        raise Refused("nesting_cycle", f"The returned cut of {opened.state.name} contains itself.")
    for content in fresh.values():
        settled(check(content) or True)
    _check_nesting(turn, {opened.state.id: command.theirs, **known, **fresh})
    changed = _merge(turn, opened, command.base, command.theirs, command)
    for id_, content in known.items():
        inner = _inner(turn, opened, id_)
        base = command.bases.get(id_, inner.state.version)
        changed = _merge(turn, inner, base, content, command) or changed
    if not changed:
        raise error_of(Refusal("no_change", "The returned cut holds nothing that is not here already."))
    for id_, content in fresh.items():
        bring_in(turn, opened.project, turn.free(id_), content, command.origin, f"Import {content.name}")
        register(turn, opened.project, id_, content.name)


def _merge(turn: Turn, opened: Opened, base: int, theirs: Content, command: MergeSequence) -> bool:
    """Merges into one sequence; returns whether that changes it."""
    ours = opened.state
    if command.policy == "ask" and opened.taken_at(command.origin.digest, base) is not None:
        return False
    if not 1 <= base <= ours.version:
        raise NotFound("no_such_version", f"{ours.name} has versions 1 to {ours.version}.", version=base)
    if theirs.rate != ours.rate:
        raise BadInput("bad_rate", f"{ours.name} runs at {ours.rate}, the returned cut at {theirs.rate}.")
    past = _past(turn, opened, base, command.through.get(ours.id, ()))
    returned = _sound(ours.id, base, theirs)
    unsure = {id_: others for id_, others in command.unsure.items() if id_ in returned.items}
    with uncollected():  # everybody's edits wait meanwhile
        made = merge(past, ours, returned, policy=command.policy, unsure=unsure, seed=f"{turn.envelope.id}/{ours.id}")
    if not made.ops:
        return False
    kind: EventKind = "merge" if diff(past, ours) else "import"
    origin = Origin(command.origin.path, command.origin.dialect, command.origin.digest, ours.id, base)
    commit(turn, opened, made.ops, intent=INTENT, label=_label(command, made, kind), kind=kind, origin=origin)
    return True


def _past(turn: Turn, opened: Opened, base: int, through: tuple[int, ...]) -> Sequence:
    """Returns what the returned cut is compared with. Raises Refused(no_base)."""
    past = opened.state if base == opened.state.version else turn.past(opened, base)
    found = grown(past, (turn.event(opened.state.id, version) for version in through))
    if found is None:
        told = ", ".join(map(str, through))
        raise Refused("no_base", f"{opened.state.name}: the edits {told} do not stand on version {base} alone.")
    return found


def _sound(id_: str, base: int, theirs: Content) -> Sequence:
    """Returns the returned cut as a sequence. Raises Refused(bad_timeline), BadInput(bad_time)."""
    shortest = min((placed.item.duration for part in theirs.tracks for placed in part.items), default=1)
    returned = restore(id_, base, theirs) if shortest > 0 else None
    settled(check(theirs, returned) or True)
    return returned or restore(id_, base, theirs)


def _inner(turn: Turn, opened: Opened, id_: str) -> Opened:
    inner = turn.sequence(id_)
    if inner.project != opened.project:
        raise Refused("id_taken", f"The nested sequence {inner.state.name} belongs to another project.")
    if inner.state.archived:
        raise Refused("archived", f"The nested sequence {inner.state.name} was archived.")
    return inner


def _label(command: MergeSequence, made: Merged, kind: EventKind) -> str:
    path = command.origin.path.replace("\\", "/")
    name = path.rpartition("/")[2] or command.theirs.name
    count = len(made.conflicts)
    left = f" ({count} conflict{'' if count == 1 else 's'} left open)" if count else ""
    return f"{'Import' if kind == 'import' else 'Merge'} {name}{left}"


def _check_nesting(turn: Turn, contents: Mapping[str, Content]) -> None:
    """Raises Refused(nesting_cycle); sequences that are shown but not part of the command are as they are."""
    whole = dict(contents)
    todo = [id_ for content in contents.values() for id_ in shown_by(content)]
    while todo:
        id_ = todo.pop()
        state = turn.nested(id_) if id_ not in whole else None
        if state is not None:
            whole[id_] = content_of(state)
            todo += shown_by(whole[id_])
    check_nesting(whole)
