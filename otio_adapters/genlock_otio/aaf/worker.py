"""The AAF process: `python -m genlock_otio.aaf.worker read|write IN OUT SECONDS BYTES`. Any error ends it; what it printed
last is the reason."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from genlock_otio.aaf.notes import EXPORT, ID, PANNER, SEQUENCE, SIZE, VERSION
from genlock_otio.aaf.pruning import pruned


def main(arguments: list[str]) -> None:
    """Does one task within its bounds."""
    task, source, target, seconds, memory = arguments
    _bounded(int(seconds), int(memory))
    if task == "read":
        Path(target).write_bytes(orjson.dumps(pruned(orjson.loads(_read(source)))))
    else:
        _write(Path(source).read_text("utf-8"), target)


def _bounded(seconds: int, memory: int) -> None:
    os.dup2(2, 1)  # the library prints
    if sys.platform != "win32":
        import resource

        for kind, most in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_DATA, memory)):
            resource.setrlimit(kind, (most, most))


def _read(source: str) -> str:
    from otio_aaf_adapter.adapters import advanced_authoring_format as adapter

    def note(timeline: Any, read_filepath: str, aaf_handle: Any, extra_kwargs: Any) -> Any:
        mobs = adapter._get_mobs_for_transcription(aaf_handle.content)
        for mob, made in zip(mobs, timeline, strict=False):
            _note_composition(mob, made)
        return timeline

    # The library's own hook for this place asks for the hooks of another one; and what simplifying joins, and loses the
    # attributes of, still lies apart here.
    adapter.hooks.run_post_read_transcribe_hook = note
    text: str = adapter.read_from_file(source).to_json_string()
    return text


def _note_composition(mob: Any, timeline: Any) -> None:
    """Puts what the library drops into our own metadata: the exact rate, drop frame, our ids."""
    ours: dict[str, Any] = {"v": 1}
    slots = list(mob.slots)
    for slot in slots:
        kind = type(slot.segment).__name__
        if kind == "Timecode" and slot["PhysicalTrackNumber"].value in (None, 1):
            ours["drop_frame"] = bool(slot.segment["Drop"].value)
        if "rate" not in ours and getattr(slot, "edit_rate", None) and str(slot.segment.media_kind) == "Picture":
            ours["rate"] = [int(slot.edit_rate.numerator), int(slot.edit_rate.denominator)]
    comments = {tag.name: tag.value for tag in mob.get("UserComments", [])} if "UserComments" in mob else {}
    for key, name in (("id", SEQUENCE), ("export", EXPORT)):
        if isinstance(comments.get(name), str):
            ours[key] = comments[name]
    if isinstance(version := comments.get(VERSION), int):
        ours["version"] = version
    if isinstance(size := comments.get(SIZE), str):
        ours["resolution"] = [int(n) for n in size.split("x")]
    timeline.metadata["genlock"] = ours
    if len(slots) != len(timeline.tracks):
        return
    for slot, track in zip(slots, timeline.tracks, strict=True):
        _note_slot(slot, track)


def _note_slot(slot: Any, track: Any) -> None:
    track.name = slot.name or ""
    sequence = next(_inside(slot.segment, "Sequence"), None)
    if sequence is not None and (own := _attribute(sequence)):
        track.metadata["genlock"] = {"v": 1, "id": own}
    parts = list(_inside(slot.segment, "SourceClip"))
    clips = list(track.find_clips())
    if len(parts) == len(clips):
        for part, clip in zip(parts, clips, strict=True):
            if own := _attribute(part):
                clip.metadata["genlock"] = {"v": 1, "id": own}
    for inner in _wraps(track):  # simplifying may keep any of them
        inner.name = track.name
        if "genlock" in track.metadata:
            inner.metadata["genlock"] = track.metadata["genlock"]


def _wraps(track: Any) -> Iterator[Any]:
    """Yields the tracks that hold all of a track: its sequence, and that in the panner every track of sound lies in."""
    import opentimelineio as otio

    inner = track
    while len(inner) == 1:
        inner = inner[0]
        if isinstance(inner, otio.schema.Track):
            yield inner
        elif not (isinstance(inner, otio.schema.Stack) and any(e.name == PANNER for e in inner.effects)):
            return


def _inside(part: Any, wanted: str) -> Iterator[Any]:
    """Yields the parts of a kind within a composition, in order, without those of other compositions."""
    kind = type(part).__name__
    if kind == wanted:
        yield part
        if wanted == "Sequence":
            return
    for inner in _children(part, kind):
        yield from _inside(inner, wanted)


def _children(part: Any, kind: str) -> list[Any]:
    match kind:
        case "Sequence":
            return list(part.components)
        case "OperationGroup":
            return list(part.getvalue("InputSegments", []) or [])
        case "NestedScope":
            return list(part.slots)
        case "Selector":
            chosen = part.getvalue("Selected")
            if type(chosen).__name__ not in ("Filler", "ScopeReference"):
                return [chosen]
            return list(part.getvalue("Alternates", None) or [])[:1]
        case _:
            return []


def _attribute(part: Any) -> str:
    if "ComponentAttributeList" not in part:
        return ""
    return next((str(tag.value) for tag in part["ComponentAttributeList"] if tag.name == ID), "")


def _write(text: str, target: str) -> None:
    import opentimelineio as otio
    from otio_aaf_adapter.adapters import advanced_authoring_format as adapter

    def note(timeline: Any, aaf_handle: Any, **_: Any) -> Any:
        _finish(timeline, aaf_handle)
        return timeline

    adapter.hooks.run_post_write_transcribe_hook = note
    adapter.write_to_file(otio.core.deserialize_json_from_string(text), target)


def _finish(timeline: Any, file: Any) -> None:
    """Writes what the library has no word for: ids, drop frame, the count of a timecode second."""
    from aaf2.misc import TaggedValueHelper

    composition = next(iter(file.content.toplevel()))
    ours = timeline.metadata["genlock"]
    tracks = [track for track in timeline.tracks if len(track)]
    for slot, track in zip(composition.slots, tracks, strict=False):
        sequence = next(_inside(slot.segment, "Sequence"))
        TaggedValueHelper(sequence["ComponentAttributeList"])[ID] = track.metadata["genlock"]["id"]
        sequence.length = sum(_length(part) for part in sequence.components)
        parts = list(_inside(slot.segment, "SourceClip"))
        for part, clip in zip(parts, track.find_clips(), strict=True):
            TaggedValueHelper(part["ComponentAttributeList"])[ID] = clip.metadata["genlock"]["id"]
    for slot in composition.slots:
        if type(slot.segment).__name__ == "Timecode":
            slot.segment.fps = ours["nominal"]
            slot.segment.drop = ours["drop_frame"]


def _length(part: Any) -> int:
    length: int = part.length
    return -length if type(part).__name__ == "Transition" else length


if __name__ == "__main__":
    main(sys.argv[1:])
