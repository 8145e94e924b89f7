"""All projects, shots and jobs, and the sequences open, as one immutable value: whoever holds one sees one moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from immutables import Map
from msgspec import Struct
from msgspec.structs import asdict, replace

from genlock.application.opened import Opened, begin
from genlock.event import Event
from genlock.project.job import JobEvent, JobState, Running, Waiting
from genlock.project.project import (
    MediaAdded,
    MediaChanged,
    MediaRemoved,
    ProjectEvent,
    ProjectState,
    SequenceRegistered,
)
from genlock.project.rules import job as job_rules
from genlock.project.rules import project as project_rules
from genlock.project.rules import shot as shot_rules
from genlock.project.shot import ShotEvent, ShotState
from genlock.timeline import effects as sequence_effects
from genlock.timeline.events import SequenceArchived, SequenceCreated, SequenceEdited, SequenceEvent, SequenceImported


class World(Struct, frozen=True):
    """Everything live.

    `codes` finds a shot by (project, code in lower case), `reserved` the unfinished job that makes a take by (shot,
    number), `homes` the project of a sequence, `heads` the version of the sequences that were ever open, `opened` those
    that are.
    """

    projects: Map[str, ProjectState] = Map()
    shots: Map[str, ShotState] = Map()
    jobs: Map[str, JobState] = Map()
    codes: Map[tuple[str, str], str] = Map()
    reserved: Map[tuple[str, int], str] = Map()
    homes: Map[str, str] = Map()
    heads: Map[str, int] = Map()
    opened: Map[str, Opened] = Map()

    def advance(self, event: Event) -> World:
        """Returns the world after one event; a sequence it concerns must be open."""
        id_ = event.originator_id.hex
        if isinstance(event, SequenceEvent):
            return self._advance_sequence(id_, event)
        if isinstance(event, ProjectEvent):
            projects = self.projects.set(id_, project_rules.evolve(self.projects.get(id_), event))
            homes = self.homes.set(event.sequence, id_) if isinstance(event, SequenceRegistered) else self.homes
            return replace(self, projects=projects, homes=homes)
        if isinstance(event, ShotEvent):
            return self._advance_shot(id_, event)
        if isinstance(event, JobEvent):
            return self._advance_job(id_, event)
        raise TypeError(type(event).__name__)

    def with_opened(self, opened: Opened) -> World:
        """Returns the world with a sequence opened or renewed."""
        id_ = opened.state.id
        return replace(self, opened=self.opened.set(id_, opened), heads=self.heads.set(id_, opened.state.version))

    def indexed(self) -> World:
        """Returns the world with its look-ups made from the states, whatever order the aggregates were folded in."""
        unfinished = (job for job in self.jobs.values() if job.shot and isinstance(job.status, Waiting | Running))
        return replace(
            self,
            codes=Map({code_key(shot.project, shot.code): shot.id for shot in self.shots.values()}),
            reserved=Map({(job.shot, job.number): job.id for job in unfinished}),
        )

    def _advance_sequence(self, id_: str, event: SequenceEvent) -> World:
        match event:
            case SequenceCreated() | SequenceImported():
                world = self.with_opened(begin(event))
                return replace(world, homes=world.homes.set(id_, event.project))
            case SequenceEdited() | SequenceArchived():
                return self.with_opened(self.opened[id_].advance(event))

    def _advance_shot(self, id_: str, event: ShotEvent) -> World:
        before = self.shots.get(id_)
        after = shot_rules.evolve(before, event)
        codes = self.codes
        if before is None or before.code != after.code:
            # Folded aggregate by aggregate, the old code may be another shot's by now.
            if before is not None and codes.get(old := code_key(before.project, before.code)) == id_:
                codes = codes.delete(old)
            codes = codes.set(code_key(after.project, after.code), id_)
        return replace(self, shots=self.shots.set(id_, after), codes=codes)

    def _advance_job(self, id_: str, event: JobEvent) -> World:
        job = job_rules.evolve(self.jobs.get(id_), event)
        key, reserved = (job.shot, job.number), self.reserved
        if not job.shot:
            pass  # its number is nobody else's business
        elif isinstance(job.status, Waiting | Running):
            reserved = reserved.set(key, id_)
        elif reserved.get(key) == id_:
            reserved = reserved.delete(key)
        return replace(self, jobs=self.jobs.set(id_, job), reserved=reserved)


def code_key(project: str, code: str) -> tuple[str, str]:
    """Returns the key of a shot's code in World.codes."""
    return project, code.casefold()


