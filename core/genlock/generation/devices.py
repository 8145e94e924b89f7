"""How to compute on which kind of device: a table, so that a new device is a row and a test can fake one."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from genlock.generation.memory.machine import Kind, Machine

Dtype = Literal["bfloat16", "float16", "float32"]


class Device(Struct, frozen=True):
    """What a device can do. `name` as torch spells it; `decoder` is the dtype of VAEs; `fp8` and `int8` say whether
    weights may be kept so; `tiles` whether pictures are always decoded in tiles."""

    name: str
    kind: Kind
    dtype: Dtype
    decoder: Dtype
    fp8: bool
    int8: bool
    tiles: bool

    def width(self, dtype: Dtype | None = None) -> int:
        """Returns the bytes of a number."""
        return 4 if (dtype or self.dtype) == "float32" else 2


TABLE: Final[dict[Kind, Device]] = {
    "cuda": Device("cuda:0", "cuda", "bfloat16", "bfloat16", fp8=True, int8=True, tiles=False),
    # Metal has no 8-bit floats, and convolutions of the decoders lose their range in half precision there.
    "mps": Device("mps", "mps", "bfloat16", "float32", fp8=False, int8=False, tiles=True),
    "cpu": Device("cpu", "cpu", "float32", "float32", fp8=False, int8=False, tiles=False),
}


def device(machine: Machine) -> Device:
    """Returns the row of a machine."""
    return TABLE[machine.kind]
