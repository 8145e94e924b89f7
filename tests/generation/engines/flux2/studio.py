"""What the tests of flux2 share: pictures on disk, requests, and the bare pipelines to compare with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from genlock.generation.engines.flux2.engine import Flux2Engine
from genlock.generation.memory.machine import GiB, Machine
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest
from genlock.timeline.model import Resolution
from tests.generation.recording import Parts, Recording, run

Array = np.ndarray[Any, Any]

SIZE = Resolution(128, 96)
PROMPT = "a red car on a bridge"
CPU = Machine("a test", "cpu", device=32 * GiB)


def photo(path: Path, width: int = SIZE.width, height: int = SIZE.height, seed: int = 0) -> Path:
    """Writes a picture with structure of every size."""
    noise = np.random.default_rng(seed).integers(0, 255, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    Image.fromarray(np.asarray(cv2.resize(noise, (width, height)))).save(path)
    return path


def hole(path: Path, width: int = SIZE.width, height: int = SIZE.height) -> Path:
    """Writes a mask: a disc a little off the middle."""
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 2 + 5, height // 2 - 3), min(width, height) // 4, 255, -1)
    Image.fromarray(mask).save(path)
    return path


def pixels(path: Path) -> Array:
    return np.asarray(Image.open(path))


class Studio:
    """An engine on the tiny models, and the models it has loaded."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.engine = Flux2Engine(Library(home), CPU)
        self.parts = Parts()

    @staticmethod
    def cache() -> Path:
        """Returns the folder of encoded prompts."""
        return Path(os.environ["GENLOCK_CACHE"]) / ".embeddings"

    def make(self, mode: str, **fields: Any) -> Recording:
        return run(self.engine, self.request(mode, **fields), self.parts)

    def request(self, mode: str, **fields: Any) -> GenerationRequest:
        values: dict[str, Any] = {"prompt": PROMPT, "resolution": SIZE, "seed": 7, "frames": 1}
        return GenerationRequest(mode=mode, **values | fields)  # type: ignore[arg-type]

    def picture(self, mode: str, **fields: Any) -> Array:
        """Returns the one picture a request makes."""
        (frame,) = self.make(mode, **fields).frames
        return frame

    def bare(self, cls: Any, distilled: bool = True, **options: Any) -> Array:
        """Returns what a user of diffusers gets from the same folder."""
        import torch

        pipe = cls.from_pretrained(str(self.home / "flux2-klein"), local_files_only=True)
        pipe.register_to_config(is_distilled=distilled)
        pipe.set_progress_bar_config(disable=True)
        options = {"num_inference_steps": 4, "generator": torch.Generator().manual_seed(7)} | options
        if "prompt_embeds" not in options:
            options["prompt"] = PROMPT
        if "negative" in options:
            words = options.pop("negative")
            with torch.no_grad():
                options["negative_prompt_embeds"] = pipe.encode_prompt(words)[0]
        return np.asarray(pipe(**options).images[0])
