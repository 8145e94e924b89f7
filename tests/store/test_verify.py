"""The whole log is proven, and the first bad event is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.store import chain, open_store
from genlock.store.store import EventStore
from genlock.store.verify import verify
from tests.store.stores import SEQUENCE, change, fill, filled


def reopened(path: Path) -> EventStore:
    """The store without the checks of opening it, so that verify finds what they would."""
    return open_store(path, prove=False)


def test_a_sound_store(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    report = verify(store)
    assert report.ok
    assert (report.events, report.commands, report.aggregates, report.snapshots) == (23, 22, 2, 2)
    assert report.log == store.log_id
    store.close()


def test_an_empty_store(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.genlock")
    assert verify(store).ok
    store.close()


def test_the_tip_changes_with_every_event() -> None:
    store = open_store("memory:")
    fill(store, 2)
    tip = verify(store).tip
    other = open_store("memory:")
    fill(other, 2)
    assert verify(other).tip == tip
    third = open_store("memory:")
    fill(third, 3)
    assert verify(third).tip != tip


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("UPDATE stored_events SET state = replace(state, 'SH0010', 'SH0011') WHERE notification_id = 9", "store_tampered"),
        ("UPDATE stored_events SET topic = 'SequenceArchived@1' WHERE notification_id = 9", "store_tampered"),
        ("UPDATE stored_events SET chain = zeroblob(16) WHERE notification_id = 9", "store_tampered"),
        ("UPDATE stored_events SET checksum = 1 WHERE notification_id = 9", "store_tampered"),
        ("UPDATE stored_events SET topic = 'Unheard@1' WHERE notification_id = 9", "store_tampered"),
        ("DELETE FROM stored_events WHERE notification_id = 9", "store_tampered"),
        ("UPDATE stored_events SET originator_version = 900 WHERE notification_id = 9", "store_tampered"),
        ("UPDATE stored_events SET originator_id = 'ff' WHERE notification_id = 9", "store_tampered"),
    ],
)  # fmt: skip
def test_a_changed_event_is_named(tmp_path: Path, sql: str, code: str) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, sql)
    store = reopened(path)
    report = verify(store)
    store.close()
    assert not report.ok
    first = report.problems[0]
    assert (first.code, first.id) == (code, 9)
    if not sql.startswith("DELETE"):
        assert first.topic.endswith("@1")
        assert first.originator in (SEQUENCE.hex, "ff")


def test_an_event_changed_with_its_checksum_is_found_by_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    store = filled(path)
    row = store.ledger.since(8, 1)[0]
    store.close()
    state = row.state.replace(b"SH0010", b"SH0099")
    check = chain.checksum(row.topic, row.version, state)
    change(path, "UPDATE stored_events SET state=?, checksum=? WHERE notification_id=9", state, check)
    store = reopened(path)
    assert len(list(store.read(SEQUENCE))) == 21
    first = verify(store).problems[0]
    assert (first.code, first.id, first.version, first.topic) == ("store_tampered", 9, 8, "SequenceEdited@1")
    store.close()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE heads SET version = version - 1 WHERE name = 'SequenceCreated'",
        "DELETE FROM heads WHERE name = 'SequenceCreated'",
        "UPDATE heads SET name = 'ShotCreated' WHERE name = 'SequenceCreated'",
        "UPDATE commands SET last_id = last_id + 1 WHERE command_id = 'edit4'",
        "UPDATE commands SET last_id = 9999 WHERE command_id = 'rename'",
        "UPDATE commands SET first_id = 5000, last_id = 5000 WHERE command_id = 'rename'",
        "UPDATE commands SET command_id = 'other' WHERE command_id = 'edit7'",
        "UPDATE snapshots SET state = X'00' WHERE version = 10",
        "DELETE FROM stored_events WHERE notification_id = 23",
    ],
)
def test_tables_that_disagree_with_the_events(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "a.genlock"
    filled(path).close()
    change(path, sql)
    store = reopened(path)
    report = verify(store)
    store.close()
    assert not report.ok
    assert report.problems[0].message


def test_a_broken_store_does_not_fill_the_report(tmp_path: Path) -> None:
    path = tmp_path / "a.genlock"
    filled(path, edits=150).close()
    change(path, "UPDATE stored_events SET checksum = 0")
    store = reopened(path)
    assert len(verify(store).problems) == 100
    store.close()
