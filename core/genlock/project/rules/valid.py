"""Whether a value may be stored at all. Each check answers None, or the refusal."""

from __future__ import annotations

import re
from typing import Final

from genlock.project.media import MediaFile
from genlock.project.project import Settings
from genlock.project.request import Conditioning, GenerationRequest
from genlock.project.shot import Brief, Take
from genlock.timeline.decision import Refusal
from genlock.timeline.model import Resolution
from genlock.timeline.rate import RATES, Rate

NAME_LENGTH: Final = 200
TEXT_LENGTH: Final = 20_000
SIDE: Final = range(16, 16385)
"""Pixels a picture may have on a side."""
FRAMES: Final = range(1, 10_000_000)
SEEDS: Final = range(2**63)

_ABSOLUTE = re.compile(r"/|[A-Za-z]:[\\/]|\\\\")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def name(text: str) -> Refusal | None:
    """Checks a name that people give: something visible, at most 200 characters, no control characters."""
    if not text.strip():
        return Refusal("bad_name", "The name is empty.")
    if len(text) > NAME_LENGTH:
        return Refusal("bad_name", f"The name has {len(text)} characters; {NAME_LENGTH} are allowed.")
    if not text.isprintable():
        return Refusal("bad_name", f"The name {text!r} holds a character that cannot be printed.")
    return None


def code(text: str) -> Refusal | None:
    """Checks a shot or scene code, which becomes a file name: letters, digits, dot, dash and underscore."""
    if not _CODE.fullmatch(text) or text.endswith("."):
        return Refusal(
            "bad_name", f"{text!r} is not a code: use letters, digits, dot, dash and underscore, at most 64 of them."
        )
    return None


def scene(text: str) -> Refusal | None:
    """Checks a scene's code, which a shot need not have."""
    return code(text) if text else None


def rate(value: Rate) -> Refusal | None:
    """Checks that a sequence can run at the rate."""
    if value not in RATES:
        return Refusal("bad_rate", f"{value.num}/{value.den} is not a frame rate Genlock knows.")
    return None


def resolution(value: Resolution) -> Refusal | None:
    if value.width not in SIDE or value.height not in SIDE:
        return Refusal("bad_value", f"A picture of {value.width}x{value.height} pixels is not possible.")
    return None


def settings(value: Settings) -> Refusal | None:
    """Checks a project's settings."""
    if value.start_frame < 0:
        return Refusal("bad_value", f"The first frame cannot have number {value.start_frame}.")
    if value.folder and not absolute(value.folder):
        return Refusal("bad_value", f"The project folder {value.folder!r} is not an absolute path.")
    return rate(value.rate) or resolution(value.resolution)


def brief(value: Brief) -> Refusal | None:
    """Checks what a person decided about a shot."""
    return (
        _texts(value.prompt, value.negative_prompt, value.notes)
        or _length(value.frames)
        or _seed(value.seed)
        or rate(value.rate)
        or (resolution(value.resolution) if value.resolution else None)
        or _conditioning(value.conditioning)
    )


def request(value: GenerationRequest) -> Refusal | None:
    """Checks what to generate."""
    span = value.span
    if span is not None and not 0 <= span.start < span.end <= value.frames:
        return Refusal("bad_value", f"Frames {span.start} to {span.end} are not a range of {value.frames} frames.")
    return (
        _texts(value.prompt, value.negative_prompt)
        or _length(value.frames)
        or _seed(value.seed)
        or rate(value.rate)
        or resolution(value.resolution)
        or _conditioning(value.conditioning)
    )


def take(value: Take) -> Refusal | None:
    """Checks a take."""
    if not value.id:
        return Refusal("bad_value", "A take needs an id.")
    if value.number < 1:
        return Refusal("bad_value", f"Take numbers count from 1, not {value.number}.")
    if value.head_handle < 0 or value.tail_handle < 0:
        return Refusal("bad_value", "Handles cannot be negative.")
    return None


def media(value: MediaFile) -> Refusal | None:
    """Checks an entry of the media pool."""
    if not value.id:
        return Refusal("bad_value", "A media file needs an id.")
    if not value.path and not (value.name and value.missing):
        return Refusal("bad_value", f"The media file {value.id} needs a path, or a name and to be missing.")
    return None


def absolute(path: str) -> bool:
    """Whether a native path of either kind of system is absolute."""
    return _ABSOLUTE.match(path) is not None


def _texts(*texts: str) -> Refusal | None:
    longest = max(map(len, texts))
    if longest > TEXT_LENGTH:
        return Refusal("bad_value", f"A text has {longest} characters; {TEXT_LENGTH} are allowed.")
    return None


def _length(frames: int) -> Refusal | None:
    if frames not in FRAMES:
        return Refusal("bad_value", f"A shot of {frames} frames is not possible.")
    return None


def _seed(seed: int) -> Refusal | None:
    if seed not in SEEDS:
        return Refusal("bad_value", "A seed is a whole number from 0 to 2^63 - 1.")
    return None


def _conditioning(items: tuple[Conditioning, ...]) -> Refusal | None:
    for item in items:
        if not 0 <= item.strength <= 1:
            return Refusal("bad_value", f"Strength {item.strength} of {item.path} is not between 0 and 1.")
        if item.first < 0 or item.frames < 0:
            return Refusal("bad_value", f"The range of {item.path} is negative.")
        if not item.path and not item.media:
            return Refusal("bad_value", "A conditioning item needs a path or the id of a media file.")
    return None
