"""Carries out a plan: reads what is given, has the model paint, brings it to the size asked and delivers it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from PIL import Image

from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.flux2 import compositing, pictures, prompts, sizes
from genlock.generation.engines.flux2 import settings as wanted
from genlock.generation.engines.flux2.painting import Guides, Painter
from genlock.generation.engines.flux2.settings import Settings, bad
from genlock.generation.masks.compositing import composite, opacity
from genlock.generation.masks.reel import Reel, cover, reel
from genlock.generation.masks.region import Region, region
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]


def run(request: GenerationRequest, plan: Plan, sink: Sink) -> None:
    """Makes a picture or a clip; raises as `Flux2Engine.generate`."""
    job = Job(request, plan, sink)
    if job.painter.course.clip:
        from genlock.generation.engines.flux2.clips import paint

        paint(job)
    else:
        sink.frame(np.ascontiguousarray(_picture(job)))


class Job:
    """A request on its way: what it gives to look at, read before anything is loaded."""

    def __init__(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        self.request, self.plan, self.sink = request, plan, sink
        self.settings: Settings = wanted.read(request)
        self.painter = Painter(plan, sink)
        self.size = request.resolution.width, request.resolution.height
        self._looked = tuple(self._references())

    def guides(self) -> Guides:
        """Returns what the pictures are to follow, and notes how they are made."""
        preset, request = self.settings.preset, self.request
        prompt = prompts.worded(request.prompt, preset)
        avoided = prompts.avoided(request.negative_prompt, preset)
        guides = self.painter.encode(prompt, avoided, self._looked)
        course = self.painter.course
        self.sink.note(
            device=self.sink.models.device,
            forms=self.plan.how["forms"],
            tiled=self.plan.how["tiled"],
            steps=course.steps,
            guidance=course.guidance if course.cfg else 1.0,
            true_cfg=course.cfg,
            kv_cache=course.kv,
            references=len(self._looked),
            loras=[{"path": path, "weight": weight} for path, weight in self.plan.how["loras"]],
        )
        if preset:
            self.sink.note(preset=preset, worded=prompt)
        return guides

    def region(self, source: Reel, frames: int, stack: ExitStack) -> Region:
        """Returns what is made anew on each frame of a result that shows so many of the source's."""
        return region(self.request, self.plan, self.sink, source, frames, self.settings.grow, stack)

    def _references(self) -> list[Image.Image]:
        found = []
        for number, given in enumerate((*self.request.references, *self.request.conditioning), 1):
            use = f"reference {number}"
            with reel(given.path, self.request.rate, use) as shown:
                found.append(pictures.reference(shown.picture(given.first), use))
        return found


def anew(job: Job, source: Array, mask: Array, guides: Guides) -> Array:
    """Returns the source with all that the mask selects (above 0) made anew; every other pixel is the source's own."""
    box = compositing.box(mask)
    if box is None:
        return source
    height, width = source.shape[:2]
    window = sizes.window((width, height), box, job.settings.padding)
    part, chosen = compositing.cut(source, window), compositing.cut(mask, window)
    job.sink.note(window=[window.left, window.top, window.width, window.height])
    made = compositing.pasted(source, redrawn(job, part, chosen, guides), window)
    return np.where(mask[..., None] > 0, made, source)


def redrawn(job: Job, picture: Array, mask: Array, guides: Guides) -> Array:
    """Returns a picture of any size drawn anew where the mask says so, at its own size: continued to the next multiples of
    16 while it is small enough, else computed smaller."""
    height, width = picture.shape[:2]
    size = sizes.made((width, height), sizes.LOOKED)
    strength = 1.0 if job.settings.strength is None else job.settings.strength
    job.sink.note(made=list(size), strength=strength)
    if size[0] >= width and size[1] >= height:
        whole, chosen = pictures.padded(picture, size), pictures.padded(mask, size)
        return job.painter.redraw(whole, chosen, guides, job.request.seed, strength)[:height, :width]
    small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
    chosen = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.BOX))
    made = job.painter.redraw(small, chosen, guides, job.request.seed, strength)
    return np.asarray(Image.fromarray(made).resize((width, height), Image.Resampling.LANCZOS))


def _picture(job: Job) -> Array:
    request, settings = job.request, job.settings
    if request.mode == "inpaint":
        source, mask = _masked(job)
        job.sink.note(composite=True, feather=settings.feather)
        made = anew(job, source, mask, job.guides())
        return composite(source, made, opacity(mask, settings.feather))
    given = None
    if request.mode == "edit_image" and request.source:
        with reel(request.source, request.rate, "source") as shown:
            given = shown.picture(0)
    if given is not None and settings.strength is not None:
        source = cover(given, job.size)
        return redrawn(job, source, np.full(source.shape[:2], 255, np.uint8), job.guides())
    looked = None if given is None else pictures.reference(given, "source")
    guides = job.guides()
    size = sizes.made(job.size)
    job.sink.note(made=list(size))
    picture = job.painter.draw(size, guides if looked is None else guides.seeing(looked), request.seed)
    return pictures.returned(picture, job.size)


def _masked(job: Job) -> tuple[Array, Array]:
    request = job.request
    with ExitStack() as stack:
        shown = stack.enter_context(reel(request.source, request.rate, "source"))
        source, mask = shown.picture(0), job.region(shown, 1, stack).mask(0)
    if not mask.any():
        raise bad("The mask selects nothing: it is black.")
    return cover(source, job.size), cover(mask, job.size)
