"""Masks without weights: GrabCut on one frame (Rother et al., "GrabCut", 2004), carried on along the optical flow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import cv2
import numpy as np

from genlock.project.request import Box, Point, Selection

Array = np.ndarray[Any, Any]

WORK: Final = 360
"""Pixels: the longer side GrabCut works at; a click then takes about a tenth of a second."""

ROUNDS: Final = 5
AGAIN: Final = 1
"""Rounds of GrabCut on the first frame, and on each one it is carried to."""

REACH: Final = 0.22
"""Of the shorter side: how far from a click something still belongs to it, without a box."""

BAND: Final = 5
"""Work pixels on both sides of a carried outline in which it may be drawn anew."""

TOUCH: Final = 3
"""Work pixels around a click that are certain."""


class Outline:
    """Finds one thing on frames of a size and follows it. Frames are HxWx3 uint8 RGB, masks HxW bool."""

    def __init__(self, width: int, height: int) -> None:
        scale = min(1.0, WORK / max(width, height))
        self._full = (width, height)
        self._work = max(8, round(width * scale)), max(8, round(height * scale))
        self._scale = self._work[0] / width, self._work[1] / height

    def find(self, picture: Array, selections: Iterable[Selection], given: Array | None = None) -> Array:
        """Returns the mask of what clicks, boxes and a rough mask (`given`) point at; all of them describe one thing. Where
        nothing stands out, it is what was pointed at: the box, or the ground around a click."""
        marks = self._marks(list(selections), given)
        found = self._cut(self._small(picture), marks, ROUNDS)
        return self._grown(found if found.any() else np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)))

    def follow(self, before: Array, mask: Array, after: Array) -> Array:
        """Returns the mask of the same thing on a neighbouring frame."""
        old, young = self._small(before), self._small(after)
        carried = warped(self._shrunk(mask), backwards(old, young)) > 0.5
        if not carried.any() or carried.all():
            return self._grown(carried)
        marks = np.where(carried, cv2.GC_FGD, cv2.GC_BGD).astype(np.uint8)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND + 1, 2 * BAND + 1))
        solid = carried.astype(np.uint8)
        band = cv2.dilate(solid, kernel) != cv2.erode(solid, kernel, borderValue=1)
        marks[band] = np.where(carried, cv2.GC_PR_FGD, cv2.GC_PR_BGD)[band]
        return self._grown(self._cut(young, marks, AGAIN))

    def _marks(self, selections: list[Selection], given: Array | None) -> Array:
        width, height = self._work
        marks = np.full((height, width), cv2.GC_PR_BGD, np.uint8)
        boxes = [box for selection in selections for box in selection.boxes]
        points = [point for selection in selections for point in selection.points]
        if any(box.inside for box in boxes):
            marks[:] = cv2.GC_BGD
        if given is not None:
            marks[:] = np.where(self._shrunk(given) > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
        for box in sorted(boxes, key=lambda box: not box.inside):
            marks[self._span(box)] = cv2.GC_PR_FGD if box.inside else cv2.GC_BGD
        if given is None and not any(box.inside for box in boxes):
            for point in points:
                if point.inside:
                    cv2.circle(marks, self._at(point), round(REACH * min(width, height)), cv2.GC_PR_FGD, -1)
        for point in points:
            cv2.circle(marks, self._at(point), TOUCH, cv2.GC_FGD if point.inside else cv2.GC_BGD, -1)
        return marks

    def _cut(self, picture: Array, marks: Array, rounds: int) -> Array:
        some_in = np.isin(marks, (cv2.GC_FGD, cv2.GC_PR_FGD)).any()
        some_out = np.isin(marks, (cv2.GC_BGD, cv2.GC_PR_BGD)).any()
        if not (some_in and some_out):  # GrabCut needs both to learn from
            return np.full(marks.shape, bool(some_in))
        cv2.setRNGSeed(0)  # equal requests give equal masks
        found = marks.copy()
        outside, inside = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.grabCut(picture, found, (0, 0, 1, 1), outside, inside, rounds, cv2.GC_INIT_WITH_MASK)
        return cast("Array", np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD)))

    def _span(self, box: Box) -> tuple[slice, slice]:
        across, down = self._scale
        left, top = max(0, int(box.left * across)), max(0, int(box.top * down))
        right, bottom = max(left + 1, round(box.right * across)), max(top + 1, round(box.bottom * down))
        return slice(top, bottom), slice(left, right)

    def _at(self, point: Point) -> tuple[int, int]:
        return round(point.x * self._scale[0]), round(point.y * self._scale[1])

    def _small(self, picture: Array) -> Array:
        return np.ascontiguousarray(cv2.resize(picture, self._work, interpolation=cv2.INTER_AREA))

    def _shrunk(self, mask: Array) -> Array:
        return cast("Array", cv2.resize(mask.astype(np.float32), self._work, interpolation=cv2.INTER_AREA))

    def _grown(self, mask: Array) -> Array:
        large = cv2.resize(mask.astype(np.float32), self._full, interpolation=cv2.INTER_CUBIC)
        return cast("Array", large > 0.5)


def backwards(before: Array, after: Array) -> Array:
    """Returns where each pixel of `after` was in `before` (float32 [h, w, 2], pixels of these pictures)."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    gray = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (after, before)]
    return cast("Array", finder.calc(gray[0], gray[1], None))  # type: ignore[call-overload]


def warped(picture: Array, flow: Array) -> Array:
    """Returns the picture seen through a backward flow; beyond its edges the nearest pixel."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = np.dstack([columns, rows]) + flow
    moved: Array = cv2.remap(  # type: ignore[call-overload]
        picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved
