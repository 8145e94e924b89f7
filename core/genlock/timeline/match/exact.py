"""The first two rungs: ids that came back, and the same piece of the same media."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import pairwise

from genlock.timeline.match.order import common, paired
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
    if any(board.mate[b] < 0 for bs, _ in several for b in bs):
        _spread(board, list(_in_sequence(board)))
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


def _in_sequence(board: Board) -> Iterable[tuple[int, int]]:
    """Pairs what lies between two items that stayed by a longest common run: a pattern that repeats is told by where it
    breaks."""
    base, returned = board.base, board.returned
    for row in returned.rows:
        steady = [r for r in row if (b := board.known[r]) >= 0 and board.steady[b] and board.aligned(b, r)]
        lane = board.lane[returned.track[row[0]]] if row else -1
        if lane < 0:
            continue
        ends = [(base.rows[lane][0] - 1 if base.rows[lane] else -1, row[0] - 1)]
        ends.extend((board.known[r], r) for r in steady)
        ends.append((base.rows[lane].stop, row.stop))
        for (b0, r0), (b1, r1) in pairwise(ends):
            here = [b for b in range(b0 + 1, b1) if board.mate[b] < 0]
            there = [r for r in range(r0 + 1, r1) if board.known[r] < 0]
            for i, k in common([base.exact[b] for b in here], [returned.exact[r] for r in there]):
                board.take(here[i], there[k], "exact")
                board.steady[here[i]] = True
                yield here[i], there[k]


def back_in_place(board: Board) -> None:
    """Gives an item back to the piece in its old place, where what was taken for it is a copy elsewhere: beside a
    neighbour it had, with frames in common, trimmed is likelier than moved away and replaced by its own media."""
    base, returned = board.base, board.returned
    for r, b in enumerate(board.known):
        if b < 0 or board.rungs[r] != "exact" or board.context(b, r):
            continue
        for one in _slots(board, b):
            if board.known[one] >= 0 or base.media[b] != returned.media[one] or not board.context(b, one):
                continue
            edge = base.low[b] == returned.low[one] or base.high[b] == returned.high[one]
            lasting = base.items[b].duration == returned.items[one].duration
            common = base.low[b] < returned.high[one] and returned.low[one] < base.high[b]
            if common and (edge or lasting or board.context(b, one) == 2):
                board.known[r], board.rungs[r] = -1, None
                board.take(b, one, "overlap")
                break


def _slots(board: Board, b: int) -> Iterable[int]:
    """Yields what lies behind the left and before the right neighbour of an item by now."""
    left, right = board.base.prev[b], board.base.next[b]
    for here, beside in ((left, board.returned.next), (right, board.returned.prev)):
        if here >= 0 and board.mate[here] >= 0 and (there := beside[board.mate[here]]) >= 0:
            yield there


def _by_order(board: Board, bs: list[int], rs: list[int]) -> Iterable[tuple[int, int]]:
    """Pairs pieces that nothing but their order tells apart, first those on one track, then any."""
    base, returned = board.base, board.returned
    ours: dict[int, list[int]] = {}
    theirs: dict[int, list[int]] = {}
    for b in (b for b in bs if board.mate[b] < 0):
        ours.setdefault(base.track[b], []).append(b)
    for r in (r for r in rs if board.known[r] < 0):
        theirs.setdefault(returned.track[r], []).append(r)
    for track, there in theirs.items():
        if here := ours.get(board.lane[track]):
            for i, k in paired([board.expected[b] for b in here], [returned.rank[r] for r in there]):
                board.take(here[i], there[k], "exact")
                yield here[i], there[k]
    here, there = [b for b in bs if board.mate[b] < 0], [r for r in rs if board.known[r] < 0]
    if here and there:
        for i, k in paired([base.start[b] for b in here], [returned.start[r] for r in there]):
            board.take(here[i], there[k], "exact")
            yield here[i], there[k]
