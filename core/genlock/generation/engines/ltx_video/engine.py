"""What LTX-Video 0.9.x can do: a 2-billion video model without sound, for cards of 8 to 12 GB."""

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
from genlock.generation.planner import snap
from genlock.project.request import GenerationRequest, Mode

MODEL: Final = "ltx-video"
GRID: Final = 32
LONGEST: Final = 257
"""Frames of one run: what the model was trained up to."""

_TOKEN: Final = 90 * 1024
_PIXEL: Final = 30
"""Activation bytes a token of the transformer and a pixel-frame of the decoder: scaled from LTX-2 by width (32 heads
of 64 for 32 of 128), not measured on a GPU."""

SETTINGS: Final = frozenset({"steps", "guidance"})


class LtxVideoEngine:
    """Runs Lightricks' own package in an environment of its own; every mode is one call of its pipeline."""

    name = "ltx-video"
    version = "1"
    modes: frozenset[Mode] = frozenset({"text_to_video", "image_to_video", "keyframes", "extend"})

    def __init__(self, library: Library | None = None, machine: Machine | None = None) -> None:
        self._library, self._machine = library, machine

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the plan. Raises BadInput(bad_generation), GenerationError(model_missing, model_broken, needs_memory)."""
        python = environments.python(MODEL, self._library)
        if python is None:
            raise GenerationError("model_missing", self.missing(), hint=f"`genlock models env {MODEL}`")
        unknown = sorted(set(request.settings) - SETTINGS)
        if unknown:
            known = ", ".join(sorted(SETTINGS))
            raise BadInput("bad_generation", f"ltx-video knows no setting {unknown[0]!r}; it knows {known}.")
        model = (self._library or Library()).require(MODEL)
        checkpoint = _checkpoint(Path(model.path))
        tail = 9 if request.mode == "extend" else 0
        made = snap(request.frames + tail, 8, 1, 9)
        if made > LONGEST:
            raise BadInput("bad_generation", f"ltx-video makes at most {LONGEST - tail} frames, not {request.frames}.")
        width, height = (
            math.ceil(side / GRID) * GRID for side in (request.resolution.width, request.resolution.height)
        )
        chosen = device(self._machine or here())
        form = chosen.dtype
        size = {part: _numbers(checkpoint, prefix) * chosen.width() for part, prefix in PREFIXES.items()}
        size["text_encoder"] = model.parts["text_encoder"].parameters * chosen.width()
        parts = {part: Component(f"{MODEL}/{part}@{form}", bytes_) for part, bytes_ in size.items()}
        tokens = ((made - 1) // 8 + 1) * (width // GRID) * (height // GRID)
        guided = 2 if float(request.settings.get("guidance", 1.0)) > 1 else 1
        stages = (
            Stage("encode", (parts["text_encoder"].name,), 256 << 20),
            # Its pipeline decodes by itself: both happen in one call.
            Stage(
                "denoise",
                (parts["transformer"].name, parts["vae"].name),
                max(tokens * guided * _TOKEN, made * width * height * _PIXEL),
            ),
        )
        notes = ["No sound: LTX-Video makes pictures only."]
        if (width, height) != (request.resolution.width, request.resolution.height):
            notes.append(f"Made at {width}x{height} and cut to the size asked for.")
        if made != request.frames + tail:
            notes.append(f"{made} frames are made, {request.frames} delivered.")
        plan = Plan(
            engine=self.name,
            name=f"native {form}",
            lane="native",
            components=tuple(parts.values()),
            asked=request.frames,
            made=made,
            notes=tuple(notes),
            stages=stages,
            how={
                "python": str(python),
                "checkpoint": str(checkpoint),
                "words": model.path,
                "dtype": form,
                "size": [width, height],
                "tail": tail,
                "steps": int(request.settings.get("steps", 0)),
                "guidance": float(request.settings.get("guidance", 1.0)),
            },
            model=MODEL,
            revision=model.revision,
        )
        return (plan,)

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Makes it, in the environment's own interpreter."""
        from genlock.generation.engines.ltx_video.running import run

        run(request, plan, sink)

    def missing(self) -> str:
        """Returns what keeps it from running here."""
        if environments.python(MODEL, self._library) is None:
            return f"Its environment is not made: `genlock models env {MODEL}`."
        if (self._library or Library()).find(MODEL) is None:
            return f"The model is not on this machine: `genlock models pull {MODEL}`."
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what the pixels depend on."""
        return ("ltx-video", "torch", "transformers", "diffusers")


PREFIXES: Final = {"transformer": "model.diffusion_model.", "vae": "vae."}
"""How the tensors of the two parts begin in the one file they share."""


def _checkpoint(folder: Path) -> Path:
    """Returns the file of transformer and decoder: the largest that is no upscaler."""
    found = [path for path in folder.glob("*.safetensors") if "upscaler" not in path.name]
    if not found:
        raise GenerationError("model_broken", f"{folder} holds no ltxv-*.safetensors.")
    return max(found, key=lambda path: path.stat().st_size)


def _numbers(path: Path, prefix: str) -> int:
    return sum(math.prod(tensor.shape) for name, tensor in weights.header(path).items() if name.startswith(prefix))


ENGINE: Final[Engine] = LtxVideoEngine()
