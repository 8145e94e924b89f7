"""Reading: what becomes what, tolerance for odd files, and a code for each bad one."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genlock_otio
from genlock.errors import BadInput, GenlockError, NotFound
from genlock.timeline.events import Content
from genlock.timeline.model import Gap, Generator, Media, Nested, Transition
from genlock.timeline.rate import Rate, Speed
from genlock_otio import Limits, read_data
from tests.otio.timelines import SAMPLES, sample


def at(value: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def span(start: float, duration: float, rate: float = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": at(start, rate), "duration": at(duration, rate)}


def clip(name: str = "a", start: float = 0, duration: float = 10, rate: float = 24, **more: Any) -> dict[str, Any]:
    ref = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": f"/m/{name}.mov", "available_range": None}
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": span(start, duration, rate),
        "media_references": {"DEFAULT_MEDIA": ref},
        "active_media_reference_key": "DEFAULT_MEDIA",
        **more,
    }


def gap(duration: float, **more: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Gap.1", "source_range": span(0, duration), **more}


def track(*children: Any, kind: str = "Video", **more: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Track.1", "kind": kind, "children": list(children), **more}


def timeline(*tracks: Any, start: Any = None, **more: Any) -> dict[str, Any]:
    stack = {"OTIO_SCHEMA": "Stack.1", "children": list(tracks)}
    return {"OTIO_SCHEMA": "Timeline.1", "name": "t", "global_start_time": start, "tracks": stack, **more}


def imported(tree: Any) -> genlock_otio.Imported:
    return read_data(json.dumps(tree).encode(), Path("/folder"), "file")


def content(tree: Any) -> Content:
    return imported(tree).content


# -- what becomes what


def test_the_first_video_track_without_gaps_is_magnetic_and_padding_does_not_count() -> None:
    made = content(
        timeline(
            track(clip(), gap(5), clip("b")),
            track(clip("c"), gap(99)),
            track(clip("d")),
            track(clip("e"), kind="Audio"),
        )
    )
    assert [part.track.placement for part in made.tracks] == ["free", "magnetic", "free", "free"]
    assert [placed.start for placed in made.tracks[0].items] == [0, 15]
    assert [placed.start for placed in made.tracks[1].items] == [None]
    assert made.tracks[3].track.kind == "audio"


def test_record_times_land_on_the_grid_without_drifting() -> None:
    made = content(timeline(track(*[clip(str(n), duration=10.4) for n in range(5)]), start=at(0)))
    assert [placed.item.duration for placed in made.tracks[0].items] == [10, 11, 10, 11, 10]


@pytest.mark.parametrize("rate", [23.976, 23.98, 23.976024627685547, 24000 / 1001])
def test_every_way_to_write_a_rate_is_one_rate(rate: float) -> None:
    made = content(timeline(track(clip(rate=rate, duration=48)), start=at(86400, rate)))
    assert (made.rate, made.start_frame) == (Rate(24000, 1001), 86400)
    assert made.tracks[0].items[0].item.duration == 48


def test_media_keep_their_own_rate_and_timecode() -> None:
    thing = clip(start=1800000, duration=25, rate=50)
    thing["media_references"]["DEFAULT_MEDIA"]["available_range"] = span(1800000, 1500, 50)
    made = content(timeline(track(thing), start=at(0, 25)))
    item = made.tracks[0].items[0].item
    assert item.source == Media(item.source.media, 1800000, 1500, Rate(50))  # type: ignore[union-attr]
    assert (item.source_in, item.duration) == (1800000, 13)


def test_sources_counted_in_ticks_or_seconds_are_brought_to_the_rate_of_the_sequence() -> None:
    thing = clip(start=48000, duration=24000, rate=24000)
    thing["media_references"]["DEFAULT_MEDIA"]["available_range"] = span(0, 240000, 24000)
    made = content(timeline(track(thing), start=at(0)))
    item = made.tracks[0].items[0].item
    assert (item.source_in, item.duration) == (48, 24)
    assert item.source == Media(item.source.media, 0, 240)  # type: ignore[union-attr]


def test_time_warps_become_speed_and_multiply() -> None:
    warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0, "name": "", "effect_name": "x"}
    half = {**warp, "time_scalar": -0.25}
    other = {"OTIO_SCHEMA": "Effect.1", "effect_name": "Blur"}
    ramp = {"OTIO_SCHEMA": "TimeEffect.1", "effect_name": "ramp"}
    freeze = {"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0}
    off = {**warp, "enabled": False}
    made = content(
        timeline(
            track(
                clip("a", effects=[warp, other, half]),
                clip("b", effects=[ramp, off]),
                clip("c", effects=[freeze]),
                clip("d", effects=[{**warp, "time_scalar": -1.0}], start=100, duration=10),
            )
        )
    )
    a, b, c, d = (placed.item for placed in made.tracks[0].items)
    assert (a.speed, a.effects) == (Speed(-1, 2), (other,))
    assert (b.speed, b.effects) == (Speed(), (ramp, off))
    assert c.speed == Speed(0)
    assert (d.speed, d.source_in) == (Speed(-1), 109)


def test_transitions_know_their_neighbours_and_fades_have_one() -> None:
    mix = {"OTIO_SCHEMA": "Transition.1", "in_offset": at(2), "out_offset": at(3), "transition_type": "SMPTE_Dissolve"}
    made = content(timeline(track(mix, clip("a"), mix, clip("b"), mix, gap(9), mix, clip("c"))))
    ids = [placed.item.id for placed in made.tracks[0].items]
    expected = [(None, ids[0]), (ids[0], ids[1]), (ids[1], None), (None, ids[2])]
    assert {t.key for t in made.transitions} == {Transition(a, b, 2, 3).key for a, b in expected}
    assert {(t.in_offset, t.out_offset, t.kind) for t in made.transitions} == {(2, 3, "dissolve")}


def test_markers_count_as_their_owner_does() -> None:
    mark = {"OTIO_SCHEMA": "Marker.2", "name": "m", "color": "GREEN", "marked_range": span(105, 1), "comment": "c"}
    tree = timeline(track(clip(start=100, markers=[mark]), markers=[{**mark, "name": "on track"}]))
    tree["tracks"]["markers"] = [{**mark, "name": "on all"}]
    made = content(tree)
    found = {marker.name: marker for marker in made.markers}
    assert (found["m"].item, found["m"].start, found["m"].comment) == (made.tracks[0].items[0].item.id, 105, "c")
    assert found["on track"].item is found["on all"].item is None


def test_markers_of_newer_files_with_a_colour_object() -> None:
    def mark(**color: Any) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "Marker.3", "color": color, "marked_range": span(1, 0)}

    named = mark(OTIO_SCHEMA="Color.1", name="Green", r=0.0, g=1.0, b=0.0, a=1.0)
    free = mark(OTIO_SCHEMA="Color.1", name="", r=0.1, g=0.1, b=0.9, a=1.0)
    made = content(timeline(track(clip(markers=[named, free]))))
    assert sorted(marker.color for marker in made.markers) == ["BLUE", "GREEN"]


def test_nested_stacks_become_sequences_of_their_own() -> None:
    inner = {"OTIO_SCHEMA": "Stack.1", "name": "scene", "children": [track(clip("x", duration=30))]}
    deep = {"OTIO_SCHEMA": "Stack.1", "name": "deep", "children": [track(inner)], "source_range": span(5, 10)}
    found = imported(timeline(track(deep, track(clip("y"), name="as track"))))
    first, second = (placed.item for placed in found.content.tracks[0].items)
    nested = dict(found.nested)
    assert isinstance(first.source, Nested)
    assert (first.source_in, first.duration, first.source.frames) == (5, 10, 30)
    inside = nested[first.source.sequence].tracks[0].items[0].item
    assert isinstance(inside.source, Nested)
    assert nested[inside.source.sequence].tracks[0].items[0].item.name == "x"
    assert found.nested[0][0] == inside.source.sequence
    assert second.name == "as track"


def test_a_file_read_twice_brings_its_own_nested_sequences_again() -> None:
    inner = {"OTIO_SCHEMA": "Stack.1", "name": "scene", "children": [track(clip("x", duration=30))]}
    outer = {"OTIO_SCHEMA": "Stack.1", "name": "act", "children": [track(inner)]}
    found = imported(timeline(track(outer)))
    assert genlock_otio.beside(found, lambda _: False) is found
    there = {id_ for id_, _ in found.nested}
    again = genlock_otio.beside(found, there.__contains__)
    nested = dict(again.nested)
    assert not there & nested.keys()
    act = again.content.tracks[0].items[0].item.source
    assert isinstance(act, Nested)
    scene = nested[act.sequence].tracks[0].items[0].item.source
    assert isinstance(scene, Nested)
    assert nested[scene.sequence].name == "scene"
    one_more = genlock_otio.beside(found, (there | nested.keys()).__contains__)
    assert not nested.keys() & dict(one_more.nested).keys()


def test_all_kinds_of_media_references() -> None:
    def refers(ref: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {**clip("n"), "media_references": {"main": ref, "low": {"OTIO_SCHEMA": "MissingReference.1"}}} | {
            "active_media_reference_key": "main",
            **more,
        }

    bars = {"OTIO_SCHEMA": "GeneratorReference.1", "generator_kind": "SMPTEBars", "parameters": {"x": 1}}
    sequence = {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": "file:///plates",
        "name_prefix": "sh010.",
        "name_suffix": ".exr",
        "frame_zero_padding": 4,
        "start_frame": 1001,
    }
    old = {**clip("old"), "OTIO_SCHEMA": "Clip.1", "media_reference": {"OTIO_SCHEMA": "MissingReference.1"}}
    del old["media_references"], old["active_media_reference_key"]
    found = imported(timeline(track(refers(bars), refers(sequence), old, {**old, "media_reference": None})))
    sources = [placed.item.source for placed in found.content.tracks[0].items]
    assert sources[0] == Generator("SMPTEBars", {"x": 1})
    assert {file.path for file in found.media} == {"/plates/sh010.%04d.exr", ""}
    assert [file.name for file in found.media if file.missing] == ["old"]
    assert sources[2] == sources[3]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("E:\\SHOW\\a b.mxf", "E:\\SHOW\\a b.mxf"),
        ("/Volumes/x/a%20b.mov", "/Volumes/x/a%20b.mov"),
        ("file:///Volumes/x/a%20b.mov", "/Volumes/x/a b.mov"),
        ("file:///C:/x/a.mov", "C:/x/a.mov"),
        ("file://localhost/x/a.mov", "/x/a.mov"),
        ("file://server/share/a.mov", "file://server/share/a.mov"),
        ("\\\\server\\share\\a.mov", "\\\\server\\share\\a.mov"),
        ("https://host/a.mov", "https://host/a.mov"),
        ("media/a%20b.mov", "/folder/media/a b.mov"),
        ("../a.mov", "/a.mov"),
        ("a\0b", ""),
        ("http://[x", "http://[x"),
    ],
)
def test_target_urls_become_native_paths(url: str, path: str) -> None:
    thing = clip()
    thing["media_references"]["DEFAULT_MEDIA"]["target_url"] = url
    (file,) = imported(timeline(track(thing))).media
    assert file.path == path


def test_resolve_link_groups_locks_and_dialect() -> None:
    found = imported(sample(SAMPLES / "resolve21" / "base.otio"))
    items = [placed.item for part in found.content.tracks for placed in part.items]
    assert found.dialect == "resolve"
    assert items[0].link is not None
    assert items[0].link == items[1].link
    assert found.content.rate == Rate(50)
    assert found.content.start_frame == 180000
    tree = sample(SAMPLES / "resolve21" / "base.otio")
    tree["tracks"]["children"][0]["metadata"]["Resolve_OTIO"]["Locked"] = True
    assert content(tree).tracks[0].track.locked


def test_drop_frame_is_seen_from_a_start_on_the_full_hour() -> None:
    assert content(timeline(track(clip()), start=at(107892, 29.97))).drop_frame
    assert not content(timeline(track(clip()), start=at(108000, 29.97))).drop_frame
    assert not content(timeline(track(clip()), start=at(86400, 24))).drop_frame


def test_copied_ids_are_kept_once_and_new_ones_depend_on_the_file_alone() -> None:
    ours = {"genlock": {"v": 1, "id": "i1"}}
    tree = timeline(track(clip(metadata=ours), clip(metadata=ours), clip(metadata={"genlock": {"id": "bad>id"}})))
    first, second = content(tree), content(tree)
    ids = [placed.item.id for placed in first.tracks[0].items]
    assert ids[0] == "i1"
    assert len(set(ids)) == 3
    assert ">" not in ids[2]
    assert first == second


def test_a_clip_relinked_by_another_tool_is_media_again() -> None:
    ours = {"genlock": {"v": 1, "id": "i1", "source": {"type": "shot", "shot": "s1"}, "url": "/takes/1.mov"}}
    tree = timeline(track(clip("elsewhere", metadata=ours)))
    assert isinstance(content(tree).tracks[0].items[0].item.source, Media)
    tree["tracks"]["children"][0]["children"][0]["media_references"]["DEFAULT_MEDIA"]["target_url"] = "/takes/1.mov"
    assert content(tree).tracks[0].items[0].item.source.shot == "s1"  # type: ignore[union-attr]


def test_collections_single_tracks_and_clips_are_read() -> None:
    one = {"OTIO_SCHEMA": "SerializableCollection.1", "children": [timeline(track(clip("x"))), timeline()]}
    found = imported(one)
    assert found.content.tracks[0].items[0].item.name == "x"
    assert any("first timeline" in warning for warning in found.warnings)
    assert content(track(clip("y"))).tracks[0].items[0].item.name == "y"
    assert content(clip("z")).tracks[0].items[0].item.name == "z"
    assert content({"OTIO_SCHEMA": "Stack.1", "name": "s", "children": []}).name == "s"


def test_a_file_without_rates_is_read_at_24_and_says_so() -> None:
    found = imported(timeline())
    assert found.content.rate == Rate(24)
    assert any("24 frames" in warning for warning in found.warnings)


def test_gaps_we_wrote_on_a_magnetic_track_stay_items() -> None:
    ours = {"genlock": {"v": 1, "placement": "magnetic"}}
    hole = gap(5, metadata={"genlock": {"v": 1, "id": "g1"}})
    made = content(timeline(track(clip(), gap(3), clip("b"), hole, metadata=ours)))
    assert [type(placed.item.source) for placed in made.tracks[0].items] == [Media, Gap, Media, Gap]
    assert made.tracks[0].items[3].item.id == "g1"


# -- bad input


def code(data: bytes, limits: Limits = Limits()) -> str:
    with pytest.raises(BadInput) as caught:
        read_data(data, Path("/folder"), "file", limits)
    assert caught.value.message
    return caught.value.code


BAD_TREES = {
    "clip as text": (timeline(track("x")), "bad_timeline"),
    "no stack": ({"OTIO_SCHEMA": "Timeline.1", "tracks": []}, "bad_timeline"),
    "unknown top": ({"OTIO_SCHEMA": "Recipe.1"}, "bad_timeline"),
    "no schema": ({"name": "x"}, "bad_timeline"),
    "a list": ([], "bad_timeline"),
    "empty collection": ({"OTIO_SCHEMA": "SerializableCollection.1", "children": []}, "bad_timeline"),
    "unknown child": (timeline(track({"OTIO_SCHEMA": "Recipe.1"})), "bad_timeline"),
    "two transitions": (
        timeline(track(*[{"OTIO_SCHEMA": "Transition.1", "in_offset": at(1), "out_offset": at(1)}] * 2)),
        "bad_timeline",
    ),
    "children as text": (timeline({"OTIO_SCHEMA": "Track.1", "children": "x"}), "bad_timeline"),
    "metadata as text": (timeline(track(clip(metadata="x"))), "bad_timeline"),
    "no range at all": (timeline(track({**clip(), "source_range": None})), "bad_timeline"),
    "active reference missing": (timeline(track({**clip(), "active_media_reference_key": "x"})), "bad_timeline"),
    "reference as text": (timeline(track({**clip(), "media_references": {"DEFAULT_MEDIA": "x"}})), "bad_timeline"),
    "effect as text": (timeline(track(clip(effects=["x"]))), "bad_timeline"),
    "marker as text": (timeline(track(clip(markers=["x"]))), "bad_timeline"),
    "negative duration": (timeline(track(clip(duration=-3))), "bad_time"),
    "negative gap": (timeline(track(gap(-3), clip())), "bad_time"),
    "negative start timecode": (timeline(track(clip()), start=at(-1)), "bad_time"),
    "absurd time": (timeline(track(clip(start=1e300))), "bad_time"),
    "time as text": (timeline(track({**clip(), "source_range": span("1", 2)})), "bad_time"),  # type: ignore[arg-type]
    "time as bool": (timeline(track(clip(start=True))), "bad_time"),
    "time as list": (timeline(track({**clip(), "source_range": {"start_time": [], "duration": at(1)}})), "bad_time"),
    "rate zero": (timeline(track(clip(rate=0))), "bad_rate"),
    "rate negative": (timeline(track(clip(rate=-24))), "bad_rate"),
    "rate as text": (timeline(track(clip(rate="24"))), "bad_rate"),  # type: ignore[arg-type]
    "absurd speed": (
        timeline(track(clip(effects=[{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 1e9}]))),
        "bad_time",
    ),
    "speed as text": (
        timeline(track(clip(effects=[{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": "x"}]))),
        "bad_time",
    ),
}


@pytest.mark.parametrize("name", BAD_TREES)
def test_each_bad_tree_has_its_code(name: str) -> None:
    tree, expected = BAD_TREES[name]
    assert code(json.dumps(tree).encode()) == expected


def test_bad_texts() -> None:
    good = json.dumps(timeline(track(clip(start=7)))).encode()
    assert code(b"") == "bad_json"
    assert code(good[:-20]) == "bad_json"
    assert code(b"\xff\xfe") == "bad_json"
    assert code(good.replace(b": 7,", b": NaN,")) == "bad_time"
    assert code(good.replace(b": 7,", b": -Infinity,")) == "bad_time"
    assert code(good.replace(b": 7,", b": 1e999,")) == "bad_time"
    assert code(good, Limits(size=100)) == "too_large"
    assert code(good, Limits(nodes=5)) == "too_large"


@pytest.mark.parametrize("depth", [201, 1025, 40_000])
def test_deep_nesting_is_refused_at_once(depth: int) -> None:
    begin = perf_counter()
    hidden = (
        b'{"OTIO_SCHEMA":"Timeline.1","name":"]]]]\\"}","metadata":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    )
    assert code(hidden) == "too_deep"
    assert code(b"[" * depth) in ("too_deep", "bad_json")
    assert perf_counter() - begin < 2


def test_deep_but_genuine_nesting_is_read() -> None:
    metadata: dict[str, Any] = {}
    for _ in range(150):
        metadata = {"a": metadata}
    assert content(timeline(track(clip(metadata=metadata)))).tracks[0].items[0].item.foreign["a"] == metadata["a"]


def test_sequences_nested_too_deep() -> None:
    tree: dict[str, Any] = track(clip())
    for _ in range(40):
        tree = track({"OTIO_SCHEMA": "Stack.1", "children": [tree]})
    assert code(json.dumps(timeline(tree)).encode()) == "too_deep"


def test_files_that_are_not_there_or_no_timelines(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as missing:
        genlock_otio.read(tmp_path / "none.otio")
    assert missing.value.code == "no_such_file"
    with pytest.raises(NotFound):
        genlock_otio.read(tmp_path / "none.txt")
    (tmp_path / "x.txt").write_text("Dear diary")
    with pytest.raises(BadInput) as unknown:
        genlock_otio.read(tmp_path / "x.txt")
    assert unknown.value.code == "unknown_format"
    (tmp_path / "folder.otio").mkdir()
    with pytest.raises(BadInput):
        genlock_otio.read(tmp_path / "folder.otio")


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            found.append((node, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


@given(st.data(), ODD)
@settings(max_examples=400, deadline=None)
def test_any_value_in_any_place_is_read_or_refused_with_a_code(data: st.DataObject, value: Any) -> None:
    mark = {"OTIO_SCHEMA": "Marker.2", "marked_range": span(105, 1), "color": "RED", "metadata": {}}
    warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0}
    mix = {"OTIO_SCHEMA": "Transition.1", "in_offset": at(2), "out_offset": at(3), "transition_type": "x"}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "n", "children": [track(clip("y"))], "source_range": span(0, 5)}
    ours = {"genlock": {"v": 1, "id": "i1", "rate": [24, 1], "speed": [1, 2], "nested": {}, "source": {"type": "shot"}}}
    one = clip(metadata={**ours, "Resolve_OTIO": {"Link Group ID": 1}}, markers=[mark], effects=[warp])
    tree = timeline(track(one, mix, clip(), gap(3), stack, metadata=ours), start=at(0), metadata=ours)
    node, key = data.draw(st.sampled_from(_places(tree)))
    node[key] = value
    try:
        read_data(json.dumps(tree).encode(), Path("/folder"), "file")
    except GenlockError as error:
        assert error.code in ("bad_timeline", "bad_time", "bad_rate", "bad_json")  # noqa: PT017


def test_schemas_of_a_release_yet_to_come_are_read_as_far_as_they_are_known() -> None:
    thing = {**clip("x"), "OTIO_SCHEMA": "Clip.3", "markers": [{"OTIO_SCHEMA": "Marker.9", "marked_range": span(0, 1)}]}
    tree = {**timeline({**track(thing), "OTIO_SCHEMA": "Track.7"}), "OTIO_SCHEMA": "Timeline.2"}
    found = imported(tree)
    assert [p.item.name for p in found.content.tracks[0].items] == ["x"]
    assert len(found.content.markers) == 1
    assert any("'x' is a Clip.3, newer than Clip.2" in warning for warning in found.warnings)


def test_a_sequence_that_says_it_holds_itself_is_two_sequences() -> None:
    def stack(*children: Any) -> dict[str, Any]:
        ours = {"genlock": {"v": 1, "id": "same", "sequence": "ab" * 16}}
        return {"OTIO_SCHEMA": "Stack.1", "children": [track(*children)], "metadata": ours}

    found = imported(timeline(track(stack(stack(clip("x")))), start=at(0)))
    ids = [id_ for id_, _ in found.nested]
    assert len(ids) == len(set(ids)) == 2
    assert ids.count("ab" * 16) == 1
    items = [placed.item.id for _, part in found.nested for row in part.tracks for placed in row.items]
    assert len({*items, found.content.tracks[0].items[0].item.id}) == 3
