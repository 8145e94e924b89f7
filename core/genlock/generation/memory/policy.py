"""What leaves when room is needed. Pure: the daemon and the simulator call the very same functions.

Weights never change, so leaving costs nothing and coming back costs the reload. What a component is worth where it is:

    worth = reload x E[keep ** D]

D is how many stages from now it is needed: known when a waiting job needs it, else beyond what is visible and geometric
with the rate at which it was used lately. `keep` is the chance that what is held survives one more stage without being
pushed out anyway, for then holding it was for nothing. The set of least worth that makes the room leaves.
docs/why/arbiter.md has the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

KEEP: Final = 0.8
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
    if sum(one.bytes for one in held) <= need:
        return tuple(one.name for one in held)
    items = [(worth(one, visible, keep) + one.bytes * TRANSFER, one.bytes, one.name) for one in held if one.bytes > 0]
    # worth a byte, least first: the order in which a fractional cover takes them, which bounds every whole one
    items.sort(key=lambda item: (item[0] / item[1], item[2]))
    chosen = _greedy(items, need)
    if len(items) <= EXACT:
        chosen = _search(items, need, chosen)
    return tuple(items[at][2] for at in chosen)


Item = tuple[float, int, str]


def _greedy(items: Sequence[Item], need: int) -> list[int]:
    """Returns indices in order of worth a byte until the room is there, less those that prove needless; or the one item
    that is enough and worth least, when that is better."""
    taken: list[int] = []
    room = 0
    for at, (_, size, _) in enumerate(items):
        if room >= need:
            break
        taken.append(at)
        room += size
    for at in sorted(taken, key=lambda at: -items[at][0]):
        if room - items[at][1] >= need:
            taken.remove(at)
            room -= items[at][1]
    single = min((at for at, item in enumerate(items) if item[1] >= need), key=lambda at: items[at][0], default=None)
    if single is not None and items[single][0] < sum(items[at][0] for at in taken):
        return [single]
    return taken


def _search(items: Sequence[Item], need: int, start: list[int]) -> list[int]:
    """Returns the exact cheapest cover: depth first, cut by the fractional bound of what is left."""
    best = sum(items[at][0] for at in start)
    found = start
    count = len(items)
    stack: list[tuple[int, float, int, tuple[int, ...]]] = [(0, 0.0, need, ())]
    for _ in range(STEPS):
        if not stack:
            break
        at, cost, missing, taken = stack.pop()
        if missing <= 0:
            if cost < best:
                best, found = cost, list(taken)
            continue
        bound, left, k = cost, missing, at
        while left > 0 and k < count:
            value, size, _ = items[k]
            bound += value if size <= left else value * left / size
            left -= size
            k += 1
        if left > 0 or bound >= best:
            continue
        value, size, _ = items[at]
        stack.append((at + 1, cost, missing, taken))
        stack.append((at + 1, cost + value, missing - size, (*taken, at)))
    return found
