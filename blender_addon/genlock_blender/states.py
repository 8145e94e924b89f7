# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender's sequencer shows, as plain values: read by `reading`, mapped by `mapping`, put back by `applying`."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

NOTHING: Final[dict[str, Any]] = {}
"""The empty default; like every value here it is never changed in place."""


class Strip(NamedTuple):
    """One strip. Frames are Blender's own, absolute on the scene's timeline, also inside a meta strip.

    `key` is our id ("" while it has none), `name` Blender's, unique in the scene. `type` is Blender's own word ("MOVIE",
    "IMAGE", "SOUND", "SCENE", "META", "TEXT", "COLOR", "CROSS", ...). It shows frames `left` to `right` (exclusive).
    `content_start` is the frame on which the content's first frame would lie, in timeline frames after any change of speed;
    `content` the content's length as Blender says, in timeline frames (1 for stills, text and colour). `parent` is the key
    of the meta strip around it. `files` are absolute paths: one for a movie, a sound or a still, all in order for numbered
    images. `rate` is the media's own (num, den), None when unknown or not a clip; `frames` its length in its own frames, 0
    when unknown; `stream` the chosen one. `scene` is the shown scene's name. `inputs` are an effect's, by key, in
    order. `speed` is (num, den) of playback, sign included, None for a ramp, which then is in `retiming`, verbatim.
    `freeze`: it holds one source frame. `link` groups strips of one A/V clip ("" none). `props` holds every other simple
    property that differs from its default (text, colour, opacity, crop, volume, blend type, ...), by RNA path; `modifiers`
    and `curves` (f-curves by property, frames relative to `left`) likewise. `missing`: its file is not there.
    """

    key: str
    name: str
    type: str
    channel: int
    left: int
    right: int
    content_start: float = 0
    content: int = 0
    parent: str = ""
    mute: bool = False
    lock: bool = False
    files: tuple[str, ...] = ()
    rate: tuple[int, int] | None = None
    frames: int = 0
    stream: int = 0
    scene: str = ""
    inputs: tuple[str, ...] = ()
    speed: tuple[int, int] | None = (1, 1)
    freeze: bool = False
    retiming: tuple[Any, ...] = ()
    link: str = ""
    props: dict[str, Any] = NOTHING
    modifiers: tuple[dict[str, Any], ...] = ()
    curves: dict[str, Any] = NOTHING
    missing: bool = False
    note: dict[str, Any] = NOTHING
    """What we keep on the strip besides its id, under strip["genlock"]: JSON-ready and small."""


class Channel(NamedTuple):
    """A channel that is named, muted or locked, or holds strips."""

    name: str
    mute: bool = False
    lock: bool = False


class Mark(NamedTuple):
    """A marker of the scene's timeline. `key` is our id, "" while it has none; `camera` the bound camera's name."""

    key: str
    name: str
    frame: int
    camera: str = ""


class Picture(NamedTuple):
    """All a scene's sequencer shows. `rate` is (num, den) exact (fps over fps_base), `size` in pixels. `strips` in
    Blender's order (metas before their children), `channels` by number, `first` the scene's first frame."""

    scene: str
    rate: tuple[int, int]
    size: tuple[int, int]
    first: int
    strips: tuple[Strip, ...]
    channels: dict[int, Channel]
    marks: tuple[Mark, ...]
