"""Makes a masked region anew through a whole clip with a model that knows single pictures only.

Every so many frames one is painted, the next with the last one to look at, which keeps what is painted alike; nothing in
the model makes it the same. The frames between get both neighbours carried along the movement of the source and
dissolved into each other, and where neither is known (something was hidden there) the model paints them too. So a
thing that changes its look while it moves (turns, walks, flickers) is followed as a surface only; a shorter `every`
paints more. Outside the mask every frame is the source's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from genlock.generation.engines.animatic import sources
from genlock.generation.engines.flux2 import compositing, pictures, sizes
from genlock.generation.engines.flux2.following import Flow, carried, mixed
from genlock.generation.engines.flux2.painting import Guides
from genlock.generation.engines.flux2.running import Job, anew
from genlock.generation.masks.compositing import composite, opacity
from genlock.generation.masks.reel import Reel, cover, reel
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]

SMALL: Final = 0.02
"""Share of the mask up to which unknown pixels are filled from around them instead of painted."""
RADIUS: Final = 4
WIDER: Final = 8
"""Pixels by which an unknown region is widened before it is painted, so that it grows together with what is around it."""


@dataclass(frozen=True)
class Frame:
    """A frame of the source, what its mask selects (HxW uint8), and once it is made the picture with all of that anew; how
    softly it goes over into the source is settled when it is delivered."""

    source: Array
    mask: Array
    painted: Array | None = None


def paint(job: Job) -> None:
    """Delivers the clip, exactly `frames` frames, with the source's sound. Raises BadInput(bad_generation) for a mask that
    does not fit the clip."""
    request, sink = job.request, job.sink
    with ExitStack() as stack:
        material = Material(job, stack)
        guides = job.guides()
        sink.note(composite=True, feather=job.settings.feather, every=job.settings.every, motion=job.settings.motion)
        take = Take(job, guides)
        last: Frame | None = None
        for run in _runs(request.frames, job.settings.every):
            frames = [material.frame(number) for number in run]
            end = take.painted(frames[-1], last)
            if last is not None:
                take.deliver(take.between(last, frames[:-1], end))
            take.deliver([end])
            last = end
        sink.note(painted=take.keys, repaired=take.repaired, carried=request.frames - take.keys)
    if Path(request.source).is_file():  # numbered images are none, and have no sound
        sound = sources.sound(request.source, _samples(request))
        if sound is not None:
            sink.sound(sound)


class Material:
    """The frames of source and mask (whatever is selected is followed first), at the result's size and rate."""

    def __init__(self, job: Job, stack: ExitStack) -> None:
        request = job.request
        self._size = job.size
        self._source: Reel = stack.enter_context(reel(request.source, request.rate, "source"))
        self._region = job.region(self._source, min(request.frames, self._source.frames), stack)

    def frame(self, number: int) -> Frame:
        """Returns a frame of the result before anything is painted."""
        source = cover(self._source.picture(number), self._size)
        return Frame(source, cover(self._region.mask(number), self._size))


class Take:
    """The clip as it is made. `keys` frames were painted, `repaired` of the others in part."""

    def __init__(self, job: Job, guides: Guides) -> None:
        self._job, self._guides = job, guides
        self.keys = self.repaired = self._delivered = 0
        job.painter.report = self._report

    def painted(self, frame: Frame, last: Frame | None) -> Frame:
        """Returns a frame with what its mask selects painted, in the likeness of the last painted one."""
        self.keys += 1
        return replace(frame, painted=anew(self._job, frame.source, frame.mask, self._like(last)))

    def between(self, first: Frame, frames: list[Frame], last: Frame) -> Iterator[Frame]:
        """Yields the frames between two painted ones."""
        if not frames:
            return
        row = [first, *frames, last]
        around = self._job.settings.motion == "around"
        flows = [Flow(a.source, b.source, (a.mask, b.mask) if around else None) for a, b in pairwise(row)]
        assert first.painted is not None
        assert last.painted is not None
        forth = carried(first.painted, ((flow.back, flow.back_holds) for flow in flows[:-1]))
        back = carried(last.painted, ((flow.forth, flow.forth_holds) for flow in reversed(flows[1:])))[::-1]
        for number, frame in enumerate(frames, 1):
            share = number / (len(frames) + 1)
            picture, known = mixed(forth[number - 1], back[number - 1], share)
            nearest = first if share <= 0.5 else last
            yield replace(frame, painted=self._completed(frame, picture, known, nearest))

    def deliver(self, frames: Iterator[Frame] | list[Frame]) -> None:
        """Hands frames over, in order."""
        for frame in frames:
            assert frame.painted is not None
            shown = opacity(frame.mask, self._job.settings.feather)
            self._job.sink.frame(composite(frame.source, frame.painted, shown))
            self._delivered += 1
            self._report()

    def _completed(self, frame: Frame, picture: Array, known: Array, nearest: Frame) -> Array:
        selected = frame.mask > 0
        unknown = selected & ~known
        whole = np.where(selected[..., None] & known[..., None], picture, frame.source)
        if not unknown.any():
            return whole
        hole = unknown.astype(np.uint8) * 255
        if unknown.sum() <= SMALL * selected.sum():
            filled = np.asarray(cv2.inpaint(whole, hole, RADIUS, cv2.INPAINT_TELEA))
            return np.where(unknown[..., None], filled, whole)
        self.repaired += 1
        kernel = np.ones((2 * WIDER + 1, 2 * WIDER + 1), np.uint8)
        wide = np.where(selected, cv2.dilate(hole, kernel), np.uint8(0))
        return anew(self._job, whole, wide, self._like(nearest))

    def _like(self, last: Frame | None) -> Guides:
        box = None if last is None else compositing.box(last.mask)
        if last is None or last.painted is None or box is None:
            return self._guides
        height, width = last.mask.shape
        window = sizes.window((width, height), box, self._job.settings.padding)
        part = np.ascontiguousarray(compositing.cut(last.painted, window))
        if max(part.shape[:2]) > pictures.SLIMMEST * min(part.shape[:2]):
            return self._guides
        return self._guides.seeing(pictures.reference(part, "last frame"))

    def _report(self, *_: int) -> None:
        self._job.sink.progress(self._delivered, self._job.request.frames, "frames")


def _runs(frames: int, every: int) -> Iterator[range]:
    """Yields the frames up to each painted one: the first alone, then `every` at a time, the rest."""
    yield range(1)
    for first in range(1, frames, every):
        yield range(first, min(first + every, frames))


def _samples(request: GenerationRequest) -> int:
    return round(Fraction(request.frames * request.rate.den * sources.RATE, request.rate.num))
