from __future__ import annotations

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.application.commands import Arrange
from genlock.daemon.server import embedded
from genlock.timeline import effects
from genlock.timeline.arrange import arrange
from genlock.timeline.laid import Arrangement
from genlock.timeline.sequence import Sequence, apply_all
from genlock_client import cut as cuts
from genlock_client import diff
from genlock_client.blocking import Connection
from genlock_client.cut import Cut, Value
from genlock_client.discovery import Endpoint
from genlock_client.model import SequenceModel
from genlock_client.rest import Rest

from ..timeline.op_programs import Editor, sequence_after

BASES = {"v1": {"kind": "video", "name": "V1"}, "v2": {"kind": "video"}, "a1": {"kind": "audio"}}


def item(start: int = 0, duration: int = 10, track: str = "v1", media: str = "m", **more: Any) -> Value:
    return {
        "track": track,
        "start": start,
        "duration": duration,
        "source": {"type": "media", "media": media},
        **more,
    }


def cut(items: dict[str, Value] | None = None, **parts: Any) -> Cut:
    empty = Cut({"name": "Cut", "rate": [24, 1]}, dict(BASES), items or {}, {}, {}, {})
    return empty._replace(**parts)


def arrangement(before: Cut, after: Cut) -> dict[str, Any]:
    found = diff.changes(before, after)
    assert found is not None
    assert set(found) == {"arrangement"}
    return dict(found["arrangement"])


def test_nothing_is_found_where_only_the_spelling_differs() -> None:
    plain = cut({"a": item()}, markers={"m": {"start": 4}}, transitions={">a": {"in_offset": 0, "out_offset": 4}})
    source = {"type": "media", "media": "m", "first": 0, "frames": None, "rate": None}
    long = {"source_in": 0, "speed": (1, 1), "name": "", "enabled": True, "link": None, "effects": (), "foreign": {}}
    spelt = cut(
        {"a": {**item(), **long, "source": source}},
        markers={"m": {"start": 4, "duration": 0, "item": None, "color": "RED"}},
        transitions={">a": {"left": None, "right": "a", "in_offset": 0, "out_offset": 4, "kind": "dissolve"}},
        tracks={id_: {**value, "enabled": True, "placement": "free"} for id_, value in BASES.items()},
        settings={"name": "Cut", "rate": (24, 1), "drop_frame": False, "resolution": (1920, 1080)},
    )
    assert diff.changes(plain, spelt) is None
    assert diff.changes(spelt, plain) is None
    assert diff.changes(plain, plain) is None


def test_a_patch_holds_the_fields_that_differ_only() -> None:
    before = cut({"a": item(name="A"), "b": item(10), "c": item(20)})
    after = cut({"a": item(5, name="A", enabled=False), "b": item(10), "d": item(40)})
    assert arrangement(before, after) == {
        "items": {"a": {"start": 5, "enabled": False}, "c": None, "d": item(40)},
    }


def test_a_field_that_is_gone_goes_back_to_its_default() -> None:
    before = cut({"a": item(link="x", speed=[2, 1], foreign={"other": {"n": 1}})})
    assert arrangement(before, cut({"a": item()})) == {
        "items": {"a": {"link": None, "speed": [1, 1], "foreign": {}}},
    }


def test_sources_are_told_whole() -> None:
    after = item(media="n")
    assert arrangement(cut({"a": item()}), cut({"a": after})) == {"items": {"a": {"source": after["source"]}}}
    generator = {"source": {"type": "generator", "generator": "blender.text", "parameters": {"first": 0}}}
    other = {"source": {"type": "generator", "generator": "blender.text", "parameters": {}}}
    assert diff.changes(cut({"a": {**item(), **generator}}), cut({"a": {**item(), **other}})) is not None


@pytest.mark.parametrize(
    ("order", "moved"),
    [
        (["v1", "v2", "v3", "a1"], {}),
        (["v3", "v1", "v2", "a1"], {"v3": None}),
        (["v2", "v1", "v3", "a1"], {"v2": None}),
        (["a1", "v1", "v2", "v3"], {}),
        (["v1", "a1", "v2", "v3"], {}),
    ],
)
def test_a_track_that_passed_others_of_its_kind_says_what_lies_below(order: list[str], moved: dict[str, Any]) -> None:
    tracks = {**BASES, "v3": {"kind": "video"}}
    before = cut(tracks={id_: tracks[id_] for id_ in ("v1", "v2", "v3", "a1")})
    found = diff.changes(before, cut(tracks={id_: tracks[id_] for id_ in order}))
    patches = {} if found is None else found["arrangement"]["tracks"]
    assert {id_: patch["after"] for id_, patch in patches.items()} == moved


