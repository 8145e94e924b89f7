"""What Meta's own SAM 3 package can do here: masks on one frame, on a CUDA card."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from genlock.errors import BadInput, GenerationError
from genlock.generation import environments
from genlock.generation.devices import device
from genlock.generation.engine import Component, Engine, Plan, Sink, Stage
from genlock.generation.memory.machine import Machine, here
from genlock.generation.models import weights
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest, Mode

MODEL: Final = "sam3-native"
WEIGHTS: Final = "sam3.safetensors"
WORDS: Final = "bpe_simple_vocab_16e6.txt.gz"
"""In the model's folder: the tensors of `sam3.pt` under their own names, and the vocabulary that the package lacks."""

_ACTIVATION: Final = 1 << 30


class Sam3NativeEngine:
    """Words, boxes and points on one frame, one thing a request. The package asks for CUDA throughout."""

    name = "sam3-native"
    version = "1"
    modes: frozenset[Mode] = frozenset({"mask"})

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the plan. Raises BadInput(bad_generation), GenerationError(model_missing, model_broken)."""
        reason = self.missing()
        python = environments.python(self.name, self._library)
        if reason or python is None:
            raise GenerationError("model_missing", reason, hint=f"`genlock models env {self.name}`")
        if len({(selection.thing, selection.frame) for selection in request.selections}) != 1:
            raise BadInput("bad_generation", "sam3-native selects one thing on one frame; sam3 takes several.")
        if any(selection.mask for selection in request.selections):
            raise BadInput("bad_generation", "sam3-native refines no mask; sam3 does.")
        model = self._folder()
        numbers = sum(math.prod(tensor.shape) for tensor in weights.header(model / WEIGHTS).values())
        part = Component(f"{MODEL}/model@float32", numbers * 4)
        return (
            Plan(
                engine=self.name,
                name="native float32",
                product="matte",
                lane="native",
                components=(part,),
                asked=1,
                made=1,
                stages=(Stage("select", (part.name,), _ACTIVATION),),
                how={"python": str(python), "folder": str(model)},
                model=MODEL,
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Selects, in the environment's own interpreter."""
        from genlock.generation.engines.sam3_native.running import run

        run(request, plan, sink)

    def missing(self) -> str:
        """Returns what keeps it from running here."""
        if device(self._machine or here()).kind != "cuda":
            return "Meta's package runs on CUDA cards only; sam3 runs everywhere."
        if environments.python(self.name, self._library) is None:
            return f"Its environment is not made: `genlock models env {self.name}`."
        lacks = [name for name in (WEIGHTS, WORDS) if not (self._folder() / name).is_file()]
        return f"{self._folder()} lacks {' and '.join(lacks)}." if lacks else ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what masks depend on."""
        return ("sam3", "torch")

    def _folder(self) -> Path:
        return (self._library or Library()).folder(MODEL)


ENGINE: Final[Engine] = Sam3NativeEngine()
