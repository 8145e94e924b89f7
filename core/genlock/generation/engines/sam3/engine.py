"""What the SAM 3 engine can do, and what it costs."""

from __future__ import annotations

from typing import Any, Final

from genlock.errors import GenlockError
from genlock.generation import devices
from genlock.generation.devices import Device
from genlock.generation.engine import Component, Engine, Plan, Sink, Stage, lacking
from genlock.generation.engines.sam3 import prompts
from genlock.generation.memory import machine as machines
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library, library
from genlock.project.request import GenerationRequest, Mode

MODEL: Final = "sam3"
STAGE: Final = "select"

_SLOW: Final = "Without a GPU the first click on a frame takes about 45 s, the next ones a tenth of a second."
_SLOW_CLIP: Final = "Without a GPU each frame takes about 45 s."


class Sam3Engine:
    """Masks by points, boxes, names and masks: `mask` on one frame, `track` through a clip.

    `track` runs in the heavy lane with a copy of the model: in the interactive one a long clip would keep clicks waiting.
    """

    name = "sam3"
    version = "1"
    modes: frozenset[Mode] = frozenset({"mask", "track"})

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the one way there is: the model is small enough to be kept whole."""
        prompts.check(request)
        model = self._models.require(MODEL)
        device = devices.device(self._machine or machines.here())
        part = model.parts[""]
        component = Component(f"{MODEL}/model@{device.dtype}", part.parameters * device.width())
        still = request.mode == "mask"
        activation = _activation(request, part.config, device)
        return (
            Plan(
                engine=self.name,
                name=f"whole, {device.dtype}",
                product="matte",
                lane="interactive" if still else "heavy",
                components=(component,),
                asked=1 if still else request.frames,
                made=1 if still else request.frames,
                notes=tuple(_notes(request, part.config, device.kind)),
                stages=(Stage(STAGE, (component.name,), activation),),
                how={"folder": model.path, "dtype": device.dtype},
                model=model.name,
                revision=model.revision,
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Selects."""
        from genlock.generation.engines.sam3.running import run

        run(request, plan, sink)

    def missing(self) -> str:
        """Returns which library or model is not here."""
        if absent := lacking("torch", "transformers"):
            return absent
        try:
            self._models.require(MODEL)
        except GenlockError as error:
            return error.message if not error.hint else f"{error.message} {error.hint}"
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what masks depend on."""
        return ("torch", "transformers", "numpy", "opencv-python-headless", "av")

    @property
    def _models(self) -> Library:
        return self._library or library()


def _activation(request: GenerationRequest, config: dict[str, Any], device: Device) -> int:
    """Returns bytes on top of the weights.

    The encoder's widest point is one layer's queries, keys, values and its hidden layer over all tokens; then come the
    pyramids of detector and tracker with their positions (288, 144 and 72 squared at 256 channels), the detector's mask
    scores, and per tracked thing seven frames of memory. Where attention is not linear in memory, each head of a layer
    holds tokens squared.
    """
    detector = config.get("detector_config", {})
    vision = detector.get("vision_config", {})
    trunk = vision.get("backbone_config", {})
    side = trunk.get("image_size", 1008) // trunk.get("patch_size", 14)
    tokens, channels = side * side, vision.get("fpn_hidden_size", 256)
    layer = tokens * (6 * trunk.get("hidden_size", 1024) + 2 * trunk.get("intermediate_size", 4736))
    if not device.linear:
        layer += trunk.get("num_attention_heads", 16) * tokens * tokens
    pyramids = 21 * tokens * channels * 2 * 2
    queries = detector.get("detr_decoder_config", {}).get("num_queries", 200)
    scores = queries * 16 * tokens
    pixels = request.resolution.width * request.resolution.height * 4 * 4
    things = 1 if request.mode == "mask" else max(4, len({s.thing for s in request.selections}))
    memory = things * tokens * (7 * 64 * 2 + 16 * 4) * 2
    return int(1.1 * ((layer + pyramids + scores) * device.width() + pixels + memory))


def _notes(request: GenerationRequest, config: dict[str, Any], kind: str) -> list[str]:
    notes = []
    if kind == "cpu":
        notes.append(_SLOW if request.mode == "mask" else _SLOW_CLIP)
    delay = config.get("hotstart_delay", 15)
    if request.mode == "track" and delay and any(s.text for s in request.selections):
        notes.append(f"By name, what shows up is judged over {delay} frames: the first ones come that much later.")
    return notes


ENGINE: Final[Engine] = Sam3Engine()
