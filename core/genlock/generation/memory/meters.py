"""How much memory is there, how much is free, and who has it: NVML for NVIDIA's GPUs, the system for shared memory.

Both packages are optional: without `nvidia-ml-py` there is no GPU to see, without `psutil` the system is asked by sysconf.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T")

log = logging.getLogger("genlock.memory")

UNKNOWN: Final = 8 << 30
"""Bytes that are assumed where the system does not say how many it has."""

LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container's limit is written, which counts instead of the machine's memory."""


class Gpu(Struct, frozen=True):
    """A GPU as NVML sees it. `total` bytes, 0 for one that shares the system's memory; `link` is PCI Express generation
    and lanes, (0, 0) where unknown."""

    index: int
    name: str
    uuid: str
    total: int
    capability: tuple[int, int] = (0, 0)
    link: tuple[int, int] = (0, 0)


class Meter(Protocol):
    """One memory, measured. Everything in bytes."""

    def total(self) -> int:
        """Returns the size of the memory."""

    def free(self) -> int:
        """Returns what nobody holds."""

    def by_process(self) -> Mapping[int, int]:
        """Returns what each process holds by pid; empty where the system does not tell (Windows' driver model)."""


class NvmlMeter:
    """The memory of one NVIDIA GPU by its UUID. A GPU that is gone has nothing free."""

    def __init__(self, uuid: str) -> None:
        self.uuid = uuid

    def total(self) -> int:
        return _ask(lambda nvml: int(nvml.nvmlDeviceGetMemoryInfo(self._handle(nvml)).total), 0)

    def free(self) -> int:
        return _ask(lambda nvml: int(nvml.nvmlDeviceGetMemoryInfo(self._handle(nvml)).free), 0)

    def by_process(self) -> Mapping[int, int]:
        def processes(nvml: Any) -> dict[int, int]:
            handle = self._handle(nvml)
            found: dict[int, int] = {}
            for running in (nvml.nvmlDeviceGetComputeRunningProcesses, nvml.nvmlDeviceGetGraphicsRunningProcesses):
                for process in running(handle):
                    # the same bytes stand in both lists for a process that computes and draws
                    found[process.pid] = max(found.get(process.pid, 0), int(process.usedGpuMemory or 0))
            return {pid: size for pid, size in found.items() if size}

        return _ask(processes, {})

    def _handle(self, nvml: Any) -> Any:
        return nvml.nvmlDeviceGetHandleByUUID(self.uuid)


class HostMeter:
    """The system's memory, for machines where device and host share it. Listed are processes whose names begin with one of
    `names`, and those of `pids`: asking all of them is slow."""

    def __init__(self, names: tuple[str, ...] = (), pids: Callable[[], Iterable[int]] = tuple) -> None:
        self.names, self.pids = names, pids

    def total(self) -> int:
        return ram()

    def free(self) -> int:
        try:
            import psutil
        except ImportError:
            return _sysconf("SC_AVPHYS_PAGES")
        return min(ram(), int(psutil.virtual_memory().available))

    def by_process(self) -> Mapping[int, int]:
        try:
            import psutil
        except ImportError:
            return {}
        found: dict[int, int] = {}
        own = set(self.pids())
        for process in psutil.process_iter(["name"]):
            if process.pid in own or (process.info["name"] or "").lower().startswith(self.names):
                with suppress(psutil.Error):
                    found[process.pid] = int(process.memory_info().rss)
        return found


def gpus() -> list[Gpu]:
    """Returns the NVIDIA GPUs of this machine; none without driver or package."""
    return _ask(lambda nvml: [_gpu(nvml, index) for index in range(nvml.nvmlDeviceGetCount())], [])


def _gpu(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    total, link = 0, (0, 0)
    with suppress(nvml.NVMLError_NotSupported):
        total = int(nvml.nvmlDeviceGetMemoryInfo(handle).total)
    with suppress(nvml.NVMLError):
        link = (nvml.nvmlDeviceGetMaxPcieLinkGeneration(handle), nvml.nvmlDeviceGetMaxPcieLinkWidth(handle))
    capability = nvml.nvmlDeviceGetCudaComputeCapability(handle)
    name, uuid = str(nvml.nvmlDeviceGetName(handle)), str(nvml.nvmlDeviceGetUUID(handle))
    return Gpu(index, name, uuid, total, (int(capability[0]), int(capability[1])), link)


def ram() -> int:
    """Returns the bytes of memory of this machine, or of the container it is seen from."""
    try:
        import psutil

        size = int(psutil.virtual_memory().total)
    except ImportError:
        size = _sysconf("SC_PHYS_PAGES")
    return min([size, *_limits()])


def family() -> tuple[int, ...]:
    """Returns the processes that this one started, and those they started."""
    try:
        import psutil
    except ImportError:
        return ()
    try:
        return tuple(child.pid for child in psutil.Process().children(recursive=True))
    except psutil.Error:
        return ()


def name_of(pid: int) -> str:
    """Returns the name of a process's program in lower case; empty when it is gone or not to be seen."""
    try:
        import psutil
    except ImportError:
        with suppress(OSError):
            return Path(f"/proc/{pid}/comm").read_text().strip().lower()
        return ""
    try:
        return str(psutil.Process(pid).name()).lower()
    except (psutil.Error, ValueError):
        return ""


def _limits() -> list[int]:
    found = []
    for path in LIMITS:
        with suppress(OSError, ValueError):  # "max" is no number, and no limit
            found.append(int(path.read_text()))
    return found


def _sysconf(what: str) -> int:
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf(what))
    except (AttributeError, ValueError, OSError):  # Windows has none of it
        return UNKNOWN


def _ask(question: Callable[[Any], T], otherwise: T) -> T:
    """Returns NVML's answer, `otherwise` where there is no driver, no such GPU or no answer."""
    try:
        import pynvml
    except ImportError:
        return otherwise
    try:
        pynvml.nvmlInit()
        try:
            return question(pynvml)
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError as error:
        log.debug("NVML does not answer: %s", error)
        return otherwise
