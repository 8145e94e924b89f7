"""People as silhouettes, as large as the shot's type says, so that an animatic shows its framing."""

from __future__ import annotations

import re
from typing import Any, Final

import cv2
import numpy as np
from msgspec import Struct

from genlock.generation.engines.animatic.skies import Generator, Palette, linear

Array = np.ndarray[Any, Any]


class Framing(Struct, frozen=True):
    """How people stand in the frame: height of a head and of its upper edge, as shares of the frame's height; how far the
    background is out of focus, in the same; how many they are."""

    head: float
    top: float
    blur: float = 0.0
    count: int = 1


_SIZES: Final = (
    (r"extreme close|\becu\b|\bxcu\b", Framing(1.15, -0.16, 0.022)),
    (r"medium close|\bmcu\b", Framing(0.36, 0.22, 0.010)),
    (r"close|\bcu\b", Framing(0.50, 0.19, 0.014)),
    (r"medium|\bms\b|over[ -]the[ -]shoulder|\bots\b|two[ -]?shot|\b2s\b|cowboy|waist", Framing(0.21, 0.27, 0.006)),
    (r"full|\bfs\b", Framing(0.078, 0.27, 0.0)),
)
_FAR: Final = Framing(0.030, 0.575, 0.0)

_PEOPLE: Final = re.compile(
    r"\b(she|he|they|her|his|wom[ae]n|m[ae]n|girls?|boys?|child(ren)?|kids?|person|people|figures?|characters?|actor|actress|"
    r"couple|mother|father|sister|brother|daughter|son|soldiers?|detective|captain|doctor|stranger|friends?|hero|heroine|"
    r"walks?|runs?|stands?|sits?|looks?|turns?|smiles?|cries|face)\b",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(r"\b(two|couple|they|both|each other|together|2s)\b|two[ -]?shot", re.IGNORECASE)

_OUTLINE: Final = (
    (0.0, 0.0), (0.12, 0.012), (0.22, 0.05), (0.30, 0.13), (0.35, 0.25), (0.37, 0.42), (0.35, 0.60), (0.30, 0.76),
    (0.22, 0.92), (0.185, 1.0), (0.18, 1.12), (0.25, 1.21), (0.50, 1.31), (0.74, 1.42), (0.88, 1.60), (0.95, 1.95),
    (0.96, 2.6), (0.92, 3.3), (0.86, 3.85), (0.77, 4.15), (0.65, 4.2), (0.59, 5.5), (0.46, 7.1), (0.56, 7.42),
    (0.56, 7.5), (0.13, 7.5), (0.11, 5.6), (0.0, 4.45),
)  # fmt: skip
"""The right half of a standing person, in heads, from the crown down."""


def framing_of(shot_type: str, prompt: str) -> Framing | None:
    """Returns how people are framed, or None when nobody is there."""
    count = 2 if _PAIR.search(f"{shot_type} {prompt}") else 1
    for pattern, framing in _SIZES:
        if re.search(pattern, shot_type, re.IGNORECASE):
            return Framing(framing.head, framing.top, framing.blur, count)
    return Framing(_FAR.head, _FAR.top, _FAR.blur, count) if _PEOPLE.search(prompt) else None


def people(
    framing: Framing, palette: Palette, rng: Generator, canvas: tuple[int, int], unit: int, sun: int
) -> tuple[Array, int]:
    """Returns a layer of linear light and coverage, float32 [h, w, 4], and the canvas row it begins at."""
    width, height = canvas
    head = framing.head * unit
    crown = round((height - unit) / 2 + framing.top * unit)
    top = max(0, crown - round(unit * 0.08))
    above = crown - top
    rows = height - top
    cover = np.zeros((rows, width), np.float32)
    for place in _places(framing, rng, width):
        size = head * float(rng.uniform(0.94, 1.0))
        np.maximum(cover, _silhouette(size, place, above + head - size, (rows, width)), out=cover)
    toward = 1 if sun > width / 2 else -1
    step = max(0.8, head * 0.014)
    shifted = cv2.warpAffine(cover, np.array([[1, 0, -toward * step], [0, 1, step * 0.45]], np.float32), (width, rows))
    rim = cv2.GaussianBlur(np.clip(cover - shifted, 0, 1), (0, 0), max(0.5, head * 0.008))
    near, haze = linear(palette.near), linear(palette.middle)
    layer = np.empty((rows, width, 4), np.float32)
    layer[..., :3] = near * 0.7 + haze * 0.035
    layer[..., :3] += rim[..., None] * linear(palette.glow) * (0.5 if palette.disc else 0.22)
    layer[..., 3] = cover
    return layer, top


def _places(framing: Framing, rng: Generator, width: int) -> list[float]:
    """Returns the columns of the people: on a third, or facing each other."""
    if framing.count == 2:
        apart = min(0.17, 0.05 + framing.head * 0.9)
        return [width * (0.5 - apart), width * (0.5 + apart)]
    return [width * (0.5 + float(rng.choice((-0.12, 0.12))))]


def _silhouette(head: float, column: float, crown: float, shape: tuple[int, int]) -> Array:
    """Returns the coverage of one person."""
    fine = 8  # fixed-point digits of the outline
    right = np.array(_OUTLINE)
    outline = np.concatenate([right, right[::-1] * (-1, 1)]) * head + (column, crown)
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(outline * 2**fine).astype(np.int32)], 255, cv2.LINE_AA, fine)
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.6, head * 0.03))
    # A blur and a steep ramp round the corners and keep the edge.
    return np.asarray(np.clip((soft - 0.5) * min(12.0, max(2.0, head * 0.08)) + 0.5, 0, 1))
