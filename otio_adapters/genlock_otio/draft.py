"""A cut as a foreign file tells it, put on the sequence's grid: what all readers but OpenTimelineIO's own build on.

Times come in exact (Fraction or int) and are rounded once, here; what was rounded away stays with the item under
`foreign["genlock.otio"]["residual"]`. So no reader floors anything, and none needs to know about placements, overlaps,
pools or ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.check import FURTHEST, FURTHEST_SOURCE
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import (
    Gap,
    Item,
    Kind,
    Marker,
    Media,
    Nested,
    Placement,
    Resolution,
    Source,
    Track,
    Transition,
    source_range,
)
from genlock.timeline.rate import NORMAL, Rate, Speed
from genlock_otio.door import LIMITS
from genlock_otio.keeping import Json, keep
from genlock_otio.reading import Reading
from genlock_otio.references import media_id, path_of, rate_of_source
from genlock_otio.settling import presentable, settled
from genlock_otio.times import Exact, rounded
from genlock_otio.tracks import source_in_of
from genlock_otio.values import Imported, Tag

DEEPEST: Final = 100
"""Items of one track on top of each other: a broken list can have thousands, and each would need a track."""


class _Clip(Struct):
    """An item that has no place on the grid yet."""

    at: Exact
    length: Exact
    first: Exact
    item: Item


class DraftTrack:
    """One track being read. Items may come in any order."""

    def __init__(self, draft: Draft, track: Track, placement: Placement | None = None) -> None:
        self.track = track
        self.placement = placement
        self._draft = draft
        self.clips: list[_Clip] = []

    def add(
        self,
        at: Exact,
        length: Exact,
        source: Source,
        *,
        name: str = "",
        first: Exact = 0,
        speed: Speed = NORMAL,
        enabled: bool = True,
        effects: tuple[Json, ...] = (),
        link: str | None = None,
        id: str = "",
        foreign: Json | None = None,
    ) -> str:
        """Adds an item and returns its id.

        `at` and `length` count sequence frames from the sequence's first frame; `first` is the *lowest* source frame
        shown, in the source's own frames and numbering. `link` is any text that the members of a group share. `id` is
        ours, if the file carries one. Raises BadInput(bad_time).
        """
        for time in (at, length, at + length):
            self._draft.bound(time, name)
        if not _reachable(first):
            raise BadInput("bad_time", f"{name or 'An item'} starts at its source's frame {_about(first)}.")
        if at < 0:
            raise BadInput("bad_time", f"{name or 'An item'} lies {-at} frames before the first frame.")
        if length < 0:
            raise BadInput("bad_time", f"{name or 'An item'} has a negative duration of {length} frames.")
        item_id = self._draft.reading.id("i", id or None)
        group = self._draft.link(link)
        made = Item(item_id, source, 1, name, 0, speed, enabled, effects, group, dict(foreign or {}))
        self.clips.append(_Clip(at, length, first, made))
        return item_id


class Draft:
    """One timeline being read."""

    def __init__(
        self,
        data: bytes,
        base: Path,
        name: str,
        rate: Rate,
        *,
        drop_frame: bool = False,
        start_frame: int = 0,
        resolution: Resolution | None = None,
        tag: Tag = Tag(),
        foreign: Json | None = None,
    ) -> None:
        """`data` are the file's bytes, which all made-up ids depend on; `base` the folder relative paths count from."""
        self.reading = Reading(blake2b(data, digest_size=16).hexdigest(), base)
        self.name = name
        self.rate = rate
        self.drop_frame = drop_frame
        self.start_frame = start_frame
        self.resolution = resolution or Resolution()
        self.tag = tag
        self.foreign = dict(foreign or {})
        self._tracks: list[DraftTrack] = []
        self._transitions: list[Transition] = []
        self._markers: list[Marker] = []

    def warn(self, message: str) -> None:
        """Notes what a person should know about how the file was read."""
        self.reading.warn(message)

    def bound(self, time: Exact, what: str) -> None:
        """Raises BadInput(bad_time) for a time longer than any film."""
        if not -FURTHEST <= time <= FURTHEST:
            raise BadInput("bad_time", f"{what or 'An item'}: {_about(time)} frames are longer than any film.")

    def link(self, group: str | None) -> str | None:
        """Returns the id of a link group named in the file; "genlock:ID" is one of ours, which keeps its id."""
        if not group:
            return None
        if group.startswith("genlock:"):
            return group.removeprefix("genlock:")[:128] or None
        return "l" + blake2b(f"{self.reading.digest}/link {group}".encode(), digest_size=8).hexdigest()

    def media(
        self, url: str, *, name: str = "", first: Exact = 0, frames: Exact | None = None, rate: Rate | None = None
    ) -> Media:
        """Returns the source for a file, which joins the pool. `url` is a path or URL as the file writes it, "" for
        media known by name only; `first` and `frames` are its available range, in its own `rate` (None: the
        sequence's)."""
        path = path_of(url, self.reading.base) if url else ""
        title = name or path.replace("\\", "/").rpartition("/")[2] or "offline media"
        id_ = media_id(path or "missing:" + title)
        if id_ not in self.reading.pool:
            self.reading.pool[id_] = MediaFile(id_, path, title, missing=not path)
        count: int | None = None if frames is None else rounded(frames)
        own = None if rate == self.rate else rate
        return Media(id_, rounded(first), count if count is None or count > 0 else None, own)

    def track(
        self, kind: Kind, name: str = "", *, enabled: bool = True, locked: bool = False, id: str = "",
        foreign: Json | None = None, placement: Placement | None = None,
    ) -> DraftTrack:  # fmt: skip
        """Adds a track above those of its kind there are. `placement` None: the lowest video track is magnetic when it
        has no holes. A magnetic one may hold Gap items; with holes, or overlaps, it becomes free, without them."""
        if len(self._tracks) >= LIMITS.tracks:
            raise BadInput("too_large", f"{self.name} has more than {LIMITS.tracks} tracks.")
        made = Track(self.reading.id("t", id or None), kind, name, "free", enabled, locked, True, dict(foreign or {}))
        found = DraftTrack(self, made, placement)
        self._tracks.append(found)
        return found

    def transition(
        self, left: str | None, right: str | None, in_offset: Exact, out_offset: Exact, *, kind: str = "dissolve",
        name: str = "", foreign: Json | None = None,
    ) -> None:  # fmt: skip
        """Adds a transition between two items (None: a fade); offsets in sequence frames before and after the cut."""
        before, after = rounded(in_offset), rounded(out_offset)
        if before < 0 or after < 0:
            raise BadInput("bad_time", f"The transition {name or kind!r} has a negative length.")
        if (left is None and right is None) or before + after == 0:
            self.warn(f"The transition {name or kind!r} lies between nothing or is 0 frames long; left out.")
            return
        self._transitions.append(Transition(left, right, before, after, kind, name, dict(foreign or {})))

    def marker(
        self, start: Exact, duration: Exact = 0, *, item: str | None = None, name: str = "", color: str = "RED",
        comment: str = "", id: str = "", foreign: Json | None = None,
    ) -> None:  # fmt: skip
        """Adds a marker: on the sequence in frames from its first, on an item in source frames (own numbering)."""
        if item is None and start < 0:
            self.warn(f"The marker {name!r} lies before the start; it was put on the first frame.")
            start = 0
        if not (_reachable(start) and _reachable(duration)):
            raise BadInput("bad_time", f"The marker {name!r} lies at frame {_about(start)}.")
        made = self.reading.id("m", id or None)
        at, length = rounded(start), max(0, rounded(duration))
        self._markers.append(Marker(made, at, length, item, name, color, comment, dict(foreign or {})))

    def nested(self, content: Content, id: str = "") -> str:
        """Adds a nested sequence and returns its id."""
        made = self.reading.sequence_id(id or None)
        self.reading.nested.append((made, content))
        return made

    def content(self) -> Content:
        """Returns what was read so far as a timeline value: on the grid, sound, without overlaps."""
        if self.start_frame < 0:
            raise BadInput("bad_time", f"{self.name} starts before 00:00:00:00.")
        if not _reachable(self.start_frame):
            raise BadInput("bad_time", f"{self.name} starts at a timecode that no clock shows.")
        parts: list[TrackContent] = []
        picture = True
        for draft in self._ordered():
            lanes = self._laid(draft)
            for number, placed in enumerate(lanes):
                track = draft.track if number == 0 else self._extra(draft.track, number)
                lowest = picture and track.kind == "video" and number == 0 and bool(placed)
                wanted = lowest if draft.placement is None else draft.placement == "magnetic" and number == 0
                magnetic = wanted and _gapless(placed)
                picture = picture and track.kind != "video"
                parts.append(_part(track, placed, magnetic))
        there = {placed.item.id for part in parts for placed in part.items}
        made = Content(
            name=presentable(self.name),
            rate=self.rate,
            drop_frame=self.drop_frame,
            start_frame=self.start_frame,
            resolution=self.resolution,
            tracks=tuple(parts),
            transitions=self._sound_transitions(parts),
            markers=tuple(
                sorted(
                    (m for m in self._markers if m.item is None or m.item in there),
                    key=lambda m: (m.item or "", m.start, m.id),
                )
            ),
            foreign=self.foreign,
        )
        return settled(_unbounded(made), self.warn)

    def finish(self, dialect: str) -> Imported:
        """Returns the timeline read."""
        content = self.content()
        reading = self.reading
        return Imported(
            content,
            tuple(reading.pool.values()),
            tuple(reading.nested),
            tuple(reading.warnings),
            dialect,
            self.tag,
            frozenset(reading.told),
        )

    def _ordered(self) -> list[DraftTrack]:
        return [t for kind in ("video", "audio") for t in self._tracks if t.track.kind == kind]

    def _extra(self, track: Track, number: int) -> Track:
        name = f"{track.name or track.kind} overlap {number}"
        return replace(track, id=self.reading.id("t"), name=name, foreign={})

    def _laid(self, draft: DraftTrack) -> list[list[Placed]]:
        """Puts the items on the grid; those that would share frames with another go to further tracks."""
        lanes: list[list[Placed]] = [[]]
        ends: list[tuple[int, Exact]] = [(0, 0)]
        for clip in sorted(draft.clips, key=lambda clip: clip.at):
            if not clip.length:
                self.warn(f"{clip.item.name!r} is 0 frames long and was left out.")
                continue
            start, end = rounded(clip.at), rounded(clip.at + clip.length)
            if end <= start:
                self.warn(f"{clip.item.name!r} is shorter than a frame and was given one.")
                end = start + 1
            lane = next((n for n, (_, exact) in enumerate(ends) if exact <= clip.at), len(lanes))
            if lane == len(lanes):
                if lane == DEEPEST:
                    where = f"the track {draft.track.name or draft.track.kind!r} from {clip.item.name!r} on"
                    raise BadInput("bad_timeline", f"More than {DEEPEST} items of {where} lie on each other.")
                lanes.append([])
                ends.append((0, 0))
                self.warn(f"Items on the track {draft.track.name or draft.track.kind!r} overlap; some moved above it.")
            start = max(start, ends[lane][0])  # a frame that rounding gave to the one before
            end = max(end, start + 1)
            lanes[lane].append(Placed(self._on_grid(clip, end - start), start))
            ends[lane] = (end, clip.at + clip.length)
        return lanes

    def _on_grid(self, clip: _Clip, duration: int) -> Item:
        item = clip.item
        own = rate_of_source(item.source) or self.rate
        first = rounded(clip.first)
        odd = {
            name: str(exact)
            for name, exact in (("at", clip.at), ("length", clip.length), ("first", clip.first))
            if isinstance(exact, Fraction) and exact.denominator != 1
        }
        into = source_in_of(first, duration, item.speed, own, self.rate)
        foreign = keep(dict(item.foreign), **item.foreign.get("genlock.otio", {}), residual=odd)
        return replace(item, duration=duration, source_in=into, foreign=foreign)

    def _sound_transitions(self, parts: Iterable[TrackContent]) -> tuple[Transition, ...]:
        """Returns the transitions whose neighbours lie side by side; the first one of each place."""
        home: dict[str, tuple[int, int, int]] = {}
        after: dict[str, str | None] = {}
        for number, part in enumerate(parts):
            row = list(part.items)
            cursor = 0
            for at, placed in enumerate(row):
                start = cursor if placed.start is None else placed.start
                cursor = start + placed.item.duration
                home[placed.item.id] = (number, start, cursor)
                after[placed.item.id] = row[at + 1].item.id if at + 1 < len(row) else None
        found: dict[str, Transition] = {}
        for one in self._transitions:
            gone = any(side is not None and side not in home for side in (one.left, one.right))
            apart = (
                not gone
                and one.left is not None
                and one.right is not None
                and (after[one.left] != one.right or home[one.left][2] != home[one.right][1])
            )
            if gone or apart or one.key in found:
                self.warn(f"A transition {one.name or one.kind!r} lies between items that do not touch; left out.")
                continue
            found[one.key] = one
        return tuple(found[key] for key in sorted(found))


