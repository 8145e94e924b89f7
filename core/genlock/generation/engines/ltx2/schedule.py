"""Steps, noise levels and guidance of a run, as plain data."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from genlock.errors import BadInput
from genlock.generation.engines.ltx2.settings import Wanted

DISTILLED: Final = (1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875)
REFINING: Final = (0.909375, 0.725, 0.421875)
"""Noise levels of the distilled model, and those of the second stage, as its authors give them (diffusers,
pipelines/ltx2/utils.py)."""

STEPS: Final = 30
"""Of the full schedule."""

_PLAIN: Final[dict[str, Any]] = {
    "guidance_scale": 1.0,
    "stg_scale": 0.0,
    "modality_scale": 1.0,
    "guidance_rescale": 0.0,
    "audio_guidance_scale": 1.0,
    "audio_stg_scale": 0.0,
    "audio_modality_scale": 1.0,
    "audio_guidance_rescale": 0.0,
    "spatio_temporal_guidance_blocks": None,
}


class Schedule(Struct, frozen=True):
    """`sigmas` are given to a scheduler without shifting; None lets the model's own scheduler choose `steps` of them.
    `call` are the pipeline's other arguments."""

    steps: int
    sigmas: tuple[float, ...] | None
    call: dict[str, Any]

    @property
    def guided(self) -> bool:
        """Whether the negative prompt is used, for pictures or for sound: two passes a step at least."""
        return max(float(self.call["guidance_scale"]), float(self.call["audio_guidance_scale"])) > 1.0

    def arguments(self) -> dict[str, Any]:
        """Returns the keywords for a pipeline."""
        sigmas = None if self.sigmas is None else list(self.sigmas)
        return {"num_inference_steps": self.steps, "sigmas": sigmas, **self.call}


def first(wanted: Wanted, model: str, transformer: dict[str, Any]) -> Schedule:
    """Returns the schedule of the first (or only) stage for a model by its name and its transformer's config.

    Raises BadInput(bad_generation) for a single step of the full schedule, whose scheduler stretches from first to last.
    """
    cross = bool(transformer.get("cross_attn_mod", False))
    if (wanted.schedule or ("distilled" if "distilled" in model else "full")) == "distilled":
        count = wanted.steps or len(DISTILLED)
        sigmas = DISTILLED if count == len(DISTILLED) else _spread(count)
        guidance = {"guidance_scale": wanted.guidance} if wanted.guidance is not None else {}
        return Schedule(count, sigmas, {**_PLAIN, **guidance, "use_cross_timestep": cross})
    if wanted.steps == 1:
        raise BadInput("bad_generation", "The full schedule of ltx2 takes 2 steps at least; the distilled one takes 1.")
    # Block 28 is what 2.3 and later are perturbed at, 29 what 2.0 is; a small transformer has its last.
    block = min(28 if cross else 29, int(transformer.get("num_layers", 48)) - 1)
    call: dict[str, Any] = {"use_cross_timestep": cross, "spatio_temporal_guidance_blocks": [block]}
    call |= {"guidance_scale": 3.0 if wanted.guidance is None else wanted.guidance, "audio_guidance_scale": 7.0}
    call |= {"stg_scale": 1.0, "modality_scale": 3.0, "guidance_rescale": 0.7}
    call |= {"audio_stg_scale": 1.0, "audio_modality_scale": 3.0, "audio_guidance_rescale": 0.7}
    return Schedule(wanted.steps or STEPS, None, call)


def refining(transformer: dict[str, Any]) -> Schedule:
    """Returns the schedule of the second stage."""
    cross = bool(transformer.get("cross_attn_mod", False))
    return Schedule(len(REFINING), REFINING, {**_PLAIN, "use_cross_timestep": cross})


def _spread(count: int) -> tuple[float, ...]:
    """Returns `count` noise levels along the distilled ones, from 1 on, interpolated."""
    last = len(DISTILLED)
    levels = (*DISTILLED, 0.0)
    found = []
    for step in range(count):
        at = step * last / count
        low = int(at)
        found.append(levels[low] + (levels[low + 1] - levels[low]) * (at - low))
    return tuple(found)
