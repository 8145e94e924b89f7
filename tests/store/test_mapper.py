"""Events under stable topics, older ones brought up to date."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

import pytest

from genlock.errors import StoreError
from genlock.event import Event
from genlock.store import chain
from genlock.store.mapper import EVENTS, EventMapper
from genlock.store.records import Row
from genlock.store.upcasters import UPCASTERS
from tests.contract.event_store import NOW, created
from tests.store.stores import edited


class ClipTrimmed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A fictional event at its third schema: `clip` became `item`, then the rate joined the length."""

    schema: ClassVar[int] = 3

    item: str
    length: tuple[int, int]
    note: str = ""


def first(value: dict[str, Any]) -> dict[str, Any]:
    rest = {key: each for key, each in value.items() if key != "clip"}
    return {**rest, "item": value["clip"]}


def second(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "length": [value["length"], 24]}


STEPS = {("ClipTrimmed", 1): first, ("ClipTrimmed", 2): second}
HEAD = b'{"originator_id":"00000000-0000-0000-0000-000000000007","originator_version":2,"timestamp":"2026-01-01T00:00:00Z",'
OLD = {
    "ClipTrimmed@1": HEAD + b'"clip":"c1","length":48}',
    "ClipTrimmed@2": HEAD + b'"item":"c1","length":48}',
    "ClipTrimmed@3": HEAD + b'"item":"c1","length":[48,24]}',
}


def test_every_schema_of_an_event_reads_as_the_newest() -> None:
    mapper = EventMapper([ClipTrimmed], STEPS)
    events = [mapper.decode(topic, state) for topic, state in OLD.items()]
    assert events[0] == events[1] == events[2]
    assert isinstance(events[0], ClipTrimmed)
    assert (events[0].item, events[0].length, events[0].note) == ("c1", (48, 24), "")
    assert events[0].topic() == "ClipTrimmed@3"


@pytest.mark.parametrize(
    "topic", ["ClipTrimmed@4", "ClipTrimmed@0", "ClipTrimmed@", "ClipTrimmed", "Clip@1", "", "@", "ClipTrimmed@²"]
)
def test_a_topic_nobody_knows(topic: str) -> None:
    with pytest.raises(StoreError) as error:
        EventMapper([ClipTrimmed], STEPS).decode(topic, OLD["ClipTrimmed@1"])
    assert error.value.code == "unknown_event"


def test_a_missing_step_is_named() -> None:
    with pytest.raises(StoreError) as error:
        EventMapper([ClipTrimmed], {("ClipTrimmed", 1): first}).decode("ClipTrimmed@1", OLD["ClipTrimmed@1"])
    assert error.value.code == "unknown_event"
    assert "ClipTrimmed@2" in error.value.message


@pytest.mark.parametrize("state", [b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe", b'{"a":' + b"[" * 100_000])
def test_bytes_that_are_no_such_event(state: bytes) -> None:
    mapper = EventMapper([ClipTrimmed], STEPS)
    for topic in OLD:
        with pytest.raises(StoreError) as error:
            mapper.decode(topic, state)
        assert error.value.code == "store_corrupt"


def test_every_event_has_all_its_upcasters() -> None:
    due = {(cls.__name__, schema) for cls in EVENTS for schema in range(1, cls.schema)}
    assert set(UPCASTERS) == due


def test_names_of_events_are_unique() -> None:
    assert len({cls.__name__ for cls in EVENTS}) == len(EVENTS)


def test_the_library_maps_there_and_back() -> None:
    mapper = EventMapper()
    for event in (created(uuid4()), edited(2)):
        stored = mapper.to_stored_event(event)
        assert stored.topic == event.topic()
        assert mapper.to_domain_event(stored) == event


def row(**fields: Any) -> Row:
    state = EventMapper().encode(created(uuid4()))
    good = Row(5, "a", 1, "ProjectCreated@1", state, b"", chain.checksum("ProjectCreated@1", 1, state))
    return good._replace(**fields)


def test_a_row_that_is_what_was_written() -> None:
    assert EventMapper().read(row()).timestamp == NOW


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 2},
        {"topic": "ProjectRenamed@1"},
        {"topic": "Unheard@1"},
        {"state": b"{}"},
        {"checksum": 1},
        {"checksum": None},
        {"state": None},
        {"state": "text"},
        {"state": 12},
        {"version": None},
        {"version": b"\x01"},
        {"topic": None},
        {"topic": b"x"},
    ],
)
def test_a_row_that_is_not(fields: dict[str, Any]) -> None:
    with pytest.raises(StoreError) as error:
        EventMapper().read(row(**fields))
    assert error.value.code == "store_tampered"
    assert error.value.details["id"] == 5
