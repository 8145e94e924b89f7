"""From the model to OTIO's objects, as plain dicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import convert, to_builtins

from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Gap, Item, Marker, Nested, Track, Transition, transition_key
from genlock.timeline.rate import Rate
from genlock_otio.effects import exact_speed, write_effects
from genlock_otio.keeping import KEEP, OURS, Json, kept, metadata_of
from genlock_otio.outgoing import Outgoing
from genlock_otio.references import MAIN, References, rate_of_source, write_reference
from genlock_otio.times import range_json, time_json
from genlock_otio.tracks import first_of


class Composer:
    """Composes one file; what is lost on the way is noted with the cut."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.media = outgoing.media
        self.takes = outgoing.takes
        self.nested = outgoing.nested
        self.lost = outgoing.lost
        self.open: tuple[str, ...] = ()

    def timeline(self) -> Json:
        """Returns a Timeline.1."""
        content, tag = self.outgoing.content, self.outgoing.tag
        kept_here = kept(content.foreign)
        stack = kept_here.get("stack", {})
        told = {"id": tag.sequence, "version": tag.version, "export": tag.export}
        ours: Json = {key: value for key, value in told.items() if value}
        ours |= {"rate": [content.rate.num, content.rate.den], "drop_frame": content.drop_frame}
        ours["resolution"] = [content.resolution.width, content.resolution.height]
        start = _verbatim(kept_here.get("start"), [content.start_frame])
        name = _verbatim(kept_here.get("name"), [content.name])
        if name is not _CHANGED:
            ours["name"] = content.name
        part = _Part(self, content)
        return {
            "OTIO_SCHEMA": "Timeline.1",
            "metadata": metadata_of(content.foreign, ours),
            "name": content.name if name is _CHANGED else name,
            "global_start_time": time_json(content.start_frame, content.rate) if start is _CHANGED else start,
            "tracks": {
                "OTIO_SCHEMA": "Stack.1",
                "metadata": {},
                "name": "tracks",
                "source_range": None,
                "effects": [],
                "enabled": True,
                **stack,
                "markers": part.markers_of(None),
                "children": part.tracks(),
            },
            **kept_here.get("fields", {}),
        }


class _Changed:
    """Stands for a kept value that no longer holds (None is a value a file may have)."""


_CHANGED = _Changed()


def _verbatim(value: Any, now: list[Any]) -> Any:
    """Returns a kept value while the model still says what was read."""
    return value[0] if isinstance(value, list) and len(value) == 2 and value[1] == now else _CHANGED


