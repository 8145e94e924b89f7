"""The SQLite store keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genlock.store import EventStore, open_store
from tests.contract.event_store import EventStoreContract


class TestSQLite(EventStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[EventStore]:
        store = open_store(tmp_path / "studio.genlock")
        yield store
        store.close()
