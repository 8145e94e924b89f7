"""Thumbnails, filmstrips and single frames. Only the media process imports this."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

from PIL import Image

from genlock.errors import BadInput
from genlock.media.clip import Part, open_clip

WIDEST: Final = 4096
MOST_TILES: Final = 400
MOST_FRAMES: Final = 64
_QUALITY: Final = 82
_ROUGH: Final = 16
"""Frames a tile stands for, from which on a few to and fro make no difference."""
_WORKERS: Final = min(4, os.cpu_count() or 1)


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
    """Returns `count` tiles side by side as one JPEG.

    Tile i stands for an equal part of the frames `start` to `end` (exclusive; the whole clip by default). Where parts
    are long it shows whichever of its frames costs least: the first key frame, or one of the first frames when there is
    no key frame in it; where they are short, the one in the middle. Raises BadInput(bad_value), MediaError.
    """
    _within("count", count, 1, MOST_TILES)
    _within("height", height, 8, WIDEST)
    with open_clip(path) as clip:
        stop, keys = clip.frames if end is None else end, clip.keys
    _within("start", start, 0, max(0, stop - 1))
    edges = [start + (stop - start) * at // count for at in range(count + 1)]
    rough = stop - start >= count * _ROUGH
    parts = [_cheapest(keys, *part) if rough else _middle(*part) for part in pairwise(edges)]
    shown = _glimpses(path, parts, keys, height, rough=rough)
    tiles = [shown[part] for part in parts]
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


def _cheapest(keys: list[int], first: int, end: int) -> Part:
    """Returns the part from its first key frame on, if it has one."""
    at = bisect_left(keys, first)
    return (keys[at], end) if at < len(keys) and keys[at] < end else (first, end)


def _middle(first: int, end: int) -> Part:
    middle = (first + max(first, end - 1)) // 2
    return middle, middle + 1


def _glimpses(path: Path, parts: list[Part], keys: list[int], height: int, *, rough: bool) -> dict[Part, Image.Image]:
    """Returns a picture of each part, decoded side by side: the decoders run without the interpreter lock."""
    runs = deque(_runs(sorted(set(parts)), keys))

    def work() -> list[tuple[Part, Image.Image]]:
        found: list[tuple[Part, Image.Image]] = []
        with open_clip(path, rough=rough) as clip:
            for run in iter(lambda: runs.popleft() if runs else None, None):
                found.extend(clip.glimpses(run, (WIDEST, height)))
        return found

    with ThreadPoolExecutor(_WORKERS) as pool:
        workers = [pool.submit(work) for _ in range(min(_WORKERS, len(runs)))]
        return dict(found for worker in workers for found in worker.result())


def _runs(parts: list[Part], keys: list[int]) -> list[list[Part]]:
    """Returns the parts in runs that no decoder shares work with: each from one key frame, or equal shares."""
    if keys:
        return [list(run) for _, run in groupby(parts, lambda part: bisect_right(keys, part[0]))]
    share = -(-len(parts) // _WORKERS)
    return [parts[at : at + share] for at in range(0, len(parts), share)]


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
