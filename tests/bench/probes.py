"""Measurements in a process of their own, so that what they hold on the device goes with them:
`python -m tests.bench.probes NAME JSON` prints one JSON object."""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from genlock.generation.engine import Component
from tests.generation.recording import Parts, run

ROUNDS = 3


def writing(home: str, size: str, device: str) -> dict[str, Any]:
    """Writes the models; see `real.make`."""
    from tests.bench import real

    written, hollow = real.make(Path(home), size, device)
    return {"bytes": written, "hollow": hollow}


def copying(device: str, bytes: int, file: str) -> dict[str, float]:
    """Returns bytes a second from pinned memory to the device and back, and of a file that is in no cache."""
    import torch

    pinned = torch.empty(bytes, dtype=torch.uint8, pin_memory=device.startswith("cuda"))
    pinned.fill_(1)
    there = torch.empty(bytes, dtype=torch.uint8, device=device)

    def rate(to: Any, source: Any) -> float:
        seconds = []
        for _ in range(ROUNDS + 1):  # the first one warms up
            begin = perf_counter()
            to.copy_(source, non_blocking=True)
            _synchronise(device)
            seconds.append(perf_counter() - begin)
        return bytes / min(seconds[1:])

    return {"up": rate(there, pinned), "down": rate(pinned, there), "disk": _disk(Path(file))}


