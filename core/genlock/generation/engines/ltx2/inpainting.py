"""A masked part of a clip made again. The model sees the rest of the source throughout, as tokens without noise, which is
how it follows any picture; of what it makes only the masked pixels are delivered."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Final

import cv2
import numpy as np
import torch
from diffusers import LTX2Pipeline

from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.ltx2 import grid
from genlock.generation.engines.ltx2.grid import Segment, Size
from genlock.generation.engines.ltx2.pictures import padded
from genlock.generation.engines.ltx2.pipelines import Given
from genlock.generation.engines.ltx2.reading import Encoder, Material
from genlock.generation.engines.ltx2.settings import Wanted
from genlock.generation.masks.compositing import composite, opacity
from genlock.generation.masks.reel import cover, reel
from genlock.generation.masks.region import region
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]

AROUND: Final = 8
"""Pixels around the mask that are made as well: a decoder's pixels depend on their neighbours'."""


class Masked:
    """A clip and what of it is made again; whatever is selected is followed first, in the plan's first stage.

    Raises BadInput(bad_generation) for a mask that does not fit or selections that find nothing, Halt.
    """

    def __init__(self, request: GenerationRequest, settings: Wanted, plan: Plan, sink: Sink, stack: ExitStack) -> None:
        self._feather = settings.feather
        self._asked = request.resolution.width, request.resolution.height
        self._source = stack.enter_context(reel(request.source, request.rate, "source"))
        self._last = request.frames - 1
        frames = min(request.frames, self._source.frames)
        self._region = region(request, plan, sink, self._source, frames, settings.grow, stack)
        sink.note(composite=True, feather=settings.feather)

    def given(self, material: Material, run: Segment, encoder: Encoder, inner: Size, size: Size) -> Given:
        """Returns the source's frames of a run, to be followed wherever nothing is made again."""
        latents = encoder.source(material, run, size)
        kept = torch.ones(1, 1, *latents.shape[2:])
        for frame in range(run.frames):
            changed = self._cells(min(run.first + frame, self._last), inner, size)
            kept[0, 0, grid.latents_of(frame + 1) - 1][torch.from_numpy(changed)] = 0
        return Given(latents, 0, LTX2Pipeline._pack_latents(kept, 1, 1).to(latents.device))

    def put(self, number: int, made: Array) -> Array:
        """Returns a frame of the result, from what was made of it."""
        source = cover(self._source.picture(number), self._asked)
        return composite(source, made, opacity(self._mask(number), self._feather))

    def _mask(self, number: int) -> Array:
        return cover(self._region.mask(number), self._asked)

    def _cells(self, number: int, inner: Size, size: Size) -> Array:
        """Returns which latent pixels hold anything of a frame's mask, or of what is close to it."""
        mask = (self._mask(number) > 0).astype(np.uint8)
        if (mask.shape[1], mask.shape[0]) != inner:
            # By area, so that nothing thin is lost.
            mask = (cv2.resize(mask * 255, inner, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
        wide = cv2.dilate(mask, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8))
        whole = padded(wide[..., None], size)[..., 0]
        rows, columns = size[1] // grid.SPACE, size[0] // grid.SPACE
        return np.asarray(whole.reshape(rows, grid.SPACE, columns, grid.SPACE).any(axis=(1, 3)))
