"""What a request may set for this engine, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from genlock.errors import BadInput
from genlock.generation.engines.ltx2 import grid
from genlock.generation.models import weights
from genlock.generation.models.library import Library

STEPS: Final = 100
SMALLEST_WINDOW: Final = 33
MOST_PIXELS: Final = 512
"""By which a mask is widened or blended."""
LORAS: Final = "loras"
"""Folder within the library's."""

LONGEST: Final = 200
"""Characters of a LoRA's name."""


class Lora(Struct, frozen=True, forbid_unknown_fields=True):
    """A LoRA by its file's `path`, or by `name` among those in the library; `weight` is usually 0..1."""

    path: str = ""
    name: str = ""
    weight: float = 1.0


class Wanted(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The settings. `schedule` "" is the model's own; `steps` and `guidance` None the schedule's. `two_stage` makes half
    the size first and refines it. `window` are the frames made in one run at most (0: as memory allows). `image_crf`
    is the compression that stills are given before they are followed (None: the model's own, 0: none). A mask is widened by
    `grow` pixels (None: what is selected by a few, one that is given not at all), and `feather` pixels inside its edge are
    blended."""

    model: str = ""
    schedule: Literal["", "distilled", "full"] = ""
    steps: int | None = None
    guidance: float | None = None
    two_stage: bool = False
    window: int = 0
    image_crf: int | None = None
    grow: int | None = None
    feather: int = 0
    loras: tuple[Lora, ...] = ()


def wanted(settings: dict[str, Any]) -> Wanted:
    """Returns a request's settings. Raises BadInput(bad_generation) for unknown ones and impossible values."""
    names = [field.name for field in msgspec.structs.fields(Wanted)]
    unknown = sorted(set(settings) - set(names))
    if unknown:
        raise _bad(f"ltx2 has no setting {', '.join(unknown)}; it has {', '.join(names)}.")
    try:
        found = msgspec.convert(settings, Wanted)
    except msgspec.ValidationError as error:
        raise _bad(f"A setting of ltx2 cannot be used: {error}.") from error
    if found.steps is not None and not 1 <= found.steps <= STEPS:
        raise _bad(f"ltx2 takes 1 to {STEPS} steps, not {found.steps}.")
    if found.guidance is not None and not 1 <= found.guidance <= 30:
        raise _bad(f"The guidance of ltx2 lies between 1 and 30, not {found.guidance:g}.")
    if found.window and found.window < SMALLEST_WINDOW:
        raise _bad(f"The window of ltx2 has {SMALLEST_WINDOW} frames or more, not {found.window}.")
    if found.image_crf is not None and not 0 <= found.image_crf <= 51:
        raise _bad(f"image_crf lies between 0 and 51, not {found.image_crf}.")
    for name, pixels in (("grow", found.grow or 0), ("feather", found.feather)):
        if not 0 <= pixels <= MOST_PIXELS:
            raise _bad(f"The setting {name} lies between 0 and {MOST_PIXELS}, not {pixels}.")
    return found


def window_latents(frames: int) -> int:
    """Returns the latents of a window, at most `frames`."""
    return grid.latents_of(grid.whole(frames))


def lora_file(lora: Lora, library: Library) -> Path:
    """Returns a LoRA's file. Raises BadInput(bad_generation) when it is not there, GenerationError(model_broken,
    unsafe_weights) when it cannot be used."""
    if bool(lora.path) == bool(lora.name):
        raise _bad("A LoRA is given either by its path or by its name.")
    folder = library.home / LORAS
    path = Path(lora.path) if lora.path else folder / f"{lora.name.removesuffix('.safetensors')}.safetensors"
    if lora.name and (Path(lora.name).name != lora.name or len(lora.name) > LONGEST):
        raise _bad(f"The LoRA {lora.name[:LONGEST]!r} is a path, not a name.")
    if not path.is_absolute():
        raise _bad(f"The LoRA needs an absolute path, not {path}.")
    if not path.is_file():
        names = sorted(p.stem for p in folder.glob("*.safetensors"))
        there = f"in {folder} there are {', '.join(names)}" if names else f"there is none in {folder}"
        raise _bad(f"There is no LoRA {lora.name or path}; {there}.")
    weights.header(path)
    return path


def _bad(reason: str) -> BadInput:
    return BadInput("bad_generation", reason)
