"""Light and air of a world: palettes, the sky, clouds, stars. Colours are linear light, float32 0..1, until `to_pixels`;
a gamma of 2 stands for sRGB's curve, because a square root is ten times faster and nobody sees it in a painted sky."""

from __future__ import annotations

import re
from typing import Any, Final

import cv2
import numpy as np
from msgspec import Struct

Array = np.ndarray[Any, Any]
Generator = np.random.Generator


class Palette(Struct, frozen=True):
    """The light of an hour: colours as sRGB hex. `height` is how high the sun or moon stands (share of the sky), `disc`
    its radius in picture heights (0: hidden), `stars` and `clouds` how many."""

    top: str
    middle: str
    horizon: str
    glow: str
    near: str
    height: float = 0.2
    disc: float = 0.03
    stars: float = 0.0
    clouds: float = 0.5


HOURS: Final[dict[str, Palette]] = {
    "dawn": Palette("26375e", "8086ad", "f6b98b", "ffdcaa", "131a2c", 0.12, 0.035, 0.1, 0.6),
    "day": Palette("2b69ad", "79add9", "dbe9ee", "fffdf2", "14302e", 0.62, 0.03, 0.0, 0.8),
    "golden": Palette("41587c", "c08a6a", "ffc272", "ffe9b8", "1f130e", 0.16, 0.045, 0.0, 0.6),
    "dusk": Palette("191a40", "6a3a74", "f97d60", "ffb88f", "0e0b1d", 0.05, 0.05, 0.25, 0.7),
    "night": Palette("050a18", "0e1f3d", "27435f", "d7e4ff", "03060c", 0.66, 0.022, 1.0, 0.35),
    "storm": Palette("20262c", "49535c", "9aa5a8", "d4dbda", "0b0f11", 0.4, 0.0, 0.0, 1.0),
    "teal": Palette("04131d", "0e4a58", "63cdb9", "d8fff2", "020a0e", 0.3, 0.04, 0.5, 0.5),
    "rose": Palette("3b2b52", "a5668b", "f3b6a9", "ffe6d5", "1c1226", 0.22, 0.04, 0.1, 0.6),
}

_WORDS: Final = (
    ("night", r"nights?|midnight|moon(lit|light)?|stars?|starry|darkness"),
    ("dawn", r"dawn|sunrise|daybreak|morning|first light"),
    ("dusk", r"dusk|sunset|twilight|evening|nightfall"),
    ("golden", r"golden|magic hour|desert|autumn|savannah?|warm light|candle(light)?|fire"),
    ("storm", r"storm(y)?|rain(y)?|fog(gy)?|mist(y)?|overcast|snow(y)?|winter|gr[ae]y|gloomy|bleak"),
    ("teal", r"neon|cyber\w*|sci-?fi|space(ship)?|alien|underwater|laborator(y|ies)|hologram"),
    ("day", r"day(light|time)?|noon|sunny|bright|summer|beach|blue sky"),
)


def palette_of(prompt: str, rng: Generator) -> Palette:
    """Returns the light the prompt names, else one by chance."""
    for hour, words in _WORDS:
        if re.search(rf"\b({words})\b", prompt, re.IGNORECASE):
            return HOURS[hour]
    names = list(HOURS)
    return HOURS[names[int(rng.integers(len(names)))]]


def linear(colour: str) -> Array:
    """Returns an sRGB hex colour in linear light."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255
    return rgb * rgb


def to_pixels(light: Array, rng: Generator) -> Array:
    """Returns linear light as sRGB uint8, dithered: a plain rounding would band the long gradients."""
    pixels = cv2.sqrt(np.clip(light, 0, 1))
    tile = rng.random((256, 256), np.float32)
    rows, columns = -(-pixels.shape[0] // 256), -(-pixels.shape[1] // 256)
    noise = np.tile(tile, (rows, columns))[: pixels.shape[0], : pixels.shape[1]]
    return (pixels * 254 + noise[..., None]).astype(np.uint8)


def clouded(rng: Generator, size: tuple[int, int], cells: tuple[int, int], octaves: int = 4) -> Array:
    """Returns smooth noise of mean 0.5, float32 [h, w]; `cells` are the coarsest waves across and down."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    weight = 0.0
    for octave in range(octaves):
        share = 0.5**octave
        grid = rng.random((cells[1] * 2**octave + 3, cells[0] * 2**octave + 3), np.float32)
        total += cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC) * share
        weight += share
    return total / weight


