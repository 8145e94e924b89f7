"""Cuts of real editing systems go out in every format and come home unchanged: nothing is stored, nothing is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from genlock.timeline.events import content_of
from genlock.timeline.profiles import PROFILES
from tests.otio.reels import CUTS, FAST, SAMPLES, name_of, untold

AVID = [SAMPLES / "resolve21" / "ref2.otio", SAMPLES / "raven" / "example.otio"]
"""Samples that go through Avid's format on every run: it takes a process each way."""
_EVERY = [pytest.param(file, "aaf", marks=() if file in AVID else pytest.mark.slow, id=name_of(file)) for file in CUTS]


@pytest.fixture(scope="module")
def folder(studio: Path) -> Path:
    made = studio / "media" / uuid4().hex
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def cuts(folder: Path) -> dict[Path, tuple[str, str]]:
    """Sample -> the project and the sequence it was imported into."""
    return {}


@pytest.fixture
def cut(ann: Any, folder: Path, cuts: dict[Path, tuple[str, str]]) -> Callable[[Path], tuple[str, str]]:
    def of(file: Path) -> tuple[str, str]:
        if file not in cuts:
            project = str(ann.project(resolution=[320, 180], folder=str(folder)))
            copy = folder / name_of(file)
            shutil.copy(file, copy)
            cuts[file] = project, ann.post(f"/api/projects/{project}/import", {"path": str(copy)})["sequence"]
        return cuts[file]

    return of


def unchanged(ann: Any, cut: tuple[str, str], path: Path, dialect: str) -> None:
    project, sequence = cut
    out = ann.post(f"/api/sequences/{sequence}/export", {"path": str(path), "dialect": dialect})
    told = {row["what"]: row["count"] for row in out["loss"]}
    assert untold(content_of(ann.services.app.sequence(sequence)), dialect, told) == []
    head = ann.services.app.head_id()
    answer = ann.post(f"/api/projects/{project}/import", {"path": str(path), "into": sequence, "dialect": dialect})
    assert (answer["changes"], answer["ops"], answer["conflicts"], answer["nested"]) == ([], [], [], [])
    assert (answer["version"], answer["verified"], answer["base"]["how"]) == (1, True, "receipt")
    assert not [warning for warning in answer["warnings"] if warning.startswith("Could not be taken over")]
    assert ann.services.app.head_id() == head


@pytest.mark.parametrize("dialect", FAST)
@pytest.mark.parametrize("file", CUTS, ids=name_of)
def test_an_unchanged_file_is_no_edit(ann: Any, cut: Any, folder: Path, file: Path, dialect: str) -> None:
    path = folder / f"{uuid4().hex}{PROFILES[dialect].suffixes[0]}"
    unchanged(ann, cut(file), path, dialect)


@pytest.mark.parametrize(("file", "dialect"), _EVERY)
def test_an_unchanged_avid_file_is_no_edit(ann: Any, cut: Any, folder: Path, file: Path, dialect: str) -> None:
    unchanged(ann, cut(file), folder / f"{uuid4().hex}.aaf", dialect)