def bare(device: str, requests: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns, by engine, what `beside` does for its request."""
    return {engine: beside(device, engine, request) for engine, request in requests.items()}


def beside(device: str, engine: str, request: dict[str, Any]) -> dict[str, Any]:
    """Returns the seconds of the bare pipeline call and of our engine's (the quickest of some), and how many values of
    their frames differ. One after the other: a card holds the weights once."""
    import numpy as np

    from genlock.generation.engines.flux2.engine import Flux2Engine
    from genlock.generation.engines.ltx2.engine import Ltx2Engine
    from genlock.generation.memory.machine import here
    from genlock.generation.models.library import Library
    from genlock.project.request import GenerationRequest

    asked = msgspec.convert(request, GenerationRequest)
    made = Ltx2Engine(Library(), here()) if engine == "ltx2" else Flux2Engine(Library(), here())
    plan = made.plans(asked)[0]
    if any(form not in ("bfloat16", "float32", "float16") for form in plan.how["forms"].values()) or plan.how["tiled"]:
        return {"skipped": f"the first way is {plan.name}: a bare pipeline does not run here"}
    machine = here()
    if (
        sum(part.bytes for part in plan.components) + plan.bytes - max(c.bytes for c in plan.components)
        > machine.usable
    ):
        return {"skipped": f"the parts do not all fit {machine.name} at once, as a bare pipeline has them"}
    dtype = plan.how["dtype"]
    call = (_ltx2 if engine == "ltx2" else _flux2)(asked, plan.how, device, dtype)
    theirs, floor = _timed(call, device)
    del call
    gc.collect()
    _empty(device)
    parts = _Parts(device)
    mine, ours = _timed(lambda: run(made, asked, parts).frames, device)
    assert len(mine) == len(theirs)
    differing = sum(int((np.asarray(a) != np.asarray(b)).sum()) for a, b in zip(mine, theirs, strict=True))
    parts.held.clear()
    gc.collect()
    _empty(device)
    return {"bare": floor, "ours": ours, "differing": differing, "digest": blake2b(mine[-1].tobytes()).hexdigest()[:16]}


def activations(device: str) -> dict[str, list[tuple[str, int, int]]]:
    """Returns part with shape, bytes by the dry run, and bytes the allocator had handed out: parts of published width
    and two layers on a GPU, narrow ones elsewhere. The line is fitted to other shapes than those that run."""
    import torch

    from genlock.bench import estimates
    from genlock.generation.memory import dryrun

    if device == "cpu":
        narrow = {"in_channels": 16, "num_attention_heads": 2, "attention_head_dim": 16, "joint_attention_dim": 48}
        config = narrow | {"axes_dims_rope": (4, 4, 4, 4), "guidance_embeds": False}
        cases = {"flux2 transformer": (dryrun.flux2_transformer(config), dryrun.PICTURE, ((2048,), (4096,)))}
    else:
        known = ((8, 16, 16), (16, 32, 32))
        shapes = ((16, 22, 38), (16, 34, 60), (31, 22, 38))
        cases = {
            "flux2 transformer": (dryrun.flux2_transformer(estimates.FLUX2), dryrun.PICTURE, ((4608,), (16896,))),
            **{
                f"ltx2 transformer{', conditioned' if held else ''}": (
                    dryrun.ltx2_transformer(estimates.LTX2, conditioned=held),
                    known,
                    shapes,
                )
                for held in (False, True)
            },
        }
    found = []
    for name, (ready, known, shapes) in cases.items():
        line = dryrun.line(ready, known)
        for shape in shapes:
            actual = (
                estimates.recorded(ready, shape, torch.bfloat16)
                if device == "cpu"
                else _allocated(ready, shape, device)
            )
            found.append((f"{name}, {'x'.join(map(str, shape))}", round(line.at(ready.units(shape))), actual))
    return {"found": found}


def _allocated(ready: Any, shape: tuple[int, ...], device: str) -> int:
    """Returns the most bytes in use on top of weights during a call on a GPU."""
    import torch

    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("meta"):
            made = ready.build().eval()
        made.to_empty(device=device)
        with torch.no_grad(), torch.device(device):
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            ready.call(made, shape)
            torch.cuda.synchronize()
            return torch.cuda.max_memory_allocated() - before
    finally:
        torch.set_default_dtype(torch.float32)


class _Parts(Parts):
    """Models that stay on one device."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def get(self, component: Component, build: Any) -> Any:
        return super().get(component, lambda: build().to(self.device))


def _timed(call: Any, device: str) -> tuple[Any, float]:
    seconds = []
    for _ in range(1 + (ROUNDS if device.startswith("cuda") else 1)):  # a CPU's times prove nothing here
        begin = perf_counter()
        made = call()
        _synchronise(device)
        seconds.append(perf_counter() - begin)
    return made, min(seconds[1:])


def _ltx2(request: Any, how: dict[str, Any], device: str, dtype: str) -> Any:
    import numpy as np
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, LTX2Pipeline

    from genlock.generation.engines.ltx2.schedule import DISTILLED

    pipe = LTX2Pipeline.from_pretrained(how["folder"], local_files_only=True, torch_dtype=getattr(torch, dtype))
    pipe.scheduler = FlowMatchEulerDiscreteScheduler.from_config(
        pipe.scheduler.config, use_dynamic_shifting=False, shift_terminal=None
    )
    pipe.set_progress_bar_config(disable=True)
    pipe.text_encoder.to(device)
    with torch.no_grad():
        words, mask, _, _ = pipe.encode_prompt(request.prompt, do_classifier_free_guidance=False, device=device)
    pipe.text_encoder = None
    gc.collect()
    _empty(device)
    pipe.to(device)
    plain: dict[str, Any] = {"spatio_temporal_guidance_blocks": None, "use_cross_timestep": False}
    for side in ("", "audio_"):
        plain |= {f"{side}guidance_scale": 1.0, f"{side}modality_scale": 1.0}
        plain |= {f"{side}stg_scale": 0.0, f"{side}guidance_rescale": 0.0}

    def call() -> list[Any]:
        made = pipe(
            prompt_embeds=words,
            prompt_attention_mask=mask,
            width=request.resolution.width,
            height=request.resolution.height,
            num_frames=request.frames,
            frame_rate=24.0,
            num_inference_steps=len(DISTILLED),
            sigmas=list(DISTILLED),
            generator=torch.Generator().manual_seed(request.seed),
            **plain,
        )
        return [np.asarray(frame) for frame in made.frames[0]]

    return call


def _flux2(request: Any, how: dict[str, Any], device: str, dtype: str) -> Any:
    import numpy as np
    import torch
    from diffusers import Flux2KleinPipeline

    pipe = Flux2KleinPipeline.from_pretrained(how["model"], local_files_only=True, torch_dtype=getattr(torch, dtype))
    pipe.set_progress_bar_config(disable=True)
    pipe.to(device)
    with torch.no_grad():
        words = pipe.encode_prompt(request.prompt)[0]

    def call() -> list[Any]:
        size = {"width": request.resolution.width, "height": request.resolution.height}
        seed = torch.Generator().manual_seed(request.seed)
        steps = request.settings["steps"]
        made = pipe(prompt_embeds=words, **size, num_inference_steps=steps, guidance_scale=1.0, generator=seed)
        return [np.asarray(made.images[0])]

    return call


def _disk(path: Path) -> float:
    """Returns bytes a second of reading a file that the system was asked to forget."""
    size = path.stat().st_size
    fd = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        begin = perf_counter()
        while os.read(fd, 1 << 24):
            pass
        return size / (perf_counter() - begin)
    finally:
        os.close(fd)


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize()


def _empty(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    probe = {"writing": writing, "copying": copying, "bare": bare, "activations": activations}[sys.argv[1]]
    if '"device": "cpu"' in sys.argv[2]:
        import torch

        torch.set_num_threads(1)  # threads that wait for a busy core make every call as slow as the slowest of them
    print(json.dumps(probe(**json.loads(sys.argv[2]))))
