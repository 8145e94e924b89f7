"""What a host shows becomes the sequence: as one edit of each sequence concerned, merged with what changed here since."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET
from msgspec.structs import replace

from genlock.application.commands import Arrange, InnerArrangement
from genlock.application.handlers.edits import commit, editable
from genlock.application.handlers.sequences import bring_in, register
from genlock.application.imports import refuse_cycles, shown
from genlock.application.opened import Opened
from genlock.application.sources import completed
from genlock.application.turn import Turn, error_of, settled
from genlock.collector import uncollected
from genlock.errors import BadInput, NotFound, Refused
from genlock.event import EventKind
from genlock.project.rules import valid
from genlock.timeline.arrange import arrange
from genlock.timeline.decision import Refusal
from genlock.timeline.diff import diff
from genlock.timeline.events import Origin, content_of
from genlock.timeline.laid import Arrangement
from genlock.timeline.merge import merge
from genlock.timeline.model import Nested
from genlock.timeline.ops import Op
from genlock.timeline.phrases import sentence
from genlock.timeline.sequence import Sequence

INTENT = "Arrange"
FIRST = 1
"""The version at which a sequence is what made it."""


def handle(turn: Turn, command: Arrange) -> None:
    """Carries out an arrangement. Raises Refused: no_change, id_taken, nesting_cycle, archived and what `arrange` refuses;
    NotFound: no_such_version and the like; BadInput: bad_name, bad_rate, bad_value."""
    opened = editable(turn)
    ids = [opened.state.id, *(inner.sequence for inner in command.nested)]
    if len(set(ids)) < len(ids):
        raise Refused("id_taken", "A sequence is arranged twice in one command.")
    known = [inner for inner in command.nested if inner.sequence in turn.world.homes]
    fresh = [inner for inner in command.nested if inner.sequence not in turn.world.homes]
    for inner in fresh:
        if turn.free(inner.sequence).hex != inner.sequence:
            raise BadInput("bad_value", f"{inner.sequence!r} is no sequence id: 32 hex digits in lower case are.")
    changed = _arrange(turn, opened, command.base, command.arrangement)
    for inner in known:
        changed = _again(turn, opened, inner) or changed
    for inner in fresh:
        changed = True
        _make(turn, opened, inner)
    if not changed:
        raise error_of(Refusal("no_change", "The sequence is what the host shows already."))
    if fresh or any(map(_nests, (command.arrangement, *(inner.arrangement for inner in known)))):
        _check_nesting(turn, ids)


def _arrange(turn: Turn, opened: Opened, base: int, arrangement: Arrangement) -> bool:
    """Arranges one sequence against its version `base`; returns whether that changes it."""
    ours = opened.state
    if not 1 <= base <= ours.version:
        raise NotFound("no_such_version", f"{ours.name} has versions 1 to {ours.version}.", version=base)
    past = ours if base == ours.version else turn.past(opened, base)
    whole = completed(arrangement, past, turn.project(opened.project).media)
    theirs = settled(arrange(past, whole, f"{turn.envelope.id}/{ours.id}"))
    return _take_over(turn, opened, past, theirs, sentence(past, theirs, whole))


def _take_over(turn: Turn, opened: Opened, past: Sequence, theirs: Sequence, label: str) -> bool:
    """Brings what theirs did since `past` into the sequence; returns whether that changes it."""
    ours = opened.state
    kind: EventKind | None = None
    ops: tuple[Op, ...]
    if past is ours or not diff(past, ours):
        ops = diff(ours, theirs)
    else:
        with uncollected():  # everybody's edits wait meanwhile
            made = merge(past, ours, theirs, seed=f"{turn.envelope.id}/{ours.id}", there=_side(turn))
        ops, kind = made.ops, "merge" if turn.envelope.kind == "edit" else None
        if made.conflicts:
            label += f" ({len(made.conflicts)} conflict{'s' if len(made.conflicts) > 1 else ''} left open)"
    if ops:
        commit(turn, opened, ops, intent=INTENT, label=label, kind=kind)
    return bool(ops)


def _side(turn: Turn) -> str:
    return f"on {turn.envelope.actor}'s side" if turn.envelope.actor else "on the other side"


# -- nested sequences


def _again(turn: Turn, opened: Opened, inner: InnerArrangement) -> bool:
    """Arranges a nested sequence that exists; returns whether that changes it. One without a base was made by a command of
    which the host never heard that it arrived: what it was then is what the host shows it against."""
    held = turn.sequence(inner.sequence)
    if held.project != opened.project:
        raise Refused("id_taken", f"The nested sequence {held.state.name} belongs to another project.")
    if held.state.archived:
        raise Refused("archived", f"The nested sequence {held.state.name} was archived.")
    if inner.base is not None:
        return _arrange(turn, held, inner.base, _named(inner))
    theirs = _made(turn, opened, inner)
    if theirs.rate != held.state.rate:
        raise Refused("id_taken", f"There is a sequence {held.state.name} with that id, of another rate.")
    past = held.state if held.state.version == FIRST else turn.past(held, FIRST)
    return _take_over(turn, held, past, theirs, f"Arrange {theirs.name}")


def _make(turn: Turn, opened: Opened, inner: InnerArrangement) -> None:
    """Makes a new nested sequence."""
    if inner.base is not None:
        raise NotFound("no_such_sequence", f"There is no sequence {inner.sequence} to arrange.")
    id_ = turn.free(inner.sequence)
    content = content_of(_made(turn, opened, inner))
    origin = Origin(sequence=opened.state.id, version=opened.state.version)
    bring_in(turn, opened.project, id_, content, origin, f"Arrange {content.name}")
    register(turn, opened.project, id_.hex, content.name)


def _made(turn: Turn, opened: Opened, inner: InnerArrangement) -> Sequence:
    """Returns a new nested sequence: an empty one, arranged."""
    target = opened.state
    rate = inner.rate or target.rate
    drop = target.drop_frame if inner.drop_frame is None else inner.drop_frame
    empty = Sequence(
        inner.sequence,
        name=inner.name.strip(),
        rate=rate,
        drop_frame=drop and rate.drop_per_minute > 0,
        start_frame=0 if inner.start_frame is None else inner.start_frame,
        resolution=inner.resolution or target.resolution,
        foreign=inner.foreign,
    )
    bad = valid.rate(rate) or valid.resolution(empty.resolution)
    if bad is None and empty.start_frame < 0:
        bad = Refusal("bad_value", f"The first frame cannot have number {empty.start_frame}.")
    settled(bad or True)
    whole = completed(inner.arrangement, empty, turn.project(opened.project).media)
    made = settled(arrange(empty, whole, f"{turn.envelope.id}/{empty.id}"))
    settled(valid.name(made.name) or True)
    return made


def _named(inner: InnerArrangement) -> Arrangement:
    """Returns the arrangement with the name that is told beside it."""
    settings = inner.arrangement.settings
    if not inner.name or settings.name is not UNSET:
        return inner.arrangement
    return replace(inner.arrangement, settings=replace(settings, name=inner.name))


def _nests(arrangement: Arrangement) -> bool:
    return any(laid is not None and isinstance(laid.source, Nested) for laid in arrangement.items.values())


def _check_nesting(turn: Turn, ids: Iterable[str]) -> None:
    """Raises Refused(nesting_cycle) when one of the sequences shows itself, directly or through others."""
    shows: dict[str, set[str]] = {}
    todo = list(ids)
    while todo:
        id_ = todo.pop()
        state = turn.nested(id_) if id_ not in shows else None
        if state is not None:
            shows[id_] = shown(state.items.values())
            todo.extend(shows[id_])
    refuse_cycles(shows, lambda id_: turn.sequence(id_).state.name)
