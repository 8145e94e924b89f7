"""Encoded prompts: what the transformer is told, kept on disk so that the text encoder is needed once."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import LTX2Pipeline

from genlock.generation.embeddings import EmbeddingCache, key
from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.ltx2.loading import Loader
from genlock.generation.engines.ltx2.pipelines import assembled
from genlock.project.request import GenerationRequest

LENGTH = 1024
"""Tokens a prompt is filled up to."""


class Words:
    """Stands for the connectors: says what they said of the prompt. `video`, `audio` and `mask` hold the negative prompt
    first where there is guidance."""

    def __init__(self, told: dict[str, Any], device: Any, dtype: Any) -> None:
        self._told = {name: told[name].to(device) for name in ("video", "audio", "mask")}
        self._empty = torch.zeros(1, 1, 1, dtype=dtype, device=device)

    def __call__(self, *_: Any, **__: Any) -> tuple[Any, ...]:
        return tuple(self._told.values())

    def positive(self) -> Words:
        """Returns the prompt's own, without the negative one: what a stage without guidance is told."""
        own = {name: tensor[-1:] for name, tensor in self._told.items()}
        return Words(own, self._empty.device, self._empty.dtype)

    def arguments(self, *, guided: bool) -> dict[str, Any]:
        """Returns the keywords of a pipeline call: of the prompt itself it looks at the dtype only."""
        mask = torch.ones(1, 1, dtype=torch.int64, device=self._empty.device)
        said = {"prompt_embeds": self._empty, "prompt_attention_mask": mask}
        if guided:
            said |= {"negative_prompt_embeds": self._empty, "negative_prompt_attention_mask": mask}
        return said


def told(
    request: GenerationRequest, plan: Plan, sink: Sink, loader: Loader, cache: EmbeddingCache, *, guided: bool
) -> Words:
    """Returns the encoded prompt, from the cache or by the stage `encode`."""
    name = key(plan.model, plan.revision, request.prompt, _settings(request, plan, loader, guided=guided))
    kept = cache.get(name, ("video", "audio", "mask"))
    if kept is None:
        kept = _encoded(request, sink, loader, guided=guided)
        cache.put(name, kept)
    else:
        sink.note(prompt="from the cache")
    return Words(kept, loader.device, loader.dtype)


def _settings(request: GenerationRequest, plan: Plan, loader: Loader, *, guided: bool) -> dict[str, Any]:
    """Returns what else an encoding depends on; a folder that was given has no revision but its files' times."""
    files = sorted(p for part in ("text_encoder", "connectors") for p in (loader.folder / part).glob("*.safetensors"))
    return {
        "files": [] if plan.revision else [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files],
        "form": plan.how["forms"]["text_encoder"],
        "device": loader.device.type,
        "length": LENGTH,
        "negative": request.negative_prompt if guided else None,
    }


def _encoded(request: GenerationRequest, sink: Sink, loader: Loader, *, guided: bool) -> dict[str, Any]:
    sink.stage("encode")
    sink.progress(0, 1, "encode")
    parts = {"text_encoder": loader.part("text_encoder"), "tokenizer": loader.tokenizer()}
    pipe = assembled(LTX2Pipeline, parts)
    connectors = loader.part("connectors")
    positive, mask, negative, other = pipe.encode_prompt(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        do_classifier_free_guidance=guided,
        max_sequence_length=LENGTH,
        device=loader.device,
        dtype=loader.dtype,
    )
    if guided:
        positive, mask = torch.cat([negative, positive]), torch.cat([other, mask])
    video, audio, seen = connectors(positive, mask, padding_side=parts["tokenizer"].padding_side)
    sink.progress(1, 1, "encode")
    return {"video": video, "audio": audio, "mask": seen}
