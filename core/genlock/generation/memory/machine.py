"""The machine as far as memory goes. No model library is imported to look at it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["cuda", "mps", "cpu"]


class Machine(Struct, frozen=True, omit_defaults=True):
    """Bytes of `device` memory, bytes of `host` memory that may be pinned as a second tier (0 where both are one memory:
    `unified`), and bytes a second over the `link` between them and from the `disk`."""

    name: str
    kind: Kind = "cpu"
    device: int = 8 << 30
    host: int = 0
    link: float = 20e9
    disk: float = 2.5e9

    @property
    def unified(self) -> bool:
        """Whether device and host share one memory, so that there is no middle tier."""
        return self.host == 0

    def reload(self, bytes: int, *, pinned: bool, rebuild: float = 0.0) -> float:
        """Returns the seconds to bring `bytes` to the device: over the link from pinned memory, else from disk too."""
        if pinned:
            return bytes / self.link
        return bytes / self.disk + rebuild + (0.0 if self.unified else bytes / self.link)


def here() -> Machine:
    """Returns this machine."""
    import os

    size = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return Machine("this computer", "cpu", device=size // 2)
