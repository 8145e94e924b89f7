# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene's sequencer as plain values: `read` tells everything, `fingerprint` whether it is worth while.

Nothing here keeps a reference to a strip: after an undo or a file load it would point into freed memory.

Blender has two ways to play a clip whose rate is not the scene's: frame by frame, which strips made by the data API do, or
in real time, which strips added in the window do; no property says which, only the length. The speed told here is relative
to real time in both cases.
"""

from __future__ import annotations

import json
from array import array
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy

from . import compat, curves, pace, properties
from .compat import A
from .mediums import NO_MEDIUM, READERS, Medium, clip_frames, looked_up, rate_from, sound_milliseconds
from .states import NOTHING, Channel, Mark, Picture, Strip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

KEY: Final = "genlock_id"
NOTE: Final = "genlock"
LINK: Final = "genlock_link"
"""Custom properties of a strip: our id, what we keep besides it (JSON text or a group), the A/V clip it belongs to."""
BY_NAME: Final = "="
"""How a strip without a key is referred to, as a parent, an input or a link: this sign and its name."""

_ONE: Final = pace.ONE
_REAL_TIME: Final = Fraction(1, 2)


class _Kind(NamedTuple):
    """What strips of one type have: asking a strip for a property that it has not got is slow."""

    reader: Callable[[Any, str], Medium] | None
    played: bool
    inputs: int
    keys: bool
    backwards: bool


class _Base(NamedTuple):
    """What every strip has, read for all of them at once."""

    name: str
    type: str
    channel: int
    left: int
    right: int
    start: float
    content: int
    left_offset: float
    right_offset: float
    mute: bool
    lock: bool


# One strip


@lru_cache(maxsize=4096)
def _pair(fraction: Fraction) -> tuple[int, int]:
    return fraction.numerator, fraction.denominator


class _Reading:
    """One reading of a scene: what its strips refer to each other by, and what it shares among them."""

    def __init__(self, scene: Any, keys: Mapping[str, str]) -> None:
        self.scene = scene
        self.keys = keys
        self.rate = rate_of(scene)
        self.blend = bpy.data.filepath
        self.parents: dict[str, str] = {}
        self.curves = curves.index(scene)
        self.driven = curves.driven(scene)

    def key(self, name: str) -> str:
        return self.keys.get(name) or BY_NAME + name

    def strip(self, strip: Any, base: _Base) -> Strip:
        name, kind = base.name, base.type
        has = _kinds.get(kind) or _kind(strip, kind)
        medium = has.reader(strip, self.blend) if has.reader else NO_MEDIUM
        start, frozen = base.start, False
        speed: Fraction | None = _ONE
        retiming: tuple[int, ...] = ()
        frames = medium.frames
        if has.played:
            cut_left = getattr(strip, A.left_trim)
            cut = cut_left + getattr(strip, A.right_trim)
            length = base.right + base.right_offset - base.left + base.left_offset
            speed, retiming, frames = self.speed(strip, has, base, medium, length, cut)
            frozen = frames > 1 and _frozen(base, length)
            if cut_left and speed is not None:
                real = self.rate / medium.rate if medium.rate else _ONE
                start = float(start - cut_left * real / abs(speed))
        elif has.backwards and strip.use_reverse_frames:
            speed = -_ONE
        found = self.curves.get(name)
        moved = [curves.plain(path) for path, _ in found] if found else []
        if name in self.driven:
            moved += self.driven[name]
        ours = strip.keys()  # one call instead of one for each custom property
        held = properties.KEPT in ours
        return Strip(
            strip[KEY] if KEY in ours else "",
            name,
            kind,
            base.channel,
            base.left,
            base.right,
            start,
            base.content,
            self.parents.get(name, ""),
            base.mute,
            base.lock,
            medium.files,
            None if medium.rate is None else _pair(medium.rate),
            frames,
            medium.stream,
            medium.scene,
            self.inputs(strip, has.inputs) if has.inputs else (),
            None if speed is None else _pair(speed),
            frozen,
            retiming,
            self.link(strip, LINK in ours),
            properties.payload(strip, moved) if held else properties.simple(strip, kind, moved),
            properties.modifiers(strip) if held or len(strip.modifiers) else (),
            curves.told(found, base.left) if found else NOTHING,
            medium.missing,
            note_of(strip) if NOTE in ours else NOTHING,
        )

    def inputs(self, strip: Any, count: int) -> tuple[str, ...]:
        """The strips that an effect works on, by key, in order."""
        found = (strip.input_1, strip.input_2 if count > 1 else None)
        return tuple(self.key(one.name) for one in found if one is not None)

    def link(self, strip: Any, ours: bool) -> str:
        """What the strips of one A/V clip have in common: our own mark, or who Blender says is connected."""
        if ours:
            mark = strip[LINK]
            if isinstance(mark, str) and mark:
                return mark
        others = compat.connections(strip)
        return min(self.key(name) for name in (*others, strip.name)) if others else ""

    def speed(
        self, strip: Any, has: _Kind, base: _Base, medium: Medium, length: float, cut: int
    ) -> tuple[Fraction | None, tuple[int, ...], int]:
        """(speed, keys from the content's first frame when it is a ramp, the medium's own frames).

        The speed is relative to real time: a clip of 30 frames a second that shows one of them in each of 24 has 4/5.
        """
        keys = compat.speed_of(strip) if has.keys else None
        own, kind = medium.rate, base.type
        backwards = has.backwards and strip.use_reverse_frames
        if not keys and (own is None or own is self.rate or own == self.rate):
            frames = medium.frames or (base.content + cut if kind == "MOVIE" and not medium.missing else 0)
            return (-_ONE if backwards else _ONE), (), frames
        real = self.rate / own if own else _ONE
        frames = medium.frames or self.frames(kind, base, medium, cut)
        shown = frames - cut
        speed: Fraction | None = _ONE
        if keys:
            speed = None
            if len(keys) <= 2 and shown > compat.RETIMED_SKIP and length > compat.RETIMED_TAIL:
                speed = pace.speed_from(shown - compat.RETIMED_SKIP, length - compat.RETIMED_TAIL, real)
        elif shown > 0 and length == shown and abs(shown * real - shown) > _REAL_TIME:
            speed = real
        if speed is None:
            return None, tuple(key - round(base.start) for key in keys or ()), frames
        return (-speed if backwards else speed), (), frames

    def frames(self, kind: str, base: _Base, medium: Medium, cut: int) -> int:
        """The medium's own length where the strip does not tell it; 0 when nobody can."""
        if kind == "MOVIE" and compat.RAW_CONTENT:
            return 0 if medium.missing else base.content + cut
        if kind == "MOVIE" and medium.files:
            return looked_up(medium.files[0], clip_frames)
        if kind == "SOUND" and medium.files:
            return round(looked_up(medium.files[0], sound_milliseconds) * self.rate / 1000)
        return 0


