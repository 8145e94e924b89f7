"""Figures of the flux2 engine against the bare pipeline of diffusers: the same pictures, and what our way to them costs.

On a tiny model with random weights, whose steps take a few milliseconds; ours therefore weighs more here than on a real
one. Both have the prompt encoded and the model loaded.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from genlock.bench import Result, interleaved
from genlock.bench.keeping import Keeping
from genlock.generation.engines.flux2.engine import Flux2Engine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest
from genlock.timeline.model import Resolution

ROUNDS: Final = 7
STEPS: Final = 8
SIZE: Final = Resolution(1024, 1024)
"""As pictures are made: what planning and putting a pipeline together cost is the same few milliseconds at any size."""
SEED: Final = 3


def run() -> Iterator[Result]:
    """Yields the figures."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        home = Path(folder)
        os.environ["GENLOCK_CACHE"] = str(home / "cache")
        from genlock.bench.checkpoints import make_flux2

        make_flux2(home / "flux2-klein")
        engine = Flux2Engine(Library(home), Machine("this computer", "cpu", device=64 << 30))
        settings = {"steps": STEPS}
        request = GenerationRequest("image", prompt="a bridge", resolution=SIZE, seed=SEED, settings=settings)
        sink = Keeping()

        def ours() -> Any:
            engine.generate(request, engine.plans(request)[0], sink)
            return sink.frames[-1]

        bare = _bare(home / "flux2-klein", request.prompt)
        ours()
        differing = int((ours() != bare()).sum())
        yield Result("flux2 values unlike the bare pipeline's", differing, f"of {SIZE.width * SIZE.height * 3}", 0)
        floors, subjects = interleaved(ROUNDS, bare, ours)
        name = f"flux2 {SIZE.width}x{SIZE.height}, {STEPS} steps, over the bare pipeline"
        # the quickest of each: a busy neighbour slows any
        yield Result(name, subjects[0] * 1e3, "ms", 1.02, floors[0] * 1e3)
        sink.built = 0
        ours()
        yield Result("flux2 parts loaded by a second picture", sink.built, "parts", 0)


def _bare(folder: Path, prompt: str) -> Callable[[], Any]:
    """Returns the call a user of diffusers would make."""
    import numpy as np
    import torch
    from diffusers import Flux2KleinPipeline

    pipe = Flux2KleinPipeline.from_pretrained(str(folder), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    with torch.no_grad():
        words = pipe.encode_prompt(prompt)[0]

    def call() -> Any:
        seed = torch.Generator().manual_seed(SEED)
        size = {"width": SIZE.width, "height": SIZE.height}
        options = {"num_inference_steps": STEPS, "guidance_scale": 1.0, "generator": seed}
        return np.asarray(pipe(prompt_embeds=words, **size, **options).images[0])

    return call
