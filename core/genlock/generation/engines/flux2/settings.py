"""What a request may set beyond its fields, checked before anything is loaded."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct

from genlock.errors import BadInput
from genlock.generation.engines.flux2.prompts import PRESETS
from genlock.project.request import GenerationRequest


class Lora(Struct, frozen=True, forbid_unknown_fields=True):
    """Trained changes to the transformer: a safetensors file by `path`, or by `name` in the library's `loras`; `weight`
    says how strongly (negative turns it round)."""

    path: str = ""
    name: str = ""
    weight: float = 1.0


Motion = Literal["inside", "around"]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The engine's settings.

    `model` is a name in the library, `autoencoder` one or a folder. `steps` and `guidance` default to the preset's, then to
    what the model was made for. `true_cfg` computes with and without the prompt also where a model was distilled not to.
    `kv_cache` keeps what the model knows of given pictures from the first step (models trained so, or 4 steps);
    `strength` below 1 keeps something of the source. A mask is widened by `grow` pixels (none: what is selected by a few,
    one that is given not at all), and `feather` pixels inside its edge are blended; `padding` pixels around it are shown to
    the model (none: the whole picture while it fits). In a clip every `every`-th frame is painted and the others follow the
    movement of what the mask covers ("inside", to change a thing) or of what surrounds it ("around", to take it away).
    """

    model: str = ""
    autoencoder: str = ""
    preset: str = ""
    steps: int | None = None
    guidance: float | None = None
    true_cfg: bool = False
    kv_cache: bool | None = None
    strength: float | None = None
    grow: int | None = None
    feather: int = 0
    padding: int | None = None
    every: int = 12
    motion: Motion = "inside"
    loras: tuple[Lora, ...] = ()


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "steps": (1, 200),
    "guidance": (0, 30),
    "strength": (0, 1),
    "grow": (0, 512),
    "feather": (0, 512),
    "padding": (0, 4096),
    "every": (1, 48),
}


def read(request: GenerationRequest) -> Settings:
    """Returns the settings of a request; raises BadInput(bad_generation) naming those there are."""
    known = Settings.__struct_fields__
    unknown = sorted(set(request.settings) - set(known))
    if unknown:
        raise bad(f"flux2 knows no setting {', '.join(unknown)}; it knows {', '.join(known)}.")
    try:
        settings = msgspec.convert(request.settings, Settings)
    except msgspec.ValidationError as error:
        raise bad(f"A setting cannot be used: {error}.") from error
    for name, (least, most) in _RANGES.items():
        value = getattr(settings, name)
        if value is not None and not least <= value <= most:
            raise bad(f"The setting {name} is {value}; it lies between {least} and {most}.")
    if settings.preset and settings.preset not in PRESETS:
        raise bad(f"There is no preset {settings.preset!r}; there is {', '.join(PRESETS)}.")
    for lora in settings.loras:
        if bool(lora.path) == bool(lora.name):
            raise bad("A LoRA has either a path or a name.")
    return settings


def bad(reason: str) -> BadInput:
    """Returns the error for a request that cannot be fulfilled."""
    return BadInput("bad_generation", reason)
