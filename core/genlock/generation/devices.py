"""How to compute on which kind of device: a table, so that a new device is a row and a test can fake one."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from genlock.generation.engine import Tier
from genlock.generation.memory.machine import Kind, Machine

Dtype = Literal["bfloat16", "float16", "float32"]

UNIFIED: Final[tuple[Tier, ...]] = ("device", "disk")
APART: Final[tuple[Tier, ...]] = ("device", "host", "disk")


class Device(Struct, frozen=True):
    """What a device can do. `name` as torch spells it; `decoder` is the dtype of VAEs; `fp8` and `int8` say whether
    weights may be kept so; `tiles` whether pictures are always decoded in tiles; `double` whether there are 64-bit floats;
    `linear` whether attention takes memory by tokens rather than by their square; `tiers` where weights may lie."""

    name: str
    kind: Kind
    dtype: Dtype
    decoder: Dtype
    fp8: bool
    int8: bool
    tiles: bool
    double: bool = True
    linear: bool = True
    tiers: tuple[Tier, ...] = APART

    def width(self, dtype: Dtype | None = None) -> int:
        """Returns the bytes of a number."""
        return 4 if (dtype or self.dtype) == "float32" else 2


class Row(Struct, frozen=True):
    """A row of the table: what GPUs of at least this `capability` can do."""

    capability: tuple[int, int]
    device: Device


TABLE: Final[dict[Kind, tuple[Row, ...]]] = {
    "cuda": (
        # half precision overflows in the decoders' convolutions
        Row((0, 0), Device("cuda:0", "cuda", "float16", "float32", fp8=False, int8=False, tiles=False)),
        Row((7, 5), Device("cuda:0", "cuda", "float16", "float32", fp8=False, int8=True, tiles=False)),
        Row((8, 0), Device("cuda:0", "cuda", "bfloat16", "bfloat16", fp8=False, int8=True, tiles=False)),
        Row((8, 9), Device("cuda:0", "cuda", "bfloat16", "bfloat16", fp8=True, int8=True, tiles=False)),
    ),
    "mps": (
        # Metal has neither 8-bit nor 64-bit floats, and the decoders lose their range in half precision there.
        Row(
            (0, 0),
            Device(
                "mps",
                "mps",
                "bfloat16",
                "float32",
                fp8=False,
                int8=False,
                tiles=True,
                double=False,
                linear=False,
                tiers=UNIFIED,
            ),
        ),
    ),
    "cpu": (
        Row((0, 0), Device("cpu", "cpu", "float32", "float32", fp8=False, int8=False, tiles=False, tiers=UNIFIED)),
    ),
}

UNKNOWN: Final = (8, 9)
"""The capability of a GPU that nobody asked: cards of today."""


def device(machine: Machine, table: dict[Kind, tuple[Row, ...]] = TABLE) -> Device:
    """Returns the row of a machine: the last one that its GPU reaches."""
    reached = machine.capability if machine.capability != (0, 0) else UNKNOWN
    return next(row.device for row in reversed(table[machine.kind]) if row.capability <= reached)
