"""What differs between two cuts, in the shape of the command `Arrange`, and how a person would call it."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Dict, Mapping

from genlock_client.cut import Cut, Value

Changes = Dict[str, Any]
"""{arrangement: {settings?, tracks?, items?, transitions?, markers?}, nested?: [{sequence, base, name?, rate?, ...,
arrangement}]}: what `Arrange` takes besides `do` and its `base`. Of each part it holds what changed, by id: a patch of the
fields that differ, a new thing whole, None for what is gone."""

ITEM: Value = {"source_in": 0, "speed": [1, 1], "name": "", "enabled": True, "link": None, "effects": [], "foreign": {}}
TRACK: Value = {"name": "", "placement": "free", "enabled": True, "locked": False, "sync_lock": True, "foreign": {}}
TRANSITION: Value = {"kind": "dissolve", "name": "", "foreign": {}}
MARKER: Value = {"duration": 0, "item": None, "name": "", "color": "RED", "comment": "", "foreign": {}}
SETTINGS: Value = {"name": "", "drop_frame": False, "start_frame": 0, "resolution": [1920, 1080], "foreign": {}}
SOURCE: Value = {"first": 0, "frames": None, "rate": None, "take": None, "parameters": {}}

_FIXED = ("kind",)
"""Of a track, which never changes it."""
_ENDS = ("left", "right")
"""Of a transition, which are in its key."""


def changes(before: Cut, after: Cut, bases: Mapping[str, int] = {}) -> Changes | None:
    """Returns what leads from one cut to the other, None when nothing does.

    `bases` are the versions that the nested sequences of `before` stand for, by id. One that `before` or `bases` lacks is
    told whole if it changed, as one that is new, or of which nobody said that it arrived. The rate of a sequence that is
    there is not compared: it never changes.
    """
    nested = []
    for id_, inner in after.nested.items():
        old, base = before.nested.get(id_), bases.get(id_)
        patch = _arrangement(old or _EMPTY, inner, new=old is None)
        if old is None or (patch and base is None):
            whole = _arrangement(_EMPTY, inner, new=True)
            nested.append({"sequence": id_, "base": base, **_settings(inner), "arrangement": whole})
        elif patch:
            nested.append({"sequence": id_, "base": base, "arrangement": patch})
    arrangement = _arrangement(before, after)
    if not arrangement and not nested:
        return None
    found: Changes = {"arrangement": arrangement}
    if nested:
        found["nested"] = nested
    return found


_EMPTY = Cut({}, {}, {}, {}, {}, {})


def _settings(cut: Cut) -> Value:
    return {name: value for name, value in cut.settings.items() if not _same(value, SETTINGS.get(name))}


def _arrangement(before: Cut, after: Cut, *, new: bool = False) -> Value:
    parts = {
        "settings": {} if new else _patch(before.settings, after.settings, SETTINGS, ("rate",)),
        "tracks": _tracks(before.tracks, after.tracks),
        "items": _part(before.items, after.items, ITEM),
        "transitions": _part(before.transitions, after.transitions, TRANSITION, _ENDS),
        "markers": _part(before.markers, after.markers, MARKER),
    }
    return {name: value for name, value in parts.items() if value}


def _part(
    before: Mapping[str, Value], after: Mapping[str, Value], defaults: Value, known: tuple[str, ...] = ()
) -> dict[str, Value | None]:
    found: dict[str, Value | None] = {}
    for id_, value in after.items():
        old = before.get(id_)
        if old is value or old == value:
            continue
        if old is None:
            found[id_] = {name: field for name, field in value.items() if name not in known}
            continue
        patch = _patch(old, value, defaults, known)
        if patch:
            found[id_] = patch
    if before.keys() - after.keys():
        found.update((id_, None) for id_ in before if id_ not in after)
    return found


def _patch(old: Value, new: Value, defaults: Value, known: tuple[str, ...]) -> Value:
    patch = {}
    for name in old if old.keys() == new.keys() else {**old, **new}:
        default = defaults.get(name)
        was, value = old.get(name, default), new.get(name, default)
        if was == value or name in known:
            continue
        if not (_same_source(was or {}, value or {}) if name == "source" else _same(was, value)):
            patch[name] = value
    return patch


def _same_source(one: Value, other: Value) -> bool:
    return all(_same(one.get(name, SOURCE.get(name)), other.get(name, SOURCE.get(name))) for name in {**one, **other})


def _same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: a tuple is a list."""
    if one == other:
        return True
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    return False


def _tracks(before: Mapping[str, Value], after: Mapping[str, Value]) -> dict[str, Value | None]:
    """Returns the changes of tracks, from the bottom up. `after` in a patch is the track below of the same kind: only
    tracks that passed another one have it."""
    found: dict[str, Value | None] = {id_: None for id_ in before if id_ not in after}
    if list(before) == list(after) and all(before[id_] is value for id_, value in after.items()):
        return found
    below: dict[str, str | None] = {}
    stay: set[str] = set()
    for kind in ("video", "audio"):
        order = [id_ for id_, value in after.items() if value.get("kind", "video") == kind]
        below.update(zip(order, [None, *order]))
        was = {id_: at for at, id_ in enumerate(id_ for id_ in before if id_ in after)}
        stay.update(_rising([id_ for id_ in order if id_ in was], was))
    for id_, value in after.items():
        old = before.get(id_)
        patch = dict(value) if old is None else _patch(old, value, TRACK, _FIXED)
        if id_ not in stay:
            patch["after"] = below[id_]
        if patch:
            found[id_] = patch
    return found


