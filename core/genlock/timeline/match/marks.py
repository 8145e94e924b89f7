"""Gap items and markers: what is told apart by where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from genlock.timeline.match.sides import Board, Side
from genlock.timeline.model import Gap, Marker


def gaps(board: Board) -> dict[str, str]:
    """Returns returned Gap item -> base one: those behind the same item, else those before the same one."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for track, lane in enumerate(board.lane):
        if lane not in board.base.holes or track not in board.returned.holes:
            continue
        here, there = _holes(board.base, lane), _holes(board.returned, track)
        behind = {(left, k): id_ for id_, left, _, k in here}
        before = {right: id_ for id_, _, right, _ in here if right}
        for id_, left, right, k in there:
            places = (behind.get((_base_id(board, left), k)), before.get(_base_id(board, right)) if right else None)
            same = next((one for one in places if one is not None and one not in taken), None)
            if same is not None:
                found[id_] = same
                taken.add(same)
    return found


def _base_id(board: Board, id_: str) -> str:
    """Returns the base's id of a returned item; "" is the end of a track."""
    if not id_:
        return ""
    b = board.known[board.returned.at[id_]]
    return board.base.ids[b] if b >= 0 else "?"


def _holes(side: Side, track: int) -> list[tuple[str, str, str, int]]:
    """Returns (id, item to the left, item to the right, how many Gap items lie between it and the left one)."""
    rows = [item for _, item in side.state.placed(side.state.order[track])]
    rights = [""] * len(rows)
    for at in range(len(rows) - 2, -1, -1):
        rights[at] = rights[at + 1] if isinstance(rows[at + 1].source, Gap) else rows[at + 1].id
    found, left, count = [], "", 0
    for item, right in zip(rows, rights, strict=True):
        if isinstance(item.source, Gap):
            found.append((item.id, left, right, count))
            count += 1
        else:
            left, count = item.id, 0
    return found


def markers(board: Board, items: dict[str, str], origins: dict[str, str]) -> dict[str, str]:
    """Returns returned marker -> base one: by id, by item and place, by name, by nearness, by order."""
    here, there = board.base.state.markers, board.returned.state.markers
    found = {id_: id_ for id_ in sorted(there) if id_ in board.told and id_ in here}
    rest = sorted((m for m in there.values() if m.id not in found), key=_place)
    free = sorted((m for m in here.values() if m.id not in set(found.values())), key=_place)
    owner = {**origins, **items}

    def held(marker: Marker) -> str | None:
        return None if marker.item is None else owner.get(marker.item, f"? {marker.item}")

    told: list[tuple[Callable[[Marker], Any], Callable[[Marker], Any]]] = [
        (lambda m: (held(m), m.start, m.name), lambda m: (m.item, m.start, m.name)),
        (lambda m: (held(m), m.start), lambda m: (m.item, m.start)),
    ]
    for theirs, ours in told:
        _pair(rest, free, found, theirs, ours)
    for theirs, ours in (
        ((lambda m: (held(m), m.name) if m.name else None), (lambda m: (m.item, m.name))),
        (held_of(held), lambda m: (m.item,)),
    ):
        _pair_nearest(rest, free, found, theirs, ours)
    return found


def held_of(held: Callable[[Marker], str | None]) -> Callable[[Marker], Any]:
    """Returns the last resort's key: the item, and never the sequence, whose markers are many."""
    return lambda m: None if m.item is None else (held(m),)


def _place(marker: Marker) -> tuple[str, int, str, str]:
    return marker.item or "", marker.start, marker.name, marker.id


def _pair(
    rest: list[Marker],
    free: list[Marker],
    found: dict[str, str],
    theirs: Callable[[Marker], Any],
    ours: Callable[[Marker], Any],
) -> None:
    """Pairs markers of equal keys in order."""
    places: dict[Any, list[Marker]] = {}
    for marker in reversed(free):
        places.setdefault(ours(marker), []).append(marker)
    gone: set[str] = set()
    for marker in rest:
        if same := places.get(theirs(marker)):
            one = same.pop()
            found[marker.id] = one.id
            gone.add(one.id)
    _drop(rest, free, found, gone)


def _pair_nearest(
    rest: list[Marker],
    free: list[Marker],
    found: dict[str, str],
    theirs: Callable[[Marker], Any],
    ours: Callable[[Marker], Any],
) -> None:
    """Pairs markers of equal keys, the nearest ones first (order where there are very many)."""
    here: dict[Any, list[Marker]] = {}
    for marker in free:
        here.setdefault(ours(marker), []).append(marker)
    there: dict[Any, list[Marker]] = {}
    for marker in rest:
        if (key := theirs(marker)) in here and key is not None:
            there.setdefault(key, []).append(marker)
    gone: set[str] = set()
    for key, found_there in there.items():
        for one, other in _nearest(found_there, here[key]):
            found[one.id] = other.id
            gone.add(other.id)
    _drop(rest, free, found, gone)


def _nearest(there: list[Marker], here: list[Marker]) -> Iterable[tuple[Marker, Marker]]:
    if len(there) * len(here) > 40_000:
        yield from zip(there, here, strict=False)
        return
    pairs = sorted((abs(a.start - b.start), n, k) for n, a in enumerate(there) for k, b in enumerate(here))
    used: set[int] = set()
    done: set[int] = set()
    for _, n, k in pairs:
        if n not in done and k not in used:
            done.add(n)
            used.add(k)
            yield there[n], here[k]


def _drop(rest: list[Marker], free: list[Marker], found: dict[str, str], gone: set[str]) -> None:
    rest[:] = [m for m in rest if m.id not in found]
    free[:] = [m for m in free if m.id not in gone]
