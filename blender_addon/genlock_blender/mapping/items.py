# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip shows, as the source of an item."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

from ..states import Strip
from .book import Book, File, Value, number_of
from .times import Rate, Step, frame_at, offset, pair, step_of

FILES: Final = frozenset({"MOVIE", "IMAGE", "SOUND"})
OURS: Final = "blender."
NORMAL: Final[Rate] = (1, 1)
PLACEHOLDER: Final = "placeholder"
_COPY: Final = re.compile(r"\.\d{3,}$")


class Unmapped(Exception):
    """A strip that cannot be told: (code, sentence)."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Shown(NamedTuple):
    """What an item shows: the fields of its value that tell it, and what a strip's frames are counted with.

    `step` is source frames a timeline frame, None for what has no frames of its own; `first` the number of the file's
    first frame, `frames` how many it has (0 unknown).
    """

    fields: Value
    step: Step | None = None
    first: int = 0
    frames: int = 0


def shown_by(strip: Strip, start: int, known: Value | None, book: Book, rate: Rate) -> Shown:
    """Returns what a strip shows, `start` being the scene frame its item begins on.

    Raises Unmapped when that cannot be told.
    """
    if strip.note.get(PLACEHOLDER):
        return _placeholder(strip, start, known, book, rate)
    if strip.type in FILES:
        return _file(strip, start, known, book, rate)
    if strip.type == "SCENE":
        return _scene(strip, start)
    parameters: Value = dict(strip.props)
    if strip.inputs:
        parameters["inputs"] = list(strip.inputs)
    fields: Value = {name: known[name] for name in ("source_in", "speed") if name in known} if known else {}
    fields["source"] = {"type": "generator", "generator": OURS + strip.type.lower(), "parameters": parameters}
    return Shown(fields)


def speed_of(strip: Strip, known: Value | None, factor: Rate = NORMAL) -> Rate:
    """Returns the item's speed: the strip's own over `factor`, what the item has for a ramp, 0 for a freeze."""
    if strip.freeze:
        return 0, 1
    if strip.speed is None:
        return pair(known.get("speed")) or NORMAL if known else NORMAL
    if factor == NORMAL:
        return strip.speed
    exact = Fraction(strip.speed[0], strip.speed[1] or 1) * factor[1] / factor[0]
    return exact.numerator, exact.denominator


def factor_of(type_: str, own: Rate | None, rate: Rate) -> Rate:
    """Returns how much faster than its item a strip plays: Blender counts numbered images in scene frames whatever their
    rate, and everything else in seconds."""
    if type_ != "IMAGE" or own is None or own == rate:
        return NORMAL
    exact = Fraction(*own) / Fraction(*rate)
    return exact.numerator, exact.denominator


def name_of(strip: Strip) -> str:
    """Returns the item's name: the strip's, unless that only is what Blender made of the name in the strip's note."""
    note = strip.note
    if note:
        full, ours = note.get("name"), note.get("shown")
        told = isinstance(full, str) and isinstance(ours, str)
        if told and (strip.name == ours or _COPY.sub("", strip.name) == _COPY.sub("", ours)):
            return str(full)
    return strip.name


def extras_of(strip: Strip) -> Value:
    """Returns what only Blender knows of a strip, for `foreign`."""
    extras: Value = {}
    if strip.props and (strip.type in FILES or strip.type in ("SCENE", "META")):
        extras["props"] = strip.props
    if strip.modifiers:
        extras["modifiers"] = list(strip.modifiers)
    if strip.curves:
        extras["curves"] = strip.curves
    if strip.lock:
        extras["lock"] = True
    if strip.stream:
        extras["stream"] = strip.stream
    if strip.speed is None:
        extras["retiming"] = list(strip.retiming)
    return extras


