"""Rates and speeds are exact."""

from __future__ import annotations

from fractions import Fraction

import pytest

from genlock.errors import BadInput
from genlock.timeline.rate import FREEZE, NORMAL, RATES, Rate, Speed, snap_rate, source_rate


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        (23.976, Rate(24000, 1001)),
        (23.98, Rate(24000, 1001)),
        (23.976023976023978, Rate(24000, 1001)),
        ("23.976", Rate(24000, 1001)),
        ("24000/1001", Rate(24000, 1001)),
        (24, Rate(24)),
        (24.0, Rate(24)),
        (25, Rate(25)),
        (29.97, Rate(30000, 1001)),
        ("29.97 DF", Rate(30000, 1001)),
        ("29.97 NDF", Rate(30000, 1001)),
        ("30 fps", Rate(30)),
        (47.999, Rate(48)),
        (50, Rate(50)),
        (59.94, Rate(60000, 1001)),
        (Fraction(60), Rate(60)),
    ],
)
def test_snaps_to_what_was_meant(written: float | str | Fraction, rate: Rate) -> None:
    assert snap_rate(written) == rate
    assert source_rate(written) == rate


@pytest.mark.parametrize(
    "written", [0, -24, 26, 23.9, 24.02, 1000, "abc", "", "24/0", float("nan"), float("inf"), "1:2"]
)
def test_refuses_what_no_sequence_runs_at(written: float | str) -> None:
    with pytest.raises(BadInput) as error:
        snap_rate(written)
    assert error.value.code == "bad_rate"


@pytest.mark.parametrize(
    ("written", "rate"),
    [(12, Rate(12)), (120, Rate(120)), (15.5, Rate(31, 2)), ("240000/1001", Rate(240000, 1001)), (48000, Rate(48000))],
)
def test_a_source_may_run_at_any_rate(written: float | str, rate: Rate) -> None:
    assert source_rate(written) == rate


@pytest.mark.parametrize("written", [0, -1, float("nan"), float("inf"), 1e9, "x"])
def test_refuses_what_no_source_runs_at(written: float | str) -> None:
    with pytest.raises(BadInput) as error:
        source_rate(written)
    assert error.value.code == "bad_rate"


def test_known_rates() -> None:
    assert [str(rate) for rate in RATES] == ["23.976", "24", "25", "29.97", "30", "48", "50", "59.94", "60"]
    assert [rate.nominal for rate in RATES] == [24, 24, 25, 30, 30, 48, 50, 60, 60]
    assert [rate.drop_per_minute for rate in RATES] == [0, 0, 0, 2, 0, 0, 0, 4, 0]
    assert [rate.is_ntsc for rate in RATES] == [True, False, False, True, False, False, False, True, False]
    assert sum(rate.fraction for rate in RATES) == Fraction(114000, 1001) + 237


def test_speeds() -> None:
    assert Speed.of(Fraction(-4, 8)) == Speed(-1, 2)
    assert Speed.of(2).fraction == 2
    assert (NORMAL.fraction, FREEZE.fraction) == (1, 0)
