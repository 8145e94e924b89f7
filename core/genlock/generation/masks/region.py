"""Which part of each frame is made again: a mask that is given, what was selected, or both."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import cv2
import numpy as np

from genlock.errors import BadInput
from genlock.generation.engine import Plan, Sink
from genlock.generation.masks.reading import WHITE
from genlock.generation.masks.reel import Reel, reel
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]
Frames = Callable[[int], Array]
"""Returns the mask of a frame of the result, HxW uint8, 255 inside."""

GROWN: Final = 5
"""Pixels by which what was selected is widened where nothing is said: outlines are soft, and a rim of the old that stays
shows more than one that goes. A mask that is given is taken as it is."""


class Region:
    """The masks of a result's frames at the source's size, `grow` pixels wider than they are given."""

    def __init__(self, parts: list[Frames], grow: int) -> None:
        self._parts, self._grow = parts, grow

    def mask(self, number: int) -> Array:
        """Returns what is made again on a frame, HxW uint8; between 0 and 255 where it is mixed with the source."""
        whole = self._parts[0](number)
        for part in self._parts[1:]:
            whole = np.maximum(whole, part(number))
        if not self._grow or not (whole >= WHITE).any():
            return whole
        # By distance, which takes as long for many pixels as for one.
        apart = cv2.distanceTransform((whole < WHITE).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return np.where(apart <= self._grow, np.uint8(255), whole)


def region(
    request: GenerationRequest, plan: Plan, sink: Sink, source: Reel, frames: int, grow: int | None, stack: ExitStack
) -> Region:
    """Returns what is made again on each frame of a result that shows so many of the source's; files are open as long as
    the `stack`. Selections are followed first, in the plan's first stage.

    Raises BadInput(bad_generation) for a mask that does not fit or selections that find nothing, Halt.
    """
    parts: list[Frames] = []
    if request.mask:
        mask = stack.enter_context(reel(request.mask, request.rate, "mask"))
        if not mask.still and mask.frames < frames:
            raise BadInput("bad_generation", f"The mask lasts {mask.frames} frames and the clip {frames}.")
        _same(source.picture(0), mask.mask(0))
        parts.append(mask.mask)
    if request.selections:
        from genlock.generation.engines.sam3.selecting import selected  # torch

        found = stack.enter_context(selected(request, plan, sink, source.own(frames - 1) + 1))
        parts.append(lambda number: found.at(source.own(number)).astype(np.uint8) * 255)
    return Region(parts, (GROWN if request.selections else 0) if grow is None else grow)


def _same(source: Array, mask: Array) -> None:
    if source.shape[:2] != mask.shape[:2]:
        (high, wide), (tall, broad) = source.shape[:2], mask.shape[:2]
        reason = f"The mask is {broad}x{tall} and the source {wide}x{high}: they have to have the same size."
        raise BadInput("bad_generation", reason)
