# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip shows: its files, their rate and length, and whether they are there.

Blender tells a medium's length in two ways: in its own frames (before 4.3), or in timeline frames after any change of rate
and speed (later). Where the answer depends on it, the medium's own length is looked up once a file (`lengths`).
"""

from __future__ import annotations

import importlib
import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy

from . import pace

aud: Any
try:
    aud = importlib.import_module("aud")
except ImportError:  # Blender without sound
    aud = None

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

FRESH: Final = 5.0
"""Seconds for which a file is taken to be where it was."""


class Medium(NamedTuple):
    """What a strip shows, as far as its type goes into it. `frames` are the medium's own, 0 unknown."""

    files: tuple[str, ...] = ()
    rate: Fraction | None = None
    frames: int = 0
    stream: int = 0
    scene: str = ""
    missing: bool = False


NO_MEDIUM: Final = Medium()
lengths: dict[tuple[str, Callable[[str], int]], tuple[float, int]] = {}
"""(path, how it was looked up) -> (time of the file's change, length)."""
there: dict[str, tuple[float, bool]] = {}
"""Path -> (when it was looked for, whether it was there)."""


@lru_cache(maxsize=65536)
def _absolute(path: str, blend: str) -> str:
    """The path as the system knows it; `//` is the folder of the .blend."""
    return os.path.normpath(bpy.path.abspath(path)) if path else ""


def exists(path: str) -> bool:
    """Whether the file is there, or was `FRESH` seconds ago."""
    now = time.monotonic()
    seen = there.get(path)
    if seen is None or now - seen[0] > FRESH:
        seen = there[path] = (now, os.path.exists(path))
    return seen[1]


def looked_up(path: str, look: Callable[[str], int]) -> int:
    """A length that only opening the file tells (3 to 50 ms), once for each state of the file; 0 when it cannot be read."""
    try:
        changed = os.stat(path).st_mtime
    except OSError:
        return 0
    seen = lengths.get((path, look))
    if seen is None or seen[0] != changed:
        seen = lengths[path, look] = (changed, look(path))
    return seen[1]


def clip_frames(path: str) -> int:
    """A clip's length in its own frames."""
    try:
        clip = bpy.data.movieclips.load(path)
    except RuntimeError:
        return 0
    try:
        return int(clip.frame_duration)
    finally:
        bpy.data.movieclips.remove(clip)


def sound_milliseconds(path: str) -> int:
    """A sound's length in milliseconds."""
    if aud is None:
        return 0
    try:
        sound = aud.Sound(path)
        return round(float(sound.length) * 1000 / float(sound.specs[0]))
    except (RuntimeError, ZeroDivisionError, aud.error):
        return 0


@lru_cache(maxsize=1024)
def rate_from(value: float) -> Fraction:
    """The exact rate that a float stands for; the same one for the same float."""
    return pace.exact_rate(value)


def _movie(strip: Any, blend: str) -> Medium:
    path = _absolute(strip.filepath, blend)
    elements = strip.elements
    fps = elements[0].orig_fps if len(elements) else 0.0  # `strip.fps` opens the file
    rate = rate_from(fps) if fps > 0 else None
    return Medium((path,), rate, 0, strip.stream_index, "", rate is None or not exists(path))


def _image(strip: Any, blend: str) -> Medium:
    folder = _absolute(strip.directory, blend).rstrip(os.sep) + os.sep
    files = tuple(folder + element.filename for element in strip.elements)
    missing = not files or not exists(files[0])
    return Medium(files, None, len(files), 0, "", missing)


def _sound(strip: Any, blend: str) -> Medium:
    sound = strip.sound
    if sound is None or not sound.filepath:
        return Medium(missing=True)
    path = _absolute(sound.filepath, blend)
    packed = sound.packed_file is not None
    return Medium((path,), missing=not packed and not exists(path))


def _scene(strip: Any, blend: str) -> Medium:
    shown = strip.scene
    if shown is None:
        return Medium(missing=True)
    return Medium(frames=shown.frame_end - shown.frame_start + 1, scene=shown.name)


def _movieclip(strip: Any, blend: str) -> Medium:
    clip = getattr(strip, "clip", None)
    if clip is None:
        return NO_MEDIUM
    path = _absolute(clip.filepath, blend)
    return Medium((path,), None, clip.frame_duration, missing=not exists(path))


READERS: Final[dict[str, Callable[[Any, str], Medium]]] = {
    "MOVIE": _movie,
    "IMAGE": _image,
    "SOUND": _sound,
    "SCENE": _scene,
    "MOVIECLIP": _movieclip,
}
