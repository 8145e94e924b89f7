"""Reading: the bytes of an .otio file to a timeline value (docs/formats.md says what becomes what)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, Final

from genlock.collector import uncollected
from genlock.errors import BadInput
from genlock.timeline.events import Content
from genlock.timeline.rate import RATES, Rate
from genlock_otio.dialects import Incoming
from genlock_otio.door import LIMITS, Limits, parse
from genlock_otio.keeping import PLAIN, Json, current, keep, leftovers, rows, schema, split, text
from genlock_otio.reading import Reading
from genlock_otio.references import active_reference
from genlock_otio.settling import presentable, settled
from genlock_otio.times import frames, looks_like_drop_frame, rate_of, rounded, says_time
from genlock_otio.tracks import Tracks, rate_in, settings_in
from genlock_otio.values import Imported, Tag

_TIMELINE: Final = frozenset({"OTIO_SCHEMA", "metadata", "name", "global_start_time", "tracks"})
_STACK: Final = frozenset({"OTIO_SCHEMA", "children", "markers"})
_HEAD: Final = 1024
ENOUGH: Final = 1000
"""Clips that are asked for the rate of a sequence that does not say its own."""


def read(incoming: Incoming) -> Imported:
    """Reads the bytes of an .otio file. Raises BadInput: too_large, too_deep, bad_json, bad_time, bad_rate,
    bad_timeline."""
    with uncollected():
        return _read(incoming)


def knows(data: bytes) -> bool:
    """Returns whether the bytes are an OpenTimelineIO object."""
    return data[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"OTIO_SCHEMA"' in data


def read_data(data: bytes, base: Path, name: str, limits: Limits = LIMITS) -> Imported:
    """Reads the bytes of an .otio file; `base` is the folder its relative paths count from, `name` its title if it has
    none of its own."""
    return read(Incoming(data, name, base, None, limits))


def _read(incoming: Incoming) -> Imported:
    data, name = incoming.take(), incoming.name
    reading = Reading(sha256(data).hexdigest()[:32], incoming.base)
    tree = parse(data, incoming.limits, name)
    del data
    timeline = _timeline(tree, reading, name)
    foreign, ours = split(timeline)
    content = _content(timeline, foreign, ours, reading, incoming)
    owner, version, export = ((ours or reading.tag).get(key) for key in ("id", "version", "export"))
    return Imported(
        content,
        tuple(reading.pool.values()),
        tuple(reading.nested),
        tuple(reading.warnings),
        _dialect(foreign, ours),
        Tag(
            owner if isinstance(owner, str) else "",
            version if isinstance(version, int) and version > 0 else 0,
            export if isinstance(export, str) else "",
        ),
        frozenset(reading.told),
    )


def _timeline(tree: Json, reading: Reading, name: str) -> Json:
    """Returns the timeline of a file; single tracks, clips and stacks are put into one."""
    match current(tree, reading.warn):
        case "Timeline":
            return tree
        case "SerializableCollection":
            found = [child for child in rows(tree, "children") if schema(child) == "Timeline"]
            if not found:
                raise BadInput("bad_timeline", f"{name} is a collection without a timeline.")
            if len(rows(tree, "children")) > 1:
                reading.warn(f"{name} holds several objects; the first timeline was read.")
            return found[0]  # type: ignore[no-any-return]
        case "Stack":
            return {"OTIO_SCHEMA": "Timeline.1", "name": text(tree, "name"), "tracks": tree}
        case "Track" | "Clip":
            stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [tree]}
            return {"OTIO_SCHEMA": "Timeline.1", "name": text(tree, "name"), "tracks": stack}
        case other:
            raise BadInput("bad_timeline", f"{name} holds a {other}, which is no timeline.")


def _content(timeline: Json, foreign: Json, ours: Json, reading: Reading, incoming: Incoming) -> Content:
    name = incoming.name
    stack = timeline.get("tracks")
    if current(stack, reading.warn) != "Stack":
        raise BadInput("bad_timeline", f"{name} has no stack of tracks.")
    assert isinstance(stack, dict)
    start = timeline.get("global_start_time")
    rate = _rate(ours, start, stack, reading, incoming.rate)
    start_frame = 0 if start is None else rounded(frames(start, rate))
    if start_frame < 0:
        raise BadInput("bad_time", f"{name} starts before 00:00:00:00.")
    told = {"drop_frame": looks_like_drop_frame(start_frame, rate), **settings_in(ours)}
    title = text(timeline, "name")
    shown = presentable(title or text(ours, "name") or name)
    tracks = Tracks(reading, rate)
    others = tracks.read(stack)
    made = Content(
        name=shown,
        rate=rate,
        start_frame=start_frame,
        tracks=tuple(tracks.content),
        transitions=tuple(sorted(tracks.transitions, key=lambda t: t.key)),
        markers=tuple(sorted(tracks.markers, key=lambda m: (m.item or "", m.start, m.id))),
        foreign=keep(
            foreign,
            name=None if title == shown else [title, [shown]],
            start=None if says_time(start, start_frame, rate) else [start, [start_frame]],
            stack=kept_stack(stack),
            others=others,
            fields=leftovers(timeline, _TIMELINE),
        ),
        **told,
    )
    return settled(made, reading.warn)


def kept_stack(stack: Json) -> Json:
    """Returns what the top stack says besides its tracks and markers."""
    plain = {**PLAIN, "name": "tracks", "source_range": None}
    kept = {key: stack[key] for key in stack.keys() - _STACK if key not in plain or stack[key] != plain[key]}
    kept.pop("name", None)
    if text(stack, "name") != plain["name"]:
        kept["name"] = text(stack, "name")
    if "metadata" in kept:
        kept["metadata"], _ = split(stack)
    return kept


def _rate(ours: Json, start: Any, stack: Json, reading: Reading, asked: Rate | None) -> Rate:
    """Returns the rate of the sequence: ours, the start timecode's, else what most clips are placed in."""
    if (own := rate_in(ours)) is not None:
        return own
    if isinstance(start, dict) and (rate := rate_of(start)) in RATES:
        return rate
    counted = Counter(rate for rate in islice(_rates_in(stack), ENOUGH) if rate in RATES)
    if counted:
        return counted.most_common(1)[0][0]
    if asked is not None:
        return asked
    reading.warn("Nothing in the file says at which rate it runs; 24 frames per second was assumed.")
    return Rate(24)


def _rates_in(stack: Json) -> Iterator[Rate]:
    """Yields the rates of durations, picture first, so that picture wins a tie."""
    tracks = [child for child in rows(stack, "children") if isinstance(child, dict)]
    for track in sorted(tracks, key=lambda track: track.get("kind") == "Audio"):
        for child in [track, *rows(track, "children")]:
            span = child.get("source_range") if isinstance(child, dict) else None
            if isinstance(child, dict) and span is None and child is not track:
                _, ref = active_reference(child)
                span = ref.get("available_range") if isinstance(ref, dict) else None
            if isinstance(span, dict) and isinstance(span.get("duration"), dict):
                try:
                    rate = rate_of(span["duration"])
                except BadInput:  # whoever reads the clip says which one it is
                    continue
                yield rate


def _dialect(foreign: Json, ours: Json) -> str:
    if ours:
        return "resolve" if ours.get("dialect") == "resolve" else "genlock"
    known = {"Resolve_OTIO": "resolve", "PremierePro_OTIO": "premiere", "kdenlive": "kdenlive"}
    return next((name for key, name in known.items() if key in foreign), "otio")
