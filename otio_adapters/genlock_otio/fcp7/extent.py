"""How long a cut is."""

from __future__ import annotations

from genlock.timeline.events import Content
from genlock.timeline.model import Gap


def length_of(content: Content) -> int:
    """Returns the frames to the end of the last item; a Gap at the end is no item to Final Cut."""
    longest = 0
    for part in content.tracks:
        cursor = 0
        for placed in part.items:
            cursor = (cursor if placed.start is None else placed.start) + placed.item.duration
            if not isinstance(placed.item.source, Gap):
                longest = max(longest, cursor)
    return longest
