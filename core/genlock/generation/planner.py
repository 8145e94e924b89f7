"""Checks a request and orders the ways to fulfil it. Runs in the daemon: nothing heavy, nothing decoded."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from genlock.errors import BadInput, GenerationError, GenlockError, NotFound
from genlock.generation.engine import Engine, Engines, Lane, Plan
from genlock.project.request import Box, Conditioning, GenerationRequest, Mode, Point, Selection
from genlock.project.rules.valid import TEXT_LENGTH
from genlock.timeline.model import Resolution

log = logging.getLogger(__name__)

LONGEST: Final = 60 * 60 * 60
"""Frames: an hour at 60 frames a second."""
WIDEST: Final = 8192
SMALLEST: Final = 16
FASTEST: Final = 240
SEEDS: Final = 2**63
FARTHEST: Final = 2 * WIDEST
"""Pixels from the origin within which points and boxes lie."""
MARKS: Final = 1000
"""Points and boxes of one selection."""

PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
"""Suffixes of files whose header is read to see whether they are pictures, and of which size."""

_INTERACTIVE: Final = frozenset({"mask"})
_LANGUAGE: Final = frozenset({"enhance_prompt"})


def plans(request: GenerationRequest, engines: Engines) -> tuple[Plan, ...]:
    """Returns the ways to fulfil a request, best first, at least one: engine by engine in order of preference, drafts last.
    The notes of drafts say which engines could not, and why.

    Raises BadInput(bad_generation) with the reason when the request contradicts itself, names files that are not there,
    or no engine makes such a thing; NotFound(no_such_engine) for an unknown engine; GenerationError as the first engine
    that could not, when no other can.
    """
    reason = next(complaints(request), None)
    if reason is not None:
        raise _bad(reason)
    found: list[Plan] = []
    refusals: dict[str, GenlockError] = {}
    for engine in _candidates(request, engines):
        try:
            found.extend(engine.plans(request))
        except (BadInput, GenerationError) as error:  # the next one may need less, or have its model
            refusals[engine.name] = error
        except Exception as error:  # a plug-in call: whatever it raises costs its plans, not those of the others
            log.exception("The engine %s cannot plan", engine.name)
            said = f"The engine {engine.name} cannot plan this: {type(error).__name__}: {error}"
            refusals[engine.name] = GenerationError("engine_failed", said)
    if not found:
        raise next(iter(refusals.values()), None) or _bad(f"No engine here makes {request.mode}.")
    notes = tuple(f"Not by {name}: {error.message}" for name, error in refusals.items())
    drafts = [replace(plan, notes=(*plan.notes, *notes)) for plan in found if plan.draft]
    return *(plan for plan in found if not plan.draft), *drafts


def snap(frames: int, grid: int, offset: int = 0, least: int = 1) -> int:
    """Returns the smallest length of the form `grid * n + offset` that holds `frames` (8n + 1 for some video models)."""
    frames = max(frames, least)
    return math.ceil((frames - offset) / grid) * grid + offset


def complaints(request: GenerationRequest) -> Iterator[str]:
    """Yields what is wrong with a request, one sentence each."""
    yield from wording(request)
    yield from _shape(request)
    yield from _needs(request)
    for number, condition in enumerate(request.conditioning, 1):
        yield from _condition(request, number, condition)
    for number, condition in enumerate(request.references, 1):
        yield from _guide(f"reference {number}", condition)
    for what, path in (("source", request.source), ("after", request.after), ("mask", request.mask)):
        if path:
            yield from _picture(what, path)
    if request.audio:
        yield from _file("audio", request.audio)
    size = picture_size(request.source)
    yield from _same_size("mask", request.mask, size)
    for number, selection in enumerate(request.selections, 1):
        yield from _selection(number, selection, size)


def wording(request: GenerationRequest) -> Iterator[str]:
    """Yields what is wrong with a request's texts."""
    for what, text in (("prompt", request.prompt), ("negative prompt", request.negative_prompt)):
        if len(text) > TEXT_LENGTH:
            yield f"The {what} has {len(text)} characters; {TEXT_LENGTH} are allowed."


def lane(request: GenerationRequest) -> Lane:
    """Returns the lane a request will most likely run on; its plan decides."""
    if request.mode in _INTERACTIVE:
        return "interactive"
    return "language" if request.mode in _LANGUAGE else "heavy"


def picture_size(path: str) -> Resolution | None:
    """Returns the size of a picture file from its header; None for clips, for what is missing and what is no picture."""
    if Path(path).suffix.lower() not in PICTURES:
        return None
    from PIL import Image

    try:
        with Image.open(path) as image:
            return Resolution(*image.size)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None


def resolve_frame(frame: int, frames: int) -> int:
    """Returns a frame of the result counted from its start: negative numbers count from the end."""
    return frame + frames if frame < 0 else frame


def _candidates(request: GenerationRequest, engines: Engines) -> list[Engine]:
    if request.engine:
        engine = engines.get(request.engine)
        if request.mode in engine.modes:
            return [engine]
        others = [other.name for other in _able(request.mode, engines)]
        able = f"; {', '.join(others)} can" if others else "; no engine here can"
        raise _bad(f"The engine {engine.name} does not make {request.mode}{able}.")
    return list(_able(request.mode, engines))


def _able(mode: Mode, engines: Engines) -> Iterator[Engine]:
    """Yields the engines that can make such a thing here. Whether others could run is not asked: a server that is down
    would have everybody wait."""
    for name in engines.names():
        try:
            engine = engines.get(name)
        except NotFound:  # said by `Engines.describe`
            continue
        if mode in engine.modes and not engine.missing():
            yield engine


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


