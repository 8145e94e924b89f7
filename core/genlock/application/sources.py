"""Sources that a host names by their media alone, completed with what the pool knows."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from msgspec import UNSET
from msgspec.structs import replace

from genlock.project.media import MediaFile, MediaInfo
from genlock.timeline.laid import Arrangement, Laid
from genlock.timeline.model import Item, Media, Nested, Shot, Source, available_range, source_range
from genlock.timeline.rate import NORMAL, Rate
from genlock.timeline.sequence import Sequence


def completed(arrangement: Arrangement, base: Sequence, pool: Mapping[str, MediaFile]) -> Arrangement:
    """Returns the arrangement with the available range of each source that was told without one.

    What an item shows in base already keeps the range that it has there. The range of media is what the probe found:
    `first` is the frame number of the embedded timecode, or of the first of numbered images; stills have no end. An item
    that would show more than there is keeps its source without a range: a host may hold the last picture.
    """
    laid = {
        id_: replace(told, source=_whole(id_, told, base, pool))
        for id_, told in arrangement.items.items()
        if told is not None and told.source is not UNSET and _bare(told.source)
    }
    return replace(arrangement, items={**arrangement.items, **laid}) if laid else arrangement


def _bare(source: Source) -> bool:
    return isinstance(source, Media | Shot | Nested) and (source.first, source.frames, source.rate) == (0, None, None)


def _whole(id_: str, told: Laid, base: Sequence, pool: Mapping[str, MediaFile]) -> Source:
    source, old = told.source, base.items.get(id_)
    assert source is not UNSET
    was = old.source if old is not None else None
    if isinstance(was, Media | Shot | Nested) and replace(was, first=0, frames=None, rate=None) == source:
        return was if _fits(id_, told, old, was, base.rate) else source
    file = pool.get(source.media) if isinstance(source, Media) else None
    if file is None or file.info is None or not isinstance(source, Media):
        return source
    found = _ranged(source, file.info, base.rate)
    return found if _fits(id_, told, old, found, base.rate) else source


def _ranged(source: Media, info: MediaInfo, rate: Rate) -> Media:
    """Returns the source with all that the file holds; sound is counted in frames of the sequence."""
    if info.kind == "image":
        return source
    if info.kind == "audio":
        long = max(
            (ceil(one.samples * rate.num / (one.sample_rate * rate.den)) for one in info.audio if one.sample_rate),
            default=0,
        )
        return replace(source, frames=long or None)
    return replace(source, first=info.start, frames=info.frames or None, rate=None if info.rate == rate else info.rate)


def _fits(id_: str, told: Laid, old: Item | None, source: Media | Shot | Nested, rate: Rate) -> bool:
    """Returns whether the item would show frames of the source only that exist."""
    duration = told.duration if told.duration is not UNSET else old.duration if old else 1
    source_in = told.source_in if told.source_in is not UNSET else old.source_in if old else source.first
    speed = told.speed if told.speed is not UNSET else old.speed if old else NORMAL
    item = Item(id_, source, max(1, duration), source_in=source_in, speed=speed)
    there = available_range(item)
    if there is None or speed.den < 1:  # what is no speed is refused with the item
        return True
    low, high = source_range(item, rate)
    return there[0] <= low and high <= there[1]
