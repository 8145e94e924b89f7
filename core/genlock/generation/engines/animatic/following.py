"""One thing through a whole clip: found where it was pointed at, followed from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.generation.engines.animatic import sources
from genlock.generation.engines.animatic.selecting import Outline
from genlock.generation.planner import resolve_frame
from genlock.media.clip import Clip
from genlock.project.request import Direction, Selection

Array = np.ndarray[Any, Any]


def frame_of(clip: Clip, number: int) -> Array:
    """Returns a clip's own frame, HxWx3 uint8; past the end the last."""
    ((_, image),) = clip.pictures([min(clip.frames - 1, number)])
    return np.asarray(image.convert("RGB"))


def followed(
    clip: Clip, selections: Sequence[Selection], size: tuple[int, int], direction: Direction, given: Array | None = None
) -> Iterator[Array]:
    """Yields one thing's mask (HxW bool at `size`) on each frame of a clip, from its first; empty where `direction`
    does not lead.

    `selections` describe one thing on one frame, in the clip's own pixels; `given` is a rough mask of it there, at `size`.
    Raises BadInput(bad_generation) when nothing points at it, or it is pointed at on several frames.
    """
    frame = prompted(clip, selections)
    outline = Outline(*size)
    picture = sources.cover(frame_of(clip, frame), size)
    found = outline.find(picture, [scaled(selection, clip, size) for selection in selections], given)
    yield from _earlier(clip, size, outline, frame, found, follow=direction in ("backward", "both"))
    yield found
    mask = found
    for number in range(frame + 1, clip.frames):
        if direction == "backward":
            yield np.zeros_like(found)
            continue
        after = sources.cover(frame_of(clip, number), size)
        mask = outline.follow(picture, mask, after)
        picture = after
        yield mask


def prompted(clip: Clip, selections: Sequence[Selection]) -> int:
    """Returns the clip's frame that selections were made on. Raises BadInput(bad_generation)."""
    frames = {resolve_frame(selection.frame, clip.frames) for selection in selections}
    if len(frames) != 1:
        raise BadInput("bad_generation", "Without weights a thing is pointed at on one frame; sam3 takes several.")
    frame = frames.pop()
    if not 0 <= frame < clip.frames:
        raise BadInput("bad_generation", f"The selection sits on frame {frame} of a clip of {clip.frames} frames.")
    if not any(selection.points or selection.boxes or selection.mask for selection in selections):
        raise BadInput("bad_generation", "Without weights a selection needs points, a box or a mask; words need sam3.")
    return frame


def scaled(selection: Selection, clip: Clip, size: tuple[int, int]) -> Selection:
    """Returns a selection moved from a clip's own pixels to those of `size`. Raises BadInput(bad_generation) for a point or
    a box beside the picture."""
    height, width = frame_of(clip, 0).shape[:2]
    beside = [point for point in selection.points if not (0 <= point.x < width and 0 <= point.y < height)]
    if beside:
        raise BadInput(
            "bad_generation", f"The point {beside[0].x:g}, {beside[0].y:g} is outside {width}x{height} pixels."
        )
    if any(box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height for box in selection.boxes):
        raise BadInput("bad_generation", f"A box lies outside {width}x{height} pixels.")
    across, down = size[0] / width, size[1] / height
    points = tuple(replace(point, x=point.x * across, y=point.y * down) for point in selection.points)
    boxes = tuple(
        replace(box, left=box.left * across, top=box.top * down, right=box.right * across, bottom=box.bottom * down)
        for box in selection.boxes
    )
    return replace(selection, points=points, boxes=boxes)


def _earlier(
    clip: Clip, size: tuple[int, int], outline: Outline, frame: int, found: Array, *, follow: bool
) -> Iterator[Array]:
    """Yields the masks before a frame, in order: followed backwards first and kept as bits, so that a long clip fits."""
    if not follow:
        for _ in range(frame):
            yield np.zeros_like(found)
        return
    kept = []
    mask, picture = found, sources.cover(frame_of(clip, frame), size)
    for number in range(frame - 1, -1, -1):
        before = sources.cover(frame_of(clip, number), size)
        mask = outline.follow(picture, mask, before)
        picture = before
        kept.append(np.packbits(mask))
    for bits in reversed(kept):
        yield np.unpackbits(bits, count=found.size).reshape(found.shape).astype(bool)
