"""What the LTX-2 engine can do. Light: the model libraries are imported in the worker."""

from __future__ import annotations

from typing import Final

from genlock.generation.engine import Engine, Plan, Sink, lacking
from genlock.generation.engines.ltx2 import planning
from genlock.generation.engines.sam3 import lending
from genlock.generation.memory.machine import Machine, here
from genlock.generation.models.library import Library, library
from genlock.project.request import GenerationRequest, Mode

_IMPORTS: Final = ("torch", "diffusers", "transformers", "peft")


class Ltx2Engine:
    """LTX-2 through diffusers: clips with sound, from text, pictures and other clips, and masked parts of clips,
    of any length."""

    name = "ltx2"
    version = "1"
    modes: frozenset[Mode] = frozenset(
        {"text_to_video", "image_to_video", "keyframes", "extend", "retake", "fill_gap", "upscale", "inpaint"}
    )

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the ways to fulfil the request on this machine, best first.

        Raises BadInput(bad_generation), GenerationError(model_missing, model_broken, unsafe_weights, needs_memory).
        """
        home, machine = self._library or library(), self._machine or here()
        plans = planning.plans(request, home, machine)
        return lending.preceded(plans, request, home, machine) if request.mode == "inpaint" else plans

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Makes it."""
        from genlock.generation.engines.ltx2.running import film

        film(request, plan, sink, self._library or library())

    def missing(self) -> str:
        """Returns which package or model is not here."""
        if absent := lacking(*_IMPORTS):
            return absent
        if not any(name.startswith(planning.FAMILY) for name in (self._library or library()).names()):
            return "No LTX-2 is on this machine: `genlock models pull ltx2`."
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what the pixels depend on."""
        return ("torch", "diffusers", "transformers", "peft", "safetensors", "av")


ENGINE: Final[Engine] = Ltx2Engine()
