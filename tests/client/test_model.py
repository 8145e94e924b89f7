from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline import effects
from genlock.timeline.sequence import apply_all
from genlock_client.model import Inconsistent, Model, SequenceModel

from ..timeline.op_programs import Editor, sequence_after


def item(id_: str, track: str = "v1", after: str | None = None, gap: int = 0, duration: int = 10) -> dict[str, Any]:
    return {"id": id_, "track": track, "after": after, "gap": gap, "duration": duration, "name": id_}


def sequence() -> dict[str, Any]:
    return {
        "id": "s",
        "project": "p",
        "version": 3,
        "name": "Cut",
        "rate": [24, 1],
        "tracks": [
            {"id": "v1", "kind": "video", "items": [item("a"), item("b", after="a", gap=5), item("c", after="b")]},
            {"id": "a1", "kind": "audio", "items": [item("x", "a1", gap=100)]},
        ],
        "transitions": [{"key": "b>c", "left": "b", "right": "c", "in_offset": 2, "out_offset": 2}],
        "markers": [{"id": "m", "start": 4}],
    }


def model() -> Model:
    made = Model()
    made.load(
        {"projects": [], "project": {"id": "p", "version": 1}, "sequences": [sequence()], "shots": [], "jobs": []}
    )
    return made


def apply(made: Model, *effects: list[Any]) -> SequenceModel:
    made.apply("s", made.versions["s"] + 1, effects)
    return made.sequences["s"]


def test_positions_are_the_running_sum_of_gaps_and_durations() -> None:
    cut = model().sequences["s"]
    assert cut.starts("v1") == {"a": 0, "b": 15, "c": 25}
    assert cut.start("x") == 100
    assert cut.duration == 110


def test_an_upsert_inserts_directly_behind_its_anchor() -> None:
    cut = apply(model(), ["item", "n", item("n", after="a", duration=3)])
    assert [i["id"] for i in cut.on("v1")] == ["a", "n", "b", "c"]
    assert cut.starts("v1") == {"a": 0, "n": 10, "b": 18, "c": 28}


def test_an_upsert_at_the_head_and_a_removal() -> None:
    cut = apply(model(), ["item", "n", item("n")], ["item", "b", None])
    assert [i["id"] for i in cut.on("v1")] == ["n", "a", "c"]
    assert "b" not in cut.items


def test_an_upsert_moves_between_tracks() -> None:
    cut = apply(model(), ["item", "b", item("b", "a1", "x", gap=2)])
    assert [i["id"] for i in cut.on("v1")] == ["a", "c"]
    assert cut.starts("a1") == {"x": 100, "b": 112}


def test_values_are_replaced_never_changed() -> None:
    made = model()
    before = made.sequences["s"].items["a"]
    apply(made, ["item", "a", item("a", duration=4)])
    assert before["duration"] == 10
    assert made.sequences["s"].items["a"]["duration"] == 4


def test_tracks_appear_move_and_go_with_their_items() -> None:
    made = model()
    cut = apply(made, ["track", "v2", {"id": "v2", "kind": "video", "after": "v1"}])
    assert [t["id"] for t in cut.tracks] == ["v1", "v2", "a1"]
    cut = apply(made, ["track", "v2", {"id": "v2", "kind": "video", "name": "Top", "after": None}])
    assert [t["id"] for t in cut.tracks] == ["v2", "v1", "a1"]
    cut = apply(made, ["track", "v1", None])
    assert [t["id"] for t in cut.tracks] == ["v2", "a1"]
    assert set(cut.items) == {"x"}


def test_transitions_markers_and_settings() -> None:
    made = model()
    cut = apply(
        made, ["transition", "b>c", None], ["marker", "m", {"id": "m", "start": 9}], ["sequence", "s", {"name": "New"}]
    )
    assert cut.transitions == {}
    assert cut.markers["m"]["start"] == 9
    assert cut.name == "New"
    assert cut.fields["rate"] == [24, 1]
    assert cut.version == 4


