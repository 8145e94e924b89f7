"""Files for tools built on earlier OpenTimelineIO releases: the same as OpenTimelineIO itself would write for them."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genlock_otio
from genlock.errors import BadInput
from genlock_otio.families import FAMILIES
from tests.otio.test_read import clip, timeline, track
from tests.otio.timelines import POOL, Maker, take

OTHERS = {"Color", "Test", "SerializableObjectWithMetadata"}


def schemas(thing: Any, found: dict[str, set[int]]) -> dict[str, set[int]]:
    if isinstance(thing, list):
        for value in thing:
            schemas(value, found)
    elif isinstance(thing, dict):
        name, _, version = str(thing.get("OTIO_SCHEMA", "")).partition(".")
        if name:
            found.setdefault(name, set()).add(int(version))
        for key, value in thing.items():
            if key != "metadata":
                schemas(value, found)
    return found


def test_the_releases_are_opentimelineios() -> None:
    assert set(FAMILIES) == set(otio.core.release_to_schema_version_map())


@pytest.mark.parametrize("family", FAMILIES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_every_schema_has_the_releases_version(
    family: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    maker = Maker(Random(seed))
    path = tmp_path_factory.mktemp("families") / "cut.otio"
    content = maker.content()
    genlock_otio.write(content, path, media=POOL, takes=take, nested=maker.nested.get, family=family)
    wanted = otio.versioning.fetch_map("OTIO_CORE", family)
    for name, versions in schemas(json.loads(path.read_text()), {}).items():
        assert name in ("RationalTime", "TimeRange") or versions == {wanted[name]}, name
    whole = path.with_name("whole.otio")
    genlock_otio.write(content, whole, media=POOL, takes=take, nested=maker.nested.get)
    theirs = otio.adapters.write_to_string(
        otio.adapters.read_from_file(str(whole)), "otio_json", target_schema_versions=dict(wanted)
    )
    ours = otio.adapters.read_from_file(str(path))
    assert ours.is_equivalent_to(otio.adapters.read_from_string(theirs, "otio_json"))
    assert genlock_otio.read(path).content == content


def test_further_references_are_lost_and_told(tmp_path: Path) -> None:
    thing = clip("x")
    thing["media_references"]["proxy"] = {"OTIO_SCHEMA": "MissingReference.1"}
    found = genlock_otio.read_data(json.dumps(timeline(track(thing))).encode(), tmp_path, "cut")
    media = {file.id: file for file in found.media}
    loss = genlock_otio.write(found.content, tmp_path / "old.otio", media=media, family="0.14.0")
    assert [(row.what, row.names) for row in loss.rows] == [("media reference that is not the active one", ("x",))]
    assert genlock_otio.write(found.content, tmp_path / "new.otio", media=media, family="0.15.0").rows == ()


def test_families_that_are_none(tmp_path: Path) -> None:
    for name, family in (("a.otio", "0.1"), ("a.edl", "0.14.0")):
        with pytest.raises(BadInput) as caught:
            genlock_otio.write(Maker(Random(1)).content(), tmp_path / name, media=POOL, takes=take, family=family)
        assert caught.value.code == "bad_value"
    assert not list(tmp_path.iterdir())
