"""Item by item: what of theirs is taken, what both did, what one side removed and the other worked on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from genlock.timeline.lane import Slot
from genlock.timeline.merge.ranges import PARTS, merge_picture
from genlock.timeline.merge.registers import NO_TRIM, Trim, settle_fields, trim_of
from genlock.timeline.merge.surveys import Cause, Survey, by_cause, rows, same_lane, survey
from genlock.timeline.merge.values import Bring, Drop, Found, Place, SetItem, Veto, Vetoes
from genlock.timeline.model import Gap, Item, source_step
from genlock.timeline.ops import ConflictKind
from genlock.timeline.sequence import Sequence

PLAIN = ("name", "enabled", "effects", "link", "foreign")


class Things:
    """The items of one attempt at a merge.

    `values` are the items that are to be other than ours has them, `gone` those of ours that go, `placed` those that lie
    where theirs has them (item -> track); `heads` and `tails` are the items whose front or end theirs trimmed, and it
    holds. `found` are the disagreements by (about, field).
    """

    def __init__(
        self,
        base: Sequence,
        ours: Sequence,
        theirs: Sequence,
        *,
        shut: frozenset[str],
        yielding: frozenset[str],
        vetoes: Vetoes,
        unsure: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.vetoes = vetoes
        self.values: dict[str, Item] = {}
        self.gone: set[str] = set()
        self.placed: dict[str, str] = {}
        self.heads: set[str] = set()
        self.tails: set[str] = set()
        self.found: dict[tuple[str, str], Found] = {}
        self._shut = shut  # tracks of ours that take nothing from theirs
        self._yielding = yielding  # tracks on which theirs' removals hold whatever ours did there
        self._unsure = unsure
        self._surveys: dict[tuple[int, str], Survey] = {}
        self._same: dict[tuple[int, str], bool] = {}
        self._rows: dict[tuple[int, str], list[Slot]] = {}
        self._ends: dict[str, tuple[str, str]] = {}  # an item whose end is in question -> the conflict about it
        self._withheld: dict[str, str] = {}  # a new item of theirs -> the item it was split off

    # -- reading

    def survey(self, side: Sequence, track: str) -> Survey:
        """Returns what a side did to a track, free or magnetic as the track is in that side."""
        key = (id(side), track)
        if key not in self._surveys:
            free = side.tracks[track].placement == "free" if track in side.tracks else True
            self._surveys[key] = survey(
                self.rows(self.base, track), self.rows(side, track), lambda id_: self.trim(side, id_), free=free
            )
        return self._surveys[key]

    def rows(self, side: Sequence, track: str) -> list[Slot]:
        """Returns where the clips of a track lie in a side."""
        key = (id(side), track)
        if key not in self._rows:
            self._rows[key] = rows(side, track)
        return self._rows[key]

    def trim(self, side: Sequence, id_: str) -> Trim:
        """Returns how far a side trimmed an item since base."""
        old, new = self.base.items[id_], side.items[id_]
        if old is new or (old.duration == new.duration and old.source_in == new.source_in):
            return NO_TRIM
        return trim_of(old, new, self.base.rate)

    def moved(self, side: Sequence, id_: str) -> bool:
        """Returns whether a side moved an item of base, rippling along not counted."""
        home = self.base.home[id_]
        if side.home[id_] != home:
            return True
        if self.same_lane(side, home):
            return False
        seen = self.survey(side, home)
        return id_ in seen.apart or id_ not in seen.level

    def same_lane(self, side: Sequence, track: str) -> bool:
        """Returns whether a side left the order and the places of a track as they are in base."""
        key = (id(side), track)
        if key not in self._same:
            self._same[key] = same_lane(self.base.lanes.get(track), side.lanes.get(track))
        return self._same[key]

    def clip(self, state: Sequence, id_: str) -> Item | None:
        """Returns the item, None when it is not there or a Gap."""
        item = state.items.get(id_)
        return None if item is None or isinstance(item.source, Gap) else item

    # -- deciding

    def decide(self) -> None:
        """Goes through everything that theirs has otherwise than base."""
        new: list[str] = []
        marks = self.theirs.marks
        for track in self.theirs.order:
            changed = not self.same_lane(self.theirs, track)
            for id_ in self.theirs.lanes[track].ids():
                item, old = self.theirs.items[id_], self.base.items.get(id_)
                if (old is item or old == item) and not changed and (id_ in self.ours.items or id_ not in marks):
                    continue
                if isinstance(item.source, Gap):
                    continue
                if old is None or isinstance(old.source, Gap):
                    new.append(id_)
                else:
                    self._known(id_, old, item)
        for track in self.base.order:
            if self.same_lane(self.theirs, track):
                continue
            for id_ in self.base.lanes[track].ids():
                both = id_ not in self.theirs.items and self.clip(self.ours, id_) is not None
                if both and self.clip(self.base, id_) is not None:
                    self._removed(id_)
        for id_ in new:
            self._new(id_)
        for id_, root in self._withheld.items():
            self._hold(root, id_)

    def _known(self, id_: str, base: Item, theirs: Item) -> None:
        """An item of base that theirs still has."""
        moved = self.moved(self.theirs, id_)
        ours = self.clip(self.ours, id_)
        if base == theirs and not moved and (ours is not None or not self._marked(self.theirs, id_)):
            return
        if ours is None:
            if self.theirs.home[id_] in self.ours.tracks:
                self._note(Found("removed_here", id_, "", (base, None, theirs), Bring((id_,))))
            return
        if self.ours.home[id_] in self._shut or self.theirs.home[id_] in self._shut:
            return
        if self._doubtful(id_):
            fields = _differing(ours, theirs, (*PLAIN, *PARTS))
            remedy = SetItem(id_, fields) if fields else Place(id_)
            self._note(Found("unsure", id_, "", (base, ours, theirs), remedy))
            return
        if Veto("item", id_) in self.vetoes:
            kind = self.vetoes[Veto("item", id_)]
            self._note(Found(kind, id_, "", (base, ours, theirs), SetItem(id_, _differing(ours, theirs, PARTS))))
        else:
            self._merge(id_, base, ours, theirs)
        if moved:
            self._place(id_)

    def _merge(self, id_: str, base: Item, ours: Item, theirs: Item) -> None:
        fields, clashes = settle_fields(base, ours, theirs, PLAIN)
        for name in clashes:
            values = (getattr(base, name), getattr(ours, name), getattr(theirs, name))
            self._note(Found("both_set", id_, name, values, SetItem(id_, {name: values[2]})))
        if any(getattr(base, name) != getattr(theirs, name) for name in PARTS):
            fields |= self._picture(id_, base, ours, theirs)
        if fields:
            self.values[id_] = replace(ours, **fields)

    def _picture(self, id_: str, base: Item, ours: Item, theirs: Item) -> dict[str, Any]:
        picture = merge_picture(base, ours, theirs, self.base.rate)
        vetoed = self.vetoes.get(Veto("range", id_))
        if picture.empty or vetoed is not None:
            remedy = self._trimmed_as_theirs(id_, _differing(ours, theirs, PARTS), front=True)
            self._note(Found(vetoed or "no_handle", id_, "in, out", (base, ours, theirs), remedy))
            return {}
        if picture.clashes:
            remedy = self._trimmed_as_theirs(id_, picture.again, front=picture.front)
            self._note(Found("both_set", id_, ", ".join(picture.clashes), (base, ours, theirs), remedy))
        if picture.head:
            self.heads.add(id_)
        if picture.tail:
            self.tails.add(id_)
        return picture.fields

    def _trimmed_as_theirs(self, id_: str, fields: dict[str, Any], *, front: bool) -> SetItem:
        shift = self.front(self.theirs, id_) - self.front(self.ours, id_) if front else 0
        return SetItem(id_, fields, shift, self._rippled(self.theirs, ("in", id_), ("out", id_)))

    def front(self, side: Sequence, id_: str) -> int:
        """Returns how far a side moved the start of an item together with its front; a ripple leaves it where it is."""
        return 0 if self._rippled(side, ("in", id_)) else self.trim(side, id_).head

    def _rippled(self, side: Sequence, *causes: Cause) -> bool:
        """Returns whether what follows moved along with a trim."""
        home = self.base.home[causes[0][1]]
        if side.home[causes[0][1]] != home:
            return False
        known = by_cause(self.survey(side, home))
        return any(cause in known and known[cause][2] for cause in causes)

    def _place(self, id_: str) -> None:
        """Theirs moved it."""
        track = self.theirs.home[id_]
        if track not in self.ours.tracks and track in self.base.tracks:
            return  # the track went here: that is said once, about the track
        if self.moved(self.ours, id_):
            if self._same_place(id_):
                return
            self._note(Found("both_moved", id_, "place", self._places(id_), Place(id_)))
        elif (kind := self.vetoes.get(Veto("place", id_))) is not None:
            self._note(Found(kind, id_, "place", self._places(id_), Place(id_)))
        else:
            self.placed[id_] = track

    def _same_place(self, id_: str) -> bool:
        track = self.ours.home[id_]
        if self.theirs.home[id_] != track:
            return False
        one, two = self.survey(self.ours, track), self.survey(self.theirs, track)
        if id_ in one.apart and id_ in two.apart:
            return one.apart[id_] == two.apart[id_]
        if self.ours.tracks[track].placement == "free":
            return self.ours.slot(id_).start == self.theirs.slot(id_).start
        return _left(one.rows, id_) == _left(two.rows, id_)

    def _places(self, id_: str) -> tuple[Any, Any, Any]:
        return where(self.base, id_), where(self.ours, id_), where(self.theirs, id_)

    def _removed(self, id_: str) -> None:
        """Theirs removed an item that ours has."""
        home, base, ours = self.ours.home[id_], self.base.items[id_], self.ours.items[id_]
        if home in self._shut:
            return
        worked = base != ours or self.moved(self.ours, id_) or self._marked(self.ours, id_)
        worked = worked and home not in self._yielding
        vetoed = self.vetoes.get(Veto("item", id_))
        if self._doubtful(id_):
            self._note(Found("unsure", id_, "", (base, ours, None), Drop(id_)))
        elif worked or vetoed:
            self._note(Found(vetoed or "removed_there", id_, "", (base, ours, None), Drop(id_)))
        else:
            self.gone.add(id_)

    def _marked(self, side: Sequence, id_: str) -> bool:
        """Returns whether a side put or changed a marker on the item."""
        return any(side.markers[m] != self.base.markers.get(m) for m in side.marks.get(id_, ()))

    def _new(self, id_: str) -> None:
        """An item that base does not have."""
        theirs, track = self.theirs.items[id_], self.theirs.home[id_]
        ours = self.clip(self.ours, id_)
        if ours is not None:
            if ours == theirs:
                return
            fields = _differing(ours, theirs, (*PLAIN, *PARTS))
            self._note(Found("both_set", id_, ", ".join(fields), (None, ours, theirs), SetItem(id_, fields)))
            return
        if track in self._shut or (track not in self.ours.tracks and track in self.base.tracks):
            return
        root = self._split_off(id_, track)
        if root is not None:
            self._withheld[id_] = root
        elif (kind := self._refused(id_)) is not None:
            self._note(Found(kind, id_, "", (None, None, theirs), Bring((id_,))))
        else:
            self.values[id_] = theirs
            self.placed[id_] = track

    def _refused(self, id_: str) -> ConflictKind | None:
        return self.vetoes.get(Veto("item", id_)) or self.vetoes.get(Veto("place", id_))

    def _split_off(self, id_: str, track: str) -> str | None:
        """Returns the item it was split off, when what theirs did to that one does not hold."""
        left = self.theirs.lanes[track].before(id_)
        if left is None or not continues(self.theirs, left.id, id_):
            return None
        if left.id in self._withheld:
            return self._withheld[left.id]
        if left.id not in self.base.items:
            return None
        return left.id if left.id in self._ends else None

    def _hold(self, root: str, id_: str) -> None:
        """Adds a part that waits to the conflict about what it was split off."""
        key = self._ends[root]
        found = self.found[key]
        match found.remedy:
            case SetItem(with_new=new):
                self.found[key] = replace(found, remedy=replace(found.remedy, with_new=(*new, id_)))
            case Bring(items=items):
                self.found[key] = replace(found, remedy=replace(found.remedy, items=(*items, id_)))
            case _:
                pass

    def _doubtful(self, id_: str) -> bool:
        """Returns whether the item may be another one, and that makes a difference here."""
        others = [self.ours.items[i] for i in self._unsure.get(id_, ()) if i in self.ours.items and i != id_]
        ours = self.ours.items.get(id_)
        if ours is None or not others:
            return False
        return any(replace(other, id="", name="") != replace(ours, id="", name="") for other in others)

    def _note(self, found: Found) -> None:
        key = found.about, found.field
        self.found[key] = found
        if "out" in found.field or not found.field:
            self._ends[found.about] = key


def continues(state: Sequence, left: str, right: str) -> bool:
    """Returns whether the right item goes on where the left one ends, as the two halves of a split do."""
    one, two = state.items[left], state.items[right]
    if one.source != two.source or one.speed != two.speed:
        return False
    return abs(one.source_in + source_step(one, state.rate) * one.duration - two.source_in) < 1


def where(state: Sequence, id_: str) -> dict[str, Any] | None:
    """Returns where an item lies, JSON-ready: its track, its left neighbour and its first frame; None when nowhere."""
    if id_ not in state.home:
        return None
    lane = state.lanes[state.home[id_]]
    left, slot, _ = lane.around(id_)
    return {"track": state.home[id_], "after": left.id if left else None, "start": slot.start}


def _left(row: list[Any], id_: str) -> str | None:
    before = None
    for slot in row:
        if slot.id == id_:
            return before
        before = slot.id
    return None


def _differing(ours: Item, theirs: Item, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(theirs, name) for name in names if getattr(theirs, name) != getattr(ours, name)}
