"""The edits of transitions, markers, tracks and the sequence itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from genlock.timeline.changes.edges import moved
from genlock.timeline.changes.values import Change
from genlock.timeline.match.order import rising
from genlock.timeline.model import Gap, Marker, Transition, source_step
from genlock.timeline.sequence import Sequence


def transitions(before: Sequence, after: Sequence, came_from: Mapping[str, str]) -> Iterator[Change]:
    """Yields transitions that came, changed and went. One that passed on to a split-off piece, or back, did neither."""
    if before.transitions is after.transitions:
        return
    gone = {key: one for key, one in before.transitions.items() if key not in after.transitions}
    come = {key: one for key, one in after.transitions.items() if key not in before.transitions}
    for key, one in sorted(come.items()):
        left, right = came_from.get(one.left or "", one.left), came_from.get(one.right or "", one.right)
        was = gone.get(f"{left or ''}>{right or ''}")
        if was is not None and key != was.key and _lengths(was) == _lengths(one):
            del gone[was.key], come[key]
    for key, one in sorted(gone.items()):
        yield _transition(before, "transition removed", key, one, _plain(one), None)
    for key, one in sorted(come.items()):
        yield _transition(after, "transition added", key, one, None, _plain(one))
    for key, one in sorted(after.transitions.items()):
        old = before.transitions.get(key)
        if old is not None and old != one:
            yield _transition(after, "transition changed", key, one, _plain(old), _plain(one))


def _lengths(one: Transition) -> tuple[int, int, str]:
    return one.in_offset, one.out_offset, one.kind


def _transition(
    state: Sequence, kind: Any, key: str, one: Transition, was: dict[str, Any] | None, now: dict[str, Any] | None
) -> Change:
    sides = [state.items[id_].name or id_ if id_ in state.items else "" for id_ in (one.left or "", one.right or "")]
    anchor = one.right if one.right in state.items else one.left
    track, at = "", 0
    if anchor in state.items and anchor is not None:
        slot = state.slot(anchor)
        at = slot.start if anchor == one.right else slot.end
        track = state.track_called(state.home[anchor])
    left, right = (side or "nothing" for side in sides)
    detail = f"{one.kind}, {one.in_offset} + {one.out_offset} frames, between {left} and {right}"
    return Change(kind, key, one.name or one.kind, track, at, detail, was, now)


def markers(before: Sequence, after: Sequence, came_from: Mapping[str, str]) -> Iterator[Change]:
    """Yields markers that came, changed and went; those that went with their item, or passed on with a split-off piece
    of it, are part of that."""
    if before.markers is after.markers:
        return
    for id_, old in sorted(before.markers.items()):
        if id_ not in after.markers and (old.item is None or old.item in after.items):
            yield _marker(before, "marker removed", old, "", _plain(old), None)
    for id_, new in sorted(after.markers.items()):
        was = before.markers.get(id_)
        if was is None:
            if new.item is None or new.item in before.items:
                yield _marker(after, "marker added", new, new.comment, None, _plain(new))
        elif was != new and not _passed_on(was, new, came_from):
            said = [name for name in new.__struct_fields__ if getattr(was, name) != getattr(new, name)]
            detail = moved(new.start - was.start) if said == ["start"] else ", ".join(said)
            yield _marker(after, "marker changed", new, detail, _plain(was), _plain(new))


def _passed_on(was: Marker, new: Marker, came_from: Mapping[str, str]) -> bool:
    old, now = was.item or "", new.item or ""
    return (came_from.get(now) == old or came_from.get(old) == now) and replace(was, item=new.item) == new


def _marker(
    state: Sequence, kind: Any, marker: Marker, detail: str, was: dict[str, Any] | None, now: dict[str, Any] | None
) -> Change:
    at, track = marker.start, ""
    if marker.item is not None and marker.item in state.items:
        item, slot = state.items[marker.item], state.slot(marker.item)
        step = source_step(item, state.rate)
        at = slot.start + (round((marker.start - item.source_in) / step) if step else 0)
        track = state.track_called(state.home[marker.item])
    return Change(kind, marker.id, marker.name, track, at, detail, was, now)


def tracks(before: Sequence, after: Sequence) -> Iterator[Change]:
    """Yields tracks that came, went, changed place or settings."""
    for id_ in before.order:
        if id_ not in after.tracks:
            old = before.tracks[id_]
            count = len(before.lanes[id_])
            yield Change(
                "track removed", id_, old.name, before.track_called(id_), 0, f"{count} items", _plain(old), None
            )
    for id_ in after.order:
        if id_ not in before.tracks:
            new = after.tracks[id_]
            yield Change("track added", id_, new.name, after.track_called(id_), 0, new.kind, None, _plain(new))
    common = [id_ for id_ in after.order if id_ in before.tracks]
    stay = {common[at] for at in rising([before.order.index(id_) for id_ in common])}
    for id_ in common:
        old, new = before.tracks[id_], after.tracks[id_]
        if id_ not in stay:
            was, now = {"at": before.order.index(id_)}, {"at": after.order.index(id_)}
            yield Change("track moved", id_, new.name, after.track_called(id_), 0, "to another place", was, now)
        if old != new:
            was, now = _differing(old, new)
            yield Change("track changed", id_, new.name, after.track_called(id_), 0, ", ".join(now), was, now)
        yield from _trailing(before, after, id_)


def _trailing(before: Sequence, after: Sequence, track: str) -> Iterator[Change]:
    """Yields the hole at the end of a magnetic track, which moves nothing and is seen nowhere else."""
    was, now = _hole(before, track), _hole(after, track)
    if was != now and before.tracks[track].placement == "magnetic" == after.tracks[track].placement:
        detail = f"{was} → {now} frames of gap at the end"
        yield Change(
            "gap",
            track,
            "",
            after.track_called(track),
            after.lanes[track].end,
            detail,
            {"frames": was},
            {"frames": now},
        )


def _hole(state: Sequence, track: str) -> int:
    count, last = 0, state.lanes[track].last
    while last is not None and isinstance(state.items[last.id].source, Gap):
        count += last.duration
        last = state.lanes[track].before(last.id)
    return count


def settings(before: Sequence, after: Sequence) -> Iterator[Change]:
    """Yields the settings of the sequence that changed."""
    for name in ("name", "drop_frame", "start_frame", "resolution", "foreign"):
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            was, now = {name: _plain(old)}, {name: _plain(new)}
            detail = (
                "other tools' data" if name == "foreign" else f"{name.replace('_', ' ')}: {_said(old)} → {_said(new)}"
            )
            yield Change("sequence changed", after.id, after.name, "", 0, detail, was, now)


def _said(value: Any) -> str:
    plain = _plain(value)
    return "×".join(map(str, plain)) if isinstance(plain, list) else str(plain)


def _differing(old: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in old.__struct_fields__ if getattr(old, name) != getattr(new, name)]
    return {name: _plain(getattr(old, name)) for name in names}, {name: _plain(getattr(new, name)) for name in names}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
