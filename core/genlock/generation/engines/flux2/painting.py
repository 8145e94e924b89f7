"""One picture by the model: the pipelines of diffusers, put together for each picture from parts that stay."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from diffusers import Flux2KleinInpaintPipeline, Flux2KleinKVPipeline, Flux2KleinPipeline
from PIL import Image

from genlock.generation.embeddings import EmbeddingCache, key
from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.flux2 import loading, sizes
from genlock.generation.engines.flux2.planning import Course
from genlock.generation.engines.flux2.sizes import Size

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Guides:
    """What a picture is to follow: the encoded `prompt`, the encoded words to avoid where the model reads them (both on the
    CPU), and the pictures `looked` at."""

    prompt: Any
    avoided: Any | None
    looked: tuple[Image.Image, ...] = ()

    def seeing(self, picture: Image.Image) -> Guides:
        """Returns the same with a picture in front of the others."""
        return replace(self, looked=(picture, *self.looked))


class Painter:
    """Paints pictures for one job. Leaves the shared parts as they were, also after a cancel."""

    def __init__(self, plan: Plan, sink: Sink) -> None:
        self._plan, self._sink = plan, sink
        self._stage = ""
        self.report: Callable[[int, int], None] = lambda done, total: sink.progress(done, total, "denoise")
        """Called after every step; raises Halt after a cancel."""
        self._how = plan.how
        self.course = Course(**plan.how["course"])
        self._device = sink.models.device
        self._parts = {c.name.split("/")[1].split("@")[0]: c for c in plan.components}

    def encode(self, prompt: str, avoided: str, looked: tuple[Image.Image, ...]) -> Guides:
        """Returns the words as the model reads them; the text encoder is needed only for those not encoded before."""
        texts = [prompt, *([avoided] if self.course.cfg else [])]
        cache = EmbeddingCache()
        form = self._how["forms"]["text_encoder"]
        settings = {"tokens": sizes.WORDS, "form": form, "dtype": self._how["dtype"], "of": self._how["words"]}
        keys = [key(self._how["model"], self._plan.revision, text, settings) for text in texts]
        found = [cache.get(name, ("embeds", "tokens")) or {} for name in keys]
        if not all(found):
            self._enter("encode")
            pipe = self._words()
            for number, text in enumerate(texts):
                self._sink.progress(number, len(texts), "encode")
                if not found[number]:
                    found[number] = _encoded(pipe, text)
                    cache.put(keys[number], found[number])
        length = int(found[0]["tokens"])
        self._sink.note(
            prompt_tokens=length, **({"prompt_read_until_token": sizes.WORDS} if length > sizes.WORDS else {})
        )
        return Guides(found[0]["embeds"], found[1]["embeds"] if self.course.cfg else None, looked)

    def draw(self, size: Size, guides: Guides, seed: int) -> Array:
        """Returns a picture of `size` (multiples of 16), HxWx3 uint8."""
        cls = Flux2KleinKVPipeline if self.course.kv else Flux2KleinPipeline
        inputs = {"image": list(guides.looked) or None, "width": size[0], "height": size[1]}
        return self._run(cls, inputs, guides, seed)

    def redraw(self, picture: Array, mask: Array, guides: Guides, seed: int, strength: float) -> Array:
        """Returns a picture (HxWx3 uint8, sides multiples of 16, at most 1 MP) with what the mask selects (HxW, above 0)
        drawn anew; it changes a little everywhere."""
        chosen = Image.fromarray(np.where(mask > 0, np.uint8(255), np.uint8(0)))
        # the pipeline puts references together as one stack, so they get the size of the first
        looked = guides.looked
        same = [image if image.size == looked[0].size else image.resize(looked[0].size) for image in looked]
        inputs = {
            "image": Image.fromarray(picture),
            "mask_image": chosen,
            "image_reference": same or None,
            "strength": strength,
        }
        return self._run(Flux2KleinInpaintPipeline, inputs, guides, seed)

    def _run(self, cls: Any, inputs: dict[str, Any], guides: Guides, seed: int) -> Array:
        self._enter("denoise")
        vae, transformer = self._vae(), self._transformer()
        with ExitStack() as stack:
            if self.course.kv:
                stack.enter_context(loading.processors_kept(transformer))
            pipe = self._pipe(cls, vae=vae, transformer=transformer)
            stack.enter_context(loading.adapted(pipe, [(path, weight) for path, weight in self._how["loras"]]))
            if cls is Flux2KleinInpaintPipeline and vae.dtype != guides.prompt.dtype:
                inputs = inputs | _looked_at(pipe, inputs, guides.prompt.dtype, self._device)
            latents = pipe(
                **inputs,
                **self._common(cls, guides),
                # on the CPU, so that a seed means the same on every device
                generator=torch.Generator().manual_seed(seed),
                callback_on_step_end=self._step,
            ).images
        del transformer
        return self._decode(pipe, latents)

    def _common(self, cls: Any, guides: Guides) -> dict[str, Any]:
        options: dict[str, Any] = {
            "prompt_embeds": guides.prompt.to(self._device),
            "num_inference_steps": self.course.steps,
            "output_type": "latent",
        }
        if cls is not Flux2KleinKVPipeline:
            options["guidance_scale"] = self.course.guidance if self.course.cfg else 1.0
            if guides.avoided is not None:
                options["negative_prompt_embeds"] = guides.avoided.to(self._device)
        return options

    def _step(self, pipe: Any, number: int, _time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        self.report(number + 1, pipe.num_timesteps)
        return tensors

    def _enter(self, stage: str) -> None:
        if stage != self._stage:
            self._sink.stage(stage)
            self._stage = stage

    def _decode(self, pipe: Any, latents: Any) -> Array:
        if any(stage.name == "decode" for stage in self._plan.stages):
            self._enter("decode")
        vae = self._vae()
        with torch.no_grad():
            decoded = vae.decode(latents.to(self._device, vae.dtype), return_dict=False)[0]
        return np.asarray(pipe.image_processor.postprocess(decoded, output_type="pil")[0])

    def _words(self) -> Any:
        model, form = self._how["model"], self._how["forms"]["text_encoder"]
        encoder = self._part(
            "text_encoder", lambda: loading.text_encoder(model, form, self._how["dtype"], self._device)
        )
        return self._pipe(Flux2KleinPipeline, text_encoder=encoder, tokenizer=loading.tokenizer(model))

    def _transformer(self) -> Any:
        model, form = self._how["model"], self._how["forms"]["transformer"]
        return self._part("transformer", lambda: loading.transformer(model, form, self._how["dtype"], self._device))

    def _vae(self) -> Any:
        folder, part = self._how["autoencoder"]
        vae = self._part("vae", lambda: loading.autoencoder(folder, part, self._how["forms"]["vae"]))
        # said for every picture: other jobs use it too
        if self._how["tiled"]:
            vae.enable_tiling()
        else:
            vae.disable_tiling()
        return vae

    def _part(self, part: str, build: Callable[[], Any]) -> Any:
        return self._sink.models.get(self._parts[part], build)

    def _pipe(self, cls: Any, **parts: Any) -> Any:
        """Puts a pipeline together. Never `from_pipe`, which casts what it is given to float32. Whether the model counts as
        distilled is said to this pipeline alone."""
        empty = {"vae": None, "text_encoder": None, "tokenizer": None, "transformer": None}
        pipe = cls(**empty | parts, scheduler=loading.scheduler(self._how["model"]), is_distilled=not self.course.cfg)
        pipe.set_progress_bar_config(disable=True)
        return pipe


def _encoded(pipe: Any, text: str) -> dict[str, Any]:
    """Returns a text as the model reads it, and how many tokens it has: it is cut where there are too many."""
    said = [{"role": "user", "content": text}]
    whole = pipe.tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True, enable_thinking=False)
    with torch.no_grad():
        embeds = pipe.encode_prompt(text, max_sequence_length=sizes.WORDS)[0].cpu()
    return {"embeds": embeds, "tokens": torch.tensor(len(pipe.tokenizer(whole)["input_ids"]))}


def _looked_at(pipe: Any, inputs: dict[str, Any], dtype: Any, device: str) -> dict[str, Any]:
    """Returns the pictures of an inpainting encoded by its autoencoder, which computes in another dtype than the
    rest: the pipeline would give it the wrong one."""

    def encoded(image: Any, mode: str) -> Any:
        first = image[0] if isinstance(image, list) else image
        width, height = (side // sizes.GRID * sizes.GRID for side in first.size)
        tensor = pipe.image_processor.preprocess(image, height, width, resize_mode=mode)
        with torch.no_grad():
            latents = pipe.vae.encode(tensor.to(device, pipe.vae.dtype)).latent_dist.mode()
        return pipe._patchify_latents(latents).to(dtype)

    result = {"image": encoded(inputs["image"], "default")}
    if inputs["image_reference"]:
        result["image_reference"] = encoded(inputs["image_reference"], "crop")
    return result
