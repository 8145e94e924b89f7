"""Masks as polygons and back."""

from __future__ import annotations

from typing import Any, Final

import cv2
import msgspec
import numpy as np
from msgspec import Struct

from genlock.generation.masks.overlap import overlap

Array = np.ndarray[Any, Any]
Ring = list[tuple[int, int]]

TOLERANCE: Final = 1.0
"""Pixels a simplified line may lie beside the exact one."""

FAITHFUL: Final = 0.985
"""Overlap over union with the mask that simplifying keeps at least: small things keep more points."""


class Outline(Struct, frozen=True):
    """One thing on one frame. Points are centres of edge pixels, `size` is width and height, both in pixels of the source.

    `polygons` are outer lines, `holes` inner ones; the edge pixels of both belong to the thing. What lies in a hole again
    is another polygon.
    """

    frame: int
    thing: int
    size: tuple[int, int]
    polygons: list[Ring]
    holes: list[Ring]


def outline(mask: Array, frame: int = 0, thing: int = 1, tolerance: float = TOLERANCE) -> Outline:
    """Returns a mask's lines, simplified by at most `tolerance` pixels and never below FAITHFUL."""
    height, width = mask.shape
    found, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    parents: list[int] = tree[0, :, 3].tolist() if found else []
    while True:
        rings = [_ring(contour, tolerance) for contour in found]
        polygons = [ring for ring, parent in zip(rings, parents, strict=True) if parent < 0]
        holes = [ring for ring, parent in zip(rings, parents, strict=True) if parent >= 0]
        made = Outline(frame, thing, (width, height), polygons, holes)
        if tolerance <= 0 or overlap(filled(made), mask) >= FAITHFUL:
            return made
        tolerance = tolerance / 2 if tolerance > 0.5 else 0.0


def filled(made: Outline) -> Array:
    """Returns the mask inside an outline."""
    width, height = made.size
    canvas = np.zeros((height, width), np.uint8)
    rings = [(ring, 1) for ring in made.polygons] + [(ring, 0) for ring in made.holes]
    lines = [(np.asarray(ring, np.int32).reshape(-1, 1, 2), inside) for ring, inside in rings]
    # The largest first: whatever lies inside a ring is smaller than it, hole in a thing or thing in a hole.
    for line, inside in sorted(lines, key=lambda pair: -cv2.contourArea(pair[0])):
        cv2.fillPoly(canvas, [line], inside)
        if not inside:
            cv2.polylines(canvas, [line], True, 1)
    return canvas.astype(bool)


def lines(outlines: list[Outline]) -> bytes:
    """Returns one JSON object a line."""
    return b"".join(msgspec.json.encode(made) + b"\n" for made in outlines)


def read_lines(data: bytes) -> list[Outline]:
    """Returns outlines written by `lines`; raises msgspec.DecodeError for anything else."""
    return [msgspec.json.decode(line, type=Outline) for line in data.splitlines() if line]


def _ring(contour: Array, tolerance: float) -> Ring:
    points = cv2.approxPolyDP(contour, tolerance, True) if tolerance > 0 else contour
    return [(x, y) for x, y in points[:, 0].tolist()]
