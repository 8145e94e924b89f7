"""The rules of the Job aggregate: a strict machine.

QueueJob -> waiting -StartJob-> running -FinishJob-> succeeded
            waiting, running -FailJob-> failed       -RetryJob-> waiting
            waiting, running -CancelJob-> cancelled  -RetryJob-> waiting
            running -RequeueJob-> waiting
"""

from __future__ import annotations

from typing import Any, Final, assert_never

from msgspec.structs import replace

from genlock.errors import CODES
from genlock.project.commands import (
    CancelJob,
    FailJob,
    FinishJob,
    JobCommand,
    QueueJob,
    RequeueJob,
    RetryJob,
    StartJob,
)
from genlock.project.job import (
    Cancelled,
    Failed,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobQueued,
    JobRequeued,
    JobStarted,
    JobState,
    JobStatus,
    JobSucceeded,
    Running,
    Succeeded,
    Waiting,
)
from genlock.project.rules import valid
from genlock.stamp import Stamp
from genlock.timeline.decision import Refusal

ALLOWED: Final[dict[type[JobCommand], tuple[type[JobStatus], ...]]] = {
    QueueJob: (),
    StartJob: (Waiting,),
    FinishJob: (Running,),
    FailJob: (Waiting, Running),
    CancelJob: (Waiting, Running),
    RetryJob: (Failed, Cancelled),
    RequeueJob: (Running,),
}
"""The states in which each command may be given."""


def decide(state: JobState | None, command: JobCommand, stamp: Stamp) -> JobEvent | Refusal:
    """Returns the event that the command becomes. `state` is None for QueueJob alone."""
    if isinstance(command, QueueJob):
        return _queue(command, stamp)
    if state is None:
        return Refusal("no_such_job")
    if not isinstance(state.status, ALLOWED[type(command)]):
        return Refusal("wrong_state", f"The job {state.id} is {word(state.status)}.")
    match command:
        case StartJob(engine=engine, plan=plan):
            return stamp.make(JobStarted, attempt=state.attempt + 1, engine=engine, plan=plan)
        case FinishJob(take=take):
            return valid.take(take) or stamp.make(JobSucceeded, take=take)
        case FailJob(code=code, message=message):
            if code not in CODES:
                return Refusal("bad_value", f"{code!r} is not an error code.")
            return stamp.make(JobFailed, code=code, message=message)
        case CancelJob():
            return stamp.make(JobCancelled)
        case RetryJob():
            return stamp.make(JobRequeued, reason="retry")
        case RequeueJob(reason=reason):
            return stamp.make(JobRequeued, reason=reason)
        case _:
            assert_never(command)


def evolve(state: JobState | None, event: JobEvent) -> JobState:
    """Returns the state after one event; None before the first.

    `position` is when it was queued, in microseconds since 1970: a job that is queued again keeps its place.
    """
    if isinstance(event, JobQueued):
        return JobState(
            id=event.originator_id.hex,
            version=event.originator_version,
            project=event.project,
            shot=event.shot,
            request=event.request,
            output=event.output,
            stem=event.stem,
            number=event.number,
            priority=event.priority,
            status=Waiting(),
            position=round(event.timestamp.timestamp() * 1_000_000),
        )
    assert state is not None
    return replace(state, version=event.originator_version, **_changes(event))


def word(status: JobStatus) -> str:
    """Returns the state's name: waiting, running, succeeded, failed or cancelled."""
    return str(status.__struct_config__.tag)


def _changes(event: JobEvent) -> dict[str, Any]:
    match event:
        case JobQueued():
            return {}
        case JobStarted(attempt=attempt, engine=engine, plan=plan):
            return {"status": Running(engine, plan), "attempt": attempt, "engine": engine, "plan": plan}
        case JobSucceeded(take=take):
            return {"status": Succeeded(take.id)}
        case JobFailed(code=code, message=message):
            return {"status": Failed(code, message)}
        case JobCancelled():
            return {"status": Cancelled()}
        case JobRequeued(reason=reason):
            return {"status": Waiting(reason)}
        case _:
            assert_never(event)


def _queue(command: QueueJob, stamp: Stamp) -> JobEvent | Refusal:
    bad = valid.request(command.request)
    if bad:
        return bad
    if not valid.absolute(command.output):
        return Refusal("bad_value", f"The output folder {command.output!r} is not an absolute path.")
    if command.number < 1:
        return Refusal("bad_value", f"Take numbers count from 1, not {command.number}.")
    if valid.name(command.stem) or "/" in command.stem or "\\" in command.stem:
        return Refusal("bad_name", f"{command.stem!r} cannot be a file name.")
    return stamp.make(
        JobQueued,
        project=command.project,
        shot=command.shot,
        request=command.request,
        output=command.output,
        stem=command.stem,
        number=command.number,
        priority=command.priority,
    )
