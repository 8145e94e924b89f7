"""The daemon's policy beside its rivals and the optimum, on the same traces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genlock.generation.memory import optimum, simulator
from genlock.generation.memory.rivals import RIVALS
from genlock.generation.memory.traces import Trace


def compare(name: str, days: Sequence[Trace]) -> dict[str, Any]:
    """Returns a JSON-ready row: mean seconds a trace of the policy, of the optimum, and of each rival."""
    count = len(days)
    ours = sum(simulator.play(day).seconds for day in days) / count
    least = sum(map(optimum.seconds, days)) / count
    rivals = {rule: sum(simulator.play(day, make).seconds for day in days) / count for rule, make in RIVALS.items()}
    return {
        "name": name,
        "policy": simulator.POLICY,
        "seconds": ours,
        "optimum": least,
        "ratio_to_optimum": ours / least if least else 1.0,
        "rivals": rivals,
    }
