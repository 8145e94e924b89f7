"""Which ways there are for real sizes on real machines: headers of the true weights, no weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genlock.errors import GenerationError
from genlock.generation.engine import Plan
from genlock.generation.engines.ltx2 import grid
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning, GenerationRequest
from genlock.timeline.model import Resolution

GiB = 1 << 30

TRUE_SIZES = {
    "text_encoder": ("model.language_model.layers.{}.mlp.weight", 48, 12.2e9, 1.0e9),
    "transformer": ("transformer_blocks.{}.ff.weight", 48, 18.88e9, 0.35e9),
    "connectors": ("video_connector.transformer_blocks.{}.weight", 2, 1.43e9, 0.1e9),
    "vae": ("decoder.up_blocks.{}.weight", 4, 1.22e9, 0.02e9),
    "audio_vae": ("decoder.mid.weight{}", 1, 0.055e9, 0.0),
    "vocoder": ("ups.weight{}", 1, 0.055e9, 0.0),
    "latent_upsampler": ("res_blocks.{}.weight", 8, 0.5e9, 0.01e9),
}
"""Names of weights, how many blocks of them, all numbers and those outside of blocks."""

CLASSES = {
    "text_encoder": ["transformers", "Gemma3ForConditionalGeneration"],
    "transformer": ["diffusers", "LTX2VideoTransformer3DModel"],
    "connectors": ["ltx2", "LTX2TextConnectors"],
    "vae": ["diffusers", "AutoencoderKLLTX2Video"],
    "audio_vae": ["diffusers", "AutoencoderKLLTX2Audio"],
    "vocoder": ["ltx2", "LTX2Vocoder"],
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """LTX-2 as it is published, without its content: files of holes with the headers of the real thing."""
    home = tmp_path_factory.mktemp("real")
    folder = home / "ltx2"
    folder.mkdir()
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "LTX2Pipeline", **CLASSES}))
    for part, (name, blocks, numbers, outside) in TRUE_SIZES.items():
        tensors = {name.format(n): int((numbers - outside) / blocks) for n in range(blocks)}
        if outside:
            tensors["outside.weight"] = int(outside)
        write(folder / part, tensors)
    return Library(home)


def write(folder: Path, tensors: dict[str, int]) -> None:
    folder.mkdir()
    words = {"text_config": {"hidden_size": 3840, "num_hidden_layers": 48}}
    (folder / "config.json").write_text(json.dumps({"num_layers": 48} | words))
    at, header = 0, {}
    for name, numbers in tensors.items():
        header[name] = {"dtype": "BF16", "shape": [numbers], "data_offsets": [at, at + 2 * numbers]}
        at += 2 * numbers
    said = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(said).to_bytes(8, "little") + said)
        file.truncate(8 + len(said) + at)


def cuda(gib: int, host: int = 64) -> Machine:
    return Machine(f"a card of {gib} GiB", "cuda", device=gib * GiB, host=host * GiB, capability=(9, 0))


def plans(library: Library, machine: Machine, **how: Any) -> tuple[Plan, ...]:
    given: dict[str, Any] = {"prompt": "a dog", "resolution": Resolution(1280, 704), "frames": 121}
    settings = {"settings": {"schedule": "distilled"}}
    return Ltx2Engine(library, machine).plans(GenerationRequest("text_to_video", **given | settings | how))


@pytest.mark.parametrize("gib", [12, 16, 24, 32, 48, 80, 96, 141])
@pytest.mark.parametrize("host", [0, 64, 128])
@pytest.mark.parametrize("schedule", ["distilled", "full"])
@pytest.mark.parametrize("frames", [25, 121, 1000])
def test_every_plan_fits_its_machine(real: Library, gib: int, host: int, schedule: str, frames: int) -> None:
    machine = cuda(gib, host)
    if gib * GiB < 22 * GiB and not host:
        with pytest.raises(GenerationError, match="GiB") as caught:
            plans(real, machine, frames=frames, settings={"schedule": schedule})
        assert caught.value.code == "needs_memory"
        return
    found = plans(real, machine, frames=frames, settings={"schedule": schedule})
    for plan in found:
        assert plan.bytes <= machine.usable
        assert sum(component.pinned for component in plan.components) <= machine.host
        named = {component.name for component in plan.components}
        assert all(set(stage.components) <= named for stage in plan.stages)
        assert {name for stage in plan.stages for name in stage.components} == named
        assert plan.made >= plan.asked == frames
    assert [plan.bytes for plan in found] == sorted({plan.bytes for plan in found}, reverse=True)


def test_a_large_card_keeps_all_in_its_own_form(real: Library) -> None:
    best = plans(real, cuda(80))[0]
    assert best.name == "resident"
    assert {c.name.split("@")[1] for c in best.components} == {"bfloat16"}
    sizes = {c.name.split("@")[0]: c.bytes for c in best.components}
    assert sizes["ltx2/transformer"] == pytest.approx(2 * 18.88e9, rel=1e-6)
    assert [stage.name for stage in best.stages] == ["encode", "denoise", "decode"]
    by_name = {stage.name: stage for stage in best.stages}
    assert by_name["denoise"].components == ("ltx2/transformer@bfloat16",)
    # 145 KiB a token: (121 - 1) / 8 + 1 latents of 40 x 22
    assert by_name["denoise"].activation == pytest.approx(145 * 1024 * 16 * 40 * 22 * 1.1, rel=0.3)


def test_a_smaller_card_takes_smaller_forms(real: Library) -> None:
    first = {gib: plans(real, cuda(gib, 128))[0] for gib in (16, 24, 32, 48, 80)}
    forms = {gib: plan.how["forms"]["transformer"] for gib, plan in first.items()}
    assert forms[80] == forms[48] == "bfloat16"
    assert forms[24] == forms[32] == "fp8"
    assert forms[16].endswith("+blocks")
    assert all("latent_upsampler" not in plan.how["forms"] for plan in first.values())


def test_no_lora_is_put_onto_8_bit_weights(real: Library, tmp_path: Path) -> None:
    write(tmp_path / "lora", {"transformer.transformer_blocks.0.attn1.to_q.lora_A.weight": 4096})
    (file,) = (tmp_path / "lora").glob("*.safetensors")
    for gib in (24, 48, 80):
        for plan in plans(real, cuda(gib), settings={"loras": [{"path": str(file)}]}):
            assert not [form for form in plan.how["forms"].values() if "fp8" in form], plan.name
    assert "fp8" in plans(real, cuda(24))[0].how["forms"]["transformer"]


def test_the_last_way_is_a_smaller_picture(real: Library) -> None:
    found = plans(real, cuda(24, 128), resolution=Resolution(1920, 1080))
    assert found[-1].name.endswith("smaller")
    assert found[-1].how["inner"] == (960, 540)
    assert any("enlarged to 1920x1080" in note for note in found[-1].notes)


def test_windows_shrink_with_the_memory(real: Library) -> None:
    windows = [
        plans(real, cuda(gib, 0), frames=1000, resolution=Resolution(1920, 1088))[0].how["window"]
        for gib in (32, 48, 80, 141)
    ]
    assert windows == sorted(windows)
    runs = grid.segments(grid.latents_of(1000), grid.latents_of(241))
    assert windows[-1] == max(run.frames for run in runs)  # no more is planned for than the longest run takes
    note = plans(real, cuda(141), frames=1000)[0].notes
    runs = grid.segments(grid.latents_of(1000), grid.latents_of(241))
    assert any(f"Made in {len(runs)} runs" in line for line in note)


def test_long_runs_are_streamed_rather_than_cut_into_many_that_overlap(real: Library) -> None:
    best = plans(real, cuda(24, 128), frames=250, settings={"schedule": "full"})[0]
    assert best.how["window"] == 137
    assert best.how["forms"]["transformer"].endswith("+blocks")
    alone = plans(real, cuda(24, 0), frames=250, settings={"schedule": "full"})[0]
    assert alone.how["window"] < 97
    assert alone.how["forms"]["transformer"] == "fp8"


def test_what_is_followed_and_refined_is_counted(real: Library) -> None:
    def most(stage: str, **how: Any) -> int:
        best = plans(real, cuda(141), **how)[0]
        return next(s.activation for s in best.stages if s.name == stage)

    plain = most("denoise")
    assert most("denoise", settings={"schedule": "full"}) == pytest.approx(2 * plain, rel=0.02)
    shown = (Conditioning("/clip", frames=121),)
    assert most("denoise", references=shown) >= 2 * plain * 0.98
    assert most("read", references=shown) > 0
    two = plans(real, cuda(141), settings={"schedule": "distilled", "two_stage": True})[0]
    denoise = next(stage for stage in two.stages if stage.name == "denoise")
    assert "ltx2/latent_upsampler@bfloat16" in denoise.components
    assert two.how["size"] == (1280, 704)


def test_a_machine_far_too_small_is_told_so(real: Library) -> None:
    with pytest.raises(GenerationError, match=r"2\.\d GiB|GiB") as caught:
        plans(real, cuda(4, 0))
    assert caught.value.code == "needs_memory"


def test_planning_a_real_model_is_quick(real: Library) -> None:
    from time import perf_counter

    plans(real, cuda(24))
    begin = perf_counter()
    plans(real, cuda(24), frames=1000)
    assert perf_counter() - begin < 1.0
