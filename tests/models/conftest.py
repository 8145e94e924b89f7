"""One daemon a module, on tiny models that lie in a library of their own with LoRAs and a second autoencoder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.generation.footage import clip, disc
from tests.models.lot import SIZE, Lot, opened

ADAPTERS = """
import sys, torch
from pathlib import Path
from safetensors.torch import save_file
home = Path(sys.argv[1])
def write(name, stems, seed):
    made = torch.Generator().manual_seed(seed)
    tensors = {}
    for stem in stems:
        tensors[f"transformer.{stem}.lora_A.weight"] = torch.randn(4, 32, generator=made)
        tensors[f"transformer.{stem}.lora_B.weight"] = torch.randn(32, 4, generator=made)
    save_file(tensors, home / name)
write("film-look.safetensors", [f"transformer_blocks.{n}.attn1.{k}" for n in (0, 1) for k in ("to_q", "to_v")], 5)
write("ink.safetensors", [f"transformer_blocks.0.attn.{k}" for k in ("to_q", "to_k", "to_v")], 1)
"""


@pytest.fixture(scope="session")
def models(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library: the tiny models, two LoRAs, and an autoencoder that lies alone."""
    home = tmp_path_factory.mktemp("library")
    for model in tiny_models.iterdir():
        if not model.name.startswith("."):
            (home / model.name).symlink_to(model)
    shutil.copytree(tiny_models / "flux2-klein" / "vae", home / "flux2-decoder")
    (home / "loras").mkdir()
    made = subprocess.run([sys.executable, "-c", ADAPTERS, str(home / "loras")], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-2000:]
    return home


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lot")


@pytest.fixture(scope="module")
def lot(folder: Path, models: Path) -> Iterator[Lot]:
    """A daemon with every engine of this machine."""
    with opened(folder, models) as found:
        yield found
        found.rest()
        assert found.left() == []


@pytest.fixture
def open_lot(tmp_path: Path, models: Path) -> Callable[..., AbstractContextManager[Lot]]:
    """Runs a daemon for one test alone, with these settings of its own."""
    return partial(opened, tmp_path, models)


@pytest.fixture(scope="module")
def footage(folder: Path) -> Path:
    """A folder below the daemon's roots with `disc.mov` (17 frames, the disc's `mask.mov` and `mask.png` of its first),
    `a.png` and `b.png` of the lot's size."""
    media = folder / "media"
    media.mkdir(exist_ok=True)
    shown = [disc(number, *SIZE) for number in range(17)]
    clip(media / "disc.mov", [picture for picture, _ in shown])
    clip(media / "mask.mov", [np.repeat(np.uint8(255) * mask[..., None], 3, axis=2) for _, mask in shown])
    Image.fromarray(np.uint8(255) * shown[0][1]).save(media / "mask.png")
    Image.fromarray(shown[0][0]).save(media / "first.png")
    for seed, name in enumerate(("a.png", "b.png")):
        noise = np.random.default_rng(seed).integers(0, 255, (8, 12, 3), np.uint8)
        Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC).save(media / name)
    return media
