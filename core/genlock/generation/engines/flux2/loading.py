"""The model's parts from their files, in the form a plan chose. Nothing is downloaded, nothing but safetensors read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import diffusers
import torch
import transformers
from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2Transformer2DModel
from diffusers.hooks import apply_group_offloading, apply_layerwise_casting
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import Qwen2TokenizerFast, Qwen3ForCausalLM

from genlock.errors import GenerationError
from genlock.generation.engines.flux2.settings import bad
from genlock.generation.memory.ways import BLOCKS

diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()

_DTYPES: Final = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def transformer(folder: str, form: str, native: str, device: str) -> Any:
    """Returns the transformer. Raises GenerationError(model_broken)."""
    with _whole(folder):
        model = Flux2Transformer2DModel.from_pretrained(
            folder, torch_dtype=_DTYPES[native], **_only_here("transformer")
        )
    return formed(model.eval(), model, form, native, device)


def text_encoder(folder: str, form: str, native: str, device: str) -> Any:
    """Returns the text encoder. Raises GenerationError(model_broken)."""
    with _whole(folder):
        model = Qwen3ForCausalLM.from_pretrained(folder, dtype=_DTYPES[native], **_only_here("text_encoder"))
    return formed(model.eval(), model.model, form, native, device)


def autoencoder(folder: str, part: str, form: str) -> Any:
    """Returns an autoencoder that lies in a model's folder (`part` "vae") or is one (""). Raises
    GenerationError(model_broken)."""
    with _whole(folder):
        return AutoencoderKLFlux2.from_pretrained(folder, torch_dtype=_DTYPES[form], **_only_here(part)).eval()


def scheduler(folder: str) -> Any:
    """Returns the noise schedule: one of its own for each picture, because it counts steps."""
    with _whole(folder):
        return FlowMatchEulerDiscreteScheduler.from_pretrained(folder, subfolder="scheduler", local_files_only=True)


@lru_cache(maxsize=2)
def tokenizer(folder: str) -> Any:
    """Returns the tokenizer."""
    with _whole(folder):
        return Qwen2TokenizerFast.from_pretrained(folder, subfolder="tokenizer", local_files_only=True)


def lora(path: str) -> dict[str, Any]:
    """Returns the tensors of a LoRA. Raises GenerationError(model_broken)."""
    with _whole(path):
        found: dict[str, Any] = load_file(path)
        return found


def formed(model: Any, body: Any, form: str, native: str, device: str) -> Any:
    """Returns a model with the numbered blocks of its `body` kept as a form says: in 8 bits, streamed, or as they are."""
    kept, streamed = form.removesuffix(BLOCKS), form.endswith(BLOCKS)
    blocks = {name for name, child in body.named_children() if isinstance(child, torch.nn.ModuleList)}
    if kept == "fp8":
        for name in blocks:
            apply_layerwise_casting(
                getattr(body, name),
                storage_dtype=torch.float8_e4m3fn,
                compute_dtype=_DTYPES[native],
                skip_modules_pattern=("norm",),
            )
    if streamed:
        for child in model.children():
            if child is not body:
                child.to(device)
        apply_group_offloading(
            body,
            onload_device=torch.device(device),
            offload_device=torch.device("cpu"),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=device.startswith("cuda"),
        )
    return model


def _only_here(part: str) -> dict[str, Any]:
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
    return options | ({"subfolder": part} if part else {})


@contextmanager
def _whole(folder: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise GenerationError("model_broken", f"{folder} cannot be loaded: {str(error)[:300]}.") from error


@contextmanager
def adapted(pipe: Any, loras: list[tuple[str, float]]) -> Iterator[None]:
    """Applies LoRAs, one on top of the other, and takes them off again: the transformer serves other jobs too.

    Raises BadInput(bad_generation) for one that was made for another model.
    """
    if not loras:
        yield
        return
    names = [f"lora{number}" for number in range(len(loras))]
    try:
        for name, (path, _) in zip(names, loras, strict=True):
            tensors = lora(path)
            with _suiting(path):
                pipe.load_lora_weights(tensors, adapter_name=name)
        pipe.set_adapters(names, [weight for _, weight in loras])
        yield
    finally:
        pipe.unload_lora_weights()


@contextmanager
def _suiting(path: str) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (ValueError, KeyError, RuntimeError) as error:
        raise bad(f"The LoRA {Path(path).name} was not made for this model: {str(error)[:300]}.") from error


@contextmanager
def processors_kept(model: Any) -> Iterator[None]:
    """Puts back how a transformer attends: pipelines that cache set their own way on a model that others share."""
    before = model.attn_processors
    try:
        yield
    finally:
        model.set_attn_processor(before)
