"""Room on a track: Gap items on a magnetic one, free frames on the other."""

from __future__ import annotations

from collections.abc import Iterable

from genlock.timeline.decision import Conflict
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.lane import Slot
from genlock.timeline.model import Gap, Item


def make_room(draft: Draft, track: str, after: str | None, frames: int) -> None:
    """On a magnetic track puts `frames` of gap behind `after` (None: at the head); at the end there is nothing to hold."""
    if not frames:
        return
    lane = draft.lane(track)
    right = lane.first if after is None else lane.after(after)
    if right is None:
        return
    for beside in (after, right.id):
        if draft.is_gap(beside) and beside is not None:
            draft.set(beside, duration=draft.item(beside).duration + frames)
            return
    draft.insert(track, Item(draft.fresh("i"), Gap(), frames), after=after)


def take_room(draft: Draft, id_: str, side: int, frames: int) -> None:
    """On a magnetic track takes `frames` from the gap on the item's left (`side` -1) or right (+1).

    Refuses with overlap when a clip is in the way, with before_start at the head of the track.
    """
    track = draft.home(id_)
    while frames:
        left, _, right = draft.lane(track).around(id_)
        beside = left if side < 0 else right
        if beside is None:
            if side < 0:
                raise EditRefused("before_start", f"{draft.name(id_)} would start before the first frame.")
            return
        if not draft.is_gap(beside.id):
            message = f"{draft.name(beside.id)} is in the way of {draft.name(id_)}."
            raise EditRefused("overlap", message, [Conflict("overlap", beside.id, message)])
        taken = min(frames, beside.duration)
        shrink(draft, beside, taken)
        frames -= taken


def shrink(draft: Draft, gap: Slot, frames: int) -> None:
    """Takes frames out of a Gap item; it goes with its last one."""
    if frames >= gap.duration:
        draft.remove(gap.id)
    else:
        draft.set(gap.id, duration=gap.duration - frames)


def open_up(draft: Draft, track: str, at: int, frames: int) -> None:
    """Moves what starts at or behind frame `at` later by `frames`; what lies across it stays."""
    slot = draft.lane(track).since(at)
    if slot is None:
        return
    if draft.magnetic(track):
        left = draft.lane(track).before(slot.id)
        make_room(draft, track, left.id if left else None, frames)
    else:
        draft.shift(track, slot.id, frames)


def in_the_way(draft: Draft, track: str, start: int, frames: int) -> list[Conflict]:
    """Returns the items that keep the track from closing `frames` at `start`: those that start there, and one that lies
    across `start` so far that what comes later would run into it."""
    later = _later(draft, track, start + frames)
    found = []
    for slot in draft.lane(track).between(start, start + frames):
        if draft.is_gap(slot.id):
            continue
        if slot.start >= start or (later is not None and later.start - frames < slot.end):
            name = draft.state.tracks[track].name or track
            found.append(Conflict("sync_conflict", slot.id, f"{draft.name(slot.id)} on {name} is in the way."))
    return found


def close_up(draft: Draft, tracks: Iterable[str], spans: Iterable[tuple[int, int]]) -> None:
    """Takes the frames of each span (start, end) out of the tracks; refuses with sync_conflict, naming all items that
    are in the way on any of them."""
    tracks = tuple(tracks)
    for start, end in sorted(spans, reverse=True):
        conflicts = [found for track in tracks for found in in_the_way(draft, track, start, end - start)]
        if conflicts:
            names = ", ".join(dict.fromkeys(conflict.message for conflict in conflicts[:3]))
            raise EditRefused("sync_conflict", names, conflicts)
        for track in tracks:
            _close(draft, track, start, end - start)


def ripple_along(draft: Draft, homes: Iterable[str], at: int, grown: int) -> None:
    """Opens the sync-locked tracks other than `homes` by `grown` frames at frame `at`, or closes them by as many from
    there on; refuses with sync_conflict."""
    others = synced(draft, homes)
    if grown < 0:
        close_up(draft, others, [(at, at - grown)])
    for track in others if grown > 0 else ():
        open_up(draft, track, at, grown)


def _close(draft: Draft, track: str, start: int, frames: int) -> None:
    later = _later(draft, track, start + frames)
    if later is None:
        return
    if not draft.magnetic(track):
        draft.shift(track, later.id, -frames)
        return
    while frames:
        gap = draft.lane(track).before(later.id)
        assert gap is not None  # in_the_way found nothing but gaps here
        taken = min(frames, gap.duration)
        shrink(draft, gap, taken)
        frames -= taken


def _later(draft: Draft, track: str, frame: int) -> Slot | None:
    """Returns the first clip that starts at or behind the frame."""
    slot = draft.lane(track).since(frame)
    while slot is not None and draft.is_gap(slot.id):
        slot = draft.lane(track).after(slot.id)
    return slot


def synced(draft: Draft, without: Iterable[str] = ()) -> tuple[str, ...]:
    """Returns the tracks that ripple along: sync-locked and not locked."""
    left_out = set(without)
    return tuple(
        id_
        for id_ in draft.state.order
        if id_ not in left_out and draft.state.tracks[id_].sync_lock and not draft.state.tracks[id_].locked
    )


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Returns the union of spans (start, end), in order."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return out
