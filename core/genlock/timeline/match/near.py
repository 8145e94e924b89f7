"""The last two rungs: the same media with source frames in common, and the same slot between the same neighbours."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence as Row
from heapq import heappop, heappush
from typing import Final

from genlock.timeline.match.sides import Board, groups
from genlock.timeline.match.values import Rung

PER_ITEM: Final = 24
"""Candidates with common frames that one item is weighed against: the nearest in the source."""

PAIRS: Final = 60_000
"""Pairs of one media that are weighed; where thousands of pieces of one file changed, each gets fewer candidates."""

NEIGHBOUR: Final = 0.6
EQUAL: Final = 0.4
HEAD: Final = 2.0
"""What the piece with the head is worth more than the others of a split item: it keeps the id, as in edits.cutting."""

ALONE: Final = 0.6
"""What an item without a known neighbour must be worth: a few frames in common may be chance."""

CLOSE: Final = 0.15
"""Scores this near to each other are no difference to rely on."""


class Near:
    """Pairs what is left over, the best first."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.candidates: dict[int, list[int]] = {}
        self._heads: set[tuple[int, int]] = set()
        self._heap: list[tuple[bool, float, bool, int, int, int]] = []

    def run(self) -> None:
        board = self.board
        self._overlapping()
        self._split_heads()
        for b, rs in self.candidates.items():
            for r in rs:
                self._offer(b, r)
        for r, b in enumerate(board.known):
            if b >= 0:
                self._offer_around(b, r)
        for b, r in self._in_place():
            self._offer(b, r, placed=True)
        self._settle()

    def _settle(self) -> None:
        board = self.board
        while self._heap:
            slot, *_, b, r = heappop(self._heap)
            if board.free(b, r):
                rung: Rung = "slot" if slot else "overlap"
                board.take(b, r, rung)
                self._offer_around(b, r)

    def _offer_around(self, b: int, r: int) -> None:
        for pair in self.board.around(b, r):
            if self.board.alike(*pair):
                self._offer(*pair)

    def _offer(self, b: int, r: int, *, placed: bool = False) -> None:
        board = self.board
        if board.base.media[b] == board.returned.media[r]:
            score = self.score(b, r)
            slot = False
        else:
            score = self._slot_score(b, r, placed)
            slot = True
        if score > 0:
            heappush(self._heap, (slot, -score, not board.aligned(b, r), board.away(b, r), b, r))

    def score(self, b: int, r: int) -> float:
        """Returns how well two pieces of one media fit: common frames, neighbours, equal edges. 0: not at all."""
        base, returned = self.board.base, self.board.returned
        low, high, other_low, other_high = base.low[b], base.high[b], returned.low[r], returned.high[r]
        common = min(high, other_high) - max(low, other_low)
        context = self.board.context(b, r)
        if common <= 0 and not context:
            return 0.0
        share = float(max(common, 0) / max(high - low, other_high - other_low))
        equal = (low == other_low) + (high == other_high) + (base.items[b].duration == returned.items[r].duration)
        score: float = share + EQUAL * equal
        head = (b, r) in self._heads
        if not context and not head and score < ALONE:
            return 0.0
        return score + NEIGHBOUR * context + HEAD * head

    def _slot_score(self, b: int, r: int, placed: bool) -> float:
        """Returns how well an item of other media fits into the slot; 0: not at all."""
        board, base, returned = self.board, self.board.base, self.board.returned
        context = board.context(b, r)
        lasting = base.items[b].duration == returned.items[r].duration
        first = base.low[b] == returned.low[r]
        families = board.keys.family
        related = families[base.media[b]] == families[returned.media[r]]
        common = base.low[b] < returned.high[r] and returned.low[r] < base.high[b]
        if not (
            (context and lasting and (first or related))
            or (context and related and common)
            or (context == 2 and (lasting or related))
            or (placed and lasting and first)
        ):
            return 0.0
        return NEIGHBOUR * context + EQUAL * sum((lasting, bool(first), related))

    def _overlapping(self) -> None:
        """Finds the free pairs of one media with source frames in common."""
        board, base, returned = self.board, self.board.base, self.board.returned
        there = groups(_with_kind(returned.media, returned.track, returned.kinds), board.known)
        here = groups(_with_kind(base.media, base.track, base.kinds), board.mate)
        for number, bs in here.items():
            rs = there.get(number)
            if rs is None:
                continue
            rs = sorted(rs, key=lambda r: (returned.low[r], r))
            lows = [returned.low[r] for r in rs]
            longest = max(returned.high[r] - returned.low[r] for r in rs)
            most = max(6, min(PER_ITEM, PAIRS // len(bs)))
            for b in bs:
                first, last = bisect_left(lows, base.low[b] - longest), bisect_left(lows, base.high[b])
                if last - first > most:
                    middle = min(max(bisect_left(lows, base.low[b]), first + most // 2), last - most // 2)
                    first, last = middle - most // 2, middle + most // 2
                found = [r for r in rs[first:last] if returned.high[r] > base.low[b]]
                if found:
                    self.candidates[b] = found

    def _split_heads(self) -> None:
        """Finds items that came back in pieces, and which piece has the head: it starts where the item did, another piece
        starts where it ends, another piece ends where the item did. Two of the three prove it."""
        base, returned = self.board.base, self.board.returned
        for b, rs in self.candidates.items():
            first, last = base.low[b], base.high[b]
            inside = [(returned.low[r], returned.high[r], r) for r in rs]
            inside = [piece for piece in inside if first <= piece[0] and piece[1] <= last]
            if len(inside) < 2:
                continue
            if base.items[b].speed.num < 0:
                first, last = -last, -first
                inside = [(-high, -low, r) for low, high, r in inside]
            for low, high, r in sorted(inside):
                behind = [piece for piece in inside if piece[0] >= high]
                begins, ends = {piece[0] for piece in behind}, {piece[1] for piece in behind}
                if (low == first) + (high in begins) + (last in ends) >= 2:
                    self._heads.add((b, r))
                    break

    def _in_place(self) -> list[tuple[int, int]]:
        """Finds free pairs on one track at the same frame: where nothing else is known, that has to do."""
        board, base, returned = self.board, self.board.base, self.board.returned
        lane = {b: r for r, b in enumerate(board.lane) if b >= 0}
        there = {(returned.track[r], returned.start[r]): r for r, b in enumerate(board.known) if b < 0}
        found = []
        for b, r in enumerate(board.mate):
            at = there.get((lane.get(base.track[b], -1), base.start[b])) if r < 0 else None
            if at is not None:
                found.append((b, at))
        return found


def _with_kind(media: list[int], track: list[int], kinds: Row[str]) -> list[int]:
    return [number * 2 + (kinds[t] == "audio") for number, t in zip(media, track, strict=True)]
