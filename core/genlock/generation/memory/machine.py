"""The machine as far as memory goes. No model library is imported to look at it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, Literal

import msgspec
from msgspec import Struct, structs

from genlock.errors import BadInput
from genlock.generation.memory import meters
from genlock.generation.memory.measured import Measured
from genlock.generation.memory.meters import Gpu
from genlock.generation.models.library import Library

Kind = Literal["cuda", "mps", "cpu"]

GiB: Final = 1 << 30

OVERRIDE: Final = "GENLOCK_MACHINE"
"""Environment variable: a Machine as JSON that is taken instead of looking."""

CHOICE: Final = "GENLOCK_GPU"
"""Environment variable: which of several GPUs, by NVML's number. Without it the one with most memory."""

CONTEXT: Final = GiB // 2
"""Bytes a process holds on a CUDA device before it computes anything (0.4 to 0.6 GiB on drivers of today)."""

MARGIN: Final = GiB // 2
"""Bytes kept free on a device of its own, for fragments and for what no estimate sees."""

LANE: Final = {1: 0.25e9, 2: 0.5e9, 3: 0.985e9, 4: 1.97e9, 5: 3.94e9, 6: 7.56e9}
"""Bytes a second of one PCI Express lane by generation."""

REACHED: Final = 0.8
"""Part of a link's nominal rate that copies from pinned memory reach."""


