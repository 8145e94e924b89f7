"""Masks of one frame, from everything that can be said about a thing."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import torch

from genlock.generation.engines.sam3 import prepare
from genlock.generation.engines.sam3.features import Features, pyramid
from genlock.generation.engines.sam3.prompts import Prompt
from genlock.generation.masks.overlap import distinct, within
from genlock.generation.masks.reading import matte
from genlock.project.request import Box, Point

Array = np.ndarray[Any, Any]
Tensor = Any

TEXT_TOKENS: Final = 32
ANYTHING: Final = "visual"
"""The name the detector was trained with where only examples are given."""

CORNERS: Final = (2, 3)
"""Labels of a box's corners among points (1 inside, 0 outside)."""


class View(NamedTuple):
    """One frame before the model: its features, and its size (width, height)."""

    model: Any
    tokenizer: Any
    features: Features
    size: tuple[int, int]
    threshold: float

    @property
    def device(self) -> Any:
        return self.features.tokens.device

    @property
    def dtype(self) -> Any:
        return self.features.tokens.dtype


def instances(view: View, prompt: Prompt) -> list[Array]:
    """Returns the masks a prompt means, at the picture's size: several where a name or boxes mean several things.

    A name or a counter-example asks the detector; points then choose among what it found, and a mask keeps what lies in
    it. Everything else goes to the click's decoder, once for each box. Where the detector finds nothing that the points
    are on, they are taken as clicks.
    """
    if prompt.by_example:
        chosen = _chosen(view, detect(view, prompt.text or ANYTHING, prompt.boxes), prompt)
        if chosen or not any(point.inside for point in prompt.points):
            return chosen
    boxes: list[Box | None] = [box for box in prompt.boxes if box.inside]
    return [click(view, prompt.points, box, prior(prompt, view.size)) for box in boxes or [None]]


def click(view: View, points: tuple[Point, ...], box: Box | None = None, before: Array | None = None) -> Array:
    """Returns the mask of one thing, from points in and beside it, a box around it, a mask from before, or several."""
    tracker = view.model.tracker_model
    coordinates, labels = clicks(points, box)
    encoder = tracker.prompt_encoder
    if not labels:
        coordinates, labels = [(0.0, 0.0)], [-1]
    sparse, dense = encoder(
        input_points=prepare.places(coordinates, view.size, encoder.input_image_size, view.device),
        input_labels=torch.tensor(labels, device=view.device).reshape(1, 1, -1),
        input_boxes=None,
        input_masks=None
        if before is None
        else prepare.scores(before, encoder.mask_input_size[0], view.device).to(view.dtype),
    )
    maps = [m.permute(1, 2, 0).view(1, -1, *s) for m, s in _sized(tracker, view.features)]
    masks, quality, *_ = tracker.mask_decoder(
        image_embeddings=maps[-1] + tracker.no_memory_embedding.view(1, -1, 1, 1),
        image_positional_embeddings=tracker.get_image_wide_positional_embeddings(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        # One click can mean a part or the whole: three answers, of which the best rated is taken.
        multimask_output=before is None and len(labels) == 1,
        high_resolution_features=maps[:-1],
    )
    return prepare.enlarged(masks[0, 0, int(quality[0, 0].argmax())], view.size)


def clicks(points: tuple[Point, ...], box: Box | None) -> tuple[list[tuple[float, float]], list[int]]:
    """Returns places and labels of points and a box, the box first."""
    places = [(point.x, point.y) for point in points]
    labels = [int(point.inside) for point in points]
    if box is None:
        return places, labels
    return [(box.left, box.top), (box.right, box.bottom), *places], [*CORNERS, *labels]


def detect(view: View, text: str, examples: tuple[Box, ...] = ()) -> list[Array]:
    """Returns the masks of all that bears a name or looks like the examples, best first, each thing once."""
    words = view.tokenizer(text, padding="max_length", max_length=TEXT_TOKENS, truncation=True, return_tensors="pt")
    given: dict[str, Tensor] = {}
    if examples:
        given["input_boxes"] = _middles(examples, view.size).to(view.device, view.dtype)
        given["input_boxes_labels"] = torch.tensor([[int(box.inside) for box in examples]], device=view.device)
    found = view.model.detector_model(
        vision_embeds=pyramid(view.model, view.features),
        input_ids=words.input_ids.to(view.device),
        attention_mask=words.attention_mask.to(view.device),
        **given,
    )
    rated = (found.pred_logits.sigmoid() * found.presence_logits.sigmoid())[0].float()
    kept = torch.nonzero(rated > view.threshold).flatten().tolist()
    small = list((found.pred_masks[0, kept] > 0).cpu().numpy())  # compared before they are large: pairs are many
    best = [kept[place] for place in distinct(small, rated[kept].tolist())]
    masks = [prepare.enlarged(found.pred_masks[0, number].sigmoid(), view.size, 0.5) for number in best]
    return [mask for mask in masks if mask.any()]


def prior(prompt: Prompt, size: tuple[int, int]) -> Array | None:
    """Returns the mask a prompt starts from; raises BadInput(bad_generation) for one of another size."""
    if not prompt.mask:
        return None
    with matte(prompt.mask, size) as given:
        return given.at(prompt.frame)


def _chosen(view: View, masks: list[Array], prompt: Prompt) -> list[Array]:
    """Returns those of the masks that points and mask leave over."""
    inside = [point for point in prompt.points if point.inside]
    beside = [point for point in prompt.points if not point.inside]
    if inside:
        masks = [mask for mask in masks if any(_on(mask, point) for point in inside)]
    masks = [mask for mask in masks if not any(_on(mask, point) for point in beside)]
    before = prior(prompt, view.size)
    return masks if before is None else [mask for mask in masks if within(mask, before) > 0.5]


def _on(mask: Array, point: Point) -> bool:
    return bool(mask[int(point.y), int(point.x)])


def _sized(tracker: Any, features: Features) -> Any:
    return zip(features.maps, tracker.backbone_feature_sizes, strict=True)


def _middles(boxes: tuple[Box, ...], size: tuple[int, int]) -> Tensor:
    width, height = size
    rows = [
        ((b.left + b.right) / 2 / width, (b.top + b.bottom) / 2 / height, (b.right - b.left) / width, high / height)
        for b, high in ((b, b.bottom - b.top) for b in boxes)
    ]
    return torch.tensor([rows], dtype=torch.float32)
