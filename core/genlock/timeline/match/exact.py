"""The first two rungs: ids that came back, and the same piece of the same media."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from genlock.timeline.match.order import paired
from genlock.timeline.match.sides import Board, groups


def by_id(board: Board) -> None:
    """Pairs what came back with its id, unless a copy took the id along and the original is there without it."""
    base, returned = board.base, board.returned
    pairs = []
    for r, id_ in enumerate(returned.ids):
        b = base.at.get(id_, -1)
        if b >= 0 and id_ in board.told and board.alike(b, r):
            board.take(b, r, "id")
            pairs.append((b, r))
    board.find_tracks()
    board.align()
    nameless = groups(returned.exact, board.known)
    for b, r in pairs:
        rivals = nameless.get(base.exact[b], [])
        fit = board.context(b, r)
        if rivals and fit < 2:
            better = max(rivals, key=lambda one: (board.known[one] < 0, board.context(b, one), -board.away(b, one)))
            if board.known[better] < 0 and board.context(b, better) > fit:
                board.known[r] = -1
                board.rungs[r] = None
                board.take(b, better, "exact")


def by_content(board: Board) -> None:
    """Pairs the same pieces of the same media: those there is only one of, then those beside them, then by order."""
    here, there = groups(board.base.exact, board.mate), groups(board.returned.exact, board.known)
    several = []
    for number, bs in here.items():
        rs = there.get(number)
        if rs is None:
            continue
        if len(bs) == 1 == len(rs):
            board.take(bs[0], rs[0], "exact")
        else:
            several.append((bs, rs))
    board.find_tracks()
    board.align()
    _spread(board, [(b, r) for r, b in enumerate(board.known) if b >= 0])
    board.find_tracks()
    board.align()
    for bs, rs in sorted(several, key=lambda pair: len(pair[0]) * len(pair[1])):
        _spread(board, list(_by_order(board, bs, rs)))
    board.find_tracks()
    board.align()


def _spread(board: Board, seeds: Iterable[tuple[int, int]]) -> None:
    """Pairs equal pieces beside pairs already found, again and again. Among equals both neighbours count more than one,
    a neighbour that kept its place more than one that moved, then the same track, the same name, and nearness."""
    base, returned = board.base, board.returned
    heap: list[tuple[int, bool, bool, bool, int, int, int]] = []

    def offer(b: int, r: int, moved: bool) -> None:
        if base.exact[b] == returned.exact[r]:
            names = base.items[b].name != returned.items[r].name
            score = -board.context(b, r), moved, not board.aligned(b, r), names, board.away(b, r)
            heappush(heap, (*score, b, r))

    for b, r in seeds:
        for pair in board.around(b, r):
            offer(*pair, not board.steady[b])
    while heap:
        _, moved, *_, b, r = heappop(heap)
        if board.free(b, r):
            board.take(b, r, "exact")
            board.steady[b] = not moved and board.aligned(b, r)
            for pair in board.around(b, r):
                offer(*pair, moved)


def _by_order(board: Board, bs: list[int], rs: list[int]) -> Iterable[tuple[int, int]]:
    """Pairs pieces that nothing but their order tells apart, first those on one track, then any."""
    base, returned = board.base, board.returned
    for track, lane in enumerate(board.lane):
        here = [b for b in bs if board.mate[b] < 0 and base.track[b] == lane]
        there = [r for r in rs if board.known[r] < 0 and returned.track[r] == track]
        if here and there:
            for i, k in paired([board.expected[b] for b in here], [returned.rank[r] for r in there]):
                board.take(here[i], there[k], "exact")
                yield here[i], there[k]
    here, there = [b for b in bs if board.mate[b] < 0], [r for r in rs if board.known[r] < 0]
    if here and there:
        for i, k in paired([base.start[b] for b in here], [returned.start[r] for r in there]):
            board.take(here[i], there[k], "exact")
            yield here[i], there[k]
