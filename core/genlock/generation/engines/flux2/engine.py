"""What the flux2 engine can do. Light: the daemon asks for plans, a worker makes them."""

from __future__ import annotations

from typing import Final

from genlock.generation.engine import Engine, Plan, Sink, lacking
from genlock.generation.engines.flux2 import planning, settings
from genlock.generation.engines.sam3 import lending
from genlock.generation.memory.machine import Machine, here
from genlock.generation.models.library import Library, library
from genlock.project.request import GenerationRequest, Mode

_NEEDED: Final = ("torch", "diffusers", "transformers", "safetensors", "accelerate", "peft")


class Flux2Engine:
    """Pictures from words and reference pictures, edits, and masked parts of pictures and clips made anew."""

    name = planning.ENGINE
    version = "1"
    modes: frozenset[Mode] = frozenset({"image", "edit_image", "inpaint"})

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the ways this machine can do it, fastest first.

        Raises BadInput(bad_generation), GenerationError(model_missing, model_broken, unsafe_weights, needs_memory).
        """
        wanted = settings.read(request)
        home, machine = self._library or library(), self._machine or here()
        plans = planning.plans(request, wanted, home, machine)
        return lending.preceded(plans, request, home, machine) if request.mode == "inpaint" else plans

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Makes it. Raises BadInput(bad_generation) for pictures that cannot be used, GenerationError(model_broken)."""
        from genlock.generation.engines.flux2.running import run

        run(request, plan, sink)

    def missing(self) -> str:
        """Returns which package or model is not here, with how to get it."""
        if absent := lacking(*_NEEDED):
            return absent
        if not planning.models(self._library or library()):
            return f"There is no FLUX.2 model here: genlock models pull {planning.PREFERRED}."
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what the pixels depend on."""
        return (
            "torch",
            "diffusers",
            "transformers",
            "safetensors",
            "peft",
            "opencv-python-headless",
            "numpy",
            "pillow",
        )


ENGINE: Final[Engine] = Flux2Engine()
