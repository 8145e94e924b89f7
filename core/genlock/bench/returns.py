"""What a returned file costs: read and written against OpenTimelineIO, merged, and as much memory as a long one takes."""

from __future__ import annotations

from collections.abc import Iterator

from genlock.bench import Result


def run() -> Iterator[Result]:
    """Yields the figures of files and of merging."""
    yield from ()
