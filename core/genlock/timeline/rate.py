"""Exact frame rates and speeds. No float ever enters the model."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from msgspec import Struct

from genlock.errors import BadInput


class Rate(Struct, frozen=True, array_like=True):
    """A frame rate as an exact fraction of frames per second, e.g. `Rate(24000, 1001)`."""

    num: int
    den: int = 1

    @property
    def fraction(self) -> Fraction:
        """Frames per second."""
        return Fraction(self.num, self.den)

    @property
    def nominal(self) -> int:
        """The frame count of one timecode second: 24 for 24000/1001, 30 for 30000/1001."""
        return -(-self.num // self.den)

    @property
    def is_ntsc(self) -> bool:
        """Whether the rate is 1000/1001 of a whole number."""
        return self.den == 1001

    @property
    def drop_per_minute(self) -> int:
        """Timecode numbers dropped a minute in drop-frame counting (SMPTE ST 12-1): 2 at 29.97, 4 at 59.94, else 0."""
        return self.nominal // 15 if self.is_ntsc and self.nominal % 30 == 0 else 0

    def __str__(self) -> str:
        return str(self.num) if self.den == 1 else f"{self.num / self.den:.3f}".rstrip("0").rstrip(".")


RATES: Final[tuple[Rate, ...]] = (
    Rate(24000, 1001),
    Rate(24),
    Rate(25),
    Rate(30000, 1001),
    Rate(30),
    Rate(48),
    Rate(50),
    Rate(60000, 1001),
    Rate(60),
)
"""The nine rates a sequence can run at."""

SNAP: Final = Fraction(1, 200)
"""How far (frames per second) a written rate may lie from a known one: 23.98, 23.976024 and 29.97 all snap."""


def snap_rate(value: float | Fraction | str) -> Rate:
    """Returns the known sequence rate nearest to what a file or a person wrote.

    Accepts numbers and texts such as "23.976", "24000/1001" or "29.97 DF". Raises BadInput(bad_rate) when none of the
    nine is within 0.005 frames per second.
    """
    rate = _nearest(_exact(value))
    if rate is None:
        raise BadInput("bad_rate", f"{value!r} is not a frame rate Genlock knows.")
    return rate


def source_rate(value: float | Fraction | str) -> Rate:
    """Returns the exact rate of a *source*, which may run at any speed: known rates snap, others are kept as a fraction.

    Raises BadInput(bad_rate) for zero, negative, NaN, infinite or absurd (> 1,000,000) rates.
    """
    exact = _exact(value)
    known = _nearest(exact)
    if known is not None:
        return known
    if not 0 < exact <= 1_000_000:
        raise BadInput("bad_rate", f"{value!r} is not a frame rate.")
    exact = exact.limit_denominator(1001)
    if not exact:  # less than a frame in half an hour
        raise BadInput("bad_rate", f"{value!r} is not a frame rate.")
    return Rate(exact.numerator, exact.denominator)


def _nearest(exact: Fraction) -> Rate | None:
    best = min(RATES, key=lambda rate: abs(rate.fraction - exact))
    return best if abs(best.fraction - exact) <= SNAP else None


def _exact(value: float | Fraction | str) -> Fraction:
    text = (
        value.upper().removesuffix("NDF").removesuffix("DF").removesuffix("FPS").strip()
        if isinstance(value, str)
        else value
    )
    try:
        return Fraction(text)
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise BadInput("bad_rate", f"{value!r} is not a frame rate.") from error


class Speed(Struct, frozen=True, array_like=True):
    """Playback speed as an exact fraction: 1 is normal, 1/2 half, negative reverse, 0 a freeze frame."""

    num: int = 1
    den: int = 1

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)

    @classmethod
    def of(cls, value: Fraction | int) -> Speed:
        """Returns the reduced speed."""
        exact = Fraction(value)
        return cls(exact.numerator, exact.denominator)


NORMAL: Final = Speed()
FREEZE: Final = Speed(0, 1)
