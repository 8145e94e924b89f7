"""Order: longest rising runs, and pairing two rows without crossing."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence as Row
from itertools import islice
from operator import lt

CELLS = 40_000
"""Pairings weighed against each other for one row of things that look alike; beyond, order alone decides."""

DIFFERENCES = 400
"""Differences between two rows up to which their longest common run is looked for."""


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


def common(left: Row[int], right: Row[int]) -> list[tuple[int, int]]:
    """Returns the places of a longest common run of two rows (Myers 1986: O((n + m) d) for d differences); of rows with
    more than 400 differences only how they begin and end."""
    begin = 0
    while begin < min(len(left), len(right)) and left[begin] == right[begin]:
        begin += 1
    end = 0
    while end < min(len(left), len(right)) - begin and left[-1 - end] == right[-1 - end]:
        end += 1
    n, m = len(left) - end, len(right) - end
    found = [(at, at) for at in range(begin)]
    found.extend(_inside(left, right, begin, n, m))
    found.extend((n + at, m + at) for at in range(end))
    return found


def _inside(left: Row[int], right: Row[int], begin: int, n: int, m: int) -> list[tuple[int, int]]:
    reached = {1: begin}
    steps: list[dict[int, int]] = []
    for d in range(min(n + m - 2 * begin, DIFFERENCES) + 1):
        steps.append(dict(reached))
        for k in range(-d, d + 1, 2):
            down = k == -d or (k != d and reached.get(k - 1, -1) < reached.get(k + 1, -1))
            x = reached[k + 1] if down else reached[k - 1] + 1
            while x < n and x - k < m and left[x] == right[x - k]:
                x += 1
            reached[k] = x
            if x >= n and x - k >= m:
                return _way_back(steps, n, m, begin)
    return []


def _way_back(steps: list[dict[int, int]], n: int, m: int, begin: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    x, y = n, m
    for d in range(len(steps) - 1, -1, -1):
        reached, k = steps[d], x - y
        down = k == -d or (k != d and reached.get(k - 1, -1) < reached.get(k + 1, -1))
        x0 = reached[k + 1] if down else reached[k - 1]
        y0 = x0 - (k + 1 if down else k - 1)
        start = x0 if down else x0 + 1
        while x > max(start, begin):
            x, y = x - 1, y - 1
            found.append((x, y))
        x, y = x0, y0
    return found[::-1]
