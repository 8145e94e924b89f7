"""Short ways to make requests and tickets, and to look at what came out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Condition
from typing import Any

import av
import numpy as np

from genlock.generation.engine import Plan
from genlock.generation.executor import Message, Outcome, Progress, Ticket
from genlock.project.request import GenerationRequest
from genlock.timeline.model import Resolution

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
        return [m for m in self.messages if not isinstance(m, Progress)]

    def outcome(self, timeout: float = 20) -> Outcome:
        return self.wait(lambda: self.outcomes, timeout)[0]

    def begun(self, timeout: float = 20) -> None:
        self.wait(lambda: self.messages, timeout)

    def wait(self, for_: Callable[[], list[Any]], timeout: float) -> list[Any]:
        with self._heard:
            assert self._heard.wait_for(lambda: bool(for_()), timeout), f"nothing within {timeout} s"
            return for_()


def decoded(path: str | Path) -> list[np.ndarray]:
    """Returns all frames of a movie, RGB."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


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
