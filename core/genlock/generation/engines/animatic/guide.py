"""The guide track: a quiet chord that says there is sound here. Any stretch of it can be made alone, always the same."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

RATE: Final = 48000
PEAK: Final = 0.06
"""About -24 dBFS: a guide, not a score."""
FADE: Final = RATE // 12
"""Samples faded at both ends, so that a cut between two guides does not click."""

_CHORDS: Final = ((1.0, 1.5, 2.0, 2.5), (1.0, 1.5, 2.0, 2.4), (1.0, 4 / 3, 2.0, 8 / 3), (1.0, 1.5, 2.25, 3.0))
_SEMITONE: Final = 2 ** (1 / 12)


class Guide:
    """The tone bed of one take: `total` samples a channel, key and chord from the prompt and the seed."""

    def __init__(self, prompt: str, seed: int, total: int) -> None:
        self.total = total
        digest = blake2b(f"guide\0{prompt}\0{seed}".encode(), digest_size=8).digest()
        root = 98.0 * _SEMITONE ** (digest[0] % 12)
        self._voices = [
            (root * ratio, 1 / (number + 1.5), 0.05 + digest[number + 1] / 2550, digest[number + 2] / 40)
            for number, ratio in enumerate(_CHORDS[digest[7] % len(_CHORDS)])
        ]
        self._scale = PEAK / sum(level for _, level, _, _ in self._voices)

    def samples(self, start: int, end: int) -> Array:
        """Returns samples `start` to `end` (exclusive), float32 [2, n]."""
        index = np.arange(start, end, dtype=np.float64)
        time = index / RATE
        sound = np.zeros((2, len(index)))
        for pitch, level, swell, phase in self._voices:
            loud = level * (0.7 + 0.3 * np.sin(2 * np.pi * swell * time + phase))
            for channel, detune in enumerate((0.9993, 1.0007)):
                sound[channel] += loud * np.sin(2 * np.pi * pitch * detune * time + phase)
        fade = np.clip(np.minimum(index + 0.5, self.total - index - 0.5) / min(FADE, max(1, self.total // 2)), 0, 1)
        return (sound * self._scale * fade * fade * (3 - 2 * fade)).astype(np.float32)
