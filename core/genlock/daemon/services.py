"""What the routes and the socket work with, composed in one place. Nothing heavy is loaded before it is used."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import cached_property
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from genlock.application.application import Application
from genlock.application.commands import decode_command
from genlock.application.envelope import Accepted, Envelope
from genlock.daemon import answers, discovery, picture, settings, wire
from genlock.daemon.access import Access
from genlock.daemon.hub import Hub
from genlock.daemon.paths import Roots
from genlock.daemon.pool import Pool
from genlock.daemon.repeats import Repeats
from genlock.daemon.tasks import Task, Tasks
from genlock.errors import BadInput, GenlockError
from genlock.generation.memory.hints import Hints
from genlock.store import EventStore, open_store
from genlock_client.discovery import public

if TYPE_CHECKING:
    from genlock.application.jobs import JobRunner
    from genlock.daemon.watching import Watches
    from genlock.generation.arbiter import Arbiter
    from genlock.generation.engine import Engines, Plan
    from genlock.generation.executor import Progress
    from genlock.generation.memory.budget import Watch
    from genlock.generation.memory.machine import Machine
    from genlock.generation.memory.tenants import Ollama
    from genlock.media.service import MediaService

log = logging.getLogger("genlock.daemon")

ID_LENGTH = 200

LEAST = 1 << 30
"""Bytes that jobs may hold whatever others take, where the settings give them as many: the embedded engine needs a part
of it, and no memory of a GPU."""


RUNNING = 64
"""Jobs whose last progress is kept: more than can run at once."""


class Snapshot(NamedTuple):
    """A client's first picture as JSON, and the version of each aggregate it holds."""

    data: bytes
    floors: dict[str, int]


class CommandLike(Protocol):
    """A command as it came over the wire or by REST."""

    @property
    def id(self) -> str: ...
    @property
    def command(self) -> Any: ...
    @property
    def target(self) -> str: ...
    @property
    def base_version(self) -> int | None: ...
    @property
    def strict(self) -> bool: ...
    @property
    def kind(self) -> Any: ...
    @property
    def label(self) -> str: ...


