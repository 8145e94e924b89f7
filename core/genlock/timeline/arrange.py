"""A sequence as a host shows it: a version, and what the host changed in it, laid over it as absolute values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import pairwise
from operator import itemgetter
from typing import Any, Final, TypeVar

from immutables import Map
from msgspec import UNSET, Struct
from msgspec.structs import asdict, replace

from genlock.timeline.check import frames, in_place, new_violations, transition_at
from genlock.timeline.decision import Conflict, Refusal
from genlock.timeline.diff import diff
from genlock.timeline.laid import Arrangement, Laid
from genlock.timeline.lane import Lane, Slot
from genlock.timeline.layout import handles
from genlock.timeline.model import Gap, Generator, Item, Kind, Marker, Track, Transition
from genlock.timeline.rate import Speed
from genlock.timeline.sequence import Sequence

V = TypeVar("V")

ID_LENGTH: Final = 64
"""Characters of an id that a host makes, at most."""


def arrange(base: Sequence, arrangement: Arrangement, seed: str = "") -> Sequence | Refusal:
    """Returns `base` with what the host changed laid over it: a sound sequence, if base is one.

    Items lie where they are told to on magnetic tracks too, where Gap items hold the room between them: one before the
    same item as in base keeps its id, new ones get theirs from `seed`. With an item go its markers. A transition that is
    not in the arrangement is shortened, or goes, where it no longer fits; the one item left of a link group leaves it. A
    refusal names everything that stands against it, each with its id.
    """
    work = _Arranging(base, arrangement, seed)
    made = work.made()
    found = work.against or new_violations(base, diff(base, made), made)
    return Refusal(found[0].code, found[0].message, tuple(found)) if found else made


class _Arranging:
    """One arrangement laid over its base. What stands against it is collected in `against` and passed over."""

    def __init__(self, base: Sequence, arrangement: Arrangement, seed: str) -> None:
        self.base = base
        self.told = arrangement
        self.against: list[Conflict] = []
        self._seed = seed
        self._tracks = {id_: track for id_, track in base.tracks.items() if arrangement.tracks.get(id_, track)}
        self._items: dict[str, Item | None] = {}  # what is not as in base; None: gone
        self._places: dict[str, tuple[str, int]] = {}  # track and start of what is new, moved or of another length
        self._near: set[str] = set()  # items whose transitions may have lost their place

    def made(self) -> Sequence:
        """Returns the state, which is of no use when something stands against it."""
        self._lay_settings()
        self._lay_tracks()
        order = self._order()
        self._lay_items()
        lanes = self._lanes()
        links = self._links()
        gone = dict.fromkeys(id_ for id_, item in self._items.items() if item is None)
        state = replace(
            self.base,
            order=order,
            tracks=_with(self.base.tracks, {**dict.fromkeys(self.base.tracks), **self._tracks}),
            lanes=lanes,
            items=_with(self.base.items, self._items),
            home=_with(self.base.home, {**gone, **{id_: track for id_, (track, _) in self._places.items()}}),
            links=links,
            **_values(self.told.settings),
        )
        state = self._marked(state)
        return state if self.against else self._joined(state)

    def _refuse(self, code: str, id_: str, message: str) -> None:
        self.against.append(Conflict(code, id_, message))

    # -- settings and tracks

    def _lay_settings(self) -> None:
        told, base = self.told.settings, self.base
        if told.name is not UNSET and not told.name.strip():
            self._refuse("bad_name", base.id, "A sequence needs a name.")
        if told.drop_frame is True and not base.rate.drop_per_minute:
            sentence = f"Drop-frame timecode exists at 29.97 and 59.94 only, not at {base.rate}."
            self._refuse("bad_value", base.id, sentence)
        if told.start_frame is not UNSET and told.start_frame < 0:
            self._refuse("bad_value", base.id, "A start timecode cannot be negative.")
        if told.resolution is not UNSET and min(told.resolution.width, told.resolution.height) < 1:
            self._refuse("bad_value", base.id, "A picture needs one pixel at least each way.")

    def _lay_tracks(self) -> None:
        for id_, laid in self.told.tracks.items():
            old = self.base.tracks.get(id_)
            if laid is None:
                if old is None:
                    self._refuse("no_such_track", id_, f"There is no track {id_} in the sequence.")
                elif old.locked:
                    self._refuse("locked_track", id_, f"{old.name or id_} is locked.")
                continue
            values = _values(laid, "after")
            if old is None:
                if laid.kind is UNSET:
                    self._refuse("no_such_track", id_, f"There is no track {id_}, and a new one needs a kind.")
                    continue
                self._fresh(id_)
                old = Track(id_)
            elif values.get("kind", old.kind) != old.kind:
                self._refuse("wrong_track_kind", id_, f"{old.name or id_} is no {laid.kind} track.")
                continue
            elif old.locked and laid.locked is not False and values.get("placement", old.placement) != old.placement:
                self._refuse("locked_track", id_, f"{old.name or id_} is locked.")
            self._tracks[id_] = replace(old, **values)

    def _order(self) -> tuple[str, ...]:
        """Returns the tracks from the lowest on: those that say what they lie above go there, the others stay."""
        above = {
            id_: laid.after
            for id_, laid in self.told.tracks.items()
            if laid is not None and id_ in self._tracks and laid.after is not UNSET
        }
        order = [id_ for id_ in self.base.order if id_ in self._tracks and id_ not in above]
        for id_ in self._tracks:
            if id_ not in self.base.tracks and id_ not in above:
                order.insert(self._top(order, self._tracks[id_].kind), id_)
        upon: dict[str | None, list[str]] = {}
        for id_, after in above.items():
            upon.setdefault(after, []).append(id_)
        ready = [id_ for id_, after in above.items() if after is None or after in order]
        for id_ in ready:  # it grows: what lies on a track comes after it
            after = above.pop(id_)
            kind = self._tracks[id_].kind
            if after is not None and self._tracks[after].kind != kind:
                self._refuse("wrong_track_kind", id_, f"{self._tracks[after].name or after} is no {kind} track.")
            order.insert(self._bottom(order, kind) if after is None else order.index(after) + 1, id_)
            ready.extend(upon.get(id_, ()))
        if above:
            id_, after = next(iter(above.items()))
            self._refuse("no_such_track", id_, f"There is no track {after} that {id_} could lie above.")
        return tuple(order)

    def _top(self, order: list[str], kind: Kind) -> int:
        same = [at for at, id_ in enumerate(order) if self._tracks[id_].kind == kind]
        return same[-1] + 1 if same else len(order) if kind == "audio" else 0

    def _bottom(self, order: list[str], kind: Kind) -> int:
        same = [at for at, id_ in enumerate(order) if self._tracks[id_].kind == kind]
        return same[0] if same else self._top(order, kind)

    # -- items

    def _lay_items(self) -> None:
        for id_, laid in self.told.items.items():
            old = self.base.items.get(id_)
            if old is not None and isinstance(old.source, Gap):
                self._refuse("bad_value", id_, f"{id_} is a gap: where nothing lies, nothing is told.")
            elif laid is not None:
                self._lay(id_, old, laid)
            elif old is None:
                self._refuse("no_such_item", id_, f"There is no item {id_} in the sequence.")
            else:
                self._change(id_, self.base.home[id_], None)

    def _lay(self, id_: str, old: Item | None, laid: Laid) -> None:
        values = _values(laid, "track", "start")
        if old is None:
            missing = [n for n in ("track", "start", "duration", "source") if getattr(laid, n) is UNSET]
            if missing:
                needs = " and ".join(missing)
                self._refuse("no_such_item", id_, f"There is no item {id_}, and a new one needs {needs}.")
                return
            self._fresh(id_)
            first = getattr(values["source"], "first", 0)
            item, here = Item(id=id_, **{"source_in": first, **values}), ("", 0)
        else:
            item, here = replace(old, **values), (self.base.home[id_], self.base.slot(id_).start)
        item = self._sound(item)
        track = here[0] if laid.track is UNSET else laid.track
        start = here[1] if laid.start is UNSET else laid.start
        if track not in self._tracks:
            self._refuse("no_such_track", id_, f"There is no track {track} for {item.name or id_}.")
        elif start < 0:
            self._refuse("before_start", id_, f"{item.name or id_} would start at frame {start}.")
        elif item != old or (track, start) != here:
            self._change(id_, track, item)
            if old is None or old.duration != item.duration or (track, start) != here:
                self._places[id_] = (track, start)

    def _sound(self, item: Item) -> Item:
        """Returns the item with its speed reduced; refuses what no track can hold."""
        name, source = item.name or item.id, item.source
        if isinstance(source, Gap):
            self._refuse("bad_value", item.id, f"{name} shows a gap: where nothing lies, nothing is told.")
        elif not isinstance(source, Generator):
            if source.rate is not None and min(source.rate.num, source.rate.den) < 1:
                self._refuse("bad_rate", item.id, f"{source.rate.num}/{source.rate.den} is not a frame rate.")
            if source.frames is not None and source.frames < 0:
                self._refuse("bad_value", item.id, f"A source cannot have {source.frames} frames.")
        if item.duration < 1:
            self._refuse("too_short", item.id, f"{name} has {item.duration} frames; it needs at least one.")
        if item.speed.den < 1:
            speed = f"{item.speed.num}/{item.speed.den}"
            self._refuse("bad_value", item.id, f"{speed} is no speed: its denominator must be positive.")
            return item
        return replace(item, speed=Speed.of(item.speed.fraction))

    def _change(self, id_: str, track: str, item: Item | None) -> None:
        self._items[id_] = item
        self._near.add(id_)
        for home in dict.fromkeys((self.base.home.get(id_, track), track)):
            if self._shut(home):
                called = self.base.tracks[home].name or home
                self._refuse("locked_track", id_, f"{called} is locked, and {self._name(id_)} would change there.")

    def _shut(self, track: str) -> bool:
        """Returns whether a track was locked and stays so."""
        old, new = self.base.tracks.get(track), self._tracks.get(track)
        return old is not None and old.locked and new is not None and new.locked

    def _fresh(self, id_: str) -> None:
        if not id_ or len(id_) > ID_LENGTH or ">" in id_:
            self._refuse("bad_value", id_, f"{id_!r} is no id: at most {ID_LENGTH} characters without '>' are one.")
        elif id_ in self.base.items or id_ in self.base.tracks or id_ in self.base.markers:
            self._refuse("id_taken", id_, f"Something else already has the id {id_}.")
        elif (id_ in self.told.items) + (id_ in self.told.tracks) + (id_ in self.told.markers) > 1:
            self._refuse("id_taken", id_, f"Two new things have the id {id_}.")

    def _name(self, id_: str) -> str:
        item = self._items.get(id_) or self.base.items.get(id_)
        return (item.name if item else "") or id_

    # -- lanes

    def _lanes(self) -> Map[str, Lane]:
        fresh: dict[str, list[Slot]] = {track: [] for track in self._tracks if self._turned(track)}
        for id_, (track, start) in self._places.items():
            item = self._items[id_]
            assert item is not None
            fresh.setdefault(track, []).append(Slot(id_, start, item.duration))
            fresh.setdefault(self.base.home.get(id_, track), [])
        for id_, item in self._items.items():
            if item is None:
                fresh.setdefault(self.base.home[id_], [])
        lanes: dict[str, Lane | None] = dict.fromkeys(track for track in self.base.order if track not in self._tracks)
        for track in lanes:
            self._empty(track)
        for track, slots in fresh.items():
            if track in self._tracks:
                lanes[track] = self._lane(track, slots)
        return _with(self.base.lanes, lanes)

    def _turned(self, track: str) -> bool:
        old = self.base.tracks.get(track)
        return old is None or old.placement != self._tracks[track].placement

    def _empty(self, track: str) -> None:
        """Sees that nothing is left on a track that goes."""
        for id_ in self.base.lanes[track].ids():
            if isinstance(self.base.items[id_].source, Gap):
                self._items[id_] = None
            elif id_ not in self._places and self._items.get(id_, id_) is not None:
                self._refuse("track_not_empty", id_, f"{self._name(id_)} still lies on {track}, which would go.")

    def _lane(self, track: str, slots: list[Slot]) -> Lane:
        """Returns a track's lane with `slots` put in, and without what went elsewhere."""
        old = self.base.lanes.get(track, Lane())
        rows, room, gaps = [], {}, []
        for slot in old:
            if isinstance(self.base.items[slot.id].source, Gap):
                gaps.append(slot)
                continue
            room[slot.id] = gaps
            gaps = []
            if slot.id not in self._places and self._items.get(slot.id, slot) is not None:
                rows.append(slot)
        last = rows[-1] if rows else None
        rows = sorted([*rows, *slots], key=itemgetter(1))
        changed = {slot.id for slot in slots} | {id_ for id_ in room if id_ in self._items}
        self._remember(changed, list(room))
        self._remember(changed, [slot.id for slot in rows])
        for left, right in pairwise(rows):
            if right.start < left.end and not changed.isdisjoint((left.id, right.id)):
                shared = min(left.end, right.end) - right.start
                message = f"{self._name(left.id)} and {self._name(right.id)} would share {frames(shared)}."
                self.against.extend(Conflict("overlap", id_, message) for id_ in (left.id, right.id))
        if self._tracks[track].placement == "free":
            self._items.update(dict.fromkeys(gap.id for held in (*room.values(), gaps) for gap in held))
            return Lane.of(rows)
        kept = gaps if rows and rows[-1] == last and last.end == (gaps[0].start if gaps else None) else []
        lane = list(self._filled(track, rows, room))
        self._items.update(dict.fromkeys(gap.id for gap in gaps if not kept))
        return Lane.of([*lane, *kept])

    def _remember(self, changed: set[str], ids: list[str]) -> None:
        """Notes the items beside those that changed."""
        for left, right in pairwise(ids):
            if left in changed or right in changed:
                self._near.update((left, right))
        self._near |= changed

    def _filled(self, track: str, rows: Iterable[Slot], room: Mapping[str, list[Slot]]) -> Iterator[Slot]:
        """Yields the slots of a magnetic track with Gap items between them. `room` are base's before each of its items."""
        unused = {gap.id for held in room.values() for gap in held}
        cursor = 0
        for slot in rows:
            wide = slot.start - cursor
            held = room.get(slot.id, [])
            if wide > 0 and sum(gap.duration for gap in held) == wide:
                for gap in held:
                    yield Slot(gap.id, cursor, gap.duration)
                    cursor += gap.duration
                    unused.discard(gap.id)
            elif wide > 0:
                item = Item(held[-1].id if held else self._gap_id(slot.id), Gap(), wide)
                if held:
                    unused.discard(item.id)
                    item = replace(self.base.items[item.id], duration=wide)
                self._items[item.id], self._places[item.id] = item, (track, cursor)
                yield Slot(item.id, cursor, wide)
            yield slot
            cursor = slot.end
        self._items.update(dict.fromkeys(unused))

    def _gap_id(self, before: str) -> str:
        count = 0
        while True:
            id_ = "i" + blake2b(f"{self._seed}/{before}/{count}".encode(), digest_size=8).hexdigest()
            taken = id_ in self.base.items or id_ in self._items or id_ in self.told.items
            if not taken and id_ not in self.base.markers and id_ not in self.base.tracks:
                return id_
            count += 1

    # -- links, markers, transitions

    def _links(self) -> Map[str, frozenset[str]]:
        """Returns the link groups; an item that is left alone in one that others left is taken out of it."""
        changed: dict[str, frozenset[str]] = {}
        left: dict[str, None] = {}
        for id_, item in self._items.items():
            old = self.base.items.get(id_)
            was, now = old.link if old else None, item.link if item else None
            if was == now:
                continue
            if was is not None:
                changed[was] = changed.get(was, self.base.links[was]) - {id_}
                left[was] = None
            if now is not None:
                changed[now] = changed.get(now, self.base.links.get(now, frozenset())) | {id_}
        for link in left:
            if len(changed[link]) == 1:
                (alone,) = changed[link]
                told = self.told.items.get(alone)
                item = self._items.get(alone) or self.base.items[alone]
                if not self._shut(self.base.home.get(alone, "")) and (told is None or told.link is UNSET):
                    self._items[alone] = replace(item, link=None)
                    changed[link] = frozenset()
        return _with(self.base.links, {link: members or None for link, members in changed.items()})

    def _marked(self, state: Sequence) -> Sequence:
        changed: dict[str, Marker | None] = {}
        for id_, item in self._items.items():
            if item is None:
                changed.update(dict.fromkeys(state.marks.get(id_, ())))
        for id_, laid in self.told.markers.items():
            old = self.base.markers.get(id_)
            if laid is None:
                if old is None:
                    self._refuse("no_such_marker", id_, f"There is no marker {id_}.")
                changed[id_] = None
            elif old is None and laid.start is UNSET:
                self._refuse("no_such_marker", id_, f"There is no marker {id_}, and a new one needs start.")
                continue
            else:
                if old is None:
                    self._fresh(id_)
                made = replace(old or Marker(id_, 0), **_values(laid))
                changed[id_] = made
                if made.item is None and made.start < 0:
                    self._refuse("before_start", id_, f"The marker {made.name or id_} would lie at frame {made.start}.")
            on = [marker.item for marker in (old, changed[id_]) if marker is not None and marker.item is not None]
            if old != changed[id_] and any(self._shut(self.base.home.get(item, "")) for item in on):
                self._refuse("locked_track", id_, f"The marker is on {self._name(on[0])}, whose track is locked.")
        changed = {id_: marker for id_, marker in changed.items() if marker != state.markers.get(id_)}
        marks: dict[str, frozenset[str] | None] = {}
        for id_, marker in changed.items():
            was = state.markers.get(id_)
            for item_id, here in ((was.item if was else None, False), (marker.item if marker else None, True)):
                if item_id is not None:
                    held = marks.get(item_id, state.marks.get(item_id)) or frozenset()
                    marks[item_id] = (held | {id_} if here else held - {id_}) or None
        return replace(state, markers=_with(state.markers, changed), marks=_with(state.marks, marks))

    def _joined(self, state: Sequence) -> Sequence:
        """Returns the state with its transitions: those told, and of the others what still fits."""
        told: dict[str, Transition | None] = {}
        for key, laid in self.told.transitions.items():
            old = self.base.transitions.get(key)
            left, found, right = key.partition(">")
            if laid is None:
                if old is None:
                    self._refuse("no_such_transition", key, f"There is no transition {key}.")
                told[key] = None
            elif not found or ">" in right:
                self._refuse("bad_value", key, f'{key!r} is no key of a transition: "left>right" is one.')
                continue
            elif old is None and (laid.in_offset is UNSET or laid.out_offset is UNSET):
                self._refuse("no_such_transition", key, f"There is no transition {key}, and a new one needs offsets.")
                continue
            else:
                told[key] = replace(old or Transition(left or None, right or None, 0, 0), **_values(laid))
            if told[key] != old and any(self._shut(self.base.home.get(id_, "")) for id_ in (left, right)):
                self._refuse("locked_track", key, f"The transition {key} is on a locked track.")
        told = {key: it for key, it in told.items() if it != self.base.transitions.get(key)}
        state = replace(state, transitions=_with(state.transitions, told))
        for key, it in sorted(self.base.transitions.items(), key=itemgetter(0)):
            if key not in self.told.transitions and not self._near.isdisjoint((it.left or "", it.right or "")):
                fitted = _fitted(state, it)
                if fitted != it:
                    state = replace(state, transitions=_with(state.transitions, {key: fitted}))
        return state


