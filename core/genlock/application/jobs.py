"""Runs queued jobs: takes them in order, holds a lease for each, hands them to the executor and stores how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import islice
from threading import Thread
from typing import Final, assert_never
from uuid import uuid4

from msgspec.structs import replace

from genlock.application.application import Accepted, Application, Envelope, Published
from genlock.application.learning import factors, learn
from genlock.application.waiting import WaitingLine
from genlock.errors import GenerationError, GenlockError
from genlock.generation import planner
from genlock.generation.arbiter import Arbiter, Lease, Need
from genlock.generation.engine import Engines, Lane, Plan
from genlock.generation.executor import (
    Executor,
    Failed,
    Finished,
    Gone,
    Message,
    Moved,
    Outcome,
    Progress,
    Staging,
    Stopped,
    Ticket,
    discard,
)
from genlock.project.commands import FailJob, FinishJob, JobCommand, RequeueJob, StartJob
from genlock.project.job import JobCancelled, JobQueued, JobRequeued, JobState, Running, Waiting
from genlock.project.project import Settings

log = logging.getLogger(__name__)

ACTOR: Final = "genlock"
HOST: Final = "daemon"

LOOKAHEAD: Final = 16
"""Waiting jobs that are planned before their turn, so that what they need is not thrown away meanwhile."""


class JobRunner:
    """The loop behind the queue, on a thread of its own.

    Jobs run by priority, then by when they were queued. What the queue holds is durable; what runs when the daemon ends
    goes back into it. Progress is passed on, never stored.
    """

    def __init__(
        self,
        app: Application,
        executor: Executor,
        arbiter: Arbiter,
        on_progress: Callable[[Progress], None] = lambda _: None,
        *,
        engines: Engines | None = None,
        deadline: float | None = None,
    ) -> None:
        self._app, self._executor, self._arbiter, self._on_progress = app, executor, arbiter, on_progress
        self._engines = engines or executor.engines
        self._deadline = deadline
        self._loop: asyncio.AbstractEventLoop
        self._thread: Thread | None = None
        self._waiting = WaitingLine()
        self._running: dict[str, _Carriage] = {}
        self._ahead: dict[str, Plan | None] = {}
        self._changed = False
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self.before: Callable[[Plan], None] = lambda _: None
        """Called on another thread before a plan asks for its lease: may make room with other programs."""

    def start(self) -> None:
        """Requeues what was running when the last daemon ended, then begins to work."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="jobs", daemon=True)
        self._arbiter.mover = self._executor.move
        self._executor.watch(self._watched)
        self._executor.start()
        for job in self._app.jobs(status="running"):
            with contextlib.suppress(GenlockError):  # somebody ended it meanwhile
                self._app.execute(_envelope(job.id, RequeueJob("The daemon was restarted.")))
        self._unsubscribe = self._app.subscribe(self._published)
        self._thread.start()
        self._loop.call_soon_threadsafe(self._take_up)

    def stop(self, requeue: bool = True) -> None:
        """Ends the work. Running jobs go back into the queue, or stay marked as running when `requeue` is false (the next
        start requeues them then)."""
        if self._thread is None:
            self._executor.close()
            return
        self._unsubscribe()
        asyncio.run_coroutine_threadsafe(self._halt(requeue), self._loop).result()
        self._executor.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._thread = None
        self._loop.close()

    def set_budget(self, budget: int, reason: str) -> None:
        """Changes the bytes that jobs may hold. Callable from any thread, after the start."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._budgeted, budget, reason)

    # -- on the writer's thread

    def _published(self, published: list[Published]) -> None:
        moved = [p.event for p in published if isinstance(p.event, JobQueued | JobRequeued | JobCancelled)]
        cancelled = [event.originator_id.hex for event in moved if isinstance(event, JobCancelled)]
        # A group can hold a job's cancelling and its retry: the last word counts.
        last = {event.originator_id.hex: event for event in moved}
        queued = [job for job, event in last.items() if not isinstance(event, JobCancelled)]
        with contextlib.suppress(RuntimeError):  # the loop was closed while this was on its way
            for job in cancelled:
                self._loop.call_soon_threadsafe(self._cancelled, job)
            if queued:
                self._loop.call_soon_threadsafe(self._queued, queued)

    # -- on the executor's threads

    def _watched(self, lane: Lane, news: Moved | Gone) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._happened, lane, news)

    # -- on the loop

    def _budgeted(self, budget: int, reason: str) -> None:
        self._arbiter.set_budget(budget, reason)
        self._serve()

    def _happened(self, lane: Lane, news: Moved | Gone) -> None:
        if isinstance(news, Gone):
            self._arbiter.lost(lane)
        else:
            self._arbiter.moved(lane, news.component, news.tier, news.bytes)

    def _take_up(self) -> None:
        self._queued([job.id for job in self._app.jobs(status="waiting")])

    def _queued(self, jobs: list[str]) -> None:
        known = self._app.world.jobs
        for job in jobs:
            if job in known:
                self._waiting.add(known[job], planner.lane(known[job].request))
        self._serve()

    def _cancelled(self, job: str) -> None:
        self._waiting.discard(job)
        carriage = self._running.get(job)
        if carriage is not None:
            carriage.stop(self._executor)
        self._look_ahead()

    def _serve(self) -> None:
        """Begins with the next jobs while their lanes have room."""
        if not self._stopping and self._waiting:
            self._begin()
        self._look_ahead()

    def _begin(self) -> None:
        room = dict(self._arbiter.slots)
        parked = self._arbiter.parked
        for id_, running in self._running.items():
            # Who waits for other programs takes nobody's turn, as long as those are few.
            if id_ not in parked or len(parked) > LOOKAHEAD:
                room[running.lane] -= 1
        for lane, free in room.items():
            for job in self._first(max(0, free), lane):
                self._waiting.discard(job.id)
                carriage = _Carriage(job, lane)
                self._running[job.id] = carriage
                carriage.task = self._loop.create_task(self._carry(carriage))
                # Not at the end of `_carry`: a task that is cancelled before its first step never gets there.
                carriage.task.add_done_callback(partial(self._ended, job.id))

    def _ended(self, job: str, _: asyncio.Task[None]) -> None:
        del self._running[job]
        state = self._app.world.jobs.get(job)
        if state is None or not isinstance(state.status, Waiting):
            self._waiting.discard(job)
        self._serve()

    def _look_ahead(self) -> None:
        """Plans the next of those that wait, and tells the arbiter what they will need."""
        self._changed = True
        if self._looking is None and not self._stopping:
            self._looking = self._loop.create_task(self._look())
            self._looking.add_done_callback(self._looked)

    def _looked(self, _: asyncio.Task[None]) -> None:
        self._looking = None
        if self._changed:  # the queue moved behind the last look
            self._look_ahead()

    async def _look(self) -> None:
        self._changed = False
        while unknown := [job for job in self._first(LOOKAHEAD) if job.id not in self._ahead]:
            plan = None
            with contextlib.suppress(GenlockError):  # it will fail when its turn comes
                plan = (await asyncio.to_thread(planner.plans, unknown[0].request, self._engines))[0]
            self._ahead[unknown[0].id] = plan
            if plan is not None and plan.lane != planner.lane(unknown[0].request) and unknown[0].id in self._waiting:
                self._waiting.add(unknown[0], plan.lane)
                self._begin()
        jobs = self._first(LOOKAHEAD)
        self._ahead = {job.id: self._ahead[job.id] for job in jobs}
        planned = ((job, self._ahead[job.id]) for job in jobs)
        self._arbiter.set_queue([Need(job.id, plan, job.priority) for job, plan in planned if plan is not None])

    def _first(self, count: int, *lanes: Lane) -> list[JobState]:
        """Returns the next of those that wait, on some lanes or on all."""
        held = self._app.world.jobs
        found = (held[id_] for id_ in self._waiting.ids(*lanes) if id_ in held and id_ not in self._running)
        return list(islice((job for job in found if isinstance(job.status, Waiting)), count))

    async def _carry(self, carriage: _Carriage) -> None:
        job = carriage.job
        try:
            outcome = await self._work(carriage)
            # A take that was complete before the end is stored, or taken away: its job is made again.
            if isinstance(outcome, Finished) or (outcome is not None and not self._stopping):
                await self._settle(carriage, carriage.marked(outcome))
        except asyncio.CancelledError:
            pass  # cancelled while it waited for its lease, or the runner stops: the queue knows already
        except GenlockError as error:
            await self._fail(job, error.code, error.message)
        except Exception as error:  # a background task: whatever went wrong costs this job, not the queue
            log.exception("job %s", job.id)
            await self._fail(job, "internal", f"{type(error).__name__}: {error}")

    async def _work(self, carriage: _Carriage) -> Outcome | None:
        """Tries one plan after the other: the next where memory is missing, and once more where the worker died. None
        when the job was taken away."""
        job = carriage.job
        plans, known = await asyncio.to_thread(self._plans, job)
        number = deaths = 0
        while True:
            plan = plans[number]
            carriage.begin(plan, known[number])
            if carriage.lane != carriage.counted:
                self._serve()  # it was counted on another lane
            outcome = await self._attempt(carriage, plan, patient=all(other.draft for other in plans[number + 1 :]))
            if not isinstance(outcome, Failed):
                return outcome
            if outcome.code == "needs_memory" and number + 1 < len(plans):
                number += 1
            elif outcome.code == "worker_lost" and not deaths:
                deaths += 1
                number += _is_cheaper(plan, plans[number + 1 :])
            else:
                return outcome
            carriage.tried.append(f"{plan.name}: {outcome.message}")
            reason = f"{plan.name} ended with {outcome.code}; {plans[number].engine}: {plans[number].name} is next"
            self._arbiter.note(job.id, plan.lane, reason)

    def _plans(self, job: JobState) -> tuple[tuple[Plan, ...], list[dict[str, float]]]:
        """Returns the plans, and how much of each estimate was learnt."""
        plans = planner.plans(job.request, self._engines)
        return plans, [factors(plan) for plan in plans]

    async def _attempt(self, carriage: _Carriage, plan: Plan, *, patient: bool) -> Outcome | None:
        """Runs one plan. A `patient` one waits for other programs to leave: behind it there are drafts only."""
        job = carriage.job
        await asyncio.to_thread(self.before, plan)
        self._loop.call_soon(self._serve)  # should it be parked by then, another may begin
        try:
            lease = await self._arbiter.acquire(Need(job.id, plan, job.priority, patient), self._deadline)
        except GenerationError as error:
            return Failed(job.id, error.code, error.message)
        async with lease:
            if not plan.stages:  # what it needs it needs throughout
                try:
                    moves = await lease.enter("")
                except GenerationError as error:
                    return Failed(job.id, error.code, error.message)
                if moves:
                    self._executor.move(plan.lane, moves)
            # The worker begins while the start becomes durable: a crash in between costs a job that nobody saw run.
            carriage.submitted = (
                True  # from here on nothing is broken off: a start that is accepted has to be taken back
            )
            running = self._loop.create_task(self._run(carriage, plan, lease))
            if not carriage.started and not await self._send(job.id, StartJob(plan.engine, plan.name)):
                self._executor.cancel(job.id)
                _discard_outcome(await running)
                return None
            carriage.started = True
            return await running

    async def _run(self, carriage: _Carriage, plan: Plan, lease: Lease) -> Outcome:
        job = carriage.job
        if carriage.stopped:
            return Stopped(job.id)
        ended: asyncio.Future[Outcome] = self._loop.create_future()

        def heard(message: Message) -> None:
            if isinstance(message, Progress):
                self._loop.call_soon_threadsafe(self._progressed, message, lease)
            elif isinstance(message, Staging):
                self._loop.call_soon_threadsafe(self._staging, carriage, message, lease)
            else:
                self._loop.call_soon_threadsafe(_settle_once, ended, message)

        settings = self._app.project(job.project).settings
        self._executor.submit(_ticket(job, plan, settings), heard)
        outcome = await ended
        await carriage.leave_stage()
        if carriage.refusal is not None and isinstance(outcome, Stopped):
            return carriage.refusal
        return outcome

    def _staging(self, carriage: _Carriage, staging: Staging, lease: Lease) -> None:
        if staging.allocated:
            lease.report(*lease.step, staging.allocated)
            if (factor := carriage.factors.get(lease.stage)) is not None:
                self._loop.run_in_executor(None, learn, lease.need.plan, lease.stage, staging.allocated, factor)
        carriage.entering = self._loop.create_task(self._enter(carriage, staging, lease))

    async def _enter(self, carriage: _Carriage, staging: Staging, lease: Lease) -> None:
        """Lets a job begin its next stage when the room for it is there; a job that gets none ends."""
        try:
            moves = await lease.enter(staging.stage)
        except GenerationError as error:
            carriage.refusal = Failed(staging.job, error.code, error.message)
            self._executor.cancel(staging.job)
        else:
            self._executor.proceed(staging.job, moves)

    def _progressed(self, progress: Progress, lease: Lease) -> None:
        lease.report(progress.done, progress.total)
        self._on_progress(progress)

    async def _settle(self, carriage: _Carriage, outcome: Outcome) -> None:
        job = carriage.job
        match outcome:
            case Finished(take=take):
                # One that could not be stored, as on a full disk, is still wanted: the job counts as running until then.
                wanted = await self._send(job.id, FinishJob(take)) or self._is_running(job.id)
                if not wanted:
                    discard(take)
            case Failed(code=code, message=message) if not carriage.stopped:
                await self._fail(job, code, message)
            case Failed() | Stopped():
                # Whoever stopped it has stored why. One that was asked for again before it was marked as started waits on.
                if carriage.stopped and self._is_running(job.id):
                    await self._send(job.id, RequeueJob("It was cancelled and asked for again."))
            case _:
                assert_never(outcome)

    def _is_running(self, job: str) -> bool:
        return isinstance(self._app.job(job).status, Running)

    async def _fail(self, job: JobState, code: str, message: str) -> None:
        await self._send(job.id, FailJob(code, message))

    async def _send(self, job: str, command: JobCommand) -> bool:
        """Returns whether the command was accepted: a job that was cancelled meanwhile takes no more."""
        answer: Future[Accepted] = self._app.submit(_envelope(job, command))
        try:
            await asyncio.wrap_future(answer)
        except GenlockError as error:
            if error.code not in ("wrong_state", "no_such_job"):
                log.error("job %s: %s was refused: %s", job, type(command).__name__, error.message)
            return False
        return True

    async def _halt(self, requeue: bool) -> None:
        self._stopping = True
        self._waiting.clear()
        carriages = list(self._running.values())
        if self._looking is not None:
            self._looking.cancel()
        for carriage in carriages:
            if requeue:  # refused for one that never started, which waits still
                await self._send(carriage.job.id, RequeueJob("The daemon was stopped."))
            carriage.stop(self._executor)
        await asyncio.gather(*(c.task for c in carriages if c.task is not None), return_exceptions=True)


class _Carriage:
    """One job under way."""

    def __init__(self, job: JobState, lane: Lane) -> None:
        self.job, self.lane, self.counted = job, lane, lane
        self.task: asyncio.Task[None] | None = None
        self.entering: asyncio.Task[None] | None = None
        self.refusal: Failed | None = None
        self.submitted = self.stopped = self.started = False
        self.factors: dict[str, float] = {}
        """What measurements made of the present plan's estimates when it was planned, by stage."""
        self.tried: list[str] = []
        """Why plans before the present one did not do."""

    def begin(self, plan: Plan, factors: dict[str, float]) -> None:
        """Turns to a plan: while it waits for its lease it is the task that has to be stopped."""
        self.submitted, self.refusal, self.factors = False, None, factors
        self.counted, self.lane = self.lane, plan.lane

    async def leave_stage(self) -> None:
        """Ends what still waits for room for a stage."""
        entering, self.entering = self.entering, None
        if entering is not None:
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)

    def marked(self, outcome: Outcome) -> Outcome:
        """Returns the outcome; a take says which plans did not do."""
        if not self.tried or not isinstance(outcome, Finished) or outcome.take.provenance is None:
            return outcome
        made = outcome.take.provenance
        told = replace(made, details={**made.details, "tried": self.tried})
        return replace(outcome, take=replace(outcome.take, provenance=told))

    def stop(self, executor: Executor) -> None:
        """Ends it: in the executor when it is there, else before it gets there."""
        self.stopped = True
        if self.submitted:
            executor.cancel(self.job.id)
        elif self.task is not None:
            self.task.cancel()


def _is_cheaper(plan: Plan, others: tuple[Plan, ...]) -> bool:
    """Whether the next plan is one of the same engine that holds less than one that may have died of its size."""
    return bool(plan.components and others and others[0].engine == plan.engine)


def _ticket(job: JobState, plan: Plan, settings: Settings) -> Ticket:
    return Ticket(
        job=job.id,
        request=job.request,
        plan=plan,
        output=job.output,
        stem=job.stem,
        number=job.number,
        master=settings.master,
        proxy=settings.proxy,
    )


def _envelope(job: str, command: JobCommand) -> Envelope:
    return Envelope(id=uuid4().hex, command=command, target=job, actor=ACTOR, host=HOST)


def _settle_once(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not future.done():
        future.set_result(outcome)


def _discard_outcome(outcome: Outcome) -> None:
    if isinstance(outcome, Finished):
        discard(outcome.take)
