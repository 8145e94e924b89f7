"""A cut on its way out: what every writer needs to know of it, and where it notes what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from genlock.project.media import MediaFile
from genlock.timeline.events import Content, TrackContent
from genlock.timeline.lane import Slot
from genlock.timeline.layout import Row
from genlock.timeline.model import Gap, Item, Marker, Media, Shot, Transition, transition_key
from genlock.timeline.rate import Rate
from genlock_otio.references import rate_of_source
from genlock_otio.values import Loss, LossRow, Tag

NAMES = 10
"""Names shown of each kind of loss."""


class Written(Struct, frozen=True):
    """What a writer made: the file's bytes, further files of the same export (name suffix such as "_V2.edl" -> bytes)
    where the format holds one track a file, and what the format does not carry."""

    data: bytes
    loss: Loss = Loss()
    more: tuple[tuple[str, bytes], ...] = ()


class Outgoing:
    """One cut to write.

    `media` is the pool (id -> file); `takes` finds the file of a shot's take (None: the selected one); `nested` the
    content of a nested sequence. `tag` names the sequence, version and export, for the file to carry back. `ids`: our ids
    are to ride even where people see them (as markers).
    """

    def __init__(
        self,
        content: Content,
        *,
        media: Mapping[str, MediaFile],
        takes: Callable[[str, str | None], MediaFile | None] = lambda _shot, _take: None,
        nested: Callable[[str], Content | None] = lambda _sequence: None,
        tag: Tag = Tag(),
        suffix: str = "",
        ids: bool = False,
    ) -> None:
        self.content = content
        self.media = media
        self.takes = takes
        self.nested = nested
        self.tag = tag
        self.suffix = suffix
        self.ids = ids
        self._lost: dict[str, list[str]] = {}

    def within(self, content: Content) -> Outgoing:
        """Returns a nested sequence to write into the same file: its losses are noted here."""
        inner = Outgoing(
            content, media=self.media, takes=self.takes, nested=self.nested, tag=self.tag, suffix=self.suffix
        )
        inner._lost = self._lost
        return inner

    @property
    def rate(self) -> Rate:
        return self.content.rate

    def lost(self, what: str, name: str) -> None:
        """Notes one thing that the file does not carry."""
        self._lost.setdefault(what, []).append(name)

    def loss(self) -> Loss:
        """Returns everything noted, one row a kind."""
        return Loss(tuple(LossRow(what, len(n), tuple(n[:NAMES])) for what, n in sorted(self._lost.items())))

    def tracks(self, kind: str) -> list[TrackContent]:
        """Returns the tracks of a kind, bottom first."""
        return [part for part in self.content.tracks if part.track.kind == kind]

    def rows(self, part: TrackContent) -> Iterator[Row]:
        """Yields what lies on a track, in order: start and end in frames from the sequence's first, and the empty frames
        before it. Gap items are room like any other here: they are not yielded."""
        end = cursor = 0
        for placed in part.items:
            start = cursor if placed.start is None else placed.start
            cursor = start + placed.item.duration
            if isinstance(placed.item.source, Gap):
                continue
            yield Row(Slot(placed.item.id, start, placed.item.duration), placed.item, start - end)
            end = cursor

    def file(self, item: Item) -> MediaFile | None:
        """Returns the file the item shows: the pool's, or its take's. None for generators, nested sequences, shots
        without a take and media that is not in the pool."""
        match item.source:
            case Media(media=id_):
                return self.media.get(id_)
            case Shot(shot=shot, take=take):
                return self.takes(shot, take)
            case _:
                return None

    def source_rate(self, item: Item) -> Rate:
        """Returns the rate the item's source counts in."""
        return rate_of_source(item.source) or self.rate

    @cached_property
    def _transitions(self) -> dict[str, Transition]:
        return {transition.key: transition for transition in self.content.transitions}

    def transition(self, left: str | None, right: str | None) -> Transition | None:
        """Returns the transition between two neighbours (None: the edge of what is there)."""
        return self._transitions.get(transition_key(left, right))

    def around(self, item: str) -> tuple[Transition | None, Transition | None]:
        """Returns the transitions at the item's head and tail."""
        return self._heads.get(item), self._tails.get(item)

    @cached_property
    def _heads(self) -> dict[str, Transition]:
        return {t.right: t for t in self.content.transitions if t.right is not None}

    @cached_property
    def _tails(self) -> dict[str, Transition]:
        return {t.left: t for t in self.content.transitions if t.left is not None}

    @cached_property
    def _markers(self) -> dict[str | None, list[Marker]]:
        found: dict[str | None, list[Marker]] = {}
        for marker in self.content.markers:
            found.setdefault(marker.item, []).append(marker)
        return found

    def markers(self, item: str | None) -> list[Marker]:
        """Returns the markers of an item, or of the sequence itself (None), in order."""
        return self._markers.get(item, [])
