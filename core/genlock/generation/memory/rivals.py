"""Rules others use, played on the same site: LRU, smallest first (InvokeAI), greedy dual with sizes and frequency (a
web cache's), and one exclusive slot a family of models (Milimo Video)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from genlock.generation.engine import Lane, Plan
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.outlook import Key, Phase, phases
from genlock.generation.memory.simulator import Player, Site

FAMILIES: Final = {"ltx2": "video", "flux2": "image", "gemma3": "language", "ollama": "language"}
FOES: Final = {"video": "image", "image": "video"}


class Rule:
    """An order in which residents leave, one by one, until the stage fits; host memory overflows in LRU order."""

    def __init__(self, machine: Machine) -> None:
        self.site = Site(machine)
        self.clock = 0
        self.last: dict[Key, int] = {}
        self.uses: dict[Key, int] = {}

    def run(self, plan: Plan, lane: Lane, budget: int, queue: Sequence[tuple[Lane, Plan]]) -> None:
        """Runs a job; the queue is not looked at."""
        for phase in phases(plan, lane):
            self.clock += 1
            self.before(phase)
            self._fit(phase, budget)
            for key, part in phase.needs.items():
                self.site.bring(key, part)
                self.last[key], self.uses[key] = self.clock, self.uses.get(key, 0) + 1
            self._fall()
            self.site.check(phase.activation, budget)
            self.after(phase)

    def order(self, keys: list[Key]) -> list[Key]:
        """Returns who leaves first."""
        return sorted(keys, key=lambda key: self.last[key])

    def before(self, phase: Phase) -> None:
        """Is called when a stage begins."""

    def after(self, phase: Phase) -> None:
        """Is called when a stage has what it needs."""

    def drop(self, key: Key) -> None:
        """Takes a component off the device."""
        machine = self.site.machine
        self.site.drop(key, "disk" if self.site.parts[key].bytes > machine.host else "host")

    def _fit(self, phase: Phase, budget: int) -> None:
        there = self.site.there("device")
        absent = sum(part.bytes for key, part in phase.needs.items() if key not in there)
        need = self.site.size("device") + absent + phase.activation - budget
        for key in self.order([key for key in there if key not in phase.needs]):
            if need <= 0:
                return
            need -= self.site.parts[key].bytes
            self.drop(key)

    def _fall(self) -> None:
        for key in sorted(self.site.there("host"), key=lambda key: self.last[key]):
            if self.site.size("host") <= self.site.machine.host:
                return
            self.site.drop(key, "disk")


class SmallestFirst(Rule):
    """The smallest leave first."""

    def order(self, keys: list[Key]) -> list[Key]:
        """Returns the smallest first."""
        return sorted(keys, key=lambda key: self.site.parts[key].bytes)


class GreedyDual(Rule):
    """Value = age + uses x reload seconds a byte; what leaves sets the age."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.age = 0.0
        self.value: dict[Key, float] = {}

    def order(self, keys: list[Key]) -> list[Key]:
        """Returns the least value first."""
        return sorted(keys, key=lambda key: self.value[key])

    def after(self, phase: Phase) -> None:
        """Values what was used."""
        for key, part in phase.needs.items():
            back = self.site.back(key, "disk" if self.site.machine.unified else "host")
            self.value[key] = self.age + self.uses[key] * back / part.bytes

    def drop(self, key: Key) -> None:
        """Raises the age to what leaves."""
        self.age = max(self.age, self.value[key])
        super().drop(key)


class ExclusiveSlot(Rule):
    """A video job unloads the image models and the reverse, a language model leaves when it has spoken, and nothing is
    kept in host memory."""

    def before(self, phase: Phase) -> None:
        """Unloads the other family."""
        foes = {FOES.get(_family(key)) for key in phase.needs} - {None}
        for key in self.site.there("device"):
            if _family(key) in foes:
                self.drop(key)

    def after(self, phase: Phase) -> None:
        """Unloads a language model."""
        for key in phase.needs:
            if _family(key) == "language":
                self.drop(key)

    def drop(self, key: Key) -> None:
        """Drops to disk."""
        self.site.drop(key, "disk")


def _family(key: Key) -> str:
    return FAMILIES.get(key[1].split("/")[0].split("-")[0], "")


RIVALS: Final[Mapping[str, Callable[[Machine], Player]]] = {
    "exclusive slot": ExclusiveSlot,
    "smallest first": SmallestFirst,
    "LRU": Rule,
    "GDSF": GreedyDual,
}
"""Name -> player."""
