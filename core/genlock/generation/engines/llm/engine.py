"""What Gemma 3 can do here."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from genlock.errors import BadInput, GenerationError, GenlockError
from genlock.generation.devices import Device, device
from genlock.generation.engine import Engine, Plan, Sink, lacking
from genlock.generation.engines.llm.directing import Question, question
from genlock.generation.memory import machine as machines
from genlock.generation.memory.machine import GiB, Machine
from genlock.generation.memory.ways import PartSize, Way, Work, ways
from genlock.generation.models.library import Library, Model, library
from genlock.project.request import GenerationRequest, Mode

NAME: Final = "gemma3"
"""The model in the library, unless the setting `model` names another one of the same kind."""

PART: Final = "model"
ENCODER: Final = "text_encoder"
LENDERS: Final = "ltx2"
"""Start of the names of models whose text encoder is a whole Gemma 3."""
BORROWED: Final = "Written by the video model's own text encoder: it waits for videos that are being made."

NEEDS: Final = ("torch", "transformers", "safetensors")


class Source(NamedTuple):
    """Where Gemma 3 is: a model, its `folder` in it ("": the model itself), the part's name in components, and the folder
    of its processor or tokenizer."""

    model: Model
    folder: str
    part: str
    words: str


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
        source = self._source(str(request.settings.get("model") or ""))
        machine = self._machine or machines.here()
        on = device(machine)
        size = PartSize.of(source.model, source.folder, "write")
        work = Work(_activation(source.model.parts[source.folder].config, asked, on))
        # streamed blocks would cross the link for every word: no way to write
        found = [
            way
            for way in ways(machine, on, {source.part: size}, {"write": work}, model=source.model.name)
            if way.offload == "none" and (way.forms[source.part] == on.dtype or not source.folder)
        ]
        if not found:
            raise GenerationError(
                "needs_memory",
                f"{source.model.name} does not write on {machine.name}: in no form does it fit "
                f"{machine.usable / GiB:.1f} GiB.",
            )
        return tuple(self._plan(source, way, asked, on) for way in found)

    def _plan(self, source: Source, way: Way, asked: Question, on: Device) -> Plan:
        path = Path(source.model.path)
        return Plan(
            engine=self.name,
            name="borrowed" if source.folder else way.name,
            product="text",
            lane="heavy" if source.folder else "language",
            components=way.components,
            activation=max(stage.activation for stage in way.stages),
            notes=(*way.notes, *_notes(asked), *((BORROWED,) if source.folder else ())),
            stages=way.stages,
            how={
                "folder": str(path / source.folder),
                "words": str(path / source.words),
                "dtype": on.dtype,
                "form": way.forms[source.part],
            },
            model=source.model.name,
            revision=source.model.revision,
        )

    def _source(self, name: str) -> Source:
        """Returns the model named, else gemma3, else a video model's text encoder that is one."""
        home = self._library or library()
        names = [name] if name else [NAME, *(each for each in home.names() if each.startswith(LENDERS))]
        for each in names:
            model = home.find(each)
            source = None if model is None else _source_in(model)
            if source is not None:
                return source
        model = home.require(names[0])
        raise BadInput("bad_generation", f"{model.name} is no Gemma 3 that can write.")

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Writes it."""
        from genlock.generation.engines.llm.writing import write

        write(request, plan, sink)

    def missing(self) -> str:
        """Says which library or model is not here."""
        if absent := lacking(*NEEDS):
            return absent
        try:
            self._source("")
        except GenlockError as error:
            return f"{error.message} {error.hint}".strip()
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Names what a text depends on."""
        return ("torch", "transformers", "tokenizers", "safetensors")


def _source_in(model: Model) -> Source | None:
    if _is_gemma(model, ""):
        return Source(model, "", PART, "")
    if _is_gemma(model, ENCODER):
        for words in ("processor", "tokenizer"):
            if _can_chat(Path(model.path) / words):
                return Source(model, ENCODER, ENCODER, words)
    return None


def _is_gemma(model: Model, part: str) -> bool:
    return part in model.parts and model.parts[part].config.get("model_type") == NAME


def _can_chat(folder: Path) -> bool:
    """Whether a tokenizer comes with the form of a conversation: one that only encodes prompts may not."""
    if any((folder / name).is_file() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    config = folder / "tokenizer_config.json"
    return config.is_file() and b'"chat_template"' in config.read_bytes()


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
