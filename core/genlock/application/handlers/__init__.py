"""What each command does, one module per aggregate. A handler reads and emits through its Turn."""

from __future__ import annotations

from typing import assert_never

from genlock.application.commands import Arrange, ForkCommand, HistoryCommand, MergeSequence, SequenceCommand
from genlock.application.handlers import arrangements, edits, forks, history, jobs, merges, projects, sequences, shots
from genlock.application.turn import Turn
from genlock.project.commands import JobCommand, ProjectCommand, ShotCommand
from genlock.timeline.commands import EditCommand


def handle(turn: Turn) -> None:
    """Carries out the turn's command. Raises GenlockError when it is refused."""
    command = turn.envelope.command
    if isinstance(command, EditCommand):
        edits.handle(turn, command)
    elif isinstance(command, HistoryCommand):
        history.handle(turn, command)
    elif isinstance(command, SequenceCommand):
        sequences.handle(turn, command)
    elif isinstance(command, MergeSequence):
        merges.handle(turn, command)
    elif isinstance(command, Arrange):
        arrangements.handle(turn, command)
    elif isinstance(command, ShotCommand):
        shots.handle(turn, command)
    elif isinstance(command, JobCommand):
        jobs.handle(turn, command)
    elif isinstance(command, ProjectCommand):
        projects.handle(turn, command)
    elif isinstance(command, ForkCommand):
        forks.handle(turn, command)
    else:
        assert_never(command)
