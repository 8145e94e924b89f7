"""A sink in this process that keeps what an engine delivers and holds it to the contract: parts are used in their
stages only, frames have the request's size, details are JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from genlock.generation.engine import Component, Engine, Halt, Plan
from genlock.project.request import GenerationRequest

T = TypeVar("T")


class Parts:
    """Models that are all held, as on a machine where everything fits. `built` counts what was built."""

    device = "cpu"

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self.built: list[str] = []
        self.allowed: frozenset[str] = frozenset()

    def get(self, component: Component, build: Callable[[], T]) -> T:
        assert component.name in self.allowed, f"{component.name} is none of this stage's parts"
        if component.name not in self.held:
            self.built.append(component.name)
            self.held[component.name] = build()
        found: T = self.held[component.name]
        return found


class Recording:
    """Keep `models` between runs to see what a second one loads. `halt_after` progress reports it is cancelled."""

    def __init__(
        self, request: GenerationRequest, plan: Plan, models: Parts | None = None, halt_after: int | None = None
    ) -> None:
        self.request, self.plan = request, plan
        self.models = models or Parts()
        self.frames: list[np.ndarray[Any, Any]] = []
        self.sounds: list[np.ndarray[Any, Any]] = []
        self.texts: list[str] = []
        self.attached: dict[tuple[str, str], bytes] = {}
        self.details: dict[str, Any] = {}
        self.stages: list[str] = []
        self.reports: list[tuple[int, int, str]] = []
        self._left = halt_after

    def stage(self, name: str) -> None:
        found = {stage.name: stage for stage in self.plan.stages}
        assert name in found, f"the plan has no stage {name}"
        self.stages.append(name)
        self.models.allowed = frozenset(found[name].components)

    def frame(self, picture: np.ndarray[Any, Any]) -> None:
        self._check()
        size = self.request.resolution
        depth = 4 if self.plan.product == "matte" else 3
        assert picture.dtype == np.uint8
        assert picture.shape == (size.height, size.width, depth), picture.shape
        self.frames.append(picture.copy())

    def sound(self, samples: np.ndarray[Any, Any]) -> None:
        assert samples.dtype == np.float32
        assert samples.shape[0] == 2
        self.sounds.append(samples.copy())

    def text(self, text: str) -> None:
        self.texts.append(text)

    def attach(self, use: str, name: str, data: bytes) -> None:
        self.attached[use, name] = data

    def note(self, **details: Any) -> None:
        self.details.update(json.loads(json.dumps(details)))

    def progress(self, done: int, total: int, phase: str) -> None:
        if self._left is not None:
            self._left -= 1
        self.reports.append((done, total, phase))
        self._check()

    def preview(self, jpeg: bytes) -> None:
        assert jpeg[:2] == b"\xff\xd8"

    def cancelled(self) -> bool:
        return self._left is not None and self._left <= 0

    def _check(self) -> None:
        if self.cancelled():
            raise Halt


def run(engine: Engine, request: GenerationRequest, models: Parts | None = None, plan: int = 0) -> Recording:
    """Runs one of an engine's plans (the best by default) and returns what came of it."""
    chosen = engine.plans(request)[plan]
    sink = Recording(request, chosen, models)
    engine.generate(request, chosen, sink)
    return sink
