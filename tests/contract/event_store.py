"""What every event store promises. Subclass EventStoreContract and give it a `store` fixture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event as Flag
from uuid import UUID, uuid4

import pytest

from genlock.errors import Refused, StoreError
from genlock.project.project import ProjectCreated, ProjectRenamed
from genlock.project.shot import ShotCreated
from genlock.store import Commit, EventStore

NOW = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)


def created(originator: UUID, name: str = "Reel", **fields: object) -> ProjectCreated:
    return ProjectCreated(originator_id=originator, originator_version=1, timestamp=NOW, name=name, **fields)


def renamed(originator: UUID, version: int, after: str = "Cut", **fields: object) -> ProjectRenamed:
    return ProjectRenamed(
        originator_id=originator, originator_version=version, timestamp=NOW, before="Reel", after=after, **fields
    )


def commit(*events: object, command: str = "") -> Commit:
    return Commit(command or uuid4().hex, "anna", b"digest", events)


def fill(store: EventStore, originator: UUID, count: int) -> None:
    """Stores an aggregate of `count` events, in commits of one event, a hundred a transaction."""
    events = [created(originator), *(renamed(originator, v) for v in range(2, count + 1))]
    for at in range(0, count, 100):
        store.append([commit(event) for event in events[at : at + 100]])


class EventStoreContract:
    """The contract of genlock.store.EventStore."""

    def test_an_event_comes_back_equal(self, store: EventStore) -> None:
        a = uuid4()
        event = created(a, "Ünïcode – ☃", actor="anna", host="panel", command_id="c1", kind="import", ref=3, label="x")
        ((recorded,),) = store.append([commit(event)])
        assert recorded.event == event
        assert recorded.id == 1
        assert list(store.read(a)) == [event]
        assert store.since(0) == [recorded]

    def test_ids_count_without_holes_over_all_aggregates(self, store: EventStore) -> None:
        a, b = uuid4(), uuid4()
        first = store.append([commit(created(a)), commit(created(b), renamed(b, 2))])
        second = store.append([commit(renamed(a, 2), renamed(b, 3))])
        assert [[r.id for r in part] for part in first + second] == [[1], [2, 3], [4, 5]]
        assert store.tip() == 5

    def test_an_empty_store(self, store: EventStore) -> None:
        assert store.tip() == 0
        assert store.since(0) == []
        assert list(store.read(uuid4())) == []
        assert store.find_command("nothing") is None
        assert store.get_snapshot(uuid4(), None) is None
        assert store.originators(("ProjectCreated",)) == []
        assert store.append([]) == []

    def test_reading_a_range_of_versions(self, store: EventStore) -> None:
        a = uuid4()
        fill(store, a, 10)
        versions = [event.originator_version for event in store.read(a, after=3, upto=7)]
        assert versions == [4, 5, 6, 7]
        assert [e.originator_version for e in store.read(a, after=8)] == [9, 10]
        assert [e.originator_version for e in store.read(a, after=8, upto=99)] == [9, 10]
        assert list(store.read(a, after=10)) == []
        assert list(store.read(a, after=99)) == []
        assert list(store.read(a, upto=0)) == []

    def test_reading_more_than_a_page(self, store: EventStore) -> None:
        a = uuid4()
        fill(store, a, 2500)
        assert [e.originator_version for e in store.read(a)] == list(range(1, 2501))
        assert [e.originator_version for e in store.read(a, upto=2000)] == list(range(1, 2001))

    def test_since_pages_by_cursor(self, store: EventStore) -> None:
        fill(store, uuid4(), 25)
        seen, cursor = [], 0
        while page := store.since(cursor, 10):
            assert len(page) <= 10
            seen += [r.id for r in page]
            cursor = page[-1].id
        assert seen == list(range(1, 26))
        assert store.since(25) == []
        assert store.since(999) == []
        assert [r.id for r in store.since(-5, 2)] == [1, 2]

    def test_recorded_returns_what_append_returned(self, store: EventStore) -> None:
        a = uuid4()
        first, second = store.append([commit(created(a), renamed(a, 2)), commit(renamed(a, 3))])
        assert store.recorded(1, 2) == first
        assert store.recorded(3, 3) == second

    def test_the_stored_bytes_are_the_events_json(self, store: EventStore) -> None:
        a = uuid4()
        ((recorded,),) = store.append([commit(created(a))])
        assert store.mapper.decode("ProjectCreated@1", recorded.state) == recorded.event
        assert store.since(0)[0].state == recorded.state

    # -- versions

    def test_a_version_clash_is_refused(self, store: EventStore) -> None:
        a = uuid4()
        store.append([commit(created(a), renamed(a, 2))])
        with pytest.raises(Refused) as refused:
            store.append([commit(renamed(a, 2, "Mine"))])
        assert refused.value.code == "stale_version"
        assert refused.value.details["head"] == 2
        assert [e.originator_version for e in store.read(a)] == [1, 2]

    def test_a_hole_in_the_versions_is_refused(self, store: EventStore) -> None:
        a = uuid4()
        for events in ([renamed(a, 2)], [created(a), renamed(a, 3)]):
            with pytest.raises(Refused) as refused:
                store.append([commit(*events)])
            assert refused.value.code == "stale_version"
        assert store.tip() == 0

    def test_a_refused_commit_takes_all_others_with_it(self, store: EventStore) -> None:
        a, b = uuid4(), uuid4()
        store.append([commit(created(a))])
        with pytest.raises(Refused):
            store.append([commit(created(b), command="good"), commit(created(a), command="bad")])
        assert store.tip() == 1
        assert list(store.read(b)) == []
        assert store.find_command("good") is None
        assert store.originators(("ProjectCreated",)) == [a]

    def test_no_id_is_lost_to_a_refused_append(self, store: EventStore) -> None:
        a = uuid4()
        store.append([commit(created(a))])
        with pytest.raises(Refused):
            store.append([commit(created(a))])
        ((recorded,),) = store.append([commit(renamed(a, 2))])
        assert recorded.id == 2
        store.check_tail()

    def test_a_commit_without_events_is_refused(self, store: EventStore) -> None:
        with pytest.raises(Refused) as refused:
            store.append([commit(command="empty")])
        assert refused.value.code == "no_change"

    # -- commands

    def test_a_command_is_found_again(self, store: EventStore) -> None:
        a = uuid4()
        store.append([commit(created(a))])
        store.append([Commit("c7", "ben", b"\x00\xff", (renamed(a, 2), renamed(a, 3)))])
        found = store.find_command("c7")
        assert found is not None
        assert (found.actor, found.digest, found.first_id, found.last_id) == ("ben", b"\x00\xff", 2, 3)

    def test_commands_are_found_together(self, store: EventStore) -> None:
        a = uuid4()
        store.append([commit(created(a), command="c1"), commit(renamed(a, 2), command="c2")])
        found = store.find_commands(["c2", "nothing", "c1", "'; --"])
        assert {id_: row.first_id for id_, row in found.items()} == {"c1": 1, "c2": 2}
        assert store.find_commands([]) == {}

    def test_a_command_id_is_used_once(self, store: EventStore) -> None:
        a, b = uuid4(), uuid4()
        store.append([commit(created(a), command="c1")])
        with pytest.raises(Refused) as refused:
            store.append([commit(created(b), command="c1")])
        assert refused.value.code == "command_id_reused"
        assert list(store.read(b)) == []

    def test_a_command_id_is_used_once_within_a_batch(self, store: EventStore) -> None:
        with pytest.raises(Refused) as refused:
            store.append([commit(created(uuid4()), command="c1"), commit(created(uuid4()), command="c1")])
        assert refused.value.code == "command_id_reused"
        assert store.tip() == 0

    # -- aggregates and snapshots

    def test_originators_by_the_name_of_their_first_event(self, store: EventStore) -> None:
        a, b, c = uuid4(), uuid4(), uuid4()
        shot = ShotCreated(originator_id=b, originator_version=1, timestamp=NOW, project=a.hex, code="SH0010")
        store.append([commit(created(a)), commit(shot), commit(created(c), renamed(c, 2))])
        assert store.originators(("ProjectCreated",)) == [a, c]
        assert store.originators(("ShotCreated@1", "JobQueued")) == [b]
        assert store.originators(("ProjectCreated", "ShotCreated")) == [a, b, c]
        assert store.originators(("ProjectRenamed",)) == []

    def test_the_newest_snapshot_at_or_below_a_version(self, store: EventStore) -> None:
        a = uuid4()
        for version in (10, 30, 20):
            store.put_snapshot(a, version, "s@1", b"state %d" % version)
        assert store.get_snapshot(a, None) == (30, "s@1", b"state 30")
        assert store.get_snapshot(a, 29) == (20, "s@1", b"state 20")
        assert store.get_snapshot(a, 20) == (20, "s@1", b"state 20")
        assert store.get_snapshot(a, 9) is None
        assert store.get_snapshot(uuid4(), None) is None

    def test_a_snapshot_of_the_same_version_takes_its_place(self, store: EventStore) -> None:
        a = uuid4()
        store.put_snapshot(a, 10, "s@1", b"old")
        store.put_snapshot(a, 10, "s@2", b"new")
        assert store.get_snapshot(a, None) == (10, "s@2", b"new")

    # -- many at once

    def test_writers_at_once_lose_nothing(self, store: EventStore) -> None:
        def write(originator: UUID) -> None:
            store.append([commit(created(originator))])
            for version in range(2, 26):
                store.append([commit(renamed(originator, version))])

        originators = [uuid4() for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, originators))
        assert [r.id for r in store.since(0)] == list(range(1, 101))
        for originator in originators:
            assert [e.originator_version for e in store.read(originator)] == list(range(1, 26))
        store.check_tail(1000)

    def test_of_two_writers_of_one_version_one_is_refused(self, store: EventStore) -> None:
        a = uuid4()
        store.append([commit(created(a))])

        def write(_: int) -> str:
            try:
                store.append([commit(renamed(a, 2))])
            except Refused as refused:
                return refused.code
            return "stored"

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(write, range(4))) == ["stale_version"] * 3 + ["stored"]

    def test_a_reader_that_follows_the_log_misses_nothing(self, store: EventStore) -> None:
        done, originators = Flag(), [uuid4() for _ in range(3)]

        def write(originator: UUID) -> None:
            fill(store, originator, 60)

        def follow() -> list[int]:
            seen: list[int] = []
            while True:
                last = done.is_set()
                page = store.since(seen[-1] if seen else 0, 50)
                seen += [r.id for r in page]
                if last and not page:
                    return seen

        with ThreadPoolExecutor(5) as pool:
            readers = [pool.submit(follow) for _ in range(2)]
            list(pool.map(write, originators))
            done.set()
            assert all(reader.result() == list(range(1, 181)) for reader in readers)

    def test_reading_goes_on_while_somebody_reads_slowly(self, store: EventStore) -> None:
        a, b = uuid4(), uuid4()
        fill(store, a, 1500)
        slow = store.read(a)
        next(slow)
        store.append([commit(created(b))])
        assert len(list(slow)) == 1499
        assert len(list(store.read(b))) == 1

    def test_closing_under_readers_and_writers_breaks_none_of_them(self, store: EventStore) -> None:
        a = uuid4()
        fill(store, a, 200)
        started = [Flag() for _ in range(3)]

        def read(flag: Flag) -> str:
            while True:
                try:
                    assert len(list(store.read(a))) == 200
                except StoreError as error:
                    return error.code
                flag.set()

        def write(flag: Flag) -> str:
            while True:
                try:
                    store.append([commit(created(uuid4()))])
                except StoreError as error:
                    return error.code
                flag.set()

        with ThreadPoolExecutor(3) as pool:
            working = [pool.submit(work, flag) for work, flag in zip((read, read, write), started, strict=True)]
            for flag in started:
                assert flag.wait(20)
            store.close()
            assert {future.result(20) for future in working} == {"shutting_down"}

    def test_a_closed_store_says_so(self, store: EventStore) -> None:
        store.append([commit(created(uuid4()))])
        store.close()
        store.close()
        with pytest.raises(StoreError) as error:
            store.append([commit(created(uuid4()))])
        assert error.value.code == "shutting_down"
        with pytest.raises(StoreError):
            store.since(0)
