from __future__ import annotations

import time
from typing import Any

from genlock_client import cut
from genlock_client.model import SequenceModel


def item(id_: str, gap: int = 0, duration: int = 10, **more: Any) -> dict[str, Any]:
    own = {"source": {"type": "media", "media": "m"}, "source_in": 0, "name": id_, **more}
    return {"id": id_, "track": "v1", "after": None, "gap": gap, "duration": duration, **own}


def model(*items: dict[str, Any], id_: str = "s", **more: Any) -> SequenceModel:
    track = {"id": "v1", "after": None, "kind": "video", "name": "V1", "items": list(items)}
    return SequenceModel({"id": id_, "name": "Cut", "rate": [24, 1], "version": 3, "tracks": [track], **more})


def test_items_have_absolute_starts_and_no_place_in_a_list() -> None:
    found = cut.of(model(item("a", 5), item("b"), item("c", 3, 7)), {})
    assert {id_: (value["start"], value["duration"]) for id_, value in found.items.items()} == {
        "a": (5, 10),
        "b": (15, 10),
        "c": (28, 7),
    }
    assert not {"id", "after", "gap"} & set(found.items["b"])
    assert list(found.tracks) == ["v1"]
    assert found.tracks["v1"] == {"kind": "video", "name": "V1"}
    assert found.settings == {"name": "Cut", "rate": [24, 1]}


def test_gap_items_are_holes() -> None:
    gap = item("g", duration=30, source={"type": "gap"})
    markers = [{"id": "m1", "item": "g", "start": 3}, {"id": "m2", "item": "b", "start": 3}, {"id": "m3", "start": 3}]
    found = cut.of(model(item("a"), gap, item("b"), markers=markers), {})
    assert {id_: value["start"] for id_, value in found.items.items()} == {"a": 0, "b": 40}
    assert set(found.markers) == {"m2", "m3"}


def test_transitions_and_markers_carry_no_key_of_their_own() -> None:
    transition = {"key": "a>b", "left": "a", "right": "b", "in_offset": 2, "out_offset": 3, "kind": "dissolve"}
    found = cut.of(model(item("a"), item("b"), transitions=[transition], markers=[{"id": "m1", "start": 4}]), {})
    assert found.transitions == {"a>b": {name: transition[name] for name in transition if name != "key"}}
    assert found.markers == {"m1": {"start": 4}}


def nests(id_: str, *shown: str) -> SequenceModel:
    items = [item(f"{id_}{n}", source={"type": "nested", "sequence": other}) for n, other in enumerate(shown)]
    return model(*items, id_=id_)


def test_nested_sequences_are_found_at_every_depth_and_in_circles() -> None:
    sequences = {"s": nests("s", "t", "t", "gone"), "t": nests("t", "u"), "u": nests("u", "s", "u"), "x": nests("x")}
    found = cut.of(sequences["s"], sequences)
    assert set(found.nested) == {"t", "u"}
    assert set(found.nested["u"].items) == {"u0", "u1"}
    assert all(not inner.nested for inner in found.nested.values())


def test_what_did_not_change_is_the_same_object_in_the_next_cut() -> None:
    sequence = model(item("a"), item("b"), item("c"))
    before = cut.of(sequence, {})
    sequence.apply("item", "b", {**item("b", after="a"), "track": "v1", "after": "a", "name": "Beth"})
    after = cut.of(sequence, {})
    assert after.items["a"] is before.items["a"]
    assert after.items["c"] is before.items["c"]
    assert (before.items["b"]["name"], after.items["b"]["name"]) == ("b", "Beth")


def test_a_ripple_gives_every_later_item_another_start_and_leaves_the_older_cut_alone() -> None:
    sequence = model(item("a"), item("b"), item("c"))
    before = cut.of(sequence, {})
    sequence.apply("item", "a", {**item("a"), "gap": 4})
    after = cut.of(sequence, {})
    assert [value["start"] for value in before.items.values()] == [0, 10, 20]
    assert [value["start"] for value in after.items.values()] == [4, 14, 24]


def test_five_thousand_items_take_less_than_25_ms() -> None:
    sequence = model(*(item(f"i{n}", n % 3) for n in range(5000)))
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        found = cut.of(sequence, {})
        taken.append(time.perf_counter() - began)
    assert len(found.items) == 5000
    assert min(taken) < 0.025