def _about(time: Exact) -> str:
    """Returns a number of any size for a sentence."""
    return str(time) if _reachable(time) else "far too many"


def _reachable(time: Exact) -> bool:
    """Returns whether the model can count that far."""
    return -FURTHEST_SOURCE <= time <= FURTHEST_SOURCE


def _gapless(placed: list[Placed]) -> bool:
    end = 0
    for one in placed:
        if one.start != end:
            return False
        end += one.item.duration
    return True


def _part(track: Track, placed: list[Placed], magnetic: bool) -> TrackContent:
    if not magnetic:
        return TrackContent(track, tuple(one for one in placed if not isinstance(one.item.source, Gap)))
    return TrackContent(replace(track, placement="magnetic"), tuple(Placed(one.item) for one in placed))


def _unbounded(content: Content) -> Content:
    """Returns the content with unknown ends for media that a clip shows more of than the file says there is."""
    parts = []
    for part in content.tracks:
        row = []
        for placed in part.items:
            source = placed.item.source
            if isinstance(source, Media | Nested) and source.frames is not None:
                low, high = source_range(placed.item, content.rate)
                if low < source.first or high > source.first + source.frames:
                    placed = replace(placed, item=replace(placed.item, source=replace(source, frames=None)))
            row.append(placed)
        parts.append(replace(part, items=tuple(row)))
    return replace(content, tracks=tuple(parts))