class Machine(Struct, frozen=True, omit_defaults=True):
    """Bytes of `device` memory, bytes of `host` memory that may be pinned as a second tier (0 where both are one memory:
    `unified`), and bytes a second over the `link` between them and from the `disk`. `capability` is CUDA's name for what
    a GPU can do, (0, 0) where unknown; `gpu` its UUID, so that a worker sees that one only."""

    name: str
    kind: Kind = "cpu"
    device: int = 8 * GiB
    host: int = 0
    link: float = 20e9
    disk: float = 2.5e9
    capability: tuple[int, int] = (0, 0)
    gpu: str = ""

    @property
    def unified(self) -> bool:
        """Whether device and host share one memory, so that there is no middle tier."""
        return self.host == 0

    @property
    def usable(self) -> int:
        """Bytes that all jobs together can have when nobody else is there."""
        return self.device if self.unified else self.device - min(CONTEXT + MARGIN, self.device // 8)

    @property
    def environment(self) -> dict[str, str]:
        """Variables a worker process needs, for "cuda:0" to be this GPU."""
        return {"CUDA_VISIBLE_DEVICES": self.gpu} if self.gpu else {}

    def reload(self, bytes: int, *, pinned: bool, rebuild: float = 0.0) -> float:
        """Returns the seconds to bring `bytes` to the device: over the link from pinned memory, else from disk too."""
        if pinned:
            return bytes / self.link
        return bytes / self.disk + rebuild + (0.0 if self.unified else bytes / self.link)

    def with_measured(self, link: float = 0.0, disk: float = 0.0) -> Machine:
        """Returns the machine with bandwidths that were measured, in bytes a second; 0 leaves one as it is."""
        return structs.replace(self, link=link or self.link, disk=disk or self.disk)


def here() -> Machine:
    """Returns this machine, with the bandwidths that were measured on it. Raises BadInput(bad_value) when an environment
    variable names one that cannot be."""
    given = os.environ.get(OVERRIDE)
    if given:
        try:
            return msgspec.json.decode(given, type=Machine)
        except msgspec.DecodeError as error:
            raise BadInput("bad_value", f"{OVERRIDE} holds no machine: {error}.") from error
    rates = Measured(Library().home).read()
    seen = _look(os.environ.get(CHOICE, ""), os.environ.get("CUDA_VISIBLE_DEVICES"))
    return seen.with_measured(link=rates.link, disk=rates.disk)


@cache
def _look(choice: str, visible: str | None) -> Machine:
    gpus = [gpu for gpu in meters.gpus() if _sees(visible, gpu)]
    return made_of(gpus, meters.ram(), system=platform.system(), processor=platform.machine(), choice=choice)


def made_of(gpus: Sequence[Gpu], ram: int, *, system: str, processor: str, choice: str = "") -> Machine:
    """Returns the machine of these GPUs and so many bytes of memory. Pure.

    `system` and `processor` as `platform` spells them. Raises BadInput(bad_value) when there is no GPU number `choice`.
    """
    if gpus:
        return _cuda(_chosen(gpus, choice), ram)
    if system == "Darwin" and processor == "arm64":
        # Metal recommends a working set of about three quarters of the memory.
        return Machine("Apple silicon", "mps", device=ram * 3 // 4)
    return Machine(f"{processor} without a GPU", "cpu", device=ram // 2)


def pinnable(ram: int) -> int:
    """Returns the bytes of host memory that may be pinned: half, but 8 GiB and 15 % stay with the system."""
    return max(0, min(ram // 2, ram - max(8 * GiB, ram * 15 // 100)))


def _cuda(gpu: Gpu, ram: int) -> Machine:
    if not gpu.total:  # boards that share the system's memory do not report any of their own
        return Machine(gpu.name, "cuda", device=ram * 3 // 4, capability=gpu.capability, gpu=gpu.uuid)
    generation, lanes = gpu.link
    link = LANE.get(generation, 0.0) * lanes * REACHED
    made = Machine(gpu.name, "cuda", gpu.total, max(GiB, pinnable(ram)), capability=gpu.capability, gpu=gpu.uuid)
    return made.with_measured(link=link)


def _chosen(gpus: Sequence[Gpu], choice: str) -> Gpu:
    if not choice:
        return max(gpus, key=lambda gpu: (gpu.total, -gpu.index))
    for gpu in gpus:
        if choice in (str(gpu.index), gpu.uuid):
            return gpu
    raise BadInput(
        "bad_value", f"{CHOICE} names the GPU {choice!r}; there are {', '.join(str(g.index) for g in gpus)}."
    )


def _sees(visible: str | None, gpu: Gpu) -> bool:
    """Whether CUDA_VISIBLE_DEVICES lets a GPU through: numbers, or beginnings of UUIDs."""
    if visible is None:
        return True
    entries = [entry.strip() for entry in visible.split(",")]
    return any(entry == str(gpu.index) or (len(entry) > 4 and gpu.uuid.startswith(entry)) for entry in entries)


CARDS: Final[Mapping[str, Machine]] = {
    "8 GB": Machine("8 GB card", "cuda", 8 * GiB, 16 * GiB, link=12.6e9, capability=(8, 9)),
    "12 GB": Machine("12 GB card", "cuda", 12 * GiB, 16 * GiB, link=25e9, capability=(8, 9)),
    "16 GB": Machine("16 GB card", "cuda", 16 * GiB, 32 * GiB, link=25e9, capability=(8, 9)),
    "24 GB": Machine("24 GB card", "cuda", 24 * GiB, 32 * GiB, link=25e9, capability=(8, 9)),
    "32 GB": Machine("32 GB card", "cuda", 32 * GiB, 32 * GiB, link=50e9, capability=(12, 0)),
    "48 GB": Machine("48 GB card", "cuda", 48 * GiB, 64 * GiB, link=25e9, capability=(8, 9)),
    "80 GB": Machine("80 GB card", "cuda", 80 * GiB, 128 * GiB, link=50e9, capability=(9, 0)),
    "141 GB": Machine("141 GB card", "cuda", 140 * GiB, 256 * GiB, link=50e9, disk=5e9, capability=(9, 0)),
    "64 GB unified": Machine("64 GB unified memory", "mps", 48 * GiB, disk=5e9),
    "128 GB unified": Machine("128 GB unified memory", "mps", 96 * GiB, disk=5e9),
}
"""Machines as they are bought, for tables and proofs: card size to a machine with the memory people put beside it."""
