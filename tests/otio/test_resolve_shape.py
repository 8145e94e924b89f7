"""Our files for Resolve have the shape that all of its own exports have, whatever the cut holds; and what goes through it
and comes back is what the profile says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import genlock_otio
from genlock.project.media import MediaFile, MediaInfo
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Generator, Item, Marker, Media, Nested, Shot, Track, Transition, transition_key
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio import Tag
from genlock_otio.outgoing import Outgoing
from genlock_otio.resolve import write
from tests.otio.as_resolve import Refused, as_resolve
from tests.otio.timelines import POOL, SAMPLES, Maker, take

EXPORTS = sorted((SAMPLES / "resolve21").glob("*.otio"))
OURS = {"genlock"}
"""Keys we add to metadata: Resolve passes over what it does not know."""

MADE_UP = {"SoloOn"}
"""Resolve's metadata that the generator of cuts puts on any track: it is copied as it is."""


def objects(thing: Any) -> Iterator[dict[str, Any]]:
    """Yields all OTIO objects of a tree; what an object's metadata holds is none."""
    if isinstance(thing, list):
        for value in thing:
            yield from objects(value)
    elif isinstance(thing, dict):
        if "OTIO_SCHEMA" in thing:
            yield thing
        for key, value in thing.items():
            if key != "metadata":
                yield from objects(value)


def about(thing: dict[str, Any]) -> set[str]:
    return set(thing["metadata"].get("Resolve_OTIO", ()))


class Shape:
    """What the real exports have in common."""

    def __init__(self, paths: list[Path]) -> None:
        self.keys: dict[str, set[str]] = {}
        self.theirs: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for path in paths:
            for thing in objects(json.loads(path.read_text())):
                schema = thing["OTIO_SCHEMA"]
                assert self.keys.setdefault(schema, set(thing)) == set(thing), (path, schema)
                if "metadata" in thing:
                    kind = (schema, thing.get("kind", ""))
                    always, ever = self.theirs.setdefault(kind, (about(thing), set()))
                    always &= about(thing)
                    ever |= about(thing)

    def check(self, timeline: dict[str, Any]) -> None:
        for thing in objects(timeline):
            schema = thing["OTIO_SCHEMA"]
            if schema == "Marker.2":  # no export here has one; ayon's do
                assert set(thing) == {"OTIO_SCHEMA", "metadata", "name", "color", "marked_range", "comment"}
                assert about(thing) >= {"Keywords", "Note"}
                continue
            assert set(thing) == self.keys[schema], schema
            if "metadata" not in thing:
                continue
            always, ever = self.theirs[schema, thing.get("kind", "")]
            assert always <= about(thing) <= ever | MADE_UP, (schema, about(thing))
            assert set(thing["metadata"]) <= {"Resolve_OTIO"} | OURS


SHAPE = Shape(EXPORTS)


def made(content: Content, **more: Any) -> dict[str, Any]:
    written = write(Outgoing(content, media=POOL, takes=take, **more))
    return json.loads(written.data)  # type: ignore[no-any-return]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=80, deadline=None)
def test_whatever_the_cut_holds_the_file_has_resolves_shape_and_is_imported(seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content()
    timeline = made(content, nested=maker.nested.get, ids=seed % 2 == 0)
    SHAPE.check(timeline)
    clips = [thing for thing in objects(timeline) if thing["OTIO_SCHEMA"] == "Clip.2"]
    for clip in clips:
        ref = clip["media_references"]["DEFAULT_MEDIA"]
        assert ref["available_range"] is not None
        assert not ref["target_url"].startswith("file:")
    back = json.loads(as_resolve(json.dumps(timeline).encode()))
    SHAPE.check(back)
    lengths = {
        sum(child["source_range"]["duration"]["value"] for child in track["children"] if "source_range" in child)
        for track in timeline["tracks"]["children"]
    }
    assert len(lengths) <= 1
    assert otio.adapters.read_from_string(json.dumps(timeline)).find_clips() is not None


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.stem)
def test_resolves_own_export_is_written_back_as_it_was(path: Path) -> None:
    imported = genlock_otio.read(path)
    assert imported.dialect == "resolve"
    media = {file.id: file for file in imported.media}
    written = json.loads(write(Outgoing(imported.content, media=media)).data)
    del written["metadata"]["genlock"]
    for thing in objects(written):
        thing.get("metadata", {}).pop("genlock", None)
    original = json.loads(path.read_text())
    original["name"] = written["name"]  # made up from the file's, Resolve has none
    for before in objects(original):
        for effect in before.get("effects", ()):
            if effect["OTIO_SCHEMA"] == "LinearTimeWarp.1":
                effect["effect_name"] = ""
    for track, before in zip(written["tracks"]["children"], original["tracks"]["children"], strict=True):
        for child, old in zip(track["children"], before["children"], strict=False):
            assert child == old
    assert written == original


# -- through Resolve


CUT = Content(
    "reel",
    Rate(24),
    start_frame=86400,
    tracks=(
        TrackContent(
            Track("V1", "video", "Video 1", "magnetic", foreign={"x": {"y": 1}}),
            (
                Placed(Item("a", Media("f1", 86400, 500), 50, "shot 10", 86450, foreign={"show": {"take": 3}})),
                Placed(Item("b", Media("f1", 86400, 500), 40, "shot 20", 86600, Speed(2))),
                Placed(Item("c", Generator("text", {"text": "Fin"}), 30, "Fin")),
                Placed(Item("d", Shot("s1", "t1"), 20, "shot 30", enabled=False)),
                Placed(Item("e", Nested("0" * 32), 24, "scene 2")),
                Placed(Item("f", Media("f1", 86400, 500), 40, "back", 86700, Speed(-1))),
            ),
        ),
        TrackContent(Track("A1", "audio", "Audio 1", locked=True), (Placed(Item("g", Media("f2"), 100), 10),)),
        TrackContent(Track("V2", "video", "titles"), ()),
    ),
    transitions=(Transition("a", "b", 6, 4),),
    markers=(Marker("m1", 12, 0, None, "here", "GREEN", "look"), Marker("m2", 86460, 1, "a", "there", "RED", "nice")),
)
FILES = {"f1": MediaFile("f1", "/rushes/A001.mov", "A001.mov"), "f2": MediaFile("f2", "C:\\sound\\mix.wav", "mix.wav")}
TAKE = MediaFile("t1", "/takes/SH0030_v001.mov", "SH0030_v001.mov")


def through(content: Content, tmp_path: Path, **more: Any) -> genlock_otio.Imported:
    path = tmp_path / "cut.otio"
    genlock_otio.write(content, path, media=FILES, takes=lambda *_: TAKE, dialect="resolve", **more)
    path.write_bytes(as_resolve(path.read_bytes()))
    return genlock_otio.read(path)


def test_a_cut_goes_through_resolve_and_keeps_what_the_profile_says(tmp_path: Path) -> None:
    back = through(CUT, tmp_path, tag=Tag("ab" * 16, 3, "cd" * 16))
    assert (back.dialect, back.tag, back.ids) == ("resolve", Tag(), frozenset())
    picture = next(part for part in back.content.tracks if part.track.name == "Video 1")
    rows = [(p.item.name, p.item.duration, p.item.source_in, p.item.speed, p.item.enabled) for p in picture.items]
    assert rows == [
        ("A001.mov", 50, 86450, Speed(), True),
        ("A001.mov", 40, 86600, Speed(2), True),
        ("Fin", 30, 0, Speed(), True),
        ("SH0030_v001.mov", 20, 0, Speed(), False),
        ("scene 2", 24, 0, Speed(), True),
        ("A001.mov", 40, 86700, Speed(-1), True),
    ]
    paths = {file.id: file.path for file in back.media}
    assert [paths[p.item.source.media] for p in picture.items] == [
        *["/rushes/A001.mov"] * 2, "", TAKE.path, "", "/rushes/A001.mov",
    ]  # fmt: skip
    sound = next(part for part in back.content.tracks if part.track.kind == "audio")
    assert (sound.track.locked, sound.items[0].start, sound.items[0].item.duration) == (True, 10, 100)
    assert [(t.in_offset, t.out_offset, t.kind) for t in back.content.transitions] == [(6, 4, "dissolve")]
    markers = [(m.item is None, m.start, m.duration, m.name, m.color, m.comment) for m in back.content.markers]
    assert markers == [(True, 12, 0, "here", "GREEN", "look"), (False, 86460, 1, "there", "RED", "nice")]
    assert [part.track.name for part in back.content.tracks] == ["Video 1", "titles", "Audio 1"]


def test_ids_ride_in_markers_where_asked_and_are_no_markers_to_us(tmp_path: Path) -> None:
    tag = Tag("ab" * 16, 3, "cd" * 16)
    back = through(CUT, tmp_path, tag=tag, ids=True)
    assert back.tag == tag
    assert back.ids == {placed.item.id for part in CUT.tracks for placed in part.items}
    assert [(m.name, m.comment) for m in back.content.markers] == [("here", "look"), ("there", "nice")]
    assert {t.key for t in back.content.transitions} == {transition_key("a", "b")}


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_media_counts_in_its_own_timecode_at_every_rate(rate: Rate, tmp_path: Path) -> None:
    """The cut counts from 0, the file from its timecode: Resolve wants the latter."""
    own = Rate(24)
    info = MediaInfo("video", rate=own, frames=1000, start=86400)
    file = replace(FILES["f1"], info=info)
    item = Item("a", Media("f1", 0, 1000, None if rate == own else own), 48, "x", 100)
    content = Content("cut", rate, tracks=(TrackContent(Track("V1"), (Placed(item, 0),)),))
    timeline = json.loads(write(Outgoing(content, media={"f1": file})).data)
    clip = timeline["tracks"]["children"][0]["children"][0]
    start = clip["source_range"]["start_time"]
    assert start["value"] / start["rate"] == pytest.approx(86500 / 24, abs=1e-6)
    assert clip["media_references"]["DEFAULT_MEDIA"]["available_range"]["start_time"]["value"] == 86400
    (tmp_path / "x.otio").write_bytes(as_resolve(json.dumps(timeline).encode()))
    back = genlock_otio.read(tmp_path / "x.otio").content.tracks[0].items[0].item
    assert (back.source_in, back.duration) == (86500, 48)


def test_a_numbered_run_of_images_has_resolves_name(tmp_path: Path) -> None:
    file = MediaFile("f1", "/plates/sh010.%04d.exr", "sh010")
    item = Item("a", Media("f1", 1001, 99), 48, "plate", 1010)
    content = Content("cut", Rate(24), tracks=(TrackContent(Track("V1"), (Placed(item, 0),)),))
    path = tmp_path / "cut.otio"
    genlock_otio.write(content, path, media={"f1": file}, dialect="resolve")
    clip = json.loads(path.read_text())["tracks"]["children"][0]["children"][0]
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"] == "/plates/sh010.[1001-1099].exr"
    path.write_bytes(as_resolve(path.read_bytes()))
    back = genlock_otio.read(path)
    assert [file.path for file in back.media] == ["/plates/sh010.%04d.exr"]
    assert back.content.tracks[0].items[0].item.source_in == 1010


def test_the_plain_dialect_is_what_resolve_refuses(tmp_path: Path) -> None:
    """The sieve is real: our own dialect does not go through."""
    genlock_otio.write(CUT, tmp_path / "cut.otio", media=FILES)
    with pytest.raises(Refused):
        as_resolve((tmp_path / "cut.otio").read_bytes())
