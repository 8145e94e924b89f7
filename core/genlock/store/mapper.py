"""Events to bytes and back: JSON by msgspec under stable topics `Name@schema`, never module paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, get_args
from zlib import crc32

import msgspec
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from genlock.errors import StoreError
from genlock.event import Event
from genlock.project.job import JobEvent
from genlock.project.project import ProjectEvent
from genlock.project.shot import ShotEvent
from genlock.store import chain
from genlock.store.records import Lean, Row
from genlock.store.upcasters import UPCASTERS, Upcasters, upcast
from genlock.timeline.events import SequenceEvent

EVENTS: Final[tuple[type[Event], ...]] = (
    *get_args(SequenceEvent),
    *get_args(ProjectEvent),
    *get_args(ShotEvent),
    *get_args(JobEvent),
)
"""Every class of event this Genlock knows."""

Decoder = Callable[[bytes], Event]


class EventMapper(Mapper[Any]):
    """Turns events into stored ones and back; a typed decoder for each topic, made once.

    The whole event is the state, so that the stored JSON is complete by itself on the wire and in an export.
    """

    def __init__(self, events: Iterable[type[Event]] = EVENTS, upcasters: Upcasters = UPCASTERS) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self._classes = {cls.__name__: cls for cls in events}
        self._upcasters = upcasters
        self._encode = msgspec.json.Encoder().encode
        self._readers: dict[str, tuple[int, Decoder]] = {}

    def knows(self, name: object) -> bool:
        """Returns whether there is an event of this name, whatever its schema."""
        return name in self._classes

    def encode(self, event: Event) -> bytes:
        """Returns the event's JSON."""
        return self._encode(event)

    def decode(self, topic: str, state: bytes) -> Event:
        """Returns the event. Raises StoreError: unknown_event for a topic this Genlock does not know, store_corrupt for
        JSON that is no such event."""
        _, decode = self._readers.get(topic) or self._learn(topic)
        try:
            return decode(state)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise StoreError("store_corrupt", f"A stored {topic} does not read as one: {error}", topic=topic) from error

    def read(self, row: Row) -> Event:
        """Returns the event of a row after proving it by its checksum. Raises StoreError store_tampered, or as decode;
        the details name the event."""
        try:
            proven = chain.checksum(row.topic, row.version, row.state) == row.checksum
        except (TypeError, AttributeError):  # a damaged page can give a column of another type
            proven = False
        if not proven:
            raise tampered(row)
        try:
            return self.decode(row.topic, row.state)
        except StoreError as error:
            raise StoreError(error.code, error.message, hint=error.hint, **place(row)) from error

    def read_all(self, rows: Iterable[Lean]) -> list[Event]:
        """Returns the events of the rows, each proven, up to the first that cannot be read: the caller has `read` say why.

        This is the path of every replay and resume, so it calls nothing but the checksum and the decoder an event.
        """
        found: list[Event] = []
        readers = self._readers
        try:
            for _, version, topic, state, checksum in rows:
                seed, decode = readers.get(topic) or self._learn(topic)
                if crc32(state, seed ^ version) != checksum:
                    break
                found.append(decode(state))
        except (StoreError, msgspec.MsgspecError, RecursionError, TypeError, AttributeError):
            pass
        return found

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Returns the library's record of an event."""
        event: Event = domain_event
        return StoredEvent(event.originator_id, event.originator_version, event.topic(), self.encode(event))

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Returns the event of the library's record."""
        return self.decode(stored_event.topic, stored_event.state)

    def _learn(self, topic: str) -> tuple[int, Decoder]:
        self._readers[topic] = chain.seed(topic), self._decoder(topic)
        return self._readers[topic]

    def _decoder(self, topic: str) -> Decoder:
        name, _, number = topic.partition("@")
        cls = self._classes.get(name)
        schema = int(number) if number.isdecimal() and number.isascii() else 0
        if cls is None or not 1 <= schema <= cls.schema:
            raise StoreError("unknown_event", f"The store holds {topic!r}, which this Genlock does not know.")
        if schema == cls.schema:
            return msgspec.json.Decoder(cls).decode
        plain = msgspec.json.Decoder(dict[str, Any])

        def older(state: bytes) -> Event:
            value = upcast(name, schema, cls.schema, plain.decode(state), self._upcasters)
            return msgspec.convert(value, cls)

        return older


def place(row: Row) -> dict[str, Any]:
    """Returns the details that name an event in an error, JSON-ready whatever a damaged column holds."""
    fields = {"id": row.id, "originator": row.originator, "version": row.version, "topic": row.topic}
    return {key: value if isinstance(value, int | str) else repr(value) for key, value in fields.items()}


def tampered(row: Row) -> StoreError:
    """Returns the error for an event that is not what was written."""
    message = f"Event {row.id} ({row.topic}, version {row.version} of {row.originator}) is not what was written."
    return StoreError("store_tampered", message, **place(row))
