"""An .otio file as DaVinci Resolve 18 to 21 writes it, which is the only shape it imports (docs/formats.md, "Resolve").

Resolve takes Clip.2 with an available range on every reference, bare paths, source ranges in the media's own timecode, a
start time, and its own metadata on timelines, tracks and clips. It refuses a whole file for a missing reference, so what
has no media becomes a clip of offline media.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from genlock.collector import uncollected
from genlock.project.media import MediaFile
from genlock.timeline.events import TrackContent
from genlock.timeline.layout import Row
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Shot, Track, Transition, source_range
from genlock.timeline.rate import NORMAL, Rate
from genlock_otio.carriers import NOTE, PLACEHOLDER, carrier
from genlock_otio.effects import write_effects
from genlock_otio.keeping import OURS, Json, kept, schema
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.references import MAIN, rate_of_source
from genlock_otio.times import range_json, time_json
from genlock_otio.tracks import first_of
from genlock_otio.writer import dumps

RESOLVE: Final = "Resolve_OTIO"
_DISSOLVE: Final = "Cross Dissolve"
_PATTERN: Final = re.compile(r"^(.*?)%(?:0(\d+))?d([^/\\]*)$", re.DOTALL)


def write(outgoing: Outgoing) -> Written:
    """Returns the bytes of a file that Resolve imports the first time. Raises BadInput(too_deep)."""
    with uncollected():
        data = dumps(_Writer(outgoing).timeline())
    return Written(data, outgoing.loss())


class _Writer:
    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.rate = outgoing.rate
        self.groups = _groups(outgoing)
        self.spans = _spans(outgoing)
        self.rows = {part.track.id: list(outgoing.rows(part)) for part in outgoing.content.tracks}
        self.end = max((row.slot.end for rows in self.rows.values() for row in rows), default=0)

    def timeline(self) -> Json:
        content, tag = self.outgoing.content, self.outgoing.tag
        told = {"id": tag.sequence, "version": tag.version, "export": tag.export}
        ours: Json = {"v": 1, "dialect": "resolve", **{key: value for key, value in told.items() if value}}
        tracks = [*self.outgoing.tracks("video"), *self.outgoing.tracks("audio")]
        markers = [self._marker(marker, self.rate, 0) for marker in self.outgoing.markers(None)]
        if self.outgoing.ids and tag != type(tag)():
            markers.append(carrier("", told, range_json(0, self.rate, 1, self.rate)))
        return {
            "OTIO_SCHEMA": "Timeline.1",
            "metadata": {RESOLVE: {"Resolve OTIO Meta Version": "1.0", **_theirs(content.foreign)}, OURS: ours},
            "name": content.name,
            "global_start_time": time_json(content.start_frame, self.rate),
            "tracks": {
                "OTIO_SCHEMA": "Stack.1",
                "metadata": {},
                "name": "",
                "source_range": None,
                "effects": [],
                "markers": markers,
                "enabled": True,
                "children": [self._track(part) for part in tracks],
            },
        }

    def _track(self, part: TrackContent) -> Json:
        track = part.track
        return {
            "OTIO_SCHEMA": "Track.1",
            "metadata": {RESOLVE: _about_track(track), OURS: {"v": 1, "id": track.id}},
            "name": track.name,
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": track.enabled,
            "children": list(self._children(part)),
            "kind": "Audio" if track.kind == "audio" else "Video",
        }

    def _children(self, part: TrackContent) -> Iterator[Json]:
        """Yields clips, transitions and room; the room at the end makes all tracks equally long, as Resolve's are."""
        end, left = 0, None
        for row in self.rows[part.track.id]:
            if row.gap:
                yield from self._fade(left, None)
                yield self._room(row.gap)
                left = None
            yield from self._fade(left, row.item.id)
            yield self._clip(row, part.track)
            end, left = row.slot.end, row.item.id
        yield from self._fade(left, None)
        if self.end > end:
            yield self._room(self.end - end)

    def _room(self, count: int) -> Json:
        return {
            "OTIO_SCHEMA": "Gap.1",
            "metadata": {},
            "name": "",
            "source_range": range_json(0, self.rate, count, self.rate),
            "effects": [],
            "markers": [],
            "enabled": True,
        }

    def _clip(self, row: Row, track: Track) -> Json:
        item = row.item
        ref, shift = self._reference(item)
        own = rate_of_source(item.source) or self.rate
        first = Fraction(first_of(item, self.rate) + shift) * self.rate.fraction / own.fraction
        theirs = kept(item.foreign)
        effects = tuple(effect for effect in item.effects if _is_theirs(effect))
        markers = [self._marker(marker, own, shift) for marker in self.outgoing.markers(item.id)]
        span = range_json(0, self.rate, item.duration, self.rate)
        span["start_time"]["value"] = float(first)
        if self.outgoing.ids:
            markers.append(carrier(item.id, {}, {**span, "duration": time_json(1, self.rate)}))
        return {
            "OTIO_SCHEMA": "Clip.2",
            "metadata": {RESOLVE: self._about_clip(item, track), OURS: {"v": 1, "id": item.id}},
            "name": item.name or str(ref["name"]),
            "source_range": span,
            "effects": [
                _bare(effect) for effect in write_effects(effects, item.speed, theirs.get("warps"), theirs.get("idle"))
            ],
            "markers": markers,
            "enabled": item.enabled,
            "media_references": {MAIN: ref},
            "active_media_reference_key": MAIN,
        }

    def _about_clip(self, item: Item, track: Track) -> Json:
        about = _theirs(item.foreign)
        about.pop("Link Group ID", None)
        if track.kind == "audio":
            about.setdefault("Channels", [{"Source Channel ID": 0, "Source Track ID": 0}])
        if item.link is not None:
            about["Link Group ID"] = self.groups[item.link]
        return about

    # -- media

    def _reference(self, item: Item) -> tuple[Json, int]:
        """Returns the media reference, and what is added to a source frame to count in the media's own timecode."""
        file = self.outgoing.file(item)
        if file is None or not file.path:
            return self._placeholder(item, file), 0
        source = item.source
        assert isinstance(source, Media | Shot)
        first, count, own = self._available(item, source, file)
        shift = _shift(source, item, file)
        path = file.path
        if (numbered := _PATTERN.match(path)) is not None:
            pad = int(numbered[2] or 0)
            low = max(0, _number(item, source, first, shift))  # a file's number is never negative
            path = f"{numbered[1]}[{low:0{pad}d}-{low + count - 1:0{pad}d}]{numbered[3]}"
        span = range_json(first + shift, own, count, own)
        return _external(re.split(r"[/\\]", path)[-1], path, span), shift

    def _available(self, item: Item, source: Media | Shot, file: MediaFile) -> tuple[int, int, Rate]:
        own = source.rate or self.rate
        if source.frames is not None:
            return source.first, source.frames, own
        info = file.info
        if info is not None and info.rate is not None and info.frames and info.rate == own:
            return (source.first or info.start), info.frames, own
        low, high = self.spans[_key(item)]
        return low, max(1, high - low), own

    def _placeholder(self, item: Item, file: MediaFile | None) -> Json:
        """Returns a reference to a file that is nowhere: Resolve shows the clip as offline, and its name says what it
        stands for."""
        name = item.name or (file.name if file else "") or _kind_of(item)
        low, high = source_range(item, self.rate)
        own = rate_of_source(item.source) or self.rate
        safe = re.sub(r"[/\\\0]", "_", name)
        return _external(safe, PLACEHOLDER + safe, range_json(low, own, high - low, own))

    # -- transitions and markers

    def _fade(self, left: str | None, right: str | None) -> Iterator[Json]:
        found = self.outgoing.transition(left, right) if left or right else None
        if found is None:
            return
        if found.kind not in ("dissolve", "SMPTE_Dissolve"):
            self.outgoing.lost("kind of transition (a dissolve was written)", found.name or found.kind)
        yield {
            "OTIO_SCHEMA": "Transition.1",
            "metadata": {RESOLVE: _about_transition(found), OURS: {"v": 1, "id": found.key}},
            "name": _DISSOLVE,
            "in_offset": time_json(found.in_offset, self.rate),
            "out_offset": time_json(found.out_offset, self.rate),
            "transition_type": "SMPTE_Dissolve",
        }

    def _marker(self, marker: Marker, rate: Rate, shift: int) -> Json:
        theirs = {"Keywords": [], **_theirs(marker.foreign), NOTE: marker.comment}
        ours: Json = {"v": 1, "id": marker.id}
        if marker.comment:
            ours["note"] = True  # the comment, not something of Resolve's kept along
        return {
            "OTIO_SCHEMA": "Marker.2",
            "metadata": {RESOLVE: theirs, OURS: ours},
            "name": marker.name,
            "color": marker.color,
            "marked_range": range_json(marker.start + shift, rate, marker.duration, rate),
            "comment": "",
        }


