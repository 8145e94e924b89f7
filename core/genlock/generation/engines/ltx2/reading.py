"""What a request shows the model, read and encoded: conditions, references, whole clips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from diffusers import LTX2ConditionPipeline
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from diffusers.video_processor import VideoProcessor
from PIL import Image

from genlock.generation.engines.ltx2 import grid
from genlock.generation.engines.ltx2.grid import Segment, Size
from genlock.generation.engines.ltx2.layout import Hold, Layout, within
from genlock.generation.engines.ltx2.pictures import Footage, padded
from genlock.generation.engines.ltx2.pipelines import Given, assembled
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]


class Material:
    """The clips of a request. `inner` is the picture's size within the frames that are made."""

    def __init__(self, request: GenerationRequest, inner: Size) -> None:
        self._request, self._inner = request, inner
        self.source = Footage(request.source, request.rate) if request.source else None
        self.after = Footage(request.after, request.rate) if request.after else None
        self._conditions = [Footage(condition.path, request.rate) for condition in request.conditioning]
        self._references = [Footage(reference.path, request.rate) for reference in request.references]

    def of(self, hold: Hold) -> list[Array]:
        """Returns a hold's pictures."""
        if hold.origin == "condition":
            first = self._request.conditioning[hold.number].first
            clip: Footage | None = self._conditions[hold.number]
            own, start = first, hold.first - first
        else:
            clip, own, start = (self.source if hold.origin == "source" else self.after), 0, hold.first
        return [] if clip is None else clip.take(start, hold.count, self._inner, own)

    def halved(self, first: int, count: int) -> list[Array]:
        """Returns the source's own pictures at half the size."""
        half = self._inner[0] // 2, self._inner[1] // 2
        return [] if self.source is None else self.source.take(first, count, half)

    def shown(self, first: int, count: int) -> list[Array]:
        """Returns the source's own pictures."""
        return [] if self.source is None else self.source.take(first, count, self._inner)

    def reference(self, number: int, start: int, frames: int) -> list[Array]:
        """Returns a reference's pictures for so many frames from frame `start` of the result on; one of a still."""
        reference, clip = self._request.references[number], self._references[number]
        if not reference.frames:
            return clip.take(0, 1, self._inner, reference.first)
        count = grid.whole(min(frames, reference.frames - start))
        return clip.take(start, count, self._inner, reference.first) if count > 0 else []


class Encoder:
    """Encodes pictures as the pipelines of diffusers do."""

    def __init__(self, vae: Any, device: Any, crf: int) -> None:
        self._vae, self._device, self._crf = vae, device, crf
        self._pipe = assembled(LTX2ConditionPipeline, {"vae": vae})
        self._references = VideoProcessor(vae_scale_factor=vae.spatial_compression_ratio, resample="bilinear")

    def condition(self, pictures: list[Array], size: Size, crf: int | None = None) -> Any:
        """Returns normalised latents of pictures, [1, C, F, H, W]; a still is compressed before, as `crf` says."""
        images = [Image.fromarray(padded(picture, size)) for picture in pictures]
        shown = LTX2VideoCondition(frames=images, index=0, crf=self._crf if crf is None else crf)
        ((pixels,), _, _, _) = self._pipe.preprocess_conditions(
            [shown], height=size[1], width=size[0], num_frames=len(images), device=self._device
        )
        return self._encoded(pixels)

    def reference(self, pictures: list[Array], size: Size) -> Any:
        """Returns the same of a reference."""
        images = [Image.fromarray(padded(picture, size)) for picture in pictures]
        pixels = self._references.preprocess_video(images, size[1], size[0], resize_mode="crop")
        return self._encoded(pixels.to(dtype=self._vae.dtype, device=self._device))

    def clip(self, material: Material, run: Segment, size: Size) -> Any:
        """Returns the same of the source's frames that a run enlarges, at half the size that is made."""
        return self.condition(material.halved(run.first, run.frames), size, crf=0)

    def source(self, material: Material, run: Segment, size: Size) -> Any:
        """Returns the same of the source's frames that a run is made from, at the size that is made."""
        return self.condition(material.shown(run.first, run.frames), size, crf=0)

    def _encoded(self, pixels: Any) -> Any:
        latents = self._vae.encode(pixels).latent_dist.mode()
        mean, std = self._vae.latents_mean, self._vae.latents_std
        return self._pipe._normalize_latents(latents, mean, std)


def held(
    material: Material, layout: Layout, runs: tuple[Segment, ...], encoder: Encoder, sizes: tuple[Size, ...]
) -> Iterator[tuple[int, int, Given]]:
    """Yields (run, which of `sizes`, latents) of all that the runs follow."""
    for number, run in enumerate(runs):
        for hold in layout.holds:
            part = within(hold, run)
            if part is None:
                continue
            pictures = material.of(part)
            for at, size in enumerate(sizes):
                inner = [_scaled(picture, size, sizes[-1]) for picture in pictures]
                yield number, at, Given(encoder.condition(inner, size), grid.position(part.at), part.strength)


def shown(
    request: GenerationRequest,
    material: Material,
    layout: Layout,
    runs: tuple[Segment, ...],
    encoder: Encoder,
    size: Size,
) -> Iterator[tuple[int, Any, float]]:
    """Yields (run, latents, strength) of the references."""
    for number, run in enumerate(runs):
        for at, reference in enumerate(request.references):
            pictures = material.reference(at, max(0, run.first - layout.first), run.frames)
            if pictures:
                yield number, encoder.reference(pictures, size), reference.strength


def _scaled(picture: Array, size: Size, full: Size) -> Array:
    """Returns a picture shrunk as `size` is to `full`."""
    if size == full:
        return picture
    whole = Image.fromarray(padded(picture, full)).resize(size, Image.Resampling.LANCZOS)
    return np.asarray(whole)