class Services:
    """The composition root. `start` on the event loop, `stop` from any thread after the loop has let go of it."""

    def __init__(self, store: EventStore, url: str, access: Access, roots: Iterable[Path | str]) -> None:
        self.store = store
        self.url = url
        self.access = access
        self.settings_file = settings.settings_file(url)
        self.settings = settings.load(self.settings_file)
        self.app = Application(store)
        self.folder = discovery.home_folder() if "://" in url else Path(url).parent
        self.roots = Roots((*roots, self.folder))
        self.hub = Hub(store.log_id, backlog_bytes=self.settings.backlog_bytes)
        self.tasks = Tasks(self._on_task)
        self.pool = Pool(self.app, self.roots)
        self.repeats = Repeats()
        self.hints = Hints()
        self.routes: Callable[[], list[Any]] = list
        """Set by the application: all its routes."""
        self.request_stop: Callable[[str], None] = lambda reason: None
        """Set by the server: asks the whole daemon to end."""
        self._unsubscribe = self.app.subscribe(self.hub.publish)
        self._runner: JobRunner | None = None
        self._budget: Watch | None = None
        self._lock = Lock()
        self._stopped = False
        self._progress: dict[str, tuple[int, int, str]] = {}

    @classmethod
    def open(cls, store: str | Path, access: Access, roots: Iterable[Path | str] = ()) -> Services:
        """Opens the store and composes the rest. Raises StoreError (store_busy names the pid that holds it)."""
        url = discovery.canonical(store)
        if "://" not in url:
            Path(url).parent.mkdir(parents=True, exist_ok=True)
        opened = open_store(url)
        try:
            return cls(opened, public(store), access, roots)
        except GenlockError:
            opened.close()
            raise

    # -- life

    def start(self) -> None:
        """Binds the hub to the running loop, and takes up jobs that waited when the last daemon ended."""
        self.hub.bind(asyncio.get_running_loop())
        if any(not _ended(job.status) for job in self.app.jobs()):
            self._start_runner()

    def stop(self) -> None:
        """Puts running jobs back into the queue, ends the media process, checkpoints and closes the store; idempotent."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        self._unsubscribe()
        if "watches" in self.__dict__:
            self.watches.close()
        self.tasks.close()
        if self._budget is not None:
            self._budget.stop()
        if self._runner is not None:
            self._runner.stop(requeue=True)
        if "media" in self.__dict__:
            self.media.close()
        self.app.close()
        self.store.close()

    # -- commands

    def submit(self, message: CommandLike, *, actor: str, host: str) -> Future[Accepted]:
        """Gives a client's command to the writer. Raises BadInput for one that cannot be read, AccessError(outside_roots)
        for one that would use a file outside the roots."""
        if not 0 < len(message.id) <= ID_LENGTH:
            raise BadInput("bad_value", f"A command needs an id of at most {ID_LENGTH} characters.")
        if self.hub.is_closing:
            raise GenlockError("shutting_down")
        raw = message.command
        command = decode_command(raw if isinstance(raw, dict) else bytes(raw))
        self.roots.check_command(command)
        envelope = Envelope(
            id=message.id,
            command=command,
            target=message.target,
            actor=actor or host,
            host=host,
            base_version=message.base_version,
            strict=message.strict,
            kind=message.kind,
            label=message.label,
        )
        if type(command).__name__ in _MAKES_WORK:
            self._start_runner()
        return self.app.submit(envelope)

    def snapshot(self, project: str | None) -> Snapshot:
        """Returns what a client needs that knows nothing. Raises NotFound(no_such_project)."""
        value = picture.of(self.app, project)
        return Snapshot(answers.encode(value), picture.versions(value))

    # -- what is made on first use

    @cached_property
    def media(self) -> MediaService:
        """Probes and thumbnails, in a child process."""
        from genlock.media.service import MediaService

        return MediaService()

    @cached_property
    def watches(self) -> Watches:
        """The folders being watched."""
        from genlock.daemon.watching import Watches

        return Watches(self)

    @cached_property
    def engines(self) -> Engines:
        """The engines of this machine."""
        from genlock.daemon import language
        from genlock.generation.engine import Engines

        found = Engines()
        with contextlib.suppress(GenlockError):  # settings that cannot be read are said where they are asked for
            language.apply(language.load(language.settings_path(self.settings_file)), found)
        return found

    @cached_property
    def arbiter(self) -> Arbiter:
        """Who may use how much memory."""
        from genlock.generation.arbiter import SLOTS, Arbiter
        from genlock.generation.memory.ledger import Ledger
        from genlock.generation.memory.machine import here

        machine = here()
        slots = {**SLOTS, "heavy": self.settings.job_slots}
        budget = self._share_of(machine)
        ledger = Ledger(machine, budget, floor=self._floor(budget), slots=slots)
        return Arbiter(ledger, on_decision=lambda _: self._on_memory())

    def _floor(self, budget: int) -> int:
        """Returns the bytes that only masks may use: what SAM 3 needs, of small machines a quarter."""
        if self.settings.interactive_floor is not None:
            return self.settings.interactive_floor
        from genlock.project.request import GenerationRequest, Selection

        engine = self.engines.get("sam3")
        if engine.missing():
            return 0
        any_mask = GenerationRequest("mask", source="any", selections=(Selection(text="any"),))
        with contextlib.suppress(GenlockError):
            return min(engine.plans(any_mask)[0].bytes, budget // 4)
        return 0

    def _share_of(self, machine: Machine) -> int:
        """Returns the bytes of a machine that jobs may hold by the settings."""
        return int(machine.usable * self.settings.memory_share)

    def memory(self) -> dict[str, Any]:
        """Returns the arbiter's state, and who else uses the memory (None before the first job)."""
        tenants = self._budget.tenants() if self._budget is not None else None
        return {**self.arbiter.state(), "tenants": tenants}

    def _start_runner(self) -> None:
        """Starts the job runner beside the caller, which may be the event loop; it finds the queue as it is then."""
        if self._runner is None:
            Thread(target=self.ensure_runner, name="genlock-jobs-start", daemon=True).start()

    def ensure_runner(self) -> JobRunner:
        """Returns the job runner, started when it was not."""
        with self._lock:
            if self._stopped:
                raise GenlockError("shutting_down")
            if self._runner is None:
                from genlock.application.jobs import JobRunner
                from genlock.generation.local import LocalExecutor
                from genlock.generation.memory.budget import Watch

                executor = LocalExecutor(self.engines, slots=self.arbiter.slots, machine=self.arbiter.machine)
                self._runner = runner = JobRunner(self.app, executor, self.arbiter, self._on_progress)
                self._runner.start()
                least = min(LEAST, self._share_of(self.arbiter.machine))
                self._budget = Watch(
                    self.arbiter.machine,
                    lambda budget, reason: runner.set_budget(max(budget, least), reason),
                    hints=self.hints,
                    ollama=self._ollama(),
                    share=self.settings.memory_share,
                    held=lambda: sum(executor.allocated().values()),
                )
                self._budget.start()
                runner.before = self._make_way
            return self._runner

    def _make_way(self, plan: Plan) -> None:
        """Makes room for a plan with the language server, as far as it is ours to ask for."""
        if self._budget is None or self._budget.ollama is None:
            return
        if plan.engine == "ollama":
            self._budget.ollama.begin(plan.model)
        else:
            self._budget.make_way(plan.bytes)

    def _ollama(self) -> Ollama | None:
        """Returns the language server that may hold memory here; None when its address is wrong."""
        from genlock.daemon import language
        from genlock.generation.engines.ollama.asking import address
        from genlock.generation.memory.tenants import Ollama

        try:
            return Ollama(address(language.load(language.settings_path(self.settings_file)).url))
        except BadInput:
            return None

    # -- ephemeral messages

    def _on_progress(self, progress: Progress) -> None:
        def message() -> wire.DaemonMessage:
            from base64 import b64encode

            preview = b64encode(progress.preview).decode() if progress.preview else None
            return wire.JobMessage(progress.job, progress.done, progress.total, progress.phase, preview)

        self._progress[progress.job] = (progress.done, progress.total, progress.phase)
        while len(self._progress) > RUNNING:
            self._progress.pop(next(iter(self._progress)), None)
        self.hub.tell_from_thread(f"job/{progress.job}", message, self._project_of(progress.job))

    def progress_of(self, job: str) -> tuple[int, int, str]:
        """Returns frames done, frames in all and the phase that a job told last; zeros when it told nothing."""
        return self._progress.get(job, (0, 0, ""))

    def _project_of(self, job: str) -> str | None:
        try:
            return self.app.job(job).project
        except GenlockError:
            return None

    def _on_task(self, task: Task) -> None:
        self.hub.tell_from_thread(f"task/{task.id}", lambda: wire.task_message(task.view()), task.project or None)

    def _on_memory(self) -> None:
        self.hub.tell_from_thread("memory", lambda: wire.MemoryMessage(**self.memory()))


_MAKES_WORK = frozenset({"QueueJob", "RetryJob"})


def _ended(status: object) -> bool:
    from genlock.project.job import Running, Waiting

    return not isinstance(status, Running | Waiting)