def _file(strip: Strip, start: int, known: Value | None, book: Book, rate: Rate) -> Shown:
    if not strip.files:
        raise Unmapped("no_file", f"{strip.name} names no file.")
    file = book.file_at(strip.files)
    if file is None:
        raise Unmapped("media", f"{strip.name} waits until its file is in the project's media.")
    source = _source(file, known, book, rate)
    own = pair(source.get("rate"))
    if file.kind == "image":
        return Shown({"source": source, "source_in": _kept(known, source, file.start), "speed": _still(known)})
    speed = speed_of(strip, known, factor_of(strip.type, own, rate))
    step = step_of(speed, own, rate)
    frames = file.frames or strip.frames
    into = number_of(strip.files[0]) - file.start if len(strip.files) > 1 else 0
    frame = frame_at(
        offset(start, strip.content_start), step or step_of(NORMAL, own, rate), frames, strip.note.get("at")
    )
    first = source.get("first", 0) - file.head
    fields: Value = {"source": source, "source_in": first + into + frame, "speed": [*speed]}
    limit = source.get("frames")
    if limit is not None and not _inside(strip, step, into + frame - file.head, start, limit):
        fields["source"] = {name: value for name, value in source.items() if name != "frames"}
    return Shown(fields, step, first + into, frames)


def _source(file: File, known: Value | None, book: Book, rate: Rate) -> Value:
    """Returns the source of a file; an item that shows the file already keeps its own."""
    source = known["source"] if known else {}
    if file.shot:
        if source.get("type") == "shot" and source.get("shot") == file.shot:
            shot = book.shots[file.shot]
            now = source.get("take") or shot.selected
            return source if now == file.id else {**source, "take": file.id}
        pinned = book.shots[file.shot].selected != file.id
        found: Value = {"type": "shot", "shot": file.shot}
        if pinned:
            found["take"] = file.id
    else:
        if source.get("type") == "media" and source.get("media") == file.id:
            return source
        found = {"type": "media", "media": file.id}
    return {**found, **_range(file, rate)}


def _range(file: File, rate: Rate) -> Value:
    found: Value = {}
    if file.kind == "image":
        return found
    if file.start and not file.shot:
        found["first"] = file.start
    if file.frames and file.kind != "audio":
        found["frames"] = file.frames
    if file.rate is not None and file.rate != rate:
        found["rate"] = list(file.rate)
    return found


def _inside(strip: Strip, step: Step, frame: int, start: int, frames: int) -> bool:
    """Whether everything that the strip shows is in its source; Blender goes on with the last frame where it is not."""
    one = frame + step * (strip.left - start) // 1
    two = frame + step * (strip.right - 1 - start) // 1
    return 0 <= one < frames and 0 <= two < frames


def _kept(known: Value | None, source: Value, otherwise: int) -> int:
    same = known is not None and known["source"] == source
    return int(known.get("source_in", 0)) if same and known is not None else otherwise


def _still(known: Value | None) -> list[int]:
    return list(known.get("speed", NORMAL)) if known else [*NORMAL]


def _scene(strip: Strip, start: int) -> Shown:
    speed = speed_of(strip, None)
    step = step_of(speed, None, NORMAL)
    frame = frame_at(offset(start, strip.content_start), step or 1, strip.content, strip.note.get("at"))
    source = {"type": "generator", "generator": "blender.scene", "parameters": {"scene": strip.scene}}
    return Shown({"source": source, "source_in": frame, "speed": [*speed]}, step)


def _placeholder(strip: Strip, start: int, known: Value | None, book: Book, rate: Rate) -> Shown:
    """Only place, length, name and switch come from a placeholder, and how much of the source lies before it."""
    if known is None:
        return Shown({})
    fields: Value = {name: known[name] for name in ("source", "speed") if name in known}
    step = step_of(pair(known.get("speed")) or NORMAL, pair(known["source"].get("rate")), rate)
    first = known["source"].get("first", 0)
    frame = frame_at(offset(start, strip.content_start), step or 1, 0, strip.note.get("at"))
    if step == 0:
        frame = known.get("source_in", 0) - first
    fields["source_in"] = first + frame
    return Shown(fields, step, first)
