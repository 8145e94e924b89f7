"""What the daemon is told: ways of the true sizes on machines of every size, from files that hold headers only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from genlock.errors import BadInput, GenerationError
from genlock.generation import planner
from genlock.generation.engine import Engines, Plan
from genlock.generation.engines.flux2 import sizes
from genlock.generation.engines.flux2.engine import Flux2Engine
from genlock.generation.engines.flux2.sizes import Window
from genlock.generation.memory.machine import GiB, Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning, GenerationRequest
from genlock.timeline.model import Resolution

HD = Resolution(1920, 1080)


def weights(folder: Path, config: dict[str, Any], blocks: dict[str, tuple[int, int]], outside: int) -> None:
    """Writes a part whose tensors are named as the real ones: {list: (blocks, numbers in each)}. The file is sparse."""
    tensors: dict[str, int] = {"embed.weight": outside}
    for name, (count, numbers) in blocks.items():
        tensors |= {f"{name}.{number}.weight": numbers for number in range(count)}
    header, at = {}, 0
    for name, numbers in tensors.items():
        header[name] = {"dtype": "BF16", "shape": [numbers], "data_offsets": [at, at + 2 * numbers]}
        at += 2 * numbers
    data = msgspec.json.encode(header)
    folder.mkdir(parents=True)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(data).to_bytes(8, "little") + data)
        file.truncate(8 + len(data) + at)
    (folder / "config.json").write_bytes(msgspec.json.encode(config))


def klein(home: Path, name: str = "flux2-klein", *, distilled: bool = True, kind: str = "Flux2KleinPipeline") -> None:
    """Writes a FLUX.2 Klein 9B of the true sizes: 9.08, 8.19 and 0.084 billion numbers."""
    folder = home / name
    weights(
        folder / "transformer",
        {"in_channels": 128, "num_attention_heads": 32, "attention_head_dim": 128},
        {"transformer_blocks": (8, 436_000_000), "single_transformer_blocks": (24, 218_000_000)},
        358_581_248,
    )
    weights(
        folder / "text_encoder",
        {"num_hidden_layers": 36, "hidden_size": 4096},
        {"model.layers": (36, 193_000_000)},
        1_242_735_360,
    )
    weights(folder / "vae", {"_class_name": "AutoencoderKLFlux2", "latent_channels": 32}, {}, 84_046_115)
    for part in ("scheduler", "tokenizer"):
        (folder / part).mkdir()
    index = {
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "text_encoder": ["transformers", "Qwen3ForCausalLM"],
        "vae": ["diffusers", "AutoencoderKLFlux2"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "tokenizer": ["transformers", "Qwen2TokenizerFast"],
    }
    said = index | {"_class_name": kind, "is_distilled": distilled}
    (folder / "model_index.json").write_bytes(msgspec.json.encode(said))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    klein(folder)
    klein(folder, "flux2-klein-base", distilled=False)
    klein(folder, "flux2-klein-kv", kind="Flux2KleinKVPipeline")
    vae = {"_class_name": "AutoencoderKLFlux2", "latent_channels": 32}
    weights(folder / "flux2-small-decoder", vae, {}, 40_000_000)
    weights(folder / "flux2-other-decoder", vae | {"latent_channels": 16}, {}, 40_000_000)
    return folder


def card(size: float, host: int = 64) -> Machine:
    return Machine(f"a card of {size:g} GB", "cuda", device=int(size * GiB), host=host * GiB, capability=(9, 0))


def plans(home: Path, machine: Machine, mode: str = "image", **fields: Any) -> tuple[Plan, ...]:
    values: dict[str, Any] = {"resolution": Resolution(1024, 1024), "prompt": "a red car"}
    return Flux2Engine(Library(home), machine).plans(
        GenerationRequest(mode=mode, **values | fields)  # type: ignore[arg-type]
    )


MACHINES = [
    card(8),
    card(12),
    card(16),
    card(24),
    card(32),
    card(48),
    card(80),
    card(141),
    Machine("an apple", "mps", device=96 * GiB),
    Machine("a unified one", "cuda", device=128 * GiB, capability=(12, 1)),
]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("size", [Resolution(1024, 1024), HD])
def test_every_way_fits_its_machine(home: Path, machine: Machine, size: Resolution) -> None:
    found = plans(home, machine, resolution=size)
    assert found
    assert len({plan.name for plan in found}) == len(found)
    for plan in found:
        assert plan.bytes <= machine.usable
        assert sum(component.pinned for component in plan.components) <= machine.host
        assert all(stage.activation > 0 for stage in plan.stages)
        assert [stage.name for stage in plan.stages] == ["encode", "denoise", "decode"]
        vae = next(component for component in plan.components if "/vae@" in component.name)
        assert vae.name.endswith("float32" if machine.kind == "mps" else "bfloat16")  # never quantised


def test_what_a_card_can_do(home: Path) -> None:
    names = {machine.name: plans(home, machine)[0].name for machine in MACHINES}
    assert "blocks" in names["a card of 8 GB"]
    assert "fp8" in names["a card of 16 GB"]
    for large in ("a card of 24 GB", "a card of 48 GB", "a card of 141 GB", "a unified one"):
        assert names[large] == "resident"
    whole = plans(home, card(48))[0]
    sizes = {component.name: component.bytes for component in whole.components}
    assert sizes["flux2-klein/transformer@bfloat16"] == 2 * 9_078_581_248
    assert sizes["flux2-klein/text_encoder@bfloat16"] == 2 * 8_190_735_360
    assert sizes["flux2-klein/vae@bfloat16"] == 2 * 84_046_115


def test_a_machine_that_is_too_small_is_told_so(home: Path) -> None:
    with pytest.raises(GenerationError) as refused:
        plans(home, card(3))
    assert refused.value.code == "needs_memory"
    assert "flux2-klein does not run on a card of 3 GB" in refused.value.message


SMALL = Flux2Engine(machine=card(3))
"""On the models of the environment."""


def test_where_the_model_does_not_fit_the_embedded_engine_draws(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_MODELS", str(home))
    targets = {"flux2": f"{__name__}:SMALL", "animatic": "genlock.generation.engines.animatic.engine:ENGINE"}
    request = GenerationRequest("image", prompt="a red car")
    assert [plan.engine for plan in planner.plans(request, Engines(targets))] == ["animatic"]
    with pytest.raises(GenerationError) as refused:
        planner.plans(structs.replace(request, engine="flux2"), Engines(targets))
    assert refused.value.code == "needs_memory"


def test_references_and_pixels_cost_memory(home: Path) -> None:
    def denoise(**fields: Any) -> int:
        return next(s.activation for s in plans(home, card(80), **fields)[0].stages if s.name == "denoise")

    looked = tuple(Conditioning(f"/pictures/{number}.png") for number in range(3))
    assert denoise() < denoise(references=looked[:1]) < denoise(references=looked)
    assert denoise() < denoise(resolution=Resolution(2048, 2048))
    estimate = denoise(references=looked[:1]) / GiB
    assert 1.3 < estimate < 1.8  # 171 KiB a token, 1.43 GiB for two pictures and the words, and a tenth


def test_with_loras_no_weights_are_quantised(home: Path, tmp_path: Path) -> None:
    weights(tmp_path / "ink", {}, {}, 1_000_000)
    settings = {"loras": [{"path": str(tmp_path / "ink" / "model.safetensors")}]}
    assert any("fp8" in plan.name for plan in plans(home, card(16)))
    found = plans(home, card(16), settings=settings)
    assert found[0].name == "blocks-tiled"
    assert not any("fp8" in plan.name for plan in found)


def test_how_a_model_is_run(home: Path) -> None:
    def course(**fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = plans(home, card(80), **fields)[0].how["course"]
        return found

    assert course()["steps"] == 4
    assert not course()["cfg"]
    base = course(settings={"model": "flux2-klein-base"})
    assert (base["steps"], base["guidance"], base["cfg"]) == (50, 4.0, True)
    preset = course(settings={"model": "flux2-klein-base", "preset": "concept-art"})
    assert (preset["steps"], preset["guidance"]) == (28, 4.0)
    assert course(settings={"true_cfg": True})["cfg"]
    edit = {"mode": "edit_image", "source": "/pictures/1.png"}
    assert course(settings={"model": "flux2-klein-kv"}, **edit)["kv"]
    assert not course(settings={"model": "flux2-klein-kv", "kv_cache": False}, **edit)["kv"]
    assert not course(settings={"model": "flux2-klein-kv", "strength": 0.5}, **edit)["kv"]
    assert not course(**edit)["kv"]


def test_another_autoencoder_is_a_component_of_its_own(home: Path) -> None:
    (plan, *_) = plans(home, card(80), settings={"autoencoder": "flux2-small-decoder"})
    names = {component.name for component in plan.components}
    assert "flux2-small-decoder/vae@bfloat16" in names
    assert "flux2-klein/transformer@bfloat16" in names
    assert {name for stage in plan.stages for name in stage.components} == names


def test_models_are_those_with_all_parts(home: Path, tmp_path: Path) -> None:
    assert plans(home, card(80))[0].model == "flux2-klein"
    engine = Flux2Engine(Library(tmp_path), card(80))
    assert "genlock models pull flux2-klein" in engine.missing()
    assert not Flux2Engine(Library(home), card(80)).missing()
    with pytest.raises(GenerationError) as missing:
        engine.plans(GenerationRequest("image"))
    assert missing.value.code == "model_missing"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"settings": {"step": 4}}, "flux2 knows no setting step; it knows model, autoencoder"),
        ({"settings": {"steps": "many"}}, "steps"),
        ({"settings": {"steps": 0}}, "between 1 and 200"),
        ({"settings": {"preset": "oil"}}, "There is no preset 'oil'; there is concept-art"),
        ({"settings": {"loras": [{"weight": 1.0}]}}, "either a path or a name"),
        ({"settings": {"loras": [{"name": "../secret"}]}}, "is a path, not a name"),
        ({"settings": {"loras": [{"path": "ink.safetensors"}]}}, "needs an absolute path"),
        ({"settings": {"loras": [{"file": "ink"}]}}, "file"),
        ({"settings": {"strength": 0.5}}, "image has none"),
        ({"settings": {"kv_cache": True}}, "kv_cache"),
        ({"settings": {"autoencoder": "flux2-other-decoder"}}, "writes 16 channels"),
        ({"settings": {"model": "flux2-small-decoder"}}, "no FLUX.2 model"),
        ({"references": (Conditioning("/pictures/1.png"),) * 9}, "8 reference pictures at most"),
        ({"mode": "inpaint", "source": "/pictures/1.png"}, "needs a mask"),
        ({"mode": "edit_image"}, "needs the picture to edit"),
        (
            {
                "mode": "edit_image",
                "source": "/pictures/1.png",
                "settings": {"kv_cache": True, "model": "flux2-klein-base"},
            },
            "distilled",
        ),
    ],
)
def test_bad_requests_are_refused_with_the_reason(home: Path, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as refused:
        plans(home, card(80), **fields)
    assert refused.value.code == "bad_generation"


def test_an_unread_negative_prompt_is_said(home: Path) -> None:
    assert any("negative prompt" in note for note in plans(home, card(80), negative_prompt="blurry")[0].notes)
    settings = {"true_cfg": True}
    assert not plans(home, card(80), negative_prompt="blurry", settings=settings)[0].notes


def test_planning_imports_nothing_heavy() -> None:
    code = (
        "import sys; from genlock.generation.engines.flux2.engine import ENGINE; ENGINE.missing();"
        "heavy = {'torch', 'diffusers', 'transformers', 'cv2', 'numpy', 'PIL', 'av'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ((1024, 1024), (1024, 1024)),
        ((1000, 600), (1008, 608)),
        ((1, 1), (16, 16)),
        ((4096, 2160), (2816, 1472)),
        ((8192, 16), (8192, 16)),
    ],
)
def test_sizes_go_up_to_the_grid_and_no_further_than_the_model(asked: sizes.Size, made: sizes.Size) -> None:
    assert sizes.made(asked) == made
    assert made[0] * made[1] <= sizes.MADE


def test_large_references_are_looked_at_with_a_megapixel() -> None:
    assert sizes.looked((640, 480)) == (640, 480)
    wide, high = sizes.looked((4000, 3000))
    assert wide * high <= sizes.LOOKED
    assert abs(wide / high - 4 / 3) < 0.01


def test_a_window_holds_the_mask_and_stays_in_the_picture() -> None:
    assert sizes.window((640, 480), Window(10, 10, 5, 5), None) == Window(0, 0, 640, 480)
    assert sizes.window((3840, 2160), Window(1000, 900, 400, 200), 100) == Window(900, 800, 600, 400)
    assert sizes.window((3840, 2160), Window(1000, 900, 400, 200), None) == Window(800, 700, 800, 600)
    corner = sizes.window((3840, 2160), Window(3830, 0, 10, 10), 0)
    assert corner.width == corner.height == 64
    assert corner.left + corner.width == 3840
    assert sizes.window((40, 30), Window(3, 3, 2, 2), 0) == Window(0, 0, 40, 30)
