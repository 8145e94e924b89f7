# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of an item, as what a strip shows."""

from __future__ import annotations

from typing import Any, Final

from ..states import NOTHING, Strip
from .book import Book, File, Value, images
from .items import FILES, OURS, PLACEHOLDER, count_of, factor_of
from .lanes import Span
from .times import NORMAL, Rate, offset_for, pair, reduced

PENDING: Final = [0.10, 0.13, 0.20]
"""Colour of a clip that has no file yet."""
UNSEEN: Final[Value] = {"blend_alpha": 0.0}
"""A strip that stands for something Blender cannot show hides nothing."""
INPUTS: Final = {
    **dict.fromkeys(("GLOW", "TRANSFORM", "SPEED", "GAUSSIAN_BLUR"), 1),
    **dict.fromkeys(("CROSS", "GAMMA_CROSS", "WIPE", "ADD", "SUBTRACT", "MULTIPLY"), 2),
    **dict.fromkeys(("ALPHA_OVER", "ALPHA_UNDER", "OVER_DROP", "COLORMIX"), 2),
}
"""Strips that an effect works on, which Blender does not make without."""
FURTHEST: Final = 400_000
"""Frames that a strip's content may begin before the strip."""


class Unshown(Exception):
    """An item that a scene cannot show at all: (code, sentence)."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def form(value: Value, sound: bool, start: int, span: Span, book: Book, rate: Rate, able: bool) -> Value:
    """Returns the fields of a strip that shows what the item shows; a placeholder where a strip cannot.

    `start` is the scene frame on which the item begins, `span` the frames of its strip, handles included. `able`: a nested
    sequence may be a meta strip, an effect has its inputs. Raises Unshown for sound that is not there: a placeholder would
    be a picture.
    """
    source = value["source"]
    kind = source.get("type")
    if kind in ("media", "shot"):
        file = book.file_of(source)
        if file is not None and (found := _file(value, file, sound, start, span, rate)) is not None:
            return found
        if file is not None:
            return _placeholder(value, sound, start, span, UNSEEN)
        return _placeholder(value, sound, start, span, {"color": PENDING})
    if sound:
        raise Unshown("not_shown", "Blender shows nothing but sound files on a sound track.")
    if kind == "nested" and able:
        return {"type": "META", "content_start": start, "speed": NORMAL}
    if kind == "generator" and able and str(source.get("generator", "")).startswith(OURS):
        made = _generator(value, start, book)
        if made is not None:
            return made
    return _placeholder(value, sound, start, span, UNSEEN)


def extras(value: Value) -> Value:
    """Returns what only Blender knows of an item, as fields of a strip."""
    ours = (value.get("foreign") or NOTHING).get("blender")
    if not isinstance(ours, dict) or not ours:
        return NOTHING
    found: Value = {}
    if "props" in ours:
        found["props"] = ours["props"]
    if "modifiers" in ours:
        found["modifiers"] = tuple(ours["modifiers"])
    if "curves" in ours:
        found["curves"] = ours["curves"]
    if ours.get("lock"):
        found["lock"] = True
    if ours.get("stream"):
        found["stream"] = ours["stream"]
    if ours.get("retiming") and pair(ours.get("speed")) == (pair(value.get("speed")) or NORMAL):
        found["retiming"] = tuple(ours["retiming"])
        found["speed"] = None
        found["freeze"] = False
    return found


def made(
    key: str, name: str, channel: int, span: tuple[int, int], parent: str, base: Strip | None, fields: Value
) -> Strip:
    """Returns a strip of the fields; what is known of the same files through `base` is kept."""
    strip = Strip(key, name, channel=channel, left=span[0], right=span[1], parent=parent, **fields)
    if base is None or base.type != strip.type or base.files != strip.files:
        return strip
    return strip._replace(content=base.content, rate=base.rate, frames=base.frames, missing=base.missing)


def _file(value: Value, file: File, sound: bool, start: int, span: Span, rate: Rate) -> Value | None:
    type_ = _type(file, sound)
    if type_ is None:
        return None
    files = images(file) if file.kind == "sequence" else (file.path,)
    found: Value = {"type": type_, "files": files, "rate": file.rate, "frames": file.frames}
    if file.kind == "image":
        return {**found, "content_start": start, "content": 1}
    source = value["source"]
    own = pair(source.get("rate"))
    speed = pair(value.get("speed")) or NORMAL
    if not speed[0]:
        return _frozen(value, file, found, span)
    count = count_of(source, file, speed, rate)
    off, anchor = offset_for(value.get("source_in", 0) - count.first, count.step, count.frames)
    found["content_start"] = start - off
    found["content"] = file.frames * count.step[1] // abs(count.step[0])
    if anchor:
        found["note"] = {"at": anchor}
    factor = factor_of(type_, own, rate)
    found["speed"] = reduced(speed[0] * factor[0], speed[1] * factor[1])
    return found


def _frozen(value: Value, file: File, found: Value, span: Span) -> Value | None:
    """A strip that holds a frame: so slow that it does not get to the next one. None when that is too far to go."""
    frame = value.get("source_in", 0) - value["source"].get("first", 0) + file.head
    slow = 1000
    while slow <= 2 * (span[1] - span[0]):
        slow *= 10
    if not 0 <= frame * slow <= FURTHEST:
        return None
    return {
        **found,
        "content_start": span[0] - frame * slow,
        "content": file.frames * slow,
        "speed": (1, slow),
        "note": {"freeze": frame},
    }


def _type(file: File, sound: bool) -> str | None:
    if sound:
        return "SOUND" if file.kind in ("audio", "video") else None
    if file.kind == "video":
        return "MOVIE"
    return "IMAGE" if file.kind in ("image", "sequence") else None


def _generator(value: Value, start: int, book: Book) -> Value | None:
    source = value["source"]
    type_ = source["generator"][len(OURS) :].upper()
    parameters = source.get("parameters") or NOTHING
    if type_ in FILES or type_ == "META" or not type_:
        return None
    if type_ == "SCENE":
        scene = parameters.get("scene")
        still = (pair(value.get("speed")) or NORMAL)[0] == 0
        if not isinstance(scene, str) or scene not in book.scenes or still:
            return None
        return _scene(value, scene, start)
    inputs = parameters.get("inputs") or ()
    if len(inputs) != INPUTS.get(type_, len(inputs)):
        return None
    props = {name: field for name, field in parameters.items() if name != "inputs"}
    return {"type": type_, "content_start": start, "content": 1, "inputs": tuple(inputs), "props": props}


def _scene(value: Value, scene: str, start: int) -> Value:
    speed = pair(value.get("speed")) or NORMAL
    off, anchor = offset_for(value.get("source_in", 0), speed, 0)
    found: Value = {"type": "SCENE", "scene": scene, "content_start": start - off, "speed": speed}
    if anchor:
        found["note"] = {"at": anchor}
    return found


def _placeholder(value: Value, sound: bool, start: int, span: Span, props: Value) -> Value:
    if sound:
        raise Unshown("not_shown", "The sound has no file here.")
    note = {PLACEHOLDER: True, "was": [start, span[1], value.get("source_in", 0)]}
    return {"type": "COLOR", "content_start": span[0], "content": 1, "props": props, "note": note}


def plain(fields: Value, more: Value) -> Value:
    """Returns the fields with those that only Blender knows; a placeholder takes none."""
    if not more or fields.get("note", NOTHING).get(PLACEHOLDER):
        return fields
    mixed: dict[str, Any] = {**fields, **more}
    if fields["type"] not in FILES and fields["type"] not in ("SCENE", "META"):
        mixed["props"] = fields.get("props", NOTHING)
    return mixed


def called(source: Value) -> str:
    """Returns a name for an item that has none."""
    words = str(source.get("generator", "")).removeprefix("blender.") or source["type"]
    return words.replace("_", " ").title() or "Clip"


def effect_name(value: Value) -> str:
    """Returns the name that somebody gave to a transition in Blender, "" for none."""
    ours = (value.get("foreign") or NOTHING).get("blender") or NOTHING
    name = ours.get("name")
    return name if isinstance(name, str) else ""


def effect_fields(value: Value) -> Value:
    """Returns what only Blender knows of a transition, as fields of its effect strip."""
    ours = (value.get("foreign") or NOTHING).get("blender") or NOTHING
    fields: Value = {"props": {}, "mute": bool(ours.get("mute")), "modifiers": (), "curves": {}, "lock": False}
    return {**fields, **extras(value)}
