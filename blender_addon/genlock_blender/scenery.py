# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies around the playhead: what a strip shows, where there is room, which gap is meant. Pure."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from genlock_client.model import Model, SequenceModel, Value

STEP = 10
"""Distance between the numbers of shot codes, so that one can be put between two."""


class Cannot(Exception):
    """What a person asked for cannot be done; `text` is a template for `values`, so that it can be translated."""

    def __init__(self, text: str, **values: object) -> None:
        self.text = text
        self.values = values
        super().__init__(text.format(**values))


class Place(NamedTuple):
    """Where a person is: a sequence, the playhead in its frames, the keys of the chosen strips (in time) and of the active
    one ("" none), and the range `[start, end)` they marked. `apart`: the active strip is not in the sequence."""

    sequence: str
    frame: int = 0
    chosen: tuple[str, ...] = ()
    active: str = ""
    span: tuple[int, int] | None = None
    apart: bool = False


class Shown(NamedTuple):
    """What an item shows: frames `first` to `first + frames` of the file at `path`, counted from the file's first frame.

    `rendered`: no file shows it, it has to be rendered first (then `path` is ""). `of` is the length of the file, 0 for
    unknown; `shot` and `take` are those it comes from, "" for media. `info` is what a probe found.
    """

    key: str
    path: str
    first: int
    frames: int
    of: int = 0
    still: bool = False
    rendered: bool = False
    shot: str = ""
    take: str = ""
    info: Value | None = None

    @property
    def whole(self) -> bool:
        """Whether the item shows the file to its end."""
        return self.still or (self.of > 0 and self.first + self.frames >= self.of)


class Hole(NamedTuple):
    """Free frames `start` to `end` (exclusive) between two items of a track."""

    track: str
    start: int
    end: int


def sequence_of(model: Model, place: Place) -> SequenceModel:
    """Returns the sequence a person is in; raises Cannot when the daemon has not told of it."""
    found = model.sequences.get(place.sequence)
    if found is None:
        raise Cannot("This scene is not linked to a sequence")
    return found


def apart() -> Cannot:
    """Returns the reason for a strip that the daemon does not know."""
    return Cannot("The strip is not in the sequence yet")


def active(model: Model, place: Place) -> Value:
    """Returns the item of the active strip; raises Cannot without one."""
    if not place.active:
        raise apart() if place.apart else Cannot("No strip is active")
    return item_of(model, place, place.active)


def chosen(place: Place) -> tuple[str, ...]:
    """Returns the keys of the chosen strips, else of the active one; raises Cannot when that is not in the sequence."""
    if place.apart and not place.chosen:
        raise apart()
    return place.chosen or ((place.active,) if place.active else ())


def item_of(model: Model, place: Place, key: str) -> Value:
    """Returns the item of a strip; raises Cannot when the daemon does not know it yet, as of transitions."""
    item = sequence_of(model, place).items.get(key)
    if item is None:
        raise apart()
    return item


def shown(model: Model, place: Place, key: str) -> Shown:
    """Returns what a strip shows; raises Cannot when there is nothing to be seen."""
    item = item_of(model, place, key)
    source = item["source"]
    kind = source["type"]
    if kind == "media":
        held = model.media.get(source["media"])
        if held is None or held.get("missing") or not held.get("path"):
            raise Cannot("The media of {name} are missing", name=name_of(item))
        return _file(model, place, item, held["path"], held.get("info"), "", "")
    if kind == "shot":
        shot = model.shots.get(source["shot"])
        take = _take(shot, source.get("take"))
        if shot is None or take is None:
            raise Cannot("{name} has no take yet", name=name_of(item))
        return _file(model, place, item, take["path"], take.get("info"), shot["id"], take["id"])
    return Shown(key, "", 0, int(item["duration"]), rendered=True)


def _take(shot: Value | None, pinned: str | None) -> Value | None:
    found: Value | None = (shot or {}).get("takes", {}).get(pinned or (shot or {}).get("selected"))
    return found


def _file(model: Model, place: Place, item: Value, path: str, info: Value | None, shot: str, take: str) -> Shown:
    known = info or {}
    kind = known.get("kind", "video")
    if kind == "audio":
        raise Cannot("{name} has no picture", name=name_of(item))
    if kind == "sequence":  # numbered images are no one file that an engine could open
        return Shown(item["id"], "", 0, int(item["duration"]), rendered=True, shot=shot, take=take, info=info)
    if kind == "image":
        return Shown(item["id"], path, 0, 1, 1, still=True, shot=shot, take=take, info=info)
    first, frames = source_range(item, sequence_of(model, place))
    return Shown(item["id"], path, first, frames, int(known.get("frames") or 0), shot=shot, take=take, info=info)


