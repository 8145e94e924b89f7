"""The ladder of ways on every card, and on machines where only one of them is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.generation.devices import Device, device
from genlock.generation.engine import Plan
from genlock.generation.memory.machine import CARDS, GiB, Machine
from genlock.generation.memory.ways import AT_ONCE, PartSize, Way, Work, bytes_of, ways
from genlock.generation.models.library import Library

MILLION = 1_000_000
PARTS = {
    "text_encoder": PartSize(12_200 * MILLION, ("encode",), 240 * MILLION, 1_000 * MILLION),
    "connectors": PartSize(1_430 * MILLION, ("encode",), fixed=True),
    "transformer": PartSize(18_880 * MILLION, ("denoise",), 386 * MILLION, 350 * MILLION),
    "vae": PartSize(1_220 * MILLION, ("decode",), decoder=True),
}
STAGES = {
    "encode": Work(400 << 20),
    "denoise": Work(int(3.8 * GiB), seconds=40),
    "decode": Work(int(16.6 * GiB), int(3.9 * GiB)),
}


def of(card: str, **more: tuple[str, ...]) -> tuple[Way, ...]:
    return ways(CARDS[card], device(CARDS[card]), PARTS, STAGES, model="ltx2", **more)


def plan(way: Way) -> Plan:
    return Plan("ltx2", way.name, components=way.components, stages=way.stages)


@pytest.mark.parametrize(
    ("card", "names"),
    [
        ("8 GB", []),  # not even quantised into the memory of the host
        ("16 GB", ["fp8-blocks-tiled"]),
        ("24 GB", ["fp8", "fp8-blocks-tiled"]),
        ("32 GB", ["fp8", "fp8-blocks-tiled"]),
        ("48 GB", ["resident", "tiled", "fp8-tiled", "blocks-tiled", "fp8-blocks-tiled"]),
        ("141 GB", ["resident", "tiled", "fp8-tiled", "blocks-tiled", "fp8-blocks-tiled"]),
        ("64 GB unified", ["tiled"]),
    ],
)
def test_the_ladder_of_each_card(card: str, names: list[str]) -> None:
    assert [way.name for way in of(card)] == names


def test_a_part_keeps_its_own_form_where_its_stage_has_room_for_it() -> None:
    first = of("32 GB")[0]
    assert first.forms == {
        "text_encoder": "bfloat16",
        "connectors": "bfloat16",
        "transformer": "fp8",
        "vae": "bfloat16",
    }
    assert first.notes == ("Kept in 8-bit floats: transformer.",)
    assert of("24 GB")[0].forms["text_encoder"] == "fp8"


def test_components_are_named_by_model_part_and_form() -> None:
    names = [component.name for component in of("24 GB")[-1].components]
    assert names == [
        "ltx2/text_encoder@fp8+blocks",
        "ltx2/connectors@bfloat16",
        "ltx2/transformer@fp8+blocks",
        "ltx2/vae@bfloat16",
    ]
    assert [stage.name for stage in of("24 GB")[0].stages] == ["encode", "denoise", "decode"]
    assert of("24 GB")[0].stages[1].seconds == 40


@pytest.mark.parametrize("card", CARDS)
def test_every_way_fits_the_card_and_the_host(card: str) -> None:
    machine = CARDS[card]
    found = of(card)
    assert len({way.name for way in found}) == len(found)
    for way in found:
        assert plan(way).bytes <= machine.usable
        pinned = {component.name: component.pinned for component in way.components}
        assert all(sum(pinned[name] for name in stage.components) <= machine.host for stage in way.stages)
        assert (way.offload == "blocks") == any(pinned.values())


def test_a_streamed_part_has_two_blocks_and_what_is_in_none_on_the_device() -> None:
    part, row = PARTS["transformer"], device(CARDS["24 GB"])
    on, pinned = bytes_of(part, "fp8+blocks", row)
    assert on == AT_ONCE * part.block + 2 * part.outside
    assert pinned == bytes_of(part, "fp8", row)[0] == part.parameters - part.outside + 2 * part.outside
    assert bytes_of(part, "bfloat16", row) == (2 * part.parameters, 0)


def test_without_8_bits_there_are_none() -> None:
    assert not any("fp8" in way.name for way in of("48 GB", eight=()))
    old = Machine("old", "cuda", 48 * GiB, 64 * GiB, capability=(8, 6))
    row = device(old)
    assert "int8-tiled" in [w.name for w in ways(old, row, PARTS, STAGES, model="m", eight=("fp8", "int8"))]
    assert not any("8" in way.name for way in ways(old, row, PARTS, STAGES, model="m"))


def test_one_memory_never_streams_and_always_tiles() -> None:
    for way in of("128 GB unified"):
        assert way.tiled
        assert way.offload == "none"
        assert way.forms["vae"] == "float32"


def test_only_pictures_are_decoded_in_tiles() -> None:
    mac = CARDS["128 GB unified"]
    words = {"net": PartSize(12_200 * MILLION, ("write",), 240 * MILLION, 1_000 * MILLION)}
    (way,) = ways(mac, device(mac), words, {"write": Work(GiB)}, model="gemma3")
    assert (way.name, way.tiled, way.notes) == ("resident", False, ())


def test_nothing_fits_a_machine_that_is_too_small() -> None:
    tiny = Machine("tiny", "cuda", 2 * GiB, 64 * GiB)
    assert ways(tiny, device(tiny), PARTS, STAGES, model="m") == ()


def test_a_part_of_two_stages_has_one_form() -> None:
    shared = {"vae": PartSize(100, ("read", "decode"), decoder=True), "net": PartSize(1000, ("read", "think"), 100, 0)}
    row = Device("cuda:0", "cuda", "bfloat16", "bfloat16", fp8=True, int8=False, tiles=False)
    found = ways(Machine("m", "cuda", 1600, 4000), row, shared, {"read": Work(100), "think": Work(400)}, model="m")
    assert found[0].forms["net"] == "fp8"
    assert all(stage.activation + 1000 <= 1600 for stage in found[0].stages)


@given(
    st.integers(1, 200),
    st.sampled_from([0, 8, 64]),
    st.integers(0, 30),
    st.integers(1, 40),
    st.booleans(),
    st.booleans(),
)
def test_a_larger_machine_has_every_way_of_a_smaller_one_or_a_faster(
    device_gib: int, host: int, activation: int, billions: int, tiles: bool, fp8: bool
) -> None:
    parts = {"net": PartSize(billions * 10**9, ("go",), 10**8 * billions // 4, 0)}
    row = Device("cuda:0", "cuda", "bfloat16", "bfloat16", fp8=fp8, int8=False, tiles=tiles)
    work = {"go": Work(activation * GiB, activation * GiB // 2)}
    small = ways(Machine("s", "cuda", device_gib * GiB, host * GiB), row, parts, work, model="m")
    large = ways(Machine("l", "cuda", 2 * device_gib * GiB, host * GiB), row, parts, work, model="m")
    assert {way.name for way in small} <= {way.name for way in large}
    for way in small:
        assert plan(way).bytes <= Machine("s", "cuda", device_gib * GiB, host * GiB).usable


def test_sizes_are_read_from_the_files(tiny_models: Path) -> None:
    model = Library(tiny_models).require("ltx2")
    part = PartSize.of(model, "transformer", "denoise")
    assert part.parameters == model.parts["transformer"].parameters
    assert 0 < part.block <= part.parameters - part.outside < part.parameters
    assert (part.parameters - part.outside) % part.block == 0, "its blocks are all alike"
    assert PartSize.of(model, "vae", "decode", decoder=True).decoder
