"""Conflicts in words for people, and their values for showing."""

from __future__ import annotations

from typing import Any, assert_never

from msgspec import json

from genlock.timeline.check import frames
from genlock.timeline.merge.registers import ABSENT, trim_of
from genlock.timeline.merge.values import Found
from genlock.timeline.model import Item, Marker, Track, Transition
from genlock.timeline.ops import ConflictKind
from genlock.timeline.sequence import Sequence

PICTURE = ("source", "speed", "in", "out")
FIELDS = {
    "link": "link group", "foreign": "other tools' metadata", "sync_lock": "sync lock", "drop_frame": "drop frame",
    "start_frame": "start", "in_offset": "length before the cut", "out_offset": "length behind the cut", "item": "clip",
}  # fmt: skip
THERE = "in the returned cut"


class Words:
    """Says what a conflict is about. `there` is where theirs was made, in words."""

    def __init__(self, base: Sequence, ours: Sequence, theirs: Sequence, there: str = THERE) -> None:
        self._sides = (ours, theirs, base)
        self._there = there

    def message(self, found: Found) -> str:
        """Returns one or two sentences without timecodes."""
        sentence = self._sentence(found.kind, found)
        return f"{self._name(found)}: {sentence.replace(THERE, self._there)}"

    def _name(self, found: Found) -> str:
        for value in (found.ours, found.theirs, found.base):
            match value:
                case Item():
                    return value.name or value.id
                case Track():
                    return self.called(value.id)
                case Transition():
                    return f"{self.called(value.left)} to {self.called(value.right)}, {value.kind}"
                case Marker():
                    return f"Marker {value.name}".strip() + (f" on {self.called(value.item)}" if value.item else "")
        return self.called(found.about)

    def called(self, id_: str | None) -> str:
        """Returns the name of a clip, track or marker of any side."""
        if id_ is None:
            return "black"
        for side in self._sides:
            if id_ in side.tracks:
                return side.track_called(id_)
            for table in (side.items, side.markers):
                if id_ in table:
                    return table[id_].name or id_
            if id_ in side.transitions:
                it = side.transitions[id_]
                return f"{self.called(it.left)} to {self.called(it.right)}, {it.kind}"
            if id_ == side.id:
                return side.name or "The sequence"
        return id_

    def _sentence(self, kind: ConflictKind, found: Found) -> str:
        match kind:
            case "both_set":
                return self._both_set(found)
            case "removed_here":
                return f"changed {THERE}, removed here since."
            case "removed_there":
                return f"removed {THERE}, changed here since."
            case "both_moved":
                return self._both_moved(found)
            case "no_room":
                return self._no_room(found)
            case "no_handle":
                return self._no_handle(found)
            case "transition_lost":
                return "its clips are no longer side by side, or too short for it."
            case "track_removed":
                if found.ours is None:
                    return f"the track was removed here since, and worked on {THERE}."
                return f"the track was removed {THERE}, and worked on here since."
            case "locked":
                return f"the track is locked here, and was changed {THERE}."
            case "unsure":
                return f"which clip it is {THERE} cannot be told with confidence; it was left as it is here."
            case _:
                assert_never(kind)

    def _both_set(self, found: Found) -> str:
        if isinstance(found.ours, Item) and isinstance(found.theirs, Item) and isinstance(found.base, Item):
            return self._picture(found, found.base, found.ours, found.theirs)
        if found.base is None and isinstance(found.ours, Item):
            return f"new on both sides, with another {found.field.replace(', ', ' and ')} {THERE}."
        if isinstance(found.ours, dict) and isinstance(found.theirs, dict) and ", " in found.field:
            names = found.field.split(", ")
            return "; ".join(_set(name, found.ours[name], found.theirs[name]) for name in names) + "."
        return _set(found.field, found.ours, found.theirs) + "."

    def _picture(self, found: Found, base: Item, ours: Item, theirs: Item) -> str:
        one, two = (trim_of(base, item, self._sides[2].rate) for item in (ours, theirs))
        fields = found.field.split(", ")
        parts = []
        if "source" in fields:
            parts.append("another source on both sides")
        if "speed" in fields:
            parts.append(f"speed {ours.speed.fraction} here, {theirs.speed.fraction} {THERE}")
        if "in" in fields:
            a, b = (one.head, two.head) if one.head and two.head else (_moved(base, ours), _moved(base, theirs))
            parts.append(f"in-point {_later(a)} here, {_later(b)} {THERE}")
        if "out" in fields:
            parts.append(f"out-point {_later(one.tail)} here, {_later(two.tail)} {THERE}")
        return "; ".join(parts) + "."

    def _both_moved(self, found: Found) -> str:
        match found.ours, found.theirs:
            case {"track": here}, {"track": there} if here != there:
                return f"moved to {self.called(here)} here, to {self.called(there)} {THERE}."
            case int() as one, int() as two:
                return f"moved with all behind it {_later(one)} here, {_later(two)} {THERE}."
            case _:
                return f"moved here, and to another place {THERE}."

    def _no_room(self, found: Found) -> str:
        if isinstance(found.theirs, Item) and found.ours is None:
            return f"new {THERE}; something else lies there by now."
        if found.field.startswith("start") and isinstance(found.theirs, int):
            return f"moved {_later(found.theirs)} with what follows {THERE}; there is no room for that by now."
        if found.about in self._sides[0].tracks or found.about == self._sides[0].id:
            return f"what was done {THERE} does not fit by now."
        return f"where it would lie or reach {THERE}, something else lies by now."

    def _no_handle(self, found: Found) -> str:
        if isinstance(found.theirs, Transition) or isinstance(found.ours, Transition):
            return f"as {THERE} it needs frames that its clips do not have by now."
        return f"its in- and out-point as trimmed here and {THERE} do not go together."


def shown(value: Any, field: str) -> Any:
    """Returns a value as JSON gives it back, so that a conflict that was stored equals it: of an item only what the field
    names speak of."""
    if value is None or value is ABSENT:
        return None
    if isinstance(value, Item) and field:
        parts = field.split(", ")
        whole = _plain(value)
        names = [{"in": "source_in", "out": "duration"}.get(name, name) for name in parts]
        return {name: whole.get(name, _plain(getattr(value, name))) for name in names}
    return _plain(value)


def _plain(value: Any) -> Any:
    return json.decode(json.encode(value))


def _set(field: str, ours: Any, theirs: Any) -> str:
    name = FIELDS.get(field, field)
    if all(isinstance(value, str | int | bool) for value in (ours, theirs)):
        return f"{name} {_short(ours)} here, {_short(theirs)} {THERE}"
    return f"{name} set here and otherwise {THERE}"


def _moved(base: Item, item: Item) -> int:
    return item.source_in - base.source_in


def _later(count: int) -> str:
    return f"{frames(abs(count))} {'later' if count > 0 else 'earlier'}" if count else "as before"


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f'"{value}"' if isinstance(value, str) else str(value)
