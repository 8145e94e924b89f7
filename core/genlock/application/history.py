"""Reading the past: the list of a sequence's versions, and events with what they changed."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from genlock.application.envelope import HistoryEntry, Published
from genlock.application.live import opened_at
from genlock.application.opened import Marks, Opened
from genlock.application.world import World, effects, fold
from genlock.event import Event
from genlock.project.job import JobEvent
from genlock.project.project import ProjectEvent
from genlock.project.shot import ShotEvent
from genlock.store.records import Recorded
from genlock.store.store import EventStore
from genlock.timeline.events import SequenceEdited, SequenceEvent
from genlock.timeline.ops import ItemInserted, MarkerSet, TrackInserted

PAGE = 200


def entries(
    store: EventStore, opened: Opened, *, actor: str | None, before: int | None, limit: int
) -> list[HistoryEntry]:
    """Returns up to `limit` versions below `before` (None: from the newest), newest first; `actor` keeps one person's."""
    found: list[HistoryEntry] = []
    for event in _backwards(store, UUID(hex=opened.state.id), _top(opened, before)):
        if actor is None or event.actor == actor:
            found.append(_entry(event, opened.marks))
        if len(found) >= limit:
            break
    return found[:limit]


def _top(opened: Opened, before: int | None) -> int:
    head = opened.state.version
    return head if before is None else min(head, before - 1)


def _backwards(store: EventStore, originator: UUID, top: int) -> Iterator[Event]:
    while top > 0:
        page = list(store.read(originator, after=max(0, top - PAGE), upto=top))
        yield from reversed(page)
        top -= PAGE


def _entry(event: Event, marks: Marks) -> HistoryEntry:
    edit = event if isinstance(event, SequenceEdited) else None
    version = event.originator_version
    return HistoryEntry(
        version=version,
        kind=event.kind,
        intent=edit.intent if edit else type(event).__name__,
        label=event.label,
        actor=event.actor,
        host=event.host,
        timestamp=event.timestamp,
        ref=event.ref,
        undone=version in marks.undone,
    )


def brought(store: EventStore, opened: Opened, version: int) -> set[str]:
    """Returns the ids of what the edit of a version made and is there now: items, tracks and markers."""
    state, found = opened.state, set[str]()
    for event in store.read(UUID(hex=state.id), after=version - 1, upto=version):
        for op in event.ops if isinstance(event, SequenceEdited) else ():
            match op:
                case ItemInserted(item=made) if made.id in state.items:
                    found.add(made.id)
                case TrackInserted(track=track) if track.id in state.tracks:
                    found.add(track.id)
                case MarkerSet(marker=marker, before=None) if marker in state.markers:
                    found.add(marker)
                case _:
                    pass
    return found


def republished(store: EventStore, world: World, rows: list[Recorded]) -> list[Published]:
    """Returns stored events with their effects, computed again from the states before them.

    `world` is the present one; the states before the first row are read back per aggregate.
    """
    past = World(homes=world.homes)
    started: set[str] = set()
    made: list[Published] = []
    for row in rows:
        id_ = row.event.originator_id.hex
        if id_ not in started:
            started.add(id_)
            past = _before(store, past, row.event)
        after = past.advance(row.event)
        made.append(
            Published(row.id, row.event, row.state, effects(past, after, row.event), project_of(after, row.event))
        )
        past = after
    return made


def project_of(world: World, event: Event) -> str:
    """Returns the project an event belongs to."""
    id_ = event.originator_id.hex
    if isinstance(event, ProjectEvent):
        return id_
    if isinstance(event, ShotEvent):
        return world.shots[id_].project
    if isinstance(event, JobEvent):
        return world.jobs[id_].project
    return world.opened[id_].project


def _before(store: EventStore, past: World, event: Event) -> World:
    version = event.originator_version - 1
    if version == 0:
        return past
    if isinstance(event, SequenceEvent):
        return past.with_opened(opened_at(store, event.originator_id.hex, version))
    return fold(store.read(event.originator_id, upto=version), past)
