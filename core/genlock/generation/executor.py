"""What runs jobs: the protocol, what it is given and what it reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from genlock.generation.engine import Engines, Plan
from genlock.project.request import GenerationRequest
from genlock.project.shot import Take


class Ticket(Struct, frozen=True, omit_defaults=True):
    """One job to run. The take goes to `output` (a folder) as `stem` with its product's suffix; `number` is the take's.

    `master` names the encoding, `proxy` asks for an H.264 beside it. A file that is there already is never overwritten:
    the take then gets the next free number.
    """

    job: str
    request: GenerationRequest
    plan: Plan
    output: str
    stem: str
    number: int
    master: str = "prores"
    proxy: bool = True

    @property
    def desk(self) -> Path:
        """The private folder the worker writes in until the take is complete."""
        return Path(self.output) / f".{self.stem}.{self.job[:12]}"


class Progress(Struct, frozen=True, omit_defaults=True, tag="progress"):
    """How far a phase of a job is; `preview` is a JPEG."""

    job: str
    done: int
    total: int
    phase: str = ""
    preview: bytes | None = None


class Finished(Struct, frozen=True, tag="finished"):
    """The take is on disk, complete."""

    job: str
    take: Take


class Failed(Struct, frozen=True, tag="failed"):
    """It ended with an error of genlock.errors; nothing is left on disk but, after a crash, the worker's log."""

    job: str
    code: str
    message: str


class Stopped(Struct, frozen=True, tag="stopped"):
    """It was cancelled; nothing is left on disk."""

    job: str


Outcome = Finished | Failed | Stopped
Message = Progress | Outcome
Listener = Callable[[Message], None]
"""Called on a thread of the executor, in order; any number of Progress, then exactly one Outcome. Must not block."""


class Executor(Protocol):
    """Runs jobs, as many at a time as a lane has slots, beginning them in the order submitted."""

    @property
    def engines(self) -> Engines:
        """The engines it can run."""

    def start(self) -> None:
        """Makes ready to run; a second call does nothing."""

    def submit(self, ticket: Ticket, listener: Listener) -> None:
        """Takes a job; returns at once. Raises Refused(wrong_state) when not started, or for a job already here."""

    def cancel(self, job: str) -> None:
        """Ends a job within a second, waiting or running; does nothing for a job it does not have."""

    def close(self) -> None:
        """Ends everything; jobs that were here end as Stopped."""
