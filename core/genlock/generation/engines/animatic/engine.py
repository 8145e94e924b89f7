"""What the animatic engine can do."""

from __future__ import annotations

from typing import Final

from genlock.generation.engine import Engine, Plan, Product, Sink
from genlock.project.request import GenerationRequest, Mode

_LAYERS: Final = 24
"""Pictures held at once, roughly: layers of a world with their overscan, morph maps, frames waiting for the encoder."""


class AnimaticEngine:
    """Moves over given pictures, morphs between them, and makes up a world from the prompt where there are none."""

    name = "animatic"
    version = "1"
    modes: frozenset[Mode] = frozenset(
        {"text_to_video", "image_to_video", "keyframes", "extend", "retake", "fill_gap", "image"}
    )

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the one plan there is: any length, any size, main memory only."""
        product: Product = "still" if request.mode == "image" else "movie"
        frames = 1 if product == "still" else request.frames
        pixels = request.resolution.width * request.resolution.height
        return (
            Plan(
                engine=self.name,
                name="draw",
                product=product,
                activation=pixels * 4 * _LAYERS,
                asked=frames,
                made=frames,
                draft=True,
                notes=("An animatic: camera, timing and framing are meant, the picture is a stand-in.",),
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Draws it."""
        from genlock.generation.engines.animatic.filming import film

        film(request, sink)

    def missing(self) -> str:
        """Returns nothing: it runs everywhere."""
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what the pixels depend on."""
        return ("opencv-python-headless", "numpy", "pillow", "av")


ENGINE: Final[Engine] = AnimaticEngine()
