"""The stored events of the Sequence aggregate and their fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, assert_never

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from genlock.event import Event
from genlock.timeline.lane import Lane
from genlock.timeline.model import Item, Marker, Resolution, Track, Transition
from genlock.timeline.ops import MergeConflict, Op
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all


class Placed(Struct, frozen=True, omit_defaults=True):
    """An item with its place; `start` counts sequence frames and is None on a magnetic track, where order says it."""

    item: Item
    start: int | None = None


class TrackContent(Struct, frozen=True, omit_defaults=True):
    """A whole track: its settings and its items in order."""

    track: Track
    items: tuple[Placed, ...] = ()


class Content(Struct, frozen=True, omit_defaults=True):
    """A whole timeline as a value: what an import, a fork and a snapshot hold."""

    name: str
    rate: Rate
    drop_frame: bool = False
    start_frame: int = 0
    resolution: Resolution = Resolution()
    tracks: tuple[TrackContent, ...] = ()
    transitions: tuple[Transition, ...] = ()
    markers: tuple[Marker, ...] = ()
    foreign: dict[str, Any] = {}
    conflicts: tuple[MergeConflict, ...] = ()


class Origin(Struct, frozen=True, omit_defaults=True):
    """Where an imported sequence came from: a file (`path`, `dialect`, blake2b-128 `digest` of its bytes), or a version
    of another sequence."""

    path: str = ""
    dialect: str = ""
    digest: str = ""
    sequence: str = ""
    version: int = 0


class SequenceCreated(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A new sequence with empty tracks."""

    project: str
    content: Content


class SequenceImported(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A new sequence whose content came from elsewhere, in one event however long it is."""

    project: str
    content: Content
    origin: Origin


class SequenceEdited(Event, frozen=True, kw_only=True, omit_defaults=True):
    """One command's whole effect. `intent` is the command's name. `origin` is the file whose changes these are, with the
    sequence and version it was made from; null for all but returned cuts."""

    intent: str
    ops: tuple[Op, ...]
    origin: Origin | None = None


class SequenceArchived(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The sequence is out of the way, and kept. `archived` False brings it back."""

    archived: bool = True


SequenceEvent = SequenceCreated | SequenceImported | SequenceEdited | SequenceArchived


def evolve(state: Sequence | None, event: SequenceEvent) -> Sequence:
    """Returns the state after one event; None before the first."""
    match event:
        case SequenceCreated(content=content) | SequenceImported(content=content):
            return restore(event.originator_id.hex, event.originator_version, content)
        case SequenceEdited(ops=ops):
            assert state is not None
            return replace(apply_all(state, ops), version=event.originator_version)
        case SequenceArchived(archived=archived):
            assert state is not None
            return replace(state, version=event.originator_version, archived=archived)
        case _:
            assert_never(event)


def replay(state: Sequence | None, events: Iterable[SequenceEvent]) -> Sequence | None:
    """Folds the events onto the state."""
    for event in events:
        state = evolve(state, event)
    return state


def restore(id_: str, version: int, content: Content) -> Sequence:
    """Builds the state of a whole timeline value."""
    items: dict[str, Item] = {}
    home: dict[str, str] = {}
    links: dict[str, frozenset[str]] = {}
    lanes: dict[str, Lane] = {}
    marks: dict[str, frozenset[str]] = {}
    for marker in content.markers:
        if marker.item is not None:
            marks[marker.item] = marks.get(marker.item, frozenset()) | {marker.id}
    for part in content.tracks:
        rows, cursor = [], 0
        for placed in part.items:
            item = placed.item
            start = cursor if part.track.placement == "magnetic" or placed.start is None else placed.start
            cursor = start + item.duration
            rows.append((item.id, start, item.duration))
            items[item.id] = item
            home[item.id] = part.track.id
            if item.link is not None:
                links[item.link] = links.get(item.link, frozenset()) | {item.id}
        lanes[part.track.id] = Lane.of(rows)
    return Sequence(
        id=id_,
        version=version,
        name=content.name,
        rate=content.rate,
        drop_frame=content.drop_frame,
        start_frame=content.start_frame,
        resolution=content.resolution,
        order=tuple(part.track.id for part in content.tracks),
        tracks=Map({part.track.id: part.track for part in content.tracks}),
        lanes=Map(lanes),
        items=Map(items),
        home=Map(home),
        transitions=Map({t.key: t for t in content.transitions}),
        markers=Map({m.id: m for m in content.markers}),
        links=Map(links),
        marks=Map(marks),
        conflicts=Map({c.id: c for c in content.conflicts}),
        foreign=content.foreign,
    )


def content_of(state: Sequence) -> Content:
    """Returns the whole timeline as a value; `restore` is its inverse."""
    parts = []
    for id_ in state.order:
        track = state.tracks[id_]
        free = track.placement == "free"
        parts.append(
            TrackContent(track, tuple(Placed(item, slot.start if free else None) for slot, item in state.placed(id_)))
        )
    return Content(
        name=state.name,
        rate=state.rate,
        drop_frame=state.drop_frame,
        start_frame=state.start_frame,
        resolution=state.resolution,
        tracks=tuple(parts),
        transitions=tuple(state.transitions[key] for key in sorted(state.transitions)),
        markers=tuple(sorted(state.markers.values(), key=lambda m: (m.item or "", m.start, m.id))),
        conflicts=tuple(state.conflicts[id_] for id_ in sorted(state.conflicts)),
        foreign=state.foreign,
    )
