"""What machine this is: chosen from what was seen, or given by a variable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from genlock.errors import BadInput
from genlock.generation import nursery
from genlock.generation.memory import machine, meters
from genlock.generation.memory.machine import CARDS, GiB, Machine, here, made_of, pinnable
from genlock.generation.memory.measured import Measured
from genlock.generation.memory.meters import Gpu
from genlock.generation.models.library import HOME

SMALL = Gpu(0, "small", "GPU-aaaa-1", 8 * GiB, (7, 5), (3, 16))
LARGE = Gpu(1, "large", "GPU-bbbb-2", 24 * GiB, (8, 9), (4, 16))


def of(gpus: list[Gpu], ram: int = 64 * GiB, choice: str = "") -> Machine:
    return made_of(gpus, ram, system="Linux", processor="x86_64", choice=choice)


def test_the_gpu_with_most_memory_is_taken() -> None:
    made = of([SMALL, LARGE])
    assert (made.name, made.kind, made.device, made.capability) == ("large", "cuda", 24 * GiB, (8, 9))
    assert made.host == 32 * GiB
    assert made.link == pytest.approx(25.2e9, rel=0.01)
    assert made.environment == {"CUDA_VISIBLE_DEVICES": "GPU-bbbb-2"}
    assert made.usable == 23 * GiB


@pytest.mark.parametrize("choice", ["0", "GPU-aaaa-1"])
def test_another_can_be_chosen(choice: str) -> None:
    assert of([SMALL, LARGE], choice=choice).name == "small"


def test_a_choice_that_is_not_there_says_what_is() -> None:
    with pytest.raises(BadInput, match=r"'7'; there are 0, 1"):
        of([SMALL, LARGE], choice="7")


@pytest.mark.parametrize(
    ("visible", "seen"),
    [(None, "sl"), ("0", "s"), ("1,0", "sl"), ("GPU-bbbb", "l"), ("", ""), ("-1", ""), ("NoDevFiles", "")],
)
def test_what_cuda_may_not_see_is_not_taken(visible: str | None, seen: str) -> None:
    assert "".join(gpu.name[0] for gpu in (SMALL, LARGE) if machine._sees(visible, gpu)) == seen


def test_a_board_that_shares_the_memory_has_one_tier() -> None:
    made = of([Gpu(0, "shared", "GPU-c", 0, (12, 1))], 128 * GiB)
    assert made.unified
    assert made.kind == "cuda"
    assert made.device == made.usable == 96 * GiB


def test_apple_silicon_recommends_three_quarters() -> None:
    made = made_of([], 64 * GiB, system="Darwin", processor="arm64")
    assert (made.kind, made.device, made.unified) == ("mps", 48 * GiB, True)
    assert made_of([], 64 * GiB, system="Darwin", processor="x86_64").kind == "cpu"


def test_without_a_gpu_half_of_the_memory_is_used() -> None:
    assert of([], 32 * GiB) == Machine("x86_64 without a GPU", "cpu", 16 * GiB)


@pytest.mark.parametrize(("ram", "size"), [(4, 0), (8, 0), (10, 2), (16, 8), (64, 32), (256, 128)])
def test_pinned_memory_leaves_the_system_enough(ram: int, size: int) -> None:
    assert pinnable(ram * GiB) == size * GiB


def test_a_variable_overrides_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.OVERRIDE, msgspec.json.encode(CARDS["80 GB"]).decode())
    assert here() == CARDS["80 GB"]
    monkeypatch.setenv(machine.OVERRIDE, '{"device": "much"}')
    with pytest.raises(BadInput, match="GENLOCK_MACHINE"):
        here()


def test_this_machine_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(machine.OVERRIDE, raising=False)
    made = here()
    assert GiB // 4 < made.device
    assert made.usable <= made.device
    assert made == here()
    assert 0 < meters.HostMeter().free() <= meters.ram()


def test_a_machine_without_the_packages_is_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = meters.ram()
    for name in ("psutil", "pynvml"):
        monkeypatch.setitem(sys.modules, name, None)
    assert meters.gpus() == []
    assert meters.ram() == pytest.approx(seen, rel=0.01)
    assert 0 < meters.HostMeter().free() <= seen
    assert meters.HostMeter(("python",)).by_process() == {} == dict.fromkeys(meters.family())
    assert meters.name_of(1)
    assert meters.name_of(1 << 30) == ""


def test_a_container_counts_by_its_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(meters, "LIMITS", (limit,))
    limit.write_text("max\n")
    assert meters.ram() > GiB
    limit.write_text(str(GiB))
    assert meters.ram() == GiB


def test_what_was_measured_here_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(machine.OVERRIDE, raising=False)
    monkeypatch.setenv(HOME, str(tmp_path))
    guessed = here()
    Measured(tmp_path).keep_rates(disk=7e9)
    assert here() == guessed.with_measured(disk=7e9) != guessed


def test_measured_bandwidths_replace_the_guesses() -> None:
    made = CARDS["24 GB"].with_measured(link=12e9)
    assert (made.link, made.disk) == (12e9, CARDS["24 GB"].disk)
    assert made.reload(12_000_000_000, pinned=True) == 1.0
    slow = made.with_measured(disk=1e9)
    assert slow.reload(12_000_000_000, pinned=False, rebuild=3) == 12 + 3 + 1


class Nvml:
    """NVML as far as it is asked, with one GPU that reports no memory and one that does."""

    class NVMLError(Exception):
        pass

    class NVMLError_NotSupported(NVMLError):
        pass

    def nvmlInit(self) -> None: ...
    def nvmlShutdown(self) -> None: ...

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        if uuid not in ("GPU-0", "GPU-1"):
            raise self.NVMLError("not found")
        return int(uuid[-1])

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Info:
        if handle == 0:
            raise self.NVMLError_NotSupported
        return Info(total=24, free=10)

    def nvmlDeviceGetMaxPcieLinkGeneration(self, handle: int) -> int:
        if handle == 0:
            raise self.NVMLError("none")
        return 4

    def nvmlDeviceGetMaxPcieLinkWidth(self, handle: int) -> int:
        return 16

    def nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return 9, handle

    def nvmlDeviceGetName(self, handle: int) -> str:
        return f"gpu {handle}"

    def nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Info]:
        return [Info(pid=1, usedGpuMemory=6), Info(pid=2, usedGpuMemory=2)]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: int) -> list[Info]:
        return [Info(pid=2, usedGpuMemory=3), Info(pid=3, usedGpuMemory=None)]


class Info:
    def __init__(self, **fields: int | None) -> None:
        self.__dict__.update(fields)


def test_nvml_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml())  # type: ignore[arg-type]
    assert meters.gpus() == [Gpu(0, "gpu 0", "GPU-0", 0, (9, 0)), Gpu(1, "gpu 1", "GPU-1", 24, (9, 1), (4, 16))]
    meter = meters.NvmlMeter("GPU-1")
    assert (meter.total(), meter.free(), meter.by_process()) == (24, 10, {1: 6, 2: 3})
    gone = meters.NvmlMeter("GPU-9")
    assert (gone.total(), gone.free(), gone.by_process()) == (0, 0, {})


def test_workers_see_the_gpu_that_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = msgspec.json.encode(Machine("card", "cuda", GiB, GiB, gpu="GPU-bbbb-2")).decode()
    monkeypatch.setenv(machine.OVERRIDE, chosen)
    code = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"
    child = nursery._python("-c", code, stdout=subprocess.PIPE)
    assert child.communicate(timeout=30)[0].decode().strip() == "GPU-bbbb-2"
