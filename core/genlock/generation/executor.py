"""What runs jobs: the protocol, what it is given and what it reports."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from genlock.generation.engine import Engines, Lane, Plan, Tier
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


class Move(Struct, frozen=True):
    """An order: the component goes to this tier. To the device only by its engine, so here `host` or `disk`."""

    component: str
    to: Tier


class Staging(Struct, frozen=True, tag="staging"):
    """A job wants to begin a stage and waits for `Executor.proceed`. `allocated` is the peak of device bytes measured over
    the stage before (0: not measured), without the components of `Plan.components` that were there."""

    job: str
    stage: str
    allocated: int = 0


class Moved(Struct, frozen=True, tag="moved"):
    """A component is on this tier of a worker; it took so long to get there, and occupies so much. `disk` after an order
    for `host` means that it could not be kept: there is one memory only, or it was not there."""

    component: str
    tier: Tier
    bytes: int = 0
    seconds: float = 0.0


class Gone(Struct, frozen=True, tag="gone"):
    """The process that held a lane's models is no more, and with it all it held."""


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
Message = Progress | Staging | Outcome
Listener = Callable[[Message], None]
"""Called on a thread of the executor, in order; any number of Progress and Staging, then exactly one Outcome. Must
not block."""
Watcher = Callable[[Lane, Moved | Gone], None]
"""Called on a thread of the executor with what happens to the models of a lane. Must not block."""


class Executor(Protocol):
    """Runs jobs, as many at a time as a lane has slots, beginning them in the order submitted. Those with components
    all run in their lane's first slot, whose process keeps the models; the others wherever there is room."""

    @property
    def engines(self) -> Engines:
        """The engines it can run."""

    def start(self) -> None:
        """Makes ready to run; a second call does nothing."""

    def submit(self, ticket: Ticket, listener: Listener) -> None:
        """Takes a job; returns at once. Raises Refused(wrong_state) when not started, or for a job already here."""

    def cancel(self, job: str) -> None:
        """Ends a job, waiting or running: within a second, or at its next step where its process holds models. Does
        nothing for a job it does not have."""

    def proceed(self, job: str, moves: tuple[Move, ...] = ()) -> None:
        """Lets a job begin the stage it asked for, after its worker made these moves. Nothing for a job it does not
        have."""

    def move(self, lane: Lane, moves: tuple[Move, ...]) -> None:
        """Asks the process that holds a lane's models for moves: at once when it is idle, at the running job's next step
        otherwise. Each is reported to the watcher as Moved, also one of something that was not there."""

    def watch(self, watcher: Watcher) -> None:
        """Names who is told of every Moved and Gone, before `start`."""

    def close(self) -> None:
        """Ends everything; jobs that were here end as Stopped."""


def discard(take: Take) -> None:
    """Removes the files of a take that nobody wants any more."""
    for path in (take.path, take.proxy, *take.sidecars.values()):
        if not path:
            continue
        with contextlib.suppress(OSError):
            if Path(path).is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                Path(path).unlink(missing_ok=True)
