"""Thumbnails, filmstrips and single frames. Only the media process imports this."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Final

from PIL import Image

from genlock.errors import BadInput
from genlock.media.clip import open_clip

WIDEST: Final = 4096
MOST_TILES: Final = 400
MOST_FRAMES: Final = 64
_QUALITY: Final = 82
_ROUGH: Final = 16
"""Frames a tile stands for, from which on a few to and fro make no difference."""


def thumbnail(path: Path, frame: int, width: int = 320) -> bytes:
    """Returns exactly that frame as a JPEG at most `width` wide; frames past the end show the last one.

    Raises BadInput(bad_value) for sizes out of range, MediaError as the clip does.
    """
    _within("width", width, 1, WIDEST)
    _within("frame", frame, 0, 1 << 40)
    with open_clip(path) as clip:
        _, picture = next(clip.pictures([frame], (width, WIDEST)))
        return _jpeg(picture)


def filmstrip(path: Path, count: int = 10, height: int = 90, start: int = 0, end: int | None = None) -> bytes:
    """Returns `count` tiles side by side as one JPEG, in one pass over the file.

    Tile i stands for an equal part of the frames `start` to `end` (exclusive; the whole clip by default). It shows a
    frame of its part: the first key frame, or one near the middle when there is no key frame in it. That is what makes
    a strip cheap. Raises BadInput(bad_value), MediaError.
    """
    _within("count", count, 1, MOST_TILES)
    _within("height", height, 8, WIDEST)
    with open_clip(path) as clip:
        stop = clip.frames if end is None else end
    _within("start", start, 0, max(0, stop - 1))
    parts = [start + (stop - start) * at // count for at in range(count + 1)]
    with open_clip(path, rough=stop - start >= count * _ROUGH) as clip:
        wanted = [_cheapest(clip.keys, *part) for part in pairwise(parts)]
        shown = dict(clip.pictures(sorted(set(wanted)), (WIDEST, height)))
        tiles = [shown[number] for number in wanted]
        width = tiles[0].width
        if width * count > 65_000:
            raise BadInput("bad_value", f"A strip of {count} tiles {width} wide is wider than a JPEG can be.")
        strip = Image.new("RGB", (width * count, tiles[0].height))
        for at, tile in enumerate(tiles):
            strip.paste(tile.convert("RGB"), (at * width, 0))
        return _jpeg(strip)


def frames(path: Path, indices: Sequence[int]) -> list[bytes]:
    """Returns those frames in full size as PNG, in the order asked for. Raises BadInput(bad_value), MediaError."""
    _within("the number of frames", len(indices), 1, MOST_FRAMES)
    for index in indices:
        _within("frame", index, 0, 1 << 40)
    with open_clip(path) as clip:
        found = {number: _png(picture) for number, picture in clip.pictures(sorted(set(indices)))}
    return [found[index] for index in indices]


def _cheapest(keys: list[int], first: int, end: int) -> int:
    at = bisect_left(keys, first)
    return keys[at] if at < len(keys) and keys[at] < end else (first + max(first, end - 1)) // 2


def _jpeg(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _within(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadInput("bad_value", f"{what} must lie between {low} and {high}, not {value}.")
