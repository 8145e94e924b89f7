"""Commands that make a sequence or put it out of the way."""

from __future__ import annotations

from uuid import UUID

from genlock.application.commands import ArchiveSequence, CreateSequence, ImportSequence, SequenceCommand
from genlock.application.imports import check, check_nesting
from genlock.application.turn import Turn, error_of, settled
from genlock.errors import BadInput, Refused
from genlock.project.project import ProjectState, SequenceRegistered
from genlock.project.rules import valid
from genlock.timeline.decision import Ids, Refusal
from genlock.timeline.events import (
    Content,
    Origin,
    SequenceArchived,
    SequenceCreated,
    SequenceImported,
    TrackContent,
)
from genlock.timeline.model import Track


def handle(turn: Turn, command: SequenceCommand) -> None:
    """Carries out a command of a whole sequence."""
    match command:
        case CreateSequence():
            _create(turn, command)
        case ImportSequence():
            _import(turn, command)
        case ArchiveSequence(archived=archived):
            _archive(turn, archived=archived)


def bring_in(turn: Turn, project: str, id_: UUID, content: Content, origin: Origin, label: str) -> None:
    """Makes a sequence of a whole timeline value."""
    kind = "import" if turn.envelope.kind == "edit" else turn.envelope.kind
    stamp = turn.stamp(id_, kind=kind, label=label)
    turn.emit(stamp.make(SequenceImported, project=project, content=content, origin=origin), project)


def register(turn: Turn, project: str, sequence: str, name: str) -> None:
    """Tells the project of a sequence, or of its new name."""
    state = turn.project(project)
    event = turn.stamp(project, state.version).make(SequenceRegistered, sequence=sequence, name=name)
    turn.emit(event, project)


def _create(turn: Turn, command: CreateSequence) -> None:
    project = turn.active_project(command.project)
    content = _empty(project, command, turn.ids)
    bad = valid.name(content.name) or valid.rate(content.rate) or valid.resolution(content.resolution)
    if bad:
        raise error_of(bad)
    if content.start_frame < 0:
        raise BadInput("bad_value", f"The first frame cannot have number {content.start_frame}.")
    id_ = turn.new_aggregate()
    stamp = turn.stamp(id_, label=f"Create {content.name}")
    turn.emit(stamp.make(SequenceCreated, project=project.id, content=content), project.id)
    register(turn, project.id, id_.hex, content.name)


def _empty(project: ProjectState, command: CreateSequence, ids: Ids) -> Content:
    settings = project.settings
    rate = command.rate or settings.rate
    drop = settings.drop_frame if command.drop_frame is None else command.drop_frame
    start = settings.start_frame if command.start_frame is None else command.start_frame
    return Content(
        name=command.name.strip(),
        rate=rate,
        drop_frame=drop and rate.drop_per_minute > 0,
        start_frame=start,
        resolution=command.resolution or settings.resolution,
        tracks=(
            TrackContent(Track(ids.new("t"), "video", "V1", "magnetic")),
            TrackContent(Track(ids.new("t"), "video", "V2", "free")),
            TrackContent(Track(ids.new("t"), "audio", "A1", "free")),
        ),
    )


def _import(turn: Turn, command: ImportSequence) -> None:
    project = turn.active_project(command.project)
    id_ = turn.new_aggregate()
    nested = [(turn.free(nested_id), content) for nested_id, content in command.nested]
    contents = {id_.hex: command.content, **{made.hex: content for made, content in nested}}
    if len(contents) != len(nested) + 1:
        raise Refused("id_taken", "Two nested sequences have the same id.")
    for content in contents.values():
        settled(check(content) or True)
    check_nesting(contents)
    bring_in(turn, project.id, id_, command.content, command.origin, f"Import {command.content.name}")
    for made, content in nested:
        bring_in(turn, project.id, made, content, command.origin, f"Import {content.name}")
    for made_id, content in contents.items():
        register(turn, project.id, made_id, content.name)


def _archive(turn: Turn, *, archived: bool) -> None:
    opened = turn.sequence(turn.target)
    if opened.state.archived == archived:
        raise error_of(Refusal("no_change"))
    stamp = turn.stamp(turn.target, opened.state.version, label="Archive" if archived else "Restore")
    turn.emit(stamp.make(SequenceArchived, archived=archived), opened.project)
