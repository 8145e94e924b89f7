"""Tracks, and the settings of the sequence."""

from __future__ import annotations

from typing import Any

from genlock.timeline.commands import AddTrack, MoveTrack, RemoveTrack, SetSequence, SetTrack
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.model import Gap, Item, Kind, Track
from genlock.timeline.ops import (
    ANCHORS,
    SequencePatch,
    SequenceSet,
    TrackInserted,
    TrackMoved,
    TrackPatch,
    TrackRemoved,
    TrackSet,
)


def add_track(draft: Draft, command: AddTrack) -> str:
    if command.id in draft.state.tracks:
        raise EditRefused("id_taken", f"There is already a track {command.id}.")
    after = command.after
    if after is None:
        after = _top(draft, command.kind)
    elif draft.track(after).kind != command.kind:
        raise EditRefused("wrong_track_kind", f"{draft.track(after).name or after} is no {command.kind} track.")
    name = command.name or _next_name(draft, command.kind)
    track = Track(command.id or draft.fresh("t"), command.kind, name, command.placement, foreign=command.foreign)
    draft.do(TrackInserted(track, after))
    return f"Add track {name}"


def _of_kind(draft: Draft, kind: Kind) -> list[str]:
    return [id_ for id_ in draft.state.order if draft.state.tracks[id_].kind == kind]


def _top(draft: Draft, kind: Kind) -> str | None:
    """Returns the track behind which one on top of its kind goes: video before audio when there is none yet."""
    same = _of_kind(draft, kind)
    if same:
        return same[-1]
    return draft.state.order[-1] if kind == "audio" and draft.state.order else None


def _next_name(draft: Draft, kind: Kind) -> str:
    letter = "V" if kind == "video" else "A"
    names = {track.name for track in draft.state.tracks.values()}
    number = len(_of_kind(draft, kind)) + 1
    while f"{letter}{number}" in names:
        number += 1
    return f"{letter}{number}"


def set_track(draft: Draft, command: SetTrack) -> str:
    """Changes a track's settings. A locked track can be unlocked, named and switched, not re-placed."""
    track = draft.track(command.track)
    if command.placement is not None and command.placement != track.placement:
        if track.locked and command.locked is not False:
            draft.open_track(track.id)
        if command.placement == "magnetic":
            _hold_gaps(draft, track.id)
    fields: dict[str, Any] = {
        field: value
        for field in ("name", "placement", "enabled", "locked", "sync_lock", "foreign")
        if (value := getattr(command, field)) is not None and value != getattr(track, field)
    }
    if fields:
        before = {field: getattr(track, field) for field in fields}
        draft.do(TrackSet(track.id, TrackPatch(**before), TrackPatch(**fields)))
    if fields.get("placement") == "free":
        _drop_gaps(draft, track.id)
    return f"{_change(fields)} {command.name or track.name or track.id}"


def _change(fields: dict[str, Any]) -> str:
    match fields:
        case {"locked": bool(value)}:
            return "Lock" if value else "Unlock"
        case {"enabled": bool(value)}:
            return "Enable" if value else "Disable"
        case {"placement": str(value)}:
            return f"Make {value}"
        case _:
            return "Change track"


def _hold_gaps(draft: Draft, track: str) -> None:
    cursor = 0
    for slot in list(draft.lane(track)):
        if slot.start > cursor:
            draft.insert(track, Item(draft.fresh("i"), Gap(), slot.start - cursor), start=cursor)
        cursor = slot.end


def _drop_gaps(draft: Draft, track: str) -> None:
    for slot in list(draft.lane(track)):
        if draft.is_gap(slot.id):
            draft.remove(slot.id)


def move_track(draft: Draft, command: MoveTrack) -> str:
    track, order = draft.track(command.track), draft.state.order
    rest = [id_ for id_ in order if id_ != track.id]
    after = command.after
    if after == track.id:
        raise EditRefused("no_change", "A track cannot lie above itself.")
    if after is not None and draft.track(after).kind != track.kind:
        raise EditRefused("wrong_track_kind", f"{draft.track(after).name or after} is no {track.kind} track.")
    if after is None:
        same = [at for at, id_ in enumerate(rest) if draft.state.tracks[id_].kind == track.kind]
        after = (rest[same[0] - 1] if same[0] else None) if same else _left_of(order, track.id)
    before = _left_of(order, track.id)
    if after != before:
        lefts = tuple(reversed(order[: order.index(before)]))[:ANCHORS] if before is not None else ()
        draft.do(TrackMoved(track.id, before, lefts, after))
    return f"Move track {track.name or track.id}"


def _left_of(order: tuple[str, ...], id_: str) -> str | None:
    at = order.index(id_)
    return order[at - 1] if at else None


def remove_track(draft: Draft, command: RemoveTrack) -> str:
    track = draft.open_track(command.track)
    if len(draft.lane(track.id)) and not command.with_items:
        raise EditRefused("track_not_empty", f"{track.name or track.id} still holds {len(draft.lane(track.id))} items.")
    for slot in reversed(list(draft.lane(track.id))):
        draft.remove(slot.id)
    left = _left_of(draft.state.order, track.id)
    lefts = tuple(reversed(draft.state.order[: draft.state.order.index(left)]))[:ANCHORS] if left is not None else ()
    draft.settle()
    draft.do(TrackRemoved(track, left, lefts))
    return f"Remove track {track.name or track.id}"


def set_sequence(draft: Draft, command: SetSequence) -> str:
    state = draft.state
    if command.name is not None and not command.name.strip():
        raise EditRefused("bad_name", "A sequence needs a name.")
    if command.drop_frame and not state.rate.drop_per_minute:
        raise EditRefused("bad_value", f"Drop-frame timecode exists at 29.97 and 59.94 only, not at {state.rate}.")
    if command.start_frame is not None and command.start_frame < 0:
        raise EditRefused("bad_value", "A start timecode cannot be negative.")
    if command.resolution is not None and min(command.resolution.width, command.resolution.height) < 1:
        raise EditRefused("bad_value", "A picture needs one pixel at least each way.")
    fields = {
        field: value
        for field in ("name", "drop_frame", "start_frame", "resolution", "foreign")
        if (value := getattr(command, field)) is not None and value != getattr(state, field)
    }
    if fields:
        before = {field: getattr(state, field) for field in fields}
        draft.do(SequenceSet(SequencePatch(**before), SequencePatch(**fields)))
    return f"Rename the sequence to {command.name}" if set(fields) == {"name"} else "Sequence settings"
