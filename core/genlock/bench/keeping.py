"""A sink that keeps what an engine delivers, and its model parts from call to call: for measuring the engine alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genlock.generation.engine import Component


class Keeping:
    """Everything fits, nobody cancels; `built` counts the parts that were loaded."""

    device = "cpu"

    def __init__(self) -> None:
        self.models = self
        self.built = 0
        self.frames: list[Any] = []
        self._held: dict[str, Any] = {}

    def get(self, component: Component, build: Callable[[], Any]) -> Any:
        if component.name not in self._held:
            self.built += 1
            self._held[component.name] = build()
        return self._held[component.name]

    def frame(self, picture: Any) -> None:
        self.frames.append(picture)

    def cancelled(self) -> bool:
        return False

    def stage(self, name: str) -> None: ...
    def sound(self, samples: Any) -> None: ...
    def text(self, text: str) -> None: ...
    def attach(self, use: str, name: str, data: bytes) -> None: ...
    def note(self, **details: Any) -> None: ...
    def progress(self, done: int, total: int, phase: str) -> None: ...
    def preview(self, jpeg: bytes) -> None: ...
