"""The jobs that wait, in the order in which they run: by priority, then by when they were queued."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from heapq import merge

from genlock.generation.engine import LANES, Lane
from genlock.project.job import JobState

Key = tuple[int, int, str]


class WaitingLine:
    """Ids of jobs, those of each lane apart: who has room on one lane does not look through those of the others, which
    may be many thousands."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Lane, Key]] = {}
        self._lines: dict[Lane, list[Key]] = {lane: [] for lane in LANES}

    def __len__(self) -> int:
        return len(self._known)

    def add(self, job: JobState, on: Lane) -> None:
        """Adds a job at its place on a lane; one that is here already changes over to it."""
        self.discard(job.id)
        key = -job.priority, job.position, job.id
        self._known[job.id] = on, key
        insort(self._lines[on], key)

    def discard(self, job: str) -> None:
        """Takes a job away if it is here."""
        known = self._known.pop(job, None)
        if known is not None:
            on, key = known
            del self._lines[on][bisect_left(self._lines[on], key)]

    def clear(self) -> None:
        """Takes all away."""
        self._known.clear()
        for line in self._lines.values():
            line.clear()

    def __contains__(self, job: str) -> bool:
        return job in self._known

    def ids(self, *lanes: Lane) -> Iterator[str]:
        """Yields those of some lanes, or of all, the next first, as they are at the first step."""
        for key in merge(*[tuple(self._lines[lane]) for lane in lanes or LANES]):
            yield key[2]
