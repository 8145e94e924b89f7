"""The pipelines of diffusers, run a stage at a time: nothing but the transformer is needed while they denoise. What they
encode themselves was encoded before, with the same functions, so that frames stay the same bit for bit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from diffusers import LTX2ConditionPipeline, LTX2InContextPipeline, LTX2Pipeline
from msgspec import Struct

from genlock.generation.engines.ltx2 import grid


class Given(Struct):
    """Encoded pictures to follow: normalised `latents` [1, C, F, H, W], from latent `index` on, which may lie between two:
    the pipelines turn it into a frame, which is what the model sees. The `strength` of pictures from the beginning may be
    one for each token, [1, tokens, 1]."""

    latents: Any
    index: float
    strength: Any


class Codec:
    """Stands for an autoencoder while latents stay as the transformer sees them: its config and ratios without its weights.
    `encode` passes on what is encoded already."""

    def __init__(self, empty: Any, dtype: Any) -> None:
        self.config = SimpleNamespace(**{**empty.config, "scaling_factor": 1.0})
        self.dtype = dtype
        self.latents_mean, self.latents_std = torch.zeros(1), torch.ones(1)
        for ratio in ("spatial_compression_ratio", "temporal_compression_ratio", "mel_compression_ratio"):
            if hasattr(empty, ratio):
                setattr(self, ratio, getattr(empty, ratio))

    def encode(self, latents: Any) -> Any:
        """Returns latents as an encoder's output."""
        return SimpleNamespace(latents=latents)


class _Encoded:
    """Stands for the preparation of references."""

    def preprocess_video(self, video: Any, *_: Any, **__: Any) -> Any:
        return video


def _prepared(conditions: list[Given] | None) -> tuple[list[Any], list[float], list[float], list[int]]:
    given = conditions or []
    return (
        [g.latents for g in given],
        [g.strength for g in given],
        [g.index for g in given],
        [grid.frames_of(g.latents.shape[2]) for g in given],
    )


class Conditioned(LTX2ConditionPipeline):  # type: ignore[misc]
    """Follows latents."""

    def preprocess_conditions(self, conditions: Any = None, *_: Any, **__: Any) -> Any:
        return _prepared(conditions)


class InContext(LTX2InContextPipeline):  # type: ignore[misc]
    """Follows latents, and shows references to the transformer."""

    def preprocess_conditions(self, conditions: Any = None, *_: Any, **__: Any) -> Any:
        return _prepared(conditions)


def assembled(kind: Any, parts: dict[str, Any]) -> Any:
    """Returns a pipeline of the parts that are there, the others None; it shows no bar."""
    names = ("scheduler", "vae", "audio_vae", "text_encoder", "tokenizer", "connectors", "transformer", "vocoder")
    made = kind(**{name: parts.get(name) for name in names})
    made.set_progress_bar_config(disable=True)
    if kind is InContext:
        made.video_processor = _Encoded()
    return made


def kind_for(*, follows: bool, references: bool) -> Any:
    """Returns the pipeline for a run."""
    if references:
        return InContext
    return Conditioned if follows else LTX2Pipeline