def _external(name: str, path: str, span: Json) -> Json:
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "metadata": {},
        "name": name,
        "available_range": span,
        "available_image_bounds": None,
        "target_url": path,
    }


def _number(item: Item, source: Media | Shot, first: int, shift: int) -> int:
    """Returns the number of the image at `first`: with a timecode of their own, images are numbered otherwise."""
    reference = kept(item.foreign).get("reference")
    if not isinstance(reference, dict) or not isinstance(source, Media) or reference.get("of") != source.media:
        return first + shift
    told = reference.get("start_frame")
    return told + first - source.first if type(told) is int else first + shift


def _shift(source: Media | Shot, item: Item, file: MediaFile) -> int:
    """Returns how far the file's timecode lies from the cut's numbering: a cut may count from 0 where the file does not."""
    info = file.info
    if info is None or not info.start or info.kind == "sequence":
        return 0
    known = source.first if source.first or source.frames is not None else item.source_in
    return 0 if known >= info.start else info.start - source.first


def _spans(outgoing: Outgoing) -> dict[str, tuple[int, int]]:
    """Returns the frames that are shown of each media, handles of transitions included: what is surely there."""
    found: dict[str, tuple[int, int]] = {}
    for part in outgoing.content.tracks:
        for placed in part.items:
            item = placed.item
            if not isinstance(item.source, Media | Shot):
                continue
            low, high = source_range(item, outgoing.rate)
            head, tail = outgoing.around(item.id)
            low -= head.in_offset if head is not None and item.speed == NORMAL else 0
            high += tail.out_offset if tail is not None and item.speed == NORMAL else 0
            key = _key(item)
            before = found.get(key, (low, high))
            found[key] = (min(low, before[0]), max(high, before[1]))
    return found


