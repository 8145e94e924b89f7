"""SAM 3 as the first stage of another engine's plan, which makes again what is selected. Imports nothing heavy."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from genlock.errors import GenerationError
from genlock.generation.engine import Plan
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest

HOW: Final = "select"
"""What a plan's `how` says of the selecting."""


def preceded(
    plans: tuple[Plan, ...], request: GenerationRequest, library: Library, machine: Machine
) -> tuple[Plan, ...]:
    """Returns the plans with the stage in front that follows the request's selections through its source, in the part that
    tracks use too; the plans as they are when it has none.

    Raises BadInput(bad_generation) for selections that cannot be meant, GenerationError(model_missing) without SAM 3.
    """
    if not request.selections:
        return plans
    try:
        (lent,) = Sam3Engine(library, machine).plans(tracked(request))
    except GenerationError as error:
        if error.code != "model_missing":
            raise
        reason = f"SAM 3 follows what is selected; without it {request.mode} needs a mask. {error.message}"
        raise GenerationError(error.code, reason, hint=error.hint) from error
    how = lent.how | {"model": lent.model, "revision": lent.revision}
    found: list[Plan] = []
    for plan in plans:
        longer = structs.replace(
            plan,
            components=(*lent.components, *plan.components),
            stages=(*lent.stages, *plan.stages),
            notes=(*plan.notes, *(f"To select: {note[0].lower()}{note[1:]}" for note in lent.notes)),
            how=plan.how | {HOW: how},
        )
        if all(longer.bytes < better.bytes for better in found):
            found.append(longer)  # a slower way that needs no less is of no use to anyone
    return tuple(found)


def tracked(request: GenerationRequest) -> GenerationRequest:
    """Returns the request that follows its selections both ways."""
    return structs.replace(request, mode="track", direction="both", settings={})
