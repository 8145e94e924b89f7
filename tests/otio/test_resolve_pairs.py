"""Pairs of Resolve's exports that differ by one edit: what comes out is that edit, and no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

import genlock_otio
from genlock.timeline.changes import Change, changes
from genlock.timeline.diff import diff
from genlock.timeline.events import restore
from genlock.timeline.model import Media, Source
from genlock.timeline.profiles import RESOLVE
from genlock.timeline.reconcile import reconcile
from genlock.timeline.sequence import apply_all
from tests.otio.timelines import SAMPLES


def paths(found: genlock_otio.Imported) -> Callable[[Source], str]:
    pool = {file.id: file.path for file in found.media}
    return lambda source: pool.get(source.media, "") if isinstance(source, Media) else ""


def edits(before: str, after: str) -> list[Change]:
    """Returns what the second export says was edited in the first."""
    one, two = (genlock_otio.read(SAMPLES / "resolve21" / f"{name}.otio") for name in (before, after))
    assert (one.dialect, two.dialect, two.ids) == ("resolve", "resolve", frozenset())
    base = restore("0" * 32, 1, one.content)
    found = reconcile(base, two.content, RESOLVE, base_path=paths(one), path=paths(two))
    assert found.disagreements == ()
    assert not found.matching.unsure
    theirs = restore("0" * 32, 2, found.theirs)
    assert replace(apply_all(base, diff(base, theirs)), version=2) == theirs
    return list(changes(base, theirs))


def test_a_dissolve_of_20_frames() -> None:
    (found,) = edits("ref2", "mut_dissolve20")
    assert found.kind == "transition changed"
    assert [(side["in_offset"], side["out_offset"]) for side in (found.before or {}, found.after or {})] == [
        (50, 50),
        (10, 10),
    ]


def test_a_speed_of_25_percent_on_picture_and_sound() -> None:
    found = edits("ref4_retime_50pct", "mut_retime25")
    assert [one.kind for one in found] == ["retimed", "retimed"]
    assert {one.track for one in found} == {"Video 1", "Audio 1"}
    for one in found:
        assert ((one.before or {})["speed"], (one.after or {})["speed"]) == ([1, 2], [1, 4])
        assert (one.before or {})["duration"] == (one.after or {})["duration"] == 1500


def test_a_volume_of_minus_20() -> None:
    (found,) = edits("ref3_clipvol", "mut_vol20")
    assert (found.kind, found.track) == ("effects", "Audio 1")
    volumes = [
        [effect["metadata"]["Resolve_OTIO"]["Parameters"][0]["Parameter Value"] for effect in (side or {})["effects"]]
        for side in (found.before, found.after)
    ]
    assert volumes == [[-10.0], [-20.0]]


def test_a_cut_and_a_dissolve() -> None:
    assert [one.kind for one in edits("base", "ref2")] == ["split", "transition added"]


@pytest.mark.parametrize("name", [path.stem for path in sorted((SAMPLES / "resolve21").glob("*.otio"))])
def test_the_same_export_again_is_no_edit(name: str) -> None:
    assert edits(name, name) == []
