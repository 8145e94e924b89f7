"""What came home before: an editor goes on with one export and returns it again and again, and each file holds what those
before it held. So a later file is compared with the base as they left it there, not as it went out."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from msgspec.structs import replace

from genlock.application.opened import Opened
from genlock.event import Event
from genlock.store.store import EventStore
from genlock.timeline.check import violations
from genlock.timeline.events import SequenceEdited
from genlock.timeline.ops import ConflictSet
from genlock.timeline.sequence import Sequence, apply_all


def versions(store: EventStore, opened: Opened, base: int) -> tuple[int, ...]:
    """Returns the versions that files made from version `base` made here, in order: those whose whole content is known, so
    none that left a conflict, and none that was taken back."""
    found = sorted(t.version for t in opened.taken.values() if t.base == base and t.version not in opened.marks.undone)
    return tuple(version for version in found if all(map(_whole, _events(store, opened, version))))


def grown(past: Sequence, events: Iterable[Event | None]) -> Sequence | None:
    """Returns the base with the changes of those edits alone, None when they do not stand without what was done here."""
    state = past
    for event in events:
        if not isinstance(event, SequenceEdited):
            return None
        try:
            state = apply_all(state, event.ops)
        except KeyError:
            return None
    return None if state is not past and violations(state) else replace(state, version=past.version)


def _events(store: EventStore, opened: Opened, version: int) -> list[Event]:
    return list(store.read(UUID(hex=opened.state.id), after=version - 1, upto=version))


def _whole(event: Event) -> bool:
    return isinstance(event, SequenceEdited) and not any(isinstance(op, ConflictSet) for op in event.ops)
