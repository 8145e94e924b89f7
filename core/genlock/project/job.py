"""The Job aggregate: the durable life of one generation request. Progress is not stored."""

from __future__ import annotations

from msgspec import Struct

from genlock.event import Event
from genlock.project.request import GenerationRequest
from genlock.project.shot import Take


class JobQueued(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A request is waiting. `priority`: higher first. `output` is the folder the take goes to (absolute), `stem` its
    file name without suffix; `number` the take number reserved for it."""

    project: str
    shot: str
    request: GenerationRequest
    output: str
    stem: str
    number: int
    priority: int = 0


class JobStarted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A worker took it; `attempt` counts from 1."""

    attempt: int
    engine: str
    plan: str = ""


class JobSucceeded(Event, frozen=True, kw_only=True, omit_defaults=True):
    take: Take


class JobFailed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """It ended with an error of genlock.errors."""

    code: str
    message: str


class JobCancelled(Event, frozen=True, kw_only=True, omit_defaults=True):
    pass


class JobRequeued(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Back in the queue: a retry asked for, or the daemon stopped while it ran."""

    reason: str = ""


JobEvent = JobQueued | JobStarted | JobSucceeded | JobFailed | JobCancelled | JobRequeued


class Waiting(Struct, frozen=True, tag="waiting"):
    reason: str = ""


class Running(Struct, frozen=True, tag="running"):
    engine: str
    plan: str = ""


class Succeeded(Struct, frozen=True, tag="succeeded"):
    take: str


class Failed(Struct, frozen=True, tag="failed"):
    code: str
    message: str


class Cancelled(Struct, frozen=True, tag="cancelled"):
    pass


JobStatus = Waiting | Running | Succeeded | Failed | Cancelled


class JobState(Struct, frozen=True):
    """A job at one version. `engine` and `plan` are those of its last attempt, empty before the first."""

    id: str
    version: int
    project: str
    shot: str
    request: GenerationRequest
    output: str
    stem: str
    number: int
    priority: int
    status: JobStatus
    attempt: int = 0
    position: int = 0
    engine: str = ""
    plan: str = ""
