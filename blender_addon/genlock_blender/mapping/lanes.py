# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels for strips that overlap: the later one of a transition and its effect lie above the track's home."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from .tracks import CHANNELS

Span = tuple[int, int]
UNSEEN: Final = ""
"""In place of the track of what is no picture: other strips may pass over it."""


class Channels:
    """Which frames of which channel are taken, and by which track."""

    def __init__(self) -> None:
        self._rows: dict[int, list[tuple[int, int, str]]] = {}

    def fill(self, rows: Iterable[tuple[int, int, int, str]]) -> None:
        """Takes (channel, left, right, track) at once."""
        for channel, left, right, track in rows:
            self._rows.setdefault(channel, []).append((left, right, track))
        for row in self._rows.values():
            row.sort()

    def take(self, channel: int, span: Span, track: str) -> None:
        insort(self._rows.setdefault(channel, []), (*span, track))

    def drop(self, channel: int, span: Span, track: str) -> None:
        self._rows[channel].remove((*span, track))

    def over(self, channel: int, span: Span) -> Iterator[str]:
        """Yields the tracks of what lies in the span; rows do not overlap each other."""
        row = self._rows.get(channel)
        if not row:
            return
        at = bisect_left(row, (span[0],))
        if at and row[at - 1][1] > span[0]:
            yield row[at - 1][2]
        while at < len(row) and row[at][0] < span[1]:
            yield row[at][2]
            at += 1

    def free(self, channel: int, span: Span) -> bool:
        return next(self.over(channel, span), None) is None

    def clear(self, track: str, home: int, lane: int, span: Span) -> bool:
        """Whether a strip can lie away from its home without passing over or under another track's."""
        if not (1 <= lane <= CHANNELS and 1 <= home <= CHANNELS):
            return False
        between = range(home + 1, lane) if lane > home else range(lane + 1, home)
        return all(other in (track, UNSEEN) for channel in between for other in self.over(channel, span))

    def fits(self, track: str, home: int, lane: int, span: Span) -> bool:
        """Whether a strip can lie there."""
        return self.clear(track, home, lane, span) and self.free(lane, span)


class Join(NamedTuple):
    """A transition to lay out: `right` is the item that overlaps, `effect` the key of the effect strip."""

    key: str
    track: str
    left: str
    right: str
    effect: str
    span: Span
    """The frames where both show."""


class Layout(NamedTuple):
    """Channels of the later items and of the effects by key, and the joins that found no room."""

    channels: dict[str, int]
    failed: list[Join]


def lay(
    joins: list[Join],
    spans: Mapping[str, Span],
    fixed: Iterable[tuple[int, int, int, str]],
    homes: Mapping[str, int],
    bounds: Mapping[str, int],
    present: Mapping[str, tuple[int, ...]],
) -> Layout:
    """Returns channels for the joins, which are in order of time.

    `spans` are the frames of each item with its handles, `fixed` the strips on their homes as (channel, left, right,
    track), `bounds` the channel below which a track must stay, `present` the channels that a key would rather have.
    """
    grid = Channels()
    grid.fill(fixed)
    taken = frozenset(homes.values())
    found: dict[str, int] = {}
    failed: list[Join] = []
    for each in joins:
        home, bound = homes[each.track], bounds[each.track]
        lanes = [lane for lane in range(home + 1, min(bound, home + 8, CHANNELS + 1)) if lane not in taken]
        span = spans[each.right]
        left = found.get(each.left, home)
        wishes = (*present.get(each.right, ()), home, *lanes)
        channel = next((lane for lane in wishes if grid.fits(each.track, home, lane, span)), None)
        if channel is None:
            failed.append(each)
            continue
        low = max(left, channel)
        wishes = (*present.get(each.effect, ()), *lanes)
        above = (lane for lane in wishes if lane > low and grid.fits(each.track, home, lane, each.span))
        effect = next(above, None)
        if effect is None:
            failed.append(each)
            continue
        found[each.right], found[each.effect] = channel, effect
        grid.take(channel, span, each.track)
        grid.take(effect, each.span, each.track)
    for each in joins:
        if each.right in found:
            home = homes[each.track]
            if not all(
                grid.clear(each.track, home, found[key], spans.get(key, each.span)) for key in (each.right, each.effect)
            ):
                failed.append(each)
    return Layout(found, failed)
