"""Figures of the ltx2 engine against the bare pipeline of diffusers: the same frames, and what our way to them costs.

On a tiny model with random weights, whose steps take some milliseconds; ours therefore weighs more here than on a real
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
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest
from genlock.timeline.model import Resolution

ROUNDS: Final = 9
SIZE: Final = Resolution(256, 192)
FRAMES: Final = 49
SEED: Final = 3
LONG: Final = 250


def run() -> Iterator[Result]:
    """Yields the figures."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        home = Path(folder)
        os.environ["GENLOCK_CACHE"] = str(home / "cache")
        import torch

        from genlock.bench.checkpoints import make_ltx2

        torch.set_num_threads(1)  # threads that wait for a busy core make every call as slow as the slowest of them
        make_ltx2(home / "ltx2")
        engine = Ltx2Engine(Library(home), Machine("this computer", "cpu", device=64 << 30))
        settings: dict[str, Any] = {"schedule": "distilled"}
        request = GenerationRequest(
            "text_to_video", prompt="a bridge", resolution=SIZE, frames=FRAMES, seed=SEED, settings=settings
        )
        sink = Keeping()

        def ours() -> list[Any]:
            sink.frames = []
            engine.generate(request, engine.plans(request)[0], sink)
            return sink.frames

        bare = _bare(home / "ltx2", request.prompt)
        ours()
        differing = sum(int((one != other).sum()) for one, other in zip(ours(), bare(), strict=True))
        values = SIZE.width * SIZE.height * 3 * FRAMES
        yield Result("ltx2 values unlike the bare pipeline's", differing, f"of {values}", 0)
        floors, subjects = interleaved(ROUNDS, bare, ours)
        name = f"ltx2 {SIZE.width}x{SIZE.height}, {FRAMES} frames, 8 steps, over the bare pipeline"
        # the quickest of each: a busy neighbour slows any
        yield Result(name, subjects[0] * 1e3, "ms", 1.02, floors[0] * 1e3)
        sink.built = 0
        ours()
        yield Result("ltx2 parts loaded by a second clip", sink.built, "parts", 0)
        sink.frames = []
        settings = {"schedule": "distilled", "steps": 1, "window": 65}
        chained = GenerationRequest(
            "text_to_video", prompt="a bridge", resolution=Resolution(64, 64), frames=LONG, settings=settings
        )
        engine.generate(chained, engine.plans(chained)[0], sink)
        yield Result(f"ltx2 frames too many or too few of {LONG} in runs", abs(len(sink.frames) - LONG), "frames", 0)
        same = sum(bool((one == other).all()) for one, other in zip(sink.frames, sink.frames[1:], strict=False))
        yield Result("ltx2 frames shown twice at a seam", same, "frames", 0)


def _bare(folder: Path, prompt: str) -> Callable[[], list[Any]]:
    """Returns the call a user of diffusers would make."""
    import numpy as np
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, LTX2Pipeline

    from genlock.generation.engines.ltx2.schedule import DISTILLED

    pipe = LTX2Pipeline.from_pretrained(str(folder), local_files_only=True)
    pipe.scheduler = FlowMatchEulerDiscreteScheduler.from_config(
        pipe.scheduler.config, use_dynamic_shifting=False, shift_terminal=None
    )
    pipe.set_progress_bar_config(disable=True)
    with torch.no_grad():
        words, mask, _, _ = pipe.encode_prompt(prompt, do_classifier_free_guidance=False)
    plain: dict[str, Any] = {"spatio_temporal_guidance_blocks": None, "use_cross_timestep": False}
    plain |= {f"{which}guidance_scale": 1.0 for which in ("", "audio_")}
    plain |= {f"{which}modality_scale": 1.0 for which in ("", "audio_")}
    plain |= {f"{which}{name}": 0.0 for which in ("", "audio_") for name in ("stg_scale", "guidance_rescale")}

    def call() -> list[Any]:
        made = pipe(
            prompt_embeds=words,
            prompt_attention_mask=mask,
            width=SIZE.width,
            height=SIZE.height,
            num_frames=FRAMES,
            frame_rate=24.0,
            num_inference_steps=len(DISTILLED),
            sigmas=list(DISTILLED),
            generator=torch.Generator().manual_seed(SEED),
            **plain,
        )
        return [np.asarray(frame) for frame in made.frames[0]]

    return call
