"""LTX-2 with faults on order: memory that ends at the n-th allocation, and steps that take their time. Worker processes
import this module by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from genlock.generation.engine import Component, Plan, Sink
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.project.request import GenerationRequest

T = TypeVar("T")

NAME: Final = "ltx2-faulty"
TARGET: Final = f"{__name__}:ENGINE"
OWN: Final = ("fail_at", "fail_always", "pause")


class Faulty(Ltx2Engine):
    """Settings beyond LTX-2's: `fail_at` is the allocation that fails in the best plan (0: none), `fail_always` lets it
    fail in the others too, `pause` are seconds before each report."""

    name = NAME

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        return tuple(replace(plan, engine=NAME) for plan in super().plans(_plain(request)))

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        own = {name: request.settings.get(name, 0) for name in OWN}
        best = plan.name == self.plans(request)[0].name
        counted = Counted(sink, own["fail_at"] if best or own["fail_always"] else 0, own["pause"])
        with counted.allocations():
            super().generate(_plain(request), plan, counted)
        sink.note(allocations=counted.count, built=counted.built)


class Counted:
    """A sink that counts what is allocated: a part that is built, and every tensor that a computation makes."""

    def __init__(self, sink: Sink, fail_at: int, pause: float) -> None:
        self.count = 0
        self.built: list[str] = []
        self._sink, self._fail_at, self._pause = sink, fail_at, pause

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    @property
    def models(self) -> Counted:
        return self

    @property
    def device(self) -> str:
        return self._sink.models.device

    def get(self, component: Component, build: Callable[[], T]) -> T:
        def counted() -> T:
            self.built.append(component.name)
            self.allocate()
            return build()

        return self._sink.models.get(component, counted)

    def progress(self, done: int, total: int, phase: str) -> None:
        time.sleep(self._pause)
        self._sink.progress(done, total, phase)

    def allocate(self) -> None:
        import torch

        self.count += 1
        if self.count == self._fail_at:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    @contextmanager
    def allocations(self) -> Iterator[None]:
        """Counts every tensor that gets bytes of its own, while it lasts: views and files that are mapped get none."""
        import torch
        from torch.utils._python_dispatch import TorchDispatchMode

        counted = self

        class Mode(TorchDispatchMode):
            def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                made = func(*args, **(kwargs or {}))
                first = made[0] if isinstance(made, tuple | list) and made else made
                if isinstance(first, torch.Tensor) and first.nbytes and func._schema.returns[0].alias_info is None:
                    counted.allocate()
                return made

        with Mode():
            yield


def _plain(request: GenerationRequest) -> GenerationRequest:
    return replace(request, settings={name: v for name, v in request.settings.items() if name not in OWN})


ENGINE: Final = Faulty()