def test_new_tracks_are_whole_and_say_what_lies_below() -> None:
    after = cut(tracks={"a1": BASES["a1"], "v1": {**BASES["v1"], "name": "Main"}, "v9": {"kind": "video", "name": "N"}})
    assert arrangement(cut(), after) == {
        "tracks": {"v2": None, "v1": {"name": "Main"}, "v9": {"kind": "video", "name": "N", "after": "v1"}},
    }


def test_settings_are_compared_but_for_the_rate() -> None:
    before = cut(settings={"name": "Cut", "rate": [24, 1], "drop_frame": True})
    after = cut(settings={"name": "Reel", "rate": [25, 1], "resolution": [1280, 720]})
    assert arrangement(before, after) == {
        "settings": {"name": "Reel", "drop_frame": False, "resolution": [1280, 720]},
    }


def test_nested_sequences_come_along_new_ones_whole() -> None:
    inner = Cut({"name": "Intro", "rate": [24, 1], "drop_frame": False}, {"n1": {"kind": "video"}}, {}, {}, {}, {})
    changed = inner._replace(items={"x": item(track="n1")})
    before = cut(nested={"old": inner, "same": inner, "gone": inner})
    after = cut(nested={"old": changed, "same": inner, "made": changed})
    found = diff.changes(before, after, {"old": 4, "same": 2})
    assert found == {
        "arrangement": {},
        "nested": [
            {"sequence": "old", "base": 4, "arrangement": {"items": {"x": item(track="n1")}}},
            {
                "sequence": "made",
                "base": None,
                "name": "Intro",
                "rate": [24, 1],
                "arrangement": {
                    "tracks": {"n1": {"kind": "video", "after": None}},
                    "items": {"x": item(track="n1")},
                },
            },
        ],
    }


def test_a_nested_sequence_of_unknown_version_is_told_whole() -> None:
    inner = Cut({"name": "Intro", "rate": [24, 1]}, {"n1": {"kind": "video"}}, {"x": item(track="n1")}, {}, {}, {})
    moved = inner._replace(items={"x": item(5, track="n1")})
    found = diff.changes(cut(nested={"n": inner}), cut(nested={"n": moved}))
    assert found is not None
    assert found["nested"] == [
        {
            "sequence": "n",
            "base": None,
            "name": "Intro",
            "rate": [24, 1],
            "arrangement": {"tracks": {"n1": {"kind": "video", "after": None}}, "items": {"x": item(5, track="n1")}},
        }
    ]
    assert diff.changes(cut(nested={"n": inner}), cut(nested={"n": inner})) is None


def whole(state: Any) -> Cut:
    return cuts.of(SequenceModel(json.loads(msgspec.json.encode(effects.snapshot(state)))), {})


def patched(before: dict[str, Value], patches: dict[str, Value | None], defaults: Value) -> dict[str, Value]:
    after = {id_: {**defaults, **value} for id_, value in before.items() if patches.get(id_, ()) is not None}
    for id_, patch in patches.items():
        if patch is not None:
            after[id_] = {**defaults, **after.get(id_, {}), **patch}
    return after


def full(values: dict[str, Value], defaults: Value, *without: str) -> dict[str, Value]:
    return {
        id_: {name: field for name, field in {**defaults, **value}.items() if name not in without}
        for id_, value in values.items()
    }


def ordered(before: list[str], patches: dict[str, Value | None], kinds: dict[str, str]) -> list[str]:
    """The order that the patches' `after` lead to, each taken at its word."""
    order = [id_ for id_ in before if patches.get(id_, ()) is not None]
    for id_, patch in patches.items():
        if patch is not None and "after" in patch:
            if id_ in order:
                order.remove(id_)
            order.insert(0 if patch["after"] is None else order.index(patch["after"]) + 1, id_)
    return sorted(order, key=lambda id_: kinds[id_])


