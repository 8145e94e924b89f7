"""A studio to measure in: a store on disk, the job loop, the arbiter and worker processes, as a user has them. What was
said is kept with the time it was said at."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Condition
from time import perf_counter
from uuid import uuid4

from msgspec import Struct, field

from genlock.application.application import Accepted, Application, Envelope, Published
from genlock.application.commands import Command
from genlock.application.jobs import JobRunner
from genlock.generation.arbiter import SLOTS, Arbiter, Decision
from genlock.generation.engine import BUILTIN, Engines, Lane, Plan
from genlock.generation.executor import Gone, Listener, Message, Moved, Progress, Staging, Ticket, Watcher
from genlock.generation.local import LocalExecutor
from genlock.generation.memory.ledger import Ledger
from genlock.generation.memory.machine import Machine, here
from genlock.generation.nursery import Child, Nursery, nursery
from genlock.project.commands import CancelJob, CreateProject, QueueJob
from genlock.project.job import JobCancelled, JobFailed, JobSucceeded
from genlock.project.project import Settings
from genlock.project.request import GenerationRequest
from genlock.store import open_store

PATIENCE = 600.0


class Said(Struct, frozen=True):
    """A message of a worker, at a time of perf_counter."""

    at: float
    message: Message


class News(Struct, frozen=True):
    """What happened to a lane's models."""

    at: float
    lane: Lane
    what: Moved | Gone


class Job(Struct):
    """A job as it was seen: queued at `begin`, over at `end` (the durable event), with `error` when it failed."""

    id: str
    begin: float
    end: float = 0.0
    error: str = ""
    cancelled: bool = False
    plans: list[Plan] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return self.end - self.begin

    def progress(self, phase: str = "") -> list[Said]:
        """Returns its reports of a phase (of all without one)."""
        return [
            s for s in self.said if isinstance(s.message, Progress) and s.message.phase in (phase or s.message.phase,)
        ]

    @property
    def outcome(self) -> Said | None:
        """What the worker said last."""
        last = self.said[-1] if self.said else None
        return None if last is None or isinstance(last.message, Progress | Staging) else last


class Studio:
    """One project, and jobs of it. Close it."""

    def __init__(
        self,
        folder: Path,
        *,
        targets: Mapping[str, str] = BUILTIN,
        machine: Machine | None = None,
        budget: int = 0,
        born: Nursery | None = None,
    ) -> None:
        self.folder = folder
        self.machine = machine or here()
        self.news: list[News] = []
        self.decisions: list[tuple[float, Decision]] = []
        self._jobs: dict[str, Job] = {}
        self._heard = Condition()
        self._store = open_store(folder / "studio.genlock")
        self._app = Application(self._store)
        self._app.subscribe(self._published)
        self._project = self._do(CreateProject("Bench", Settings(folder=str(folder), proxy=False))).created[0]
        self.executor = _Kept(self, Engines(targets), self.machine, born)
        ledger = Ledger(self.machine, budget or self.machine.usable, slots=SLOTS)
        self.arbiter = Arbiter(ledger, on_decision=lambda one: self.decisions.append((perf_counter(), one)))
        self.runner = JobRunner(self._app, self.executor, self.arbiter)
        self.runner.start()

    def begin(self, request: GenerationRequest, priority: int = 0) -> Job:
        """Queues a job."""
        stem = f"J{len(self._jobs):04}_v001"
        command = QueueJob(
            project=self._project, request=request, output=str(self.folder / "takes"), stem=stem, priority=priority
        )
        begin = perf_counter()
        id_ = self._do(command).created[0]
        job = self.job(id_)
        job.begin = begin
        return job

    def run(self, request: GenerationRequest) -> Job:
        """Queues a job and waits for its end. Raises RuntimeError when it fails."""
        job = self.begin(request)
        self.wait(lambda: job.end)
        if job.error:
            raise RuntimeError(f"{request.mode}: {job.error}")
        return job

    def cancel(self, job: Job) -> float:
        """Cancels a job; returns the seconds until its worker has let go of it."""
        begin = perf_counter()
        self._do(CancelJob(), job.id)
        self.wait(lambda: job.outcome)
        assert job.outcome is not None
        return job.outcome.at - begin

    def wait(self, true: Callable[[], object], patience: float = PATIENCE) -> None:
        """Waits until something is true. Raises RuntimeError after `patience` seconds."""
        with self._heard:
            if not self._heard.wait_for(lambda: bool(true()), patience):
                raise RuntimeError(f"nothing within {patience} s")

    def job(self, id_: str) -> Job:
        """Returns what is known of a job."""
        with self._heard:
            return self._jobs.setdefault(id_, Job(id_, perf_counter()))

    def close(self) -> None:
        self.runner.stop()
        self._app.close()
        self._store.close()

    def heard(self, job: str, message: Message) -> None:
        """Keeps what a worker said."""
        with self._heard:
            self._jobs.setdefault(job, Job(job, perf_counter())).said.append(Said(perf_counter(), message))
            self._heard.notify_all()

    def happened(self, lane: Lane, what: Moved | Gone) -> None:
        """Keeps what happened to a lane's models."""
        with self._heard:
            self.news.append(News(perf_counter(), lane, what))
            self._heard.notify_all()

    def _do(self, command: Command, target: str = "") -> Accepted:
        return self._app.execute(Envelope(id=uuid4().hex, command=command, target=target, actor="bench"))

    def _published(self, published: list[Published]) -> None:
        for entry in published:
            event = entry.event
            if isinstance(event, JobSucceeded | JobFailed | JobCancelled):
                with self._heard:
                    job = self._jobs.setdefault(event.originator_id.hex, Job(event.originator_id.hex, perf_counter()))
                    job.end = perf_counter()
                    job.cancelled = isinstance(event, JobCancelled)
                    job.error = f"{event.code}: {event.message}" if isinstance(event, JobFailed) else ""
                    self._heard.notify_all()


class Lasting:
    """A nursery for several studios, one after the other, so that heavy imports are paid once. `end` it."""

    def __init__(self) -> None:
        self._nursery = nursery()

    def warm(self, *, models: bool = False) -> None:
        self._nursery.warm(models=models)

    def birth(self, *, models: bool = False) -> Child:
        return self._nursery.birth(models=models)

    def close(self) -> None:
        """A studio is closed; the next one comes."""

    def end(self) -> None:
        self._nursery.close()


class _Kept(LocalExecutor):
    """Passes everything on, and keeps it."""

    def __init__(self, studio: Studio, engines: Engines, machine: Machine, born: Nursery | None) -> None:
        super().__init__(engines, machine=machine, nursery_=born, warm_after=0)
        self._studio = studio

    def watch(self, watcher: Watcher) -> None:
        def tee(lane: Lane, what: Moved | Gone) -> None:
            watcher(lane, what)
            self._studio.happened(lane, what)

        super().watch(tee)

    def submit(self, ticket: Ticket, listener: Listener) -> None:
        def tee(message: Message) -> None:
            with contextlib.suppress(RuntimeError):
                listener(message)
            self._studio.heard(ticket.job, message)

        self._studio.job(ticket.job).plans.append(ticket.plan)
        super().submit(ticket, tee)
