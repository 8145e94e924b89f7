"""An engine that makes nothing, to measure and test what is around engines. Register it to use it: it is not built in."""

from __future__ import annotations

from typing import Final

from genlock.generation.engine import Engine, Plan, Sink
from genlock.project.request import GenerationRequest, Mode

TARGET: Final = {"noop": "genlock.generation.engines.noop:ENGINE"}
"""For `Engines(TARGET)`."""


class NoopEngine:
    """Delivers an empty text for every mode."""

    name = "noop"
    version = "1"
    modes: frozenset[Mode] = frozenset({"text_to_video", "image", "enhance_prompt"})

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns a plan that needs nothing."""
        return (Plan(engine=self.name, name="nothing", product="text"),)

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Reports the end of nothing."""
        sink.progress(1, 1, "nothing")

    def missing(self) -> str:
        """Returns nothing: it runs everywhere."""
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns nothing."""
        return ()


ENGINE: Final[Engine] = NoopEngine()
