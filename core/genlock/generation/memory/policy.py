"""What leaves when room is needed. Pure: the daemon and the simulator call the very same functions.

Weights never change, so leaving costs nothing and coming back costs the reload. What a component is worth where it is:

    worth = reload x E[keep ** D]

D is how many stages from now it is needed: known when a waiting job needs it, else beyond what is visible and geometric
with the rate at which it was used lately. `keep` is the chance that what is held survives one more stage without being
pushed out anyway, for then holding it was for nothing. The set of least worth that makes the room leaves.
docs/why/arbiter.md has the figures.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

KEEP: Final = 0.75
"""Chance that what stays on the device survives a stage; most stages push something out."""
KEEP_HOST: Final = 0.98
"""The same in host memory, which is larger and seldom full."""
DOOMED: Final = 0.02
"""What is left of the worth of a component that a stage before its next use pushes out for certain."""
TRANSFER: Final = 1e-12
"""Seconds a byte: of two sets worth the same the smaller leaves."""
EXACT: Final = 12
"""Candidates up to which the search is exact."""
STEPS: Final = 4000
"""Sets looked at, at most, before the best so far is taken."""


class Held(Struct, frozen=True):
    """A component that may leave. `reload` are the seconds its leaving costs when it is needed again; `next_use` how many
    stages from now a job needs it (1 the next; None: no visible one does); `rate` how often a stage used it lately;
    `doomed` says that a stage before `next_use` leaves no room for it."""

    name: str
    bytes: int
    reload: float
    next_use: int | None = None
    rate: float = 0.0
    doomed: bool = False


def worth(held: Held, visible: int, keep: float) -> float:
    """Returns the seconds that holding it is expected to save; `visible` stages ahead are known."""
    if held.next_use is not None:
        return held.reload * (DOOMED if held.doomed else keep**held.next_use)
    # E[keep ** D] for D = visible + a geometric number of stages with chance `rate` each
    return held.reload * keep**visible * held.rate * keep / (1.0 - keep + held.rate * keep)


def evict(held: Sequence[Held], need: int, visible: int = 0) -> tuple[str, ...]:
    """Returns the names that leave the device, least worth in all, freeing at least `need` bytes; all of them when they do
    not suffice."""
    return _cheapest(held, need, visible, KEEP)


def spill(held: Sequence[Held], need: int, visible: int = 0) -> tuple[str, ...]:
    """Returns the names that fall from host memory to disk; `reload` is what the disk costs more than host memory."""
    return _cheapest(held, need, visible, KEEP_HOST)


def _cheapest(held: Sequence[Held], need: int, visible: int, keep: float) -> tuple[str, ...]:
    if need <= 0:
        return ()
    if sum([one.bytes for one in held]) <= need:
        return tuple(one.name for one in held)
    rows = []
    for one in held:
        if one.bytes > 0:
            value = worth(one, visible, keep) + one.bytes * TRANSFER
            rows.append((value / one.bytes, one.name, value, one.bytes))
    # worth a byte, least first: the order in which a fractional cover takes them, which bounds every whole one
    rows.sort()
    values, sizes = [row[2] for row in rows], [row[3] for row in rows]
    chosen, cost, bound, rate = _greedy(values, sizes, need)
    if len(rows) <= EXACT and cost > bound:
        chosen = _search(values, sizes, need, chosen, cost, bound, rate)
    return tuple([row[1] for at, row in enumerate(rows) if chosen >> at & 1])


def _greedy(values: Sequence[float], sizes: Sequence[int], need: int) -> tuple[int, float, float, float]:
    """Returns the bits of those in order until the room is there, less those that prove needless, or of the one that is
    enough and worth least, when that is better; its cost; the cost of the fractional cover, which no whole one is below;
    and the worth a byte of the one it cuts."""
    room, bound, last = 0, 0.0, 0
    while room + sizes[last] < need:
        room += sizes[last]
        bound += values[last]
        last += 1
    rate = values[last] / sizes[last]
    bound += rate * (need - room)
    room += sizes[last]
    taken, cost = 0, 0.0
    for at in range(last, -1, -1):
        if room - sizes[at] >= need:
            room -= sizes[at]
        else:
            taken |= 1 << at
            cost += values[at]
    for at, size in enumerate(sizes):
        if size >= need and values[at] < cost:
            taken, cost = 1 << at, values[at]
    return taken, cost, bound, rate


def _search(
    values: Sequence[float], sizes: Sequence[int], need: int, start: int, best: float, bound: float, rate: float
) -> int:
    """Returns the bits of the cheapest cover, `start` when none costs less than `best`. What the fractional cover, of cost
    `bound` and cut at `rate`, proves is settled; the rest is searched depth first."""
    gap = best - bound
    taken, left, prices, rooms = 0, [], [], []
    for at, size in enumerate(sizes):
        loss = values[at] - rate * size  # what choosing against the fractional cover costs, negative for one it takes
        if -loss >= gap:
            taken |= 1 << at
            need -= size
            best -= values[at]
        elif loss < gap:
            left.append(at)
            prices.append(values[at])
            rooms.append(size)
    found = _covered(prices, rooms, need, best)
    if found is None:
        return start
    for place, at in enumerate(left):
        taken |= (found >> place & 1) << at
    return taken


def _covered(values: list[float], sizes: list[int], need: int, best: float) -> int | None:
    """Returns the bits of the cheapest cover that costs less than `best`, None when there is none; after `STEPS` the best
    so far."""
    count = len(values)
    room, price = [0, *accumulate(sizes)], [0.0, *accumulate(values)]
    found = None
    stack = [(0, 0.0, need, 0)]
    for _ in range(STEPS):
        if not stack:
            break
        at, cost, missing, taken = stack.pop()
        if missing <= 0:
            if cost < best:
                best, found = cost, taken
            continue
        full = room[at] + missing
        if full > room[count]:
            continue
        last = bisect_left(room, full, at) - 1
        if cost + price[last] - price[at] + values[last] * (full - room[last]) / sizes[last] < best:
            stack.append((at + 1, cost, missing, taken))
            stack.append((at + 1, cost + values[at], missing - sizes[at], taken | 1 << at))
    return found
