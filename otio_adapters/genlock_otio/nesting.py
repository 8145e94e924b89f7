"""Nested sequences of a file beside those that are there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from itertools import count

from msgspec.structs import replace

from genlock.timeline.events import Content, Placed
from genlock.timeline.model import Nested
from genlock_otio.values import Imported


def beside(imported: Imported, taken: Callable[[str], bool]) -> Imported:
    """Returns the timeline with new ids for the nested sequences whose ids are `taken`: a file read twice makes two
    sequences, each with its own nested ones. The new ids depend on the old ones and on what is taken only."""
    renamed = {id_: _free(id_, taken) for id_, _ in imported.nested if taken(id_)}
    return _renamed(imported, renamed)


def named_as(base: Imported, other: Imported) -> Imported:
    """Returns the other file with the base's ids for the nested sequences it shares with it: those of the same id, else
    those of the same name, in order. Ids of a stranger's nested sequences depend on the file's bytes alone."""
    there = {id_ for id_, _ in base.nested}
    kept = {id_ for id_, _ in other.nested if id_ in there}
    waiting: dict[str, list[str]] = {}
    for id_, content in base.nested:
        if id_ not in kept:
            waiting.setdefault(content.name, []).append(id_)
    renamed = {}
    for id_, content in other.nested:
        if id_ not in kept and waiting.get(content.name):
            renamed[id_] = waiting[content.name].pop(0)
    return _renamed(other, renamed)


def _free(id_: str, taken: Callable[[str], bool]) -> str:
    made = (blake2b(f"{id_}/{n}".encode(), digest_size=16).hexdigest() for n in count(1))
    return next(id_ for id_ in made if not taken(id_))


def _renamed(imported: Imported, renamed: Mapping[str, str]) -> Imported:
    if not renamed:
        return imported
    return replace(
        imported,
        content=_showing(imported.content, renamed),
        nested=tuple((renamed.get(id_, id_), _showing(content, renamed)) for id_, content in imported.nested),
    )


def _showing(content: Content, renamed: Mapping[str, str]) -> Content:
    return replace(
        content,
        tracks=tuple(replace(part, items=tuple(_placed(p, renamed) for p in part.items)) for part in content.tracks),
    )


def _placed(placed: Placed, renamed: Mapping[str, str]) -> Placed:
    source = placed.item.source
    if not isinstance(source, Nested) or source.sequence not in renamed:
        return placed
    return replace(placed, item=replace(placed.item, source=replace(source, sequence=renamed[source.sequence])))
