"""Exact rates and speeds out of floats and whole frames."""

from __future__ import annotations

import struct
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "blender_addon"))

from genlock_blender import pace

RATES = [Fraction(n) for n in (1, 12, 23, 24, 25, 30, 48, 50, 60, 90, 120, 240)]
RATES += [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]


def single(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


@pytest.mark.parametrize("rate", RATES)
def test_a_rate_is_exact_after_a_short_float(rate: Fraction) -> None:
    assert pace.exact_rate(single(float(rate))) == rate
    assert pace.exact_rate(float(rate)) == rate


@pytest.mark.parametrize("rate", RATES)
def test_a_rate_is_exact_from_frames_over_a_base(rate: Fraction) -> None:
    whole = round(rate)
    assert pace.exact_rate(whole / single(float(whole / rate))) == rate


def test_a_rate_that_an_old_library_rounded_is_still_exact() -> None:
    assert pace.exact_rate(23.976022720336914) == Fraction(24000, 1001)
    assert pace.exact_rate(12.5) == Fraction(25, 2)


@pytest.mark.parametrize("value", [0.0, -24.0, float("nan")])
def test_what_is_no_rate_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no frame rate"):
        pace.exact_rate(value)


@given(st.fractions(min_value="1/500", max_value=500), st.fractions(min_value=0, max_value=3))
def test_the_simplest_fraction_lies_inside_and_none_is_simpler(low: Fraction, width: Fraction) -> None:
    found = pace.simplest(low, low + width)
    assert low <= found <= low + width
    smaller = range(1, min(found.denominator, 60))
    assert not any(-(-low * den // 1) <= (low + width) * den // 1 for den in smaller)


@given(
    st.integers(100, 5000),
    st.fractions(min_value="1/8", max_value=8, max_denominator=8),
    st.sampled_from([Fraction(1), Fraction(4, 5), Fraction(1001, 1000)]),
)
def test_a_simple_speed_comes_back_from_the_length_that_it_makes(frames: int, speed: Fraction, real: Fraction) -> None:
    length = round(frames * real / speed)
    found = pace.speed_from(frames, length, real)
    assert round(frames * real / found) == pytest.approx(length, abs=1)
    assert found.denominator <= speed.denominator


@pytest.mark.parametrize(("frames", "length"), [(0, 10), (10, 0), (-3, 5)])
def test_no_speed_without_a_length(frames: int, length: int) -> None:
    with pytest.raises(ValueError, match="length"):
        pace.speed_from(frames, length)
