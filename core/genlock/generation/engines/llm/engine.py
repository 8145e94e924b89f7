"""What Gemma 3 can do here."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from genlock.errors import GenlockError
from genlock.generation.devices import Device, device
from genlock.generation.engine import Component, Engine, Plan, Sink, Stage
from genlock.generation.engines.llm.directing import Question, question
from genlock.generation.memory import machine as machines
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library, library
from genlock.project.request import GenerationRequest, Mode

NAME: Final = "gemma3"
"""The model in the library, unless the setting `model` names another one of the same kind."""

NEEDS: Final = ("torch", "transformers", "safetensors")


class LanguageEngine:
    """Writes prompts out. `library` and `machine` are this process's own unless given."""

    name = "llm"
    version = "1"
    modes: frozenset[Mode] = frozenset({"enhance_prompt"})

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the one way: the whole model on the device. Raises GenerationError(model_missing, model_broken) too."""
        asked = question(request)
        model = (self._library or library()).require(str(request.settings.get("model") or NAME))
        on = device(self._machine or machines.here())
        part = model.parts[""]
        component = Component(f"{model.name}/model@{on.dtype}", part.parameters * on.width())
        activation = _activation(part.config, asked, on)
        return (
            Plan(
                engine=self.name,
                name="resident",
                product="text",
                lane="language",
                components=(component,),
                activation=activation,
                notes=_notes(asked),
                stages=(Stage("write", (component.name,), activation),),
                how={"folder": model.path, "dtype": on.dtype},
                model=model.name,
                revision=model.revision,
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Writes it."""
        from genlock.generation.engines.llm.writing import write

        write(request, plan, sink)

    def missing(self) -> str:
        """Says which library or model is not here."""
        gone = [name for name in NEEDS if find_spec(name) is None]
        if gone:
            return f"{', '.join(gone)} not installed: install genlock with its extra `models`."
        try:
            (self._library or library()).require(NAME)
        except GenlockError as error:
            return f"{error.message} {error.hint}".strip()
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Names what a text depends on."""
        return ("torch", "transformers", "tokenizers", "safetensors")


def _notes(asked: Question) -> tuple[str, ...]:
    return (f"Left out or shortened for want of room: {', '.join(asked.cut)}.",) if asked.cut else ()


def _activation(config: dict[str, Any], asked: Question, on: Device) -> int:
    """Returns bytes for keys and values of all tokens, and for the scores of one. Three characters are taken as a token:
    more than English has."""
    text = {**config, **config.get("text_config", {})}
    pictures = len(asked.pictures) * int(config.get("mm_tokens_per_image", 256))
    tokens = len(asked.system + asked.text) // 3 + pictures + asked.max_tokens + 64
    heads = int(text.get("num_key_value_heads", 8)) * int(text.get("head_dim", 256))
    cache = 2 * int(text.get("num_hidden_layers", 48)) * heads * on.width()
    working = 4 * int(text.get("intermediate_size", 15360)) * on.width()
    return tokens * (cache + working) + 4 * int(text.get("vocab_size", 262_208)) * 4


ENGINE: Engine = LanguageEngine()
