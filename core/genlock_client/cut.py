"""A sequence as a host compares it: absolute positions, plain values, no order to keep.

`Model` keeps what the wire tells (items in linked order, gaps); a `Cut` is the same at one moment with a start on each
item, so that what a host shows and what the daemon has can be laid side by side. `diff.changes` compares two of them.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple
from weakref import WeakKeyDictionary

from genlock_client.model import SequenceModel

Value = Dict[str, Any]


class Cut(NamedTuple):
    """One sequence at one moment. Values are as on the wire and are never changed in place.

    `tracks`: id -> {kind, name, placement?, enabled, locked}, in order, the bottom one first. `items`: id -> {track, start,
    duration, source, source_in, speed: [n, d], name, enabled, link, effects, foreign}; `start` and `duration` count
    sequence frames from the first one, `source_in` source frames in the source's own numbering. Gap items of magnetic
    tracks are left out, with the markers on them: a hole is a hole. `transitions`: "left>right" -> {left, right, in_offset,
    out_offset, kind, name, foreign}. `markers`: id -> {start, duration, item, name, color, comment, foreign}. `settings`:
    {name, rate: [n, d], drop_frame, start_frame, resolution: [w, h], foreign}. `nested`: sequence id -> its Cut, for every
    nested sequence that an item of this one or of another nested one shows. An absent optional field has the model's
    default.
    """

    settings: Value
    tracks: dict[str, Value]
    items: dict[str, Value]
    transitions: dict[str, Value]
    markers: dict[str, Value]
    nested: dict[str, Cut]


SETTINGS = ("name", "rate", "drop_frame", "start_frame", "resolution", "foreign")

_laid: WeakKeyDictionary[SequenceModel, dict[str, tuple[Value, int, Value]]] = WeakKeyDictionary()
"""Of each sequence what the last cut said of each item, so that two cuts share the values that did not change and a
comparison sees at a glance that they did not."""


def of(sequence: SequenceModel, sequences: Mapping[str, SequenceModel]) -> Cut:
    """Returns a sequence as a cut; `sequences` are those by id in which nested ones are looked up.

    `nested` holds every sequence that is shown at any depth, the given one excepted, also where sequences show each other
    in a circle; one that `sequences` lacks is left out. Every Cut inside has an empty `nested` of its own.
    """
    whole = _flat(sequence)
    seen, waiting = {sequence.id}, [whole]
    while waiting:
        for item in waiting.pop().items.values():
            shown = item["source"].get("sequence")
            if shown is None or shown in seen:
                continue
            seen.add(shown)
            inner = sequences.get(shown)
            if inner is not None:
                whole.nested[shown] = _flat(inner)
                waiting.append(whole.nested[shown])
    return whole


def _flat(sequence: SequenceModel) -> Cut:
    fields = sequence.fields
    tracks = {value["id"]: _without(value, "id", "after") for value in sequence.tracks}
    items = _items(sequence, tracks)
    return Cut(
        {name: fields[name] for name in SETTINGS if name in fields},
        tracks,
        items,
        {key: _without(value, "key") for key, value in sequence.transitions.items()},
        {
            id_: _without(value, "id")
            for id_, value in sequence.markers.items()
            if value.get("item") is None or value["item"] in items
        },
        {},
    )


def _items(sequence: SequenceModel, tracks: Mapping[str, Value]) -> dict[str, Value]:
    before = _laid.get(sequence, {})
    laid: dict[str, tuple[Value, int, Value]] = {}
    items: dict[str, Value] = {}
    wire = sequence.items
    for track in tracks:
        for id_, start in sequence.starts(track).items():
            item = wire[id_]
            kept = before.get(id_)
            if kept is None or kept[1] != start or (kept[0] is not item and not _alike(kept[0], item)):
                if item["source"].get("type") == "gap":
                    continue
                value = _without(item, "id", "after", "gap")
                value["start"] = start
                kept = (item, start, value)
            laid[id_] = kept
            items[id_] = kept[2]
    _laid[sequence] = laid
    return items


def _alike(one: Value, other: Value) -> bool:
    """Whether two wire values of an item differ in their place in the list at most."""
    return _without(one, "after", "gap") == _without(other, "after", "gap")


def _without(value: Value, *names: str) -> Value:
    rest = dict(value)
    for name in names:
        rest.pop(name, None)
    return rest
