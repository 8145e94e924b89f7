"""Activation bytes: the source that is taken, the device's share in it, and what measurements make of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.generation.devices import Device, device
from genlock.generation.memory import estimates
from genlock.generation.memory.estimates import MARGIN, activation, correct
from genlock.generation.memory.machine import CARDS, GiB, Machine
from genlock.generation.memory.measured import Fit, Measured, Ratio, digest
from genlock.generation.models.library import HOME, Model, Part

CARD = device(CARDS["24 GB"])
MAC = device(CARDS["64 GB unified"])
CPU = device(Machine("this", "cpu"))
GEMMA = {"text_config": {"hidden_size": 3840, "num_hidden_layers": 48}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME, str(tmp_path))
    return tmp_path


def model(name: str, part: str, kind: str, **config: object) -> Model:
    index = {"_class_name": "LTX2Pipeline" if name == "ltx2" else "", part: ["diffusers", kind]}
    return Model(name, "/nowhere", "", {part: Part(part, 0, 0, config)}, index)


LTX2 = model("ltx2", "transformer", "LTX2VideoTransformer3DModel", num_attention_heads=32, attention_head_dim=128)
VAE = model("ltx2", "vae", "AutoencoderKLLTX2Video", decoder_block_out_channels=[256, 512, 1024])
FLUX2 = model("flux2-klein", "transformer", "Flux2Transformer2DModel", num_attention_heads=32, attention_head_dim=128)


# -- the published models


def test_ltx2_takes_what_its_dry_run_took() -> None:
    plain = activation(LTX2, "transformer", tokens=24576, conditioned=False, device=CARD)
    assert plain == pytest.approx(3.41 * GiB * MARGIN, rel=0.02)
    assert activation(LTX2, "transformer", tokens=24576, device=CARD) == pytest.approx(7.73 * GiB * MARGIN, rel=0.02)
    assert activation(VAE, "vae", pixels=121 * 1024 * 1536, device=CARD) == pytest.approx(15.6 * GiB * MARGIN, rel=0.02)
    tiled = activation(VAE, "vae", pixels=121 * 1024 * 1536, tiled=True, device=CARD)
    assert tiled == pytest.approx(3.9 * GiB * MARGIN, rel=0.05)


def test_flux2_takes_what_its_dry_run_took() -> None:
    assert activation(FLUX2, "transformer", tokens=4608, device=CARD) == pytest.approx(0.764 * GiB * MARGIN, rel=0.02)


def test_a_text_encoder_hands_out_every_layer_and_ltx2_stacks_them() -> None:
    alone = model("gemma3", "text_encoder", "Gemma3ForConditionalGeneration", **GEMMA)
    inside = model("ltx2", "text_encoder", "Gemma3ForConditionalGeneration", **GEMMA)
    size = activation(alone, "text_encoder", tokens=1024, device=CARD)
    assert size == pytest.approx(1024 * 478_488 * MARGIN, rel=0.02)
    more = activation(inside, "text_encoder", tokens=1024, device=CARD) - size
    assert more == pytest.approx(1024 * 49 * 3840 * 2 * MARGIN)


def test_sam3_sees_pictures_of_one_size_whatever_the_source_has() -> None:
    sam3 = model(
        "sam3", "", "Sam3VideoModel", detector_config={"vision_config": {"backbone_config": {"image_size": 112}}}
    )
    assert activation(sam3, "", pixels=1, device=CARD) == activation(sam3, "", pixels=10**9, device=CARD)
    assert activation(sam3, "", batch=2, device=CARD) > activation(sam3, "", device=CARD)


def test_other_widths_scale_and_unknown_parts_take_nothing() -> None:
    half = model("ltx2", "transformer", "LTX2VideoTransformer3DModel", num_attention_heads=16, attention_head_dim=128)
    whole = activation(LTX2, "transformer", tokens=10_000, device=CARD)
    assert activation(half, "transformer", tokens=10_000, device=CARD) == pytest.approx(whole / 2, abs=1)
    assert activation(LTX2, "vocoder", tokens=10, device=CARD) == 0
    assert activation(model("odd", "net", "Odd"), "net", tokens=10, device=CARD) == 0


# -- the device's share


def test_numbers_twice_as_wide_take_twice_as_much() -> None:
    on_card = activation(LTX2, "transformer", tokens=5000, device=CARD)
    assert activation(LTX2, "transformer", tokens=5000, device=CPU) == pytest.approx(2 * on_card, abs=1)
    picture = activation(VAE, "vae", pixels=10**6, device=CARD)
    assert activation(VAE, "vae", pixels=10**6, device=CPU) > 2 * picture, "convolutions unfold their input as well"
    assert activation(VAE, "vae", pixels=10**6, device=MAC) == pytest.approx(2 * picture, abs=1)


def test_attention_of_metal_grows_with_the_square() -> None:
    tokens = 6144
    more = activation(LTX2, "transformer", tokens=tokens, device=MAC) - activation(
        LTX2, "transformer", tokens=tokens, device=CARD
    )
    assert more == pytest.approx(32 * tokens**2 * 4 * MARGIN)


def test_without_a_device_it_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_MACHINE", msgspec.json.encode(CARDS["24 GB"]).decode())
    assert activation(LTX2, "transformer", tokens=99) == activation(LTX2, "transformer", tokens=99, device=CARD)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([CARD, MAC, CPU]))
def test_it_never_shrinks_with_more(few: int, more: int, batch: int, row: Device) -> None:
    def size(tokens: int, batch: int) -> int:
        return activation(LTX2, "transformer", tokens=tokens, batch=batch, device=row)

    assert 0 <= size(few, batch) <= size(few + more, batch) <= size(few + more, batch + 1)


# -- dry runs and corrections


def test_the_dry_run_of_this_very_config_comes_first(home: Path) -> None:
    config = LTX2.parts["transformer"].config
    Measured(home).keep_fits(
        digest("LTX2VideoTransformer3DModel", config), {"": Fit(10, 100), "conditioned": Fit(20, 100)}
    )
    assert activation(LTX2, "transformer", tokens=1000, device=CARD) == round(20_100 * MARGIN)
    assert activation(LTX2, "transformer", tokens=1000, conditioned=False, device=CARD) == round(10_100 * MARGIN)
    assert activation(FLUX2, "transformer", tokens=1000, device=CARD) > 10**8, "another class is another part"


def test_what_was_measured_is_predicted_next_time() -> None:
    before = activation(LTX2, "transformer", tokens=1000, device=CARD)
    correct(LTX2, "transformer", before, 2 * before, device=CARD)
    assert activation(LTX2, "transformer", tokens=1000, device=CARD) == pytest.approx(2 * before * MARGIN, rel=1e-6)
    assert activation(LTX2, "transformer", tokens=500, device=CARD) > 0.9 * before, "at every size"


def test_small_runs_take_the_margin_away_and_no_more() -> None:
    before = activation(LTX2, "transformer", tokens=1000, device=CARD)
    for _ in range(30):
        said = activation(LTX2, "transformer", tokens=1000, device=CARD)
        correct(LTX2, "transformer", said, before // 10, device=CARD)
    assert activation(LTX2, "transformer", tokens=1000, device=CARD) == pytest.approx(before / MARGIN, abs=2)


def test_corrections_are_apart_by_form_device_tiling_and_part() -> None:
    before = activation(VAE, "vae", pixels=10**6, device=CARD)
    correct(VAE, "vae", before, 3 * before, device=CARD)
    assert activation(VAE, "vae", pixels=10**6, device=CARD) > before
    tiled = activation(VAE, "vae", pixels=10**6, tiled=True, device=CARD)
    assert tiled == round(estimates.shipped("AutoencoderKLLTX2Video", {})["tiled"].at(10**6) * MARGIN)
    assert activation(VAE, "vae", pixels=10**6, device=CARD, form="fp8") == before
    assert activation(LTX2, "transformer", tokens=5, device=CARD) < 10**8


def test_the_same_measurement_again_and_again_stays_where_it_is() -> None:
    for _ in range(20):
        said = activation(LTX2, "transformer", tokens=1000, device=CARD)
        ratio = correct(LTX2, "transformer", said, 10**9, device=CARD)
    assert activation(LTX2, "transformer", tokens=1000, device=CARD) == pytest.approx(10**9 * MARGIN, rel=1e-6)
    assert ratio is not None
    assert ratio.count == 20


@given(st.lists(st.floats(0.2, 5), min_size=2, max_size=50))
def test_the_mean_lies_within_what_was_seen_and_the_most_above_the_mean(ratios: list[float]) -> None:
    state = Ratio(ratios[0], ratios[0])
    for ratio in ratios[1:]:
        state = state.seen(ratio)
        assert state.most >= ratio
    assert min(ratios) - 1e-9 <= state.mean <= max(ratios) + 1e-9
    assert state.mean <= state.most <= max(ratios) + 1e-9


def test_one_odd_run_is_forgotten_slowly() -> None:
    state = Ratio(1.0, 1.0).seen(3.0)
    assert state.most == 3.0
    for _ in range(20):
        state = state.seen(1.0)
    assert 2 < state.most < 3
    for _ in range(300):
        state = state.seen(1.0)
    assert state.most < 1.01


def test_nothing_is_learned_from_nothing(home: Path) -> None:
    assert correct(LTX2, "transformer", 0, 10, device=CARD) is None
    assert correct(LTX2, "transformer", 10, 0, device=CARD) is None
    assert not (home / "measured.json").exists()


# -- the file

WRITER = """
import sys
from pathlib import Path
from genlock.generation.memory.measured import Measured
kept = Measured(Path(sys.argv[1]))
for n in range(40):
    kept.keep_ratio(f"{sys.argv[2]}-{n}", 1.0)
    kept.keep_ratio("both", 1.0)
"""


def test_two_processes_lose_nothing(home: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", WRITER, str(home), name]) for name in ("a", "b")]
    assert [process.wait(60) for process in both] == [0, 0]
    ratios = Measured(home).read().ratios
    assert len(ratios) == 81
    assert ratios["both"].count == 80
    assert {path.name for path in home.iterdir()} == {"measured.json", ".measured.json.lock"}


def test_a_file_that_cannot_be_read_counts_as_empty(home: Path) -> None:
    kept = Measured(home)
    kept.keep_rates(link=25e9)
    (home / "measured.json").write_bytes(b"{half")
    assert kept.read().link == 0
    kept.keep_rates(disk=3e9)
    assert (kept.read().link, kept.read().disk) == (0, 3e9)


def test_a_folder_that_cannot_be_written_loses_the_measurement_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Measured(tmp_path / "file" / "below")
    kept.keep_ratio("x", 2.0)
    assert kept.read().ratios == {}
