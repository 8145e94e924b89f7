# SPDX-License-Identifier: GPL-3.0-or-later
"""Which channel is home of which track. The layout is the user's: homes move only where the order of tracks asks it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from ..states import Channel
from .book import Value

CHANNELS = 128
"""Channels that Blender has, counted from 1."""
LANES = 2
"""Channels above a home that transitions need: one for the clip that overlaps, one for the effect."""


def settle(
    order: Sequence[str],
    values: Mapping[str, Value],
    homes: Mapping[str, int],
    lanes: Mapping[str, int],
) -> dict[str, int]:
    """Returns a channel for each track of `order`, bottom first, ascending; numbers beyond CHANNELS do not fit.

    `homes` are kept as far as the order allows, `lanes` are channels to leave free above a track. A picture and a sound
    track may share a channel, as they do in `homes`, while both are switched alike.
    """
    kept = _rising(order, values, homes)
    found: dict[str, int] = {}
    top, last = 0, ""
    for track in order:
        want = kept.get(track)
        if want is not None and last and kept.get(last) == want:
            found[track] = found[last]  # the other half of a mixed channel
        else:
            found[track] = top + 1 if want is None else max(want, top + 1)
        top = max(top, found[track] + lanes.get(track, 0))
        last = track
    return found


def _rising(order: Sequence[str], values: Mapping[str, Value], homes: Mapping[str, int]) -> dict[str, int]:
    """Returns the most homes that stand in the order of their tracks."""
    tails: list[int] = []
    ends: list[str] = []
    before: dict[str, str | None] = {}
    for track in order:
        channel = homes.get(track)
        if channel is None or not 1 <= channel <= CHANNELS:
            continue
        at = bisect_right(tails, channel)
        before[track] = ends[at - 1] if at else None
        tails[at : at + 1] = [channel]
        ends[at : at + 1] = [track]
    chosen: list[str] = []
    track_: str | None = ends[-1] if ends else None
    while track_ is not None:
        chosen.append(track_)
        track_ = before[track_]
    kept: dict[str, int] = {}
    place = {track: at for at, track in enumerate(order)}
    last, shared = "", False
    for track in reversed(chosen):
        if last and homes[last] == homes[track]:
            if shared or place[track] != place[last] + 1 or not _alike(values[last], values[track]):
                continue
            shared = True
        else:
            shared = False
        kept[track] = homes[track]
        last = track
    return kept


def _alike(one: Value, other: Value) -> bool:
    """Whether a picture and a sound track can share a channel, which has one switch and one lock."""
    return one.get("kind", "video") != other.get("kind", "video") and all(
        one.get(name, default) == other.get(name, default) for name, default in (("enabled", True), ("locked", False))
    )


def insert(order: Sequence[str], homes: Mapping[str, int], fresh: Iterable[str]) -> list[str]:
    """Returns the order of tracks with new ones where their homes say, above what shares their channel."""
    merged = list(order)
    for track in sorted(fresh, key=lambda each: homes[each]):
        below = [at for at, other in enumerate(merged) if homes.get(other, CHANNELS + 1) <= homes[track]]
        merged.insert(below[-1] + 1 if below else 0, track)
    return merged


def plain_name(name: str) -> str:
    """Returns a channel's name without the number by which Blender tells it from another channel of that name."""
    base, dot, number = name.rpartition(".")
    return base if dot and len(number) >= 3 and number.isdigit() else name


def channel_fields(channel: Channel | None, number: int, mixed: bool, known: str) -> Value:
    """Returns what a channel says of its track, which the model calls `known`. `mixed`: the name is that of the picture
    track it is home of too."""
    if channel is None:
        return {"enabled": True, "locked": False} if mixed else {"name": "", "enabled": True, "locked": False}
    fields: Value = {"enabled": not channel.mute, "locked": channel.lock}
    if not mixed:
        numbered = known and plain_name(channel.name) == known
        fields["name"] = "" if channel.name == default_name(number) else known if numbered else channel.name
    return fields


def channels_of(
    order: Sequence[str],
    values: Mapping[str, Value],
    homes: Mapping[str, int],
    lanes: Mapping[int, set[str]],
    shown: Mapping[int, Channel],
    before: Mapping[str, int],
) -> dict[int, Channel]:
    """Returns the scene's channels: what their tracks say, and what is `shown` where no track has its home.

    `lanes` are the tracks that use a channel beside their home: it is switched as they are, if they agree. Channels that
    were homes `before` and are none any more get their plain name back.
    """
    found = dict(shown)
    told: set[int] = set()
    for number in before.values():
        if number in found and number not in homes.values():
            found[number] = Channel(default_name(number))
    for track in sorted(order, key=lambda each: values[each].get("kind", "video") == "audio"):
        value, number = values[track], homes[track]
        if number not in told:
            told.add(number)
            name = value.get("name") or default_name(number)
            if number in shown and plain_name(shown[number].name) == name:
                name = shown[number].name
            found[number] = Channel(name, not value.get("enabled", True), value.get("locked", False))
    for number, users in lanes.items():
        switched = {(values[t].get("enabled", True), values[t].get("locked", False)) for t in users if t in homes}
        if number not in told and len(switched) == 1:
            enabled, locked = switched.pop()
            old = found.get(number, Channel(default_name(number)))
            found[number] = Channel(old.name, not enabled, locked)
    return found


def default_name(channel: int) -> str:
    """Returns how Blender calls a channel that nobody named."""
    return f"Channel {channel}"
