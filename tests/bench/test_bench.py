"""The figures' own arithmetic, and that every suite named can be run."""

from __future__ import annotations

from importlib import import_module

import pytest

from genlock.bench import SUITES, Result, interleaved, p50, p99


def test_a_ratio_is_what_a_limit_bounds_when_there_is_a_floor() -> None:
    assert Result("edit", 3.0, "ms", 4.0, floor=1.0).ok
    assert not Result("edit", 5.0, "ms", 4.0, floor=1.0).ok
    assert Result("edit", 5.0, "ms", 4.0, floor=1.0).ratio == 5.0


def test_a_value_is_bounded_when_there_is_none() -> None:
    assert Result("edit", 3.0, "ms", 4.0).ok
    assert not Result("edit", 5.0, "ms", 4.0).ok
    assert Result("edit", 5.0, "ms", 4.0).ratio is None


def test_a_floor_of_nothing_never_passes() -> None:
    assert not Result("edit", 3.0, "ms", 4.0, floor=0.0).ok
    assert not Result("edits", 3.0, "1/s", 4.0, floor=0.0, at_least=True).ok


def test_throughput_is_bounded_from_below() -> None:
    assert Result("edits", 50.0, "1/s", 10.0, floor=5.0, at_least=True).ok
    assert not Result("edits", 49.0, "1/s", 10.0, floor=5.0, at_least=True).ok


def test_percentiles_are_nearest_ranks() -> None:
    times = [float(n) for n in range(1, 101)]
    assert (p50(times), p99(times)) == (50.5, 99.0)
    assert p99([7.0]) == 7.0


def test_floor_and_subject_take_turns() -> None:
    calls: list[str] = []
    floors, subjects = interleaved(3, lambda: calls.append("floor"), lambda: calls.append("subject"))
    assert calls == ["floor", "subject"] * 3
    assert (len(floors), len(subjects)) == (3, 3)


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_can_be_run(suite: str) -> None:
    assert callable(import_module(f"genlock.bench.{suite}").run)


def test_a_suite_yields_results() -> None:
    first = next(import_module("genlock.bench.timeline").run())
    assert isinstance(first, Result)
    assert first.value > 0
