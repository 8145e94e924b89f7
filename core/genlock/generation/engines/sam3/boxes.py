"""Example boxes without torchvision: its pooling of regions, in plain torch, where transformers calls for it."""

from __future__ import annotations

from typing import Any

import torch
from transformers.models.sam3.modeling_sam3 import Sam3GeometryEncoder

Tensor = Any


def roi_align(features: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Returns [n, c, size, size]: `features` [c, h, w] averaged in a grid of bins over each of `boxes` [n, 4], given as
    left, top, right, bottom in feature pixels.

    As torchvision's `roi_align` does with its defaults: a bin takes the mean of ceil(side / size) bilinear samples each
    way, a box is 1 pixel wide and high at least, samples over 1 pixel outside count as 0 (He et al. 2017, Mask R-CNN, 3).
    """
    features, boxes = features.float(), boxes.float()
    return (
        torch.stack([_pooled(features, box.tolist(), size) for box in boxes]) if len(boxes) else _none(features, size)
    )


def _pooled(features: Tensor, box: list[float], size: int) -> Tensor:
    left, top, right, bottom = box
    height, width = features.shape[1:]
    down = _weights(top, max(bottom - top, 1.0), size, height, features.device)
    across = _weights(left, max(right - left, 1.0), size, width, features.device)
    return torch.einsum("yh,chw,xw->cyx", down, features, across)


def _weights(start: float, length: float, size: int, pixels: int, device: Any) -> Tensor:
    """Returns [size, pixels]: how much each pixel of a line counts in each bin. Sampling on a grid is separable."""
    bin_length = length / size
    samples = max(1, int(-(-bin_length // 1)))
    weights = torch.zeros(size, pixels)
    for number in range(size):
        for sample in range(samples):
            at = start + (number + (sample + 0.5) / samples) * bin_length
            if not -1.0 <= at <= pixels:
                continue
            low = min(int(max(at, 0.0)), pixels - 1)
            part = max(at, 0.0) - low if low < pixels - 1 else 0.0
            weights[number, low] += (1 - part) / samples
            if part:
                weights[number, low + 1] += part / samples
    return weights.to(device)


def _none(features: Tensor, size: int) -> Tensor:
    return features.new_zeros(0, features.shape[0], size, size)


class GeometryEncoder(Sam3GeometryEncoder):  # type: ignore[misc]
    """The encoder of example boxes with our pooling in the place of torchvision's."""

    def _encode_boxes(self, boxes: Tensor, boxes_mask: Tensor, boxes_labels: Tensor, vision_features: Tensor) -> Any:
        """Returns the embeddings of `boxes` [1, n, 4] (middle, width and height, in parts of the picture)."""
        count, (height, width) = boxes.shape[1], vision_features.shape[-2:]
        middle, half = boxes[0, :, :2].float(), boxes[0, :, 2:].float() / 2
        corners = torch.cat([middle - half, middle + half], dim=1)
        scale = torch.tensor([width, height, width, height], dtype=torch.float32, device=boxes.device)
        pooled = roi_align(vision_features[0], corners * scale, self.roi_size).to(vision_features.dtype)
        pooled = self.boxes_pool_project(pooled).view(1, count, self.hidden_size)
        x, y, wide, high = boxes.flatten(0, 1).unbind(-1)
        place = self.boxes_pos_enc_project(self._encode_box_coordinates(x, y, wide, high)[None])
        return self.label_embed(boxes_labels.long()) + self.boxes_direct_project(boxes) + pooled + place, boxes_mask
