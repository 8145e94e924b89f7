"""Sound of exact length: resampled, crossfaded at seams, taken from given files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from genlock.generation.engines.ltx2.grid import SAMPLE_RATE
from genlock.media.opening import opened, reading

Array = np.ndarray[Any, Any]

SEAM: Final = SAMPLE_RATE // 100
"""Samples over which made sound fades into given sound."""


def stereo(samples: Array, rate: int, length: int) -> Array:
    """Returns sound of a model, float32 [1 or 2, n] at `rate`, as float32 [2, length] at 48 kHz; silence behind its end."""
    plain = np.ascontiguousarray(np.nan_to_num(samples.astype(np.float32)).clip(-1, 1))
    if plain.shape[0] == 1:
        plain = np.repeat(plain, 2, axis=0)
    return fitted(_resampled(plain, rate), length)


def fitted(samples: Array, length: int) -> Array:
    """Returns sound cut, or filled with silence, to a length."""
    made = np.zeros((2, length), np.float32)
    kept = samples[:, :length]
    made[:, : kept.shape[1]] = kept
    return made


def joined(parts: Sequence[tuple[int, Array]], length: int) -> Array:
    """Returns parts that begin at their first number, in order, as one sound of `length`: where two overlap the first
    fades out while the second fades in, at equal power."""
    made = np.zeros((2, length), np.float32)
    end = 0
    for start, part in parts:
        cut = part[:, : max(0, length - start)].copy()
        both = max(0, min(end - start, cut.shape[1]))
        fade = np.linspace(0, np.pi / 2, both, dtype=np.float32)
        cut[:, :both] *= np.sin(fade)
        made[:, start : start + both] *= np.cos(fade)
        made[:, start + both : end] = 0
        made[:, start : start + cut.shape[1]] += cut
        end = start + cut.shape[1]
    return made


def within(given: Array, start: int, made: Array) -> Array:
    """Returns given sound with `made` in it from sample `start` on, faded over 10 ms at both ends."""
    result = given.copy()
    end = min(start + made.shape[1], given.shape[1])
    part = made[:, : end - start]
    weight = np.ones(part.shape[1], np.float32)
    seam = min(SEAM, part.shape[1] // 2)
    ramp = np.linspace(0, 1, seam, endpoint=False, dtype=np.float32)
    if start:
        weight[:seam] = ramp
    if end < given.shape[1] and seam:
        weight[-seam:] = ramp[::-1]
    result[:, start:end] = part * weight + given[:, start:end] * (1 - weight)
    return result


def read(path: str, length: int) -> Array | None:
    """Returns the first `length` samples of a file's sound, float32 [2, length], silence behind its end; None without any.

    Raises MediaError(media_missing, media_unreadable).
    """
    with reading(Path(path)), opened(Path(path)) as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
        blocks: list[Array] = []
        have = 0
        for frame in container.decode(container.streams.audio[0]):
            for part in resampler.resample(frame):
                blocks.append(part.to_ndarray())
                have += part.samples
            if have >= length:
                break
        return fitted(np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0), np.float32), length)


def _resampled(samples: Array, rate: int) -> Array:
    if rate == SAMPLE_RATE:
        return samples
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE)
    blocks = [part.to_ndarray() for given in (frame, None) for part in resampler.resample(given)]
    return np.concatenate(blocks, axis=1)
