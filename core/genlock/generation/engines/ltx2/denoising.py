"""The runs of a clip: each follows its conditions and the tail of the one before, as latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import LTX2Pipeline
from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2ReferenceCondition
from msgspec import Struct

from genlock.generation.engines.ltx2 import loras
from genlock.generation.engines.ltx2.grid import Segment, Size
from genlock.generation.engines.ltx2.loading import Loader
from genlock.generation.engines.ltx2.pipelines import Codec, Given, assembled, kind_for
from genlock.generation.engines.ltx2.schedule import Schedule
from genlock.generation.engines.ltx2.words import Words
from genlock.timeline.rate import Rate


class Seen(Struct):
    """What one run follows: pictures at the first stage's size and at the second's, references, and for an upscale the
    source's latents at half the size."""

    first: list[Given] = []
    second: list[Given] = []
    references: list[tuple[Any, float]] = []
    source: Any = None


class Denoiser:
    """Runs the transformer for one job. `size` is the final one; `stages` one schedule, or two to make half the size first.
    `stepped` is called after each step."""

    def __init__(
        self,
        loader: Loader,
        words: Words,
        stages: Sequence[Schedule],
        size: Size,
        rate: Rate,
        stack: tuple[tuple[Path, float], ...],
        stepped: Callable[[], None],
    ) -> None:
        self._loader, self._words, self._stages = loader, words, stages
        self._size, self._rate, self._stepped = size, rate, stepped
        self._transformer = loader.part("transformer")
        self._video = Codec(loader.empty("vae"), loader.decoder)
        self._audio = Codec(loader.empty("audio_vae"), loader.decoder)
        self._upsampler = loader.part("latent_upsampler") if len(stages) > 1 else None
        loras.apply(assembled(LTX2Pipeline, {"transformer": self._transformer}), stack)

    def all(self, runs: tuple[Segment, ...], seen: Sequence[Seen], seed: int) -> tuple[Any, list[Any]]:
        """Returns normalised latents of the whole clip [1, C, F, H, W], each made once, and the sound's of each run."""
        video: list[Any] = []
        audio: list[Any] = []
        tails: list[Any] = []
        for number, (run, one) in enumerate(zip(runs, seen, strict=True)):
            generator = torch.Generator().manual_seed(seed + number)
            for given, tail in zip((one.first, one.second), tails, strict=False):
                # Behind the others: where a clip is given from its beginning, what was made of it goes on.
                given.append(Given(tail[:, :, -run.kept :], 0, 1.0))
            pictures, heard = self._run(run, one, generator)
            tails = pictures
            video.append(pictures[-1][:, :, run.kept :])
            audio.append(heard)
        return torch.cat(video, dim=2), audio

    def _run(self, run: Segment, seen: Seen, generator: Any) -> tuple[list[Any], Any]:
        """Returns the latents of each stage, and the sound's."""
        if len(self._stages) == 1:
            latents, heard = self._call(self._stages[0], self._size, run, seen.first, seen.references, generator, {})
            return [latents], heard
        half = self._size[0] // 2, self._size[1] // 2
        first, second = self._stages
        more: dict[str, Any] = {"noise_scale": (second.sigmas or (1.0,))[0]}
        if seen.source is None:
            latents, heard = self._call(first, half, run, seen.first, [], generator, {})
            more["audio_latents"] = self._passed(heard)
        else:
            latents = seen.source
        more["latents"] = self._enlarged(latents)
        full, heard = self._call(second, self._size, run, seen.second, [], generator, more)
        return [latents, full], heard

    def _call(
        self,
        schedule: Schedule,
        size: Size,
        run: Segment,
        given: list[Given],
        references: list[tuple[Any, float]],
        generator: Any,
        more: dict[str, Any],
    ) -> tuple[Any, Any]:
        words = self._words if schedule.guided else self._words.positive()
        kind = kind_for(follows=bool(given), references=bool(references))
        parts = {
            "scheduler": self._loader.scheduler(plain=schedule.sigmas is not None),
            "vae": self._video,
            "audio_vae": self._audio,
            "connectors": words,
            "transformer": self._transformer,
        }
        if given:
            more = {**more, "conditions": given}
        if references:
            shown = [LTX2ReferenceCondition(frames=latents, strength=strength) for latents, strength in references]
            more = {**more, "reference_conditions": shown}
        latents, heard = assembled(kind, parts)(
            **words.arguments(guided=schedule.guided),
            **schedule.arguments(),
            width=size[0],
            height=size[1],
            num_frames=run.frames,
            frame_rate=float(self._rate.fraction),
            generator=generator,
            output_type="latent",
            return_dict=False,
            callback_on_step_end=self._step,
            **more,
        )
        return latents, heard

    def _step(self, pipe: Any, number: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        self._stepped()
        return tensors

    def _enlarged(self, latents: Any) -> Any:
        """Returns latents of twice the width and height."""
        assert self._upsampler is not None
        mean, std, scale = self._norm("vae")
        plain = LTX2Pipeline._denormalize_latents(latents.float(), mean, std, scale)
        larger = self._upsampler(plain.to(self._upsampler.dtype))
        return LTX2Pipeline._normalize_latents(larger, mean, std, scale)

    def _passed(self, heard: Any) -> Any:
        """Returns sound latents as they come from one pipeline and arrive in the next: rounded twice."""
        mean, std, _ = self._norm("audio_vae")
        packed = LTX2Pipeline._pack_audio_latents(heard)
        packed = LTX2Pipeline._denormalize_audio_latents(packed, mean, std)
        packed = LTX2Pipeline._normalize_audio_latents(packed, mean, std)
        return LTX2Pipeline._unpack_audio_latents(packed, heard.shape[2], num_mel_bins=heard.shape[3])

    def _norm(self, part: str) -> tuple[Any, Any, float]:
        mean, std = (self._loader.tensor(part, f"latents_{name}") for name in ("mean", "std"))
        scale = float(self._loader.config(part).get("scaling_factor", 1.0))
        return (
            mean.to(self._loader.device, self._loader.decoder),
            std.to(self._loader.device, self._loader.decoder),
            scale,
        )
