"""What a file says and the model has no word for is kept verbatim, so that writing it back loses nothing.

`foreign` of an item, track, marker, transition or sequence is the object's OTIO metadata as it was, without our own key
OURS. Everything else goes under KEEP inside `foreign`: unknown fields, odd times, the references not in use. A kept
value that belongs to something the model does know is stored with what the model made of it (`[verbatim, [values]]`) and
is written back only while the model still says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from genlock.errors import BadInput

OURS: Final = "genlock"
"""Our metadata key: {"v": 1, "id": ...} on timelines, tracks, items, transitions and markers."""
KEEP: Final = "genlock.otio"

PLAIN: Final = {"metadata": {}, "name": "", "effects": [], "markers": [], "enabled": True, "color": None}

NEWEST: Final = {"Timeline": 1, "Stack": 1, "Track": 1, "Clip": 2, "Gap": 1, "Transition": 1}
"""Versions of what a cut is made of."""

Json = dict[str, Any]


def schema(thing: Any) -> str:
    """Returns the schema's name without its version; "" when it is no OTIO object."""
    label = thing.get("OTIO_SCHEMA") if isinstance(thing, dict) else None
    return label.partition(".")[0] if isinstance(label, str) else ""


def current(thing: Any, warn: Callable[[str], None]) -> str:
    """Returns the schema's name as `schema` does, and warns of one newer than any known: it is read as far as it is."""
    label = thing.get("OTIO_SCHEMA") if isinstance(thing, dict) else None
    if type(label) is not str:
        return ""
    name, _, version = label.partition(".")
    newest = NEWEST.get(name)
    if newest is not None and version.isdecimal() and int(version[:9]) > newest:
        known = f"{name}.{newest}"
        warn(f"{text(thing, 'name')!r:.80} is a {label[:40]}, newer than {known}; it was read as far as that tells.")
    return name


def text(thing: Json, key: str) -> str:
    """Returns a text field, "" for null and for what is no text."""
    value = thing.get(key)
    return value if isinstance(value, str) else ""


def rows(thing: Json, key: str) -> list[Any]:
    """Returns a list field, empty for null. Raises BadInput(bad_timeline) for anything else."""
    value = thing.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadInput("bad_timeline", f"`{key}` of {thing.get('OTIO_SCHEMA')} is not a list.")
    return value


def split(thing: Json) -> tuple[Json, Json]:
    """Returns (foreign metadata, our own) of an object; neither is the parsed file's own dict."""
    metadata = thing.get("metadata")
    if not metadata:
        return {}, {}
    if not isinstance(metadata, dict):
        raise BadInput("bad_timeline", f"The metadata of {thing.get('OTIO_SCHEMA')} is not an object.")
    foreign = dict(metadata)
    ours = foreign.pop(OURS, None)
    foreign.pop(KEEP, None)
    return foreign, ours if isinstance(ours, dict) else {}


def leftovers(thing: Json, known: frozenset[str]) -> Json:
    """Returns the fields that no reader asked for."""
    odd = thing.keys() - known
    return {key: thing[key] for key in sorted(odd) if not (key == "color" and thing[key] is None)} if odd else {}


def keep(foreign: Json, **values: Any) -> Json:
    """Returns `foreign` with the non-empty values under KEEP."""
    kept = {key: value for key, value in values.items() if value not in (None, {}, [])}
    if kept:
        foreign[KEEP] = kept
    return foreign


def kept(foreign: Mapping[str, Any]) -> Json:
    """Returns what is under KEEP."""
    found = foreign.get(KEEP)
    return found if isinstance(found, dict) else {}


def metadata_of(foreign: Mapping[str, Any], ours: Json) -> Json:
    """Returns the metadata to write: what was there, and our key."""
    metadata = {key: value for key, value in foreign.items() if key != KEEP} if foreign else {}
    metadata[OURS] = {"v": 1, **ours}
    return metadata
