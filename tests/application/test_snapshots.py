"""Snapshots in the background, and sequences opened from them."""

from __future__ import annotations

import logging
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import pytest
from immutables import Map
from msgspec.structs import replace

from genlock.application.commands import ArchiveSequence, Redo, Undo
from genlock.application.live import Live, opened_at
from genlock.application.snapshots import Snapshots
from genlock.errors import StoreError
from genlock.store.store import EventStore, open_store
from genlock.timeline.commands import RenameItem
from tests.application.studio import Studio


class Counting:
    """A store that counts the events it is asked for, and can refuse snapshots."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.events = 0
        self.refusing = False

    def read(self, *args: Any, **kwargs: Any) -> Any:
        for event in self.store.read(*args, **kwargs):
            self.events += 1
            yield event

    def put_snapshot(self, *args: Any) -> None:
        if self.refusing:
            raise StoreError("store_full")
        self.store.put_snapshot(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def until(store: EventStore, sequence: str) -> int:
    """Waits for a snapshot and returns its version."""
    deadline = monotonic() + 10
    while (found := store.get_snapshot(UUID(hex=sequence))) is None:
        assert monotonic() < deadline, "no snapshot came"
        sleep(0.005)
    return found[0]


def rename(studio: Studio, sequence: str, count: int) -> None:
    for k in range(count):
        studio.do(RenameItem("a", f"name {k}"), sequence)


def test_a_busy_sequence_gets_one_every_so_many_events() -> None:
    studio = Studio(every=20, idle=60.0, least=50)
    sequence = studio.sequence()
    studio.append(sequence, "a")
    rename(studio, sequence, 19)
    assert until(studio.store, sequence) == 21
    studio.app.close()


def test_an_idle_one_gets_one_too() -> None:
    studio = Studio(every=500, idle=0.02, least=5)
    sequence = studio.sequence()
    studio.append(sequence, "a")
    rename(studio, sequence, 10)
    assert 6 <= until(studio.store, sequence) <= 12
    studio.app.close()


def test_a_few_edits_are_not_worth_one() -> None:
    studio = Studio(every=500, idle=0.01, least=50)
    sequence = studio.sequence()
    studio.append(sequence, "a")
    sleep(0.1)
    studio.app.close()
    assert studio.store.get_snapshot(UUID(hex=sequence)) is None


def test_closing_makes_what_is_due() -> None:
    studio = Studio(every=500, idle=60.0, least=5)
    sequence = studio.sequence()
    studio.append(sequence, "a")
    rename(studio, sequence, 10)
    studio.app.close()
    assert until(studio.store, sequence) == 12


def test_a_cold_open_reads_the_tail_alone() -> None:
    store = Counting(open_store("memory:"))
    studio = Studio(store, every=30, idle=60.0)  # type: ignore[arg-type]
    sequence = studio.sequence()
    studio.append(sequence, "a")
    rename(studio, sequence, 29)
    assert until(studio.store, sequence) == 31
    studio.append(sequence, "b")
    studio.do(Undo(), sequence)
    studio.do(ArchiveSequence(), sequence)
    live = studio.app.world.opened[sequence]
    again = studio.reopened()
    store.events = 0
    assert again.app.sequence(sequence) == live.state
    assert store.events <= 4
    opened = again.app.world.opened[sequence]
    assert (opened.stacks, opened.marks, opened.project) == (live.stacks, live.marks, live.project)
    again.do(ArchiveSequence(archived=False), sequence)
    again.do(Redo(), sequence)
    assert again.items(sequence) == ["a", "b"]
    again.app.close()


def test_a_snapshot_holds_the_same_as_the_events() -> None:
    studio = Studio(every=10, idle=60.0)
    sequence = studio.sequence()
    studio.append(sequence, "a")
    rename(studio, sequence, 12)
    studio.do(Undo(), sequence)
    version = until(studio.store, sequence)
    from_snapshot = opened_at(studio.store, sequence, version)
    whole = list(studio.store.read(UUID(hex=sequence), upto=version))
    replayed = opened_at(_Only(whole), sequence, version)  # type: ignore[arg-type]
    assert from_snapshot.state == replayed.state
    assert (from_snapshot.stacks, from_snapshot.marks) == (replayed.stacks, replayed.marks)
    studio.app.close()


class _Only:
    """A store of these events, without snapshots."""

    def __init__(self, events: list[Any]) -> None:
        self.events = events

    def get_snapshot(self, *_: Any) -> None:
        return None

    def read(self, _: UUID, *, after: int = 0, upto: int | None = None) -> Any:
        return [
            e for e in self.events if after < e.originator_version and (upto is None or e.originator_version <= upto)
        ]


def test_a_snapshot_of_another_schema_is_passed_over() -> None:
    studio = Studio()
    sequence = studio.sequence()
    studio.append(sequence, "a")
    studio.store.put_snapshot(UUID(hex=sequence), 2, "sequence@0", b"something else")
    again = studio.reopened()
    assert again.items(sequence) == ["a"]
    again.app.close()


def test_a_store_without_room_for_snapshots_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    store = Counting(open_store("memory:"))
    store.refusing = True
    studio = Studio(store, every=5, idle=0.01, least=1)  # type: ignore[arg-type]
    sequence = studio.sequence()
    studio.append(sequence, "a")
    with caplog.at_level(logging.WARNING):
        rename(studio, sequence, 12)
        studio.app.close()
    assert "No snapshot of Cut" in caplog.text
    assert studio.app.sequence(sequence).version == 14


def test_the_present_is_kept_for_a_few_sequences_only() -> None:
    studio = Studio()
    project = studio.project()
    made = [studio.sequence(project, f"S{k}") for k in range(5)]
    for k, sequence in enumerate(made):
        studio.append(sequence, f"i{k}")
    live = Live(studio.store, keep=2)
    for _ in range(2):
        for k, sequence in enumerate(made):
            assert list(live.sequence(sequence).state.items) == [f"i{k}"]
    assert set(live.world.opened) == set(made[-2:])
    live.sequence(made[-2])
    live.sequence(made[0])
    assert set(live.world.opened) == {made[-2], made[0]}
    studio.app.close()


def test_a_sequence_that_is_edited_stays_open(studio: Studio) -> None:
    project = studio.project()
    busy, *others = [studio.sequence(project, f"S{k}") for k in range(4)]
    live = Live(studio.store, keep=2)
    live.sequence(busy)
    for other in others:
        live.advance(live.world, [busy])
        live.sequence(other)
    assert set(live.world.opened) == {busy, others[-1]}


def test_a_read_that_a_commit_overtakes_is_read_again() -> None:
    store = Overtaken(open_store("memory:"))
    studio = Studio(store)  # type: ignore[arg-type]
    sequence = studio.sequence()
    studio.append(sequence, "a")
    live = Live(store)  # type: ignore[arg-type]

    def commit() -> None:
        studio.append(sequence, "b")
        live.advance(studio.app.world)
        # What was put in goes out again, as for want of room: only the version is remembered.
        live.advance(_closed(live))

    store.meanwhile = commit
    assert set(live.sequence(sequence).state.items) == {"a", "b"}
    studio.app.close()


def _closed(live: Live) -> Any:
    return replace(live.world, opened=Map())


class Overtaken:
    """A store where something happens after the next read and before its reader goes on."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.meanwhile: Any = None

    def read(self, *args: Any, **kwargs: Any) -> Any:
        found = list(self.store.read(*args, **kwargs))
        if self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return iter(found)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_snapshots_close_twice() -> None:
    snapshots = Snapshots(open_store("memory:"))
    snapshots.close()
    snapshots.close()
