"""Nothing is lost: real files written back are the same to OpenTimelineIO; our contents come back equal."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import genlock_otio
from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock.timeline.rate import RATES, Rate
from tests.otio.timelines import POOL, SAMPLES, Maker, loaded, sample, take, without_ours

ALL = sorted([*SAMPLES.glob("*/*.otio"), *SAMPLES.glob("*/*.json")])


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_real_file_read_and_written_is_the_same_to_opentimelineio(path: Path, tmp_path: Path) -> None:
    original = sample(path)
    source, target = tmp_path / "a.otio", tmp_path / "b.otio"
    source.write_text(json.dumps(original))
    imported = genlock_otio.read(source)
    media = {file.id: file for file in imported.media}
    loss = genlock_otio.write(imported.content, target, media=media, nested=dict(imported.nested).get)
    assert loss.rows == ()
    written = json.loads(target.read_text())
    assert loaded(original).is_equivalent_to(loaded(without_ours(written)))
    assert not violations(restore("0" * 32, 1, imported.content))
    again = genlock_otio.read(target)
    assert again.content == imported.content
    assert (again.media, again.nested) == (imported.media, imported.nested)
    assert again.dialect == "genlock"


def test_all_samples_are_here() -> None:
    assert len(ALL) == 17


@given(seed=st.integers(0, 2**32))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_our_contents_come_back_equal(seed: int, tmp_path: Path) -> None:
    maker = Maker(Random(seed))
    content = maker.content()
    path, tag = tmp_path / "cut.otio", genlock_otio.Tag("ab" * 16, 7, "cd" * 16)
    genlock_otio.write(content, path, media=POOL, takes=take, nested=maker.nested.get, tag=tag)
    imported = genlock_otio.read(path)
    assert imported.content == content
    assert imported.tag == tag
    assert imported.warnings == ()
    nested = dict(imported.nested)
    assert all(nested[id_] == maker.nested[id_] for id_ in nested)
    for file in imported.media:
        assert POOL[file.id] == file
    _opens_elsewhere(path, content.rate, restore("0" * 32, 1, content).duration)


def _opens_elsewhere(path: Path, rate: Rate, duration: int) -> None:
    timeline = otio.adapters.read_from_file(str(path))
    assert timeline.global_start_time.rate == rate.num / rate.den
    lengths = [track.duration().rescaled_to(rate.num / rate.den).value for track in timeline.tracks if len(track)]
    assert round(max(lengths, default=0)) == duration
    for clip in timeline.find_clips():
        clip.trimmed_range()


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_every_rate_is_written_as_the_exact_double_and_lies_on_the_grid(rate: Rate, tmp_path: Path) -> None:
    content = Maker(Random(7)).content(rate)
    path = tmp_path / "cut.otio"
    genlock_otio.write(content, path, media=POOL, takes=take)
    timeline = otio.adapters.read_from_file(str(path))
    assert timeline.global_start_time.rate == rate.num / rate.den
    assert otio.opentime.to_timecode(timeline.global_start_time, rate.num / rate.den)
    for track in timeline.tracks:
        for child in track:
            if not isinstance(child, otio.schema.Transition):
                assert child.duration().value.is_integer()
                assert child.duration().rate == rate.num / rate.den


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    content = Maker(Random(3)).content()
    for name in ("a.otio", "b.otio"):
        genlock_otio.write(content, tmp_path / name, media=POOL, takes=take)
    assert (tmp_path / "a.otio").read_bytes() == (tmp_path / "b.otio").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.otio", "b.otio"]