def _fitted(state: Sequence, it: Transition) -> Transition | None:
    """Returns the transition as far as its neighbours reach; None when they parted or nothing is left of it."""
    if not in_place(state, it):
        return None
    before, behind = it.in_offset, it.out_offset
    if it.left is not None:
        item, head = state.items[it.left], transition_at(state, it.left, -1)
        before = min(before, item.duration - (head.out_offset if head else 0))
        behind = _least(behind, handles(item, state.rate)[1])
    if it.right is not None:
        item, tail = state.items[it.right], transition_at(state, it.right, 1)
        behind = min(behind, item.duration - (tail.in_offset if tail else 0))
        before = _least(before, handles(item, state.rate)[0])
    before, behind = max(0, before), max(0, behind)
    return replace(it, in_offset=before, out_offset=behind) if before or behind else None


def _least(wanted: int, there: int | None) -> int:
    return wanted if there is None else min(wanted, there)


def _values(laid: Struct, *without: str) -> dict[str, Any]:
    return {name: value for name, value in asdict(laid).items() if value is not UNSET and name not in without}


def _with(values: Map[str, V], changed: Mapping[str, V | None]) -> Map[str, V]:
    """Returns the map with other values; None takes one out."""
    work = values.mutate()
    for key, value in changed.items():
        if value is not None:
            work[key] = value
        elif key in values:
            del work[key]
    return work.finish()