def test_project_level_values_come_and_go() -> None:
    made = model()
    made.apply("shot", 1, [["shot", "shot", {"id": "shot", "code": "SH01"}]])
    made.apply("p", 2, [["project", "p", {"id": "p", "name": "Film"}], ["media", "m", {"id": "m"}]])
    made.apply("j", 1, [["job", "j", {"id": "j"}]])
    assert made.shots["shot"]["code"] == "SH01"
    assert made.project == {"id": "p", "name": "Film"}
    assert made.versions["p"] == 2
    made.apply("p", 3, [["media", "m", None]])
    made.apply("j", 2, [["job", "j", None]])
    assert made.media == {}
    assert made.jobs == {}


def test_a_new_sequence_appears_with_its_first_event_only() -> None:
    made = model()
    track = {"id": "t", "kind": "video", "after": None}
    made.apply(
        "n", 1, [["sequence", "n", {"id": "n", "name": "New"}], ["track", "t", track], ["item", "i", item("i", "t")]]
    )
    assert made.sequences["n"].on("t")[0]["id"] == "i"
    made.apply("hidden", 7, [["sequence", "hidden", {"id": "hidden", "name": "Other"}], ["item", "i", item("i", "q")]])
    assert "hidden" not in made.sequences


@pytest.mark.parametrize(
    "effect",
    [
        ["item", "n", item("n", after="gone")],
        ["item", "n", item("n", track="gone")],
        ["item", "a", item("a", after="a")],
        ["item", "n", {"id": "n"}],
        ["item", "n", 7],
        ["track", "t", {"id": "t", "after": "gone"}],
    ],
)
def test_effects_that_do_not_fit_are_told(effect: list[Any]) -> None:
    with pytest.raises(Inconsistent):
        apply(model(), effect)


def test_a_snapshot_of_the_picture_loads_to_the_same_picture() -> None:
    cut = model().sequences["s"]
    assert SequenceModel(cut.snapshot()).snapshot() == cut.snapshot()


def test_random_moves_keep_order_and_positions_of_a_plain_list() -> None:
    """The linked list against the obvious implementation, 2,000 random upserts and removals."""
    chance = random.Random(7)
    made = model()
    plain: list[tuple[str, int]] = [("a", 10), ("b", 10), ("c", 10)]
    apply(made, ["item", "b", item("b", after="a")])
    for number in range(2000):
        if plain and chance.random() < 0.4:
            gone = plain.pop(chance.randrange(len(plain)))[0]
            apply(made, ["item", gone, None])
            continue
        id_ = chance.choice([f"n{number}", *(p[0] for p in plain)])
        plain = [p for p in plain if p[0] != id_]
        at = chance.randint(0, len(plain))
        length = chance.randint(1, 50)
        apply(made, ["item", id_, item(id_, after=plain[at - 1][0] if at else None, duration=length)])
        plain.insert(at, (id_, length))
    expected, frame = {}, 0
    for id_, length in plain:
        expected[id_] = frame
        frame += length
    assert made.sequences["s"].starts("v1") == expected


@given(st.integers(0, 2**32), st.integers(1, 25))
@settings(max_examples=250, deadline=None)
def test_effects_of_any_edits_lead_to_the_daemons_snapshot(seed: int, edits: int) -> None:
    chance = random.Random(seed)
    editor = Editor(chance, "z")
    state = sequence_after(chance, 10)
    made = Model()
    made.load({"project": {"id": "p", "version": 1}, "sequences": [wire(effects.snapshot(state))]})
    for _ in range(edits):
        ops = editor.edit(state)
        after = replace(apply_all(state, ops), version=state.version + 1)
        made.apply(state.id, after.version, wire(effects.effects(state, after, ops)))
        state = after
        assert made.sequences[state.id].snapshot() == wire(effects.snapshot(state))
        starts = {slot.id: slot.start for track in state.order for slot, _ in state.placed(track)}
        picture = made.sequences[state.id]
        assert {id_: picture.start(id_) for id_ in picture.items} == starts


def wire(value: Any) -> Any:
    """What arrives after JSON."""
    return json.loads(msgspec.json.encode(value))
