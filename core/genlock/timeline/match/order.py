"""Order: longest rising runs, and pairing two rows without crossing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence as Row
from itertools import islice
from operator import lt

CELLS = 40_000
"""Pairings weighed against each other for one row of things that look alike; beyond, order alone decides."""


def rising(values: Row[int]) -> list[int]:
    """Returns the places of a longest rising run, in order (patience sorting, O(n log n))."""
    if all(map(lt, values, islice(values, 1, None))):
        return list(range(len(values)))
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, value in enumerate(values):
        k = bisect_left(tails, value)
        before.append(ends[k - 1] if k else -1)
        if k == len(tails):
            tails.append(value)
            ends.append(at)
        else:
            tails[k], ends[k] = value, at
    found: list[int] = []
    last = ends[-1] if ends else -1
    while last >= 0:
        found.append(last)
        last = before[last]
    return found[::-1]


def paired(left: Row[int], right: Row[int]) -> list[tuple[int, int]]:
    """Returns pairs of places (in `left`, in `right`) that do not cross, all of the shorter row's, at the least total
    distance. The values are positions, rising or nearly so."""
    if len(left) > len(right):
        return [(a, b) for b, a in paired(right, left)]
    spare = len(right) - len(left)
    if not spare or len(left) * (spare + 1) > CELLS:
        return list(zip(range(len(left)), range(len(left)), strict=True))
    best = [0] * (spare + 1)
    choices: list[list[int]] = []
    for at, value in enumerate(left):
        # best[d]: the least cost of the rows so far when at most d of `right` were passed over
        row: list[int] = []
        chosen: list[int] = []
        for d in range(spare + 1):
            cost = best[d] + abs(value - right[at + d])
            if d and row[d - 1] <= cost:
                row.append(row[d - 1])
                chosen.append(chosen[d - 1])
            else:
                row.append(cost)
                chosen.append(d)
        best = row
        choices.append(chosen)
    pairs, d = [], spare
    for at in range(len(left) - 1, -1, -1):
        d = choices[at][d]
        pairs.append((at, at + d))
    return pairs[::-1]
