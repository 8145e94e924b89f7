# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes strips from values, through Blender's data API alone: its operators that add strips crash without a window."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy

from . import compat, curves, placing, properties, reading

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from .states import Strip

SLOW: Final[frozenset[str]] = frozenset({"MOVIE", "SOUND", "MOVIECLIP", "SCENE"})
"""Types whose making opens a file or a scene, which takes milliseconds."""
_MEDIA: Final[frozenset[str]] = frozenset({"MOVIE", "SOUND", "IMAGE", "SCENE", "META", "MASK", "MOVIECLIP"})
_DATA: Final[dict[str, tuple[str, str]]] = {"MASK": ("mask", "masks"), "MOVIECLIP": ("clip", "movieclips")}
"""The property that names the data a strip shows, and where the file keeps such data."""


_UNSEEN: Final[dict[str, Any]] = {"blend_alpha": 0.0}
"""Of a stand-in: it hides nothing of what is below it, also where it stands for a sound."""


class Trouble(NamedTuple):
    """Why a strip is not quite as wanted: a code and a sentence for the panel."""

    code: str
    sentence: str


def feasible(wanted: Strip, there: Strip | None = None) -> tuple[Strip, Trouble | None]:
    """The nearest strip that this Blender and this file can make: a colour of the same place, name and key where it cannot.

    The stand-in's note has "placeholder", so that nobody takes the colour for what the strip is. What is `there` already,
    of a type that only Blender itself makes, stays.
    """
    trouble = _obstacle(wanted)
    made = trouble is not None and trouble.code == "no_type" and there is not None and there.type == wanted.type
    if trouble is None or made:
        return wanted, None
    stand_in = type(wanted)(
        wanted.key,
        wanted.name,
        "COLOR",
        wanted.channel,
        wanted.left,
        wanted.right,
        content_start=wanted.content_start,
        content=1,
        parent=wanted.parent,
        mute=wanted.mute,
        lock=wanted.lock,
        props=_UNSEEN,
        note={**wanted.note, "placeholder": True},
    )
    return stand_in, trouble


def _obstacle(wanted: Strip) -> Trouble | None:
    kind = wanted.type
    if kind == "SOUND" and not compat.has_sound():
        return Trouble("no_sound", f"“{wanted.name}” is shown as a colour: this Blender has no sound.")
    if kind == "SCENE" and bpy.data.scenes.get(wanted.scene) is None:
        return Trouble("no_scene", f"“{wanted.name}” is shown as a colour: this file has no scene “{wanted.scene}”.")
    if kind in _DATA:
        name, where = _DATA[kind]
        if getattr(bpy.data, where).get(wanted.props.get(name, "")) is None:
            return Trouble("no_data", f"“{wanted.name}” is shown as a colour: this file has not got what it shows.")
    if kind in ("MOVIE", "SOUND", "IMAGE") and not wanted.files:
        return Trouble("no_file", f"“{wanted.name}” is shown as a colour: it names no file.")
    if kind not in _MEDIA and kind not in compat.EFFECTS:
        return Trouble("no_type", f"“{wanted.name}” is shown as a colour: this Blender has no strip of type {kind}.")
    return None


