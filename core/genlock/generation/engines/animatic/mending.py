"""Takes something out of a picture or a clip without weights: what another frame shows behind it, else its surroundings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, cast

import cv2
import numpy as np

from genlock.generation.engine import Sink
from genlock.generation.engines.animatic import sources
from genlock.generation.engines.animatic.filming import samples_before
from genlock.generation.engines.animatic.following import followed, frame_of
from genlock.generation.engines.animatic.selecting import backwards, warped
from genlock.generation.masks.reading import WHITE, matte
from genlock.media.clip import open_clip
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]

RADIUS: Final = 4
"""Pixels around a hole that its filling is made from (Telea, "An Image Inpainting Technique Based on the Fast
Marching Method", 2004)."""

WIDER: Final = 5
"""Pixels a mask is widened by: outlines are soft, and a rim that stays shows more than one that goes."""


def mend(request: GenerationRequest, sink: Sink) -> None:
    """Delivers the source with the masked region filled; every pixel outside the mask is the source's. A clip keeps
    its sound."""
    size = request.resolution.width, request.resolution.height
    still = Path(request.source).suffix.casefold() in _STILLS
    frames = 1 if still else request.frames
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(Path(request.source)))
        masks = _masks(request, size, stack)
        filled: Array | None = None
        before: Array | None = None
        for number in range(frames):
            picture = sources.cover(frame_of(clip, number), size)
            mask = next(masks)
            result = _filled(picture, mask, before, filled)
            before, filled = picture, result
            sink.frame(result)
            sink.progress(number + 1, frames, "frames")
    sound = None if still else sources.sound(request.source, samples_before(frames, request.rate))
    if sound is not None:
        sink.sound(sound)


_STILLS: Final = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".exr", ".dpx"})


def _filled(picture: Array, mask: Array, before: Array | None, filled: Array | None) -> Array:
    """Returns the picture with the hole filled: what the frame before shows there, moved along, else from around the
    hole."""
    if not mask.any():
        return picture
    hole = mask.astype(np.uint8)
    around = cast("Array", cv2.inpaint(picture, hole, RADIUS, cv2.INPAINT_TELEA))
    if before is not None and filled is not None:
        # The flow of the filled pictures: that of the thing itself would carry it back in.
        moved = warped(filled, backwards(filled, around))
        around = cast("Array", cv2.addWeighted(moved, 0.8, around, 0.2, 0))
    result = picture.copy()
    result[mask] = around[mask]
    return result


def _masks(request: GenerationRequest, size: tuple[int, int], stack: ExitStack) -> Iterator[Array]:
    """Yields a mask a frame at the result's size: from the mask's file, or from clicks followed through the clip."""
    kernel = np.ones((2 * WIDER + 1, 2 * WIDER + 1), np.uint8)
    if request.mask:
        with open_clip(Path(request.source)) as clip:
            height, width = frame_of(clip, 0).shape[:2]
        given = stack.enter_context(matte(request.mask, (width, height)))
        number = 0
        while True:
            yield sources.cover(given.at(number).astype(np.uint8) * 255, size) >= WHITE
            number += 1
    for mask in followed(stack.enter_context(open_clip(Path(request.source))), request.selections, size, "both"):
        yield cast("Array", cv2.dilate(mask.astype(np.uint8), kernel) > 0)
