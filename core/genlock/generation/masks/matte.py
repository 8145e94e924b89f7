"""Masks as pictures: transparency, grey mattes and their file names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np

from genlock.errors import GenerationError

Array = np.ndarray[Any, Any]


def united(masks: Iterable[Array], size: tuple[int, int]) -> Array:
    """Returns what any of the masks covers; an empty mask of `size` (width, height) without any."""
    whole = np.zeros(size[::-1], bool)
    for mask in masks:
        whole |= mask
    return whole


def cut_out(picture: Array, mask: Array, size: tuple[int, int] | None = None) -> Array:
    """Returns the picture (HxWx3 uint8) with the mask as its alpha, HxWx4, scaled to `size` (width, height) if given.

    Colour is kept outside the mask, so that nothing darkens at a soft edge.
    """
    made = np.dstack([picture[..., :3], mask.astype(np.uint8) * 255])
    if size is not None and made.shape[1::-1] != size:
        smaller = size[0] * size[1] < mask.size
        made = cv2.resize(made, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return made


def png(mask: Array) -> bytes:
    """Returns the mask as an 8-bit grey PNG, white inside."""
    done, data = cv2.imencode(".png", mask.astype(np.uint8) * 255, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise GenerationError("engine_failed", "A matte could not be written as PNG.")
    return bytes(data)


def name(stem: str, frame: int) -> str:
    """Returns the file of a frame in a sequence, `stem.0000042.png`: 0 is the source's first frame, as compositors count
    a movie without timecode."""
    return f"{stem}.{frame:07d}.png"
