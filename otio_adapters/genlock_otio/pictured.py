"""A difference as a timeline: both cuts one over the other, what changed marked, to be looked at in any program."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from genlock.timeline.changes import Change
from genlock.timeline.events import Content, TrackContent, content_of
from genlock.timeline.model import Item, Marker
from genlock_otio.comparing import Comparison
from genlock_otio.files import write
from genlock_otio.values import Imported

COLOURS: Final = {"insert": "GREEN", "remove": "RED", "move": "CYAN", "replace": "MAGENTA"}
"""Marker colours by how a change's kind begins; all others are YELLOW."""


def picture(found: Comparison, before: Imported, after: Imported, path: Path) -> None:
    """Writes a timeline with the tracks of `after`, and under each video track (over each audio track) the one it was
    before, switched off. What changed has a marker with the change's words. Nested sequences are as in `after`."""
    new, old = content_of(found.after), _earlier(content_of(found.before))
    twins = {part.track.id.removeprefix("was-"): part for part in old.tracks}
    parts: list[TrackContent] = []
    for part in new.tracks:
        twin = twins.pop(part.track.id, None)
        parts += [twin, part] if twin is not None else [part]
    parts += twins.values()
    there = {placed.item.id: placed.item for part in parts for placed in part.items}
    marks = [mark for number, change in enumerate(found.changes) for mark in _marks(change, number, there)]
    markers = [*new.markers, *(m for m in old.markers if m.item in there), *marks]
    content = replace(
        new,
        name=f"{old.name} > {new.name}",
        tracks=tuple(parts),
        transitions=tuple(sorted((*new.transitions, *old.transitions), key=lambda t: t.key)),
        markers=tuple(sorted(markers, key=lambda m: (m.item or "", m.start, m.id))),
        conflicts=(),
    )
    pool = {file.id: file for read in (before, after) for file in read.media}
    nested = {id_: inner for read in (before, after) for id_, inner in read.nested}
    write(content, path, media=pool, nested=nested.get, dialect="otio")


def _earlier(content: Content) -> Content:
    """Returns the cut with ids and names that say it is the one before."""

    def was(id_: str | None) -> str | None:
        return None if id_ is None else f"was-{id_}"

    parts = []
    for part in content.tracks:
        track = replace(part.track, id=f"was-{part.track.id}", name=f"{part.track.name} before", enabled=False)
        row = [
            replace(p, item=replace(p.item, id=f"was-{p.item.id}", link=was(p.item.link)))
            for p in part.items
        ]  # fmt: skip
        parts.append(TrackContent(track, tuple(row)))
    return replace(
        content,
        tracks=tuple(parts),
        transitions=tuple(replace(t, left=was(t.left), right=was(t.right)) for t in content.transitions),
        markers=tuple(replace(m, id=f"was-{m.id}", item=was(m.item)) for m in content.markers if m.item is not None),
    )


def _marks(change: Change, number: int, there: Mapping[str, Item]) -> list[Marker]:
    colour = next((colour for word, colour in COLOURS.items() if change.kind.startswith(word)), "YELLOW")
    owner = next((id_ for id_ in (change.about, f"was-{change.about}") if id_ in there), None)
    id_ = "m" + blake2b(f"{number}/{change.kind}/{change.about}".encode(), digest_size=8).hexdigest()
    name = f"{change.kind.replace('_', ' ')} {change.name}".strip()
    if owner is None:
        return [Marker(id_, max(0, change.at), 0, None, name, colour, change.detail)]
    return [Marker(id_, there[owner].source_in, 0, owner, name, colour, change.detail)]
