"""Transitions, markers and the sequence's own settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.merge.registers import names_of, settle_fields
from genlock.timeline.merge.values import Found, PutMarker, PutTransition, SequenceFields, Veto, Vetoes
from genlock.timeline.model import Gap, Item, Marker, Transition
from genlock.timeline.sequence import Sequence

T = TypeVar("T", bound=Struct)
TRANSITION = names_of(Transition, "left", "right")
MARKER = names_of(Marker, "id")
SETTINGS = ("name", "drop_frame", "start_frame", "resolution", "foreign")


class Marks:
    """What is no item, in one attempt. `items` are those of the merged cut, `shut` what takes nothing from theirs."""

    def __init__(
        self, base: Sequence, ours: Sequence, theirs: Sequence, items: Mapping[str, Item], vetoes: Vetoes
    ) -> None:
        self.base, self.ours, self.theirs = base, ours, theirs
        self.found: list[Found] = []
        self._items = items
        self._vetoes = vetoes

    def settings(self) -> dict[str, Any]:
        """Returns the sequence's settings that are to be other than in ours."""
        fields: dict[str, Any]
        fields, clashes = settle_fields(self.base, self.ours, self.theirs, SETTINGS)
        for name in clashes:
            three = (getattr(self.base, name), getattr(self.ours, name), getattr(self.theirs, name))
            self.found.append(Found("both_set", self.ours.id, name, three, SequenceFields({name: three[2]})))
        return fields

    def transitions(self, shut: set[str]) -> Map[str, Transition]:
        """Returns the transitions of the merged cut."""
        base, ours, theirs = self.base.transitions, self.ours.transitions, self.theirs.transitions
        values = dict(ours)
        for key in _changed(base, theirs):
            one = theirs.get(key) or ours.get(key) or base[key]
            if any(self.ours.home.get(side or "") in shut for side in (one.left, one.right)):
                continue
            veto = self._vetoes.get(Veto("transition", key))
            if veto is not None:
                three = (base.get(key), ours.get(key), theirs.get(key))
                self.found.append(Found(veto, key, "", three, PutTransition(key, theirs.get(key))))
                continue
            self._transition(key, values)
        for gone, kind in self._vetoes.items():
            if gone.what == "gone":
                values.pop(gone.about, None)
                three = (base.get(gone.about), ours.get(gone.about), theirs.get(gone.about))
                self.found.append(Found(kind, gone.about, "", three))
        return _updated(ours, values)

    def _transition(self, key: str, values: dict[str, Transition]) -> None:
        base, ours, theirs = (side.transitions.get(key) for side in (self.base, self.ours, self.theirs))
        if theirs is not None and not all(side is None or side in self._items for side in (theirs.left, theirs.right)):
            if theirs != ours and ours is None:
                self.found.append(Found("transition_lost", key, "", (base, ours, theirs), PutTransition(key, theirs)))
            return
        self._settle("transition", key, (base, ours, theirs), values, TRANSITION)

    def markers(self) -> Map[str, Marker]:
        """Returns the markers of the merged cut."""
        base, ours, theirs = self.base.markers, self.ours.markers, self.theirs.markers
        values = dict(ours)
        for id_ in _changed(base, theirs):
            one = theirs.get(id_)
            if one is not None and one.item is not None and self._waits(one.item):
                continue  # it comes with its clip
            if (
                one is not None
                and one != ours.get(id_)
                and ((one.item is not None and one.item not in self._items) or Veto("marker", id_) in self._vetoes)
            ):
                kind = self._vetoes.get(Veto("marker", id_), "removed_here")
                three = (base.get(id_), ours.get(id_), one)
                self.found.append(Found(kind, id_, "", three, PutMarker(id_, one)))
                continue
            self._settle("marker", id_, (base.get(id_), ours.get(id_), one), values, MARKER)
        if self._items is not self.ours.items:
            for id_, marker in list(values.items()):
                if marker.item is not None and marker.item not in self._items:
                    del values[id_]
                    if id_ in theirs or marker != base.get(id_):
                        self.found.append(Found("removed_there", id_, "", (base.get(id_), marker, theirs.get(id_))))
        return _updated(ours, values)

    def _waits(self, item: str) -> bool:
        """Returns whether a clip of theirs waits with a conflict of its own."""
        theirs = self.theirs.items.get(item)
        return item not in self._items and theirs is not None and not isinstance(theirs.source, Gap)

    def _settle(
        self,
        what: str,
        id_: str,
        three: tuple[T | None, T | None, T | None],
        values: dict[str, T],
        names: tuple[str, ...],
    ) -> None:
        base, ours, theirs = three

        def put(value: T | None) -> PutTransition | PutMarker:
            made: Any = (PutTransition if what == "transition" else PutMarker)(id_, value)  # type: ignore[arg-type]
            return made  # type: ignore[no-any-return]

        if ours is not None and theirs is not None:
            fields, clashes = settle_fields(base, ours, theirs, names)
            if fields:
                values[id_] = replace(ours, **fields)
            if clashes:
                # one conflict for all of them: each alone would put back what another has settled
                was, here, there = ({name: getattr(side, name, None) for name in clashes} for side in three)
                made = put(replace(values.get(id_, ours), **there))
                field = ", ".join(clashes)
                told = (was, here, there) if len(clashes) > 1 else (was[field], here[field], there[field])
                self.found.append(Found("both_set", id_, field, told, made))
        elif ours is not None:
            if ours == base:
                del values[id_]
            elif base is not None:
                self.found.append(Found("removed_there", id_, "", three, put(None)))
        elif theirs is not None:
            if base is None:
                values[id_] = theirs
            else:
                self.found.append(Found("removed_here", id_, "", three, put(theirs)))


def _changed(base: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterable[str]:
    """Returns the keys that theirs has otherwise than base."""
    if base is theirs:
        return ()
    gone = [key for key in base if key not in theirs]
    return sorted([*gone, *(key for key, value in theirs.items() if base.get(key) != value)])


def _updated(old: Map[str, T], values: dict[str, T]) -> Map[str, T]:
    return old if len(old) == len(values) and all(old.get(k) is v for k, v in values.items()) else Map(values)
