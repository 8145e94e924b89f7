"""Short ways to make requests and tickets, and to look at what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import Any

import av
import numpy as np
from msgspec.structs import replace

from genlock.generation.engine import Lane, Plan, Stage
from genlock.generation.executor import Executor, Gone, Message, Move, Moved, Outcome, Progress, Staging, Ticket
from genlock.generation.rack import Rack
from genlock.media.clip import EXACT
from genlock.project.request import GenerationRequest
from genlock.timeline.model import Resolution
from tests.generation import trial_engines

SMALL = Resolution(160, 96)


def request(mode: str = "text_to_video", **fields: Any) -> GenerationRequest:
    fields.setdefault("resolution", SMALL)
    fields.setdefault("frames", 9)
    fields.setdefault("prompt", "A lighthouse at dawn, push in")
    return GenerationRequest(mode, **fields)  # type: ignore[arg-type]


def ticket(folder: Path, engine: str, job: str = "job1", *, product: str = "movie", **fields: Any) -> Ticket:
    made = request(**fields)
    plan = Plan(engine=engine, name="only", product=product, asked=made.frames, made=made.frames)  # type: ignore[arg-type]
    return Ticket(job, made, plan, str(folder), f"{job}_v001", 1, proxy=False)


def staged_ticket(folder: Path, engine: str = "staged", job: str = "job1", **fields: Any) -> Ticket:
    """Returns a ticket whose plan has stages and parts."""
    made = request(**fields)
    plan = replace(trial_engines.staged.plans(made)[0], engine=engine)
    return Ticket(job, made, plan, str(folder), f"{job}_v001", 1, proxy=False)


class Ear:
    """A listener that can be waited on."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._heard = Condition()

    def __call__(self, message: Message) -> None:
        with self._heard:
            self.messages.append(message)
            self._heard.notify_all()

    @property
    def progress(self) -> list[Progress]:
        return [m for m in self.messages if isinstance(m, Progress)]

    @property
    def outcomes(self) -> list[Outcome]:
        return [m for m in self.messages if not isinstance(m, Progress | Staging)]

    def outcome(self, timeout: float = 20) -> Outcome:
        return self.wait(lambda: self.outcomes, timeout)[0]

    def begun(self, timeout: float = 20) -> None:
        self.wait(lambda: self.messages, timeout)

    def wait(self, for_: Callable[[], list[Any]], timeout: float) -> list[Any]:
        with self._heard:
            assert self._heard.wait_for(lambda: bool(for_()), timeout), f"nothing within {timeout} s"
            return for_()


class Usher(Ear):
    """A listener that lets a job begin every stage at once, with the moves named for it."""

    def __init__(self, executor: Executor, moves: dict[str, tuple[Move, ...]] | None = None) -> None:
        super().__init__()
        self._executor, self._moves = executor, moves or {}

    def __call__(self, message: Message) -> None:
        super().__call__(message)
        if isinstance(message, Staging):
            self._executor.proceed(message.job, self._moves.get(message.stage, ()))

    @property
    def stages(self) -> list[str]:
        return [m.stage for m in self.messages if isinstance(m, Staging)]


class Watch:
    """A watcher that keeps what it hears, and where every part is by what it heard."""

    def __init__(self) -> None:
        self.told: list[tuple[Lane, Moved | Gone]] = []
        self._heard = Condition()

    def __call__(self, lane: Lane, what: Moved | Gone) -> None:
        with self._heard:
            self.told.append((lane, what))
            self._heard.notify_all()

    def held(self, lane: Lane = "heavy") -> dict[str, str]:
        found: dict[str, str] = {}
        for where, what in self.told:
            if where == lane and isinstance(what, Gone):
                found.clear()
            elif where == lane and isinstance(what, Moved):
                found[what.component] = what.tier
        return {name: tier for name, tier in found.items() if tier != "disk"}

    def wait(self, for_: Callable[[], object], timeout: float = 20) -> None:
        with self._heard:
            assert self._heard.wait_for(for_, timeout), f"nothing within {timeout} s: {self.told}"


class Alone:
    """The line of a job that runs in this process."""

    def __init__(self, stopped: Callable[[], bool] = lambda: False) -> None:
        self.moved: list[Moved] = []
        self.models = Rack(self.moved.append)
        self.stopped = stopped

    def report(self, message: Progress) -> None:
        pass

    def step(self) -> None:
        pass

    def stage(self, stage: Stage) -> None:
        self.models.begin(stage.components)


def decoded(path: str | Path) -> list[np.ndarray]:
    """Returns all frames of a movie, RGB."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [frame.reformat(format="rgb24", interpolation=EXACT).to_ndarray() for frame in frames]


def samples(path: str | Path) -> int:
    """Returns how many samples a channel the sound of a movie has."""
    with av.open(str(path)) as container:
        return sum(frame.samples for frame in container.decode(audio=0))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def left_in(folder: Path) -> list[str]:
    """Returns every file below a folder."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) if folder.exists() else []