def _source(purpose: str) -> Rule:
    return (lambda r: bool(r.source), f"needs {purpose} as source")


_RULES: Final[dict[Mode, tuple[Rule, ...]]] = {
    "image_to_video": ((lambda r: bool(r.conditioning), "needs a conditioning image or clip"),),
    "keyframes": ((lambda r: bool(r.conditioning), "needs at least one keyframe"),),
    "extend": (_source("the clip to extend"),),
    "retake": (
        _source("the clip to retake"),
        (lambda r: r.span is not None, "needs the span to make again, as in span=[24,48]"),
        (lambda r: r.span is None or r.span.end <= r.frames, "can only make frames again that the result has"),
    ),
    "fill_gap": (
        (
            lambda r: bool(r.source or r.after),
            "needs the clip before the gap (source), the one behind it (after), or both",
        ),
    ),
    "edit_image": (
        (lambda r: bool(r.source or r.conditioning or r.references), "needs the picture to edit (source, or a reference)"),
    ),
    "inpaint": (
        _source("the picture or clip to mend"),
        (lambda r: bool(r.mask or r.selections), "needs what to make again: a mask, or selections that say what to mask"),
    ),
    "mask": (
        _source("the picture or clip to select in"),
        (lambda r: bool(r.selections), "needs selections: points, boxes, words or a mask to refine"),
    ),
    "track": (
        _source("the clip to track in"),
        (lambda r: bool(r.selections), "needs selections: points, boxes, words or a mask on a frame"),
    ),
    "upscale": (_source("the picture or clip to enlarge"),),
    "retime": (_source("the clip to make last longer or shorter"),),
    "scenes": (_source("the clip to look for cuts in"),),
    "enhance_prompt": (
        (
            lambda r: bool(r.prompt.strip() or r.source or r.conditioning or r.settings.get("context")),
            "needs a prompt or a picture to write from",
        ),
    ),
}  # fmt: skip


def _condition(request: GenerationRequest, number: int, condition: Conditioning) -> Iterator[str]:
    frame = resolve_frame(condition.frame, request.frames)
    if not 0 <= frame < max(1, request.frames):
        yield f"Conditioning {number} sits on frame {condition.frame} of a result of {request.frames} frames."
    taken = [resolve_frame(c.frame, request.frames) for c in request.conditioning[: number - 1]]
    if frame in taken:
        yield f"Conditioning {number} sits on frame {frame}, where another one sits already."
    yield from _guide(f"conditioning {number}", condition)


def _guide(what: str, condition: Conditioning) -> Iterator[str]:
    if not 0 <= condition.strength <= 1:
        yield f"The strength of {what} is {condition.strength}; it lies between 0 and 1."
    if condition.first < 0 or condition.frames < 0:
        yield f"The {what} takes a range of its clip that starts or lasts less than 0 frames."
    yield from _picture(what, condition.path)


def _selection(number: int, selection: Selection, size: Resolution | None) -> Iterator[str]:
    what = f"selection {number}"
    if not (selection.points or selection.boxes or selection.text.strip() or selection.mask):
        yield f"The {what} selects nothing: give points, boxes, words or a mask."
    if selection.thing < 1:
        yield f"The {what} is of thing {selection.thing}; things count from 1."
    if len(selection.text) > TEXT_LENGTH:
        yield f"The words of {what} have {len(selection.text)} characters; {TEXT_LENGTH} are allowed."
    if len(selection.points) + len(selection.boxes) > MARKS:
        yield f"The {what} has {len(selection.points) + len(selection.boxes)} points and boxes; {MARKS} are allowed."
    width, height = (size.width, size.height) if size else (FARTHEST, FARTHEST)
    for point in selection.points:
        if not _inside(point, width, height):
            yield f"A point of {what} lies at {point.x:g},{point.y:g}, outside of {width}x{height} pixels."
    for box in selection.boxes:
        if not _spans(box, width, height):
            text = f"{box.left:g},{box.top:g},{box.right:g},{box.bottom:g}"
            holds = f"nothing of {width}x{height} pixels" if size else "nothing: it is left, top, right, bottom"
            yield f"The box {text} of {what} holds {holds}."
    if selection.mask:
        yield from _picture(f"mask of {what}", selection.mask)
        yield from _same_size(f"mask of {what}", selection.mask, size)


def _inside(point: Point, width: int, height: int) -> bool:
    return 0 <= point.x < width and 0 <= point.y < height


def _spans(box: Box, width: int, height: int) -> bool:
    """Whether a box holds a part of the picture; it may hang over its sides by the picture's own size."""
    across = -width <= box.left < box.right <= 2 * width and box.left < width and box.right > 0
    return across and -height <= box.top < box.bottom <= 2 * height and box.top < height and box.bottom > 0


def _same_size(what: str, path: str, size: Resolution | None) -> Iterator[str]:
    own = picture_size(path) if path and size else None
    if own and size and own != size:
        yield f"The {what} is {own.width}x{own.height} pixels, but the source {size.width}x{size.height}."


def _picture(what: str, path: str) -> Iterator[str]:
    wrong = list(_file(what, path))
    yield from wrong
    if not wrong and Path(path).suffix.lower() in PICTURES and picture_size(path) is None:
        yield f"The {what} is no picture that can be read: {path}."


def _file(what: str, path: str) -> Iterator[str]:
    if not path:
        yield f"The {what} has no path."
    elif not Path(path).is_absolute():
        yield f"The {what} needs an absolute path, not {path}."
    elif not Path(path).is_file():
        yield f"The {what} is not there: {path}."


def _bad(reason: str) -> BadInput:
    return BadInput("bad_generation", reason)
