"""Checks a request and orders the ways to fulfil it. Runs in the daemon: nothing heavy, nothing decoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from genlock.errors import BadInput
from genlock.generation.engine import Engine, Engines, Lane, Plan
from genlock.project.request import Conditioning, GenerationRequest, Mode

LONGEST: Final = 60 * 60 * 60
"""Frames: an hour at 60 frames a second."""
WIDEST: Final = 8192
SMALLEST: Final = 16
FASTEST: Final = 240
SEEDS: Final = 2**63


def plans(request: GenerationRequest, engines: Engines) -> tuple[Plan, ...]:
    """Returns the ways to fulfil a request, best first, at least one.

    Raises BadInput(bad_generation) with the reason when the request contradicts itself, names files that are not there,
    or no engine makes such a thing; NotFound(no_such_engine) for an unknown engine.
    """
    reason = next(complaints(request), None)
    if reason is not None:
        raise _bad(reason)
    found: list[Plan] = []
    refusal: BadInput | None = None
    for engine in _candidates(request, engines):
        try:
            found.extend(engine.plans(request))
        except BadInput as error:
            refusal = refusal or error
    if not found:
        raise refusal or _bad(f"No engine here makes {request.mode}.")
    return tuple(found)


def snap(frames: int, grid: int, offset: int = 0, least: int = 1) -> int:
    """Returns the smallest length of the form `grid * n + offset` that holds `frames` (8n + 1 for some video models)."""
    frames = max(frames, least)
    return math.ceil((frames - offset) / grid) * grid + offset


def complaints(request: GenerationRequest) -> Iterator[str]:
    """Yields what is wrong with a request, one sentence each."""
    yield from _shape(request)
    yield from _needs(request)
    for number, condition in enumerate(request.conditioning, 1):
        yield from _condition(request, number, condition)
    for what, path in (("source", request.source), ("after", request.after), ("audio", request.audio)):
        if path:
            yield from _file(what, path)


def lane(request: GenerationRequest) -> Lane:
    """Returns the lane a request will most likely run on; its plan decides."""
    return "interactive" if request.mode in ("mask", "enhance_prompt") else "heavy"


def resolve_frame(frame: int, frames: int) -> int:
    """Returns a frame of the result counted from its start: negative numbers count from the end."""
    return frame + frames if frame < 0 else frame


def _candidates(request: GenerationRequest, engines: Engines) -> list[Engine]:
    if request.engine:
        engine = engines.get(request.engine)
        if request.mode in engine.modes:
            return [engine]
        others = [e.name for e in _loadable(engines) if request.mode in e.modes]
        able = f"; {', '.join(others)} can" if others else "; no engine here can"
        raise _bad(f"The engine {engine.name} does not make {request.mode}{able}.")
    return [engine for engine in _loadable(engines) if request.mode in engine.modes]


def _loadable(engines: Engines) -> Iterator[Engine]:
    for row in engines.describe():
        if row["available"]:
            yield engines.get(row["name"])


def _shape(request: GenerationRequest) -> Iterator[str]:
    width, height = request.resolution.width, request.resolution.height
    if not (SMALLEST <= width <= WIDEST and SMALLEST <= height <= WIDEST):
        yield f"Pictures are {SMALLEST} to {WIDEST} pixels wide and high, not {width}x{height}."
    elif width % 2 or height % 2:
        yield f"Width and height are even, not {width}x{height}: the encodings know no odd sizes."
    if not 1 <= request.frames <= LONGEST:
        yield f"A result has 1 to {LONGEST} frames, not {request.frames}."
    if request.rate.num < 1 or request.rate.den < 1 or not 1 <= request.rate.fraction <= FASTEST:
        yield f"The rate lies between 1 and {FASTEST} frames a second, not {request.rate.num}/{request.rate.den}."
    elif request.drop_frame and not request.rate.drop_per_minute:
        yield f"There is no drop-frame counting at {request.rate} frames a second."
    if not -SEEDS <= request.seed < SEEDS:
        yield "The seed does not fit into 64 bits."
    if request.start_frame < 0:
        yield "The start frame of the timecode is not negative."


def _needs(request: GenerationRequest) -> Iterator[str]:
    mode, rules = request.mode, _RULES.get(request.mode, ())
    for holds, reason in rules:
        if not holds(request):
            yield f"{mode} {reason}."
    if request.span is not None and not 0 <= request.span.start < request.span.end:
        yield f"The span {request.span.start} to {request.span.end} holds no frame."


Rule = tuple[Callable[[GenerationRequest], bool], str]

_RULES: Final[dict[Mode, tuple[Rule, ...]]] = {
    "image_to_video": ((lambda r: bool(r.conditioning), "needs a conditioning image or clip"),),
    "keyframes": ((lambda r: bool(r.conditioning), "needs at least one keyframe"),),
    "extend": ((lambda r: bool(r.source), "needs the clip to extend as source"),),
    "retake": (
        (lambda r: bool(r.source), "needs the clip to retake as source"),
        (lambda r: r.span is not None, "needs the span to make again"),
        (lambda r: r.span is None or r.span.end <= r.frames, "can only make frames again that the result has"),
    ),
    "fill_gap": (
        (
            lambda r: bool(r.source or r.after),
            "needs the clip before the gap (source), the one behind it (after), or both",
        ),
    ),
}


def _condition(request: GenerationRequest, number: int, condition: Conditioning) -> Iterator[str]:
    frame = resolve_frame(condition.frame, request.frames)
    if not 0 <= frame < max(1, request.frames):
        yield f"Conditioning {number} sits on frame {condition.frame} of a result of {request.frames} frames."
    if not 0 <= condition.strength <= 1:
        yield f"The strength of conditioning {number} is {condition.strength}; it lies between 0 and 1."
    if condition.first < 0 or condition.frames < 0:
        yield f"Conditioning {number} takes a range of its clip that starts or lasts less than 0 frames."
    taken = [resolve_frame(c.frame, request.frames) for c in request.conditioning[: number - 1]]
    if frame in taken:
        yield f"Conditioning {number} sits on frame {frame}, where another one sits already."
    yield from _file(f"conditioning {number}", condition.path)


def _file(what: str, path: str) -> Iterator[str]:
    if not path:
        yield f"The {what} has no path."
    elif not Path(path).is_absolute():
        yield f"The {what} needs an absolute path, not {path}."
    elif not Path(path).is_file():
        yield f"The {what} is not there: {path}."


def _bad(reason: str) -> BadInput:
    return BadInput("bad_generation", reason)
