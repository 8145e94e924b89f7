"""A cut as the events of edit lists: which track goes into which list, what each event names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.events import TrackContent
from genlock.timeline.layout import Row
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Transition
from genlock.timeline.model import Shot as ShotSource
from genlock.timeline.rate import NORMAL
from genlock_otio.edl.reels import AUXILIARY, Reels
from genlock_otio.edl.remarks import STAND_IN
from genlock_otio.edl.speed import Columns, Shown, columns, speed_of
from genlock_otio.edl.speed import shown as read_back
from genlock_otio.outgoing import Outgoing

AUDIO: Final = 4
"""Audio channels a list has."""


class Side(Struct, frozen=True):
    """One clip in an event: `file` is its path, or its media's name. `exact` is what the columns do not tell."""

    reel: str
    item: Item
    said: Columns
    file: str
    exact: str = ""


class Shot(Struct, frozen=True):
    """One event to write; record frames from the sequence's first. `right` None: black. With a `transition`, `left` is
    what it comes from (None: black); `orphan`: the outgoing clip has no event of its own."""

    channel: str
    start: int
    end: int
    right: Side | None
    left: Side | None = None
    transition: Transition | None = None
    orphan: bool = False


def lists(outgoing: Outgoing) -> list[tuple[str, list[tuple[str, TrackContent]]]]:
    """Returns the lists to write as (name suffix, [(channel, track)]): the first picture track with its sound, then a list
    for each further track of pictures and each further four of sound."""
    video = [part for part in outgoing.tracks("video") if any(True for _ in outgoing.rows(part))]
    audio = [part for part in outgoing.tracks("audio") if any(True for _ in outgoing.rows(part))]
    sound = [("A" if n == 0 else f"A{n + 1}", part) for n, part in enumerate(audio[:AUDIO])]
    found = [("", [("V", part) for part in video[:1]] + sound)]
    found += [(f"_V{n}.edl", [("V", part)]) for n, part in enumerate(video[1:], 2)]
    for first in range(AUDIO, len(audio), AUDIO):
        more = audio[first : first + AUDIO]
        channels = [("A" if n == 0 else f"A{n + 1}", part) for n, part in enumerate(more)]
        found.append((f"_A{first + 1}.edl", channels))
    return found


def shots(outgoing: Outgoing, channel: str, part: TrackContent, reels: Reels) -> Iterator[Shot]:
    """Yields the events of one track, in order."""
    previous: tuple[Row, Side] | None = None
    silent = False
    for row in outgoing.rows(part):
        head, tail = outgoing.around(row.item.id)
        start = row.slot.start - (head.in_offset if head else 0)
        end = row.slot.end - (tail.in_offset if tail else 0)
        said, exact = _said(outgoing, row.item, row.slot.start - start, end - start)
        side = replace(_side(outgoing, row.item, said, reels), exact=exact)
        if head is not None:
            left = _ended(outgoing, *previous, start) if head.left is not None and previous is not None else None
            yield Shot(channel, start, end, side, left, head, silent and left is not None)
        elif end > start:
            yield Shot(channel, start, end, side)
        silent = head is None and end == start
        if tail is not None and tail.right is None:
            length = tail.in_offset + tail.out_offset
            yield Shot(channel, end, end + length, None, _ended(outgoing, row, side, end), tail, silent)
        previous = row, side


def _ended(outgoing: Outgoing, row: Row, side: Side, at: int) -> Side:
    """Returns an item as the outgoing side of a transition that starts at `at`: where its source stands then."""
    said, exact = _said(outgoing, row.item, row.slot.start - at, 0)
    return replace(side, said=said, exact=exact)


def _said(outgoing: Outgoing, item: Item, lead: int, length: int) -> tuple[Columns, str]:
    """Returns the source columns of an item's event, and what they do not tell of it."""
    rate = outgoing.rate
    own = Shown(item.source_in, item.speed, outgoing.source_rate(item))
    said = columns(own, rate, lead, length)
    speed = speed_of(said.motion, rate) if said.motion else NORMAL
    if said.low >= 0 and read_back(said.low, said.span, speed, rate, lead, length) == own:
        return said, ""
    parts = [f"in={own.source_in}"]
    if own.speed != speed:
        parts.append(f"speed={own.speed.num}/{own.speed.den}")
    if own.rate != rate:
        parts.append(f"rate={own.rate.num}/{own.rate.den}")
    return said, " ".join(parts)


def _side(outgoing: Outgoing, item: Item, said: Columns, reels: Reels) -> Side:
    file = outgoing.file(item)
    if file is None:
        match item.source:
            case Generator(generator=kind):
                title = kind
            case Nested(sequence=id_):
                inner = outgoing.nested(id_)
                title = inner.name if inner else id_
            case ShotSource(shot=id_) | Media(media=id_):
                title = id_
            case Gap():
                title = ""
            case _:
                assert_never(item.source)
        reel = STAND_IN if isinstance(item.source, Generator | Nested) else AUXILIARY
        return Side(reel, item, said, _name_only(title))
    edl = item.foreign.get("edl")
    kept = edl if isinstance(edl, dict) and edl.get("of") == file.id else {}
    wanted = kept["reel"] if isinstance(kept.get("reel"), str) else ""
    reel = AUXILIARY if wanted.upper() == AUXILIARY else reels.name(file.id, file.name or file.path, wanted)
    return Side(reel, item, said, file.path or _name_only(file.name))


def _name_only(title: str) -> str:
    """Returns a name that does not look like a path."""
    return title.replace("/", "_").replace("\\", "_")


def markers_within(markers: list[Marker], ends: list[int]) -> list[list[Marker]]:
    """Returns the markers for each event that ends at `ends` (sorted): the first one that ends behind it, else the last."""
    found: list[list[Marker]] = [[] for _ in ends]
    at = 0
    for marker in sorted(markers, key=lambda m: (m.start, m.id)):
        while at < len(ends) - 1 and ends[at] <= marker.start:
            at += 1
        found[at].append(marker)
    return found
