"""`genlock bench`: measurements as ratios against a floor taken in the same run.

Floor and subject are timed in turn, so that a busy machine slows both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from math import inf, isfinite
from statistics import median
from time import perf_counter

from msgspec import Struct

SUITES = ("timeline", "store", "application", "wire", "media", "generation", "daemon", "exchange", "blender")
"""Modules of this package; each has `run() -> Iterator[Result]`."""


class Result(Struct, frozen=True):
    """One figure. With a `floor`, `ratio` = value / floor is what `limit` bounds; without one the value itself is.
    `at_least` turns the limit round (throughput)."""

    name: str
    value: float
    unit: str
    limit: float
    floor: float | None = None
    at_least: bool = False

    @property
    def ratio(self) -> float | None:
        """How often the floor goes into the value; infinite over a floor of nothing, which was not measured then."""
        if self.floor is None:
            return None
        return self.value / self.floor if self.floor else inf

    @property
    def ok(self) -> bool:
        """Whether the limit is kept. A floor of nothing proves nothing."""
        figure = self.value if self.ratio is None else self.ratio
        return isfinite(figure) and (figure >= self.limit if self.at_least else figure <= self.limit)


def results(names: tuple[str, ...] = ()) -> Iterator[Result]:
    """Runs the suites named (all without names) and yields figures as they come."""
    for name in names or SUITES:
        suite: Callable[[], Iterator[Result]] = import_module(f"genlock.bench.{name}").run
        yield from suite()


def interleaved(
    rounds: int, floor: Callable[[], object], subject: Callable[[], object]
) -> tuple[list[float], list[float]]:
    """Times floor and subject in turn; returns their seconds, sorted, floor first."""
    floors: list[float] = []
    subjects: list[float] = []
    for _ in range(rounds):
        for call, times in ((floor, floors), (subject, subjects)):
            begin = perf_counter()
            call()
            times.append(perf_counter() - begin)
    return sorted(floors), sorted(subjects)


def p50(times: list[float]) -> float:
    """Returns the median."""
    return median(times)


def p99(times: list[float]) -> float:
    """Returns the 99th percentile (nearest rank)."""
    return sorted(times)[max(0, -(-len(times) * 99 // 100) - 1)]
