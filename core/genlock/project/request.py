"""One immutable value says everything about what to generate. Engines get it and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

Mode = Literal[
    "text_to_video", "image_to_video", "keyframes", "extend", "retake", "fill_gap",
    "image", "edit_image", "inpaint", "mask", "track", "upscale", "enhance_prompt", "retime", "scenes",
]  # fmt: skip
"""What to make. `inpaint` makes a masked region of `source` again, on a still or through a whole clip; `mask` selects on
one frame of `source`, `track` through all of it; `retime` makes `source` last `frames`; `scenes` lists its cuts."""

Direction = Literal["forward", "backward", "both"]


class Conditioning(Struct, frozen=True, omit_defaults=True):
    """An image or a clip that the result must follow.

    `frame` is where in the result it counts (0 first; negative counts from the end, -1 the last frame), `strength` 0..1.
    `path` is an absolute path; `media` the pool id when it has one. `first` and `frames` choose a range of a clip, in
    its own frames (`frames` 0: one still).
    """

    path: str
    frame: int = 0
    strength: float = 1.0
    media: str = ""
    first: int = 0
    frames: int = 0


class Span(Struct, frozen=True, array_like=True):
    """Frames `start` to `end` (exclusive) of the result."""

    start: int
    end: int


class Point(Struct, frozen=True, array_like=True):
    """A click, in pixels of the source from its top left; `inside` false says that this does not belong."""

    x: float
    y: float
    inside: bool = True


class Box(Struct, frozen=True, array_like=True):
    """A rectangle in pixels of the source, `right` and `bottom` exclusive; `inside` false marks a counter-example."""

    left: float
    top: float
    right: float
    bottom: float
    inside: bool = True


class Selection(Struct, frozen=True, omit_defaults=True):
    """What a mask is to hold: points, boxes, words, and a mask to refine (a picture's absolute path), or several of these.

    `frame` is the source's frame they were given on (0 first; negative counts from the end). Selections of the same
    `thing` describe one object.
    """

    points: tuple[Point, ...] = ()
    boxes: tuple[Box, ...] = ()
    text: str = ""
    mask: str = ""
    frame: int = 0
    thing: int = 1


class GenerationRequest(Struct, frozen=True, omit_defaults=True):
    """What to make, at which size, length and rate, by which engine.

    `frames` at `rate` is exact: engines pad and trim to it. `source` is the clip to extend, retake or fill from (absolute
    path), `after` the one on the other side of a gap. `span` is the range to retake. `start_frame` numbers the burn-in
    timecode. `seed` makes the result repeatable. `settings` are the engine's own. `references` show what something looks
    like without being shown themselves (elements, a reference video). `mask` is a picture or a clip, white where to make
    anew. `selections` say what to mask, `direction` where to track from their frames.
    """

    mode: Mode
    prompt: str = ""
    negative_prompt: str = ""
    resolution: Resolution = Resolution(1280, 720)
    frames: int = 97
    rate: Rate = Rate(24)
    seed: int = 0
    conditioning: tuple[Conditioning, ...] = ()
    source: str = ""
    after: str = ""
    span: Span | None = None
    audio: str = ""
    start_frame: int = 0
    drop_frame: bool = False
    shot_code: str = ""
    shot_type: str = ""
    camera: str = ""
    engine: str = ""
    settings: dict[str, Any] = {}
    references: tuple[Conditioning, ...] = ()
    mask: str = ""
    selections: tuple[Selection, ...] = ()
    direction: Direction = "forward"


class Provenance(Struct, frozen=True, omit_defaults=True):
    """How a take came to be: enough to make it again. `seconds` are wall time by phase. `model` and `revision` name the
    weights; `details` say how they ran (device, dtype, steps, what was snapped)."""

    request: GenerationRequest
    engine: str
    engine_version: str
    plan: str = ""
    draft: bool = False
    versions: dict[str, str] = {}
    seconds: dict[str, float] = {}
    model: str = ""
    revision: str = ""
    details: dict[str, Any] = {}
