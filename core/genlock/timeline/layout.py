"""Reading a sequence: rows with gaps, what is visible, the cut list, handles."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from genlock.timeline.lane import Slot
from genlock.timeline.model import Gap, Item, available_range, source_step
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence
from genlock.timeline.timecode import to_timecode


class Row(NamedTuple):
    """An item with its place and the empty frames before it (always 0 on a magnetic track)."""

    slot: Slot
    item: Item
    gap: int


class Segment(NamedTuple):
    """Frames `start` to `end` (exclusive) show `item`, or nothing."""

    start: int
    end: int
    item: str | None


def rows(state: Sequence, track: str) -> Iterator[Row]:
    """Yields the items of a track in order, Gap items included."""
    end = 0
    for slot, item in state.placed(track):
        yield Row(slot, item, slot.start - end)
        end = slot.end


def video_tracks(state: Sequence) -> list[str]:
    """Returns the enabled video tracks, topmost first."""
    return [id_ for id_ in reversed(state.order) if state.tracks[id_].kind == "video" and state.tracks[id_].enabled]


def shows(item: Item) -> bool:
    """Returns whether the item puts a picture over what lies below: enabled and no Gap."""
    return item.enabled and not isinstance(item.source, Gap)


def visible_at(state: Sequence, frame: int) -> Item | None:
    """Returns the topmost item that shows at the frame; None where nothing does."""
    for track in video_tracks(state):
        slot = state.lanes[track].at(frame)
        if slot is not None and shows(state.items[slot.id]):
            return state.items[slot.id]
    return None


def segments(state: Sequence) -> list[Segment]:
    """Returns the cut list: the whole length in pieces, each with the item visible in it (transitions not counted)."""
    lanes = [[row.slot for row in rows(state, track) if shows(row.item)] for track in video_tracks(state)]
    edges = sorted({0, state.duration, *(edge for lane in lanes for slot in lane for edge in (slot.start, slot.end))})
    starts = [[slot.start for slot in lane] for lane in lanes]
    found: list[Segment] = []
    for start, end in pairwise(edges):
        item = None
        for lane, begins in zip(lanes, starts, strict=True):
            at = bisect_right(begins, start) - 1
            if at >= 0 and start < lane[at].end:
                item = lane[at].id
                break
        if found and found[-1].item is item is None:
            found[-1] = Segment(found[-1].start, end, None)
        elif found and item is not None and found[-1].item == item:
            found[-1] = Segment(found[-1].start, end, item)
        else:
            found.append(Segment(start, end, item))
    return found


def handles(item: Item, rate: Rate) -> tuple[int | None, int | None]:
    """Returns how many more *sequence* frames the item could show before its head and behind its tail.

    None where there is no end: an unprobed source, a generator, a freeze frame. (check.source_handles counts the
    source's frames.)
    """
    available = available_range(item)
    step = source_step(item, rate)
    if available is None or step == 0:
        return None, None
    low, high = available
    last = item.source_in + step * (item.duration - 1)
    # the frame shown n frames off is floor(in + step * n): it exists while low <= in + step * n < high
    if step > 0:
        return _whole((item.source_in - low) / step), _below((high - last) / step)
    return _below((high - item.source_in) / -step), _whole((last - low) / -step)


def timecode_of(state: Sequence, item: str) -> tuple[str, str]:
    """Returns the record timecodes of the item's first frame and of the frame behind its last."""
    slot = state.slot(item)
    first, end = state.start_frame + slot.start, state.start_frame + slot.end
    return to_timecode(first, state.rate, state.drop_frame), to_timecode(end, state.rate, state.drop_frame)


def _whole(value: Fraction) -> int:
    return max(0, value.numerator // value.denominator)


def _below(value: Fraction) -> int:
    """Returns the largest whole number below the value, at least 0."""
    return max(0, -(-value.numerator // value.denominator) - 1)
