"""The fake keeps the contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from genlock.store import EventStore, open_store
from tests.contract.event_store import EventStoreContract


class TestMemory(EventStoreContract):
    @pytest.fixture
    def store(self) -> Iterator[EventStore]:
        store = open_store("memory:")
        yield store
        store.close()
