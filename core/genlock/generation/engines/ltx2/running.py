"""One job: encode the prompt, read what is given, denoise, decode and deliver."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genlock.generation.embeddings import EmbeddingCache
from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.ltx2 import decoding, grid, planning, reading, schedule, sound
from genlock.generation.engines.ltx2.denoising import Denoiser, Seen
from genlock.generation.engines.ltx2.inpainting import Masked
from genlock.generation.engines.ltx2.layout import layout
from genlock.generation.engines.ltx2.loading import Loader
from genlock.generation.engines.ltx2.pictures import cropped
from genlock.generation.engines.ltx2.settings import wanted
from genlock.generation.engines.ltx2.words import Words, told
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]


def film(request: GenerationRequest, plan: Plan, sink: Sink, library: Library) -> None:
    """Makes what the request asks for, as the plan says.

    Raises BadInput(bad_generation) for files that hold no picture, GenerationError(model_broken, unsafe_weights), Halt.
    """
    job = _Job(request, plan, sink, library)
    job.note()
    with torch.no_grad(), ExitStack() as stack:
        job.select(stack)
        words = job.told()
        video, audio = job.denoise(words, job.read())
        job.deliver(video, audio)


class _Job:
    def __init__(self, request: GenerationRequest, plan: Plan, sink: Sink, library: Library) -> None:
        self.request, self.plan, self.sink = request, plan, sink
        how = plan.how
        self.size, self.inner = tuple(how["size"]), tuple(how["inner"])
        self.asked = request.resolution.width, request.resolution.height
        self.loader = Loader(plan, sink, library)
        self.material = reading.Material(request, self.inner)
        source, after = self.material.source, self.material.after
        self.layout = layout(request, source.frames if source else 0, after.frames if after else 0)
        self.window = grid.latents_of(how["window"])
        self.runs = grid.segments(grid.latents_of(self.layout.made), self.window)
        config = self.loader.config("transformer")
        self.settings = wanted(request.settings)
        first = schedule.first(self.settings, plan.model, config)
        self.schedules = [first, schedule.refining(config)] if how["two_stage"] else [first]
        self.upscales = request.mode == "upscale"
        self.masked: Masked | None = None

    def note(self) -> None:
        """Says how it is made."""
        first = self.schedules[0]
        self.sink.note(
            device=str(self.loader.device),
            dtype=self.plan.how["dtype"],
            forms=self.plan.how["forms"],
            tiled=self.plan.how["tiled"],
            size=list(self.size),
            cut=list(self.inner),
            frames_made=self.layout.made,
            runs=[[run.start, run.end] for run in self.runs],
            steps=first.steps,
            schedule="full" if first.sigmas is None else "distilled",
            two_stage=self.plan.how["two_stage"],
            loras=[[Path(path).stem, weight] for path, weight in self.plan.how["loras"]],
            notes=list(self.layout.notes),
        )

    def select(self, stack: ExitStack) -> None:
        """Finds what is made again, where only a part is."""
        if self.request.mode == "inpaint":
            self.masked = Masked(self.request, self.settings, self.plan, self.sink, stack)

    def told(self) -> Words:
        """Returns the encoded prompt."""
        guided = any(one.guided for one in self.schedules[-1 if self.upscales else 0 :])
        return told(self.request, self.plan, self.sink, self.loader, EmbeddingCache(), guided=guided)

    def read(self) -> list[Seen]:
        """Returns what each run follows, encoded."""
        seen = [Seen() for _ in self.runs]
        if not (self.layout.holds or self.request.references or self.upscales or self.masked):
            return seen
        self.sink.stage("read")
        vae = self.loader.part("vae")
        vae.use_tiling = self.plan.how["tiled"]
        encoder = reading.Encoder(vae, self.loader.device, self._crf())
        two = self.plan.how["two_stage"]
        half = self.size[0] // 2, self.size[1] // 2
        sizes = (half, self.size) if two else (self.size,)
        if self.masked is not None:
            for number, run in enumerate(self.runs):
                seen[number].first.append(self.masked.given(self.material, run, encoder, self.inner, self.size))
                self.sink.progress(number, len(self.runs), "read")
        for number, at, given in reading.held(self.material, self.layout, self.runs, encoder, sizes):
            (seen[number].second if at else seen[number].first).append(given)
            self.sink.progress(number, len(self.runs), "read")
        for number, latents, strength in reading.shown(
            self.request, self.material, self.layout, self.runs, encoder, self.size
        ):
            seen[number].references.append((latents, strength))
            self.sink.progress(number, len(self.runs), "read")
        if self.upscales:
            for number, run in enumerate(self.runs):
                seen[number].source = encoder.clip(self.material, run, half)
                self.sink.progress(number, len(self.runs), "read")
        return seen

    def denoise(self, words: Words, seen: list[Seen]) -> tuple[Any, list[Any]]:
        """Returns the latents of pictures and sound."""
        self.sink.stage("denoise")
        steps = sum(one.steps for one in self.schedules[-1 if self.upscales else 0 :])
        total, done = steps * len(self.runs), 0

        def stepped() -> None:
            nonlocal done
            done += 1
            self.sink.progress(done, total, "denoise")

        self.sink.progress(0, total, "denoise")
        loras = tuple((Path(path), float(weight)) for path, weight in self.plan.how["loras"])
        denoiser = Denoiser(self.loader, words, self.schedules, self.size, self.request.rate, loras, stepped)
        made: tuple[Any, list[Any]] = denoiser.all(self.runs, seen, self.request.seed)
        return made

    def deliver(self, video: Any, audio: list[Any]) -> None:
        """Delivers sound, then pictures as they are decoded."""
        self.sink.stage("decode")
        heard = self._sound(audio)
        if heard is not None:
            self.sink.sound(heard)
        self._given(0, self.layout.before)
        vae = self.loader.part("vae")
        vae.use_tiling = self.plan.how["tiled"]
        last = self.layout.first + self.layout.count
        part = self.plan.how["part"]
        made = decoding.pictures(vae, video, self.loader.dtype, part, planning.NEIGHBOURS)
        for number, picture in enumerate(made):
            if self.layout.first <= number < last:
                whole = cropped(picture, self.inner, self.asked)
                self.sink.frame(whole if self.masked is None else self.masked.put(number, whole))
            self.sink.progress(number + 1, last, "decode")
            if number + 1 == last:
                break
        self._given(self.request.frames - self.layout.behind, self.layout.behind)

    def _given(self, first: int, count: int) -> None:
        """Delivers frames of the source as they are."""
        source = self.material.source
        if source is not None and count:
            for picture in source.each(first, count, self.asked):
                self.sink.frame(picture)

    def _sound(self, audio: list[Any]) -> Array | None:
        request, shape = self.request, self.layout
        total = grid.samples(request.frames, request.rate)
        if request.audio:
            return sound.read(request.audio, total)
        if self.upscales or self.masked is not None:
            return sound.read(request.source, total)
        audio_vae, vocoder = self.loader.part("audio_vae"), self.loader.part("vocoder")
        made = decoding.samples(audio_vae, vocoder, self.runs, audio, request.rate, shape.made)
        start = grid.samples(shape.first, request.rate)
        new = sound.fitted(made[:, start:], grid.samples(shape.count, request.rate))
        if request.mode != "retake":
            return new
        given = sound.read(request.source, total)
        silence = np.zeros((2, total), np.float32)
        return sound.within(silence if given is None else given, grid.samples(shape.before, request.rate), new)

    def _crf(self) -> int:
        """Returns how strongly stills are compressed before they are followed: as the model's own were, 18 for those with a
        Gemma 4 and 33 before."""
        if self.settings.image_crf is not None:
            return self.settings.image_crf
        kind = str(self.loader.config("text_encoder").get("model_type", ""))
        return 18 if kind.startswith("gemma4") else 33
