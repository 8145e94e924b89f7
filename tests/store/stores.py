"""Filled stores for the tests of what an operator does with one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from uuid import UUID

from genlock.store import Commit, EventStore, open_store
from genlock.timeline.events import Content, SequenceCreated, SequenceEdited
from genlock.timeline.model import Item, Media
from genlock.timeline.ops import ItemInserted
from genlock.timeline.rate import Rate
from tests.contract.event_store import NOW, created, renamed

PROJECT, SEQUENCE = UUID(int=1), UUID(int=2)


def opened(version: int = 1) -> SequenceCreated:
    content = Content("Reel", Rate(24000, 1001), tracks=())
    return SequenceCreated(
        originator_id=SEQUENCE, originator_version=version, timestamp=NOW, project=PROJECT.hex, content=content
    )


def edited(version: int, command: str = "") -> SequenceEdited:
    item = Item(f"i{version}", Media("m1", frames=500), 48, name="SH0010")
    return SequenceEdited(
        originator_id=SEQUENCE, originator_version=version, timestamp=NOW, command_id=command, actor="anna",
        intent="InsertItem", ops=(ItemInserted("t1", item, f"i{version - 1}" if version > 2 else None),),
    )  # fmt: skip


def fill(store: EventStore, edits: int = 20) -> None:
    """A project and a sequence: command `both` has two events, every edit one; a snapshot of each."""
    store.append([Commit("both", "anna", b"\x01", (created(PROJECT), opened()))])
    for version in range(2, edits + 2):
        store.append([Commit(f"edit{version}", "anna", b"\x02", (edited(version, f"edit{version}"),))])
    store.append([Commit("rename", "ben", b"\x03", (renamed(PROJECT, 2),))])
    store.put_snapshot(SEQUENCE, edits // 2, "test@1", b"half")
    store.put_snapshot(SEQUENCE, edits + 1, "test@1", b"whole")


def filled(path: Path, edits: int = 20) -> EventStore:
    store = open_store(path)
    fill(store, edits)
    return store


def change(path: Path, sql: str, *params: object) -> None:
    """Changes a closed store behind its back."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            assert connection.execute(sql, params).rowcount >= 1
    finally:
        connection.close()


def all_events(store: EventStore) -> list[object]:
    return [recorded.event for recorded in store.since(0, 10_000)]
