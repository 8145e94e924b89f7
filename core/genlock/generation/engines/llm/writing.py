"""Gemma 3 writes. Runs in a worker."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from msgspec import structs
from PIL import Image
from safetensors import SafetensorError
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
    TextStreamer,
)

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.llm.directing import ROOM, Question, question
from genlock.media.thumbnails import thumbnail
from genlock.project.request import GenerationRequest

transformers.utils.logging.disable_progress_bar()

WIDTH: Final = 896
"""Pixels: width of a picture shown, the model's own."""


def write(request: GenerationRequest, plan: Plan, sink: Sink) -> None:
    """Writes the prompt of a request out, in portions. Equal requests give equal texts.

    Raises GenerationError(model_broken), BadInput(bad_generation) when the question is longer than the model reads.
    """
    folder = str(plan.how["folder"])
    sink.stage("write")
    form, dtype = str(plan.how["form"]), str(plan.how["dtype"])
    model = sink.models.get(plan.components[0], lambda: _load(folder, dtype, form))
    processor = _processor(str(plan.how["words"]))
    asked, inputs = _fitting(request, model, processor)
    length = inputs["input_ids"].shape[1]
    torch.manual_seed(request.seed)
    sampling: dict[str, Any] = {"do_sample": False, "top_k": None, "top_p": None}
    if asked.temperature:
        sampling = {"do_sample": True, "temperature": asked.temperature, "top_k": 64, "top_p": 0.95}
    with torch.inference_mode():
        made = model.generate(
            **_placed(inputs, sink.models.device, getattr(torch, dtype)),
            max_new_tokens=asked.max_tokens,
            streamer=_Portions(getattr(processor, "tokenizer", processor), sink),
            stopping_criteria=StoppingCriteriaList([_Steps(sink, length, asked.max_tokens)]),
            **sampling,
        )
    count = int(made.shape[1]) - length
    sink.note(
        device=sink.models.device,
        dtype=form,
        tokens=count,
        read=length,
        pictures=len(asked.pictures),
        cut=list(asked.cut),
        ended=count < asked.max_tokens,
    )
    sink.progress(asked.max_tokens, asked.max_tokens, "write")


def _load(folder: str, dtype: str, form: str) -> Any:
    with _whole(folder):
        model = AutoModelForImageTextToText.from_pretrained(
            folder, dtype=getattr(torch, dtype), local_files_only=True, use_safetensors=True
        ).eval()
    if form == "fp8":
        from diffusers.hooks import apply_layerwise_casting

        for blocks in [part for part in model.modules() if isinstance(part, torch.nn.ModuleList)]:
            apply_layerwise_casting(
                blocks,
                storage_dtype=torch.float8_e4m3fn,
                compute_dtype=getattr(torch, dtype),
                skip_modules_pattern=("norm",),
            )
    return model


@lru_cache(maxsize=2)
def _processor(folder: str) -> Any:
    """Returns the processor of a folder, the tokenizer where there is nothing for pictures."""
    with _whole(folder):
        return AutoProcessor.from_pretrained(folder, local_files_only=True)


@contextmanager
def _whole(folder: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise GenerationError("model_broken", f"{folder} cannot be loaded: {error}") from error


def _fitting(request: GenerationRequest, model: Any, processor: Any) -> tuple[Question, Any]:
    """Returns the question and its tokens; facts are left out until it fits into what the model reads at once."""
    reads = int(model.config.get_text_config().max_position_embeddings)
    for room in (ROOM, ROOM // 2, ROOM // 4, ROOM // 8, 0):
        asked = question(request, room)
        if not hasattr(processor, "image_processor"):  # a tokenizer alone shows no pictures
            asked = structs.replace(asked, pictures=())
        inputs = _tokens(asked, processor)
        length = int(inputs["input_ids"].shape[1])
        if length + asked.max_tokens <= reads:
            return asked, inputs
    raise BadInput(
        "bad_generation",
        f"The prompt takes {length} tokens and the answer {asked.max_tokens}; the model reads {reads} in all.",
    )


def _tokens(asked: Question, processor: Any) -> Any:
    shown = (Image.open(io.BytesIO(thumbnail(Path(path), first, WIDTH))) for path, first in asked.pictures)
    pictures = [{"type": "image", "image": picture} for picture in shown]
    messages = [
        {"role": "system", "content": [{"type": "text", "text": asked.system}]},
        {"role": "user", "content": [*pictures, {"type": "text", "text": asked.text}]},
    ]
    return processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )


def _placed(inputs: Any, device: str, dtype: Any) -> dict[str, Any]:
    """Returns tokens and pictures where the model computes; pictures as its numbers are."""
    return {
        name: value.to(device, dtype if value.is_floating_point() else value.dtype) for name, value in inputs.items()
    }


class _Portions(TextStreamer):  # type: ignore[misc]  # transformers is Any here
    """Hands finished words on as they come."""

    def __init__(self, tokenizer: Any, sink: Sink) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._sink = sink

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        if text:
            self._sink.text(text)


class _Steps(StoppingCriteria):  # type: ignore[misc]  # transformers is Any here
    """Says how far it is after every token, which also raises Halt after a cancel."""

    def __init__(self, sink: Sink, start: int, tokens: int) -> None:
        self._sink, self._start, self._tokens = sink, start, tokens

    def __call__(self, input_ids: Any, scores: Any, **more: Any) -> Any:
        self._sink.progress(int(input_ids.shape[1]) - self._start, self._tokens, "write")
        return torch.full((input_ids.shape[0],), False, dtype=torch.bool, device=input_ids.device)
