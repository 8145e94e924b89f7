"""What an engine is. It gets a request and gives frames: naming, encoding and processes are not its business."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

from msgspec import Struct

from genlock.errors import GenlockError, NotFound
from genlock.project.request import GenerationRequest, Mode

T = TypeVar("T")

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Lane = Literal["heavy", "interactive", "language", "native"]
"""`heavy` for everything that takes seconds, `interactive` for what a person waits for with the mouse in the hand,
`language` for texts, `native` for engines in an environment of their own. One process of a lane holds its models."""

LANES: Final[tuple[Lane, ...]] = ("heavy", "interactive", "language", "native")

Product = Literal["movie", "still", "text", "matte"]
"""`matte` is the alpha of a clip or of one frame: a picture with transparency, with its sidecars."""

Tier = Literal["device", "host", "disk"]
"""Where a component is: ready to compute, in pinned host memory, or nowhere but in its files."""


class Component(Struct, frozen=True, omit_defaults=True):
    """A part of a model that is loaded and dropped as one (text encoder, transformer, decoder).

    `name` is `<model>/<part>@<form>` ("ltx2/transformer@fp8"): equal names are equal bytes and can be shared.
    `bytes` on the device, `pinned` in host memory while it is there (blocks that are streamed through). `rebuild`
    are seconds beyond copying to make it from its files (quantise, fuse).
    """

    name: str
    bytes: int
    pinned: int = 0
    rebuild: float = 0.0


class Stage(Struct, frozen=True, omit_defaults=True):
    """A part of a plan that needs the same components throughout (encode, denoise, decode): their names, the `activation`
    bytes on top, and roughly how many `seconds` it takes (0: unknown)."""

    name: str
    components: tuple[str, ...] = ()
    activation: int = 0
    seconds: float = 0.0


class Plan(Struct, frozen=True, omit_defaults=True):
    """One way to fulfil a request.

    `components` are used while it runs, `activation` is what it needs on top, in bytes; with `stages` only those of one
    stage are needed at a time. `asked` frames are delivered, `made` are what the engine makes for them (its own grid, never
    fewer). `notes` say what a person should know. `how` is the engine's own: what `generate` needs to know about this way
    (folder of the model, dtype, tiling), all of it JSON.
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
    stages: tuple[Stage, ...] = ()
    how: dict[str, Any] = {}
    model: str = ""
    revision: str = ""

    @property
    def bytes(self) -> int:
        """Device memory held while it runs: the largest stage."""
        if not self.stages:
            return self.activation + sum(component.bytes for component in self.components)
        size = {component.name: component.bytes for component in self.components}
        return max(stage.activation + sum(size[name] for name in stage.components) for stage in self.stages)


class Models(Protocol):
    """The model parts a worker process holds, kept from job to job. Which may be there is the arbiter's decision."""

    @property
    def device(self) -> str:
        """Where they compute: "cuda:0", "mps" or "cpu"."""

    def get(self, component: Component, build: Callable[[], T]) -> T:
        """Returns a part, on the device: as it is there, moved from host memory, or made by `build` and moved.

        Only within a stage that names it. A component with `pinned` bytes is never moved: `build` places it.
        """


class Sink(Protocol):
    """Where an engine delivers to. Frames are HxWx3 uint8 RGB of the request's size (HxWx4 for a matte), in order; sound is
    float32 [2, samples] at 48 kHz, in any portions. All may be called from the engine's thread only."""

    @property
    def models(self) -> Models:
        """The model parts of this process."""

    def stage(self, name: str) -> None:
        """Begins a stage of the plan; returns when its components may be on the device. What has to leave has left then.
        Raises Halt."""

    def frame(self, picture: Array) -> None:
        """Delivers the next frame; those beyond the length asked are dropped. Raises Halt after a cancel."""

    def sound(self, samples: Array) -> None:
        """Delivers sound behind what came before."""

    def text(self, text: str) -> None:
        """Delivers a text, in any portions."""

    def attach(self, use: str, name: str, data: bytes) -> None:
        """Delivers a file beside the take: a sidecar `use` of one file, or of several when `name` is `folder/file`."""

    def note(self, **details: Any) -> None:
        """Adds to the provenance's details: JSON values only."""

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

    def missing(self) -> str:
        """Returns what keeps it from running here, with what to do about it; empty when nothing does. Imports
        nothing heavy."""

    def libraries(self) -> tuple[str, ...]:
        """Returns the distributions whose versions belong into a take's provenance."""


BUILTIN: Final[Mapping[str, str]] = {
    name: f"genlock.generation.engines.{module}.engine:ENGINE"
    for name, module in {
        "ltx2": "ltx2",
        "flux2": "flux2",
        "sam3": "sam3",
        "llm": "llm",
        "ollama": "ollama",
        "ltx-video": "ltx_video",
        "sam3-native": "sam3_native",
        "animatic": "animatic",
    }.items()
}
"""In order of preference: the embedded one answers when no other can."""


def lacking(*libraries: str) -> str:
    """Returns what to do about libraries that are not installed, for `Engine.missing`; empty when all are. Imports none."""
    absent = [name for name in libraries if find_spec(name) is None]
    return f"{', '.join(absent)} cannot be imported: `pip install 'genlock[models]'`." if absent else ""


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
                continue
            reason = engine.missing()
            row: dict[str, Any] = {"name": name, "available": not reason, "version": engine.version}
            rows.append(row | {"modes": sorted(engine.modes)} | ({"reason": reason} if reason else {}))
        return rows
