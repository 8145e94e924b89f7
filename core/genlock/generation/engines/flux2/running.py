"""Carries out a plan: reads what is given, has the model paint, brings it to the size asked and delivers it."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.flux2 import compositing, pictures, prompts, sizes
from genlock.generation.engines.flux2 import settings as wanted
from genlock.generation.engines.flux2.painting import Painter, Words
from genlock.generation.engines.flux2.settings import Settings, bad
from genlock.generation.engines.flux2.sizes import Size
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]


def run(request: GenerationRequest, plan: Plan, sink: Sink) -> None:
    """Makes a picture or a clip; raises as `Flux2Engine.generate`."""
    settings = wanted.read(request)
    painter = Painter(plan, sink)
    # pictures first: what cannot be read is said before anything is loaded
    looked = references(request)
    if painter.course.clip:
        from genlock.generation.engines.flux2.clips import paint

        paint(request, settings, painter, looked, sink)
        return
    size = request.resolution.width, request.resolution.height
    if request.mode == "inpaint":
        source, mask = _masked(request, size)
    else:
        source, mask = (_source(request) if request.mode == "edit_image" else None), None
    words = painter.encode(
        prompts.worded(request.prompt, settings.preset), prompts.avoided(request.negative_prompt, settings.preset)
    )
    _note(sink, painter, plan, len(looked))
    if source is not None and mask is not None:
        picture = inpainted(painter, source, mask, looked, words, settings, request.seed, sink)
    elif source is not None and settings.strength is not None:
        picture = _redrawn(painter, pictures.cover(source, size), looked, words, settings, request.seed, sink)
    else:
        first = [] if source is None else [pictures.reference(source, "source")]
        made = sizes.made(size)
        sink.note(made=list(made))
        picture = pictures.returned(painter.draw(made, [*first, *looked], words, request.seed), size)
    sink.frame(np.ascontiguousarray(picture))


def references(request: GenerationRequest) -> list[Image.Image]:
    """Returns the reference pictures, and the pictures of the conditioning behind them. Raises
    BadInput(bad_generation)."""
    found = []
    for number, given in enumerate((*request.references, *request.conditioning), 1):
        use = f"reference {number}"
        with pictures.reel(given.path, request.rate, use) as reel:
            found.append(pictures.reference(reel.picture(given.first), use))
    return found


def inpainted(
    painter: Painter,
    source: Array,
    mask: Array,
    looked: list[Image.Image],
    words: Words,
    settings: Settings,
    seed: int,
    sink: Sink,
) -> Array:
    """Returns the source with what the mask selects made anew; every other pixel is the source's own. Raises
    BadInput(bad_generation) for a mask that selects nothing."""
    box = compositing.box(mask)
    if box is None:
        raise bad("The mask selects nothing: it is black.")
    height, width = source.shape[:2]
    window = sizes.window((width, height), box, settings.padding)
    part, chosen = compositing.cut(source, window), compositing.cut(mask, window)
    strength = 1.0 if settings.strength is None else settings.strength
    made = redrawn(painter, part, chosen, looked, words, seed, strength)
    sink.note(made=list(sizes.made((window.width, window.height), sizes.LOOKED)), window=list(_sides(window)))
    sink.note(composite=True, feather=settings.feather)
    shown = compositing.opacity(mask, settings.feather)
    return compositing.composite(source, compositing.pasted(source, made, window), shown)


def redrawn(
    painter: Painter, picture: Array, mask: Array, looked: list[Image.Image], words: Words, seed: int, strength: float
) -> Array:
    """Returns a picture of any size drawn anew where the mask says so, at its own size: continued to the next multiples of
    16 while it is small enough, else computed smaller."""
    height, width = picture.shape[:2]
    size = sizes.made((width, height), sizes.LOOKED)
    if size[0] >= width and size[1] >= height:
        made = painter.redraw(
            pictures.padded(picture, size), pictures.padded(mask, size), looked, words, seed, strength
        )
        return made[:height, :width]
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    chosen = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX))
    made = painter.redraw(small, chosen, looked, words, seed, strength)
    return np.asarray(Image.fromarray(made).resize((width, height), Image.Resampling.LANCZOS))


def _redrawn(
    painter: Painter,
    source: Array,
    looked: list[Image.Image],
    words: Words,
    settings: Settings,
    seed: int,
    sink: Sink,
) -> Array:
    everything = np.full(source.shape[:2], 255, np.uint8)
    height, width = source.shape[:2]
    strength = settings.strength or 1.0
    sink.note(made=list(sizes.made((width, height), sizes.LOOKED)), strength=strength)
    return redrawn(painter, source, everything, looked, words, seed, strength)


def _source(request: GenerationRequest) -> Array:
    with pictures.reel(request.source, request.rate, "source") as reel:
        return reel.picture(0)


def _masked(request: GenerationRequest, size: Size) -> tuple[Array, Array]:
    source = _source(request)
    with pictures.reel(request.mask, request.rate, "mask") as reel:
        mask = reel.mask(0)
    same(source, mask)
    return pictures.cover(source, size), pictures.cover(mask, size)


def same(source: Array, mask: Array) -> None:
    """Raises BadInput(bad_generation) when a mask has another size than its source."""
    if source.shape[:2] != mask.shape[:2]:
        (high, wide), (tall, broad) = source.shape[:2], mask.shape[:2]
        raise bad(f"The mask is {broad}x{tall} and the source {wide}x{high}: they have to have the same size.")


def _sides(window: sizes.Window) -> tuple[int, int, int, int]:
    return window.left, window.top, window.width, window.height


def _note(sink: Sink, painter: Painter, plan: Plan, looked: int) -> None:
    course = painter.course
    sink.note(
        device=sink.models.device,
        forms=plan.how["forms"],
        tiled=plan.how["tiled"],
        steps=course.steps,
        guidance=course.guidance if course.cfg else 1.0,
        true_cfg=course.cfg,
        kv_cache=course.kv,
        references=looked,
        loras=[{"path": path, "weight": weight} for path, weight in plan.how["loras"]],
    )
