"""One edit made in the text of a written file, as another tool saves it: that edit arrives, and nothing else."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

import genlock_otio
from genlock.timeline.profiles import PROFILES
from genlock_otio.comparing import compare
from genlock_otio.values import Imported
from tests.otio.hands import DISSOLVES, HALF, HANDS, rows
from tests.otio.reels import SAMPLES, name_of, written

FILES = [
    SAMPLES / "edl" / "079_HA_V05.edl",
    SAMPLES / "raven" / "example.otio",
    SAMPLES / "ayon" / "multiple_review_clips_gap.json",
    SAMPLES / "ayon" / "img_seq_2x_speed_resolve.json",
    SAMPLES / "fcpx" / "24.fcpxml",
    SAMPLES / "fcpx" / "BasicMarkers.fcpxml",
    SAMPLES / "fcpx" / "DisabledClips.fcpxml",
]
EDITS = [
    (file, dialect, what)
    for file in FILES
    for dialect, hands in HANDS.items()
    for what in hands
    if (file.name, dialect) != ("img_seq_2x_speed_resolve.json", "otio")  # a clip that goes back as a clip
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
@pytest.mark.parametrize("swap", [True, False], ids=["swap", "ripple"])
@pytest.mark.parametrize("dialect", rows(True))
def test_what_closes_up_is_no_edit_of_its_own(dialect: str, swap: bool, told: bool, tmp_path: Path) -> None:
    before = cut(FILES[0])
    path, _ = written(before, tmp_path, dialect)
    rows(swap)[dialect](path, before.content.rate)
    after = genlock_otio.read(path, dialect=dialect, rate=before.content.rate)
    known = replace(before, ids=after.ids if told else frozenset())
    found = compare(known, after, PROFILES[dialect])
    assert [change.kind for change in found.changes] == ["moved" if swap else "removed"]
    assert len(found.after.items) == len(found.before.items) - (not swap)


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


def _edited(file: Path, dialect: str, folder: Path, old: str, new: str) -> list[tuple[str, str]]:
    """Returns the changes that one replaced text in a written file makes."""
    before = cut(file)
    path, _ = written(before, folder, dialect)
    text = path.read_text("utf-8")
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text), "utf-8")
    after = genlock_otio.read(path, dialect=dialect, rate=before.content.rate)
    found = compare(before, after, PROFILES[dialect])
    return [(change.kind, change.detail) for change in found.changes]


def test_a_placeholder_that_was_relinked_is_another_medium(tmp_path: Path) -> None:
    title = SAMPLES / "fcpx" / "BasicMarkers.fcpxml"
    made = _edited(title, "resolve", tmp_path, r'"/Genlock/offline/[^"]*"', '"/rushes/A001.mov"')
    assert [kind for kind, _ in made] == ["replaced"]


def test_offline_media_of_another_name_are_others(tmp_path: Path) -> None:
    cells = SAMPLES / "raven" / "example.otio"
    made = _edited(cells, "resolve", tmp_path, r"KOLL-HD\.mp4", "other.mp4")
    assert [kind for kind, _ in made] == ["replaced"]


def test_another_speed_is_one(tmp_path: Path) -> None:
    made = _edited(
        SAMPLES / "ayon" / "qt_retimed_speed.json", "resolve", tmp_path, r'"time_scalar": ?2.5', '"time_scalar": 2.501'
    )
    assert made == [("retimed", "speed 250 % → 250.1 %")]
