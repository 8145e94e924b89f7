"""What a render shows and sounds like, frame by frame, as values. Fractions are exact; nothing is in floating seconds."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate


class File(Struct, frozen=True):
    """Pictures in a file. `frames` exist, numbered from 0; `size` is in square pixels as shown; `first` is the number of
    the first image of a numbered sequence."""

    path: Path
    kind: Literal["video", "image", "sequence"]
    rate: Rate
    frames: int
    size: Resolution
    alpha: bool = False
    variable: bool = False


class Slate(Struct, frozen=True):
    """Stands in for what cannot be shown: the clip's name and why."""

    title: str
    note: str


class Colour(Struct, frozen=True):
    """A plain picture; `rgb` as "RRGGBB"."""

    rgb: str


class Bars(Struct, frozen=True):
    """SMPTE colour bars."""


Picture = File | Slate | Colour | Bars


class Ramp(Struct, frozen=True):
    """Opacity or loudness of frame k: `first + step * k`, kept between 0 and 1."""

    first: Fraction
    step: Fraction

    def later(self, frames: int) -> Ramp:
        return Ramp(self.first + self.step * frames, self.step)


class Layer(Struct, frozen=True):
    """A picture over a stretch of frames: frame k shows source frame floor(origin + step * k), held at both ends."""

    picture: Picture
    origin: Fraction = Fraction(0)
    step: Fraction = Fraction(0)
    opacity: Ramp | None = None

    def shown(self, k: int) -> int:
        """Returns the source frame shown at frame k, before it is held within what exists."""
        return floor(self.origin + self.step * k)

    def later(self, frames: int) -> Layer:
        """Returns the layer that begins that many frames later."""
        return replace(
            self,
            origin=self.origin + self.step * frames,
            opacity=None if self.opacity is None else self.opacity.later(frames),
        )


class Span(Struct, frozen=True):
    """Frames `start` to `end` (exclusive) with the same layers, bottom first; without layers it is black."""

    start: int
    end: int
    layers: tuple[Layer, ...] = ()

    @property
    def duration(self) -> int:
        return self.end - self.start

    def part(self, start: int, end: int) -> Span:
        """Returns what lies between two frames."""
        return Span(start, end, tuple(layer.later(start - self.start) for layer in self.layers))


class Sound(Struct, frozen=True):
    """A piece of sound at frames `start` to `end`. It begins `origin` seconds after the file's first frame (or sample) and
    runs at `speed` (negative: backwards from there)."""

    path: Path
    start: int
    end: int
    origin: Fraction
    speed: Fraction = Fraction(1)
    channels: int = 2
    loudness: Ramp | None = None

    def part(self, start: int, end: int, rate: Rate) -> Sound:
        """Returns what lies between two frames."""
        skipped = start - self.start
        return replace(
            self,
            start=start,
            end=end,
            origin=self.origin + self.speed * skipped / rate.fraction,
            loudness=None if self.loudness is None else self.loudness.later(skipped),
        )


class RenderPlan(Struct, frozen=True):
    """A whole render: `spans` cover frames 0 to `frames` without holes. `missing` names the clips that became slates,
    `notes` what is not rendered as it is in the timeline."""

    rate: Rate
    resolution: Resolution
    frames: int
    spans: tuple[Span, ...]
    sounds: tuple[Sound, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class RenderResult(Struct, frozen=True):
    """What was written."""

    path: Path
    frames: int
    seconds: float
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def fills(picture: Picture, resolution: Resolution) -> bool:
    """Whether the picture covers the whole frame: nothing under it can be seen."""
    if not isinstance(picture, File):
        return True
    return not picture.alpha and placed(picture.size, resolution)[:2] == (resolution.width, resolution.height)


def placed(size: Resolution, resolution: Resolution) -> tuple[int, int, int, int]:
    """Returns (width, height, x, y) of a picture fitted into the frame, even in all four for the sake of 4:2:0."""
    scale = min(Fraction(resolution.width, size.width), Fraction(resolution.height, size.height))
    width, height = _near(size.width * scale, resolution.width), _near(size.height * scale, resolution.height)
    return width, height, (resolution.width - width) // 4 * 2, (resolution.height - height) // 4 * 2


def _near(exact: Fraction, whole: int) -> int:
    """Returns the even number nearest to `exact`, or `whole` when it is less than two pixels away."""
    return whole if whole - exact < 2 else max(2, round(exact / 2) * 2)
