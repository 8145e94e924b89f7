"""Makes a prompt fuller without a language model: what the brief says, in the order a camera crew would say it."""

from __future__ import annotations

import re
from typing import Any, Final

from genlock.generation.engine import Sink
from genlock.project.request import GenerationRequest

SIZES: Final = {
    "ecu": "Extreme close-up",
    "cu": "Close-up",
    "mcu": "Medium close-up",
    "ms": "Medium shot",
    "mls": "Medium long shot",
    "ws": "Wide shot",
    "ls": "Long shot",
    "els": "Extreme long shot",
    "ots": "Over-the-shoulder shot",
    "pov": "Point-of-view shot",
}
LIGHTS: Final = {
    "night": "low-key light with practical sources and deep shadows",
    "dawn": "soft cold light from a low sun",
    "dusk": "warm side light and long shadows",
    "golden": "warm side light and long shadows",
    "storm": "flat grey light and hard gusts of wind",
    "neon": "coloured light from signs, reflected in wet surfaces",
    "rain": "overcast light, wet reflections",
}
LENSES: Final = {"close": "85 mm lens, shallow depth of field", "wide": "24 mm lens, deep focus"}
"""By a word of the shot's size; between them a 50 mm lens."""


def enhance(request: GenerationRequest, sink: Sink) -> None:
    """Delivers the prompt as sentences: size and subject, movement, light, lens. Facts only from the brief and its
    context."""
    sink.text(worded(request) + "\n")
    sink.progress(1, 1, "words")


def worded(request: GenerationRequest) -> str:
    """Returns the fuller prompt; the given one stands in it unchanged."""
    context: dict[str, Any] = request.settings.get("context") or {}
    given = " ".join(request.prompt.split()).rstrip(".")
    kind = (request.shot_type or str(context.get("shot_type", ""))).strip()
    size = SIZES.get(kind.casefold(), kind[:1].upper() + kind[1:])
    words = f"{given} {kind} {context.get('notes', '')}".casefold()
    camera = request.camera or str(context.get("camera", ""))
    sentences = [f"{size}: {given}" if size and given else size or given]
    if camera:
        sentences.append("The camera is locked off" if camera == "static" else f"Camera: {camera}, slow and even")
    light = next((text for word, text in LIGHTS.items() if re.search(rf"\b{word}", words)), "")
    if light:
        sentences.append(light[:1].upper() + light[1:])
    lens = next((text for word, text in LENSES.items() if word in size.casefold()), "50 mm lens")
    sentences.append(lens)
    return ". ".join(sentence for sentence in sentences if sentence) + "."
