"""The envelope of the event that a command is about to become."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from genlock.event import Event, EventKind

E = TypeVar("E", bound=Event)


class Stamp(Struct, frozen=True):
    """Who did what to which aggregate when: everything of an event but its payload.

    `version` is the aggregate's present one, 0 before its first event. `timestamp` is UTC.
    """

    originator: UUID
    version: int
    timestamp: datetime
    actor: str = ""
    host: str = ""
    command_id: str = ""
    kind: EventKind = "edit"
    ref: int | None = None
    label: str = ""

    @property
    def id(self) -> str:
        """The aggregate's id as 32 hex digits."""
        return self.originator.hex

    def make(self, cls: type[E], **payload: Any) -> E:
        """Returns the aggregate's next event."""
        return cls(
            originator_id=self.originator,
            originator_version=self.version + 1,
            timestamp=self.timestamp,
            actor=self.actor,
            host=self.host,
            command_id=self.command_id,
            kind=self.kind,
            ref=self.ref,
            label=self.label,
            **payload,
        )
