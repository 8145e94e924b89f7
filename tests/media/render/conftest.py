from __future__ import annotations

from pathlib import Path

import pytest

from genlock.media.service import MediaService
from tests.media.conftest import SOURCES
from tests.media.cutting import Pool


@pytest.fixture(scope="session")
def pool(media: MediaService, clips: Path) -> Pool:
    """Media ids "a" to "g" are the coded clips."""
    return Pool(media, {name[0]: clips / name for name in SOURCES})
