# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mapping has to know besides a picture or a cut: where tracks live, what files are, what the model said last."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from genlock_client.model import Model, SequenceModel

from ..states import NOTHING
from .times import Rate, pair

Value = dict[str, Any]
Held = dict[str, tuple[str, str]]
"""Key of a strip, an item or a track -> (code, sentence): what stays on one side, and why."""

_SOUNDS: Final = frozenset({".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"})
_STILLS: Final = frozenset({".bmp", ".dpx", ".exr", ".hdr", ".jpeg", ".jpg", ".png", ".tga", ".tif", ".tiff", ".webp"})
_PATTERN: Final = re.compile(r"%(?:0(\d+))?d|(#+)|\[(\d+)-(\d+)\]")
_CROSSES: Final = frozenset({"blender.cross", "blender.gamma_cross", "blender.wipe"})
_NUMBER: Final = re.compile(r"(\d+)(?=\.\w+$)")


class File(NamedTuple):
    """A file that strips can show: a pool entry, or a take of a shot.

    `kind` is "video", "audio", "image" or "sequence" (numbered images). `rate`, `frames` and `size` in pixels are its
    picture's (None, 0 when unknown), `start` the number of its first frame. `shot` is the take's shot, "" for a pool entry;
    `head` the take's frames before the asked range.
    """

    id: str
    path: str
    kind: str
    rate: Rate | None = None
    frames: int = 0
    start: int = 0
    shot: str = ""
    head: int = 0
    size: tuple[int, int] = (0, 0)


class Shot(NamedTuple):
    """A shot: its code, its takes by id, and which of them is selected."""

    code: str
    takes: dict[str, File]
    selected: str | None = None


class Book(NamedTuple):
    """All that `to_cut` and `to_strips` look up. Like every value here it is never changed in place.

    `origin` is the scene frame of sequence frame 0. `homes`: track id -> channel, of the linked sequence and of nested ones
    alike. `owners`: track id -> (sequence id, kind), also of tracks that the model has lost since they were shown.
    `tracks`: sequence id -> track id -> the model's value, bottom first; `items`, `transitions`, `marks` and `settings` by
    sequence id likewise. `files` are pool entries by id, `paths` File by path, `shots` by id. `scenes` are the names of the
    scenes in this file. `metas`: item id -> sequence id of nested sequences that the model does not have yet. `crosses`:
    item id of a transition of Blender's that was told as an effect -> (frame where its first input ends, where its second
    one begins), in frames of their sequence.
    """

    sequence: str = ""
    origin: int = 0
    homes: dict[str, int] = NOTHING
    owners: dict[str, tuple[str, str]] = NOTHING
    tracks: dict[str, dict[str, Value]] = NOTHING
    items: dict[str, dict[str, Value]] = NOTHING
    transitions: dict[str, dict[str, Value]] = NOTHING
    marks: dict[str, dict[str, Value]] = NOTHING
    settings: dict[str, Value] = NOTHING
    files: dict[str, File] = NOTHING
    paths: dict[str, File] = NOTHING
    shots: dict[str, Shot] = NOTHING
    scenes: frozenset[str] = frozenset()
    metas: dict[str, str] = NOTHING
    crosses: dict[str, tuple[int, int]] = NOTHING

    def persisted(self) -> Value:
        """Returns what must survive in the .blend, JSON-ready: {origin, homes, owners, metas}."""
        return {
            "origin": self.origin,
            "homes": dict(self.homes),
            "owners": {track: list(owner) for track, owner in self.owners.items()},
            "metas": dict(self.metas),
        }

    @property
    def size(self) -> tuple[int, int]:
        """The linked sequence's picture size in pixels; zeros while there is none."""
        width, height = self.settings.get(self.sequence, NOTHING).get("resolution") or (0, 0)
        return width, height

    def file_at(self, paths: tuple[str, ...]) -> File | None:
        """Returns the file that a strip's paths name: one plain file, or numbered images in order."""
        found = self.paths.get(paths[0]) or self.paths.get(normal(paths[0]))
        if found is None or len(paths) > 1:
            pattern = numbered(normal(paths[0]))
            run = self.paths.get(pattern) or self.paths.get(os.path.dirname(pattern))
            found = run if run is not None and run.kind == "sequence" else found
        return found

    def known(self, sequence: str, item: str) -> Value | None:
        """Returns the model's value of an item, looked for in its sequence first."""
        here = self.items.get(sequence)
        if here is not None and item in here:
            return here[item]
        return next((items[item] for items in self.items.values() if item in items), None)

    def file_of(self, source: Value) -> File | None:
        """Returns the file that a source shows: a pool entry, or the pinned or else the selected take of a shot."""
        if source.get("type") == "media":
            return self.files.get(source.get("media", ""))
        shot = self.shots.get(source.get("shot", ""))
        return shot.takes.get(source.get("take") or shot.selected or "") if shot is not None else None


