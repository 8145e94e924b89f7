"""Clips whose content is known to the pixel: a disc that moves over a textured ground, and scenes with hard cuts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from genlock.media.writer import TakeWriter
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]

RATE = Rate(24)


def ground(width: int, height: int, seed: int = 3) -> Array:
    """Returns a calm texture, RGB."""
    noise = np.random.default_rng(seed).integers(60, 120, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    return cv2.GaussianBlur(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), (0, 0), 2)


def disc(number: int, width: int = 320, height: int = 192) -> tuple[Array, Array]:
    """Returns frame `number` of an orange disc that moves 2 pixels a frame to the right, and its true mask."""
    picture, mask = ground(width, height), np.zeros((height, width), np.uint8)
    middle = 80 + 2 * number, height // 2
    cv2.circle(mask, middle, 36, 255, -1)
    picture[mask > 0] = (235, 140, 30)
    cv2.circle(picture, (middle[0] - 10, middle[1] - 10), 8, (250, 190, 90), -1)
    return picture, mask > 0


def clip(path: Path, pictures: list[Array], sound: Array | None = None, rate: Rate = RATE) -> Path:
    """Writes frames (and sound, float32 [2, samples]) as a ProRes movie and returns its path."""
    height, width = pictures[0].shape[:2]
    writer = TakeWriter(path, rate=rate, resolution=Resolution(width, height), master="prores", proxy=None)
    for picture in pictures:
        writer.write_video(picture)
    if sound is not None:
        writer.write_audio(sound)
    writer.close()
    return path


def overlap(first: Array, second: Array) -> float:
    """Returns intersection over union of two masks."""
    return float((first & second).sum() / max(1, (first | second).sum()))
