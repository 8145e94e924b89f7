"""What the animatic engine can do."""

from __future__ import annotations

from typing import Final

from genlock.generation.engine import Engine, Lane, Plan, Product, Sink
from genlock.project.request import GenerationRequest, Mode

_LAYERS: Final = 24
"""Pictures held at once, roughly: layers of a world with their overscan, morph maps, frames waiting for the encoder."""

_PRODUCTS: Final[dict[Mode, Product]] = {
    "text_to_video": "movie",
    "image_to_video": "movie",
    "keyframes": "movie",
    "extend": "movie",
    "retake": "movie",
    "fill_gap": "movie",
    "retime": "movie",
    "upscale": "movie",
    "inpaint": "movie",
    "image": "still",
    "edit_image": "still",
    "mask": "matte",
    "track": "matte",
    "enhance_prompt": "text",
    "scenes": "text",
}

_NAMES: Final[dict[Mode, tuple[str, str]]] = {
    "retime": ("flow", "Frames between frames follow the optical flow: fast movement may smear."),
    "upscale": ("lanczos", "Enlarged and sharpened: no detail is invented."),
    "inpaint": ("fill", "Filled from neighbouring frames and from around the hole: a draft of the removal."),
    "mask": ("grabcut", "An outline by colour and edges: check fine parts such as hair."),
    "track": ("grabcut", "An outline followed along the optical flow: it may drift where things cross."),
    "enhance_prompt": ("phrases", "Put together from the brief: no language model was asked."),
    "scenes": ("content", "Cuts by change of content: dissolves and fades may be missed."),
}
_DRAWN: Final = ("draw", "An animatic: camera, timing and framing are meant, the picture is a stand-in.")
_LANES: Final[dict[Mode, Lane]] = {"mask": "interactive", "enhance_prompt": "language"}


class AnimaticEngine:
    """Moves over given pictures, morphs between them, makes up a world from the prompt where there are none; masks,
    fills, retimes and enlarges by classical means. Every kind of request has an answer here, labelled as a draft."""

    name = "animatic"
    version = "2"
    modes: frozenset[Mode] = frozenset(_PRODUCTS)

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        """Returns the one plan there is: any length, any size, main memory only."""
        product = _PRODUCTS[request.mode]
        if product == "movie" and request.mode in ("inpaint", "upscale") and request.frames == 1:
            product = "still"
        frames = {"movie": request.frames, "text": 0}.get(product, 1)
        if request.mode == "track":
            frames = request.frames
        name, note = _NAMES.get(request.mode, _DRAWN)
        pixels = request.resolution.width * request.resolution.height
        return (
            Plan(
                engine=self.name,
                name=name,
                product=product,
                lane=_LANES.get(request.mode, "heavy"),
                activation=pixels * 4 * _LAYERS,
                asked=frames,
                made=frames,
                draft=True,
                notes=(note,),
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Makes it."""
        match request.mode:
            case "mask" | "track":
                from genlock.generation.engines.animatic.masking import mask

                mask(request, sink)
            case "inpaint":
                from genlock.generation.engines.animatic.mending import mend

                mend(request, sink)
            case "retime":
                from genlock.generation.engines.animatic.stretching import retime

                retime(request, sink)
            case "upscale":
                from genlock.generation.engines.animatic.stretching import upscale

                upscale(request, sink)
            case "scenes":
                from genlock.generation.engines.animatic.scenes import find

                find(request, sink)
            case "enhance_prompt":
                from genlock.generation.engines.animatic.wording import enhance

                enhance(request, sink)
            case _:
                from genlock.generation.engines.animatic.filming import film

                film(request, sink)

    def missing(self) -> str:
        """Returns nothing: it runs everywhere."""
        return ""

    def libraries(self) -> tuple[str, ...]:
        """Returns what the pixels depend on."""
        return ("opencv-python-headless", "numpy", "pillow", "av", "scenedetect-headless")


ENGINE: Final[Engine] = AnimaticEngine()
