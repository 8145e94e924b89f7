"""Carries painted frames to their neighbours along the movement of the source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cv2
import numpy as np

Array = np.ndarray[Any, Any]

WORK: Final = 960
"""Pixels of the longer side at which movement is measured."""


class Flow:
    """The movement between a frame and the one before it: for each pixel where it was (`back`) and where the other's went
    (`forth`), in pixels, and where both agree."""

    def __init__(self, before: Array, after: Array, masks: tuple[Array, Array] | None) -> None:
        """`before` and `after` are HxWx3 uint8. With `masks` (HxW, of the two) the movement inside them is that of what
        surrounds them."""
        self.back, self.forth = _measured(after, before), _measured(before, after)
        if masks is not None:
            self.forth = _surrounding(self.forth, masks[0] > 0)
            self.back = _surrounding(self.back, masks[1] > 0)
        self.back_holds = _agree(self.back, self.forth)
        self.forth_holds = _agree(self.forth, self.back)


def carried(painted: Array, flows: Iterable[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """Returns what a painted frame looks like on the frames that follow it, with where that is known (HxW bool).

    `flows` lead from each frame to the one before it in the direction of travel, with where they hold; positions are
    composed and the picture is sampled once, so that it does not soften from frame to frame.
    """
    height, width = painted.shape[:2]
    grid = _grid(height, width)
    at, known = grid, np.ones((height, width), np.float32)
    result = []
    for flow, holds in flows:
        here = grid + flow
        at = _sampled(at, here)
        inside = (here >= 0).all(axis=2) & (here[..., 0] <= width - 1) & (here[..., 1] <= height - 1)
        known = _sampled(known, here) * holds * inside
        result.append((_sampled(painted, at, cv2.INTER_CUBIC), known > 0.5))
    return result


def mixed(first: tuple[Array, Array], second: tuple[Array, Array], share: float) -> tuple[Array, Array]:
    """Returns two versions of a frame blended, `share` of the second, each only where it is known; and where either is."""
    weights = (1 - share) * first[1], share * second[1]
    total = weights[0] + weights[1]
    blend = first[0] * weights[0][..., None] + second[0] * weights[1][..., None]
    return np.rint(blend / np.maximum(total, 1e-6)[..., None]).astype(np.uint8), total > 0


def _measured(start: Array, end: Array) -> Array:
    """Returns where each pixel of `start` is in `end`, as an offset (DIS, Kroeger et al. 2016), HxWx2 float32."""
    height, width = start.shape[:2]
    scale = min(1.0, WORK / max(height, width))
    size = max(16, round(width * scale)), max(16, round(height * scale))
    grey = [cv2.cvtColor(cv2.resize(p, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY) for p in (start, end)]
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = finder.calc(grey[0], grey[1], np.zeros((size[1], size[0], 2), np.float32))
    large = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large * np.array([width / size[0], height / size[1]], np.float32))


def _agree(flow: Array, back: Array) -> Array:
    """Returns where going there and back leads home again; it does not where something is hidden on one of the frames
    (the rule of Sundaram, Brox and Keutzer, 2010)."""
    there = _sampled(back, _grid(*flow.shape[:2]) + flow)
    missed = ((flow + there) ** 2).sum(axis=2)
    return np.asarray(missed < 0.01 * ((flow**2).sum(axis=2) + (there**2).sum(axis=2)) + 0.5)


def _surrounding(flow: Array, hole: Array) -> Array:
    """Returns the flow with the hole filled smoothly from around it: averages of ever coarser pictures, where the finer
    ones hold nothing."""
    levels: list[tuple[Array, Array]] = [(flow * ~hole[..., None], (~hole).astype(np.float32))]
    while min(levels[-1][1].shape) > 2:
        sums, weights = levels[-1]
        levels.append((np.asarray(cv2.pyrDown(sums)), np.asarray(cv2.pyrDown(weights))))
    filled = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)[..., None]
    for sums, weights in reversed(levels[:-1]):
        wide = cv2.resize(filled, weights.shape[::-1], interpolation=cv2.INTER_LINEAR)
        own = np.clip(weights, 0, 1)[..., None]
        filled = sums / np.maximum(weights, 1e-6)[..., None] * own + wide * (1 - own)
    return np.asarray(np.where(hole[..., None], filled, flow), np.float32)


def _sampled(values: Array, at: Array, interpolation: int = cv2.INTER_LINEAR) -> Array:
    across, down = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    return np.asarray(cv2.remap(values, across, down, interpolation, borderMode=cv2.BORDER_REPLICATE))


def _grid(height: int, width: int) -> Array:
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.dstack((across, down))
