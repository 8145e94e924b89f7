"""What the library says about an AAF file, without the megabytes of AAF's own objects that it says it in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from genlock_otio.aaf.notes import AAF, COMMENTS, LETTERS, OFFLINE, OPEN, OURS, PANNER
from genlock_otio.keeping import Json, rows, schema, text

DEPTH: Final = 100
"""Levels of nesting that are followed; what is deeper is left out, and no cut goes there."""


_TOP: Final = 2
"""Levels down to the tracks: timeline, stack, track."""
_CLASSES: Final = frozenset({"Filler", "ScopeReference", "Transition", "Sequence", "TimelineMobSlot"})
"""What the library calls things that have no name."""


def pruned(thing: Json) -> Json:
    """Returns the OpenTimelineIO object with the metadata that identifies things, and no other."""
    return _pruned(thing, 0)


def _pruned(thing: Json, depth: int) -> Json:
    kind = schema(thing)
    about = thing.get("metadata")
    about = about if isinstance(about, dict) else {}
    theirs = about.get(AAF)
    theirs = theirs if isinstance(theirs, dict) else {}
    metadata: Json = {"genlock": about["genlock"]} if "genlock" in about else {}
    left = {key: value for key, value in thing.items() if key not in ("metadata", "children")}
    for key in ("effects", "markers"):
        if key in thing:
            left[key] = [_bare(one) for one in rows(thing, key) if text(one, "name") != PANNER]
    if text(left, "name") in _CLASSES and not (kind == "Track" and metadata):  # a track of ours may be called so
        left["name"] = ""
    if kind == "Clip":
        kept = _clip(left, theirs)
        metadata |= {AAF: kept} if kept else {}
    elif kind == "Transition":
        name = theirs.get("OperationGroup", {}).get("Operation", {}).get("Name")
        metadata |= {AAF: {"Effect": name[:LETTERS]}} if isinstance(name, str) and name else {}
    if kind == "Timeline" and isinstance(thing.get("tracks"), dict):
        left["tracks"] = _pruned(thing["tracks"], depth + 1)
    if "children" in thing and depth < DEPTH:
        left["children"] = [_pruned(child, depth + 1) for child in _cut(rows(thing, "children"))]
    if kind == "Track" and depth == _TOP and _from_zero(thing.get("source_range")):
        left["source_range"] = None
    left["metadata"] = metadata
    return left


def _from_zero(span: Any) -> bool:
    """Returns whether a track's trim is none: the library notes the whole length of a sequence of sound as one."""
    start = span.get("start_time") if isinstance(span, dict) else None
    return isinstance(start, dict) and start.get("value") == 0


def _cut(children: list[Any]) -> Iterator[Json]:
    """Yields what belongs to a cut: AAF's tracks of timecode, edge code and data are none."""
    for child in children:
        if isinstance(child, dict) and not str(child.get("kind", "")).startswith("AAF_"):
            yield child


def _bare(thing: Any) -> Any:
    return {**thing, "metadata": {}} if isinstance(thing, dict) else thing


def _clip(clip: Json, theirs: Json) -> Json:
    """Leaves a clip the one reference that names its file; returns what is kept of the library's metadata."""
    references = clip.pop("media_references", None) or {}
    found = [ref for ref in references.values() if isinstance(ref, dict)]
    best = next((ref for ref in found if text(ref, "target_url")), found[0] if found else None)
    comments = theirs.get("UserComments")
    comments = comments if isinstance(comments, dict) else {}
    ref: Json = {"OTIO_SCHEMA": "MissingReference.1", "available_range": None}
    if best is not None:
        ref = {**best, "metadata": {}, "name": "" if text(best, "target_url") else text(best, "name")}
    if OFFLINE in comments:
        ref = {key: value for key, value in ref.items() if key != "target_url"}
        ref["OTIO_SCHEMA"] = "MissingReference.1"
        told = comments[OFFLINE]
        ref["name"] = told if isinstance(told, str) and told not in ("", "yes") else text(clip, "name")
    if comments.get(OPEN) == "unknown":
        ref["available_range"] = None
    clip["media_references"] = {"DEFAULT_MEDIA": ref}
    clip["active_media_reference_key"] = "DEFAULT_MEDIA"
    return _identity(theirs, comments, ref, found)


def _identity(theirs: Json, comments: Json, ref: Json, found: list[Json]) -> Json:
    kept: Json = {}
    if theirs.get("ClassName") == "MasterMob" and isinstance(mob := theirs.get("MobID"), str):
        kept |= {"MobID": mob, "Media": text(ref, "target_url")}
    users = {
        str(key)[:LETTERS]: value[:LETTERS] if isinstance(value, str) else value
        for key, value in list(comments.items())[:COMMENTS]
        if not str(key).startswith(OURS) and isinstance(value, str | int | float)
    }
    tape = next((text(one, "name") for one in found if _is_tape(one)), "")
    return kept | ({"UserComments": users} if users else {}) | ({"Tape": tape[:LETTERS]} if tape else {})


def _is_tape(ref: Json) -> bool:
    about = ref.get("metadata")
    theirs = about.get(AAF) if isinstance(about, dict) else None
    described = theirs.get("EssenceDescription") if isinstance(theirs, dict) else None
    return isinstance(described, dict) and described.get("ClassName") == "TapeDescriptor"
