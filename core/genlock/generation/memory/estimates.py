"""How many bytes a model part needs on top of its weights while it computes."""

from __future__ import annotations

from typing import Final

from genlock.generation.models.library import Model

MARGIN: Final = 1.1
"""Kernel workspaces and fragmentation, which a dry run does not see."""

_TOKENS: Final = {"ltx2/transformer": 145 * 1024, "flux2/transformer": 171 * 1024, "text_encoder": 376 * 1024}
_PIXELS: Final = {"ltx2/vae": 85, "flux2/vae": 1536}
_TILED: Final = {"ltx2/vae": 20, "flux2/vae": 384}


def activation(
    model: Model, part: str, *, tokens: int = 0, pixels: int = 0, batch: int = 1, tiled: bool = False
) -> int:
    """Returns the activation bytes of a part for so many tokens, or so many pixels times frames."""
    key = f"{model.name.split('-')[0]}/{part}"
    each = _TOKENS.get(key, _TOKENS.get(part, 0)) * tokens + (_TILED if tiled else _PIXELS).get(key, 0) * pixels
    return round(each * batch * MARGIN)
