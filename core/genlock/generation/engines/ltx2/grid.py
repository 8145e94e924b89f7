"""The model's own grid, as pure arithmetic: sizes, frames, latents, segments of long clips, samples.

A latent frame holds 8 pictures, the first one of a clip a single one: `8k + 1` frames are `k + 1` latents, and latent
`k > 0` begins at frame `8(k - 1) + 1`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from msgspec import Struct

from genlock.timeline.rate import Rate

TIME: Final = 8
SPACE: Final = 32
SMALLEST: Final = 64
"""Pixels: below this the decoder cannot mirror its edges."""
OVERLAP: Final = 3
"""Latents a segment takes over from the one before."""
CONTEXT: Final = 25
"""Frames of a given clip that the model sees beside a seam, at most."""
SAMPLE_RATE: Final = 48000

Size = tuple[int, int]


class Segment(Struct, frozen=True):
    """Latents `start` to `end` (exclusive) of the whole, made in one run; the first `kept` are those of the segment
    before."""

    start: int
    end: int
    kept: int

    @property
    def first(self) -> int:
        """The frame of the whole that is its own frame 0."""
        return TIME * self.start

    @property
    def frames(self) -> int:
        """Frames the model is asked for."""
        return frames_of(self.end - self.start)


def snapped(size: Size, step: int = SPACE) -> Size:
    """Returns the smallest size on the grid that holds `size`."""
    width, height = (max(SMALLEST, -(-side // step) * step) for side in size)
    return width, height


def latents_of(frames: int) -> int:
    """Returns the latents that hold at least so many frames."""
    return -(-(frames - 1) // TIME) + 1


def frames_of(latents: int) -> int:
    """Returns the frames of so many latents."""
    return TIME * (latents - 1) + 1


def whole(frames: int) -> int:
    """Returns the largest length `8k + 1` within `frames`; 0 for 0."""
    return 0 if frames < 1 else (frames - 1) // TIME * TIME + 1


def begin(latent: int) -> int:
    """Returns the frame a latent begins at."""
    return 0 if latent == 0 else TIME * (latent - 1) + 1


def position(frame: int) -> float:
    """Returns a frame as the pipelines count conditions: in latents, exactly (eighths have no rounding)."""
    return 0 if frame == 0 else (frame - 1) / TIME + 1


def tokens(frames: int, size: Size) -> int:
    """Returns how many tokens the transformer sees."""
    return latents_of(frames) * (size[0] // SPACE) * (size[1] // SPACE)


def segments(total: int, window: int, overlap: int = OVERLAP) -> tuple[Segment, ...]:
    """Returns the runs that make `total` latents with at most `window` in each, as even as the grid allows.

    Each but the first begins with the `overlap` last latents of the one before. Raises ValueError when a window holds
    nothing beyond its overlap.
    """
    if total <= window:
        return (Segment(0, total, 0),)
    if window <= overlap:
        raise ValueError(f"a window of {window} latents holds nothing beyond its overlap of {overlap}")
    runs = -(-(total - overlap) // (window - overlap))
    size, longer = divmod(total - overlap, runs)
    ends = [overlap + size * (n + 1) + min(n + 1, longer) for n in range(runs)]
    starts = [0, *(end - overlap for end in ends[:-1])]
    return tuple(Segment(s, e, overlap if s else 0) for s, e in zip(starts, ends, strict=True))


def samples(frames: int, rate: Rate) -> int:
    """Returns the samples that last as long as so many frames, rounded."""
    return round(Fraction(frames * SAMPLE_RATE) / rate.fraction)
