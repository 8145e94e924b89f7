"""Cuts a plan into stretches that one ffmpeg can hold: each input costs a decoder and a few frames of memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from genlock.media.render.program import RenderPlan, Sound, Span

MOST_INPUTS: Final = 16
INPUT_PIXELS: Final = 12 * 1920 * 1080
"""Pixels that all inputs of one ffmpeg together may have: about 0.8 GB of frames in its queues (docs/why/render.md)."""
MOST_SOUNDS: Final = 24
BACKWARDS: Final = 24
"""HD frames played backwards at a time: ffmpeg keeps all of them in memory to turn them round."""
BACKWARDS_COST: Final = 4
SOUND_SECONDS: Final = 60


class SoundWindow(Struct, frozen=True):
    """Frames `start` to `end` and what sounds in them."""

    start: int
    end: int
    sounds: tuple[Sound, ...]


def picture_windows(plan: RenderPlan) -> Iterator[tuple[Span, ...]]:
    """Yields the spans in groups of few inputs, fewer the larger the picture; what runs backwards in short pieces."""
    pixels = plan.resolution.width * plan.resolution.height
    most = max(1, min(MOST_INPUTS, INPUT_PIXELS // pixels))
    backwards = max(2, min(2 * BACKWARDS, BACKWARDS * 1920 * 1080 // pixels))
    group: list[Span] = []
    inputs = 0
    for span in _short(plan.spans, backwards):
        cost = sum(BACKWARDS_COST if layer.step < 0 else 1 for layer in span.layers) or 1
        if group and inputs + cost > most:
            yield tuple(group)
            group, inputs = [], 0
        group.append(span)
        inputs += cost
    if group:
        yield tuple(group)


def _short(spans: Sequence[Span], backwards: int) -> Iterator[Span]:
    for span in spans:
        # A freeze of a frame costs the same however long; a fast reverse reads many frames for each that is shown.
        speed = max((-layer.step for layer in span.layers), default=0)
        if speed <= 0:
            yield span
            continue
        length = max(1, int(backwards / max(1, speed)))
        for start in range(span.start, span.end, length):
            yield span.part(start, min(span.end, start + length))


def sound_windows(plan: RenderPlan) -> Iterator[SoundWindow]:
    """Yields consecutive windows over the whole plan, of at most MOST_SOUNDS pieces and SOUND_SECONDS seconds each.

    They end between pieces where they can, for a piece cut in two meets its resampler twice.
    """
    longest = SOUND_SECONDS * plan.rate.nominal
    edges = sorted({plan.frames, *(sound.start for sound in plan.sounds), *(sound.end for sound in plan.sounds)})
    start = 0
    while start < plan.frames:
        end = _window_end(plan, edges, start, min(plan.frames, start + longest))
        inside = [sound for sound in plan.sounds if sound.start < end and sound.end > start]
        yield SoundWindow(
            start,
            end,
            tuple(sound.part(max(start, sound.start), min(end, sound.end), plan.rate) for sound in inside),
        )
        start = end


def _window_end(plan: RenderPlan, edges: list[int], start: int, limit: int) -> int:
    for edge in reversed(edges):
        if start < edge <= limit and _crossing(plan, start, edge) <= MOST_SOUNDS:
            return edge
    end = limit
    while end - start > 1 and _crossing(plan, start, end) > MOST_SOUNDS:
        end = start + (end - start) // 2
    return end


def _crossing(plan: RenderPlan, start: int, end: int) -> int:
    return sum(1 for sound in plan.sounds if sound.start < end and sound.end > start)
