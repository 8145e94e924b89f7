"""Small safetensors files, written by hand: no model library is needed to test what reads headers."""

from __future__ import annotations

import json


def safetensors(size: int, *, name: str = "weight", dtype: str = "U8", fill: int = 7) -> bytes:
    """A file with one tensor of `size` bytes."""
    header = json.dumps({name: {"dtype": dtype, "shape": [size], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes((fill + at) % 251 for at in range(size))
