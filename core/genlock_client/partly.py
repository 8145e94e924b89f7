"""Cuts of which a part is left out, or left as it was; sequences that are left alone."""

from __future__ import annotations

from typing import Any, Container, Iterable, Mapping

from genlock_client.cut import Cut, Value
from genlock_client.model import Model


def keep(before: Cut, after: Cut, held: Mapping[str, Any]) -> Cut:
    """Returns `after` with what is held as it was before, so that what cannot be told is not taken for deleted."""
    if not held:
        return after
    items, tracks = dict(after.items), dict(after.tracks)
    for key in held:
        if key in before.items:
            items[key] = before.items[key]
            track = items[key]["track"]
            if track not in tracks:
                tracks[track] = before.tracks[track]
    transitions = dict(after.transitions)
    for key, value in before.transitions.items():
        ends = key.split(">")
        if any(end in held for end in ends) and all(not end or end in items for end in ends):
            transitions.setdefault(key, value)
    nested = {
        id_: keep(before.nested[id_], inner, held) if id_ in before.nested else inner
        for id_, inner in after.nested.items()
    }
    return after._replace(items=items, tracks=tracks, transitions=transitions, nested=nested)


def away(model: Model, sequence: str) -> str:
    """Returns why a sequence that the model has is neither edited nor shown meanwhile: a sentence, "" when it is."""
    if model.project is not None and model.project.get("archived"):
        return "The project was archived."
    held = model.sequences.get(sequence)
    return "The sequence was archived." if held is not None and held.fields.get("archived") else ""


def without(cut: Cut, keys: Mapping[str, Any] | set[str]) -> Cut:
    """Returns the cut without these items and their transitions."""
    return cut._replace(
        items={key: value for key, value in cut.items.items() if key not in keys},
        transitions={
            key: value for key, value in cut.transitions.items() if not any(end in keys for end in key.split(">"))
        },
    )


def count(found: Value) -> int:
    """Returns how many things an arrangement changes, nested ones included."""
    parts = [found["arrangement"], *(inner["arrangement"] for inner in found.get("nested", ()))]
    return sum(1 if name == "settings" else len(part) for arrangement in parts for name, part in arrangement.items())


def without_refused(before: Cut, after: Cut, against: Container[str]) -> Cut:
    """Returns `after` without what was refused: without new items that were, if there are any, else as `before` has it."""
    new = {key for key in after.items if key in against and key not in before.items}
    held = {key: None for key in (*before.items, *after.items) if key in against}
    rest = without(after, new) if new else keep(before, after, held)
    return rest._replace(
        tracks={**rest.tracks, **{key: value for key, value in before.tracks.items() if key in against}}
    )


def with_known_tracks(cut: Cut, tracks: Iterable[Value]) -> Cut:
    """Returns the cut without empty tracks that are not among these: a host made them for what it has not yet told."""
    known = {track["id"] for track in tracks} | {item["track"] for item in cut.items.values()}
    return cut._replace(tracks={id_: track for id_, track in cut.tracks.items() if id_ in known})
