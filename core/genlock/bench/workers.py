"""Figures of worker processes: how soon one is there, a dead one's memory is free, a cancelled job ends."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, Final

from genlock.bench import Result
from genlock.bench.studio import Job, Studio
from genlock.generation.channel import Ready
from genlock.generation.memory.machine import Machine
from genlock.generation.nursery import nursery
from genlock.project.request import GenerationRequest
from genlock.timeline.model import Resolution

ROUNDS: Final = 5
IMPORTING: Final = 60.0
"""Seconds a parent may take for its imports."""

KILLED: Final = 1.0
READY: Final = 100.0
BEYOND: Final = 50.0
"""What is asked: seconds from a worker's death to a free lease, milliseconds to a warm worker, and milliseconds that a
cancelled job may run on beyond its step."""


def run() -> Iterator[Result]:
    """Yields the figures."""
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        yield Result("worker killed, to its lease free", max(_killed(Path(folder))), "s, slowest", KILLED)
    if find_spec("torch") is None or find_spec("diffusers") is None:
        return
    # the quickest: a busy neighbour slows any
    yield Result("warm worker with torch, to ready", min(_births()) * 1e3, "ms", READY)
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        beyond, step = _cancelled(Path(folder))
        yield Result(f"ltx2 cancel, beyond a step of {step * 1e3:.0f} ms", beyond * 1e3, "ms p50", BEYOND)


def _killed(folder: Path) -> list[float]:
    """Returns the seconds from killing a worker to the arbiter's word that its job's lease is free."""
    studio = Studio(folder, machine=Machine("this computer", "cpu", device=8 << 30))
    found = []
    try:
        size = Resolution(640, 360)
        for number in range(ROUNDS):
            job = studio.begin(GenerationRequest("text_to_video", resolution=size, frames=2000, engine="animatic"))
            studio.wait(job.progress)
            (pid,) = studio.executor.pids()["heavy"]
            seen = len(studio.decisions)
            begin = perf_counter()
            os.kill(pid, signal.SIGKILL)
            while not (free := [at for at, one in studio.decisions[seen:] if one.verdict == "released"]):
                if perf_counter() - begin > IMPORTING:
                    raise RuntimeError(f"the lease of job {number} is still held")
                sleep(0.001)
            found.append(free[0] - begin)
            studio.wait(partial(_planned, job, 1))  # it is tried once more
            studio.cancel(job)
    finally:
        studio.close()
    return found


def _births() -> list[float]:
    """Returns the seconds to workers that have imported what models need."""
    source = nursery()
    source.warm(models=True)
    found: list[float] = []
    end = perf_counter() + IMPORTING
    try:
        while len(found) < ROUNDS and perf_counter() < end:
            begin = perf_counter()
            child = source.birth(models=True)
            ready = isinstance(child.channel.report(), Ready)
            seconds = perf_counter() - begin
            if ready and child.models:
                found.append(seconds)
            else:
                sleep(0.2)
            child.bury()
    finally:
        source.close()
    return found or [float("inf")]


def _cancelled(folder: Path) -> tuple[float, float]:
    """Returns by how many seconds a cancelled clip ran on beyond its longest step (median), and that step."""
    from genlock.bench.checkpoints import make_ltx2

    make_ltx2(folder / "models" / "ltx2")
    # workers inherit them, the daemon's half reads them
    before = {name: os.environ.get(name) for name in ("GENLOCK_MODELS", "GENLOCK_CACHE")}
    os.environ.update(GENLOCK_MODELS=str(folder / "models"), GENLOCK_CACHE=str(folder / "cache"))
    studio = Studio(folder, machine=Machine("this computer", "cpu", device=16 << 30))
    settings: dict[str, Any] = {"schedule": "full", "steps": 40}
    request = GenerationRequest(
        "text_to_video", prompt="a", resolution=Resolution(256, 192), frames=121, engine="ltx2", settings=settings
    )
    beyond: list[float] = []
    steps: list[float] = []
    try:
        for number in range(ROUNDS):
            job = studio.begin(request)
            studio.wait(partial(_stepped, job, 3 + number))
            if job.end:
                raise RuntimeError(job.error or "the clip was made before it could be cancelled")
            seconds = studio.cancel(job)
            times = [said.at for said in job.progress("denoise")]
            steps.append(max(b - a for a, b in pairwise(times)))
            beyond.append(max(0.0, seconds - steps[-1]))
    finally:
        studio.close()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    middle = sorted(range(ROUNDS), key=beyond.__getitem__)[ROUNDS // 2]
    return beyond[middle], steps[middle]


def _planned(job: Job, times: int) -> bool:
    """Returns whether a job was begun more often than that."""
    return len(job.plans) > times


def _stepped(job: Job, steps: int) -> bool:
    """Returns whether a job has made more steps than that, or ended."""
    return len(job.progress("denoise")) > steps or bool(job.end)
