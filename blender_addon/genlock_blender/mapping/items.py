# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip shows, as the source of an item."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from ..states import NOTHING, Strip
from . import fitting
from .book import Book, File, Value, number_of
from .times import NORMAL, Rate, Step, frame_at, offset, pair, reduced, step_of

FILES: Final = frozenset({"MOVIE", "IMAGE", "SOUND"})
OURS: Final = "blender."
PLACEHOLDER: Final = "placeholder"
SLOWEST: Final = 50
"""A strip that is this many times too slow, and has a frame to hold in its note, holds it."""
GONE: Final = "gone"
"""Code of a placeholder whose item the model lost."""
_COPY: Final = re.compile(r"\.\d{3,}$")


class Unmapped(Exception):
    """A strip that cannot be told: (code, sentence)."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


class Count(NamedTuple):
    """How the frames of a source are counted: `step` a timeline frame, `pace` the same at normal speed; `first` is the
    number of the file's first frame, `frames` how many it has (0 unknown)."""

    step: Step
    pace: Step
    first: int
    frames: int


def count_of(source: Value, file: File | None, speed: Rate, rate: Rate, frames: int = 0) -> Count:
    """Returns how a source is counted that is shown through a file; `frames` is its length where nobody probed it."""
    own, first = pair(source["rate"]) if "rate" in source else None, source.get("first", 0)
    pace = NORMAL if own is None else step_of(NORMAL, own, rate)
    step = pace if speed == NORMAL else step_of(speed, own, rate)
    if file is None:
        return Count(step, pace, first, 0)
    return Count(step, pace, first - file.head, file.frames or frames)


def shown_by(strip: Strip, start: int, known: Value | None, book: Book, rate: Rate) -> Value:
    """Returns the fields of an item's value that tell what a strip shows; `start` is the scene frame the item begins on.

    Raises Unmapped when that cannot be told.
    """
    if strip.note.get(PLACEHOLDER):
        return _placeholder(strip, start, known, rate)
    if strip.type in FILES:
        return _file(strip, start, known, book, rate)
    if strip.type == "SCENE":
        return _scene(strip, start)
    parameters: Value = dict(strip.props)
    if strip.inputs:
        parameters["inputs"] = list(strip.inputs)
    fields: Value = {name: known[name] for name in ("source_in", "speed") if name in known} if known else {}
    fields["source"] = {"type": "generator", "generator": OURS + strip.type.lower(), "parameters": parameters}
    return fields


def speed_of(strip: Strip, known: Value | None, factor: Rate = NORMAL) -> Rate:
    """Returns the item's speed: the strip's own over `factor`, what the item has for a ramp, 0 for a freeze."""
    speed = strip.speed
    if (strip.freeze or (strip.note and _creeps(strip))) and strip.type != "SOUND":
        return 0, 1
    if speed is None:
        return pair(known.get("speed")) or NORMAL if known else NORMAL
    if not speed[1]:
        return NORMAL
    if factor == NORMAL:
        return speed
    return reduced(speed[0] * factor[1], speed[1] * factor[0])


def _creeps(strip: Strip) -> bool:
    """Whether the strip is so slow that it shows one frame, as it was made to."""
    speed = strip.speed
    return "freeze" in strip.note and speed is not None and 0 < speed[0] * SLOWEST < speed[1]


def factor_of(type_: str, own: Rate | None, rate: Rate) -> Rate:
    """Returns how much faster than its item a strip plays: Blender counts numbered images in scene frames whatever their
    rate, and everything else in seconds."""
    if type_ != "IMAGE" or own is None or own == rate:
        return NORMAL
    return reduced(own[0] * rate[1], own[1] * rate[0])


def name_of(strip: Strip) -> str:
    """Returns the item's name: the strip's, unless that only is what Blender made of the name in the strip's note."""
    note = strip.note
    if note:
        full, ours = note.get("name"), note.get("shown")
        if not isinstance(full, str) or not isinstance(ours, str):
            return strip.name
        if strip.name == ours or _COPY.sub("", strip.name) == _COPY.sub("", ours):
            return full
    return strip.name


