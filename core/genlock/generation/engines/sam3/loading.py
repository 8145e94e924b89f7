"""The model from its folder, complete or not at all. Nothing is ever downloaded, nothing but safetensors read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
import transformers
from safetensors import SafetensorError
from transformers import CLIPTokenizer, Sam3VideoModel
from transformers.models.sam3_video import modeling_sam3_video

from genlock.errors import GenerationError
from genlock.generation.engines.sam3.boxes import GeometryEncoder
from genlock.generation.masks.clean import clean
from genlock.generation.masks.overlap import distinct

Tensor = Any

DTYPES: Final = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
SHOWN: Final = 5
"""Names of absent weights an error lists."""

transformers.utils.logging.disable_progress_bar()

# Suppression and hole filling would come as a kernel from the hub while a clip runs; False says that was tried in vain.
modeling_sam3_video.cv_utils_kernel = False


class Sam3(Sam3VideoModel):  # type: ignore[misc]
    """Detector and tracker on one vision encoder, as the published checkpoint holds them; what its hub kernels do when they
    are there is done here."""

    def run_detection(self, inference_session: Any, vision_embeds: Any) -> dict[int, dict[str, Tensor]]:
        """Returns what each name finds on a frame, each thing once."""
        found = super().run_detection(inference_session=inference_session, vision_embeds=vision_embeds)
        return {name: self._once(one) for name, one in found.items()}

    def run_tracker_propagation(self, inference_session: Any, frame_idx: int, reverse: bool) -> tuple[Tensor, Tensor]:
        """Returns the tracked things' mask scores on a frame, without specks and small holes, and their presence."""
        masks, scores = super().run_tracker_propagation(
            inference_session=inference_session, frame_idx=frame_idx, reverse=reverse
        )
        return tidied(masks, self.fill_hole_area), scores

    def _once(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        if len(found["scores"]) < 2 or self.det_nms_thresh <= 0:
            return found
        masks = list((found["mask"] > 0).cpu().numpy())
        kept = sorted(distinct(masks, found["scores"].float().tolist(), same=self.det_nms_thresh, part=1.0))
        return {key: value[kept] for key, value in found.items()}


def tidied(scores: Tensor, area: int) -> Tensor:
    """Returns mask scores [n, h, w] with holes and specks of up to `area` pixels turned over, just past the line."""
    made = scores.clone()
    for number, inside in enumerate((scores > 0).cpu().numpy()):
        if area <= 0 or not inside.any():
            continue
        tidy = torch.from_numpy(clean(inside, area / inside.size)).to(scores.device)
        made[number] = torch.where(
            tidy, made[number].clamp(min=0.1), torch.where(scores[number] > 0, -0.1, made[number])
        )
    return made


def model(folder: str, dtype: str) -> Any:
    """Returns the model in main memory. Raises GenerationError(model_broken) when its files lack a single weight."""
    try:
        loaded, report = Sam3.from_pretrained(
            folder,
            dtype=DTYPES[dtype],
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below; otherwise an error that looks like one of memory
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise GenerationError("model_broken", f"The model in {folder} cannot be loaded: {error}") from error
    # Weights that are absent would be made up at random, with a warning nobody sees.
    absent = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if absent:
        names = ", ".join(absent[:SHOWN]) + (f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else "")
        raise GenerationError("model_broken", f"The model in {folder} lacks weights: {names}.")
    loaded.detector_model.geometry_encoder.__class__ = GeometryEncoder
    return loaded.eval()


@lru_cache(maxsize=2)
def tokenizer(folder: str) -> Any:
    """Returns the tokenizer. Raises GenerationError(model_broken)."""
    # From a folder without its files the class makes one up that knows no word.
    if not any((Path(folder) / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise GenerationError("model_broken", f"The model in {folder} lacks its tokenizer (tokenizer.json).")
    try:
        return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise GenerationError("model_broken", f"The tokenizer in {folder} cannot be loaded: {error}") from error
