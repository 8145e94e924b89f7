"""One attempt at the merged cut, without what is known not to fit."""

from __future__ import annotations

from collections.abc import Mapping

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.lane import Lane
from genlock.timeline.merge.free import merge_free
from genlock.timeline.merge.magnetic import END, Holes, Spaced, merge_magnetic, rooms
from genlock.timeline.merge.marks import Marks
from genlock.timeline.merge.surveys import rows, same_lane
from genlock.timeline.merge.things import Things
from genlock.timeline.merge.tracks import Tracks
from genlock.timeline.merge.values import Found, Veto, Vetoes
from genlock.timeline.model import Item
from genlock.timeline.sequence import Sequence


class Attempt(Struct, frozen=True):
    """The cut as it would be (its look-up tables are those of ours), what was found on the way, and what has no room: with
    any of that the cut is not to be used."""

    target: Sequence
    found: tuple[Found, ...]
    vetoes: Vetoes


class Sides(Struct, frozen=True):
    """What a merge is made from."""

    base: Sequence
    ours: Sequence
    theirs: Sequence
    unsure: Mapping[str, tuple[str, ...]] = {}
    seed: str = ""


def attempt(
    sides: Sides,
    vetoes: Vetoes,
    *,
    opened: frozenset[str] = frozenset(),
    yielding: frozenset[str] = frozenset(),
) -> Attempt:
    """Returns the merged cut without what `vetoes` name."""
    base, ours, theirs = sides.base, sides.ours, sides.theirs
    tracks = Tracks(base, ours, theirs, vetoes, opened=opened, yielding=yielding)
    things = Things(
        base, ours, theirs, shut=frozenset(tracks.shut), yielding=yielding, vetoes=vetoes, unsure=sides.unsure
    )
    things.decide()
    work = _Assembly(sides, tracks, things)
    work.lanes()
    items = work.items()
    marks = Marks(base, ours, theirs, items, vetoes)
    settings = marks.settings()
    transitions = marks.transitions(tracks.shut)
    markers = marks.markers()
    target = replace(
        ours,
        order=tracks.order,
        tracks=ours.tracks.update({id_: value for id_, value in tracks.values.items() if id_ not in tracks.gone}),
        lanes=ours.lanes.update(work.made),
        items=items,
        transitions=transitions,
        markers=markers,
        **settings,
    )
    for id_ in tracks.gone:
        target = replace(target, tracks=target.tracks.delete(id_), lanes=target.lanes.delete(id_))
    return Attempt(target, (*tracks.found, *things.found.values(), *marks.found), work.vetoes)


class _Assembly:
    """Puts lanes and items together."""

    def __init__(self, sides: Sides, tracks: Tracks, things: Things) -> None:
        self.base, self.ours, self.theirs = sides.base, sides.ours, sides.theirs
        self.made: dict[str, Lane] = {}
        self.vetoes: Vetoes = {}
        self._seed = sides.seed
        self._tracks = tracks
        self._things = things
        self._gaps: dict[str, Item] = {}
        old = self.ours.items
        self._resized = {
            self.ours.home[id_]
            for id_, item in things.values.items()
            if id_ in old and item.duration != old[id_].duration
        }

    def lanes(self) -> None:
        for id_ in self._tracks.gone:
            self._leave(id_)
        for id_ in self._tracks.order:
            if id_ in self._tracks.shut:
                continue
            lane = self._lane(id_)
            if lane is not self.ours.lanes.get(id_):
                self.made[id_] = lane

    def _leave(self, track: str) -> None:
        """Keeps a track that theirs removed, when something of ours cannot leave it."""
        for slot in rows(self.ours, track):
            if slot.id not in self._things.gone and slot.id not in self._things.placed:
                self.vetoes[Veto("track", track)] = "track_removed"

    def _lane(self, track: str) -> Lane:
        ours, theirs = self.ours.lanes.get(track), self.theirs.lanes.get(track)
        base = self.base.lanes.get(track)
        magnetic = self._tracks.values[track].placement == "magnetic"
        changed = self._tracks.values[track].placement != getattr(self.ours.tracks.get(track), "placement", "")
        if (
            ours is not None
            and not changed
            and track not in self._resized
            and (theirs is None or same_lane(base, theirs))
        ):
            return ours
        if theirs is not None and (ours is None or same_lane(base, ours)) and self._as_theirs(track):
            if not magnetic:
                return Lane.of(rows(self.theirs, track))
            room = rooms(self.theirs, track)
            return self._filled(
                track, [*(Spaced(s.id, room[s.id]) for s in rows(self.theirs, track)), Spaced(END, room[END])]
            )
        if magnetic:
            return self._filled(track, merge_magnetic(self._things, track))
        found: Vetoes = {}
        lane = merge_free(self._things, track, found)
        self.vetoes.update(found)
        return lane

    def _as_theirs(self, track: str) -> bool:
        """Returns whether a track that ours left alone is just as theirs has it."""
        things = self._things
        here = {slot.id for slot in things.rows(self.ours, track)}
        stay = {id_ for id_ in here if id_ not in things.gone and things.placed.get(id_, track) == track}
        there = things.rows(self.theirs, track)
        brought = {id_ for id_, home in things.placed.items() if home == track}
        if stay | brought != {slot.id for slot in things.rows(self.theirs, track)}:
            return False
        if any(veto.track == track for veto in things.vetoes):
            return False
        moved = {id_ for id_ in stay if id_ not in brought and things.moved(self.theirs, id_)}
        return not moved and all(self._duration(slot.id) == slot.duration for slot in there)

    def _duration(self, id_: str) -> int:
        item = self._things.values.get(id_)
        return (item if item is not None else self.ours.items[id_]).duration

    def _filled(self, track: str, entries: list[Spaced]) -> Lane:
        durations = {id_: self._duration(id_) for id_, _ in entries if id_ != END}
        lane, gaps = Holes(self._things, track, self._seed).lane(entries, durations)
        self._gaps.update(gaps)
        ours = self.ours.lanes.get(track)
        return ours if ours is not None and ours == lane else lane

    def items(self) -> Map[str, Item]:
        """Returns the items of the merged cut."""
        things = self._things
        changed = {**things.values, **self._gaps}
        kept = {id_ for lane in self.made.values() for id_ in lane.ids()}
        gone = set(things.gone)
        for track in [*self.made, *self._tracks.gone]:
            if track in self.ours.lanes:
                for id_ in self.ours.lanes[track].ids():
                    if id_ not in kept and id_ not in things.placed:
                        gone.add(id_)
        if not changed and not gone:
            return self.ours.items
        items = self.ours.items.mutate()
        for id_, item in changed.items():
            if items.get(id_) is not item:
                items[id_] = item
        for id_ in gone:
            if id_ in items and id_ not in kept:
                del items[id_]
        return items.finish()
