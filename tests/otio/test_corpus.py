"""What once broke a reader is read on every run: refused with a code, or a sound cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.otio.fuzz import HERE, try_one

FILES = sorted(file for file in (HERE / "corpus").glob("*/*") if file.is_file())


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_it_no_longer_breaks(file: Path) -> None:
    try_one(file.parent.name, file.read_bytes())


def test_there_is_a_corpus() -> None:
    assert FILES
