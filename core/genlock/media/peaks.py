"""The loudest and lowest sample of each stretch of sound, for waveforms. Only the media process imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

from genlock.errors import BadInput
from genlock.media.opening import opened, unreadable


def peaks(path: Path, per_second: int = 50) -> bytes:
    """Returns little-endian float32 pairs (min, max), `per_second` pairs a second, of the first sound stream mixed to mono.

    Bucket b holds the samples s with s * per_second // sample_rate == b, so that it never drifts. Empty for media
    without sound. Raises BadInput(bad_value), MediaError.
    """
    if not 1 <= per_second <= 1000:
        raise BadInput("bad_value", f"Between 1 and 1000 peaks a second can be made, not {per_second}.")
    with opened(path) as container:
        if not container.streams.audio:
            if not container.streams.video:
                raise unreadable(path, "it holds neither picture nor sound")
            return b""
        stream = container.streams.audio[0]
        rate = int(stream.codec_context.sample_rate or 0)
        if rate <= 0:
            raise unreadable(path, "its sound has no sample rate")
        buckets = _Buckets(rate, per_second)
        resampler = av.AudioResampler(format="fltp")
        for frame in container.decode(stream):
            for plain in resampler.resample(frame):
                buckets.add(plain.to_ndarray().mean(axis=0, dtype=np.float32))
        for plain in resampler.resample(None):
            buckets.add(plain.to_ndarray().mean(axis=0, dtype=np.float32))
        return buckets.finish()


class _Buckets:
    def __init__(self, rate: int, per_second: int) -> None:
        self._rate, self._per_second = rate, per_second
        self._made: list[np.ndarray[Any, Any]] = []
        self._count = 0
        self._rest: list[np.ndarray[Any, Any]] = []
        self._waiting = 0

    def add(self, samples: np.ndarray[Any, Any]) -> None:
        self._rest.append(samples)
        self._waiting += samples.size
        if self._waiting >= self._rate:
            self._reduce(last=False)

    def finish(self) -> bytes:
        self._reduce(last=True)
        made = np.concatenate(self._made) if self._made else np.zeros((0, 2), np.float32)
        return made.astype("<f4").tobytes()

    def _reduce(self, *, last: bool) -> None:
        """Reduces the buckets that are full; the samples of the one begun wait."""
        if not self._waiting:
            return
        samples = np.nan_to_num(np.concatenate(self._rest))
        begin = self._first_sample(self._count)
        end = begin + samples.size
        full = end * self._per_second // self._rate - self._count
        total = -(-end * self._per_second // self._rate) - self._count if last else full
        if total > 0:
            edges = [self._first_sample(self._count + at) - begin for at in range(total)]
            stop = samples.size if last else self._first_sample(self._count + full) - begin
            cut = samples[:stop]
            self._made.append(np.stack([np.minimum.reduceat(cut, edges), np.maximum.reduceat(cut, edges)], axis=1))
            self._count += total
            samples = samples[stop:]
        self._rest, self._waiting = [samples], samples.size

    def _first_sample(self, bucket: int) -> int:
        return -(-bucket * self._rate // self._per_second)