@given(st.integers(0, 2**32), st.integers(0, 12))
@settings(max_examples=150, deadline=None)
def test_the_patches_lead_from_any_cut_to_the_other(seed: int, edits: int) -> None:
    chance = random.Random(seed)
    editor = Editor(chance, "z")
    state = sequence_after(chance, 12)
    before = whole(state)
    for _ in range(edits):
        state = apply_all(state, editor.edit(state))
    after = whole(state)
    found = diff.changes(before, after)
    if found is None:
        assert before == after
        return
    parts = found["arrangement"]
    assert patched(before.items, parts.get("items", {}), diff.ITEM) == full(after.items, diff.ITEM)
    assert patched(before.markers, parts.get("markers", {}), diff.MARKER) == full(after.markers, diff.MARKER)
    ends = ("left", "right")
    transitions = patched(full(before.transitions, {}, *ends), parts.get("transitions", {}), diff.TRANSITION)
    assert transitions == full(after.transitions, diff.TRANSITION, *ends)
    tracks = patched(before.tracks, parts.get("tracks", {}), diff.TRACK)
    assert full(tracks, {}, "after") == full(after.tracks, diff.TRACK)
    kinds = {id_: str(value["kind"]) for id_, value in {**before.tracks, **after.tracks}.items()}
    wanted = sorted(after.tracks, key=lambda id_: kinds[id_])
    assert ordered(list(before.tracks), parts.get("tracks", {}), kinds) == wanted
    command = msgspec.convert({"base": 1, **found}, Arrange)  # the daemon reads what was found
    assert len(command.arrangement.items) == len(parts.get("items", {}))
    assert diff.sentence(found, before)


def test_one_change_among_five_thousand_items_is_found_in_less_than_10_ms() -> None:
    many = {f"i{n}": item(n * 10, name=f"Clip {n}", source_in=n, link=None) for n in range(5000)}
    other = {id_: {**value, "source": dict(value["source"])} for id_, value in many.items()}
    other["i2500"]["duration"] = 8
    for before, after in ((many, other), (many, {**many, "i2500": other["i2500"]})):
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            found = diff.changes(cut(before), cut(after))
            taken.append(time.perf_counter() - began)
        assert found == {"arrangement": {"items": {"i2500": {"duration": 8}}}}
        assert min(taken) < 0.010


HAD = {"a": item(name="Opening"), "b": item(10), "c": item(20, name="End"), "d": item(30)}
HELD = cut(HAD, markers={"m": {"start": 3, "name": "Joke"}}, transitions={"a>b": {"in_offset": 2, "out_offset": 2}})


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"items": {"a": {"duration": 5}}}, "Trim Opening"),
        ({"items": {"a": {"start": 5}, "b": {"track": "v2"}, "d": {"start": 7, "track": "v1"}}}, "Move 3 clips"),
        ({"items": {"x": item(), "y": item(), "a": None}}, "Add 2 clips, remove Opening"),
        ({"items": {"x": item(name="New")}}, "Add New"),
        ({"items": {"b": {"duration": 4}, "x": item(14, 6)}}, "Split 1 clip"),
        ({"items": {"c": {"name": "Finale"}}}, "Rename Finale"),
        ({"items": {"c": {"enabled": False}}}, "Disable End"),
        ({"items": {"c": {"enabled": True}}}, "Enable End"),
        ({"items": {"c": {"source_in": 9}}}, "Slip End"),
        ({"items": {"c": {"source": {"type": "media", "media": "z"}, "name": "Z"}}}, "Replace Z"),
        ({"items": {"c": {"speed": [2, 1], "duration": 5}}}, "Retime End"),
        ({"items": {"c": {"foreign": {}}}}, "Change End"),
        ({"items": {"a": None, "b": {"start": 0}}, "transitions": {"a>b": None}}, "Remove Opening"),
        ({"items": {"a": None, "b": {"start": 0}, "c": {"start": 0}}}, "Remove Opening, move 2 clips"),
        ({"transitions": {"a>b": None}}, "Remove 1 transition"),
        ({"markers": {"m": {"start": 5}}}, "Change Joke"),
        ({"tracks": {"v9": {"kind": "video"}}, "settings": {"name": "N"}}, "Add 1 track, change settings"),
        (
            {"items": {"x": item(), "a": None, "b": {"enabled": True}, "c": {"duration": 2}}},
            "Add 1 clip, remove Opening, 2 more changes",
        ),
    ],
)
def test_changes_are_told_as_a_person_would(parts: dict[str, Any], told: str) -> None:
    assert diff.sentence({"arrangement": parts}, HELD) == told


