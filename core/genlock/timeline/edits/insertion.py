"""Insert, overwrite, append, fill."""

from __future__ import annotations

from fractions import Fraction

from msgspec.structs import replace

from genlock.timeline.check import frames
from genlock.timeline.commands import AppendItem, FillGap, InsertItem, OverwriteItem, Place
from genlock.timeline.edits import selection
from genlock.timeline.edits.cutting import cut_out, junction, split
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.edits.rooms import open_up, synced
from genlock.timeline.model import Gap, Item
from genlock.timeline.rate import Speed


def frame_of(draft: Draft, place: Place) -> int:
    """Returns the frame a place means; refuses one before the first frame and an anchor that is elsewhere."""
    if place.after is not None:
        draft.item(place.after)
        if draft.home(place.after) != place.track:
            raise EditRefused("bad_value", f"{draft.name(place.after)} does not lie on the track {place.track}.")
        return draft.slot(place.after).end
    if place.at is None:
        return draft.lane(place.track).end
    if place.at < 0:
        raise EditRefused("before_start", f"Frame {place.at} lies before the first frame of the sequence.")
    return place.at


def insert_item(draft: Draft, command: InsertItem) -> str:
    track = command.place.track
    draft.open_track(track)
    at = frame_of(draft, command.place)
    item = selection.new_item(draft, command.item, track)
    if command.sync:
        for other in synced(draft, [track]):
            open_up(draft, other, at, item.duration)
    if draft.magnetic(track):
        draft.insert(track, item, after=command.place.after or junction(draft, track, at))
    else:
        under = draft.lane(track).at(at)
        if under is not None and under.start < at:
            split(draft, under.id, at)
        open_up(draft, track, at, item.duration)
        draft.insert(track, item, start=at)
    return f"Insert {_name(item)}"


def overwrite_item(draft: Draft, command: OverwriteItem) -> str:
    draft.open_track(command.track)
    at = frame_of(draft, Place(command.track, command.at))
    item = selection.new_item(draft, command.item, command.track)
    put_over(draft, command.track, at, item)
    return f"Overwrite with {_name(item)}"


def put_over(draft: Draft, track: str, at: int, item: Item) -> None:
    """Puts a new item over whatever lies there."""
    if not draft.magnetic(track):
        cut_out(draft, track, at, at + item.duration)
        draft.insert(track, item, start=at)
    elif at > draft.lane(track).end:
        draft.insert(track, item, after=junction(draft, track, at))
    else:
        draft.insert(track, item, after=cut_out(draft, track, at, at + item.duration))


def append_item(draft: Draft, command: AppendItem) -> str:
    draft.open_track(command.track)
    item = selection.new_item(draft, command.item, command.track)
    if isinstance(item.source, Gap):
        raise EditRefused("no_change", "A gap at the end of a track holds nothing in place.")
    last = draft.lane(command.track).last
    draft.insert(command.track, item, after=last.id if last else None, start=draft.lane(command.track).end)
    return f"Append {_name(item)}"


def hole(draft: Draft, track: str, at: int) -> tuple[int, int]:
    """Returns (start, end) of the gap at a frame; refuses with no_gap_here where an item lies and behind the last one."""
    lane = draft.lane(track)
    left, right = lane.upto(at), lane.since(at + 1)
    if left is not None and at < left.end:
        if not draft.is_gap(left.id):
            raise EditRefused("no_gap_here", f"{draft.name(left.id)} lies at frame {at}.")
        return left.start, left.end
    if right is None:
        raise EditRefused("no_gap_here", f"Nothing lies behind frame {at}, so there is no gap to fill: append instead.")
    return left.end if left else 0, right.start


def fill_gap(draft: Draft, command: FillGap) -> str:
    draft.open_track(command.track)
    at = frame_of(draft, Place(command.track, command.at))
    start, end = hole(draft, command.track, at)
    item = _fitted(draft, selection.new_item(draft, command.item, command.track), end - start, command.fit)
    if isinstance(item.source, Gap):
        raise EditRefused("bad_value", "A gap cannot be filled with a gap.")
    put_over(draft, command.track, start, item)
    return f"Fill a gap with {_name(item)}"


def _fitted(draft: Draft, item: Item, room: int, fit: str) -> Item:
    if fit == "trim":
        return item if item.duration <= room else replace(item, duration=room)
    if fit == "speed":
        exact = item.speed.fraction * Fraction(item.duration, room)
        return replace(item, duration=room, speed=Speed.of(exact))
    if item.duration > room:
        message = f"The gap has {frames(room)} and {item.name or 'the item'} {item.duration}."
        raise EditRefused("overlap", message)
    return item


def _name(item: Item) -> str:
    return item.name or ("a gap" if isinstance(item.source, Gap) else item.id)