def _key(item: Item) -> str:
    source = item.source
    return source.media if isinstance(source, Media) else f"{getattr(source, 'shot', '')}/{getattr(source, 'take', '')}"


def _groups(outgoing: Outgoing) -> dict[str, int]:
    """Returns Resolve's numbers of the link groups; those it gave itself stay where they can."""
    found: dict[str, int] = {}
    used: set[int] = set()
    items = [p.item for part in outgoing.content.tracks for p in part.items if p.item.link is not None]
    for item in items:
        told = _theirs(item.foreign).get("Link Group ID")
        if item.link not in found and type(told) is int and told not in used:
            found[str(item.link)] = told
            used.add(told)
    free = max(used, default=0)
    for item in items:
        if item.link not in found:
            free += 1
            found[str(item.link)] = free
    return found


def _theirs(foreign: Mapping[str, Any]) -> Json:
    """Returns Resolve's own metadata of an object it wrote once."""
    found = foreign.get(RESOLVE)
    return dict(found) if isinstance(found, dict) else {}


def _about_track(track: Track) -> Json:
    plain: Json = {"Locked": track.locked}
    if track.kind == "audio":
        plain = {"Audio Type": "Stereo", "Locked": track.locked, "SoloOn": False}
    return {**plain, **_theirs(track.foreign), "Locked": track.locked}


def _about_transition(transition: Transition) -> Json:
    """Returns Resolve's own words for a dissolve; its curve ends where the transition does."""
    theirs = _theirs(transition.foreign)
    last = str(transition.in_offset + transition.out_offset)
    curve = {
        "Default Parameter Value": 0.0,
        "Key Frames": {
            "0": {"Value": 0.0, "Variant Type": "Double"},
            last: {"Value": 1.0, "Variant Type": "Double"},
        },
        "Parameter ID": "transitionCustomCurvesKeyframes",
        "Parameter Value": 0.0,
        "Variant Type": "Double",
        "maxValue": 1.0,
        "minValue": 0.0,
    }
    effects = {
        "Display Type": 1,
        "Effect Name": _DISSOLVE,
        "Enabled": True,
        "Name": _DISSOLVE,
        "Parameters": [curve],
        "Type": 9,
    }
    if theirs.get("Transition Type") == _DISSOLVE and _ends_at(theirs.get("Effects"), last):
        return theirs
    return {"Effects": effects, "Transition Type": _DISSOLVE}


def _ends_at(effects: Any, last: str) -> bool:
    curves = effects.get("Parameters") if isinstance(effects, dict) else None
    if not isinstance(curves, list):
        return False
    return all(
        isinstance(c, dict) and isinstance(c.get("Key Frames"), dict) and last in c["Key Frames"] for c in curves
    )


def _is_theirs(effect: Json) -> bool:
    metadata = effect.get("metadata")
    return isinstance(metadata, dict) and RESOLVE in metadata


def _bare(effect: Json) -> Json:
    """Returns the effect without what Resolve never writes: `enabled`, and a name for its speeds."""
    if schema(effect) == "FreezeFrame":
        effect = {**effect, "OTIO_SCHEMA": "LinearTimeWarp.1"}
    if schema(effect) != "LinearTimeWarp":
        return effect
    return {key: value for key, value in {**effect, "effect_name": ""}.items() if key != "enabled"}


def _kind_of(item: Item) -> str:
    match item.source:
        case Generator(generator=name):
            return name or "generator"
        case Nested():
            return "nested sequence"
        case Media() | Shot() | Gap():
            return "offline media"
