"""Another tool that uses the OpenTimelineIO library opens our export and saves it: nothing was edited, nothing changed."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest

import genlock_otio
from genlock_otio.comparing import compare

SAMPLES = sorted((Path(__file__).parent / "samples").glob("**/*.otio"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_saved_by_the_library_it_is_the_same_cut(sample: Path, tmp_path: Path) -> None:
    read = genlock_otio.read(sample)
    out, back = tmp_path / "out.otio", tmp_path / "back.otio"
    genlock_otio.write(read.content, out, media={file.id: file for file in read.media}, nested=dict(read.nested).get)
    try:
        timeline = otio.adapters.read_from_file(str(out))
    except otio.exceptions.UnsupportedSchemaError:
        pytest.fail("the library cannot read what we wrote")
    otio.adapters.write_to_file(timeline, str(back))
    found = compare(genlock_otio.read(out), genlock_otio.read(back))
    assert [(change.kind, change.name, change.detail) for change in found.changes] == []
    assert found.nested == ()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_a_strangers_file_saved_by_the_library_is_the_same_cut(sample: Path, tmp_path: Path) -> None:
    back = tmp_path / sample.name
    try:
        otio.adapters.write_to_file(otio.adapters.read_from_file(str(sample)), str(back))
    except otio.exceptions.OTIOError:
        pytest.skip("the library cannot read this one")
    found = compare(genlock_otio.read(sample), genlock_otio.read(back))
    assert [(change.kind, change.name, change.detail) for change in found.changes] == []
