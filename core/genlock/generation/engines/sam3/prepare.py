"""Between pictures and the model's square: it sees every picture stretched to one size, values from -1 to 1."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch.nn import functional

Array = np.ndarray[Any, Any]
Tensor = Any

SURE: Final = 10.0
"""Mask score for a pixel that is known to be inside (its negative outside)."""


def pixels(picture: Array, side: int, device: Any, dtype: Any) -> Tensor:
    """Returns the picture (HxWx3 uint8) as the model takes it: [1, 3, side, side]."""
    given = _bytes(picture).to(device).permute(2, 0, 1)[None].float()
    return (_fitted(given, side).round() / 127.5 - 1).to(dtype)


def shrunk(picture: Array, side: int) -> Array:
    """Returns the picture in the square as bytes: what `pixels` makes of it is the same."""
    given = _bytes(picture).permute(2, 0, 1)[None].float()
    made: Array = _fitted(given, side).round().clamp(0, 255)[0].permute(1, 2, 0).to(torch.uint8).numpy()
    return made


def places(coordinates: list[tuple[float, float]], size: tuple[int, int], side: int, device: Any) -> Tensor:
    """Returns places in a picture of `size` (width, height) as places in the square, [1, 1, n, 2]."""
    scale = torch.tensor([side / size[0], side / size[1]])
    return (torch.tensor(coordinates, dtype=torch.float32).reshape(1, 1, -1, 2) * scale).to(device)


def square(mask: Array, side: int, device: Any) -> Tensor:
    """Returns a mask in the square, 0 or 1, [1, 1, side, side]."""
    return (_fitted(torch.from_numpy(mask).to(device)[None, None].float(), side) >= 0.5).float()


def scores(mask: Array, side: int, device: Any) -> Tensor:
    """Returns a mask as the scores a decoder would have given it, [1, 1, side, side]."""
    return (_fitted(torch.from_numpy(mask).to(device)[None, None].float(), side) * 2 - 1) * SURE


def enlarged(values: Tensor, size: tuple[int, int], level: float = 0.0) -> Array:
    """Returns where scores [h, w] are above a level, at `size` (width, height)."""
    large = functional.interpolate(values[None, None].float(), size[::-1], mode="bilinear", align_corners=False)
    mask: Array = (large[0, 0] > level).cpu().numpy()
    return mask


def _bytes(picture: Array) -> Tensor:
    return torch.from_numpy(picture if picture.flags.writeable else picture.copy())  # a decoder's own memory is not


def _fitted(values: Tensor, side: int) -> Tensor:
    return functional.interpolate(values, (side, side), mode="bilinear", align_corners=False, antialias=True)