def sky(
    palette: Palette, rng: Generator, size: tuple[int, int], horizon: int, sun: tuple[int, int], unit: int
) -> Array:
    """Returns the sky above a row and its glow, linear light [h, w, 3]; `sun` in pixels, `unit` the frame's height."""
    width, height = size
    rows = np.linspace(0, height / horizon, height, dtype=np.float32)
    stops = [linear(palette.top), linear(palette.middle), linear(palette.horizon)]
    column = np.stack([np.interp(rows, (0.0, 0.55, 1.0), [stop[c] for stop in stops]) for c in range(3)], axis=-1)
    column = cv2.GaussianBlur(column.astype(np.float32)[:, None, :], (1, 0), 0, sigmaY=height * 0.05)
    if column.ndim == 2:
        column = column[:, None, :]
    light = np.repeat(column, width, axis=1)
    columns, lines = np.arange(width, dtype=np.float32) - sun[0], np.arange(height, dtype=np.float32) - sun[1]
    away = np.sqrt(columns[None, :] ** 2 + (lines[:, None] * 1.25) ** 2) / unit
    glow = linear(palette.glow)
    bright: float = 0.55 if palette.disc else 0.25
    for reach, strength in ((0.75, 0.32), (0.28, 0.34), (0.09, 0.35)):
        light = light + (bright * strength * np.exp(-((away / reach) ** 1.3)))[..., None] * glow
    if palette.stars:
        light += _stars(rng, size, horizon, palette.stars, unit)[..., None]
    if palette.disc:
        round_ = np.sqrt(columns[None, :] ** 2 + lines[:, None] ** 2)
        disc = np.clip((palette.disc * unit - round_) / (unit * 0.004) + 0.5, 0, 1)
        light += disc[..., None] * (glow * 1.1 - light)
    return light


def clouds(
    palette: Palette, rng: Generator, size: tuple[int, int], horizon: int, sun: tuple[int, int], unit: int
) -> Array:
    """Returns a layer of clouds over the upper `horizon` rows: linear light and coverage, [horizon, w, 4]."""
    width, _ = size
    shape = (width, horizon)
    dense = clouded(rng, shape, (3, 7), 5)
    rows = np.linspace(0, 1, horizon, dtype=np.float32)[:, None]
    threshold = 0.66 - 0.2 * palette.clouds
    cover = np.clip((dense - threshold) * 4.2, 0, 1) * np.clip(rows * 3, 0, 1) * np.clip((1 - rows) * 4, 0, 1)
    lit = np.clip((dense - np.roll(dense, -max(2, unit // 60), axis=0)) * 9 + 0.5, 0, 1)
    columns, lines = np.arange(width, dtype=np.float32) - sun[0], np.arange(horizon, dtype=np.float32) - sun[1]
    away = np.sqrt(columns[None, :] ** 2 + lines[:, None] ** 2) / unit
    near = np.exp(-((away / 0.55) ** 2))
    shade = linear(palette.middle) * 0.75 + linear(palette.horizon) * 0.25
    light = linear(palette.horizon) * 0.6 + linear(palette.glow) * 0.4
    mix = (lit * (0.35 + 0.65 * near))[..., None]
    layer = np.empty((horizon, width, 4), np.float32)
    layer[..., :3] = shade * (1 - mix) + light * mix
    layer[..., 3] = cover * (0.55 + 0.3 * palette.clouds)
    return layer


def _stars(rng: Generator, size: tuple[int, int], horizon: int, amount: float, unit: int) -> Array:
    width, height = size
    field = np.zeros((height, width), np.float32)
    count = int(260 * amount)
    columns = rng.integers(2, width - 2, count)
    rows = (rng.random(count) ** 1.6 * horizon * 0.85).astype(int) + 2
    field[np.clip(rows, 0, height - 1), columns] = rng.random(count) ** 3 * 5
    return cv2.GaussianBlur(field, (0, 0), max(0.6, unit / 900)) * amount