def book_of(
    model: Model, sequence: str, persisted: Mapping[str, Any], scenes: Iterable[str] = (), *, first: int = 1
) -> Book:
    """Builds the book of a scene that is linked to `sequence`; "" while it is linked to none.

    `persisted` is what `Book.persisted` returned earlier ({} at first), `scenes` names the file's scenes, `first` is the
    scene's first frame, which becomes the origin where none is persisted.
    """
    files = {id_: file for id_, value in model.media.items() if (file := _pooled(value)) is not None}
    shots = {id_: _shot(id_, value) for id_, value in model.shots.items()}
    paths = {address(take): take for shot in shots.values() for take in shot.takes.values()}
    paths.update((address(file), file) for file in files.values())
    sequences = model.sequences
    tracks = {id_: {t["id"]: t for t in each.tracks} for id_, each in sequences.items()}
    owners = {
        track: (owner[0], owner[1])
        for track, owner in _dict(persisted.get("owners")).items()
        if isinstance(owner, (list, tuple)) and len(owner) == 2
    }
    owners.update((t, (id_, v.get("kind", "video"))) for id_, each in tracks.items() for t, v in each.items())
    homes = {t: c for t, c in _dict(persisted.get("homes")).items() if isinstance(c, int) and t in owners}
    origin = persisted.get("origin")
    return Book(
        sequence=sequence,
        origin=origin if isinstance(origin, int) else first,
        homes=homes,
        owners=owners,
        tracks=tracks,
        items={id_: dict(each.items) for id_, each in sequences.items()},
        transitions={id_: dict(each.transitions) for id_, each in sequences.items()},
        marks={id_: dict(each.markers) for id_, each in sequences.items()},
        settings={id_: each.fields for id_, each in sequences.items()},
        files=files,
        paths=paths,
        shots=shots,
        scenes=frozenset(scenes),
        metas={k: v for k, v in _dict(persisted.get("metas")).items() if isinstance(v, str)},
        crosses={id_: ends for each in sequences.values() for id_, ends in _crosses(each)},
    )


def normal(path: str) -> str:
    """Returns the path as it is looked up: without "..", doubled separators and, on Windows, case."""
    if os.sep == "/" and "/." not in path and "//" not in path:
        return path
    return os.path.normcase(os.path.normpath(path))


def address(file: File) -> str:
    """Returns the key of a file in `Book.paths`; however its pattern is written, numbered images have one."""
    path = normal(file.path)
    found = _PATTERN.search(os.path.basename(path)) if file.kind == "sequence" else None
    if found is None:
        return path
    folder, name = os.path.split(path)
    return os.path.join(folder, f"{name[: found.start()]}%0{_digits(found)}d{name[found.end() :]}")


def numbered(path: str) -> str:
    """Returns the pattern of a numbered image ("name.%04d.exr"); the path itself when it has no number."""
    folder, name = os.path.split(path)
    found = _NUMBER.search(name)
    if found is None:
        return path
    return os.path.join(folder, f"{name[: found.start()]}%0{len(found[1])}d{name[found.end() :]}")


def number_of(path: str) -> int:
    """Returns the number of a numbered image, 0 without one."""
    found = _NUMBER.search(os.path.basename(path))
    return int(found[1]) if found else 0


def images(file: File) -> tuple[str, ...]:
    """Returns the paths of numbered images in order; the path itself when it names no pattern."""
    found = _PATTERN.search(os.path.basename(file.path))
    if found is None or file.frames <= 0:
        return (file.path,)
    folder, name = os.path.split(file.path)
    head, tail = os.path.join(folder, name[: found.start()]), name[found.end() :]
    digits = _digits(found)
    return tuple(f"{head}{number:0{digits}d}{tail}" for number in range(file.start, file.start + file.frames))


def guessed(path: str) -> str:
    """Returns the kind of a file that nobody probed, by its name."""
    ending = os.path.splitext(path)[1].lower()
    if ending in _SOUNDS:
        return "audio"
    if _PATTERN.search(os.path.basename(path)):
        return "sequence"
    return "image" if ending in _STILLS else "video"


def _digits(found: re.Match[str]) -> int:
    return int(found[1] or 0) or len(found[2] or "") or len(found[3] or "") or 1


def _crosses(sequence: SequenceModel) -> Iterator[tuple[str, tuple[int, int]]]:
    items = sequence.items
    for id_, item in items.items():
        source = item["source"]
        if source.get("generator") in _CROSSES:
            inputs: list[Any] = list((source.get("parameters") or NOTHING).get("inputs") or ())
            if len(inputs) == 2 and all(isinstance(key, str) and key in items for key in inputs):
                left, right = inputs
                yield id_, (sequence.start(left) + items[left]["duration"], sequence.start(right))


def _pooled(value: Value) -> File | None:
    path = value.get("path") or ""
    return _file(value["id"], path, value.get("info")) if path else None


def _shot(id_: str, value: Value) -> Shot:
    takes = {
        take: _file(take, each["path"], each.get("info"), id_, each.get("head_handle", 0))
        for take, each in (value.get("takes") or {}).items()
        if each.get("path") and each.get("kind", "picture") == "picture"
    }
    return Shot(value.get("code", ""), takes, value.get("selected"))


def _file(id_: str, path: str, info: Value | None, shot: str = "", head: int = 0) -> File:
    if not info:
        return File(id_, path, guessed(path), shot=shot, head=head)
    kind, rate = info.get("kind", "video"), pair(info.get("rate"))
    size = (info.get("width", 0), info.get("height", 0))
    return File(id_, path, kind, rate, info.get("frames", 0), info.get("start", 0), shot, head, size)


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
