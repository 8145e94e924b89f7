"""Runs Meta's image model. Only the environment's interpreter imports this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from sam3.model.sam3_image_processor import Sam3Processor
from sam3.model_builder import build_sam3_image_model

from genlock.errors import GenerationError
from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.sam3_native.engine import WEIGHTS, WORDS
from genlock.generation.masks import matte
from genlock.generation.masks.clean import clean
from genlock.generation.masks.delivery import Delivery
from genlock.generation.planner import resolve_frame
from genlock.media.clip import open_clip
from genlock.project.request import Box, GenerationRequest, Selection

Array = np.ndarray[Any, Any]


def run(request: GenerationRequest, plan: Plan, sink: Sink) -> None:
    """Delivers the selected thing cut out of its frame, its matte and its outline."""
    sink.stage("select")
    folder = Path(plan.how["folder"])
    model = sink.models.get(plan.components[0], lambda: _build(folder))
    with open_clip(Path(request.source)) as clip:
        number = resolve_frame(request.selections[0].frame, clip.frames)
        ((_, image),) = clip.pictures([number])
    picture = np.asarray(image.convert("RGB"))
    found = clean(_select(model, picture, request.selections, sink.models.device))
    sink.note(device=sink.models.device)
    delivery = Delivery(request, sink, picture.shape[1::-1])
    delivery.put(number, picture, {request.selections[0].thing: found})
    delivery.close()
    sink.progress(1, 1, "frames")


def _build(folder: Path) -> Any:
    """Returns the model with its weights; raises GenerationError(model_broken) when tensors are missing."""
    model = build_sam3_image_model(
        bpe_path=str(folder / WORDS), device="cpu", load_from_HF=False, enable_inst_interactivity=True
    )
    tensors = load_file(folder / WEIGHTS)
    named = {key.replace("detector.", "", 1): value for key, value in tensors.items() if key.startswith("detector.")}
    named |= {
        key.replace("tracker.", "inst_interactive_predictor.model.", 1): value
        for key, value in tensors.items()
        if key.startswith("tracker.")
    }
    missing, _ = model.load_state_dict(named, strict=False)
    if missing:
        raise GenerationError("model_broken", f"{folder / WEIGHTS} lacks {len(missing)} tensors, such as {missing[0]}.")
    return model


def _select(model: Any, picture: Array, selections: tuple[Selection, ...], device: str) -> Array:
    processor = Sam3Processor(model, device=device)
    state = processor.set_image(Image.fromarray(picture))
    words = " and ".join(selection.text for selection in selections if selection.text)
    points = [point for selection in selections for point in selection.points]
    boxes = [box for selection in selections for box in selection.boxes]
    if points:
        with torch.inference_mode():
            masks, scores, _ = model.predict_inst(
                state,
                point_coords=np.array([(point.x, point.y) for point in points], np.float32),
                point_labels=np.array([point.inside for point in points], np.int32),
                box=_corners(boxes[0]) if boxes else None,
                multimask_output=False,
            )
        best: Array = masks[int(np.argmax(scores))] > 0
        return best
    if words:
        state = processor.set_text_prompt(words, state)
    height, width = picture.shape[:2]
    for box in boxes:
        middle = (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height
        size = (box.right - box.left) / width, (box.bottom - box.top) / height
        state = processor.add_geometric_prompt([*middle, *size], box.inside, state)
    found = state["masks"].squeeze(1).cpu().numpy()
    return matte.united(list(found), (width, height))


def _corners(box: Box) -> Array:
    return np.array((box.left, box.top, box.right, box.bottom), np.float32)
