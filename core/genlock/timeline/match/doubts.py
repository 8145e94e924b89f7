"""What a new item was made from, and which pairs are no more than a guess."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

from genlock.timeline.match.near import CLOSE, Near
from genlock.timeline.match.sides import Board, groups

RIVALS: Final = 32
"""Equal pieces that are gone, on either side of an item, that it is weighed against."""
WHOLES: Final = 64
"""Items that begin before a piece, the nearest in the source, of which it may be split off."""


def origins(board: Board) -> dict[str, str]:
    """Returns new item -> the base item it is a copy or a split-off piece of."""
    base, returned = board.base, board.returned
    copies = groups(base.exact, [-1] * len(base))
    pieces: dict[int, list[int]] = {}
    for b in sorted(range(len(base)), key=lambda b: (base.low[b], b)):
        if board.mate[b] >= 0:
            pieces.setdefault(base.media[b], []).append(b)
    lows = {number: [base.low[b] for b in bs] for number, bs in pieces.items()}
    found = {}
    for r, known in enumerate(board.known):
        if known >= 0:
            continue
        of = next(iter(copies.get(returned.exact[r], ())), -1)
        if of < 0:
            number = returned.media[r]
            end = bisect_right(lows.get(number, ()), returned.low[r])
            of = _split_from(board, r, pieces.get(number, [])[max(0, end - WHOLES) : end])
        if of >= 0:
            found[returned.ids[r]] = base.ids[of]
    return found


def _split_from(board: Board, r: int, bs: list[int]) -> int:
    """Returns the base item that showed all of the piece, and does not any more; the nearest of several."""
    base, returned = board.base, board.returned
    found = []
    for b in bs:
        mate = board.mate[b]
        if not board.alike(b, r) or base.items[b].speed != returned.items[r].speed:
            continue
        inside = base.low[b] <= returned.low[r] and returned.high[r] <= base.high[b]
        given_up = returned.high[mate] <= returned.low[r] or returned.high[r] <= returned.low[mate]
        if inside and given_up:
            apart = returned.track[mate] != returned.track[r]
            found.append((apart, abs(returned.rank[mate] - returned.rank[r]), b))
    return min(found)[2] if found else -1


def unsure(board: Board, near: Near) -> dict[str, tuple[str, ...]]:
    """Returns, for an item found, the base items that are gone and fit nearly as well.

    An item is sure while each that looks like it found its own: then no other reading explains the cut better.
    """
    base, returned = board.base, board.returned
    gone = groups(base.exact, board.mate)
    rivals: dict[int, list[int]] = {}
    for b, rs in near.candidates.items():
        if board.mate[b] < 0:
            for r in rs:
                rivals.setdefault(r, []).append(b)
    found = {}
    for r, b in enumerate(board.known):
        if b < 0:
            continue
        if board.rungs[r] == "exact":
            others = [one for one in _near(gone.get(base.exact[b], []), b) if _as_good(board, one, b, r)]
        elif board.rungs[r] == "overlap":
            others = [one for one in rivals.get(r, ()) if near.score(one, r) >= near.score(b, r) - CLOSE]
        else:
            continue
        if others:
            found[returned.ids[r]] = tuple(sorted(base.ids[one] for one in others[:8]))
    return found


def _near(rivals: list[int], b: int) -> list[int]:
    """Returns the rivals next to an item: of thousands of the same clip those far away are no other reading of the cut."""
    at = bisect_left(rivals, b)
    return rivals[max(0, at - RIVALS) : at + RIVALS]


def _as_good(board: Board, other: int, b: int, r: int) -> bool:
    """Returns whether another equal piece that is gone has as much for it as the one taken."""
    fit, rival = board.context(b, r), board.context(other, r)
    if rival != fit:
        return rival > fit
    if board.aligned(other, r) != board.aligned(b, r):
        return board.aligned(other, r)
    names = [base == board.returned.items[r].name for base in (board.base.items[b].name, board.base.items[other].name)]
    if names == [True, False]:
        return False
    return fit > 0 or board.away(other, r) <= board.away(b, r) + 1
