"""Latents to pictures and sound, with the very operations of the pipelines of diffusers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from diffusers import LTX2Pipeline
from diffusers.video_processor import VideoProcessor

from genlock.generation.engines.ltx2 import grid, sound
from genlock.generation.engines.ltx2.grid import Segment
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]


def pictures(vae: Any, latents: Any, dtype: Any, part: int, neighbours: int) -> Iterator[Array]:
    """Yields the pictures of normalised latents [1, C, F, H, W] as HxWx3 uint8, decoded in parts of `part` latents that see
    `neighbours` latents on either side, whose pictures are dropped; all at once when they are no more than such a part."""
    total = latents.shape[2]
    if total <= part + 2 * neighbours:
        part = total
    processor = VideoProcessor(vae_scale_factor=vae.spatial_compression_ratio, resample="bilinear")
    for start in range(0, total, part):
        end = min(total, start + part)
        low, high = max(0, start - neighbours), min(total, end + neighbours)
        video = _decoded(vae, latents[:, :, low:high].to(vae.device), dtype)
        first = grid.begin(start - low) if start else 0
        for number in range(first, grid.begin(end - low)):
            picture = processor.postprocess_video(video[:, :, number : number + 1], output_type="np")[0, 0]
            yield (picture * 255).round().astype("uint8")


def _decoded(vae: Any, latents: Any, dtype: Any) -> Any:
    latents = LTX2Pipeline._denormalize_latents(
        latents.to(dtype), vae.latents_mean, vae.latents_std, vae.config.scaling_factor
    )
    # Models that are told a noise level while they decode are told that there is none.
    time = torch.zeros(1, device=latents.device, dtype=latents.dtype) if vae.config.timestep_conditioning else None
    return vae.decode(latents.to(vae.dtype), time, return_dict=False)[0]


def samples(
    audio_vae: Any, vocoder: Any, runs: tuple[Segment, ...], latents: list[Any], rate: Rate, made: int
) -> Array:
    """Returns the sound of `made` frames, float32 [2, n] at 48 kHz, from each run's normalised latents [1, C, L, M]."""
    parts: list[tuple[int, Array]] = []
    for run, one in zip(runs, latents, strict=True):
        bins = one.shape[-1]
        packed = LTX2Pipeline._pack_audio_latents(one.to(audio_vae.device))
        packed = LTX2Pipeline._denormalize_audio_latents(packed, audio_vae.latents_mean, audio_vae.latents_std)
        spread = LTX2Pipeline._unpack_audio_latents(packed, one.shape[2], num_mel_bins=bins)
        heard = vocoder(audio_vae.decode(spread.to(audio_vae.dtype), return_dict=False)[0])[0].float().cpu().numpy()
        length = grid.samples(run.frames, rate)
        start = grid.samples(run.first, rate)
        parts.append((start, sound.stereo(heard, int(vocoder.config.output_sampling_rate), length)))
    return sound.joined(parts, grid.samples(made, rate))
