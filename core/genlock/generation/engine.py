"""What an engine is. It gets a request and gives frames: naming, encoding and processes are not its business."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from msgspec import Struct

from genlock.errors import GenlockError, NotFound
from genlock.project.request import GenerationRequest, Mode

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Lane = Literal["heavy", "interactive"]
"""`heavy` for everything that takes seconds, `interactive` for what a person waits for with the mouse in the hand."""

Product = Literal["movie", "still", "text"]


class Component(Struct, frozen=True, omit_defaults=True):
    """A part of a model that is loaded and dropped as one (text encoder, transformer, decoder): its bytes in memory."""

    name: str
    bytes: int


class Plan(Struct, frozen=True, omit_defaults=True):
    """One way to fulfil a request.

    `components` are held while it runs, `activation` is what it needs on top, in bytes. `asked` frames are delivered,
    `made` are what the engine makes for them (its own grid, never fewer). `notes` say what a person should know.
    """

    engine: str
    name: str
    product: Product = "movie"
    lane: Lane = "heavy"
    components: tuple[Component, ...] = ()
    activation: int = 0
    asked: int = 0
    made: int = 0
    draft: bool = False
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Memory held while it runs."""
        return self.activation + sum(component.bytes for component in self.components)


class Sink(Protocol):
    """Where an engine delivers to. Frames are HxWx3 uint8 RGB of the request's size, in order; sound is float32
    [2, samples] at 48 kHz, in any portions. All may be called from the engine's thread only."""

    def frame(self, picture: Array) -> None:
        """Delivers the next frame; those beyond the length asked are dropped. Raises Halt after a cancel."""

    def sound(self, samples: Array) -> None:
        """Delivers sound behind what came before."""

    def text(self, text: str) -> None:
        """Delivers a text."""

    def progress(self, done: int, total: int, phase: str) -> None:
        """Says how far a phase is. Raises Halt after a cancel."""

    def preview(self, jpeg: bytes) -> None:
        """Shows a picture on the way."""

    def cancelled(self) -> bool:
        """Whether to stop; an engine asks at least once a step."""


class Halt(BaseException):
    """Unwinds an engine after a cancel. Not an Exception, so that no library on the way swallows it."""


class Engine(Protocol):
    """One generator. Its module imports nothing heavy; `generate` does, in the worker."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def modes(self) -> frozenset[Mode]: ...

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the ways to fulfil the request, best first; raises BadInput(bad_generation) with the reason."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Makes it. Equal requests give equal frames."""

    def libraries(self) -> tuple[str, ...]:
        """Returns the distributions whose versions belong into a take's provenance."""


BUILTIN: Final[Mapping[str, str]] = {"animatic": "genlock.generation.engines.animatic.engine:ENGINE"}


class Engines:
    """The engines known here: name -> "module:attribute", loaded when first used."""

    def __init__(self, targets: Mapping[str, str] = BUILTIN) -> None:
        self.targets = dict(targets)
        self._loaded: dict[str, Engine] = {}

    def names(self) -> tuple[str, ...]:
        """Returns the names in order of preference."""
        return tuple(self.targets)

    def get(self, name: str) -> Engine:
        """Returns an engine; NotFound(no_such_engine) when there is none or its module cannot be imported."""
        if name in self._loaded:
            return self._loaded[name]
        try:
            module, attribute = self.targets[name].split(":")
        except KeyError as error:
            raise NotFound(
                "no_such_engine", f"There is no engine {name!r}; there are {', '.join(self.targets)}."
            ) from error
        try:
            engine: Engine = getattr(import_module(module), attribute)
        except ImportError as error:
            raise NotFound("no_such_engine", f"The engine {name!r} cannot be loaded: {error}.") from error
        self._loaded[name] = engine
        return engine

    def describe(self) -> list[dict[str, Any]]:
        """Returns one JSON-ready row an engine: name, version, modes, or the reason why it cannot run here."""
        rows: list[dict[str, Any]] = []
        for name in self.targets:
            try:
                engine = self.get(name)
            except GenlockError as error:
                rows.append({"name": name, "available": False, "reason": error.message})
            else:
                rows.append({"name": name, "available": True, "version": engine.version, "modes": sorted(engine.modes)})
        return rows
