"""What Gemma 3 can do here."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from genlock.errors import GenerationError, GenlockError
from genlock.generation.devices import Device, device
from genlock.generation.engine import Engine, Plan, Sink
from genlock.generation.engines.llm.directing import Question, question
from genlock.generation.memory import machine as machines
from genlock.generation.memory.machine import GiB, Machine
from genlock.generation.memory.ways import PartSize, Way, Work, ways
from genlock.generation.models.library import Library, Model, library
from genlock.project.request import GenerationRequest, Mode

NAME: Final = "gemma3"
"""The model in the library, unless the setting `model` names another one of the same kind."""

PART: Final = "model"

NEEDS: Final = ("torch", "transformers", "safetensors")


class LanguageEngine:
    """Writes prompts out. `library` and `machine` are this process's own unless given."""

    name = "llm"
    version = "1"
    modes: frozenset[Mode] = frozenset({"enhance_prompt"})

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the ways that fit: the model as it is, then in 8 bits.

        Raises BadInput(bad_generation), GenerationError(model_missing, model_broken, needs_memory).
        """
        asked = question(request)
        model = (self._library or library()).require(str(request.settings.get("model") or NAME))
        machine = self._machine or machines.here()
        on = device(machine)
        size = PartSize.of(model, "", "write")
        work = Work(_activation(model.parts[""].config, asked, on))
        # streamed blocks would cross the link for every word: no way to write
        found = [
            way for way in ways(machine, on, {PART: size}, {"write": work}, model=model.name) if way.offload == "none"
        ]
        if not found:
            raise GenerationError(
                "needs_memory",
                f"{model.name} does not run on {machine.name}: in no form does it fit {machine.usable / GiB:.1f} GiB.",
            )
        return tuple(self._plan(model, way, asked, on) for way in found)

    def _plan(self, model: Model, way: Way, asked: Question, on: Device) -> Plan:
        return Plan(
            engine=self.name,
            name=way.name,
            product="text",
            lane="language",
            components=way.components,
            activation=max(stage.activation for stage in way.stages),
            notes=(*way.notes, *_notes(asked)),
            stages=way.stages,
            how={"folder": model.path, "dtype": on.dtype, "form": way.forms[PART]},
            model=model.name,
            revision=model.revision,
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
