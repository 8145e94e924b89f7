"""The machine as far as memory goes. No model library is imported to look at it."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct, structs

Kind = Literal["cuda", "mps", "cpu"]

GiB: Final = 1 << 30

CONTEXT: Final = GiB // 2
"""Bytes a process holds on a CUDA device before it computes anything (0.4 to 0.6 GiB on drivers of today)."""

MARGIN: Final = GiB // 2
"""Bytes kept free on a device of its own, for fragments and for what no estimate sees."""


class Machine(Struct, frozen=True, omit_defaults=True):
    """Bytes of `device` memory, bytes of `host` memory that may be pinned as a second tier (0 where both are one memory:
    `unified`), and bytes a second over the `link` between them and from the `disk`. `capability` is CUDA's version of
    what the GPU can do (0.0 without one)."""

    name: str
    kind: Kind = "cpu"
    device: int = 8 << 30
    host: int = 0
    link: float = 20e9
    disk: float = 2.5e9
    capability: tuple[int, int] = (0, 0)

    @property
    def unified(self) -> bool:
        """Whether device and host share one memory, so that there is no middle tier."""
        return self.host == 0

    @property
    def usable(self) -> int:
        """Bytes that all jobs together can have when nobody else is there."""
        return max(0, self.device - CONTEXT - MARGIN) if self.kind == "cuda" and not self.unified else self.device

    def reload(self, bytes: int, *, pinned: bool, rebuild: float = 0.0) -> float:
        """Returns the seconds to bring `bytes` to the device: over the link from pinned memory, else from disk too."""
        if pinned:
            return bytes / self.link
        return bytes / self.disk + rebuild + (0.0 if self.unified else bytes / self.link)

    def with_measured(self, link: float = 0.0, disk: float = 0.0) -> Machine:
        """Returns the machine with bandwidths that were measured, in bytes a second; 0 leaves one as it is."""
        return structs.replace(self, link=link or self.link, disk=disk or self.disk)


def here() -> Machine:
    """Returns this machine."""
    import os

    size = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return Machine("this computer", "cpu", device=size // 2)
