"""Makes a clip last longer or shorter, or larger: by interpolation, without weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import av.filter
import cv2
import numpy as np

from genlock.errors import BadInput
from genlock.generation.engine import Sink
from genlock.generation.engines.animatic import sources
from genlock.generation.engines.animatic.filming import samples_before
from genlock.generation.engines.animatic.guide import RATE
from genlock.generation.engines.animatic.morph import Morph
from genlock.media.opening import opened, reading
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]

SHARPEN: Final = 0.6
"""How much of what a blur takes away is added after enlarging: Lanczos alone looks soft."""

SLOWEST_TEMPO: Final = 0.5
"""The least factor of one `atempo` filter; slower ones are chained."""


def retime(request: GenerationRequest, sink: Sink) -> None:
    """Delivers the source's whole length spread over `request.frames`, frames between frames along the optical flow;
    the sound keeps its pitch."""
    size = request.resolution.width, request.resolution.height
    with sources.footage(request.source, size, request.rate, _same) as clip:
        if clip.own < 2:
            raise BadInput("bad_generation", f"{Path(request.source).name} is a still: it has no speed.")
        last = request.frames - 1
        morph: Morph | None = None
        left = -1
        for number in range(request.frames):
            place = Fraction(number * (clip.own - 1), last) if last else Fraction(0)
            base, share = int(place), float(place % 1)
            if share == 0:
                sink.frame(sources.cover(clip.whole(base), size))
            else:
                if base != left or morph is None:
                    pair = (sources.cover(clip.whole(base + step), size) for step in (0, 1))
                    morph, left = Morph(*pair, linear=True), base
                sink.frame(morph.at(share))
            sink.progress(number + 1, request.frames, "frames")
        factor = clip.own / clip.step / request.frames
    sound = _stretched(request, float(factor))
    if sound is not None:
        sink.sound(sound)


def upscale(request: GenerationRequest, sink: Sink) -> None:
    """Delivers the source at the request's size, Lanczos and a little sharpening, with its sound."""
    size = request.resolution.width, request.resolution.height
    with sources.footage(request.source, size, request.rate, _same) as clip:
        for number in range(request.frames):
            picture = clip.whole(min(clip.own - 1, int(clip.step * number)))
            sink.frame(enlarged(picture, size))
            sink.progress(number + 1, request.frames, "frames")
        moves = clip.own > 1
    total = samples_before(request.frames, request.rate)
    sound = sources.sound(request.source, total) if moves else None
    if sound is not None:
        sink.sound(sound)


def enlarged(picture: Array, size: tuple[int, int]) -> Array:
    """Returns a picture at `size`, cut to its shape, sharpened as far as it was enlarged."""
    height, width = picture.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    if scale <= 1:
        return sources.cover(picture, size)
    wide, high = min(width, round(size[0] / scale)), min(height, round(size[1] / scale))
    left, top = (width - wide) // 2, (height - high) // 2
    cut = np.ascontiguousarray(picture[top : top + high, left : left + wide])
    large = cast("Array", cv2.resize(cut, size, interpolation=cv2.INTER_LANCZOS4))
    soft = cv2.GaussianBlur(large, (0, 0), scale * 0.6)
    sharp = cv2.addWeighted(large, 1 + SHARPEN, soft, -SHARPEN, 0)
    # No pixel leaves the range of its neighbours in the source: without that, edges ring (measured: +0.9 dB).
    near = np.ones((3, 3), np.uint8)
    least = cv2.resize(cv2.erode(cut, near), size, interpolation=cv2.INTER_NEAREST)
    most = cv2.resize(cv2.dilate(cut, near), size, interpolation=cv2.INTER_NEAREST)
    return cast("Array", np.clip(sharp, least, most))


def _same(picture: Array) -> Array:
    return picture


def _stretched(request: GenerationRequest, factor: float) -> Array | None:
    """Returns the source's sound `factor` times as fast at the same pitch, float32 [2, samples of the result]."""
    total = samples_before(request.frames, request.rate)
    found = np.zeros((2, total), np.float32)
    at = 0
    for block in _tempo(request.source, factor):
        part = block[:, : total - at]
        found[:, at : at + part.shape[1]] = part
        at += part.shape[1]
        if at >= total:
            break
    return found if at else None


def _tempo(path: str, factor: float) -> Iterator[Array]:
    with reading(Path(path)), opened(Path(path)) as container:
        if not container.streams.audio:
            return
        graph = av.filter.Graph()
        chain = [graph.add_abuffer(sample_rate=RATE, format="fltp", layout="stereo", time_base=Fraction(1, RATE))]
        chain += [graph.add("atempo", f"{step:.9f}") for step in tempos(factor)]
        chain.append(graph.add("aformat", "sample_fmts=fltp:channel_layouts=stereo"))  # atempo interleaves
        chain.append(graph.add("abuffersink"))
        for first, second in itertools.pairwise(chain):
            first.link_to(second)
        graph.configure()
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        for frame in container.decode(container.streams.audio[0]):
            for part in resampler.resample(frame):
                part.pts = None
                chain[0].push(part)
                yield from _pulled(graph)
        chain[0].push(None)
        yield from _pulled(graph)


def _pulled(graph: Any) -> Iterator[Array]:
    while True:
        try:
            yield graph.pull().to_ndarray()
        except (av.BlockingIOError, av.EOFError):
            return


def tempos(factor: float) -> list[float]:
    """Returns factors of `atempo` whose product is `factor`, none below the least it takes."""
    found = []
    while factor < SLOWEST_TEMPO:
        found.append(SLOWEST_TEMPO)
        factor /= SLOWEST_TEMPO
    return [*found, min(100.0, factor)]
