"""Commands of shots."""

from __future__ import annotations

from genlock.application.turn import Turn, settled
from genlock.application.world import code_key
from genlock.errors import Refused
from genlock.project.commands import CreateShot, RenameShot, ShotCommand
from genlock.project.rules.shot import decide


def handle(turn: Turn, command: ShotCommand) -> None:
    """Carries out a command of a shot."""
    if isinstance(command, CreateShot):
        project = turn.active_project(command.project)
        event = settled(decide(None, command, turn.stamp(turn.new_aggregate())))
        _free(turn, project.id, command.code)
        turn.emit(event, project.id)
        return
    state = turn.shot(turn.target)
    turn.active_project(state.project)
    event = settled(decide(state, command, turn.stamp(state.id, state.version)))
    if isinstance(command, RenameShot) and command.code is not None:
        _free(turn, state.project, command.code, state.id)
    turn.emit(event, state.project)


def _free(turn: Turn, project: str, code: str, shot: str = "") -> None:
    holder = turn.world.codes.get(code_key(project, code))
    if holder not in (None, shot):
        raise Refused("name_taken", f"Another shot of the project already has the code {code}.", shot=holder)
