"""Commands of projects."""

from __future__ import annotations

from genlock.application.turn import Turn, settled
from genlock.errors import Refused
from genlock.project.commands import CreateProject, ProjectCommand, RemoveMedia
from genlock.project.project import ProjectState
from genlock.project.rules.project import decide
from genlock.timeline.model import Media


def handle(turn: Turn, command: ProjectCommand) -> None:
    """Carries out a command of a project."""
    if isinstance(command, CreateProject):
        id_ = turn.new_aggregate()
        turn.emit(settled(decide(None, command, turn.stamp(id_))), id_.hex)
        return
    state = turn.project(turn.target)
    if isinstance(command, RemoveMedia):
        _unused(turn, state, command.media)
    turn.emit(settled(decide(state, command, turn.stamp(state.id, state.version))), state.id)


def _unused(turn: Turn, state: ProjectState, media: str) -> None:
    """Raises Refused(in_use) when an item shows the media. Opens every sequence of the project: it is asked rarely."""
    for id_ in sorted(state.sequences):
        sequence = turn.sequence(id_).state
        for item in sequence.items.values():
            if isinstance(item.source, Media) and item.source.media == media:
                raise Refused("in_use", f"The item {item.name or item.id} of {sequence.name} shows it.", sequence=id_)
