"""What a stage really took corrects the estimate of its part: the next plan of the same kind knows better."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from genlock.errors import GenerationError
from genlock.generation.engine import Plan, Stage

if TYPE_CHECKING:
    from genlock.generation.models.library import Model

_MAIN: Final = ("transformer", "text_encoder", "vae")
"""Parts whose activations fill a stage, the one that counts first."""


def factors(plan: Plan) -> dict[str, float]:
    """Returns by stage what measurements made of its estimate; to be asked right after planning, for `learn`.

    Nothing for a stage without an estimated part, and for a model that is not in the library or broken. Reads the
    library's folder.
    """
    from genlock.generation.memory import estimates

    found = {}
    for stage in plan.stages:
        about = _part(plan, stage)
        if about is not None:
            model, part, tiled = about
            found[stage.name] = estimates.correction(model, part, tiled=tiled)
    return found


def learn(plan: Plan, stage: str, measured: int, factor: float) -> None:
    """Corrects the estimate behind a stage of a plan with the bytes measured on top of its components. `factor` is the one
    in the estimate: what has been learnt since would count twice.

    Does nothing where `factors` says nothing. Reads and writes the library's folder.
    """
    found = next((one for one in plan.stages if one.name == stage), None)
    about = _part(plan, found) if found is not None and measured > 0 else None
    if found is None or about is None:
        return
    from genlock.generation.memory import estimates

    model, part, tiled = about
    estimates.correct(model, part, found.activation, measured, factor=factor, tiled=tiled)


def _part(plan: Plan, stage: Stage) -> tuple[Model, str, bool] | None:
    """Returns the model and the part whose activation fills a stage, and whether it is tiled; None when not known."""
    names = {name.partition("@")[0].rpartition("/")[2] for name in stage.components}
    part = next((name for name in _MAIN if name in names), None)
    if part is None or not stage.activation:
        return None
    from genlock.generation.models.library import library

    try:
        model = library().find(plan.model)
    except GenerationError:
        return None
    if model is None or part not in model.parts:
        return None
    return model, part, part == "vae" and bool(plan.how.get("tiled"))
