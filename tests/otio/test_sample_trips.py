"""Files of real editing systems, written in every format and read again: nothing has changed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import opentimelineio as otio
import pytest

import genlock_otio
from genlock.timeline.profiles import PROFILES
from genlock_otio.comparing import compare
from genlock_otio.values import Imported
from tests.otio.reels import CUTS, FAST, SAMPLES, name_of, untold, written


@cache
def cut(file: Path) -> Imported:
    return genlock_otio.read(file)


@pytest.mark.parametrize("dialect", FAST)
@pytest.mark.parametrize("file", CUTS, ids=name_of)
def test_another_format_says_the_same(file: Path, dialect: str, tmp_path: Path) -> None:
    before = cut(file)
    path, loss = written(before, tmp_path, dialect)
    after = genlock_otio.read(path, dialect=dialect, rate=before.content.rate)
    found = compare(before, after, PROFILES[dialect] if before.dialect == dialect else None)
    assert (found.changes, found.ops, found.nested) == ((), (), ())
    assert untold(before.content, dialect, {row.what: row.count for row in loss.rows}) == []


@pytest.mark.parametrize("dialect", ["otio", "resolve"])
@pytest.mark.parametrize("file", CUTS, ids=name_of)
def test_the_library_opens_what_we_write(file: Path, dialect: str, tmp_path: Path) -> None:
    path, _ = written(cut(file), tmp_path, dialect)
    there = otio.adapters.read_from_file(str(path))
    assert isinstance(there, otio.schema.Timeline)
    for clip in there.find_clips():
        assert all(isinstance(effect, otio.schema.Effect) for effect in clip.effects)
        assert clip.range_in_parent().duration.value > 0


@pytest.mark.parametrize("file", CUTS, ids=name_of)
def test_the_library_writes_it_anew(file: Path, tmp_path: Path) -> None:
    before = cut(file)
    path, _ = written(before, tmp_path, "otio")
    otio.adapters.write_to_file(otio.adapters.read_from_file(str(path)), str(path))
    assert compare(before, genlock_otio.read(path)).changes == ()


def test_a_sequence_that_is_shown_thrice_is_one(tmp_path: Path) -> None:
    before = cut(SAMPLES / "fcpx_2019" / "fcpx_event.fcpxml")
    path, _ = written(before, tmp_path, "otio")
    assert [id_ for id_, _ in genlock_otio.read(path).nested] == [id_ for id_, _ in before.nested]
    tree = json.loads(path.read_text())
    shown = [child for track in tree["tracks"]["children"] for child in track["children"] if "children" in child]
    shown[-1]["children"][0]["children"][0]["name"] = "Only here"
    path.write_text(json.dumps(tree))
    assert len(genlock_otio.read(path).nested) == 2
