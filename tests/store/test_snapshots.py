"""A snapshot proves itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from genlock.store import open_store
from genlock.store.snapshots import is_whole, row

ID = UUID(int=9)


def test_a_row_that_is_what_was_written() -> None:
    assert is_whole(row(ID, 10, "sequence@1", b"state"))
    assert is_whole(row(ID, 1, "", b""))


@pytest.mark.parametrize(
    "fields",
    [
        {"version": 11},
        {"schema": "sequence@2"},
        {"state": b"stale"},
        {"originator": UUID(int=8).hex},
        {"checksum": 0},
        {"checksum": None},
        {"state": "state"},
        {"state": None},
        {"version": None},
        {"schema": 3},
        {"originator": b"x"},
    ],
)
def test_a_row_that_is_not(fields: dict[str, Any]) -> None:
    assert not is_whole(row(ID, 10, "sequence@1", b"state")._replace(**fields))


def test_a_large_state_comes_back_whole() -> None:
    store = open_store("memory:")
    state = bytes(range(256)) * 20_000
    store.put_snapshot(ID, 10, "sequence@1", state)
    assert store.get_snapshot(ID) == (10, "sequence@1", state)
