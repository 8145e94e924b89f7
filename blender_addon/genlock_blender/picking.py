# SPDX-License-Identifier: GPL-3.0-or-later
"""From a click in the preview to a pixel of the file below it, and back. Pure."""

from __future__ import annotations

from math import cos, sin
from typing import NamedTuple


class Frame(NamedTuple):
    """How a strip's picture lies in the preview, whose middle is (0, 0) and whose unit is a pixel of the scene.

    `size` is the file's in pixels, `scene` the scene's; `offset` and `scale` are the strip's transform, `rotation` in
    radians, `origin` the point it turns around (0.5, 0.5: its middle); `flip` mirrors the whole across and up.
    """

    size: tuple[int, int]
    scene: tuple[int, int]
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0
    origin: tuple[float, float] = (0.5, 0.5)
    flip: tuple[bool, bool] = (False, False)


def pixel(frame: Frame, x: float, y: float) -> tuple[float, float] | None:
    """Returns the pixel of the file, from its top left, under a point of the preview; None beside the picture.

    The strip's picture is as large as its file times its scale, around the scene's middle, turned around its origin.
    """
    width, height = frame.size
    x, y = _mirrored(frame, x, y)
    across, up = _pivot(frame)
    dx, dy = x - frame.offset[0] - across, y - frame.offset[1] - up
    c, s = cos(-frame.rotation), sin(-frame.rotation)
    scale_x, scale_y = (value or 1e-6 for value in frame.scale)
    left = (dx * c - dy * s) / scale_x + across + width / 2
    above = height / 2 - ((dx * s + dy * c) / scale_y + up)
    inside = 0 <= left < width and 0 <= above < height
    return (round(left, 1), round(above, 1)) if inside else None


def view(frame: Frame, x: float, y: float) -> tuple[float, float]:
    """Returns the point of the preview over a pixel of the file: what `pixel` undoes."""
    width, height = frame.size
    across, up = _pivot(frame)
    dx = (x - width / 2 - across) * frame.scale[0]
    dy = (height / 2 - y - up) * frame.scale[1]
    c, s = cos(frame.rotation), sin(frame.rotation)
    return _mirrored(frame, dx * c - dy * s + across + frame.offset[0], dx * s + dy * c + up + frame.offset[1])


def _mirrored(frame: Frame, x: float, y: float) -> tuple[float, float]:
    """Blender mirrors last: what was moved to the right comes out on the left."""
    return (-x if frame.flip[0] else x), (-y if frame.flip[1] else y)


def _pivot(frame: Frame) -> tuple[float, float]:
    """The origin, from the picture's middle, in pixels of the file."""
    return (frame.origin[0] - 0.5) * frame.size[0], (frame.origin[1] - 0.5) * frame.size[1]
