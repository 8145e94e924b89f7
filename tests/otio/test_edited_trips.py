"""One edit made in the text of a written file, as another tool saves it: that edit arrives, and nothing else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

import genlock_otio
from genlock.timeline.profiles import PROFILES
from genlock_otio.comparing import compare
from genlock_otio.values import Imported
from tests.otio.hands import DISSOLVES, HALF, HANDS
from tests.otio.reels import SAMPLES, name_of, written

FILES = [
    SAMPLES / "edl" / "079_HA_V05.edl",
    SAMPLES / "raven" / "example.otio",
    SAMPLES / "ayon" / "multiple_review_clips_gap.json",
    SAMPLES / "fcpx" / "24.fcpxml",
]
EDITS = [
    (file, dialect, what)
    for file in FILES
    for dialect, hands in HANDS.items()
    for what in hands
    if (file.parent.name, dialect, what) != ("raven", "otio", "renamed")  # its media have no names but their clips'
]


@cache
def cut(file: Path) -> Imported:
    return genlock_otio.read(file)


@pytest.mark.parametrize("told", [True, False], ids=["ids", "stranger"])
@pytest.mark.parametrize(("file", "dialect", "what"), EDITS, ids=name_of)
def test_the_edit_arrives_alone(file: Path, dialect: str, what: str, told: bool, tmp_path: Path) -> None:
    before = cut(file)
    path, _ = written(before, tmp_path, dialect)
    HANDS[dialect][what](path, before.content.rate)
    after = genlock_otio.read(path, dialect=dialect, rate=before.content.rate)
    known = replace(before, ids=after.ids if told else frozenset())
    found = compare(known, after, PROFILES[dialect])
    kinds = [change.kind for change in found.changes]
    if (dialect, file.suffix) == ("fcpx", ".fcpxml"):  # an element holds picture, sound and what is connected to it
        assert set(kinds) == {what}
    else:
        assert kinds == [what]


@pytest.mark.parametrize("told", [True, False], ids=["ids", "stranger"])
@pytest.mark.parametrize("dialect", DISSOLVES)
def test_a_dissolve_arrives_alone(dialect: str, told: bool, tmp_path: Path) -> None:
    before = cut(FILES[0])
    path, _ = written(before, tmp_path, dialect)
    DISSOLVES[dialect](path, before.content.rate)
    after = genlock_otio.read(path, dialect=dialect, rate=before.content.rate)
    known = replace(before, ids=after.ids if told else frozenset())
    found = compare(known, after, PROFILES[dialect])
    assert [change.kind for change in found.changes] == ["transition added"]
    (made,) = found.after.transitions.values()
    assert (made.in_offset, made.out_offset) == (HALF, HALF)
