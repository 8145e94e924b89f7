"""Where everything of a request lies on the frames that are made. Pure: sizes of given clips come in as numbers."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from genlock.errors import BadInput
from genlock.generation.engines.ltx2 import grid
from genlock.generation.planner import resolve_frame
from genlock.project.request import GenerationRequest

Origin = Literal["source", "after", "condition"]


class Hold(Struct, frozen=True):
    """Pictures the result follows, from frame `at` of those that are made on: `count` of them from frame `first` of a given
    clip, counted at the result's rate (of a `condition` in its own frames). `number` says which condition."""

    origin: Origin
    first: int
    count: int
    at: int
    strength: float = 1.0
    number: int = 0


class Layout(Struct, frozen=True):
    """`made` frames are made (8k + 1), of which `count` from `first` on are the result's; `before` and `behind` frames of
    the source are shown unchanged around them."""

    made: int
    first: int
    count: int
    before: int = 0
    behind: int = 0
    holds: tuple[Hold, ...] = ()
    notes: tuple[str, ...] = ()


def layout(request: GenerationRequest, source: int = grid.CONTEXT, after: int = grid.CONTEXT) -> Layout:
    """Returns the layout of a request. `source` and `after` are the lengths of those clips at the result's rate; what is
    unknown is taken to be long enough.

    Raises BadInput(bad_generation) for a condition outside the result.
    """
    match request.mode:
        case "extend":
            base = _between(request.frames, source, 0, source, 0)
        case "fill_gap":
            before, behind = (source if request.source else 0), (after if request.after else 0)
            base = _between(request.frames, before, behind, before, 0)
        case "retake":
            span = request.span
            if span is None or span.end > request.frames:
                raise BadInput("bad_generation", "retake needs a span within the result.")
            behind = request.frames - span.end
            base = _between(span.end - span.start, span.start, behind, span.start, span.end, same=True)
            base = Layout(base.made, base.first, base.count, span.start, behind, base.holds)
        case _:
            base = Layout(grid.frames_of(grid.latents_of(request.frames)), 0, request.frames)
    holds, notes = _conditions(request, base)
    return Layout(
        base.made, base.first, base.count, base.before, base.behind, (*base.holds, *holds), (*base.notes, *notes)
    )


def _between(new: int, before: int, behind: int, end: int, begin: int, *, same: bool = False) -> Layout:
    """Returns a layout of `new` frames after `before` and ahead of `behind` given ones; what is before ends at frame `end`
    of its clip, what is behind begins at frame `begin`."""
    kept = grid.whole(min(grid.CONTEXT, before))
    made = kept + new
    holds = [Hold("source", end - kept, kept, 0)] if kept else []
    if behind:
        count = grid.whole(min(grid.CONTEXT, behind))
        holds.append(Hold("source" if same else "after", begin, count, made))
        made += count
    return Layout(grid.frames_of(grid.latents_of(made)), kept, new, holds=tuple(holds))


def _conditions(request: GenerationRequest, base: Layout) -> tuple[list[Hold], list[str]]:
    """Returns the holds of the request's own conditions, and what they lose."""
    holds: list[Hold] = []
    notes: list[str] = []
    for number, condition in enumerate(request.conditioning):
        frame = resolve_frame(condition.frame, request.frames) - base.before
        if not 0 <= frame < base.count:
            # The pipelines would leave it out without a word.
            raise BadInput("bad_generation", f"Conditioning {number + 1} sits outside the frames that are made.")
        count = max(1, condition.frames)
        if grid.whole(count) != count:
            notes.append(f"Conditioning {number + 1} is followed for {grid.whole(count)} of its {count} frames.")
        at = frame + base.first
        holds.append(Hold("condition", condition.first, grid.whole(count), at, condition.strength, number))
    return holds, notes


def within(hold: Hold, segment: grid.Segment) -> Hold | None:
    """Returns the part of a hold that a segment has to follow itself, counted from the segment's first frame; None when
    there is none: what a segment takes over needs no holding."""
    at = max(hold.at, grid.begin(segment.start + segment.kept))
    end = grid.begin(segment.end)
    gone = at - hold.at
    left = grid.whole(min(hold.count - gone, end - at))
    if left < 1:
        return None
    return Hold(hold.origin, hold.first + gone, left, at - segment.first, hold.strength, hold.number)
