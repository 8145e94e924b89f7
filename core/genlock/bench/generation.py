"""Figures of generation: how fast an animatic is drawn and written, what a job costs that does nothing, then those of
workers, of the memory policy, of estimates and of each engine with a model.

Everything runs as it does for a user: a real store on disk, the job loop, a worker process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from time import perf_counter
from uuid import uuid4

from genlock.application.application import Accepted, Application, Envelope, Published
from genlock.application.commands import Command
from genlock.application.jobs import JobRunner
from genlock.bench import Result, p50
from genlock.generation.arbiter import Arbiter
from genlock.generation.engine import BUILTIN, Engines
from genlock.generation.engines.noop import TARGET
from genlock.generation.local import LocalExecutor
from genlock.generation.memory import machine
from genlock.project.commands import ChangeSettings, CreateProject, QueueJob, SettingsPatch
from genlock.project.job import JobFailed, JobSucceeded
from genlock.project.project import Settings
from genlock.project.request import GenerationRequest
from genlock.store import open_store
from genlock.timeline.model import Resolution

FRAMES = 121
ROUNDS = 4
PATIENCE = 15.0
"""Seconds after which no further take is begun."""
JOBS = 120
SIZE = Resolution(1280, 720)
PROMPT = "Mountains at dusk, slow push in"


PARTS = ("workers", "memory")
MODELS = ("estimates", "ltx2", "flux2", "sam3")
"""Modules of this package: those whose figures belong here, and those that need the extra `models` too."""


def run() -> Iterator[Result]:
    """Yields the figures of generation."""
    yield from _jobs()
    absent = [name for name in ("torch", "diffusers", "transformers") if find_spec(name) is None]
    if absent:
        yield Result(f"{', '.join(MODELS)}: not measured without {', '.join(absent)} (genlock[models])", 0, "rows", 0)
    for name in PARTS if absent else (*PARTS, *MODELS):
        yield from import_module(f"genlock.bench.{name}").run()


def _jobs() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        bench = _Bench(Path(folder))
        try:
            yield Result("no-op job, queued to finished event", bench.noop() * 1e3, "ms p50", 5)
            speed, cost = bench.animatic(proxy=False)
            yield Result("animatic 1280x720 to ProRes", speed, "frames/s", 40, at_least=True)
            yield Result("animatic 1280x720 to ProRes, of both cores", cost * 1e3, "CPU ms a frame", 50)
            speed, _ = bench.animatic(proxy=True)
            yield Result("animatic 1280x720 to ProRes and H.264 proxy", speed, "frames/s", 25, at_least=True)
        finally:
            bench.close()


class _Bench:
    """A studio with a job loop, and one job at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = open_store(folder / "bench.genlock")
        self._app = Application(self._store)
        self._ended = Event()
        self._failure = ""
        self._at = 0.0
        self._app.subscribe(self._heard)
        self._project = self._do(CreateProject("Bench", Settings(folder=str(folder)))).created[0]
        self._executor = LocalExecutor(Engines({**BUILTIN, **TARGET}), warm_after=0)
        self._runner = JobRunner(self._app, self._executor, Arbiter.plain(machine.here().usable))
        self._runner.start()

    def noop(self) -> float:
        """Returns the median seconds from giving the command to the durable end of its job."""
        request = GenerationRequest("text_to_video", engine="noop")
        times = [self._job(request, number) for number in range(JOBS)]
        return p50(times[20:])

    def animatic(self, *, proxy: bool) -> tuple[float, float]:
        """Returns frames a second from queued to finished, and CPU seconds a frame: the best of some takes, because a busy
        neighbour slows any of them."""
        if self._app.project(self._project).settings.proxy != proxy:
            self._do(ChangeSettings(SettingsPatch(proxy=proxy)), self._project)
        request = GenerationRequest("text_to_video", prompt=PROMPT, resolution=SIZE, frames=FRAMES, engine="animatic")
        begin = perf_counter()
        walls: list[float] = []
        costs: list[float] = []
        while not walls or (len(walls) < ROUNDS and perf_counter() - begin < PATIENCE):
            before = self._cpu()
            walls.append(self._job(request, 1000 + 10 * proxy + len(walls)))
            costs.append(self._cpu() - before)
        return FRAMES / min(walls), min(costs) / FRAMES

    def _cpu(self) -> float:
        """Returns the CPU seconds of the worker so far."""
        (pid,) = self._executor.pids()["heavy"]
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self._runner.stop()
        self._app.close()
        self._store.close()

    def _job(self, request: GenerationRequest, number: int) -> float:
        self._ended.clear()
        output = str(self._folder / "takes")
        command = QueueJob(project=self._project, request=request, output=output, stem=f"J{number}_v001")
        begin = perf_counter()
        self._do(command)
        if not self._ended.wait(60) or self._failure:
            raise RuntimeError(self._failure or "the job did not end within a minute")
        return self._at - begin

    def _do(self, command: Command, target: str = "") -> Accepted:
        return self._app.execute(Envelope(id=uuid4().hex, command=command, target=target, actor="bench"))

    def _heard(self, published: list[Published]) -> None:
        for entry in published:
            if isinstance(entry.event, JobFailed):
                self._failure = f"{entry.event.code}: {entry.event.message}"
            if isinstance(entry.event, JobSucceeded | JobFailed):
                self._at = perf_counter()
                self._ended.set()