def create(owner: Any, wanted: Strip, inputs: Sequence[Any]) -> Any:
    """Makes the strip in a sequence editor or meta strip, far from its place but for effects and metas, and stamps it.

    Properties, curves and place are set by who calls. Raises RuntimeError or TypeError when Blender refuses it.
    """
    strips = compat.strips(owner)
    start, length = placing.STAGE, max(1, wanted.right - wanted.left)
    name, channel, kind = wanted.name, wanted.channel, wanted.type
    if kind == "MOVIE":
        strip = compat.new_movie(strips, name, wanted.files[0], channel, start, wanted.stream)
    elif kind == "SOUND":
        strip = compat.new_sound(strips, name, wanted.files[0], channel, start, wanted.stream)
    elif kind == "IMAGE":
        strip = strips.new_image(name=name, filepath=wanted.files[0], channel=channel, frame_start=start)
        for path in wanted.files[1:]:
            strip.elements.append(os.path.basename(path))
    elif kind == "SCENE":
        strip = strips.new_scene(name=name, scene=bpy.data.scenes[wanted.scene], channel=channel, frame_start=start)
    elif kind == "MASK":
        strip = strips.new_mask(
            name=name, mask=bpy.data.masks[wanted.props["mask"]], channel=channel, frame_start=start
        )
    elif kind == "MOVIECLIP":
        clip = bpy.data.movieclips[wanted.props["clip"]]
        strip = strips.new_clip(name=name, clip=clip, channel=channel, frame_start=start)
    elif kind == "META":
        strip = strips.new_meta(name=name, channel=channel, frame_start=wanted.left)
    else:
        begin = wanted.left if inputs else start
        strip = compat.new_effect(strips, name, kind, channel, begin, begin + length, *inputs[:2])
    strip.select = strip.select_left_handle = strip.select_right_handle = False
    stamp(strip, wanted)
    return strip


def stamp(strip: Any, wanted: Strip) -> None:
    """Writes our id and note on the strip, where they differ."""
    if strip.get(reading.KEY) != wanted.key:
        strip[reading.KEY] = wanted.key
    reading.set_note(strip, wanted.note)


def tie(strip: Any, link: str) -> None:
    """Makes the strip one of an A/V clip, or of none."""
    if link:
        strip[reading.LINK] = link
    elif reading.LINK in strip:
        del strip[reading.LINK]


def rename(strip: Any, name: str, taken: Container[str]) -> None:
    """Gives the strip its name, or leaves it the numbered one when another strip has that name."""
    name = fitting(name)
    if strip.name != name and not (name in taken and numbered(strip.name, name)):
        strip.name = name


def numbered(given: str, name: str) -> bool:
    """Whether `given` is what Blender calls the second or a later strip of that name."""
    base, dot, number = given.rpartition(".")
    return bool(dot) and number.isdigit() and name.startswith(base)


def fitting(name: str) -> str:
    """The name as Blender cuts it."""
    return name.encode()[: compat.NAME_BYTES].decode(errors="ignore")


def repoint(strip: Any, wanted: Strip) -> None:
    """Makes a strip show other media of its own type; its place may move with that (before 5.0) and is set again by who
    calls."""
    kind = wanted.type
    if kind == "MOVIE":
        if bpy.path.abspath(strip.filepath) != wanted.files[0]:
            strip.filepath = wanted.files[0]
        if hasattr(strip, "stream_index") and strip.stream_index != wanted.stream:
            strip.stream_index = wanted.stream
    elif kind == "SOUND":
        strip.sound = bpy.data.sounds.load(wanted.files[0], check_existing=True)
    elif kind == "IMAGE":
        _reshoot(strip, wanted.files)
    elif kind == "SCENE":
        strip.scene = bpy.data.scenes[wanted.scene]


def _reshoot(strip: Any, files: Sequence[str]) -> None:
    """Gives an image strip other pictures, all of the first one's folder."""
    strip.directory = os.path.dirname(files[0]) + os.sep
    while len(strip.elements) > len(files):
        strip.elements.pop(-1)
    for index, path in enumerate(files):
        if index < len(strip.elements):
            strip.elements[index].filename = os.path.basename(path)
        else:
            strip.elements.append(os.path.basename(path))


def dress(strip: Any, wanted: Strip, find: Any) -> list[properties.Trouble]:
    """Sets every simple property and modifier that differs; answers what could not be set. `find` gives a strip by name."""
    moved = tuple(curves.plain(path) for path in wanted.curves)
    troubles = properties.restore(strip, wanted.props, moved)
    troubles += properties.restore_modifiers(strip, wanted.modifiers, find)
    if strip.mute != wanted.mute:
        strip.mute = wanted.mute
    if strip.lock != wanted.lock:
        strip.lock = wanted.lock
    return troubles
