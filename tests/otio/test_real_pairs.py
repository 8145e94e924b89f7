"""Pairs of real files whose difference is known: the edit their names promise is what is told, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import genlock_otio
from genlock.timeline.changes import Change, changes
from genlock.timeline.diff import diff
from genlock.timeline.events import content_of, restore
from genlock.timeline.match import adopt, match
from genlock.timeline.model import Source
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import apply_all

SAMPLES = Path(__file__).parent / "samples"


def told(one: str, other: str) -> list[Change]:
    """Returns the edits between two files, but for the sequence's name and other tools' data."""
    before, after = (genlock_otio.read(SAMPLES / name, rate=Rate(24)) for name in (one, other))
    paths = {file.id: file.path for file in (*before.media, *after.media)}

    def path(source: Source) -> str:
        return paths.get(getattr(source, "media", ""), "")

    base = restore("s", 1, before.content)
    matching = match(base, restore("r", 1, after.content), base_path=path, path=path)
    found = restore("s", 1, adopt(after.content, matching, base))
    assert content_of(apply_all(base, diff(base, found))) == content_of(found)
    assert matching.unsure == {}
    return [one for one in changes(base, found) if one.kind not in ("sequence changed", "metadata")]


def test_a_dissolve_of_another_length() -> None:
    (change,) = told("resolve21/ref2.otio", "resolve21/mut_dissolve20.otio")
    assert change.kind == "transition changed"
    assert change.detail.startswith("dissolve, 10 + 10 frames")


def test_another_speed_of_picture_and_sound() -> None:
    found = told("resolve21/ref4_retime_50pct.otio", "resolve21/mut_retime25.otio")
    assert [(change.kind, change.track, change.detail) for change in found] == [
        ("retimed", "Audio 1", "speed 50 % → 25 %"),
        ("retimed", "Video 1", "speed 50 % → 25 %"),
    ]


def test_another_volume() -> None:
    (change,) = told("resolve21/ref3_clipvol.otio", "resolve21/mut_vol20.otio")
    assert (change.kind, change.track) == ("effects", "Audio 1")


def test_a_clip_cut_and_dissolved() -> None:
    kinds = [change.kind for change in told("resolve21/base.otio", "resolve21/ref2.otio")]
    assert kinds == ["split", "transition added"]


def test_the_next_cut_of_a_film() -> None:
    found = told("edl/079_HA_V05.edl", "edl/079_HA_006.edl")
    assert {change.kind for change in found} <= {"inserted", "removed", "trimmed", "renamed"}
    assert len(found) <= 8


@pytest.mark.parametrize(
    "name", ["resolve21/ref2.otio", "edl/079_HA_V05.edl", "fcpx/Structure.fcpxml", "raven/example.otio"]
)
def test_a_file_against_itself_is_nothing(name: str) -> None:
    assert told(name, name) == []
