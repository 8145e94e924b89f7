"""An arrangement in one line, for the history."""

from __future__ import annotations

from collections.abc import Iterator

from genlock.timeline.laid import Arrangement
from genlock.timeline.model import Item, Media, Nested, Shot, Source
from genlock.timeline.sequence import Sequence

MOST = 3
"""Kinds of edits that are told; of more only how many."""


def sentence(before: Sequence, after: Sequence, arrangement: Arrangement) -> str:
    """Returns what an arrangement made of `before` into `after`, such as "Move 3 clips; trim SH0010"."""
    told: dict[tuple[str, str], list[str]] = {}
    for verb, noun, name in _edits(before, after, arrangement):
        told.setdefault((verb, noun), []).append(name)
    parts = [
        f"{verb} {names[0] or noun if len(names) == 1 else f'{len(names)} {noun}s'}"
        for (verb, noun), names in told.items()
    ]
    more = f" and {len(parts) - MOST} more" if len(parts) > MOST else ""
    said = "; ".join(parts[:MOST]) + more
    return f"{said[:1].upper()}{said[1:]}" or "Arrange"


def _edits(before: Sequence, after: Sequence, arrangement: Arrangement) -> Iterator[tuple[str, str, str]]:
    """Yields verb, noun and name of each edit."""
    for id_ in arrangement.items:
        old, new = before.items.get(id_), after.items.get(id_)
        verb = _verb(before, after, old, new)
        if verb:
            yield verb, "clip", getattr(new or old, "name", "") or id_
    passed = [t for t in before.order if t in after.tracks] != [t for t in after.order if t in before.tracks]
    for id_ in arrangement.tracks:
        was, now = before.tracks.get(id_), after.tracks.get(id_)
        if was != now:
            name = (after if now else before).track_called(id_)
            yield _come_or_gone(was, now), "track", f"track {name}"
        elif now is not None and passed:
            yield "move", "track", f"track {after.track_called(id_)}"
    for key in arrangement.transitions:
        one, two = before.transitions.get(key), after.transitions.get(key)
        if one != two and (it := two or one) is not None:
            yield _come_or_gone(one, two), "transition", f"the {it.name or it.kind}"
    for id_ in arrangement.markers:
        here, there = before.markers.get(id_), after.markers.get(id_)
        if here != there:
            yield _come_or_gone(here, there), "marker", f"marker {getattr(there or here, 'name', '')}".strip()
    if before.name != after.name:
        yield "rename", "sequence", f"the sequence to {after.name}"
    elif any(getattr(before, name) != getattr(after, name) for name in ("drop_frame", "start_frame", "resolution")):
        yield "change", "sequence", "the sequence's settings"


def _come_or_gone(old: object, new: object) -> str:
    return "add" if old is None else "remove" if new is None else "change"


def _verb(before: Sequence, after: Sequence, old: Item | None, new: Item | None) -> str:
    """Returns the one word for what happened to an item; empty for nothing."""
    if old is None or new is None:
        return _come_or_gone(old, new) if old is not new else ""
    if old.speed != new.speed:
        return "retime"
    if _what(old.source) != _what(new.source):
        return "replace"
    if (old.duration, old.source_in) != (new.duration, new.source_in):
        return "slip" if old.duration == new.duration else "trim"
    if before.home[old.id] != after.home[new.id] or before.slot(old.id).start != after.slot(new.id).start:
        return "move"
    if old.enabled != new.enabled:
        return "enable" if new.enabled else "disable"
    if old.name != new.name:
        return "rename"
    return "change" if old != new else ""


def _what(source: Source) -> object:
    match source:
        case Media(media=id_) | Nested(sequence=id_):
            return id_
        case Shot(shot=id_, take=take):
            return id_, take
        case _:
            return source
