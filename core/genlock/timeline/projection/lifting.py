"""A returned cut with everything put back that its format could not tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Gap, Item, Marker, Track, Transition, available_range, source_frame
from genlock.timeline.profiles import Feature, Profile
from genlock.timeline.projection.registers import Registers, Same
from genlock.timeline.projection.rows import free, laid, magnetic
from genlock.timeline.projection.stripping import project, stripped, tells_placement
from genlock.timeline.projection.table import MARKER, SEQUENCE, TRACK, TRANSITION, Row, alike, is_fade, lacking
from genlock.timeline.rate import Rate

T = TypeVar("T", Content, Track, Transition, Marker)

_Fields = tuple[tuple[str, Feature | None], ...]
"""Fields with the features they ride on; None: always told."""

_SEQUENCE: Final[_Fields] = (
    ("name", "sequence.name"),
    ("start_frame", "sequence.start"),
    ("drop_frame", "sequence.drop_frame"),
    ("resolution", "sequence.resolution"),
    ("foreign", "sequence.foreign"),
)
_TRACK: Final[_Fields] = (
    ("name", "track.name"),
    ("enabled", "track.enabled"),
    ("locked", "track.locked"),
    ("sync_lock", "track.sync_lock"),
    ("foreign", "track.foreign"),
)
_TRANSITION: Final[_Fields] = (
    ("kind", "transition.kind"),
    ("name", "transition.name"),
    ("foreign", "transition.foreign"),
)
_MARKER: Final[_Fields] = (
    ("item", None),
    ("start", None),
    ("name", "marker.name"),
    ("duration", "marker.duration"),
    ("color", "marker.color"),
    ("comment", "marker.comment"),
    ("foreign", "marker.foreign"),
)


def lift(
    base: Content,
    returned: Content,
    profile: Profile,
    *,
    same: Same,
    origins: Mapping[str, str] = {},
) -> Content:
    """Returns the returned cut with the values of `base`, the cut that was written, where the format cannot tell them.

    Ids mean the same in both. A value that the format carries and that came back as `project(base, profile)` has it is
    base's exact one, else it is the returned one; what the format has no word for comes back with the item, track or
    place it belonged to. `same` says whether a source of base and one that was read show the same file. `origins` (id of
    a new item -> id of base's) names what new items were split off or copied from. `lift(base, project(base, p), p)` is
    `base`. Costs O(n).
    """
    return _Lift(base, returned, profile, same, origins).content()


class _Lift:
    def __init__(
        self, base: Content, returned: Content, profile: Profile, same: Same, origins: Mapping[str, str]
    ) -> None:
        self.base = base
        self.returned = returned
        self.profile = profile
        self.rate = base.rate
        self.registers = Registers(profile, base.rate, same)
        self.old = {placed.item.id: placed.item for part in base.tracks for placed in part.items}
        self.sources = {placed.item.id: placed.item.source for part in returned.tracks for placed in part.items}
        self.parts = {part.track.id: part for part in base.tracks}
        self.projected = project(base, profile, keep={part.track.id for part in returned.tracks})
        self.told = {placed.item.id: placed.item for part in self.projected.tracks for placed in part.items}
        self.origins = origins
        self.links = profile.has("item.link")
        self.groups = self._groups()

    def content(self) -> Content:
        tracks = self._tracks()
        seen = _There(tracks)
        return replace(
            self._patched(self.base, self.returned, SEQUENCE, _SEQUENCE),
            tracks=tracks,
            transitions=self._transitions(seen),
            markers=self._markers(seen),
        )

    # -- tracks

    def _tracks(self) -> tuple[TrackContent, ...]:
        made = {part.track.id: self._track(part) for part in self.returned.tracks}
        for part in self.base.tracks:
            if part.track.id not in made and (missing := self._missing(part)) is not None:
                made[part.track.id] = missing
        return tuple(made[id_] for id_ in self._order(made))

    def _track(self, part: TrackContent) -> TrackContent:
        old = self.parts.get(part.track.id)
        items = [Placed(self._item(placed.item), placed.start) for placed in part.items]
        if old is None:
            return TrackContent(part.track, tuple(items))
        track = self._patched(old.track, part.track, TRACK, _TRACK)
        if tells_placement(self.profile):
            track = replace(track, placement=part.track.placement)
            return TrackContent(track, tuple(items))
        fills = {placed.item.id for placed in old.items if self._fills(placed.item)}
        row = laid(items)
        placed = magnetic(old, row, fills) if track.placement == "magnetic" else free(old, row, fills)
        return TrackContent(track, placed)

    def _fills(self, item: Item) -> bool:
        """Returns whether the file shows empty room where the item is."""
        return item.id not in self.told and item.id not in self.sources and not isinstance(item.source, Gap)

    def _missing(self, part: TrackContent) -> TrackContent | None:
        """Returns a track that the file does not have; None when it would, had nobody removed it."""
        if part.track.id not in {p.track.id for p in self.projected.tracks}:
            return self._without(part, self.sources)
        if self.profile.has("track.empty"):
            return None
        fills = {placed.item.id for placed in part.items if self._fills(placed.item)}
        return self._without(part, {placed.item.id for placed in part.items} - fills)

    def _without(self, part: TrackContent, gone: Container[str]) -> TrackContent:
        items = tuple(placed for placed in part.items if placed.item.id not in gone)
        return part if len(items) == len(part.items) else TrackContent(part.track, items)

    def _order(self, made: Mapping[str, TrackContent]) -> list[str]:
        """Returns the tracks in base's order, those of a kind as the file has them, new ones above the one they are
        above in the file."""
        wanted: dict[str, list[str]] = {}
        for part in self.returned.tracks:
            wanted.setdefault(made[part.track.id].track.kind, []).append(part.track.id)
        stay = [part for part in self.base.tracks if part.track.id in made]
        turns = {kind: iter([id_ for id_ in ids if id_ in self.parts]) for kind, ids in wanted.items()}
        told = {part.track.id for part in self.returned.tracks}
        order = [next(turns[p.track.kind]) if p.track.id in told else p.track.id for p in stay]
        for kind, ids in wanted.items():
            below: str | None = None
            for id_ in ids:
                if id_ not in self.parts:
                    order.insert(self._above(order, below, kind, made), id_)
                below = id_
        return order

    def _above(self, order: list[str], below: str | None, kind: str, made: Mapping[str, TrackContent]) -> int:
        if below is not None:
            return order.index(below) + 1
        first = next((n for n, id_ in enumerate(order) if made[id_].track.kind == kind), None)
        if first is not None:
            return first
        return 0 if kind == "video" else len(order)

    # -- items

    def _item(self, new: Item) -> Item:
        old = self.old.get(new.id)
        if old is None:
            return self._new(new)
        told = self.told.get(new.id)
        if told is None:
            told = self.registers.told(old)
        if self.links and new.link is not old.link:
            link = self._link(old, new)
            new = new if link == new.link else replace(new, link=link)
        if new == told:
            return old
        if not self.links and new.link != old.link:
            new = replace(new, link=old.link)
        return self.registers.lifted(old, told, new)

    def _new(self, new: Item) -> Item:
        """Returns an item that base has not; as a piece or copy of one it has, it keeps what the file cannot tell."""
        if new.link is not None and new.link in self.groups:
            new = replace(new, link=self.groups[new.link])
        origin = self.old.get(self.origins.get(new.id, ""))
        if origin is None or isinstance(origin.source, Gap) or isinstance(new.source, Gap):
            return new
        made = self.registers.lifted(origin, self.registers.told(origin), new)
        return replace(made, id=new.id, link=new.link, foreign=new.foreign)

    def _link(self, old: Item, new: Item) -> str | None:
        if new.link is None:
            return old.link if old.link is not None and self._alone(old.link) else None
        return self.groups.get(new.link, new.link)

    def _alone(self, link: str) -> bool:
        """Returns whether the file could not tell of the group: it has one member of it at most."""
        return self._members[link] < 2

    def _groups(self) -> dict[str, str]:
        """Returns the file's link groups by the names of base's that they continue."""
        self._members: Counter[str] = Counter()
        votes: dict[str, Counter[str]] = {}
        for part in self.returned.tracks:
            for placed in part.items:
                old = self.old.get(placed.item.id)
                if old is not None and old.link is not None:
                    self._members[old.link] += 1
                if placed.item.link is not None:
                    count = votes.setdefault(placed.item.link, Counter())
                    if old is not None and old.link is not None:
                        count[old.link] += 1
        taken: set[str] = set()
        found: dict[str, str] = {}
        links = {item.link for item in self.old.values()}
        for link, count in sorted(votes.items(), key=lambda vote: (-max(vote[1].values(), default=0), vote[0])):
            ranked = sorted(count.items(), key=lambda vote: (-vote[1], vote[0]))
            best = next((name for name, _ in ranked if name not in taken), "")
            name = best or (f"{link}.new" if link in links else link)
            taken.add(name)
            found[link] = name
        return found

    # -- transitions and markers

    def _transitions(self, there: _There) -> tuple[Transition, ...]:
        old = {transition.key: transition for transition in self.base.transitions}
        made: dict[str, Transition] = {}
        back = []
        for new in self.returned.transitions:
            was = old.get(new.key)
            made[new.key] = new if was is None else self._transition(was, new)
            if was is not None and self._only_centred(was, new):
                back.append(replace(made[new.key], in_offset=was.in_offset, out_offset=was.out_offset))
        told = {transition.key for transition in self.projected.transitions}
        back += [t for t in self.base.transitions if t.key not in told and t.key not in made]
        for transition in there.whole(back, made, self.rate):
            made[transition.key] = transition
        return tuple(made[key] for key in sorted(made))

    def _transition(self, old: Transition, new: Transition) -> Transition:
        made = self._patched(old, new, TRANSITION, _TRANSITION)
        if (old.in_offset, old.out_offset) == (new.in_offset, new.out_offset):
            return made
        return replace(made, in_offset=new.in_offset, out_offset=new.out_offset)

    def _only_centred(self, old: Transition, new: Transition) -> bool:
        """Returns whether the new one is as long as the old one, and the format centres it."""
        if self.profile.has("transition.asymmetric") or is_fade(new) or old.in_offset == new.in_offset:
            return False
        return old.in_offset + old.out_offset == new.in_offset + new.out_offset

    def _markers(self, there: _There) -> tuple[Marker, ...]:
        old = {marker.id: marker for marker in self.base.markers}
        made = {}
        for new in self.returned.markers:
            if new.item is not None and new.item not in there.items:
                continue
            was = old.get(new.id)
            if new.item is not None:
                new = self.registers.recounted(new, was, there.items[new.item].source, self.sources[new.item])
            made[new.id] = new if was is None else self._patched(was, new, MARKER, _MARKER)
        told = {marker.id for marker in self.projected.markers}
        for marker in self.base.markers:
            if marker.id not in told and marker.id not in made and (marker.item is None or marker.item in there.items):
                made[marker.id] = marker
        return tuple(sorted(made.values(), key=lambda m: (m.item or "", m.start, m.id)))

    def _patched(self, old: T, new: T, rows: tuple[Row, ...], fields: _Fields) -> T:
        """Returns the old thing with the fields that the file tells, and tells otherwise."""
        told = stripped(old, lacking(rows, self.profile), self.rate) or old
        values = {}
        for name, feature in fields:
            value = getattr(new, name)
            if name == "foreign" and alike(value, told.foreign):
                continue
            if (feature is None or self.profile.has(feature)) and value != getattr(told, name):
                values[name] = value
        return replace(old, **values) if values else old


class _There:
    """What lies where in the lifted cut."""

    def __init__(self, tracks: tuple[TrackContent, ...]) -> None:
        self.tracks = tracks
        self.items = {placed.item.id: placed.item for part in tracks for placed in part.items}

    def whole(self, back: list[Transition], made: Mapping[str, Transition], rate: Rate) -> Iterator[Transition]:
        """Yields those of the transitions whose neighbours touch, are long enough and have the frames."""
        if not back:
            return
        right_of, left_of = self._touching()
        heads = {t.right: t.out_offset for t in made.values() if t.right is not None}
        tails = {t.left: t.in_offset for t in made.values() if t.left is not None}
        for it in back:
            left, right = self.items.get(it.left or ""), self.items.get(it.right or "")
            if (left is None) != (it.left is None) or (right is None) != (it.right is None):
                continue
            if left is not None:
                fits = heads.get(left.id, 0) + it.in_offset <= left.duration and right_of.get(left.id) == it.right
                if not fits or not _exists(left, rate, 0, it.out_offset):
                    continue
            if right is not None:
                fits = tails.get(right.id, 0) + it.out_offset <= right.duration and left_of.get(right.id) == it.left
                if not fits or not _exists(right, rate, it.in_offset, 0):
                    continue
            if right is not None:
                heads[right.id] = it.out_offset
            if left is not None:
                tails[left.id] = it.in_offset
            yield it

    def _touching(self) -> tuple[dict[str, str], dict[str, str]]:
        right_of: dict[str, str] = {}
        left_of: dict[str, str] = {}
        for part in self.tracks:
            last: tuple[Item, int] | None = None
            cursor = 0
            for placed in part.items:
                start = cursor if placed.start is None else placed.start
                cursor = start + placed.item.duration
                if isinstance(placed.item.source, Gap):
                    last = None
                    continue
                if last is not None and last[1] == start:
                    right_of[last[0].id] = placed.item.id
                    left_of[placed.item.id] = last[0].id
                last = placed.item, cursor
        return right_of, left_of


def _exists(item: Item, rate: Rate, head: int, tail: int) -> bool:
    """Returns whether the media has `head` more sequence frames before the item and `tail` behind it."""
    available = available_range(item)
    if available is None:
        return True
    one, two = source_frame(item, rate, -head), source_frame(item, rate, item.duration - 1 + tail)
    return available[0] <= min(one, two) and max(one, two) < available[1]