class _Part:
    """One sequence being written: the outermost, or a nested one."""

    def __init__(self, composer: Composer, content: Content) -> None:
        self.composer = composer
        self.content = content
        self.rate = content.rate
        self.references = References(content.rate, composer.media, composer.takes, composer.lost, {})
        self.transitions = {transition.key: transition for transition in content.transitions}
        self.written: set[str] = set()
        self.impossible = _impossible(content)
        self.duration = max((_end(part) for part in content.tracks), default=0)
        self._markers: dict[str | None, list[Marker]] = {}
        self._of_tracks: dict[str, list[Marker]] = {}
        ids = {part.track.id for part in content.tracks}
        for marker in content.markers:
            track = kept(marker.foreign).get("track") if marker.item is None else None
            if track in ids:
                self._of_tracks.setdefault(track, []).append(marker)
            else:
                self._markers.setdefault(marker.item, []).append(marker)

    def tracks(self) -> list[Json]:
        """Returns the children of the stack, tracks of unknown kinds back in their places."""
        found = [self._bare(part) or self.track(part) for part in self.content.tracks]
        for at, other in kept(self.content.foreign).get("others", ()):
            found.insert(at, other)
        for key in self.transitions.keys() - self.written:
            self.composer.lost("transition whose neighbours do not touch", key)
        return found

    def track(self, part: TrackContent) -> Json:
        """Returns a Track.1."""
        track = part.track
        kept_here = kept(track.foreign)
        marks = _in_their_order(self._of_tracks.get(track.id, []))
        return {
            "OTIO_SCHEMA": "Track.1",
            "metadata": metadata_of(_with_lock(track), _track_facts(track)),
            "name": track.name,
            "source_range": None,
            "effects": kept_here.get("effects", []),
            "markers": [self._marker(marker, self.rate, {}) for marker in marks],
            "enabled": track.enabled,
            "kind": "Audio" if track.kind == "audio" else "Video",
            **kept_here.get("fields", {}),
            "children": list(self._children(part)),
        }

    def markers_of(self, item: Item | None, ours: Json | None = None) -> list[Json]:
        found = self._markers.get(item.id if item else None)
        if not found:
            return []
        rate = (rate_of_source(item.source) if item else None) or self.rate
        return [self._marker(marker, rate, ours or {}) for marker in _in_their_order(found)]

    def _bare(self, part: TrackContent) -> Json | None:
        """Returns the item itself where the file had no track around it and there is still but one."""
        track = part.track
        alone = len(part.items) == 1 and not part.items[0].start and not isinstance(part.items[0].item.source, Gap)
        if not kept(track.foreign).get("bare") or not alone or track.name or not track.enabled or track.kind != "video":
            return None
        made = self._item(part.items[0].item)
        made["metadata"][OURS]["track"] = _track_facts(track)
        return made

    def _children(self, part: TrackContent) -> Iterator[Json]:
        """Yields items, the gaps between them and the transitions at their edges."""
        free = part.track.placement == "free"
        gaps = {gap["after"]: gap for gap in kept(part.track.foreign).get("gaps", ())}
        end, left = 0, None
        last: str | None = None
        for placed in part.items:
            item = placed.item
            start = placed.start if free and placed.start is not None else end
            clip = None if isinstance(item.source, Gap) else item.id
            if start > end or (last in gaps and gaps[last]["frames"] == 0):
                yield from self._fade(left, None)
                yield from self._gap(gaps.get(last), start - end)
                left = None
            yield from self._fade(left, clip)
            yield self._item(item)
            end, left, last = start + item.duration, clip, item.id
        yield from self._fade(left, None)
        pad = gaps.get(last)
        if pad is not None and pad.get("whole") == self.duration:
            yield from pad["verbatim"]

    def _gap(self, gap: Json | None, count: int) -> list[Json]:
        if gap is not None and gap["frames"] == count and "whole" not in gap:
            verbatim: list[Json] = gap["verbatim"]
            return verbatim
        return [_plain_gap(count, self.rate)]

    def _fade(self, left: str | None, right: str | None) -> Iterator[Json]:
        if (not self.transitions and not self.impossible) or (left is None and right is None):
            return
        key = transition_key(left, right)
        transition = self.transitions.get(key) or self.impossible.get(key)
        if transition is not None and key not in self.written:
            self.written.add(key)
            yield self._transition(transition)

    # -- objects

    def _item(self, item: Item) -> Json:
        kept_here = kept(item.foreign) if item.foreign else {}
        ours: Json = {"id": item.id}
        if item.link is not None:
            ours["link"] = item.link
        if item.speed.den != 1:
            ours |= exact_speed(item.speed)
        own = rate_of_source(item.source) or self.rate
        span = _verbatim(kept_here.get("range"), [item.source_in, item.duration, item.speed.num, item.speed.den])
        made: Json = {
            "OTIO_SCHEMA": "Clip.2",
            "metadata": {},
            "name": item.name,
            "source_range": range_json(first_of(item, self.rate), own, item.duration, self.rate)
            if span is _CHANGED
            else span,
            "effects": write_effects(item.effects, item.speed, kept_here.get("warps"), kept_here.get("idle")),
            "markers": self.markers_of(item) if self._markers else [],
            "enabled": item.enabled,
            **kept_here.get("fields", {}),
        }
        if isinstance(item.source, Gap):
            made["OTIO_SCHEMA"] = "Gap.1"
        elif not isinstance(item.source, Nested) or not self._nested(made, item, item.source, kept_here, ours):
            key, ref, more = write_reference(item, kept_here.get("reference", {}), self.references)
            key = kept_here.get("active", MAIN) if key == MAIN else key
            made["media_references"] = {**kept_here.get("references", {}), key: ref}
            made["active_media_reference_key"] = key
            ours |= more
        made["metadata"] = metadata_of(item.foreign, ours)
        return made

    def _nested(self, made: Json, item: Item, source: Nested, kept_here: Json, ours: Json) -> bool:
        """Makes the item a Stack.1 (or Track.1, as it was read); False when there is no such sequence."""
        composer = self.composer
        content = composer.nested(source.sequence) if source.sequence not in composer.open else None
        if content is None:
            return False
        composer.open = (*composer.open, source.sequence)
        inner = _Part(composer, content)
        single = kept_here.get("shape") == "Track" and len(content.tracks) == 1
        made["OTIO_SCHEMA"] = "Track.1" if single else "Stack.1"
        if single:
            made["kind"] = "Audio" if content.tracks[0].track.kind == "audio" else "Video"
            made["children"] = inner.track(content.tracks[0])["children"]
            ours["track"] = _track_facts(content.tracks[0].track)
        else:
            made["children"] = inner.tracks()
        made["markers"] = [*made["markers"], *inner.markers_of(None, {"of": "sequence"})]
        composer.open = composer.open[:-1]
        ours["sequence"] = source.sequence
        ours["nested"] = _about(content)
        own = None if content.rate == self.rate else content.rate
        if source != Nested(source.sequence, 0, inner.duration, own):
            ours["source"] = to_builtins(source)
        return True

    def _transition(self, transition: Transition) -> Json:
        kept_here = kept(transition.foreign)
        offsets = _verbatim(kept_here.get("offsets"), [transition.in_offset, transition.out_offset])
        if offsets is _CHANGED:
            offsets = [time_json(transition.in_offset, self.rate), time_json(transition.out_offset, self.rate)]
        return {
            "OTIO_SCHEMA": "Transition.1",
            "metadata": metadata_of(transition.foreign, {"id": transition.key}),
            "name": transition.name,
            "in_offset": offsets[0],
            "out_offset": offsets[1],
            "transition_type": "SMPTE_Dissolve" if transition.kind == "dissolve" else transition.kind,
            **kept_here.get("fields", {}),
        }

    def _marker(self, marker: Marker, rate: Rate, ours: Json) -> Json:
        kept_here = kept(marker.foreign)
        span = _verbatim(kept_here.get("range"), [marker.start, marker.duration])
        comment = _verbatim(kept_here.get("comment"), [marker.comment])
        foreign: Mapping[str, Any] = marker.foreign
        if comment is not _CHANGED:
            ours = {**ours, "note": True}
        elif "comment" in kept_here:
            foreign = _with_note(marker)
        return {
            "OTIO_SCHEMA": "Marker.2",
            "metadata": metadata_of(foreign, {"id": marker.id, **ours}),
            "name": marker.name,
            "color": marker.color,
            "marked_range": range_json(marker.start, rate, marker.duration, rate) if span is _CHANGED else span,
            "comment": marker.comment if comment is _CHANGED else comment,
            **kept_here.get("fields", {}),
        }


