"""A studio in memory, closed after the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application.studio import Studio


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio()
    yield made
    made.app.close()
