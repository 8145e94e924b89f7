"""Worlds: landscapes in layers, made from the hash of a prompt and a seed. The same prompt gives the same place."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import cv2
import numpy as np
from msgspec import Struct

from genlock.generation.engines.animatic import figures, grounds, skies
from genlock.generation.engines.animatic.camera import Pose

Array = np.ndarray[Any, Any]

OVERSCAN: Final = 1.32
"""How much larger the painted canvas is than the frame, for the camera to move in."""

RIDGES: Final = 3
HORIZON: Final = 0.60
"""Rows above the horizon, as a share of the canvas."""


class Layer(Struct):
    """One plane: RGBA uint8 with the colour multiplied by the coverage, from canvas row `top` down. `depth` as in
    Pose.matrix, `drift` moves it by itself, in frame widths over the shot."""

    pixels: Array
    top: int
    depth: float
    drift: float = 0.0


class World:
    """A place that can be looked at from any pose near the middle. The shot's type says how near its people are."""

    def __init__(self, prompt: str, seed: int, size: tuple[int, int], shot_type: str = "") -> None:
        self.size = size
        width, height = size
        self.canvas = (round(width * OVERSCAN) // 2 * 2, round(height * OVERSCAN) // 2 * 2)
        digest = blake2b(f"world\0{prompt}\0{seed}".encode(), digest_size=16).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        self._layers = _paint(prompt, shot_type, rng, self.canvas, height)

    def look(self, pose: Pose, time: float = 0.5) -> Array:
        """Returns what is seen, RGBA uint8 [h, w, 4] of the frame's size; `time` 0..1 moves what moves by itself."""
        frame = np.empty((self.size[1], self.size[0], 4), np.uint8)
        for number, layer in enumerate(self._layers):
            shift = Pose(pose.zoom, pose.x, pose.y, pose.roll)
            matrix = shift.matrix(self.canvas, self.size, layer.depth)
            matrix[0, 2] += layer.drift * (time - 0.5) * self.size[0]
            matrix[:, 2] += matrix[:, 1] * layer.top
            if number == 0:
                cv2.warpAffine(layer.pixels, matrix, self.size, dst=frame, borderMode=cv2.BORDER_REFLECT_101)
            else:
                _over(frame, layer.pixels, matrix)
        return frame


def _over(frame: Array, pixels: Array, matrix: Array) -> None:
    """Lays a layer over the frame, touching only the rows it covers."""
    height, width = frame.shape[:2]
    corners = np.array(
        [[0, 0, 1], [pixels.shape[1], 0, 1], [0, pixels.shape[0], 1], [pixels.shape[1], pixels.shape[0], 1]]
    )
    rows = corners @ matrix[1]
    first, last = max(0, int(rows.min())), min(height, int(np.ceil(rows.max())) + 1)
    if first >= last:
        return
    shifted = matrix.copy()
    shifted[1, 2] -= first
    # Sideways a layer continues mirrored; above it there is nothing.
    layer = cv2.warpAffine(pixels, shifted, (width, last - first), borderMode=cv2.BORDER_REFLECT_101)
    under = frame[first:last]
    hidden = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(layer, 3)), cv2.COLOR_GRAY2RGBA)
    hidden[..., 3] = 255
    cv2.multiply(under, hidden, dst=under, scale=1 / 255)
    cv2.add(under, layer, dst=under)


def _paint(prompt: str, shot_type: str, rng: skies.Generator, canvas: tuple[int, int], unit: int) -> list[Layer]:
    width, height = canvas
    palette = skies.palette_of(prompt, rng)
    terrain = grounds.terrain_of(prompt, rng)
    horizon = round(height * HORIZON)
    sun = (round(width * float(rng.uniform(0.28, 0.72))), round(horizon * (1 - palette.height) * 0.98))
    air = skies.sky(palette, rng, canvas, horizon, sun, unit)
    if terrain == "sea":
        air[horizon:] = grounds.water(air, rng, horizon, palette, sun[0], unit)
    cover = skies.clouds(palette, rng, canvas, horizon, sun, unit)
    haze = skies.linear(palette.horizon) * 0.55 + skies.linear(palette.middle) * 0.45
    layers = [
        Layer(_opaque(air, rng), 0, 0.45 if terrain == "sea" else 0.12),
        Layer(_multiplied(cover, rng), 0, 0.2, drift=float(rng.choice((-0.05, 0.05)))),
    ]
    layers += _ridges(terrain, palette, rng, canvas, horizon, sun[0], haze, unit)
    framing = figures.framing_of(shot_type, prompt)
    if framing is not None:
        for layer in layers:
            layer.pixels = _unfocused(layer.pixels, framing.blur * unit)
        cast, top = figures.people(framing, palette, rng, canvas, unit, sun[0])
        layers.append(Layer(_multiplied(cast, rng), top, 1.0 + min(0.5, framing.head)))
    return layers


def _unfocused(pixels: Array, sigma: float) -> Array:
    """Returns a layer out of focus; its colour is multiplied by its coverage, so that edges do not bleed."""
    return pixels if sigma < 0.5 else np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma))


def _ridges(
    terrain: str,
    palette: skies.Palette,
    rng: skies.Generator,
    canvas: tuple[int, int],
    horizon: int,
    sun: int,
    haze: Array,
    unit: int,
) -> list[Layer]:
    width, height = canvas
    near, glow = skies.linear(palette.near), skies.linear(palette.glow)
    layers: list[Layer] = []
    sea = terrain == "sea"
    for number in range(1 if sea else RIDGES):
        share = number / (RIDGES - 1)
        foot = horizon + round(unit * (0.0 if sea else 0.02 + 0.20 * share))
        heights = grounds.skyline(terrain, rng, width, unit, share)
        mix = 0.28 if sea else 0.22 + 0.72 * share**0.8
        crest = haze * (1 - mix) + near * mix
        misty = haze * (1 - mix) ** 0.6 * 0.8 + near * mix
        rim = glow * (0.30 if palette.disc else 0.08) * (1 - 0.5 * share)
        # Room above the crest: beyond its edge a layer continues mirrored, and a roll looks beyond the edge.
        top = int(foot - heights.max()) - unit // 16
        rows = min(height, foot + 1) - top if sea else height - top
        layer = grounds.ridge(heights, foot - top, (width, rows), (crest, misty), sun, rim, unit)
        if terrain == "city" and share > 0.2:
            lit = skies.linear("ffcf8a") * (1.0 if palette.stars > 0.2 else 0.2)
            grounds.lights(layer, rng, heights, foot - top, lit, unit)
        if sea:
            layer[-1, :, 3] = 0
        layers.append(Layer(_multiplied(layer, rng), top, 0.48 if sea else 0.35 + 0.65 * share))
    return layers


def _opaque(light: Array, rng: skies.Generator) -> Array:
    pixels = np.full((*light.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = skies.to_pixels(light, rng)
    return pixels


def _multiplied(layer: Array, rng: skies.Generator) -> Array:
    """Returns a layer as uint8 with its colour multiplied by its coverage; the first row is empty, so that nothing
    continues above it."""
    cover = np.ascontiguousarray(layer[..., 3:])
    pixels = np.empty(layer.shape, np.uint8)
    pixels[..., :3] = np.rint(skies.to_pixels(np.ascontiguousarray(layer[..., :3]), rng) * cover)
    pixels[..., 3] = np.rint(cover[..., 0] * 255)
    return pixels
