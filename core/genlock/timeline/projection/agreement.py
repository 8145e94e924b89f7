"""The proof at run time: a cut, as the format would give it back, says what the returned file says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from genlock.timeline.events import Content
from genlock.timeline.model import Item, Marker, Track, Transition
from genlock.timeline.profiles import Feature, Profile
from genlock.timeline.projection.registers import Registers, Same
from genlock.timeline.projection.stripping import levelled, project
from genlock.timeline.projection.table import alike, is_fade, same_effects
from genlock.timeline.rate import Speed
from genlock.timeline.timecode import to_timecode

MOST: Final = 20
"""Sentences at most."""

_SEQUENCE: Final[tuple[tuple[str, Feature, str], ...]] = (
    ("name", "sequence.name", "name"),
    ("start_frame", "sequence.start", "start frame"),
    ("drop_frame", "sequence.drop_frame", "drop-frame counting"),
    ("resolution", "sequence.resolution", "picture size"),
    ("foreign", "sequence.foreign", "metadata"),
)
_TRACK: Final[tuple[tuple[str, Feature, str], ...]] = (
    ("name", "track.name", "name"),
    ("enabled", "track.enabled", "switch"),
    ("locked", "track.locked", "lock"),
    ("sync_lock", "track.sync_lock", "sync lock"),
    ("foreign", "track.foreign", "metadata"),
)
_ITEM: Final[tuple[tuple[str, Feature, str], ...]] = (
    ("name", "item.name", "name"),
    ("enabled", "item.enabled", "switch"),
    ("effects", "item.effects", "effects"),
    ("foreign", "item.foreign", "metadata"),
)
_MARKER: Final[tuple[tuple[str, Feature | None, str], ...]] = (
    ("item", None, "clip"),
    ("start", None, "place"),
    ("name", "marker.name", "name"),
    ("duration", "marker.duration", "length"),
    ("color", "marker.color", "colour"),
    ("comment", "marker.comment", "comment"),
    ("foreign", "marker.foreign", "metadata"),
)
_TRANSITION: Final[tuple[tuple[str, Feature, str], ...]] = (
    ("kind", "transition.kind", "kind"),
    ("name", "transition.name", "name"),
    ("foreign", "transition.foreign", "metadata"),
)


def disagreements(content: Content, returned: Content, profile: Profile, *, same: Same) -> tuple[str, ...]:
    """Returns a sentence for each thing that a file of the cut would say otherwise than the returned one, 20 at most.

    Ids mean the same in both, except those of gaps. Empty is the proof that nothing the file says was passed over.
    """
    return tuple(islice(_Agreement(content, returned, profile, same).sentences(), MOST))


class _Agreement:
    def __init__(self, content: Content, returned: Content, profile: Profile, same: Same) -> None:
        kept = {part.track.id for part in returned.tracks}
        self.here = levelled(project(content, profile, keep=kept))
        self.there = levelled(project(returned, profile, keep=kept))
        self.profile = profile
        self.registers = Registers(profile, content.rate, same)
        self.whole = _items(content)
        self.whole_there = _items(returned)

    def sentences(self) -> Iterator[str]:
        if self.here.rate != self.there.rate:
            yield f"The sequence runs at {self.here.rate} here and at {self.there.rate} in the file."
            return
        yield from self._differ("The sequence", self.here, self.there, _SEQUENCE)
        yield from self._tracks()
        yield from self._items()
        yield from self._links()
        yield from self._transitions()
        yield from self._markers()

    def _differ(
        self, what: str, one: Any, two: Any, fields: Iterable[tuple[str, Feature | None, str]]
    ) -> Iterator[str]:
        if one is two:
            return
        for name, feature, word in fields:
            here, there = getattr(one, name), getattr(two, name)
            if (name == "foreign" and alike(here, there)) or (name == "effects" and same_effects(here, there)):
                continue
            if here != there and (feature is None or self.profile.has(feature)):
                short = (
                    f": {here!r:.40} here and {there!r:.40} in the file" if name not in ("foreign", "effects") else ""
                )
                yield f"{what} has another {word}{short}."

    def _tracks(self) -> Iterator[str]:
        one = {part.track.id: part.track for part in self.here.tracks}
        two = {part.track.id: part.track for part in self.there.tracks}
        yield from _only(one, two, lambda track: f"The track {_called(track)}")
        for id_ in filter(two.__contains__, one):
            yield from self._differ(f"The track {_called(one[id_])}", one[id_], two[id_], _TRACK)
        for kind in ("video", "audio"):
            order = [[id_ for id_, track in tracks.items() if track.kind == kind] for tracks in (one, two)]
            if order[0] != order[1] and sorted(order[0]) == sorted(order[1]):
                yield f"The {kind} tracks have another order."

    def _items(self) -> Iterator[str]:
        one, two = _placed(self.here), _placed(self.there)
        yield from _only(one, two, lambda row: self._called(row[0]))
        for id_, (item, track, start) in one.items():
            other = two.get(id_)
            if other is None or (track == other[1] and start == other[2] and item == other[0]):
                continue
            if track != other[1]:
                yield f"{self._called(item)} lies on another track in the file."
            elif start != other[2]:
                yield f"{self._called(item)} starts at {self._at(start)} here and at {self._at(other[2])} in the file."
            yield from self._item(item, other[0])

    def _item(self, one: Item, two: Item) -> Iterator[str]:
        name = self._called(one)
        if one.duration != two.duration:
            yield f"{name} is {one.duration} frames long here and {two.duration} in the file."
        if not self.registers.keeps_source(self.whole[one.id].source, self.whole_there[two.id].source):
            yield f"{name} shows other media in the file."
        elif self.registers.tells_frames(one, two):
            if not self.registers.close(one.speed, two.speed):
                yield f"{name} runs at {_speed(one.speed)} here and {_speed(two.speed)} in the file."
            elif not self.registers.shows_alike(one, two):
                yield f"{name} shows other frames: from {one.source_in} here and from {two.source_in} in the file."
        yield from self._differ(name, one, two, _ITEM)

    def _links(self) -> Iterator[str]:
        if not self.profile.has("item.link"):
            return
        both = _items(self.here).keys() & _items(self.there).keys()
        one, two = _groups(self.here, both), _groups(self.there, both)
        for id_ in sorted(one.keys() | two.keys()):
            if one.get(id_) != two.get(id_):
                yield f"{self._called(self.whole[id_])} is linked otherwise in the file."

    def _transitions(self) -> Iterator[str]:
        one = {transition.key: transition for transition in self.here.transitions}
        two = {transition.key: transition for transition in self.there.transitions}
        yield from _only(one, two, self._transition)
        for key in filter(two.__contains__, one):
            here, there = one[key], two[key]
            if (here.in_offset, here.out_offset) != (there.in_offset, there.out_offset):
                lengths = f"{here.in_offset}+{here.out_offset} frames here and {there.in_offset}+{there.out_offset}"
                yield f"{self._transition(here)} has {lengths} in the file."
            yield from self._differ(self._transition(here), here, there, _TRANSITION)

    def _markers(self) -> Iterator[str]:
        one = {marker.id: marker for marker in self.here.markers}
        two = {marker.id: marker for marker in self.there.markers}
        yield from _only(one, two, _marker)
        for id_ in filter(two.__contains__, one):
            here, there = one[id_], two[id_]
            if there.item in self.whole and there.item in self.whole_there:
                source, other = self.whole[there.item].source, self.whole_there[there.item].source
                there = self.registers.recounted(there, here, source, other)
            yield from self._differ(_marker(here), here, there, _MARKER)

    def _called(self, item: Item) -> str:
        whole = self.whole.get(item.id, item)
        return repr(whole.name or item.name or item.id)

    def _at(self, frame: int | None) -> str:
        return to_timecode(self.here.start_frame + (frame or 0), self.here.rate, self.here.drop_frame)

    def _transition(self, it: Transition) -> str:
        names = [self._called(self.whole[id_]) for id_ in (it.left, it.right) if id_ in self.whole]
        return f"The {'fade at' if is_fade(it) else 'transition between'} {' and '.join(names) or it.key}"


def _only(one: dict[str, Any], two: dict[str, Any], called: Any) -> Iterator[str]:
    for id_, thing in one.items():
        if id_ not in two:
            yield f"{called(thing)} is not in the file."
    for id_, thing in two.items():
        if id_ not in one:
            yield f"{called(thing)} is only in the file."


def _items(content: Content) -> dict[str, Item]:
    return {placed.item.id: placed.item for part in content.tracks for placed in part.items}


def _placed(content: Content) -> dict[str, tuple[Item, str, int | None]]:
    return {p.item.id: (p.item, part.track.id, p.start) for part in content.tracks for p in part.items}


def _groups(content: Content, both: Iterable[str]) -> dict[str, frozenset[str]]:
    """Returns, for each linked item of both cuts, whom it is linked with there; groups of one are none."""
    items = _items(content)
    members: dict[str, set[str]] = {}
    for id_ in both:
        if (link := items[id_].link) is not None:
            members.setdefault(link, set()).add(id_)
    return {id_: frozenset(group) for group in members.values() if len(group) > 1 for id_ in group}


def _called(track: Track) -> str:
    return repr(track.name or track.id)


def _marker(marker: Marker) -> str:
    return f"The marker {marker.name or marker.id!r}"


def _speed(speed: Speed) -> str:
    return f"{float(speed.fraction) * 100:g} %"
