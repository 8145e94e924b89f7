"""What a person would call the edits between two versions whose ids mean the same things.

values  one edit
lanes   where items went: moves, ripples, and which shifts an edit explains
edges   trims and slips; whether the media is long enough
pieces  splits and joins
items   the edits of items
marks   transitions, markers, tracks, settings

The ops that lead from one version to the other are diff.diff's business; these are for reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from genlock.collector import uncollected
from genlock.timeline.changes.items import ItemChanges
from genlock.timeline.changes.marks import markers, settings, tracks, transitions
from genlock.timeline.changes.values import Change, ChangeKind
from genlock.timeline.sequence import Sequence

__all__ = ["Change", "ChangeKind", "changes", "summary"]


def changes(before: Sequence, after: Sequence) -> tuple[Change, ...]:
    """Returns the edits that lead from one version to the other, sequence and tracks first, then by record frame.

    Everything a ripple moved is no edit of its own. Both run at one rate.
    """
    with uncollected():
        return _told(before, after)


def _told(before: Sequence, after: Sequence) -> tuple[Change, ...]:
    items = ItemChanges(before, after)
    came_from = {**items.came_from, **{piece: cut.item for cut in items.joins for piece in cut.made}}
    found = [*items.run(), *transitions(before, after, came_from), *markers(before, after, came_from)]
    found.sort(key=lambda change: (change.at, change.track, change.kind, change.about))
    return (*settings(before, after), *tracks(before, after), *found)


def summary(found: Iterable[Change]) -> dict[str, int]:
    """Returns how many edits there are of each kind, the commonest first."""
    counts = Counter(change.kind for change in found)
    return dict(sorted(counts.items(), key=lambda row: (-row[1], row[0])))
