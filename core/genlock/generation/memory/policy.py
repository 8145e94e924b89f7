"""What leaves when room is needed. Pure: the daemon and the simulator call the very same functions."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Held(Struct, frozen=True):
    """A component that may leave. `reload` are the seconds to bring it back from the tier it would fall to;
    `next_use` how many stages from now the queue needs it (1 the next; None: nobody who waits does); `idle` stages
    since it was used last; `uses` how often it was used."""

    name: str
    bytes: int
    reload: float
    next_use: int | None
    idle: int
    uses: int


def evict(held: Sequence[Held], need: int) -> tuple[str, ...]:
    """Returns the cheapest set that frees at least `need` bytes; all of them when they do not suffice."""
    raise NotImplementedError
