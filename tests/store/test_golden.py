"""Events written once are read for ever."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import get_args
from uuid import UUID

import msgspec
import pytest

from genlock.store import open_store
from genlock.store.jsonl import import_
from genlock.store.mapper import EVENTS, EventMapper
from genlock.store.verify import verify
from genlock.timeline.events import SequenceEdited, content_of, replay
from genlock.timeline.ops import Op
from tests.store.golden_events import ADDED, FOLDER, GOLDEN

SESSION = Path(__file__).parent / "session.jsonl"
STATES = Path(__file__).parent / "session.hashes"
FILES = sorted(FOLDER.glob("*@*.jsonl"))
BY_NAME = {type(events[0]).__name__: events for events in GOLDEN}


def topic(path: Path) -> str:
    """Returns the topic of a golden file: `Name@1` of `Name@1.conflicts.jsonl` too."""
    return path.name.split(".")[0]


def test_every_event_has_a_golden_file_for_each_of_its_schemas() -> None:
    due = {f"{cls.__name__}@{schema}.jsonl" for cls in EVENTS for schema in range(1, cls.schema + 1)}
    due |= {f"{name}.jsonl" for name in ADDED}
    assert {path.name for path in FILES} == due, "python -m tests.store.golden_events writes a missing one"


def test_every_op_is_in_a_golden_file() -> None:
    edits = [event for events in (*GOLDEN, *ADDED.values()) for event in events if isinstance(event, SequenceEdited)]
    seen = {type(op) for event in edits for op in event.ops}
    assert seen == set(get_args(Op))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_reads_as_what_it_meant(path: Path) -> None:
    mapper = EventMapper()
    events = [mapper.decode(topic(path), line) for line in path.read_bytes().splitlines()]
    assert events == list(ADDED.get(path.stem) or BY_NAME[topic(path).partition("@")[0]])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_of_the_newest_schema_is_written_the_same(path: Path) -> None:
    mapper = EventMapper()
    for line in path.read_bytes().splitlines():
        event = mapper.decode(topic(path), line)
        if event.topic() == topic(path):
            assert mapper.encode(event) == line


def states() -> Iterator[tuple[str, str]]:
    """Yields each sequence of the recorded session with the hash of its state after every event."""
    store = open_store("memory:")
    import_(SESSION, store)
    assert verify(store).ok
    for originator in store.originators(("SequenceCreated", "SequenceImported")):
        yield originator.hex, state_hash(list(store.read(originator)))


def state_hash(events: list[object]) -> str:
    """Returns one hash over the states after each event, so that none may differ."""
    digest, state = blake2b(digest_size=16), None
    for event in events:
        state = replay(state, [event])
        assert state is not None
        digest.update(msgspec.json.encode([content_of(state), state.archived, state.version]))
    return digest.hexdigest()


def test_a_recorded_session_replays_to_the_recorded_states() -> None:
    recorded = dict(line.split() for line in STATES.read_text().splitlines())
    assert dict(states()) == recorded
    assert all(UUID(originator) for originator in recorded)
