"""Small sequences for render tests, and the picture that a plan promises."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from immutables import Map

from genlock.media.service import MediaService
from genlock.project.media import MediaInfo
from genlock.timeline.lane import Lane
from genlock.timeline.model import Item, Media, Resolution, Source, Speed, Track, Transition
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence

SMALL = Resolution(384, 216)
Placed = tuple[int, Item]


def clip(id: str, media: str, source_in: int, duration: int, speed: tuple[int, int] = (1, 1), **more: Any) -> Item:
    rate = more.pop("rate", None)
    source = more.pop("source", None) or Media(media, rate=rate)
    return Item(id, source, duration, name=id, source_in=source_in, speed=Speed(*speed), **more)


def item(id: str, source: Source, duration: int, **more: Any) -> Item:
    return Item(id, source, duration, name=id, **more)


def sequence(
    video: Iterable[Iterable[Placed]] = (),
    audio: Iterable[Iterable[Placed]] = (),
    *,
    rate: Rate = Rate(24),
    transitions: Iterable[Transition] = (),
    id: str = "s",
    resolution: Resolution = SMALL,
    off: Iterable[str] = (),
) -> Sequence:
    """Returns a sequence with free tracks V1.., A1.. from lists of (start, item)."""
    tracks, lanes, items, home, order = {}, {}, {}, {}, []
    for kind, rows in (("video", video), ("audio", audio)):
        for number, row in enumerate(rows, 1):
            track = f"{kind[0].upper()}{number}"
            placed = sorted(row, key=lambda pair: pair[0])
            order.append(track)
            tracks[track] = Track(track, kind=kind, name=track, enabled=track not in off)  # type: ignore[arg-type]
            lanes[track] = Lane.of([(each.id, start, each.duration) for start, each in placed])
            items |= {each.id: each for _, each in placed}
            home |= {each.id: track for _, each in placed}
    return Sequence(
        id=id, rate=rate, resolution=resolution, order=tuple(order), tracks=Map(tracks), lanes=Map(lanes),
        items=Map(items), home=Map(home), transitions=Map({each.key: each for each in transitions}),
    )  # fmt: skip


class Pool:
    """The files a sequence's media ids stand for, and what is known of them."""

    def __init__(self, media: MediaService, files: dict[str, Path]) -> None:
        self.files = files
        self._media = media
        self._known: dict[Path, MediaInfo] = {}

    def resolve(self, item: Item) -> Path | None:
        return self.files.get(getattr(item.source, "media", None) or getattr(item.source, "shot", ""))

    def info(self, path: Path) -> MediaInfo | None:
        if path not in self._known:
            self._known[path] = self._media.probe(path)
        return self._known[path]
