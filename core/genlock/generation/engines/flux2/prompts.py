"""Presets: what is put around a prompt, and how it is then drawn. Data, nothing else."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Preset(Struct, frozen=True):
    """`template` holds {prompt}; `steps` and `guidance` replace the model's own where they are given, for models that are
    not distilled."""

    template: str
    negative: str = ""
    steps: int | None = None
    guidance: float | None = None


PRESETS: Final[dict[str, Preset]] = {
    "concept-art": Preset(
        "Concept art for a film: {prompt}. One clear focal point, readable silhouettes, painted light, "
        "cinematic composition, matte painting finish.",
        negative="text, watermark, signature, frame, collage",
        steps=28,
        guidance=4.0,
    ),
    "storyboard": Preset(
        "Storyboard panel, black ink with grey wash on white paper: {prompt}. Few sure lines, clear staging, "
        "no lettering.",
        negative="colour, photograph, text, watermark",
        steps=20,
        guidance=4.0,
    ),
}


def worded(prompt: str, preset: str) -> str:
    """Returns the prompt as the model reads it."""
    if not preset:
        return prompt
    return PRESETS[preset].template.replace("{prompt}", prompt.strip().rstrip("."))


def avoided(negative: str, preset: str) -> str:
    """Returns what the picture is not to show: the request's own words, else the preset's."""
    return negative or (PRESETS[preset].negative if preset else "")
