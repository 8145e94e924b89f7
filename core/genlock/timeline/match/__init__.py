"""Which thing of a returned cut is which of the cut that went out, though its ids were lost on the way.

values    what matching answers
files     which file is which: paths, relinked folders
sides     both cuts as columns, and the board every rung writes into
exact     ids that came back; the same piece of the same media
near      the same media with frames in common; the same slot
order     longest rising runs, pairing without crossing
marks     Gap items and markers
doubts    origins of new items, and pairs that are a guess
adoption  the returned cut with the base's ids

docs/why/exchange.md has the figures.
"""

from __future__ import annotations

from collections import Counter

from genlock.collector import uncollected
from genlock.timeline.match.adoption import adopt
from genlock.timeline.match.doubts import origins, unsure
from genlock.timeline.match.exact import back_in_place, by_content, by_id
from genlock.timeline.match.marks import gaps, markers
from genlock.timeline.match.near import Near
from genlock.timeline.match.sides import Board, Keys, Side
from genlock.timeline.match.values import Matching, PathOf, Rung, name_of, named
from genlock.timeline.sequence import Sequence

__all__ = ["Matching", "PathOf", "Rung", "adopt", "match", "name_of", "named", "overlap"]


def match(
    base: Sequence, returned: Sequence, *, base_path: PathOf, path: PathOf, told: frozenset[str] = frozenset()
) -> Matching:
    """Returns which thing of `returned` is which of `base`.

    Both run at one rate. `base_path` and `path` tell where the media of either lies; `told` are the ids that came back
    in the file, the others were made up in reading. The same cuts always give the same answer.
    """
    with uncollected():
        return _matched(base, returned, base_path, path, told)


def _matched(base: Sequence, returned: Sequence, base_path: PathOf, path: PathOf, told: frozenset[str]) -> Matching:
    here, there = Side(base), Side(returned)
    board = Board(here, there, Keys(here, there, base_path, path), told)
    by_id(board)
    by_content(board)
    back_in_place(board)
    near = Near(board)
    near.run()
    board.find_tracks()
    items = {there.ids[r]: here.ids[b] for r, b in enumerate(board.known) if b >= 0}
    rungs: dict[str, Rung] = {there.ids[r]: _said(board, r, rung) for r, rung in enumerate(board.rungs) if rung}
    made = origins(board)
    holes = gaps(board)
    return Matching(
        tracks={returned.order[t]: base.order[b] for t, b in enumerate(board.lane) if b >= 0},
        items={**items, **holes},
        markers=markers(board, items, made),
        rungs={**rungs, **dict.fromkeys(holes, "slot")},
        unsure=unsure(board, near),
        origins=made,
        media=board.keys.media,
    )


def _said(board: Board, r: int, rung: Rung) -> Rung:
    """Returns the rung as it is told: what only seems to be the same media was replaced."""
    return "slot" if rung != "id" and board.returned.media[r] in board.keys.renamed else rung


def overlap(base: Sequence, returned: Sequence, *, base_path: PathOf, path: PathOf) -> float:
    """Returns how much of two cuts is the same, 0 to 1: equal pieces count whole, other pieces of one media a third.

    Ids do not count. It finds the version a file without a note of its own was exported from.
    """
    here, there = Side(base), Side(returned)
    Board(here, there, Keys(here, there, base_path, path), frozenset())
    most = max(len(here), len(there))
    if not most:
        return 1.0
    equal = (Counter(here.exact) & Counter(there.exact)).total()
    related = (Counter(here.media) & Counter(there.media)).total()
    return (equal + max(0, related - equal) / 3) / most
