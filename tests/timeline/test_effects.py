"""Effects: a client that applies them to the old snapshot has the new one. The client here is the rule of the wire."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline.effects import effects, snapshot
from genlock.timeline.model import Item, Media
from genlock.timeline.ops import ANCHORS, ItemInserted, ItemPatch, ItemSet, ItemsShifted
from genlock.timeline.sequence import apply_all
from tests.timeline.op_programs import EMPTY, Editor, sequence_after

PARTS = ("tracks", "transitions", "markers", "conflicts", "version")


class Client:
    """Holds a sequence as a host does and knows no edit rules."""

    def __init__(self, whole: dict[str, Any] | None = None) -> None:
        self.head: dict[str, Any] = {}
        self.tracks: list[dict[str, Any]] = []
        self.items: dict[str, list[dict[str, Any]]] = {}
        self.marks: dict[str, dict[str, Any]] = {"transition": {}, "marker": {}, "conflict": {}}
        if whole:
            self.head = {k: v for k, v in whole.items() if k not in PARTS}
            self.tracks = [{k: v for k, v in t.items() if k != "items"} for t in whole["tracks"]]
            self.items = {t["id"]: list(t["items"]) for t in whole["tracks"]}
            self.marks["transition"] = {t["key"]: t for t in whole["transitions"]}
            self.marks["marker"] = {m["id"]: m for m in whole["markers"]}
            self.marks["conflict"] = {c["id"]: c for c in whole["conflicts"]}

    def take(self, kind: str, id_: str, value: dict[str, Any] | None) -> None:
        if kind == "sequence":
            assert value is not None
            self.head = value
        elif kind == "track":
            self._put(self.tracks, id_, value)
            self.items.setdefault(id_, [])
            if value is None:
                assert not self.items.pop(id_)
        elif kind == "item":
            for items in self.items.values():
                items[:] = [item for item in items if item["id"] != id_]
            if value is not None:
                self._put(self.items[value["track"]], id_, value)
        elif value is None:
            del self.marks[kind][id_]
        else:
            self.marks[kind][id_] = value

    @staticmethod
    def _put(row: list[dict[str, Any]], id_: str, value: dict[str, Any] | None) -> None:
        row[:] = [entry for entry in row if entry["id"] != id_]
        if value is not None:
            ids = [entry["id"] for entry in row]
            row.insert(0 if value["after"] is None else ids.index(value["after"]) + 1, value)

    def whole(self, version: int) -> dict[str, Any]:
        return {
            **self.head,
            "version": version,
            "tracks": [{**track, "items": self.items[track["id"]]} for track in self.tracks],
            "transitions": [self.marks["transition"][key] for key in sorted(self.marks["transition"])],
            "markers": [self.marks["marker"][key] for key in sorted(self.marks["marker"])],
            "conflicts": [self.marks["conflict"][key] for key in sorted(self.marks["conflict"])],
        }


def sent(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(st.integers(0, 2**32), st.integers(0, 25))
@settings(max_examples=400, deadline=None)
def test_a_client_that_applies_effects_has_the_new_snapshot(seed: int, edits: int) -> None:
    random = Random(seed)
    state = sequence_after(random, edits)
    editor, client = Editor(random, "z"), Client(sent(snapshot(state)))
    for _ in range(4):
        ops = editor.edit(state)
        after = apply_all(state, ops)
        for effect in sent(effects(state, after, ops)):
            client.take(*effect)
        assert client.whole(after.version) == sent(snapshot(after))
        state = after


@given(st.integers(0, 2**32), st.integers(0, 30))
@settings(max_examples=50, deadline=None)
def test_a_new_sequence_is_all_upserts(seed: int, edits: int) -> None:
    state = sequence_after(Random(seed), edits)
    client = Client()
    for effect in sent(effects(None, state)):
        client.take(*effect)
    assert client.whole(state.version) == sent(snapshot(state))


def test_positions_are_running_sums() -> None:
    state = sequence_after(Random(4), 60)
    for track in snapshot(state)["tracks"]:
        end = 0
        for item in track["items"]:
            slot = state.slot(item["id"])
            assert (slot.start, slot.end) == (end + item["gap"], end + item["gap"] + item["duration"])
            end = slot.end


def test_a_ripple_on_ten_thousand_clips_is_a_handful_of_effects() -> None:
    count = 10_000
    clips = [Item(f"i{n}", Media("m"), 10) for n in range(count)]
    free = apply_all(EMPTY, [ItemInserted("V2", clip, start=n * 10) for n, clip in enumerate(clips)])
    ops = (
        ItemsShifted("V2", "i50", 10, free.lanes["V2"].rights("i50", ANCHORS)),
        ItemInserted("V2", Item("new", Media("m"), 10), start=500),
    )
    found = effects(free, apply_all(free, ops), ops)
    assert [(kind, id_) for kind, id_, _ in found][1:] == [("item", "new"), ("item", "i50")]
    magnetic = apply_all(EMPTY, [ItemInserted("V1", clip, f"i{n - 1}" if n else None) for n, clip in enumerate(clips)])
    trim = (ItemSet("i50", ItemPatch(duration=10), ItemPatch(duration=4)),)
    assert len(effects(magnetic, apply_all(magnetic, trim), trim)) == 3


def test_a_new_name_is_one_effect() -> None:
    state = apply_all(
        EMPTY, [ItemInserted("V1", Item("a", Media("m"), 10)), ItemInserted("V1", Item("b", Media("m"), 9), "a")]
    )
    ops = (ItemSet("a", ItemPatch(name=""), ItemPatch(name="x")),)
    (effect,) = effects(state, apply_all(state, ops), ops)
    assert effect[:2] == ["item", "a"]
    assert effect[2]["name"] == "x"
