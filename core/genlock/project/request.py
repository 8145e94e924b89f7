"""One immutable value says everything about what to generate. Engines get it and nothing else."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

Mode = Literal[
    "text_to_video", "image_to_video", "keyframes", "extend", "retake", "fill_gap",
    "image", "edit_image", "inpaint", "mask", "track", "upscale", "enhance_prompt",
]  # fmt: skip
"""What to make. `animatic` answers the first six and `image`; the rest belong to engines of a later part."""


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


class GenerationRequest(Struct, frozen=True, omit_defaults=True):
    """What to make, at which size, length and rate, by which engine.

    `frames` at `rate` is exact: engines pad and trim to it. `source` is the clip to extend, retake or fill from (absolute
    path), `after` the one on the other side of a gap. `span` is the range to retake. `start_frame` numbers the burn-in
    timecode. `seed` makes the result repeatable. `settings` are the engine's own.
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


class Provenance(Struct, frozen=True, omit_defaults=True):
    """How a take came to be: enough to make it again. `seconds` are wall time by phase."""

    request: GenerationRequest
    engine: str
    engine_version: str
    plan: str = ""
    draft: bool = False
    versions: dict[str, str] = {}
    seconds: dict[str, float] = {}