def _impossible(content: Content) -> dict[str, Transition]:
    """Returns the transitions that a file had and the model refuses."""
    kept_ones = (
        row
        for part in content.tracks
        for p in part.items
        if p.item.foreign and KEEP in p.item.foreign
        for row in kept(p.item.foreign).get("impossible", ())
    )
    return {transition.key: transition for transition in (convert(row, Transition) for row in kept_ones)}


def _track_facts(track: Track) -> Json:
    """Returns what our metadata says about a track."""
    ours: Json = {"id": track.id, "placement": track.placement}
    return (
        {**ours, "locked": track.locked, "sync_lock": track.sync_lock} if track.locked or not track.sync_lock else ours
    )


def _in_their_order(markers: list[Marker]) -> list[Marker]:
    return sorted(markers, key=lambda marker: (kept(marker.foreign).get("order", 0), marker.start))


def _about(content: Content) -> Json:
    """Returns what a nested stack has no field for."""
    about: Json = {
        "name": content.name,
        "rate": [content.rate.num, content.rate.den],
        "drop_frame": content.drop_frame,
        "start_frame": content.start_frame,
        "resolution": [content.resolution.width, content.resolution.height],
    }
    foreign = {key: value for key, value in content.foreign.items() if key != "genlock.otio"}
    return {**about, "foreign": foreign} if foreign else about


def _with_lock(track: Track) -> Mapping[str, Any]:
    """Returns the track's foreign metadata with Resolve's own lock flag as the track has it now."""
    resolve = track.foreign.get("Resolve_OTIO")
    if not isinstance(resolve, dict) or resolve.get("Locked") in (None, track.locked):
        return track.foreign
    return {**track.foreign, "Resolve_OTIO": {**resolve, "Locked": track.locked}}


def _with_note(marker: Marker) -> Mapping[str, Any]:
    """Returns the marker's foreign metadata with Resolve's own note as the comment is now."""
    resolve = marker.foreign.get("Resolve_OTIO")
    return {**marker.foreign, "Resolve_OTIO": {**(resolve or {}), "Note": marker.comment}}


def _plain_gap(count: int, rate: Rate) -> Json:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": range_json(0, rate, count, rate),
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _end(part: TrackContent) -> int:
    if part.track.placement == "magnetic":
        return sum(placed.item.duration for placed in part.items)
    return _last_end(part.items[-1]) if part.items else 0


def _last_end(placed: Placed) -> int:
    return (placed.start or 0) + placed.item.duration
