"""Commands of jobs."""

from __future__ import annotations

from msgspec.structs import replace

from genlock.application.turn import Turn, settled
from genlock.errors import BadInput, Refused
from genlock.project.commands import AddTake, FinishJob, JobCommand, QueueJob
from genlock.project.job import JobState
from genlock.project.rules import shot as shot_rules
from genlock.project.rules.job import decide
from genlock.project.shot import ShotState, Take


def handle(turn: Turn, command: JobCommand) -> None:
    """Carries out a command of a job."""
    if isinstance(command, QueueJob):
        _queue(turn, command)
        return
    state = turn.job(turn.target)
    if isinstance(command, FinishJob):
        _finish(turn, state, command)
        return
    turn.emit(settled(decide(state, command, turn.stamp(state.id, state.version))), state.project)


def _queue(turn: Turn, command: QueueJob) -> None:
    project = turn.active_project(command.project)
    event = settled(decide(None, command, turn.stamp(turn.new_aggregate())))
    if command.shot:
        shot = turn.shot(command.shot)
        if shot.project != project.id:
            raise BadInput("bad_value", f"The shot {shot.code} belongs to another project.")
        _number_free(turn, shot, command.number)
    turn.emit(event, project.id)


def _number_free(turn: Turn, shot: ShotState, number: int) -> None:
    if any(take.number == number for take in shot.takes.values()):
        raise Refused("name_taken", f"The shot {shot.code} already has a take number {number}.")
    job = turn.world.reserved.get((shot.id, number))
    if job is not None:
        raise Refused("name_taken", f"The job {job} already makes take {number} of {shot.code}.", job=job)


def _finish(turn: Turn, state: JobState, command: FinishJob) -> None:
    take = replace(command.take, job=command.take.job or state.id)
    shot = turn.shot(state.shot) if state.shot else None
    if shot is not None:
        take = _numbered(shot, take)
    event = settled(decide(state, FinishJob(take), turn.stamp(state.id, state.version)))
    turn.emit(event, state.project)
    if shot is not None:
        added = settled(shot_rules.decide(shot, AddTake(take), turn.stamp(shot.id, shot.version)))
        turn.emit(added, state.project)


def _numbered(shot: ShotState, take: Take) -> Take:
    """Gives the take another number when somebody added one with the same meanwhile: a finished take is never lost."""
    numbers = {other.number for other in shot.takes.values()}
    return take if take.number not in numbers else replace(take, number=max(numbers) + 1)
