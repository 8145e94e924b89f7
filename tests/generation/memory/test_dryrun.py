"""The dry run beside the allocator's own record of a real call, on parts small enough for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from genlock.bench.estimates import recorded
from genlock.generation.devices import device
from genlock.generation.memory import estimates
from genlock.generation.memory.machine import CARDS
from genlock.generation.memory.measured import Fit, Measured, digest
from genlock.generation.models.library import HOME, Library

torch = pytest.importorskip("torch")
dryrun = pytest.importorskip("genlock.generation.memory.dryrun")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

LTX2: dict[str, Any] = {
    "num_attention_heads": 8,
    "attention_head_dim": 64,
    "cross_attention_dim": 512,
    "audio_num_attention_heads": 8,
    "audio_attention_head_dim": 32,
    "audio_cross_attention_dim": 256,
    "caption_channels": 256,
    "rope_type": "split",
}
FLUX2: dict[str, Any] = {
    "num_attention_heads": 8,
    "attention_head_dim": 64,
    "joint_attention_dim": 512,
    "axes_dims_rope": (16,) * 4,
    "guidance_embeds": False,
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def close(estimate: float, actual: float) -> bool:
    return actual / 1.05 <= estimate <= actual * 1.05


@pytest.mark.parametrize("conditioned", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_ltx2_is_known_to_a_twentieth(conditioned: bool, dtype: str) -> None:
    ready = dryrun.ltx2_transformer(LTX2, conditioned=conditioned, words=256)
    shape, kind = (2, 16, 20), getattr(torch, dtype)
    actual = recorded(ready, shape, kind)
    assert close(dryrun.peak(ready, shape, kind), actual)
    known = ((1, 4, 4), (2, 12, 16), (8, 16, 24))
    assert close(dryrun.line(ready, known, kind).at(ready.units(shape)), actual)


def test_flux2_is_known_to_a_twentieth() -> None:
    ready = dryrun.flux2_transformer(FLUX2)
    shape = (dryrun.PICTURE_WORDS + 700,)
    actual = recorded(ready, shape, torch.float32)
    assert close(dryrun.peak(ready, shape, torch.float32), actual)
    assert close(dryrun.line(ready, dryrun.PICTURE, torch.float32).at(ready.units(shape)), actual)


def test_the_peak_does_not_depend_on_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    shallow = dryrun.peak(dryrun.ltx2_transformer(LTX2), (2, 8, 8))
    monkeypatch.setattr(dryrun, "LAYERS", 5)
    assert dryrun.peak(dryrun.ltx2_transformer(LTX2), (2, 8, 8)) == shallow


def test_an_operator_more_is_seen() -> None:
    ready = dryrun.Ready(
        lambda: torch.nn.Linear(64, 64), lambda model, shape: model(torch.zeros(shape)), lambda s: s[0]
    )
    wider = dryrun.Ready(ready.build, lambda model, shape: model(torch.zeros(shape)) + 1, ready.units)
    assert dryrun.peak(ready, (100, 64), torch.float32) == 2 * 100 * 64 * 4, "what goes in and what comes out"
    assert dryrun.peak(wider, (100, 64), torch.float32) == 2 * 100 * 64 * 4, "the input is gone by then"
    kept = dryrun.Ready(ready.build, lambda model, shape: (x := torch.zeros(shape)) + model(x), ready.units)
    assert dryrun.peak(kept, (100, 64), torch.float32) == 3 * 100 * 64 * 4


def test_a_line_lies_on_or_above_every_point() -> None:
    ready = dryrun.ltx2_transformer(LTX2)
    known = ((1, 4, 4), (2, 8, 8), (4, 8, 8), (8, 16, 16))
    fit = dryrun.line(ready, known)
    for shape in known:
        assert fit.at(ready.units(shape)) >= dryrun.peak(ready, shape) - 1


def test_a_model_folder_is_fitted_and_kept(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(tmp_path))
    folder = tiny_models / "flux2-klein"
    command = [sys.executable, "-m", "genlock.generation.memory.dryrun", str(folder)]
    done = subprocess.run(command, capture_output=True, timeout=100, env={**os.environ, HOME: str(tmp_path)})
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    found = msgspec.json.decode(done.stdout.splitlines()[-1], type=dict[str, dict[str, Fit]])
    assert set(found) == {"transformer", "text_encoder", "vae"}
    assert set(found["vae"]) == {"", "tiled"}
    model = Library(tiny_models).require("flux2-klein")
    part = model.parts["transformer"]
    kept = Measured(tmp_path).read().fits[digest("Flux2Transformer2DModel", part.config)]
    assert kept == found["transformer"]
    card = device(CARDS["24 GB"])
    said = estimates.activation(model, "transformer", tokens=2000, device=card)
    assert said == round(kept[""].at(2000) * estimates.MARGIN)


def test_the_shipped_lines_are_those_of_the_published_configs() -> None:
    config: dict[str, Any] = {"rope_type": "split"}
    shipped = estimates.shipped("LTX2VideoTransformer3DModel", config)
    for variant, conditioned in (("", False), ("conditioned", True)):
        size = dryrun.peak(dryrun.ltx2_transformer(config, conditioned=conditioned), (16, 32, 48))
        assert close(shipped[variant].at(24576), size)
    klein = {"num_attention_heads": 32, "joint_attention_dim": 12288, "guidance_embeds": False}
    size = dryrun.peak(dryrun.flux2_transformer(klein), (4608,))
    assert close(estimates.shipped("Flux2Transformer2DModel", klein)[""].at(4608), size)