_PLAYED: Final = frozenset({"MOVIE", "IMAGE", "SOUND", "SCENE", "META", "MOVIECLIP"})
"""Types whose content has frames of its own."""


def _frozen(base: _Base, length: float) -> bool:
    """Whether all that a strip of moving content shows is its first or its last frame, held."""
    if base.right - base.left < 2:
        return False
    begins = base.left - base.left_offset
    return bool(base.left >= begins + length - 1 or base.right <= begins + 1)


_kinds: dict[str, _Kind] = {}


def _kind(strip: Any, kind: str) -> _Kind:
    """What strips of this type have, looked up at the first one. Nobody has heard of some types: they show nothing."""
    there = strip.bl_rna.properties
    _kinds[kind] = _Kind(
        READERS.get(kind),
        kind in _PLAYED,
        ("input_1" in there) + ("input_2" in there),
        "retiming_keys" in there,
        "use_reverse_frames" in there,
    )
    return _kinds[kind]


@lru_cache(maxsize=65536)
def _unpacked(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return NOTHING
    return found if isinstance(found, dict) else NOTHING


def note_of(strip: Any) -> dict[str, Any]:
    """What we keep on the strip besides its id; {} when that is damaged or there is none."""
    found = strip.get(NOTE)
    if found is None:
        return NOTHING
    if isinstance(found, str):
        return _unpacked(found)
    told = found.to_dict() if hasattr(found, "to_dict") else NOTHING
    return told if isinstance(told, dict) else NOTHING


def set_note(strip: Any, note: Mapping[str, Any]) -> None:
    """Keeps something on the strip besides its id, as JSON text: custom properties know no None and no mixed lists."""
    if note:
        text = json.dumps(note, sort_keys=True)
        if strip.get(NOTE) != text:
            strip[NOTE] = text
    elif NOTE in strip:
        del strip[NOTE]


def _base(strip: Any) -> _Base:
    """The same for one strip alone."""
    return _Base(
        strip.name,
        strip.type,
        strip.channel,
        getattr(strip, A.left),
        getattr(strip, A.right),
        getattr(strip, A.start),
        getattr(strip, A.content),
        getattr(strip, A.left_offset),
        getattr(strip, A.right_offset),
        strip.mute,
        strip.lock,
    )


# A scene


_KINDS: Final[dict[int, str]] = {
    item.value: item.identifier for item in compat.StripType.bl_rna.properties["type"].enum_items
}
_INTEGERS: Final = ("channel", A.left, A.right)
_FLOATS: Final = (A.start, A.left_offset, A.right_offset)
_FLAGS: Final = ("mute", "lock")


def _column(strips: Any, count: int, name: str, kind: str) -> Any:
    """One property of all strips as a buffer: `kind` is "i" for whole numbers and enums, "f" for floats, "?" for flags."""
    if kind == "?":
        found: Any = memoryview(bytearray(count)).cast("?")
    else:
        found = array(kind, bytes(4 * count))
    strips.foreach_get(name, found)
    return found


def _bases(strips: Any) -> list[_Base]:
    """What every strip has, a property at a time: many times faster than strip by strip."""
    count = len(strips)
    types = [_KINDS.get(number, "") for number in _column(strips, count, "type", "i").tolist()]
    channel, left, right = (_column(strips, count, name, "i").tolist() for name in _INTEGERS)
    start, left_offset, right_offset = (_column(strips, count, name, "f").tolist() for name in _FLOATS)
    content = _column(strips, count, A.content, "i").tolist()
    mute, lock = (_column(strips, count, name, "?").tolist() for name in _FLAGS)
    names = strips.keys()
    rows = zip(names, types, channel, left, right, start, content, left_offset, right_offset, mute, lock, strict=True)
    return [_Base(*row) for row in rows]


def rate_of(scene: Any) -> Fraction:
    """The scene's exact frame rate: fps over fps_base, which is a float that stands for 1.001."""
    return rate_from(scene.render.fps / scene.render.fps_base)


def _everything(scene: Any) -> Any:
    editor = scene.sequence_editor
    return () if editor is None else compat.strips_all(editor)


def _walk(owner: Any) -> Iterator[Any]:
    """Every strip in an editor or meta strip, metas before their children: 3.x has them in no order."""
    for strip in compat.strips(owner):
        yield strip
        if strip.type == "META":
            yield from _walk(strip)


def keys_of(scene: Any) -> dict[str, str]:
    """Name -> key of every strip that has one, for `read_strip`."""
    found = ((strip.name, strip.get(KEY, "")) for strip in _everything(scene))
    return {name: key for name, key in found if key}


def read(scene: Any) -> Picture:
    """All that the scene's sequencer shows. Exact and slow (about 10 microseconds a strip): ask `fingerprint` first."""
    editor = scene.sequence_editor
    if editor is None:
        return around(scene)
    everything = compat.strips_all(editor)
    found = list(everything) if compat.COLUMNS else list(_walk(editor))
    keys = {strip.name: strip.get(KEY, "") for strip in found}
    reading = _Reading(scene, keys)
    bases = _bases(everything) if compat.COLUMNS else [_base(strip) for strip in found]
    for strip, base in zip(found, bases, strict=True):
        if base.type == "META":
            inside = reading.key(base.name)
            for name in compat.strips(strip).keys():  # noqa: SIM118 (a collection of Blender's, whose names these are)
                reading.parents[name] = inside
    strips = tuple(
        reading.strip(strip, base if base.type else _base(strip)) for strip, base in zip(found, bases, strict=True)
    )
    return around(scene)._replace(strips=strips)


def around(scene: Any) -> Picture:
    """The same without the strips: what is cheap to read however many there are."""
    render = scene.render
    rate = rate_of(scene)
    editor = scene.sequence_editor
    channels: dict[int, Channel] = {}
    if editor is not None:
        strips = compat.strips(editor)
        channels = _channels(editor, set(_column(strips, len(strips), "channel", "i")))
    size = (render.resolution_x, render.resolution_y)
    return Picture(scene.name, (rate.numerator, rate.denominator), size, scene.frame_start, (), channels, _marks(scene))


def read_strip(strip: Any, keys: Mapping[str, str]) -> Strip:
    """One strip, as `read` tells it; `keys` is name -> key of those it may refer to (`keys_of`)."""
    scene = strip.id_data
    reading = _Reading(scene, keys)
    parent = strip.parent_meta() if hasattr(strip, "parent_meta") else _parent(scene, strip.name)
    if parent is not None:
        reading.parents[strip.name] = reading.key(parent.name)
    return reading.strip(strip, _base(strip))


def _parent(scene: Any, name: str) -> Any:
    """The meta strip around a strip, where Blender does not tell it."""
    metas = (strip for strip in _everything(scene) if strip.type == "META")
    return next((meta for meta in metas if name in compat.strips(meta)), None)


def _channels(editor: Any, used: set[int]) -> dict[int, Channel]:
    found = {}
    for number, channel in enumerate(editor.channels):
        named = Channel(channel.name, channel.mute, channel.lock)
        if number in used or named != Channel(f"Channel {number}"):
            found[number] = named
    return found


def _marks(scene: Any) -> tuple[Mark, ...]:
    return tuple(
        Mark(compat.marker_uid(mark), mark.name, mark.frame, "" if mark.camera is None else mark.camera.name)
        for mark in scene.timeline_markers
    )


def fingerprint(scene: Any) -> bytes:
    """16 bytes that change with nearly every edit: place, trims, channel, mute, lock, opacity, blend type, colour tag,
    name, order, nesting, and the scene's channels, markers, rate, size and first frame.

    It is blind to what is only one type's or lies deeper: files, text, colours, volume, pan, transform, crop, modifiers,
    f-curves, an effect's own settings and inputs, reversed frames, a change of speed that keeps the length, connections,
    custom properties. A handler's hint or a `read` every few seconds finds those.
    """
    told = blake2b(digest_size=16)
    editor = scene.sequence_editor
    render = scene.render
    told.update(
        repr((render.fps, render.fps_base, render.resolution_x, render.resolution_y, scene.frame_start)).encode()
    )
    told.update(
        repr([(mark.name, mark.frame, mark.camera and mark.camera.name) for mark in scene.timeline_markers]).encode()
    )
    if editor is None:
        return told.digest()
    everything = compat.strips_all(editor)
    if not compat.COLUMNS:
        told.update(repr([_base(strip) for strip in _walk(editor)]).encode())
        return told.digest()
    count = len(everything)
    kinds = _column(everything, count, "type", "i")
    told.update(kinds)
    for name in (*_INTEGERS, A.content, "blend_type", "color_tag"):
        told.update(_column(everything, count, name, "i"))
    for name in (A.start, "blend_alpha"):
        told.update(_column(everything, count, name, "f"))
    for name in _FLAGS:
        told.update(_column(everything, count, name, "?"))
    told.update("\0".join(everything.keys()).encode())
    for at in _places(kinds, _META):
        told.update(b"%d:%d" % (at, len(compat.strips(everything[at]))))
    channels = editor.channels
    for name in _FLAGS:
        told.update(_column(channels, len(channels), name, "?"))
    told.update("\0".join(channels.keys()).encode())
    return told.digest()


def _places(kinds: Any, kind: int) -> Iterator[int]:
    """Where a number stands in an array."""
    at = -1
    for _ in range(kinds.count(kind)):
        at = kinds.index(kind, at + 1)
        yield at


_META: Final = next(number for number, kind in _KINDS.items() if kind == "META")


# Keys


def find(scene: Any) -> dict[str, Any]:
    """Key -> strip, the first one where several have it. For this tick only: see above."""
    found: dict[str, Any] = {}
    for strip in _everything(scene):
        key = strip.get(KEY)
        if key:
            found.setdefault(key, strip)
    return found


def stamp(scene: Any, keys: Mapping[str, str]) -> None:
    """Writes keys on strips, by name. That is no undo step and wakes nobody.

    Blender may give several strips one long name with letters beyond ASCII: all but the first get another name here, and
    their keys with the next reading.
    """
    taken: set[str] = set()
    for strip in _everything(scene) if keys else ():
        name = strip.name
        if name in taken:
            _rename(scene, strip, taken)
            continue
        taken.add(name)
        key = keys.get(name)
        if key is not None and strip.get(KEY) != key:
            strip[KEY] = key


def _rename(scene: Any, strip: Any, taken: set[str]) -> None:
    """Gives the strip a short enough name that no other has."""
    there = taken.union(compat.strips_all(scene.sequence_editor).keys())
    head = strip.name.encode()[: compat.NAME_BYTES - 12].decode(errors="ignore")
    strip.name = next(name for name in (f"{head} {number}" for number in range(2, len(there) + 3)) if name not in there)
    taken.add(strip.name)


def stamp_marks(scene: Any, keys: Mapping[int, str]) -> None:
    """Writes keys on markers, by their place in the order in which `read` tells them."""
    marks = scene.timeline_markers
    for place, key in keys.items():
        if 0 <= place < len(marks):
            compat.set_marker_uid(marks[place], key)


def notes(scene: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """(key, note) of every strip that has both."""
    for strip in _everything(scene):
        note = note_of(strip)
        if note and strip.get(KEY):
            yield strip[KEY], note
