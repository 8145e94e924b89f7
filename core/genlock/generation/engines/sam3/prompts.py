"""Selections put together by thing and frame, and what is wrong with them. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from genlock.errors import BadInput
from genlock.project.request import Box, GenerationRequest, Point, Selection

MOST_POINTS: Final = 200
MOST_THINGS: Final = 32
LONGEST_TEXT: Final = 400
"""Limits of one request: each thing is tracked by itself, and the model reads 32 tokens."""


class Prompt(Struct, frozen=True):
    """Everything said about one thing on one frame (0 first)."""

    thing: int
    frame: int
    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    text: str = ""
    mask: str = ""

    @property
    def by_name(self) -> bool:
        """Whether only a name is given: all that bear it are meant."""
        return bool(self.text) and not (self.points or self.boxes or self.mask)

    @property
    def by_example(self) -> bool:
        """Whether the detector has to look: for a name, or for counter-examples, which a click's decoder does not know."""
        return bool(self.text) or any(not box.inside for box in self.boxes)


def check(request: GenerationRequest) -> None:
    """Raises BadInput(bad_generation) for selections that cannot be meant, as far as the request alone tells."""
    for complaint in _complaints(request):
        raise BadInput("bad_generation", complaint)


def gather(request: GenerationRequest, frames: int, size: tuple[int, int]) -> tuple[Prompt, ...]:
    """Returns the prompts, by thing and frame, for a source of so many frames of `size` (width, height).

    Raises BadInput(bad_generation) for a frame or a place the source does not have.
    """
    found: dict[tuple[int, int], Prompt] = {}
    for selection in request.selections:
        frame = selection.frame + frames if selection.frame < 0 else selection.frame
        if not 0 <= frame < frames:
            raise BadInput("bad_generation", f"The source has {frames} frames, and none numbered {selection.frame}.")
        _within(selection, size)
        key = selection.thing, frame
        found[key] = _joined(found.get(key, Prompt(*key)), selection, size)
    if request.mode == "mask" and len({frame for _, frame in found}) > 1:
        raise BadInput("bad_generation", "A mask is of one frame; selections are on several.")
    for prompt in found.values():
        said: list[Point | Box] = [*prompt.points, *prompt.boxes]
        if said and not (prompt.text or prompt.mask or any(one.inside for one in said)):
            raise BadInput("bad_generation", f"Thing {prompt.thing} is said only not to be somewhere.")
        if not prompt.text and prompt.boxes and not any(box.inside for box in prompt.boxes):
            raise BadInput("bad_generation", f"Thing {prompt.thing} has a counter-example and no example.")
    return tuple(found[key] for key in sorted(found))


def _joined(prompt: Prompt, selection: Selection, size: tuple[int, int]) -> Prompt:
    for what, one, other in (("names", prompt.text, selection.text), ("masks", prompt.mask, selection.mask)):
        if one and other and one != other:
            raise BadInput("bad_generation", f"Thing {prompt.thing} has two {what} on frame {prompt.frame}.")
    return Prompt(
        prompt.thing,
        prompt.frame,
        prompt.points + selection.points,
        prompt.boxes + tuple(_cut(box, size) for box in selection.boxes),
        prompt.text or selection.text.strip(),
        prompt.mask or selection.mask,
    )


def _cut(box: Box, size: tuple[int, int]) -> Box:
    width, height = size
    return Box(max(0, box.left), max(0, box.top), min(width, box.right), min(height, box.bottom), box.inside)


def _within(selection: Selection, size: tuple[int, int]) -> None:
    width, height = size
    for point in selection.points:
        if not (0 <= point.x < width and 0 <= point.y < height):
            raise BadInput("bad_generation", f"The point {point.x:g}, {point.y:g} is outside {width}x{height} pixels.")
    for box in selection.boxes:
        if box.right <= 0 or box.bottom <= 0 or box.left >= width or box.top >= height:
            raise BadInput("bad_generation", f"A box lies outside {width}x{height} pixels.")


def _complaints(request: GenerationRequest) -> Iterator[str]:
    if not request.source:
        yield f"{request.mode} needs the clip or picture to select on as source."
    if not request.selections:
        yield f"{request.mode} needs a selection: points, boxes, words or a mask."
    for selection in request.selections:
        yield from _selection(selection)
    if len({selection.thing for selection in request.selections}) > MOST_THINGS:
        yield f"One request selects {MOST_THINGS} things at most."
    threshold = request.settings.get("threshold", 0.5)
    if not isinstance(threshold, int | float) or isinstance(threshold, bool) or not 0 <= threshold <= 1:
        yield "The setting threshold lies between 0 and 1."
    small = request.settings.get("clean", 0.0)
    if not isinstance(small, int | float) or isinstance(small, bool) or not 0 <= small <= 0.5:
        yield "The setting clean lies between 0 and 0.5."


def _selection(selection: Selection) -> Iterator[str]:
    if not (selection.points or selection.boxes or selection.text.strip() or selection.mask):
        yield f"The selection of thing {selection.thing} is empty."
    if len(selection.points) + len(selection.boxes) > MOST_POINTS:
        yield f"A selection has {MOST_POINTS} points and boxes at most."
    if len(selection.text) > LONGEST_TEXT:
        yield f"The name of a thing has {LONGEST_TEXT} characters at most: a few words say most."
    for box in selection.boxes:
        if not (box.left < box.right and box.top < box.bottom):
            yield "A box has its left before its right and its top above its bottom."
    if selection.mask and not Path(selection.mask).is_absolute():
        yield f"The mask needs an absolute path, not {selection.mask}."
    elif selection.mask and not Path(selection.mask).is_file():
        yield f"The mask is not there: {selection.mask}."
