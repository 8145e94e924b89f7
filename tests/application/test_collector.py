"""The garbage collector while edits are made."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from genlock.application.application import Application
from genlock.application.live import CALM, calm_collector
from genlock.store.store import open_store


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    held = gc.get_threshold()
    yield
    gc.set_threshold(*held)


def test_an_application_lets_the_collector_wait() -> None:
    gc.set_threshold(700, 10, 10)
    store = open_store("memory:")
    Application(store).close()
    store.close()
    assert gc.get_threshold() == (CALM, 10, 10)


@pytest.mark.parametrize("own", [(0, 10, 10), (CALM * 2, 5, 5)])
def test_a_collector_that_is_off_or_waits_longer_stays_so(own: tuple[int, int, int]) -> None:
    gc.set_threshold(*own)
    calm_collector()
    assert gc.get_threshold() == own
