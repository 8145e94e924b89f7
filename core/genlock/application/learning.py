"""What a stage really took corrects the estimate of its part: the next plan of the same kind knows better."""

from __future__ import annotations

from typing import Final

from genlock.errors import GenerationError
from genlock.generation.engine import Plan

_MAIN: Final = ("transformer", "text_encoder", "vae")
"""Parts whose activations fill a stage, the one that counts first."""


def learn(plan: Plan, stage: str, measured: int) -> None:
    """Corrects the estimate behind a stage of a plan with the bytes measured on top of its components.

    Does nothing for a stage without an estimated part, and for a model that is not in the library or broken. Reads and
    writes the library's folder.
    """
    found = next((one for one in plan.stages if one.name == stage), None)
    parts = {name.partition("@")[0].rpartition("/")[2] for name in found.components} if found else set()
    part = next((name for name in _MAIN if name in parts), None)
    if found is None or part is None or not found.activation or measured <= 0:
        return
    from genlock.generation.memory import estimates
    from genlock.generation.models.library import library

    try:
        model = library().find(plan.model)
    except GenerationError:
        return
    if model is not None and part in model.parts:
        tiled = part == "vae" and bool(plan.how.get("tiled"))
        estimates.correct(model, part, found.activation, measured, tiled=tiled)