def effects(before: World, after: World, event: Event) -> list[list[Any]]:
    """Returns what the event changed as absolute upserts `[kind, id, value | null]` (docs/protocol.md)."""
    id_ = event.originator_id.hex
    if isinstance(event, SequenceEvent):
        old = before.opened.get(id_)
        return sequence_upserts(old, after.opened[id_], event)
    if isinstance(event, ProjectEvent):
        return _project_upserts(after.projects[id_], event)
    if isinstance(event, ShotEvent):
        return [["shot", id_, wire_shot(after.shots[id_])]]
    if isinstance(event, JobEvent):
        return [["job", id_, wire_job(after.jobs[id_])]]
    raise TypeError(type(event).__name__)


def sequence_upserts(before: Opened | None, after: Opened, event: SequenceEvent) -> list[list[Any]]:
    """Returns what an event of a sequence changed."""
    match event:
        case SequenceEdited(ops=ops):
            assert before is not None
            return with_stacks(sequence_effects.effects(before.state, after.state, ops), before, after)
        case SequenceCreated() | SequenceImported() | SequenceArchived():
            return [["sequence", after.state.id, wire_sequence(after)]]


def wire_sequence(opened: Opened) -> dict[str, Any]:
    """Returns the wire's value of a whole sequence; `undo` and `redo` say which version is next for each actor."""
    return {**sequence_effects.snapshot(opened.state), "project": opened.project, **stacks(opened)}


def stacks(opened: Opened) -> dict[str, Any]:
    """Returns what each actor can undo and redo next: versions."""
    held = opened.stacks.by_actor.items()
    return {
        "undo": {actor: stack.undo[-1] for actor, stack in held if stack.undo},
        "redo": {actor: stack.redo[-1] for actor, stack in held if stack.redo},
    }


def with_stacks(upserts: list[list[Any]], before: Opened, after: Opened) -> list[list[Any]]:
    """Adds to the sequence's own upsert what can be undone now, for buttons that must know."""
    if before.stacks is after.stacks:
        return upserts
    if upserts and upserts[0][0] == "sequence":
        upserts[0][2].update(stacks(after))
        return upserts
    return [["sequence", after.state.id, {**sequence_effects.header(after.state), **stacks(after)}], *upserts]


def wire_project(state: ProjectState) -> dict[str, Any]:
    """Returns the wire's value of a project; its media are values of their own, its receipts are asked for by sequence."""
    value = {**asdict(state), "settings": asdict(state.settings)}
    del value["media"], value["receipts"]
    return plain(value)


def wire_shot(state: ShotState) -> dict[str, Any]:
    """Returns the wire's value of a shot; the brief is whole, so that no client need know a default."""
    return plain({**asdict(state), "brief": asdict(state.brief)})


def wire_job(state: JobState) -> dict[str, Any]:
    """Returns the wire's value of a job; the request is whole."""
    return plain({**asdict(state), "request": asdict(state.request)})


def plain(value: Struct | dict[str, Any]) -> dict[str, Any]:
    """Returns the JSON-ready form of a state or of a part of one."""
    made: dict[str, Any] = msgspec.to_builtins(value, enc_hook=_as_dict)
    return made


def _project_upserts(state: ProjectState, event: ProjectEvent) -> list[list[Any]]:
    match event:
        case MediaAdded(media=media):
            return [["media", file.id, plain(file)] for file in media]
        case MediaChanged(after=file):
            return [["media", file.id, plain(file)]]
        case MediaRemoved(media=file):
            return [["media", file.id, None]]
        case _:
            return [["project", state.id, wire_project(state)]]


def _as_dict(value: Any) -> Any:
    if isinstance(value, Map):
        return dict(value)
    raise TypeError(type(value).__name__)


def fold(events: Iterable[Event], world: World) -> World:
    """Returns the world after the events in order."""
    for event in events:
        world = world.advance(event)
    return world
