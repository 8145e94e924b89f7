"""A cut as a format would give it back, and the list of what goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Gap, Item, Kind, Track
from genlock.timeline.profiles import Feature, Profile
from genlock.timeline.projection.table import MARKER, SEQUENCE, TRACK, TRANSITION, Lost, Row, item_rows, lacking
from genlock.timeline.rate import Rate

NAMES: Final = 10
"""Names kept of each kind of loss."""

T = TypeVar("T")

_KINDS: Final[tuple[tuple[Kind, Feature], ...]] = (("video", "track.video"), ("audio", "track.audio"))


def project(content: Content, profile: Profile, *, keep: Collection[str] = ()) -> Content:
    """Returns the cut as a file of the format would give it back, ids apart.

    What the profile does not carry has the value a reader makes up. Sources stay what they are even where the format
    does not know shots or paths: whether two sources are the same is the caller's to say. Where the format tells no
    placements all tracks are free and Gap items are room. Where a file holds only some tracks of a kind, those in `keep`
    come first, then the lowest. Costs O(n).
    """
    return _Stripping(content, profile, keep, counting=False).content


def losses(content: Content, profile: Profile) -> tuple[Lost, ...]:
    """Returns what a file of the format would lose: empty if, and only if, `project` changes nothing but placements."""
    return tuple(_Stripping(content, profile, (), counting=True).losses())


def levelled(content: Content) -> Content:
    """Returns the cut without what only places things: all tracks free and in sync, Gap items (and their markers)
    gone."""
    gaps: set[str] = set()
    tracks = tuple(_synced(_levelled(part, gaps)) for part in content.tracks)
    markers = content.markers
    if gaps:
        markers = tuple(marker for marker in markers if marker.item not in gaps)
    return replace(content, tracks=tracks, markers=markers)


def tells_placement(profile: Profile) -> bool:
    """Returns whether a file says which tracks are magnetic. (Where items leave empty room it cannot be believed.)"""
    return profile.has("track.placement") and profile.placeholders


def stripped(thing: T, rows: Iterable[Row], rate: Rate) -> T | None:
    """Returns what is left of a thing, itself when nothing goes; None when it goes as a whole."""
    left: Any = thing
    for row in rows:
        if row.has(left):
            left = row.strip(left, rate)
            if left is None:
                return None
    return left  # type: ignore[no-any-return]


def untold_tracks(content: Content, profile: Profile, keep: Collection[str] = ()) -> dict[str, Feature]:
    """Returns the tracks that one file of the format has no room for, with the feature it lacks."""
    found: dict[str, Feature] = {}
    limits = {"video": profile.video_tracks, "audio": profile.audio_tracks}
    for kind, feature in _KINDS:
        ids = [part.track.id for part in content.tracks if part.track.kind == kind]
        limit = limits[kind] if profile.has(feature) else 0
        if limit is None:
            continue
        first = sorted(ids, key=lambda id_: id_ not in keep)[:limit]
        found |= dict.fromkeys((id_ for id_ in ids if id_ not in first), feature)
    return found


class _Stripping:
    """One walk over a cut: what stays and what goes."""

    def __init__(self, content: Content, profile: Profile, keep: Collection[str], *, counting: bool) -> None:
        self.profile = profile
        self.counting = counting
        self.rate = content.rate
        self._lost: dict[Feature, tuple[Row | str, int, list[str]]] = {}
        self._names: dict[str, str] = {}
        self._gone: set[str] = set()
        self.content = self._content(content, keep)

    def losses(self) -> Iterable[Lost]:
        for feature, (row, count, names) in self._lost.items():
            what = row if isinstance(row, str) else row.one if count == 1 else row.many
            yield Lost(feature, what, count, tuple(names))

    def _content(self, content: Content, keep: Collection[str]) -> Content:
        tracks = self._tracks(content, keep)
        gone = self._gone
        transitions, markers = content.transitions, content.markers
        if gone:
            transitions = tuple(t for t in transitions if t.left not in gone and t.right not in gone)
            markers = tuple(m for m in markers if m.item not in gone)
        left = self._strip(content, lacking(SEQUENCE, self.profile), content.name)
        assert left is not None
        return replace(
            left,
            tracks=tracks,
            transitions=self._each(transitions, TRANSITION, lambda t: self._name(t.right or t.left)),
            markers=self._each(markers, MARKER, lambda m: m.name or self._name(m.item)),
        )

    def _tracks(self, content: Content, keep: Collection[str]) -> tuple[TrackContent, ...]:
        untold = untold_tracks(content, self.profile, keep)
        level = not tells_placement(self.profile)
        found = []
        going: dict[Feature, list[TrackContent]] = {}
        for part in content.tracks:
            if part.track.id in untold:
                going.setdefault(untold[part.track.id], []).append(part)
                self._gone.update(placed.item.id for placed in part.items)
            elif (left := self._track(_levelled(part, self._gone) if level else part)) is not None:
                found.append(left)
        for feature, parts in going.items():
            self._lost_tracks(feature, parts)
        return tuple(found)

    def _track(self, part: TrackContent) -> TrackContent | None:
        rows = item_rows(self.profile)
        items = []
        for placed in part.items:
            item = placed.item
            self._names[item.id] = item.name
            left = self._strip(item, rows, item.name or item.id) if rows else item
            if left is None:
                self._gone.add(item.id)
            else:
                items.append(placed if left is item else Placed(left, placed.start))
        if not self.profile.has("track.empty") and not any(not isinstance(p.item.source, Gap) for p in items):
            self._note(_EMPTY, _called(part.track))
            self._gone.update(placed.item.id for placed in items)
            return None
        track = self._strip(part.track, lacking(TRACK, self.profile), _called(part.track))
        assert track is not None
        if not track.sync_lock and not self.profile.has("track.sync_lock"):
            track = replace(track, sync_lock=True)
        return TrackContent(track, tuple(items))

    def _each(self, things: tuple[T, ...], rows: tuple[Row, ...], name: Any) -> tuple[T, ...]:
        rows = lacking(rows, self.profile)
        if not rows:
            return things
        left = (self._strip(thing, rows, name(thing)) for thing in things)
        return tuple(thing for thing in left if thing is not None)

    def _strip(self, thing: T, rows: tuple[Row, ...], name: str) -> T | None:
        left: Any = thing
        for row in rows:
            if row.has(left):
                if self.counting:
                    self._note(row, name)
                left = row.strip(left, self.rate)
                if left is None:
                    return None
        return left  # type: ignore[no-any-return]

    def _note(self, row: Row, name: str) -> None:
        _, count, names = self._lost.get(row.feature, (row, 0, []))
        if len(names) < NAMES:
            names.append(name)
        self._lost[row.feature] = (row, count + 1, names)

    def _lost_tracks(self, feature: Feature, parts: list[TrackContent]) -> None:
        clips = sum(not isinstance(placed.item.source, Gap) for part in parts for placed in part.items)
        kind = parts[0].track.kind
        what = f"{kind} track{'s' * (len(parts) > 1)} with {clips} clip{'s' * (clips != 1)}"
        self._lost[feature] = (what, len(parts), [_called(part.track) for part in parts][:NAMES])

    def _name(self, item: str | None) -> str:
        return self._names.get(item or "") or item or "the sequence"


_EMPTY: Final = Row("track.empty", "empty track", "empty tracks", lambda _: True, lambda _, __: None)


def _called(track: Track) -> str:
    return track.name or track.kind


def _synced(part: TrackContent) -> TrackContent:
    return part if part.track.sync_lock else replace(part, track=replace(part.track, sync_lock=True))


def _levelled(part: TrackContent, gaps: set[str]) -> TrackContent:
    """Returns the track as a free one; adds the ids of its Gap items."""
    track = part.track
    if track.placement == "free":
        return part
    items: list[Placed] = []
    cursor = 0
    for placed in part.items:
        item: Item = placed.item
        if isinstance(item.source, Gap):
            gaps.add(item.id)
        else:
            items.append(Placed(item, cursor))
        cursor += item.duration
    return TrackContent(replace(track, placement="free"), tuple(items))
