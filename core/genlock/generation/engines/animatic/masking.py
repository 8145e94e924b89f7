"""A mask of one frame, or through a clip, without weights: as alpha, as mattes and as outlines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from genlock.generation.engine import Sink
from genlock.generation.engines.animatic.following import followed, frame_of, prompted, scaled
from genlock.generation.engines.animatic.selecting import Outline
from genlock.generation.masks.clean import clean
from genlock.generation.masks.delivery import Delivery
from genlock.generation.masks.reading import matte as mask_file
from genlock.media.clip import Clip, open_clip
from genlock.project.request import GenerationRequest, Selection

Array = np.ndarray[Any, Any]


def mask(request: GenerationRequest, sink: Sink) -> None:
    """Delivers the selected things cut out of `source`: one frame for a mask, all of them for a track; a matte a
    frame and the outlines (JSON lines) beside it, both in the source's own pixels.

    Raises BadInput(bad_generation) for what cannot be found without weights, such as words.
    """
    things = sorted({selection.thing for selection in request.selections})
    with ExitStack() as stack:
        clip = stack.enter_context(open_clip(Path(request.source)))
        # A reader a thing: each walks through the clip at its own pace.
        tracks = [_masks(request, thing, stack) for thing in things]
        first = prompted(clip, request.selections[:1]) if request.mode == "mask" else 0
        frames = 1 if request.mode == "mask" else request.frames
        delivery = Delivery(request, sink, frame_of(clip, 0).shape[1::-1])
        for number, found in enumerate(islice(zip(*tracks, strict=True), frames)):
            picture = frame_of(clip, first + number)
            delivery.put(first + number, picture, dict(zip(things, found, strict=True)))
            sink.progress(number + 1, frames, "frames")
    delivery.close()


def _masks(request: GenerationRequest, thing: int, stack: ExitStack) -> Iterator[Array]:
    """Yields one thing's mask on each frame asked for."""
    selections = [selection for selection in request.selections if selection.thing == thing]
    clip = stack.enter_context(open_clip(Path(request.source)))
    height, width = frame_of(clip, 0).shape[:2]
    given = _given(selections, (width, height))
    if request.mode == "track":
        yield from (clean(found) for found in followed(clip, selections, (width, height), request.direction, given))
    else:
        yield clean(_found(clip, selections, (width, height), given))


def _found(clip: Clip, selections: list[Selection], size: tuple[int, int], given: Array | None) -> Array:
    picture = frame_of(clip, prompted(clip, selections))
    return Outline(*size).find(picture, [scaled(selection, clip, size) for selection in selections], given)


def _given(selections: list[Selection], size: tuple[int, int]) -> Array | None:
    """Returns the rough mask that comes with a thing's selections, all of them together."""
    found = None
    for selection in selections:
        if selection.mask:
            with mask_file(selection.mask, size) as file:
                found = file.at(0) if found is None else found | file.at(0)
    return found
