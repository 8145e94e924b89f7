"""The GPU proof's script proven on tiny models: every step is taken, and every figure is one."""

from __future__ import annotations

import shutil
from math import isfinite
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

STEPS = (
    "checkpoints",
    "copy, memory to memory",
    "copy back",
    "disk, a file out of the cache",
    "estimate over actual, flux2 transformer, 2048",
    "estimate over actual, flux2 transformer, 4096",
    "first clip, models on disk",
    "first image, models on disk",
    "first mask, models on disk",
    "first prompt, models on disk",
    "all parts from disk",
    "all parts pushed out",
    "all parts back on the device",
    "clip, everything there",
    "image, everything there",
    "mask, everything there",
    "prompt, everything there",
    "activations measured",
    "ltx2 over the bare pipeline",
    "ltx2 values unlike the bare pipeline's",
    "flux2 over the bare pipeline",
    "flux2 values unlike the bare pipeline's",
    "evictions of a spell of editing",
    "seconds of bringing in weights",
    "bytes over the device at any decision",
    "cancel, beyond one step",
    "mask while a clip renders",
    "plans tried when memory ran out",
    "bytes still leased after it",
)


def test_every_step_is_taken_and_gives_figures(tiny_models: Path, tmp_path: Path) -> None:
    from tests.bench import gpu

    shutil.copytree(tiny_models, tmp_path / "models")
    rows, where = gpu.measured("tiny", "cpu", tmp_path / "models")
    found = {row.name: row for row in rows}
    assert tuple(found) == STEPS
    assert all(isfinite(row.value) and row.value >= 0 for row in rows)
    for name in ("ltx2 values unlike the bare pipeline's", "flux2 values unlike the bare pipeline's"):
        assert found[name].value == 0
    assert found["bytes over the device at any decision"].value == 0
    assert found["bytes still leased after it"].value == 0
    assert found["plans tried when memory ran out"].value >= 2
    assert found["all parts from disk"].value > 0
    assert 0.5 < found["estimate over actual, flux2 transformer, 2048"].value < 2
    assert found["evictions of a spell of editing"].beside.startswith(
        f"{found['evictions of a spell of editing'].value} "
    )
    assert "torch" in where
    page = gpu.written("# A page\n\nAbove.\n", gpu.table(rows))
    assert page.startswith("# A page\n\nAbove.\n")
    assert gpu.written(page, gpu.table(rows)) == page


def test_checkpoints_of_real_classes_are_written_so_that_they_load(tmp_path: Path) -> None:
    import torch
    from diffusers import Flux2Transformer2DModel

    from tests.bench import real

    with torch.device("meta"):
        module = Flux2Transformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=48,
            axes_dims_rope=(4, 4, 4, 4),
        )
    folder = tmp_path / "transformer"
    folder.mkdir()
    real.write(module, folder, "cpu", torch.bfloat16)
    loaded, told = Flux2Transformer2DModel.from_pretrained(folder, output_loading_info=True)
    assert not any(told.values())
    assert all(bool(torch.isfinite(tensor).all()) for tensor in loaded.state_dict().values())
    real.write(module, folder, "cpu", torch.bfloat16, hollow=True)
    file = folder / "diffusion_pytorch_model.safetensors"
    assert file.stat().st_blocks * 512 < file.stat().st_size


def test_the_real_sizes_are_the_published_ones() -> None:
    import torch

    from genlock.generation.models.catalog import CATALOG
    from tests.bench import real

    for where, maker in real.parts().items():
        model, _, part = where.partition("/")
        published = {piece.name: piece.parameters for piece in CATALOG[model].pieces}[part]
        with torch.device("meta"):
            module = maker()
        assert sum(parameter.numel() for parameter in module.parameters()) == published, where
