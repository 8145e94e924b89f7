"""Copies under new ids: of one sequence at a version, of a whole project at a place in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar, assert_never

from msgspec.structs import replace

from genlock.application.commands import ForkCommand, ForkProject, ForkSequence
from genlock.application.handlers.sequences import bring_in, register
from genlock.application.turn import Turn, error_of
from genlock.application.world import World
from genlock.errors import NotFound
from genlock.event import Event
from genlock.project.project import ElementSet, MediaAdded, ProjectCreated, ProjectNoted, ProjectState, SceneSet
from genlock.project.rules import valid
from genlock.project.shot import ShotCreated, ShotState, ShotStatusSet, TakeAdded, TakeSelected
from genlock.timeline.events import Content, Origin, Placed, SequenceEvent, content_of
from genlock.timeline.model import Item, Nested, Shot, Source
from genlock.timeline.sequence import Sequence

E = TypeVar("E", bound=Event)

PAGE = 1000


def handle(turn: Turn, command: ForkCommand) -> None:
    """Carries out a fork."""
    match command:
        case ForkSequence():
            _fork_sequence(turn, command)
        case ForkProject():
            _fork_project(turn, command)
        case _:
            assert_never(command)


def _fork_sequence(turn: Turn, command: ForkSequence) -> None:
    opened = turn.sequence(turn.target)
    turn.active_project(opened.project)
    head = opened.state.version
    version = head if command.version is None else command.version
    if not 1 <= version <= head:
        raise NotFound("no_such_version", f"{opened.state.name} has versions 1 to {head}.")
    past = opened.state if version == head else turn.past(opened, version)
    name = command.name.strip() or f"{past.name} (version {version})"
    bad = valid.name(name)
    if bad:
        raise error_of(bad)
    id_ = turn.new_aggregate()
    origin = Origin(sequence=turn.target, version=version)
    bring_in(turn, opened.project, id_, replace(content_of(past), name=name), origin, f"Fork of {past.name}")
    register(turn, opened.project, id_.hex, name)


def _fork_project(turn: Turn, command: ForkProject) -> None:
    turn.project(turn.target)
    last = turn.store.tip()
    at = last if command.at is None else command.at
    if not 0 <= at <= last:
        message = f"The log has events 1 to {last}; {at} is none of them."
        raise NotFound("no_such_version", message, hint=f"Fork at {last} or before, or leave `at` out for now.")
    past = _world_at(turn, at) if command.at is not None else _present(turn)
    project = past.projects.get(turn.target)
    if project is None:
        raise NotFound("no_such_version", f"The project is younger than event {at}.")
    name = command.name.strip() or f"{project.name} (copy)"
    bad = valid.name(name)
    if bad:
        raise error_of(bad)
    shots = [shot for shot in past.shots.values() if shot.project == project.id]
    sequences = [opened.state for opened in past.opened.values() if opened.project == project.id]
    _copy(turn, project, name, at, sorted(shots, key=lambda s: s.code), sorted(sequences, key=lambda s: s.name))


def _present(turn: Turn) -> World:
    for sequence in sorted(turn.project(turn.target).sequences):
        turn.sequence(sequence)
    return turn.world


def _world_at(turn: Turn, at: int) -> World:
    """Folds the log up to an id; a walk over all of it, for versions are per aggregate and `at` is not."""
    world = World()
    for event in _log(turn, at):
        if not isinstance(event, SequenceEvent) or event.originator_id.hex in turn.project(turn.target).sequences:
            world = world.advance(event)
    return world


def _log(turn: Turn, at: int) -> Iterator[Event]:
    cursor = 0
    while page := turn.store.since(cursor, min(PAGE, at - cursor)):
        yield from (recorded.event for recorded in page)
        cursor = page[-1].id
        if cursor >= at:
            return


def _copy(
    turn: Turn, project: ProjectState, name: str, at: int, shots: list[ShotState], sequences: list[Sequence]
) -> None:
    id_ = turn.new_aggregate()
    new_shots = {shot.id: turn.new_aggregate() for shot in shots}
    new_sequences = {state.id: turn.new_aggregate() for state in sequences}
    turn.emit(turn.stamp(id_).make(ProjectCreated, name=name, settings=project.settings), id_.hex)
    _copy_pool(turn, id_.hex, project, at)
    for shot in shots:
        _copy_shot(turn, id_.hex, shot, new_shots[shot.id].hex)
    names = {old: made.hex for old, made in (*new_shots.items(), *new_sequences.items())}
    for state in sequences:
        made = new_sequences[state.id]
        content = _renamed(content_of(state), lambda old: names.get(old, old))
        bring_in(
            turn, id_.hex, made, content, Origin(sequence=state.id, version=state.version), f"Fork of {state.name}"
        )
        register(turn, id_.hex, made.hex, content.name)


def _copy_pool(turn: Turn, id_: str, project: ProjectState, at: int) -> None:
    if project.media:
        _next(turn, id_, MediaAdded, media=tuple(sorted(project.media.values(), key=lambda file: file.id)))
    for element in sorted(project.elements.values(), key=lambda e: e.id):
        _next(turn, id_, ElementSet, after=element)
    for scene in sorted(project.scenes.values(), key=lambda s: s.id):
        _next(turn, id_, SceneSet, after=scene)
    _next(turn, id_, ProjectNoted, note="forked", data={"project": project.id, "at": at})


def _next(turn: Turn, project: str, cls: type[E], **payload: object) -> None:
    state = turn.project(project)
    turn.emit(turn.stamp(project, state.version).make(cls, **payload), project)


def _copy_shot(turn: Turn, project: str, shot: ShotState, id_: str) -> None:
    def happen(cls: type[E], **payload: object) -> None:
        held = turn.world.shots.get(id_)
        turn.emit(turn.stamp(id_, held.version if held else 0).make(cls, **payload), project)

    happen(ShotCreated, project=project, code=shot.code, scene=shot.scene, brief=shot.brief)
    for take in sorted(shot.takes.values(), key=lambda t: t.number):
        happen(TakeAdded, take=take, select=False)
    if shot.selected is not None:
        happen(TakeSelected, before=None, after=shot.selected)
    if shot.status != "planned":
        happen(ShotStatusSet, before="planned", after=shot.status)


def _renamed(content: Content, name: Callable[[str], str]) -> Content:
    """Returns the content with its shots and nested sequences pointing to the copies."""

    def source(old: Source) -> Source:
        match old:
            case Shot(shot=shot):
                return replace(old, shot=name(shot))
            case Nested(sequence=sequence):
                return replace(old, sequence=name(sequence))
            case _:
                return old

    def item(old: Item) -> Item:
        made = source(old.source)
        return old if made is old.source else replace(old, source=made)

    tracks = tuple(
        replace(part, items=tuple(Placed(item(placed.item), placed.start) for placed in part.items))
        for part in content.tracks
    )
    return replace(content, tracks=tracks)
