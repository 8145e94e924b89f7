"""All tests of `inside` in Blender 5.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.blender.versions import FILES, SECONDS, SLOW_SECONDS, run

VERSION = "5.2"
pytestmark = [pytest.mark.blender]


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("name", FILES)
def test_inside(name: str, tmp_path: Path) -> None:
    run(VERSION, name, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(SLOW_SECONDS + 60)
@pytest.mark.parametrize("name", FILES)
def test_inside_for_long(name: str, tmp_path: Path) -> None:
    run(VERSION, name, tmp_path, slow=True)
