"""Items cut into pieces, and pieces made one again."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from genlock.timeline.changes.edges import shown
from genlock.timeline.model import Gap, Item, source_frame, source_range, source_step
from genlock.timeline.sequence import Sequence

WHOLES: Final = 64
"""Items that begin before a piece, the nearest in the source, of which it may be one."""


class Pieces(NamedTuple):
    """An item that was cut: the new items, in the order of the picture, and how many of its frames none of them and it
    itself show any more. Offsets count sequence frames from the old item's first."""

    item: str
    made: tuple[str, ...]
    lost: int


def pieces(before: Sequence, after: Sequence) -> list[Pieces]:
    """Returns the items that show less while new items show what they gave up. With the versions exchanged: the joins."""
    fresh = [item for id_, item in after.items.items() if id_ not in before.items and not isinstance(item.source, Gap)]
    if not fresh:
        return []
    shrunk: dict[bytes, list[tuple[int, str, Item]]] = {}
    for id_, old in before.items.items():
        new = after.items.get(id_)
        if new is not None and new.duration < old.duration and new.speed == old.speed and _key(new) == _key(old):
            shrunk.setdefault(_key(old), []).append((source_range(old, before.rate)[0], id_, old))
    for rows in shrunk.values():
        rows.sort(key=itemgetter(0, 1))
    found: dict[str, list[tuple[int, Item]]] = {}
    for item in sorted(fresh, key=lambda item: item.id):
        wholes = _around(shrunk.get(_key(item), []), item)
        for old in sorted(wholes, key=lambda old: (_far(before, after, old, item), old.id)):
            offset = _offset(before, old, item)
            if offset is not None and not _overlaps(before, after, old, item, offset):
                found.setdefault(old.id, []).append((offset, item))
                break
    return [made for id_, rows in found.items() if (made := _cut(before, after, id_, rows)) is not None]


def _around(olds: list[tuple[int, str, Item]], item: Item) -> list[Item]:
    """Returns those that may have shown the piece: they begin before it in the source, the nearest ones."""
    end = bisect_right(olds, item.source_in, key=itemgetter(0))
    return [old for _, _, old in olds[max(0, end - WHOLES) : end]]


def _key(item: Item) -> bytes:
    return msgspec.json.encode((type(item.source).__name__, *shown(item.source)), order="deterministic")


def _far(before: Sequence, after: Sequence, old: Item, item: Item) -> tuple[bool, int]:
    home = after.home[item.id] != after.home[old.id]
    return home, abs(after.slot(item.id).start - after.slot(old.id).start)


def _offset(before: Sequence, old: Item, item: Item) -> int | None:
    """Returns at which frame of the old item the piece starts; None when it is no piece of it."""
    step = source_step(old, before.rate)
    if not step or item.speed != old.speed:
        return None
    offset = round(Fraction(item.source_in - old.source_in) / step)
    inside = offset >= 0 and offset + item.duration <= old.duration
    return offset if inside and source_frame(old, before.rate, offset) == item.source_in else None


def _overlaps(before: Sequence, after: Sequence, old: Item, item: Item, offset: int) -> bool:
    """Returns whether the item that is left shows frames of the piece too: then it is a copy and no piece."""
    kept = _offset(before, old, after.items[old.id])
    return kept is None or (kept < offset + item.duration and offset < kept + after.items[old.id].duration)


def _cut(before: Sequence, after: Sequence, id_: str, rows: list[tuple[int, Item]]) -> Pieces | None:
    old, new = before.items[id_], after.items[id_]
    kept = _offset(before, old, new)
    if kept is None:
        return None
    end, made = 0, []
    shows = [(kept, new.duration, ""), *((offset, item.duration, item.id) for offset, item in rows)]
    lost = old.duration
    for offset, length, piece in sorted(shows):
        if offset < end:
            continue
        end = offset + length
        lost -= length
        if piece:
            made.append(piece)
    return Pieces(id_, tuple(made), lost) if made else None
