"""Runs queued jobs: takes them in order, holds a lease for each, hands them to the executor and stores how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final, assert_never
from uuid import uuid4

import msgspec
from msgspec.structs import asdict

from genlock.application.application import Accepted, Application, Envelope, Published
from genlock.errors import BadInput, GenerationError, GenlockError, NotFound
from genlock.generation import planner
from genlock.generation.arbiter import Arbiter, Lease, Need
from genlock.generation.engine import Engines, Lane, Plan
from genlock.generation.executor import Executor, Failed, Finished, Message, Outcome, Progress, Stopped, Ticket
from genlock.media.naming import next_number, sanitise, take_path
from genlock.project.commands import FailJob, FinishJob, JobCommand, QueueJob, RequeueJob, StartJob
from genlock.project.job import JobCancelled, JobQueued, JobRequeued, JobState, Running, Waiting
from genlock.project.project import ProjectState, Settings
from genlock.project.request import GenerationRequest, Mode
from genlock.project.shot import ShotState, Take

log = logging.getLogger(__name__)

ACTOR: Final = "genlock"
HOST: Final = "daemon"

_OF_QUEUE: Final = ("priority", "take")


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
        self._waiting: set[str] = set()
        self._running: dict[str, _Carriage] = {}
        self._stopping = False
        self._unsubscribe: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Requeues what was running when the last daemon ended, then begins to work."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="jobs", daemon=True)
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

    # -- on the loop

    def _take_up(self) -> None:
        self._queued([job.id for job in self._app.jobs(status="waiting")])

    def _queued(self, jobs: list[str]) -> None:
        self._waiting.update(jobs)
        self._serve()

    def _cancelled(self, job: str) -> None:
        self._waiting.discard(job)
        carriage = self._running.get(job)
        if carriage is not None:
            carriage.stop(self._executor)

    def _serve(self) -> None:
        """Begins with the next jobs while their lanes have room."""
        if self._stopping or not self._waiting:
            return
        room = dict(self._arbiter.slots)
        for carriage in self._running.values():
            room[carriage.lane] -= 1
        if all(free <= 0 for free in room.values()):
            return
        for job in self._in_order():
            lane = planner.lane(job.request)
            if room.get(lane, 0) > 0:
                room[lane] -= 1
                self._waiting.discard(job.id)
                carriage = _Carriage(job, lane)
                self._running[job.id] = carriage
                carriage.task = self._loop.create_task(self._carry(carriage))
                # Not at the end of `_carry`: a task that is cancelled before its first step never gets there.
                carriage.task.add_done_callback(partial(self._ended, job.id))

    def _ended(self, job: str, _: asyncio.Task[None]) -> None:
        del self._running[job]
        self._serve()

    def _in_order(self) -> list[JobState]:
        jobs = self._app.world.jobs
        found = [jobs[id_] for id_ in self._waiting if id_ in jobs]
        waiting = [job for job in found if isinstance(job.status, Waiting) and job.id not in self._running]
        return sorted(waiting, key=lambda job: (-job.priority, job.position, job.id))

    async def _carry(self, carriage: _Carriage) -> None:
        job = carriage.job
        try:
            outcome = await self._work(carriage)
            if outcome is not None and not self._stopping:
                await self._settle(job, outcome)
        except asyncio.CancelledError:
            pass  # cancelled while it waited for its lease, or the runner stops: the queue knows already
        except GenlockError as error:
            await self._fail(job, error.code, error.message)
        except Exception as error:  # a background task: whatever went wrong costs this job, not the queue
            log.exception("job %s", job.id)
            await self._fail(job, "internal", f"{type(error).__name__}: {error}")

    async def _work(self, carriage: _Carriage) -> Outcome | None:
        """Tries one plan after the other for as long as memory is what is missing; None when the job was taken away."""
        job = carriage.job
        outcome: Outcome | None = None
        started = False
        for plan in planner.plans(job.request, self._engines):
            carriage.submitted = False  # while it waits for its next lease it is the task that has to be stopped
            try:
                lease = await self._arbiter.acquire(Need.of(job.id, plan, job.priority), plan.lane, self._deadline)
            except GenerationError as error:
                outcome = Failed(job.id, error.code, error.message)
                continue
            async with lease:
                # The worker begins while the start becomes durable: a crash in between costs a job that nobody saw run.
                running = self._loop.create_task(self._run(carriage, plan, lease))
                if not started and not await self._send(job.id, StartJob(plan.engine, plan.name)):
                    self._executor.cancel(job.id)
                    _discard_outcome(await running)
                    return None
                started = True
                outcome = await running
            if not isinstance(outcome, Failed) or outcome.code != "needs_memory":
                break
        return outcome

    async def _run(self, carriage: _Carriage, plan: Plan, lease: Lease) -> Outcome:
        job = carriage.job
        if carriage.stopped:
            return Stopped(job.id)
        ended: asyncio.Future[Outcome] = self._loop.create_future()

        def heard(message: Message) -> None:
            if isinstance(message, Progress):
                self._loop.call_soon_threadsafe(self._progressed, message, lease)
            else:
                self._loop.call_soon_threadsafe(_settle_once, ended, message)

        settings = self._app.project(job.project).settings
        self._executor.submit(_ticket(job, plan, settings), heard)
        carriage.submitted = True
        return await ended

    def _progressed(self, progress: Progress, lease: Lease) -> None:
        lease.report(progress.done, progress.total)
        self._on_progress(progress)

    async def _settle(self, job: JobState, outcome: Outcome) -> None:
        match outcome:
            case Finished(take=take):
                # One that could not be stored, as on a full disk, is still wanted: the job counts as running until then.
                wanted = await self._send(job.id, FinishJob(take)) or self._is_running(job.id)
                if not wanted:
                    _discard(take)
            case Failed(code=code, message=message):
                await self._fail(job, code, message)
            case Stopped():
                pass  # whoever stopped it has stored why
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
        for carriage in carriages:
            if requeue:  # refused for one that never started, which waits still
                await self._send(carriage.job.id, RequeueJob("The daemon was stopped."))
            carriage.stop(self._executor)
        await asyncio.gather(*(c.task for c in carriages if c.task is not None), return_exceptions=True)


class _Carriage:
    """One job under way."""

    def __init__(self, job: JobState, lane: Lane) -> None:
        self.job, self.lane = job, lane
        self.task: asyncio.Task[None] | None = None
        self.submitted = False
        self.stopped = False

    def stop(self, executor: Executor) -> None:
        """Ends it: in the executor when it is there, else before it gets there."""
        self.stopped = True
        if self.submitted:
            executor.cancel(self.job.id)
        elif self.task is not None:
            self.task.cancel()


def request_for(app: Application, shot: str, **overrides: Any) -> QueueJob:
    """Returns the command that queues a take of a shot, from its brief and the project's settings.

    `overrides` replace fields of the request (mode, prompt, frames, span, seed, ...), as values or as JSON has them, and
    `priority`; `take` names the take that an extend or a retake starts from (else the selected one). Without a seed in
    the brief each take gets another one, always the same for its number.
    Raises NotFound(no_such_shot, no_such_take), BadInput(bad_value, bad_generation).
    """
    state = app.shot(shot)
    project = app.project(state.project)
    fields = set(GenerationRequest.__struct_fields__)
    unknown = sorted(set(overrides) - fields - set(_OF_QUEUE))
    if unknown:
        raise BadInput("bad_value", f"A request has no {', '.join(unknown)}.")
    number = _number(app, state, project)
    values = {name: value for name, value in overrides.items() if name in fields}
    request = _request(state, project.settings, number, values, overrides.get("take"))
    path = take_path(_folder(app, project), state.scene, state.code, number)
    return QueueJob(
        project=project.id,
        shot=state.id,
        request=request,
        output=str(path.parent),
        stem=path.stem,
        number=number,
        priority=_whole(overrides.get("priority", 0)),
    )


def _request(
    shot: ShotState, settings: Settings, number: int, overrides: dict[str, Any], take: str | None
) -> GenerationRequest:
    brief = shot.brief
    drop = settings.drop_frame and bool(brief.rate.drop_per_minute)
    base = GenerationRequest(
        mode=_mode(len(brief.conditioning)),
        prompt=brief.prompt,
        negative_prompt=brief.negative_prompt,
        resolution=brief.resolution or settings.resolution,
        frames=brief.frames,
        rate=brief.rate,
        seed=brief.seed or number,
        conditioning=brief.conditioning,
        start_frame=settings.start_frame if brief.rate == settings.rate else 3600 * brief.rate.nominal,
        drop_frame=drop,
        shot_code="_".join(part for part in (shot.scene, shot.code) if part),
        shot_type=brief.shot_type,
        camera=brief.camera,
        engine=brief.engine or settings.engine,
    )
    given = {**asdict(base), **overrides}
    if "mode" not in overrides and overrides.get("conditioning") is not None:
        given["mode"] = _mode(len(overrides["conditioning"]))
    if given["mode"] in ("extend", "retake") and not given["source"]:
        given.update(_continued(shot, given, overrides, take))
    try:
        return msgspec.convert(msgspec.to_builtins(given), GenerationRequest)
    except msgspec.ValidationError as error:
        raise BadInput("bad_value", f"The request does not hold together: {error}.") from error


def _continued(shot: ShotState, given: dict[str, Any], overrides: dict[str, Any], take: str | None) -> dict[str, Any]:
    """Returns what a request takes over from the take it goes on from."""
    chosen = take or shot.selected
    if chosen is None:
        raise BadInput("bad_generation", f"The shot {shot.code} has no take yet to go on from.")
    if chosen not in shot.takes:
        raise NotFound("no_such_take", f"The shot {shot.code} has no take {chosen}.")
    held = shot.takes[chosen]
    found: dict[str, Any] = {"source": held.path}
    info = held.info
    if info is not None and info.rate is not None and "rate" not in overrides:
        found["rate"] = info.rate
    if info is not None and given["mode"] == "retake" and "frames" not in overrides:
        found["frames"] = info.frames
    if info is not None and given["mode"] == "extend" and "start_frame" not in overrides:
        # Our own files count from 0: what they were made to start at stands in their request.
        begun = held.provenance.request.start_frame if held.provenance else info.start
        found["start_frame"] = begun + info.frames
    return found


def _mode(conditions: int) -> Mode:
    return "text_to_video" if not conditions else "image_to_video" if conditions == 1 else "keyframes"


def _number(app: Application, shot: ShotState, project: ProjectState) -> int:
    """Returns the first take number that no take, no job and no file has."""
    taken = [take.number for take in shot.takes.values()]
    taken += [number for owner, number in app.world.reserved if owner == shot.id]
    on_disk = next_number(_folder(app, project), shot.scene, shot.code)
    return max([*(number + 1 for number in taken), on_disk])


def _folder(app: Application, project: ProjectState) -> Path:
    """Returns the project's folder; one of its name beside the store when its settings name none."""
    if project.settings.folder:
        return Path(project.settings.folder)
    store = Path(app.store.location)
    if store.is_absolute() and store.is_file():
        return store.parent / sanitise(project.name)
    message = f"The project {project.name} has no folder for its takes."
    raise BadInput("bad_generation", message, hint="Set the folder in the project's settings.")


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise BadInput("bad_value", f"A priority is a whole number, not {value!r}.")
    return value


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
        _discard(outcome.take)


def _discard(take: Take) -> None:
    """Removes the files of a take that nobody wants any more."""
    for path in (take.path, take.proxy):
        if path:
            with contextlib.suppress(OSError):
                Path(path).unlink(missing_ok=True)
