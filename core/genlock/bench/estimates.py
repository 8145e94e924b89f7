"""How well the bytes a model part takes are known before it runs: the dry run beside the allocator's own record.

Parts of published width and two layers, whose weights are whatever lay in memory: what they compute is never looked at.
The line is fitted to other shapes than the one that is run.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from genlock.bench import Result

LIMIT: Final = 1.05
"""Estimate over actual, or actual over estimate."""

LTX2: Final[dict[str, Any]] = {"rope_type": "split"}
FLUX2: Final[dict[str, Any]] = {"num_attention_heads": 32, "joint_attention_dim": 12288, "guidance_embeds": False}
"""What differs from the classes' own defaults in LTX-2 19B and FLUX.2 Klein 9B."""

WORDS: Final = 32
"""Tokens of the prompt."""


def run() -> Iterator[Result]:
    """Yields the figures."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.simplefilter("ignore")
    from genlock.generation.memory import dryrun

    # a short prompt, so that few tokens are already more than it
    known = ((2, 8, 12), (16, 16, 24))
    video: dict[str, Any] = {"config": LTX2, "words": WORDS}
    yield compared("ltx2 activation", dryrun.ltx2_transformer(**video, conditioned=False), known, (2, 10, 16))
    yield compared("ltx2 activation, conditioned", dryrun.ltx2_transformer(**video), known, (2, 10, 16))
    yield compared("flux2 activation", dryrun.flux2_transformer(FLUX2), dryrun.PICTURE, (dryrun.PICTURE_WORDS + 128,))


def compared(name: str, ready: Any, known: tuple[tuple[int, ...], ...], asked: tuple[int, ...]) -> Result:
    """Returns the estimate over the actual bytes for the shape `asked`, from a line through the shapes `known`; turned
    round when it is too small."""
    import torch

    from genlock.generation.memory import dryrun

    estimate = dryrun.line(ready, known).at(ready.units(asked))
    actual = recorded(ready, asked, torch.bfloat16)
    value, floor = (estimate, actual) if estimate >= actual else (actual, estimate)
    return Result(f"{name}, estimate to actual", value / 2**20, "MiB", LIMIT, floor / 2**20)


def recorded(ready: Any, shape: tuple[int, ...], dtype: Any) -> int:
    """Returns the most bytes the allocator had handed out at once on top of weights during a real call on the CPU."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device("meta"):
            made = ready.build().eval()
        made.to_empty(device="cpu")
        with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
            ready.call(made, shape)
    finally:
        torch.set_default_dtype(before)
    held = most = 0
    for size in _moves(record):
        held += size
        most = max(most, held)
    return most


def _moves(record: Any) -> Iterator[int]:
    """Yields what the allocator gave (positive) and got back, in order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        record.export_chrome_trace(str(path))
        events = json.loads(path.read_bytes())["traceEvents"]
    for event in sorted((e for e in events if e.get("name") == "[memory]"), key=lambda e: float(e["ts"])):
        yield int(event["args"]["Bytes"])
