"""What stands under the sky of a world: ridges, trees, towers, dunes, water. Each is a layer of linear light and coverage,
float32 [h, w, 4]."""

from __future__ import annotations

import re
from typing import Any, Final

import cv2
import numpy as np

from genlock.generation.engines.animatic.skies import Generator, Palette, clouded, linear

Array = np.ndarray[Any, Any]

_WORDS: Final = (
    ("sea", r"sea|ocean|lake|harbou?r|ships?|boats?|beach|coast|waves?|lighthouse|river|shore|island|underwater|water"),
    (
        "city",
        r"cit(y|ies)|streets?|buildings?|skyline|towers?|urban|rooftops?|downtown|neon|cyber\w*|office|alley|traffic",
    ),
    ("forest", r"forests?|woods?|trees?|jungle|pines?|swamp|park|garden"),
    ("dunes", r"deserts?|dunes?|sand|savannah?|plains?|mars|fields?|meadow"),
    ("hills", r"mountains?|hills?|valley|cliffs?|peaks?|canyon|alps|highlands?|snow"),
)


def terrain_of(prompt: str, rng: Generator) -> str:
    """Returns the ground the prompt names, else one by chance."""
    for name, words in _WORDS:
        if re.search(rf"\b({words})\b", prompt, re.IGNORECASE):
            return name
    return ("hills", "hills", "dunes", "sea")[int(rng.integers(4))]


def skyline(terrain: str, rng: Generator, width: int, unit: int, near: float) -> Array:
    """Returns the height of a ridge above its foot for each column, in pixels; `near` runs from 0 (far) to 1."""
    match terrain:
        case "city":
            return _towers(rng, width, unit, near)
        case "forest":
            slope = _wave(rng, width, 2, 2) * unit * (0.20 - 0.04 * near)
            return slope + _spikes(rng, width, unit, near)
        case "dunes":
            return _wave(rng, width, 3, 1) * unit * (0.08 + 0.10 * near)
        case "sea":
            return np.maximum(0, _wave(rng, width, 4, 4) - 0.42) * unit * 0.3
        case _:
            return _peaks(rng, width) * unit * (0.26 - 0.06 * near)


def ridge(
    heights: Array, foot: int, size: tuple[int, int], colours: tuple[Array, Array], sun: int, rim: Array, unit: int
) -> Array:
    """Returns a ridge standing at row `foot`: `colours` at its crest and at its misty foot, lit at the crest towards the
    sun's column by `rim`."""
    width, height = size
    crest = foot - heights.astype(np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    below = rows - crest[None, :]
    layer = np.empty((height, width, 4), np.float32)
    mist = np.clip((rows - (foot - heights.mean())) / (unit * 0.34), 0, 1)[..., None]
    layer[..., :3] = colours[0] * (1 - mist) + colours[1] * mist
    columns = np.arange(width, dtype=np.float32)
    toward = np.exp(-(((columns - sun) / (unit * 0.55)) ** 2))[None, :]
    edge = np.exp(-np.maximum(below, 0) / (unit * 0.006)) * toward
    layer[..., :3] += edge[..., None] * rim
    layer[..., 3] = np.clip(below + 0.5, 0, 1)
    return layer


def lights(layer: Array, rng: Generator, heights: Array, foot: int, colour: Array, unit: int) -> None:
    """Lights windows in a row of towers, in place."""
    step = max(3, unit // 110)
    for column in range(step, layer.shape[1] - step, step * 2):
        top = int(foot - heights[column]) + step
        for row in range(top, min(foot + unit // 4, layer.shape[0] - step), step * 2):
            if rng.random() < 0.17:
                lit = colour * float(rng.uniform(0.15, 0.7))
                layer[row : row + step, column : column + max(2, step * 2 // 3), :3] += lit


def water(sky: Array, rng: Generator, horizon: int, palette: Palette, sun: int, unit: int) -> Array:
    """Returns the sea below row `horizon`, mirroring the sky above it: linear light [rows, w, 3]."""
    rows = sky.shape[0] - horizon
    mirrored = cv2.resize(sky[:horizon][::-1], (sky.shape[1], rows), interpolation=cv2.INTER_AREA)
    depth = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    deep = linear(palette.near)
    light: Array = mirrored * (0.62 - 0.35 * depth)[..., None] + deep * (0.2 + 0.55 * depth)[..., None]
    ripples = clouded(rng, (sky.shape[1], rows), (14, 60), 3)
    columns = np.arange(sky.shape[1], dtype=np.float32)[None, :] - sun
    path = np.exp(-((columns / (unit * (0.05 + 0.22 * depth))) ** 2))
    glitter = np.clip((ripples - 0.5) * 7, 0, 1) ** 2
    light += (glitter * path * (0.95 - 0.5 * depth))[..., None] * linear(palette.glow)
    light *= (0.86 + 0.28 * ripples)[..., None]
    return light


def _wave(rng: Generator, width: int, waves: int, octaves: int) -> Array:
    """Returns a smooth line between about 0 and 1."""
    line: Array = clouded(rng, (width, 4), (waves, 1), octaves)[0]
    return line


def _peaks(rng: Generator, width: int) -> Array:
    line = np.abs(_wave(rng, width, 3, 1) - 0.5) * 1.2 + _wave(rng, width, 5, 6) * 0.9
    fine = clouded(rng, (width, 4), (40, 1), 3)[0] - 0.5
    return np.asarray(np.maximum(0.02, line - 0.15 + fine * 0.10))


def _spikes(rng: Generator, width: int, unit: int, near: float) -> Array:
    """Returns the outline of conifers."""
    line = np.zeros(width, np.float32)
    columns = np.arange(width, dtype=np.float32)
    step = unit * (0.012 + 0.028 * near)
    place = 0.0
    while place < width:
        tall = unit * (0.03 + 0.11 * near) * float(rng.uniform(0.5, 1.2))
        wide = tall * float(rng.uniform(0.20, 0.30))
        away = np.abs(columns - place)
        ragged = 1 + 0.16 * np.sin(away / wide * 17 + place)
        np.maximum(line, tall * np.clip(1 - away / (wide * ragged), 0, 1), out=line)
        place += step * float(rng.uniform(0.6, 1.5))
    return line


def _towers(rng: Generator, width: int, unit: int, near: float) -> Array:
    line = np.zeros(width, np.float32)
    place = 0
    while place < width:
        wide = int(unit * (0.03 + 0.06 * near) * float(rng.uniform(0.6, 1.9)))
        tall = unit * (0.06 + 0.24 * float(rng.random()) ** 1.8) * (1.0 + 0.35 * near)
        line[place : place + wide] = tall
        if rng.random() < 0.3:
            mast = place + wide // 2
            line[mast : mast + max(1, unit // 400)] = tall * 1.25
        place += wide + int(rng.uniform(0, unit * 0.006))
    return line
