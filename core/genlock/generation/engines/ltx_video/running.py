"""Runs Lightricks' pipeline. Only the environment's interpreter imports this."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from ltx_video.models.autoencoders.causal_video_autoencoder import CausalVideoAutoencoder
from ltx_video.models.transformers.symmetric_patchifier import SymmetricPatchifier
from ltx_video.models.transformers.transformer3d import Transformer3DModel
from ltx_video.pipelines.pipeline_ltx_video import ConditioningItem, LTXVideoPipeline
from ltx_video.schedulers.rf import RectifiedFlowScheduler
from safetensors import safe_open
from transformers import T5EncoderModel, T5Tokenizer

from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.animatic import sources
from genlock.generation.planner import resolve_frame
from genlock.project.request import Conditioning, GenerationRequest

Array = np.ndarray[Any, Any]

STEPS: Final = 30
"""Of a checkpoint that is not distilled."""

DECODE: Final = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
"""As Lightricks' own configurations of 0.9.x have it."""

_ABSENT: Final = (
    "prompt_enhancer_image_caption_model",
    "prompt_enhancer_image_caption_processor",
    "prompt_enhancer_llm_model",
    "prompt_enhancer_llm_tokenizer",
)


def run(request: GenerationRequest, plan: Plan, sink: Sink) -> None:
    """Delivers exactly `request.frames` frames of the request's size."""
    how = plan.how
    dtype = getattr(torch, how["dtype"])
    words = _encoded(request, plan, sink, dtype)
    sink.stage("denoise")
    checkpoint = Path(how["checkpoint"])
    transformer = sink.models.get(_part(plan, "transformer"), lambda: _transformer(checkpoint, dtype))
    vae = sink.models.get(_part(plan, "vae"), lambda: _decoder(checkpoint, dtype))
    pipeline = _pipeline(transformer=transformer, vae=vae, scheduler=_scheduler(checkpoint))
    allowed = _config(checkpoint).get("allowed_inference_steps")
    steps = _steps(how["steps"], allowed)
    total = len(steps.get("timesteps") or ()) or steps["num_inference_steps"]

    def stepped(_: Any, number: int, *__: Any) -> None:
        sink.progress(number + 1, total, "denoise")

    width, height = how["size"]
    torch.manual_seed(request.seed)  # the decoder's noise is drawn without the generator
    with torch.no_grad():
        video = pipeline(
            height=height,
            width=width,
            num_frames=plan.made,
            frame_rate=float(request.rate.fraction),
            prompt=None,
            negative_prompt=None,
            **words,
            **steps,
            guidance_scale=how["guidance"],
            stg_scale=0.0,
            rescaling_scale=1.0,
            conditioning_items=_conditions(request, plan, sink.models.device, dtype) or None,
            output_type="pt",
            is_video=True,
            vae_per_channel_normalize=True,
            callback_on_step_end=stepped,
            generator=torch.Generator(sink.models.device).manual_seed(request.seed),
            **DECODE,
        ).images
    sink.note(device=sink.models.device, dtype=how["dtype"], steps=total, size=[width, height], made=plan.made)
    _deliver(video, request, how["tail"], sink)


def _encoded(request: GenerationRequest, plan: Plan, sink: Sink, dtype: Any) -> dict[str, Any]:
    """Returns the prompt as the pipeline takes it; the text encoder is not needed behind it."""
    sink.stage("encode")
    folder = plan.how["words"]

    def build() -> Any:
        return T5EncoderModel.from_pretrained(
            folder, subfolder="text_encoder", local_files_only=True, use_safetensors=True, torch_dtype=dtype
        ).eval()

    encoder = sink.models.get(_part(plan, "text_encoder"), build)
    tokenizer = T5Tokenizer.from_pretrained(folder, subfolder="tokenizer", local_files_only=True, legacy=True)
    found: dict[str, Any] = {}
    for name, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
        tokens = tokenizer(
            text, padding="max_length", max_length=256, truncation=True, add_special_tokens=True, return_tensors="pt"
        ).to(sink.models.device)
        with torch.no_grad():
            embedded = encoder(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
        found[f"{name}_embeds"], found[f"{name}_attention_mask"] = embedded.to(dtype), tokens.attention_mask
        sink.progress(len(found) // 2, 2, "encode")
    return found


def _pipeline(**parts: Any) -> Any:
    absent = dict.fromkeys((*_ABSENT, "tokenizer", "text_encoder"))
    pipeline = LTXVideoPipeline(**absent, **parts, patchifier=SymmetricPatchifier(patch_size=1))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _steps(asked: int, allowed: list[float] | None) -> dict[str, Any]:
    """Returns what to pass for the schedule: a distilled checkpoint knows its own steps only."""
    if allowed:
        return {"timesteps": sorted((step for step in allowed if step > 0), reverse=True)}
    return {"num_inference_steps": asked or STEPS}


def _conditions(request: GenerationRequest, plan: Plan, device: str, dtype: Any) -> list[Any]:
    width, height = plan.how["size"]
    tail = plan.how["tail"]
    found = []
    if tail:
        with sources.footage(request.source, (width, height), request.rate, _same) as clip:
            numbers = range(clip.frames - tail, clip.frames)
            found.append(ConditioningItem(_tensor([clip.at(max(0, n)) for n in numbers], device, dtype), 0, 1.0))
    found += [_condition(request, each, plan, device, dtype) for each in request.conditioning]
    return found


def _condition(request: GenerationRequest, each: Conditioning, plan: Plan, device: str, dtype: Any) -> Any:
    frame = plan.how["tail"] + resolve_frame(each.frame, request.frames)
    with sources.footage(each.path, tuple(plan.how["size"]), request.rate, _same) as clip:
        length = 1 + (max(1, each.frames) - 1) // 8 * 8
        pictures = [clip.at(number, each.first) for number in range(length)]
    if length > 1:
        frame = frame // 8 * 8  # a clip begins where a latent does
    return ConditioningItem(_tensor(pictures, device, dtype), min(frame, plan.made - length), each.strength)


def _deliver(video: Any, request: GenerationRequest, tail: int, sink: Sink) -> None:
    """Delivers frames (1, 3, F, H, W in 0..1) behind the tail that was given, cut to the size asked for."""
    size = request.resolution.width, request.resolution.height
    for number in range(request.frames):
        picture = video[0, :, tail + number].float().clamp(0, 1).permute(1, 2, 0).mul(255).round()
        sink.frame(sources.cover(picture.to(torch.uint8).cpu().numpy(), size))
        sink.progress(number + 1, request.frames, "frames")


def _tensor(pictures: list[Array], device: str, dtype: Any) -> Any:
    stacked = torch.from_numpy(np.stack(pictures)).permute(3, 0, 1, 2)[None]
    return (stacked.to(device, torch.float32) / 127.5 - 1).to(dtype)


def _transformer(checkpoint: Path, dtype: Any) -> Any:
    return Transformer3DModel.from_pretrained(checkpoint).to(dtype).eval()


def _decoder(checkpoint: Path, dtype: Any) -> Any:
    return CausalVideoAutoencoder.from_pretrained(checkpoint).to(dtype).eval()


def _scheduler(checkpoint: Path) -> Any:
    return RectifiedFlowScheduler.from_config(_config(checkpoint)["scheduler"])


def _config(checkpoint: Path) -> dict[str, Any]:
    with safe_open(checkpoint, framework="pt") as file:
        found: dict[str, Any] = json.loads(file.metadata()["config"])
    return found


def _part(plan: Plan, name: str) -> Any:
    return next(part for part in plan.components if f"/{name}@" in part.name)


def _same(picture: Array) -> Array:
    return picture
