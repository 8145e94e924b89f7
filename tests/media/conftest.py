"""One media service and one set of coded clips for all tests of a run: starting a process takes longer than a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genlock.media.service import MediaService
from genlock.timeline.rate import Rate
from tests.media import coded

LENGTH = 240
SOURCES = {"a.mov": 1, "b.mkv": 2, "c.avi": 3, "d.ts": 4, "e.mov": 5, "f.mov": 6, "g.mp4": 7}
CLICKS = (0, 24, 48, 150)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of coded clips of 240 frames: many containers, codecs and rates."""
    folder = tmp_path_factory.mktemp("clips")
    coded.make(folder / "a.mov", 1, LENGTH, clicks=CLICKS)
    coded.make(folder / "b.mkv", 2, LENGTH, Rate(24000, 1001), clicks=CLICKS)
    coded.make(folder / "c.avi", 3, LENGTH, Rate(25), codec="mpeg4")
    coded.make(folder / "d.ts", 4, LENGTH, Rate(30))
    coded.make(folder / "e.mov", 5, LENGTH, Rate(30000, 1001), codec="prores", timecode="01:00:00;02")
    coded.make(folder / "f.mov", 6, LENGTH, clicks=CLICKS, sample_rate=44100, timecode="10:00:00:00")
    coded.make(folder / "g.mp4", 7, LENGTH, Rate(30))
    return folder


@pytest.fixture(scope="session")
def media() -> Iterator[MediaService]:
    with MediaService(lanes=1) as service:
        yield service
