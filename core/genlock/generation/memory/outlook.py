"""What is known about which component is needed when: running jobs, waiting ones, and what was used lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from genlock.generation.engine import Component, Lane, Plan

Key = tuple[Lane, str]
"""A component of one lane's process: lanes share nothing."""

MEMORY: Final = 25
"""Stages after which a use counts 1/e in the rate."""

_FADE: Final = [(1.0 - 1 / MEMORY) ** ago for ago in range(40 * MEMORY)]
"""What a use counts so many stages later; nothing beyond."""

SIGHT: Final = 160
"""Stages of the queue that are looked at; what comes later is as good as unknown."""


class Phase(Struct, frozen=True):
    """A stage of a plan in a lane: its components by key, and the bytes it needs on the device."""

    name: str
    needs: dict[Key, Component]
    activation: int
    bytes: int


def phases(plan: Plan, lane: Lane) -> tuple[Phase, ...]:
    """Returns the stages of a plan; one of all its components for a plan that names none."""
    parts = {part.name: part for part in plan.components}
    if not plan.stages:
        return (Phase("", {(lane, name): part for name, part in parts.items()}, plan.activation, plan.bytes),)
    return tuple(
        Phase(
            stage.name,
            {(lane, name): parts[name] for name in stage.components},
            stage.activation,
            stage.activation + sum(parts[name].bytes for name in stage.components),
        )
        for stage in plan.stages
    )


class Outlook:
    """Counts stages: behind for the rates, ahead for the next uses."""

    def __init__(self) -> None:
        self.now = 0
        """Stages begun so far."""
        self._seen = 1.0
        self._rates: dict[Key, tuple[float, int]] = {}
        self.first: dict[Key, int] = {}
        self.tallest: list[int] = [0]
        self._known: dict[int, tuple[Plan, Lane, tuple[Phase, ...]]] = {}

    def used(self, keys: Iterable[Key]) -> int:
        """Notes that a stage begins that uses these; returns its number."""
        self.now += 1
        self._seen = 1.0 - _FADE[self.now] if self.now < len(_FADE) else 1.0
        for key in keys:
            self._rates[key] = (self._weight(key) + 1 / MEMORY, self.now)
        return self.now

    def expect(self, queue: Sequence[tuple[Lane, Plan]]) -> None:
        """Names the jobs that wait, in order."""
        first: dict[Key, int] = {}
        tallest = [0]
        known: dict[int, tuple[Plan, Lane, tuple[Phase, ...]]] = {}
        for lane, plan in queue:
            if len(tallest) > SIGHT:
                break
            # a plan waits through many calls, and taking it apart is what costs; held here, its id is nobody else's
            row = known.get(id(plan)) or self._known.get(id(plan))
            if row is None or row[1] != lane:
                row = (plan, lane, phases(plan, lane))
            known[id(plan)] = row
            for phase in row[2]:
                for key in phase.needs:
                    if key not in first:
                        first[key] = len(tallest)
                tallest.append(phase.bytes if phase.bytes > tallest[-1] else tallest[-1])
        self.first, self.tallest, self._known = first, tallest, known

    def ahead(self, running: Sequence[Sequence[Phase]]) -> Ahead:
        """Returns what comes, seen from now: the rest of every running job side by side, then the queue."""
        near: dict[Key, int] = {}
        tall: list[int] = [0]
        for at in range(max(map(len, running), default=0)):
            row = [rest[at] for rest in running if at < len(rest)]
            for phase in row:
                for key in phase.needs:
                    near.setdefault(key, at + 1)
            tall.append(max(tall[-1], *(phase.bytes for phase in row)))
        return Ahead(self, near, tall)

    def rate(self, key: Key) -> float:
        """Returns the share of the last stages that used it, recent ones counting more; at most 1."""
        return min(1.0, self._weight(key) / self._seen)

    def _weight(self, key: Key) -> float:
        weight, tick = self._rates.get(key, (0.0, self.now))
        ago = self.now - tick
        return weight * _FADE[ago] if ago < len(_FADE) else 0.0


class Ahead:
    """The stages that come, as far as they are known."""

    def __init__(self, outlook: Outlook, near: dict[Key, int], tall: list[int]) -> None:
        self._near, self._tall, self._running = near, tall, len(tall) - 1
        self._first, self._tallest, self._rate = outlook.first, outlook.tallest, outlook.rate
        self.stages = self._running + len(outlook.tallest) - 1
        """How many are known."""

    def use(self, key: Key) -> tuple[int | None, int, float]:
        """Returns how many stages from now a component is needed (1 the next, None: by none that is known), the bytes of
        the largest stage before, and how often stages used it lately."""
        at = self._near.get(key)
        if at is not None:
            return at, self._tall[at - 1], 1.0
        at = self._first.get(key)
        if at is not None:
            return self._running + at, max(self._tall[-1], self._tallest[at - 1]), 1.0
        return None, 0, self._rate(key)
