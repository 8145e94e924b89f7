"""What is computed how on which device, by a table that a test can replace."""

from __future__ import annotations

import pytest

from genlock.generation import devices
from genlock.generation.devices import Device, Row, device
from genlock.generation.memory.machine import CARDS, GiB, Kind, Machine


def card(*capability: int) -> Device:
    return device(Machine("card", "cuda", 24 * GiB, 32 * GiB, capability=(capability[0], capability[1])))


@pytest.mark.parametrize(
    ("capability", "dtype", "decoder", "fp8", "int8"),
    [
        ((6, 1), "float16", "float32", False, False),
        ((7, 5), "float16", "float32", False, True),
        ((8, 0), "bfloat16", "bfloat16", False, True),
        ((8, 6), "bfloat16", "bfloat16", False, True),
        ((8, 9), "bfloat16", "bfloat16", True, True),
        ((9, 0), "bfloat16", "bfloat16", True, True),
        ((12, 0), "bfloat16", "bfloat16", True, True),
    ],
)
def test_cards_by_their_capability(
    capability: tuple[int, int], dtype: str, decoder: str, fp8: bool, int8: bool
) -> None:
    row = card(*capability)
    assert (row.name, row.dtype, row.decoder, row.fp8, row.int8) == ("cuda:0", dtype, decoder, fp8, int8)
    assert row.tiers == ("device", "host", "disk")


def test_a_card_nobody_asked_is_one_of_today() -> None:
    assert device(Machine("card", "cuda")) == card(8, 9)


def test_metal_has_neither_8_nor_64_bit_floats_and_one_tier() -> None:
    row = device(CARDS["64 GB unified"])
    assert (row.name, row.fp8, row.int8, row.double, row.tiles, row.linear) == ("mps", False, False, False, True, False)
    assert row.decoder == "float32"
    assert row.width(row.decoder) == 4
    assert row.width() == 2
    assert "host" not in row.tiers


def test_a_processor_computes_in_full_width() -> None:
    row = device(Machine("this", "cpu"))
    assert (row.name, row.dtype, row.width(), row.width("float16")) == ("cpu", "float32", 4, 2)
    assert not row.fp8
    assert not row.int8
    assert "host" not in row.tiers


@pytest.mark.parametrize("kind", ["cuda", "mps", "cpu"])
def test_every_kind_has_a_row_for_whatever_it_can_do(kind: Kind) -> None:
    rows = devices.TABLE[kind]
    assert rows[0].capability == (0, 0)
    assert list(rows) == sorted(rows, key=lambda row: row.capability)
    assert {row.device.kind for row in rows} == {kind}


def test_a_new_device_is_a_row() -> None:
    odd = Device("odd", "cpu", "float16", "float16", fp8=True, int8=False, tiles=True)
    table: dict[Kind, tuple[Row, ...]] = {**devices.TABLE, "cpu": (Row((0, 0), odd),)}
    assert device(Machine("odd", "cpu"), table) is odd