def source_range(item: Value, sequence: SequenceModel) -> tuple[int, int]:
    """Returns (first, frames): what an item shows of its source, counted from the source's first frame."""
    source = item["source"]
    step = _step(item, sequence)
    low = int(item.get("source_in", 0)) - int(source.get("first", 0))
    frames = max(1, -(-int(item["duration"]) * abs(step.numerator) // step.denominator))
    return (low - frames + 1 if step < 0 else low), frames


def source_frame(item: Value, sequence: SequenceModel, frame: int) -> int:
    """Returns the frame of the source, from its first one, that is seen at a sequence frame within the item."""
    step = _step(item, sequence)
    ahead = (frame - sequence.start(item["id"])) * step
    return int(item.get("source_in", 0)) - int(item["source"].get("first", 0)) + int(ahead // 1)


def _step(item: Value, sequence: SequenceModel) -> Fraction:
    """Returns source frames for each sequence frame."""
    rate = item["source"].get("rate") or rate_of(sequence)
    speed = item.get("speed") or [1, 1]
    return Fraction(*_pair(speed)) * Fraction(*_pair(rate)) / Fraction(*rate_of(sequence))


def rate_of(sequence: SequenceModel) -> tuple[int, int]:
    """Returns the sequence's exact rate."""
    return _pair(sequence.fields.get("rate") or [24, 1])


def size_of(sequence: SequenceModel) -> tuple[int, int]:
    """Returns the sequence's size in pixels."""
    width, height = sequence.fields.get("resolution") or (1280, 720)
    return int(width), int(height)


def _pair(value: Any) -> tuple[int, int]:
    return int(value[0]), int(value[1]) if len(value) > 1 else 1


def name_of(item: Value) -> str:
    """Returns the word for an item in a sentence."""
    return str(item.get("name") or "The strip")


def next_code(model: Model) -> str:
    """Returns the first free shot code: SH0010, SH0020 and so on."""
    taken = {str(shot.get("code", "")).casefold() for shot in model.shots.values()}
    number = STEP
    while f"sh{number:04d}" in taken:
        number += STEP
    return f"SH{number:04d}"


def solid(sequence: SequenceModel, track: str) -> list[tuple[int, int]]:
    """Returns the covered ranges `[start, end)` of a track, in time."""
    starts = sequence.starts(track)
    return [
        (starts[item["id"]], starts[item["id"]] + int(item["duration"]))
        for item in sequence.on(track)
        if item["source"]["type"] != "gap"
    ]


def free_track(sequence: SequenceModel, start: int, frames: int, above: str = "") -> str:
    """Returns the lowest video track above `above` (any without it) on which the frames are free, "" when there is none.

    Magnetic tracks are left out: what is put on them moves others. So are locked ones.
    """
    ids = [track["id"] for track in sequence.tracks]
    lowest = ids.index(above) + 1 if above in ids else 0
    for track in sequence.tracks[lowest:]:
        usable = track["kind"] == "video" and track.get("placement", "free") == "free" and not track.get("locked")
        if usable and has_room(sequence, track["id"], start, frames):
            return str(track["id"])
    return ""


def has_room(sequence: SequenceModel, track: str, start: int, frames: int) -> bool:
    """Whether frames `start` to `start + frames` of a track are free."""
    return all(end <= start or left >= start + frames for left, end in solid(sequence, track))


def hole(model: Model, place: Place) -> Hole:
    """Returns the gap at the playhead: on the active strip's track when there is one, else on the lowest video track.

    Raises Cannot when no track has a gap there. Room behind the last item is no gap: it has no length.
    """
    sequence = sequence_of(model, place)
    tracks = [track["id"] for track in sequence.tracks if track["kind"] == "video" and not track.get("locked")]
    own = sequence.items.get(place.active, {}).get("track")
    for track in sorted(tracks, key=lambda each: each != own):
        covered = solid(sequence, track)
        before = [end for _, end in covered if end <= place.frame]
        behind = [start for start, _ in covered if start > place.frame]
        if behind and len(before) + len(behind) == len(covered):
            return Hole(track, before[-1] if before else 0, behind[0])
    raise Cannot("There is no gap between strips at the playhead")


def span_in_source(model: Model, place: Place, item: Value) -> tuple[int, int]:
    """Returns the frames `[start, end)` of the source that the marked range covers; raises Cannot when it covers none."""
    if place.span is None:
        raise Cannot("Mark a range first: the scene's preview range, or in and out below")
    sequence = sequence_of(model, place)
    begin = sequence.start(item["id"])
    left, right = max(place.span[0], begin), min(place.span[1], begin + int(item["duration"]))
    if left >= right:
        raise Cannot("The marked range lies outside of the strip")
    one, other = source_frame(item, sequence, left), source_frame(item, sequence, right - 1)
    return min(one, other), max(one, other) + 1
