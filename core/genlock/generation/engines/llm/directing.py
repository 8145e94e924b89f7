"""What a language model is asked: the director's instructions, the shot's facts, the prompt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from genlock.errors import BadInput
from genlock.project.request import GenerationRequest

WORDS: Final = 160
"""How long an answer is asked to be."""

LONGEST: Final = 16_000
"""Bytes a prompt may have, a novel's chapter: more is a mistake and would push out the instructions."""

PICTURES: Final = 4
"""How many pictures are shown at most."""

ROOM: Final = 4_000
"""Characters of context; what comes last in `FACTS` is cut first."""

INSTRUCTIONS: Final = """You are a film director who writes the shot description a video model is given.
Keep every fact of the draft: who, what, where, when. Add only what a camera sees or a microphone hears.
Say in this order: framing and lens, subject and action over time, place, light and colour, camera move, sound.
Keep people, clothes, props and light as the neighbouring shots have them. Invent no dialogue, names, logos or text.
Present tense, plain concrete words, one paragraph of at most {words} words. No headings, no lists, no remarks.
Answer with the description alone."""

FACTS: Final = {
    "shot": "Shot",
    "scene": "Scene",
    "shot_type": "Framing",
    "camera": "Camera",
    "seconds": "Seconds",
    "elements": "Elements",
    "notes": "Notes",
    "negative_prompt": "Keep out",
    "before": "Shot before",
    "after": "Shot after",
}
"""Keys of the setting `context` and how they are called in the question, in the order they matter."""

_OWN: Final = {
    "shot": "shot_code",
    "shot_type": "shot_type",
    "camera": "camera",
    "negative_prompt": "negative_prompt",
}
"""Facts a request has fields of its own for."""

SETTINGS: Final = ("context", "temperature", "max_tokens", "words", "system", "model", "url", "keep_alive")
"""Names of the settings the language engines read."""


class Question(Struct, frozen=True):
    """What is asked. `pictures` are paths with the frame to show; `cut` names the facts left out for want of room."""

    system: str
    text: str
    pictures: tuple[tuple[str, int], ...]
    cut: tuple[str, ...]
    temperature: float
    max_tokens: int


def question(request: GenerationRequest, room: int = ROOM) -> Question:
    """Returns what a request asks; the facts have `room` characters. Raises BadInput(bad_generation)."""
    settings = request.settings
    if not request.prompt.strip():
        raise _bad("There is no prompt to write out.")
    length = len(request.prompt.encode())
    if length > LONGEST:
        raise _bad(f"The prompt holds {length} bytes; a language model is given at most {LONGEST}.")
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        raise _bad(f"There is no setting {unknown[0]!r}; there are {', '.join(SETTINGS)}.")
    words = int(_number(settings, "words", WORDS, 10, 1000))
    system = settings.get("system") or INSTRUCTIONS
    if not isinstance(system, str) or len(system) > LONGEST:
        raise _bad("The setting system is a text of at most 16000 characters.")
    facts, cut = _facts(request, room)
    given = [(picture.path, picture.first) for picture in (*request.conditioning, *request.references) if picture.path]
    if request.source:
        given.append((request.source, 0))
    return Question(
        system=system.replace("{words}", str(words)),
        text="\n".join((*facts, f"Draft: {request.prompt.strip()}")),
        pictures=tuple(given[:PICTURES]),
        cut=cut,
        temperature=_number(settings, "temperature", 0.7, 0, 2),
        max_tokens=int(_number(settings, "max_tokens", words * 2, 1, 4096)),
    )


def _facts(request: GenerationRequest, room: int) -> tuple[list[str], tuple[str, ...]]:
    context = request.settings.get("context") or {}
    if not isinstance(context, Mapping):
        raise _bad("The setting context is an object.")
    own = {name: getattr(request, field) for name, field in _OWN.items()}
    lines: list[str] = []
    cut: list[str] = []
    for key, name in FACTS.items():
        value = _plain(context.get(key) or own.get(key) or "")
        if not value:
            continue
        line = f"{name}: {value}"
        if len(line) > room:
            cut.append(key)
            line = f"{line[: room - 1]}…" if room > 40 else ""
        if line:
            lines.append(line)
            room -= len(line)
    return lines, tuple(cut)


def _plain(value: object) -> str:
    if isinstance(value, list | tuple):
        return "; ".join(filter(None, map(_plain, value)))
    return " ".join(str(value).split())


def _number(settings: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = settings.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _bad(f"The setting {name} lies between {low:g} and {high:g}, not {value!r}.")
    return value


def _bad(reason: str) -> BadInput:
    return BadInput("bad_generation", reason)