def _rising(order: list[str], was: Mapping[str, int]) -> list[str]:
    """Returns the longest run of ids (not necessarily neighbours) that kept their order."""
    tails: list[int] = []
    ends: list[str] = []
    previous: dict[str, str | None] = {}
    for id_ in order:
        at = bisect_left(tails, was[id_])
        previous[id_] = ends[at - 1] if at else None
        tails[at : at + 1] = [was[id_]]
        ends[at : at + 1] = [id_]
    kept: list[str] = []
    last: str | None = ends[-1] if ends else None
    while last is not None:
        kept.append(last)
        last = previous[last]
    return kept


_VERBS = (
    "Add",
    "Remove",
    "Split",
    "Move",
    "Trim",
    "Slip",
    "Replace",
    "Retime",
    "Enable",
    "Disable",
    "Rename",
    "Change",
)


def sentence(found: Changes, before: Cut) -> str:
    """Returns what a person would call the changes to `before`, as "Move 3 clips" or "Trim Opening, remove 1 marker"."""
    deeds = _deeds(found.get("arrangement", {}), before)
    for inner in found.get("nested", ()):
        old = before.nested.get(inner["sequence"])
        if old is None:
            deeds.append(f"Nest {inner['name']}" if inner.get("name") else "Nest clips")
        elif inner["base"] is None:
            deeds.append(f"Change {inner.get('name') or 'a nested sequence'}")
        else:
            name = old.settings.get("name") or "a nested sequence"
            deeds += [f"{deed} in {name}" for deed in _deeds(inner["arrangement"], old)]
    if not deeds:
        return "Edit"
    told = deeds[:3]
    if len(deeds) > 3:
        told = [*deeds[:2], f"{len(deeds) - 2} more changes"]
    return ", ".join([told[0], *(deed[0].lower() + deed[1:] for deed in told[1:])])


def _deeds(arrangement: Value, before: Cut) -> list[str]:
    deeds = _clips(arrangement.get("items", {}), before)
    for part, noun, were in (
        ("transitions", "transition", before.transitions),
        ("tracks", "track", before.tracks),
        ("markers", "marker", before.markers),
    ):
        done: dict[str, list[str]] = {}
        for id_, patch in arrangement.get(part, {}).items():
            verb = "Remove" if patch is None else "Add" if id_ not in were else "Change"
            done.setdefault(verb, []).append((patch or {}).get("name") or were.get(id_, {}).get("name") or "")
        if part == "transitions" and deeds:
            continue  # it went with its clips, or follows from what became of them
        deeds += [_told(verb, done[verb], noun, named=part != "transitions") for verb in _VERBS if verb in done]
    if arrangement.get("settings"):
        deeds.append("Change settings")
    return deeds


def _clips(items: Mapping[str, Value | None], before: Cut) -> list[str]:
    done: dict[str, list[str]] = {}
    ends: set[tuple[str, int]] = set()
    shifts: set[int | None] = set()
    for id_, patch in items.items():
        old = before.items.get(id_)
        if patch is not None and old is not None and "duration" in patch:
            ends.add((_key(old["source"]), patch.get("start", old["start"]) + patch["duration"]))
    for id_, patch in items.items():
        old = before.items.get(id_, {})
        verb = _verb(patch, old)
        if verb == "Add" and patch is not None and (_key(patch["source"]), patch["start"]) in ends:
            verb = "Split"
        if verb == "Move" and patch is not None:
            shifts.add(None if "track" in patch else patch["start"] - old["start"])
        done.setdefault(verb, []).append((patch or {}).get("name") or old.get("name") or "")
    if len(done.get("Trim", ())) <= len(done.get("Split", ())):
        done.pop("Trim", None)
    if len(done) > 1 and len(shifts) == 1 and None not in shifts:
        del done["Move"]  # what lies behind follows
    return [_told(verb, done[verb], "clip") for verb in _VERBS if verb in done]


def _verb(patch: Value | None, old: Value) -> str:
    if patch is None:
        return "Remove"
    if not old:
        return "Add"
    for names, verb in (
        (("source",), "Replace"),
        (("speed",), "Retime"),
        (("duration",), "Trim"),
        (("start", "track"), "Move"),
        (("source_in",), "Slip"),
        (("enabled",), "Enable" if patch.get("enabled") else "Disable"),
        (("name",), "Rename"),
    ):
        if any(name in patch for name in names):
            return verb
    return "Change"


def _key(source: Value) -> str:
    return next((f"{name} {source[name]}" for name in ("media", "shot", "sequence", "generator") if name in source), "")


def _told(verb: str, names: list[str], noun: str, *, named: bool = True) -> str:
    if len(names) == 1 and names[0] and named:
        return f"{verb} {names[0]}"
    return f"{verb} {len(names)} {noun}{'s' if len(names) > 1 else ''}"
