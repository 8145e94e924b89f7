"""The rules of jobs: every command in every state."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from genlock.event import Event
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
from genlock.project.job import Cancelled, Failed, JobState, Running, Succeeded, Waiting
from genlock.project.request import Conditioning, GenerationRequest, Span
from genlock.project.rules.job import decide, evolve, word
from genlock.project.shot import Take
from genlock.stamp import Stamp
from genlock.timeline.decision import Refusal
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

QUEUE = QueueJob("p", GenerationRequest("text_to_video"), "/takes", "SH0010_v001", shot="s")
START, FINISH = StartJob("animatic", "draft"), FinishJob(Take("t1", 1, "/takes/SH0010_v001.mov"))
FAIL, CANCEL, RETRY, REQUEUE = FailJob("worker_lost", "killed"), CancelJob(), RetryJob(), RequeueJob("restart")


def stamp(state: JobState | None) -> Stamp:
    return Stamp(UUID(int=3), state.version if state else 0, datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC))


def does(*commands: JobCommand) -> JobState:
    state: JobState | None = None
    for command in commands:
        event = decide(state, command, stamp(state))
        assert isinstance(event, Event), event
        state = evolve(state, event)
    assert state is not None
    return state


STATES = {
    "waiting": does(QUEUE),
    "running": does(QUEUE, START),
    "succeeded": does(QUEUE, START, FINISH),
    "failed": does(QUEUE, START, FAIL),
    "cancelled": does(QUEUE, CANCEL),
}
NEXT: dict[tuple[str, type], object] = {
    ("waiting", StartJob): Running("animatic", "draft"),
    ("waiting", FailJob): Failed("worker_lost", "killed"),
    ("waiting", CancelJob): Cancelled(),
    ("running", FinishJob): Succeeded("t1"),
    ("running", FailJob): Failed("worker_lost", "killed"),
    ("running", CancelJob): Cancelled(),
    ("running", RequeueJob): Waiting("restart"),
    ("failed", RetryJob): Waiting("retry"),
    ("cancelled", RetryJob): Waiting("retry"),
}


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("command", [START, FINISH, FAIL, CANCEL, RETRY, REQUEUE], ids=lambda c: type(c).__name__)
def test_every_command_in_every_state(name: str, command: JobCommand) -> None:
    state = STATES[name]
    assert word(state.status) == name
    answer = decide(state, command, stamp(state))
    if (name, type(command)) in NEXT:
        assert isinstance(answer, Event)
        after = evolve(state, answer)
        assert (after.status, after.version) == (NEXT[name, type(command)], state.version + 1)
    else:
        assert isinstance(answer, Refusal)
        assert answer.code == "wrong_state"
        assert name in answer.message


def test_attempts_count_and_a_job_keeps_its_place() -> None:
    job = does(QUEUE, START, FAIL, RETRY, START, REQUEUE, START)
    assert (job.attempt, job.position) == (3, 2_000_000)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (GenerationRequest("text_to_video", frames=0), "bad_value"),
        (GenerationRequest("text_to_video", rate=Rate(11)), "bad_rate"),
        (GenerationRequest("text_to_video", resolution=Resolution(4, 4)), "bad_value"),
        (GenerationRequest("text_to_video", seed=-1), "bad_value"),
        (GenerationRequest("retake", span=Span(10, 10)), "bad_value"),
        (GenerationRequest("retake", frames=10, span=Span(0, 11)), "bad_value"),
        (GenerationRequest("image_to_video", conditioning=(Conditioning("/a", strength=2),)), "bad_value"),
    ],
)
def test_requests_that_make_no_sense(request_: GenerationRequest, code: str) -> None:
    answer = decide(None, QueueJob("p", request_, "/takes", "x"), stamp(None))
    assert isinstance(answer, Refusal)
    assert answer.code == code


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (QueueJob("p", QUEUE.request, "takes", "x"), "bad_value"),
        (QueueJob("p", QUEUE.request, "/takes", "a/b"), "bad_name"),
        (QueueJob("p", QUEUE.request, "/takes", "a\\b"), "bad_name"),
        (QueueJob("p", QUEUE.request, "/takes", ""), "bad_name"),
        (QueueJob("p", QUEUE.request, "/takes", "x", number=0), "bad_value"),
        (START, "no_such_job"),
    ],
)
def test_what_cannot_be_queued(command: JobCommand, code: str) -> None:
    answer = decide(None, command, stamp(None))
    assert isinstance(answer, Refusal)
    assert answer.code == code


def test_a_job_fails_with_a_known_code_only() -> None:
    answer = decide(STATES["running"], FailJob("oops", ""), stamp(STATES["running"]))
    assert isinstance(answer, Refusal)
    assert answer.code == "bad_value"
