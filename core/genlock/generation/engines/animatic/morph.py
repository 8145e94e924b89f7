"""From one picture to another along the optical flow (DIS: Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
2016)."""

from __future__ import annotations

from typing import Any, Final, cast

import cv2
import numpy as np

from genlock.generation.engines.animatic.camera import Pose

Array = np.ndarray[Any, Any]

_WORK_WIDTH: Final = 320
_REACH: Final = 0.12
"""Longest way a point may travel, in picture widths: unrelated pictures have flow without meaning."""


class Morph:
    """Pictures between `first` and `last` (HxWx3 uint8, equal sizes). The flow is found once. `linear` blends evenly, for
    neighbours of one shot; else the change comes to rest at both ends."""

    def __init__(self, first: Array, last: Array, *, linear: bool = False) -> None:
        self._linear = linear
        self._first, self._last = first, last
        height, width = first.shape[:2]
        forth, back = flow(first, last), flow(last, first)
        trust = _agreement(forth, back), _agreement(back, forth)
        self._forth = _calm(forth * trust[0], (width, height))
        self._back = _calm(back * trust[1], (width, height))
        columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        self._grid = np.dstack([columns, rows])

    def at(self, time: float) -> Array:
        """Returns the picture at `time` from 0 (first) to 1 (last)."""
        if time <= 0 or time >= 1:
            return (self._first if time <= 0 else self._last).copy()
        a = _moved(self._first, cv2.scaleAdd(self._forth, -time, self._grid))
        b = _moved(self._last, cv2.scaleAdd(self._back, time - 1, self._grid))
        weight = time if self._linear else time * time * (3 - 2 * time)
        return cv2.addWeighted(a, 1 - weight, b, weight, 0, dst=a)


def flow(first: Array, last: Array) -> Array:
    """Returns where each point of `first` goes, in work pixels (float32 [h, w, 2], `_WORK_WIDTH` wide)."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return cast("Array", finder.calc(_small(first), _small(last), None))  # type: ignore[call-overload]


def drift(before: Array, after: Array) -> Pose:
    """Returns the camera's movement from one frame to the next as a pose a frame: the similarity that fits the flow."""
    found = flow(before, after)
    height, width = found.shape[:2]
    rows, columns = np.mgrid[4 : height - 4 : 8, 4 : width - 4 : 8]
    start = np.column_stack([columns.ravel() - width / 2, rows.ravel() - height / 2]).astype(np.float32)
    end = start + found[rows.ravel(), columns.ravel()]
    cv2.setRNGSeed(0)
    matrix, _ = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=0.5)
    if matrix is None or not np.isfinite(matrix).all():
        return Pose()
    zoom = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    return Pose(
        zoom=min(1.01, max(0.99, zoom)),
        x=min(0.01, max(-0.01, float(matrix[0, 2]) / width)),
        y=min(0.01, max(-0.01, float(matrix[1, 2]) / height)),
    )


def _small(picture: Array) -> Array:
    height, width = picture.shape[:2]
    size = (_WORK_WIDTH, max(16, round(height * _WORK_WIDTH / width)))
    return cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def _agreement(there: Array, back: Array) -> Array:
    """Returns how far the way there and back leads home, 1 to 0 [h, w, 1]: what does not is no movement but chance, as
    between pictures that have nothing in common."""
    height, width = there.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    home = there + _moved(back, np.dstack([columns, rows]) + there)
    miss = np.linalg.norm(home, axis=2)
    agreed: Array = cv2.GaussianBlur(np.exp(-((miss / 4) ** 2)), (0, 0), 9)
    return np.clip(agreed * 1.6 - 0.5, 0, 1)[..., None]


def _calm(found: Array, size: tuple[int, int]) -> Array:
    """Returns the flow at full size, smoothed, with long ways shortened."""
    smooth = cv2.GaussianBlur(found, (0, 0), 3)
    length = np.linalg.norm(smooth, axis=2, keepdims=True)
    limit = found.shape[1] * _REACH
    smooth *= limit * np.tanh(length / limit) / np.maximum(length, 1e-6)
    return cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR) * np.float32(size[0] / found.shape[1])


def _moved(picture: Array, places: Array) -> Array:
    # With one map of pairs there is no second one, which the stubs do not know.
    moved: Array = cv2.remap(  # type: ignore[call-overload]
        picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved
