"""Writing: what others see, edits on top of a foreign file, and what is reported as lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from msgspec.structs import replace

import genlock_otio
from genlock.errors import BadInput, MediaError
from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Item, Media, Nested, Shot, Track, Transition
from genlock.timeline.ops import ItemInserted, ItemPatch, ItemSet, TrackPatch, TrackSet
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.sequence import apply_all
from tests.otio.timelines import SAMPLES, loaded, sample

FILE = MediaFile("f1", "/m/a.mov", "a.mov")


def cut(*items: Item, placement: str = "magnetic", **more: Any) -> Content:
    placed, end = [], 0
    for item in items:
        placed.append(Placed(item, end if placement == "free" else None))
        end += item.duration
    return Content("cut", Rate(24), tracks=(TrackContent(Track("V1", placement=placement), tuple(placed)),), **more)  # type: ignore[arg-type]


def written(content: Content, tmp_path: Path, **more: Any) -> tuple[Any, genlock_otio.Loss]:
    path = tmp_path / "cut.otio"
    loss = genlock_otio.write(content, path, media={"f1": FILE}, **more)
    return otio.adapters.read_from_file(str(path)), loss


def test_others_see_clips_gaps_and_speeds(tmp_path: Path) -> None:
    a = Item("a", Media("f1", 100, 500), 10, "first", 110, Speed(-2))
    b = Item("b", Media("f1", 100, 500), 20, "second", 150, Speed(0), enabled=False)
    content = cut()
    part = TrackContent(Track("V2"), (Placed(a, 5), Placed(b, 15)))
    timeline, loss = written(replace(content, tracks=(part,)), tmp_path)
    gap, one, two = timeline.tracks[0]
    assert isinstance(gap, otio.schema.Gap)
    assert gap.duration().value == 5
    assert one.source_range.start_time.value == 92  # the lowest frame shown, as OTIO's range names it
    assert (one.effects[0].time_scalar, type(two.effects[0])) == (-2.0, otio.schema.FreezeFrame)
    assert one.media_reference.target_url == "/m/a.mov"
    assert not two.enabled
    assert two.range_in_parent().start_time.value == 15
    assert loss.rows == ()


def test_a_shot_carries_its_take_and_an_ungenerated_one_is_a_place_holder(tmp_path: Path) -> None:
    takes = {"t3": MediaFile("t3", "/takes/SH0010_v003.mov")}

    def find(shot: str, take: str | None) -> MediaFile | None:
        return takes["t3"] if (shot, take) == ("s1", None) else None

    content = cut(Item("a", Shot("s1"), 33, "SH0010"), Item("b", Shot("s2"), 48, "SH0020"))
    timeline, loss = written(content, tmp_path, takes=find)
    one, two = timeline.tracks[0]
    assert list(one.media_references()) == ["t3"]
    assert one.active_media_reference_key == "t3"
    assert one.media_reference.target_url == "/takes/SH0010_v003.mov"
    assert one.media_reference.metadata["genlock"]["shot"] == "s1"
    assert isinstance(two.media_reference, otio.schema.MissingReference)
    assert two.media_reference.available_range.duration.value == 48
    assert two.media_reference.metadata["genlock"]["shot"] == "s2"
    assert [(row.what.split()[0], row.count, row.names) for row in loss.rows] == [("shot", 1, ("SH0020",))]
    assert genlock_otio.read(tmp_path / "cut.otio").content == content


def test_what_is_not_there_is_reported(tmp_path: Path) -> None:
    content = cut(Item("a", Media("gone"), 5, "x"), Item("b", Nested("00" * 16, 0, 5), 5, "y"))
    timeline, loss = written(content, tmp_path)
    assert {row.names for row in loss.rows} == {("x",), ("y",)}
    assert all(isinstance(clip.media_reference, otio.schema.MissingReference) for clip in timeline.find_clips())
    assert genlock_otio.read(tmp_path / "cut.otio").content == content


def test_a_sequence_that_contains_itself_is_written_once(tmp_path: Path) -> None:
    content = cut(Item("a", Nested("00" * 16, 0, 5), 5, "loop"))
    _, loss = written(content, tmp_path, nested=lambda _: content)
    assert [row.count for row in loss.rows] == [1]


def edited(name: str, tmp_path: Path, *edits: Any) -> tuple[Any, Any]:
    """Reads a sample, applies ops, writes it; returns (state, the timeline as OpenTimelineIO sees it)."""
    source = tmp_path / "in.otio"
    source.write_text(json.dumps(sample(SAMPLES / name)))
    imported = genlock_otio.read(source)
    state = restore("0" * 32, 1, imported.content)
    for edit in edits:
        state = apply_all(state, edit(state))
    target = tmp_path / "out.otio"
    genlock_otio.write(content_of(state), target, media={file.id: file for file in imported.media})
    return state, otio.adapters.read_from_file(str(target))


def test_an_edit_of_a_foreign_cut_changes_only_what_it_touches(tmp_path: Path) -> None:
    def trim(state: Any) -> list[Any]:
        first = next(iter(state.lanes[state.order[0]])).id
        return [ItemSet(first, ItemPatch(duration=596), ItemPatch(duration=500))]

    state, timeline = edited("resolve21/mut_dissolve20.otio", tmp_path, trim)
    clip, transition, other = timeline.tracks[0]
    assert clip.source_range.duration.value == 500
    assert transition.metadata["Resolve_OTIO"]["Transition Type"] == "Cross Dissolve"
    assert len(clip.effects) == 12
    assert other.source_range.start_time.value == 1800596
    assert state.duration == 1500


def test_a_new_speed_replaces_the_old_warp(tmp_path: Path) -> None:
    def faster(state: Any) -> list[Any]:
        item = next(iter(state.lanes[state.order[0]])).id
        return [ItemSet(item, ItemPatch(speed=state.items[item].speed), ItemPatch(speed=Speed(1, 4)))]

    state, timeline = edited("resolve21/ref4_retime_50pct.otio", tmp_path, faster)
    warps = [e for e in timeline.tracks[0][0].effects if isinstance(e, otio.schema.LinearTimeWarp)]
    assert [warp.time_scalar for warp in warps] == [0.25]
    before = loaded(sample(SAMPLES / "resolve21" / "ref4_retime_50pct.otio")).tracks[0][0].effects
    assert [type(e) for e in timeline.tracks[0][0].effects] == [type(e) for e in before]
    assert state.duration == 1500


def test_replaced_media_do_not_inherit_what_was_known_of_the_old(tmp_path: Path) -> None:
    def swap(state: Any) -> list[Any]:
        item = next(iter(state.lanes[state.order[0]])).id
        old = state.items[item].source
        return [ItemSet(item, ItemPatch(source=old), ItemPatch(source=Media("new")))]

    source = tmp_path / "in.otio"
    source.write_text(json.dumps(sample(SAMPLES / "ayon" / "img_seq_no_handles.json")))
    imported = genlock_otio.read(source)
    state = restore("0" * 32, 1, imported.content)
    state = apply_all(state, swap(state))
    loss = genlock_otio.write(content_of(state), tmp_path / "o.otio", media={"new": MediaFile("new", "/n.mov", "n")})
    ref = next(iter(otio.adapters.read_from_file(str(tmp_path / "o.otio")).find_clips())).media_reference
    assert isinstance(ref, otio.schema.ExternalReference)
    assert (ref.target_url, ref.name, dict(ref.metadata)) == ("/n.mov", "n", {})
    assert loss.rows == ()


def test_padding_at_the_end_is_written_only_while_the_length_is_the_same(tmp_path: Path) -> None:
    def longer(state: Any) -> list[Any]:
        return [ItemInserted(state.order[0], Item("x", Media("m"), 10), next(iter(state.lanes[state.order[0]])).id)]

    _, same = edited("resolve21/ref10_clean_audio_base.otio", tmp_path)
    assert len(same.tracks[2]) == 1
    state, changed = edited("resolve21/ref10_clean_audio_base.otio", tmp_path, longer)
    assert len(changed.tracks[2]) == 0
    assert changed.tracks.duration().value == state.duration


def test_a_lock_is_written_where_resolve_reads_it(tmp_path: Path) -> None:
    def lock(state: Any) -> list[Any]:
        return [TrackSet(state.order[0], TrackPatch(locked=False), TrackPatch(locked=True))]

    _, timeline = edited("resolve21/base.otio", tmp_path, lock)
    assert timeline.tracks[0].metadata["Resolve_OTIO"]["Locked"] is True


def test_a_transition_whose_neighbours_parted_is_reported(tmp_path: Path) -> None:
    content = cut(Item("a", Media("f1"), 5), Item("b", Media("f1"), 5), transitions=(Transition("b", "a", 1, 1),))
    timeline, loss = written(content, tmp_path)
    assert len(timeline.tracks[0]) == 2
    assert loss.rows[0].names == ("b>a",)


def test_a_folder_that_cannot_be_written_and_formats_we_do_not_write(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        genlock_otio.write(cut(), tmp_path / "none" / "x.otio", media={})
    assert caught.value.code == "unwritable_folder"
    for path, dialect in ((tmp_path / "x.aaf", "otio"), (tmp_path / "x.otio", "klingon")):
        with pytest.raises(BadInput) as refused:
            genlock_otio.write(cut(), path, media={}, dialect=dialect)
        assert refused.value.code == "unknown_format"
    assert not list(tmp_path.iterdir())


def test_metadata_that_nests_too_deep_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    metadata: dict[str, Any] = {}
    for _ in range(300):
        metadata = {"a": metadata}
    path = tmp_path / "x.otio"
    path.write_text("old")
    with pytest.raises(BadInput) as caught:
        genlock_otio.write(cut(foreign=metadata), path, media={})
    assert caught.value.code == "too_deep"
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.otio"]
