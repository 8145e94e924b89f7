"""What a ledger writes down: components that are somewhere, and leases."""

from __future__ import annotations

from collections.abc import Sequence

from genlock.errors import GenerationError
from genlock.generation.engine import Component, Lane, Tier
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.outlook import Key, Phase


class Resident:
    """A component on the device or in host memory. `going` is the tier it was told to go to. Coming back
    costs `back` seconds from where it falls to, `deeper` seconds more from disk than from host memory."""

    __slots__ = ("back", "bytes", "component", "deeper", "going", "keeps", "tier", "used")

    def __init__(self, component: Component, bytes: int, tier: Tier, used: int, machine: Machine) -> None:
        self.used = used
        self.going: Tier | None = None
        self.arrive(component, bytes, tier, machine)

    def arrive(self, component: Component, bytes: int, tier: Tier, machine: Machine) -> None:
        """Notes where it is, and what coming back will cost."""
        self.component, self.bytes, self.tier = component, bytes, tier
        self.keeps = not machine.unified and not component.pinned and bytes <= machine.host
        """Whether it can fall to host memory. One that streams from there is built in its place, never moved."""
        disk = machine.reload(bytes + component.pinned, pinned=False, rebuild=component.rebuild)
        host = machine.reload(bytes, pinned=True)
        self.back, self.deeper = host if self.keeps else disk, disk - host

    @property
    def stays(self) -> bool:
        """Whether it is on the device and was not told to leave."""
        return self.tier == "device" and self.going is None

    @property
    def in_host(self) -> bool:
        """Whether it is in host memory to stay, or on its way there."""
        return self.going == "host" or (self.tier == "host" and self.going is None)


class Lease:
    """What a job holds. `granted` bytes by plan; `phase` is the stage it is in."""

    def __init__(self, owner: str, lane: Lane, priority: int, stages: tuple[Phase, ...]) -> None:
        self.owner, self.lane, self.priority, self.stages = owner, lane, priority, stages
        self.granted = max(phase.bytes for phase in stages)
        self.phase: Phase | None = None
        self.rest: Sequence[Phase] = stages
        self.pending: set[Key] = set()
        self.holds = any(phase.needs for phase in stages)
        self.pinned = max(pinned_by(phase) for phase in stages)

    def enter(self, name: str) -> Phase:
        """Goes to a stage; any stage may come again. Raises GenerationError(engine_failed, needs_memory)."""
        for at, phase in enumerate(self.stages):
            if phase.name in ("", name):
                if phase.bytes > self.granted:
                    raise GenerationError(
                        "needs_memory", f"The stage {name} needs {phase.bytes} bytes, {self.granted} are held."
                    )
                self.phase, self.rest = phase, self.stages[at + 1 :]
                return phase
        raise GenerationError("engine_failed", f"The plan has no stage {name!r}.")


def pinned_by(phase: Phase) -> int:
    """Returns the bytes of host memory a stage needs while it runs."""
    return sum(part.pinned for part in phase.needs.values())