def extras_of(strip: Strip, book: Book) -> Value:
    """Returns what only Blender knows of a strip, for `foreign`."""
    extras: Value = {}
    props: Value = NOTHING
    if strip.type in ("SCENE", "META", "SOUND"):
        props = strip.props
    elif strip.type in FILES and strip.files:
        props = fitting.told(strip.props, fitting.fit_of(book.file_at(strip.files), book), strip.curves)
    if props:
        extras["props"] = props
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


def _file(strip: Strip, start: int, known: Value | None, book: Book, rate: Rate) -> Value:
    if not strip.files:
        raise Unmapped("no_file", f"{strip.name} names no file.")
    file = book.file_at(strip.files)
    if file is None:
        raise Unmapped("media", f"{strip.name} waits until its file is in the project's media.")
    source = _source(file, known, book, rate)
    if file.kind == "image":
        return {"source": source, "source_in": _kept(known, source, file.start), "speed": _still(known)}
    own = pair(source["rate"]) if "rate" in source else None
    speed = speed_of(strip, known, NORMAL if own is None else factor_of(strip.type, own, rate))
    count = count_of(source, file, speed, rate, strip.frames)
    into = number_of(strip.files[0]) - file.start if len(strip.files) > 1 else 0
    if speed[0]:
        frame = frame_at(offset(start, strip.content_start), count.step, count.frames, strip.note.get("at"))
    else:
        frame = _held_frame(strip, start, count)
    fields: Value = {"source": source, "source_in": count.first + into + frame, "speed": [*speed]}
    limit = source.get("frames")
    if limit is not None and not _inside(strip, count.step, into + frame - file.head, start, limit):
        fields["source"] = {name: value for name, value in source.items() if name != "frames"}
    return fields


def _held_frame(strip: Strip, start: int, count: Count) -> int:
    """Returns the frame that a strip holds: the remembered one, else the nearest there is."""
    remembered = strip.note.get("freeze")
    if isinstance(remembered, int):
        return remembered
    frame = frame_at(offset(start, strip.content_start), count.pace, 0)
    return max(0, min(frame, count.frames - 1) if count.frames else frame)


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
    num, den = step
    if num == den:
        return frame + strip.left - start >= 0 and frame + strip.right - start <= frames
    one = frame + num * (strip.left - start) // den
    two = frame + num * (strip.right - 1 - start) // den
    return 0 <= one < frames and 0 <= two < frames


def _kept(known: Value | None, source: Value, otherwise: int) -> int:
    same = known is not None and known["source"] == source
    return int(known.get("source_in", 0)) if same and known is not None else otherwise


def _still(known: Value | None) -> list[int]:
    return list(known.get("speed", NORMAL)) if known else [*NORMAL]


def _scene(strip: Strip, start: int) -> Value:
    speed = speed_of(strip._replace(freeze=False), None)
    frame = frame_at(offset(start, strip.content_start), speed if speed[0] else NORMAL, 0, strip.note.get("at"))
    source = {"type": "generator", "generator": "blender.scene", "parameters": {"scene": strip.scene}}
    return {"source": source, "source_in": frame, "speed": [*speed]}


def _placeholder(strip: Strip, start: int, known: Value | None, rate: Rate) -> Value:
    """Only place, length, name and switch come from a placeholder, and how much its head was trimmed since it was made.

    Blender keeps no content of a colour, so the note tells where it was, and what source frame it began with.
    """
    if known is None:
        raise Unmapped(GONE, f"{strip.name} stands for something that the project has not got.")
    fields: Value = {name: known[name] for name in ("source", "speed", "source_in") if name in known}
    was = strip.note.get("was")
    if not isinstance(was, (list, tuple)) or len(was) != 3 or not all(isinstance(each, int) for each in was):
        return fields
    if was[0] != start and was[1] == strip.right and known["source"].get("type") != "generator":
        count = count_of(known["source"], None, pair(known.get("speed")) or NORMAL, rate)
        fields["source_in"] = was[2] + (start - was[0]) * count.step[0] // count.step[1]
    return fields