def test_what_changed_inside_a_nested_sequence_is_told_with_its_name() -> None:
    inner = cut({"a": item(name="Door")}, settings={"name": "Scene 2", "rate": [24, 1]})
    before = cut(nested={"n": inner})
    found = diff.changes(
        before, cut(nested={"n": inner._replace(items={"a": item(name="Door", duration=4)})}), {"n": 3}
    )
    assert found is not None
    assert diff.sentence(found, before) == "Trim Door in Scene 2"
    unsure = diff.changes(before, cut(nested={"n": inner._replace(items={})}))
    assert unsure is not None
    assert diff.sentence(unsure, before) == "Change Scene 2"
    made = diff.changes(cut(), before)
    assert made is not None
    assert diff.sentence(made, cut()) == "Nest Scene 2"


def linked(found: Cut) -> Cut:
    """The cut without links of items that are alone in their group: the daemon takes them off."""
    groups = Counter(value["link"] for value in found.items.values())
    alone = {id_: {**value, "link": None} for id_, value in found.items.items() if groups[value["link"]] == 1}
    return found._replace(items={**found.items, **alone})


@given(st.integers(0, 2**32), st.integers(1, 10))
@settings(max_examples=200, deadline=None)
def test_the_daemon_that_carries_the_changes_out_shows_the_other_cut(seed: int, edits: int) -> None:
    chance = random.Random(seed)
    start = sequence_after(chance, 12, prefix="b")
    wanted = whole(sequence_after(chance, edits, start, prefix="t"))
    found = diff.changes(whole(start), wanted)
    if found is None:
        return
    made = arrange(start, msgspec.convert(found["arrangement"], Arrangement))
    assert isinstance(made, Sequence), made
    assert diff.changes(linked(whole(made)), linked(wanted)) is None


@pytest.mark.timeout(60)
def test_a_real_daemon_takes_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    bars = {"type": "generator", "generator": "bars"}
    with embedded(tmp_path / "studio.genlock") as running:
        endpoint = Endpoint(running.port, running.token)
        rest = Rest.at(endpoint)
        project = str(rest.command({"do": "CreateProject", "name": "Film"})["target"])
        made = rest.command({"do": "CreateSequence", "project": project, "name": "Reel"})
        sequence = str((made["created"] or [made["target"]])[0])
        with Connection.open(endpoint, host="test", actor="ada", project=project) as daemon:
            models = daemon.model.sequences

            def reach(wanted: Cut) -> Cut:
                shown = cuts.of(models[sequence], models)
                found = diff.changes(shown, wanted, {id_: models[id_].version for id_ in shown.nested})
                command = {"do": "Arrange", "base": models[sequence].version, **(found or {})}
                daemon.command(command, sequence, label="From a host")
                reached = cuts.of(models[sequence], models)
                assert diff.changes(reached, wanted) is None
                return reached

            start = cuts.of(models[sequence], models)
            (track, *_) = (id_ for id_, value in start.tracks.items() if value["kind"] == "video")
            tracks = {**start.tracks, "up": {"kind": "video", "name": "Titles"}}
            items = {f"i{n}": item(n * 24, 24, track, source=bars, name=f"Clip {n}") for n in range(20)}
            wanted = start._replace(tracks=tracks, items=items, markers={"m": {"start": 7, "name": "Joke"}})
            reached = reach(wanted)

            order = list(reversed(items))
            turned = {id_: {**reached.items[id_], "start": n * 24} for n, id_ in enumerate(order)}
            inner = Cut(
                {"name": "Intro", "rate": [24, 1]},
                {"n1": {"kind": "video"}},
                {"x": item(track="n1", source=bars)},
                {},
                {},
                {},
            )
            nest = {"type": "nested", "sequence": "c" * 32}
            turned["shows"] = item(0, 10, "up", source=nest)
            reached = reach(reached._replace(items=turned, nested={"c" * 32: inner}))

            inside = reached.nested["c" * 32]
            longer = inside._replace(items={"x": {**inside.items["x"], "duration": 9}})
            fewer = {id_: value for id_, value in reached.items.items() if id_ != "i3"}
            reach(reached._replace(items=fewer, nested={"c" * 32: longer}, markers={}))
            assert models["c" * 32].items["x"]["duration"] == 9
