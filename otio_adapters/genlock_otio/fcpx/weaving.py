"""One sequence as a storyline: the lowest video track is the spine, the others are connected to what they start over."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from fractions import Fraction
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from msgspec import Struct

from genlock.timeline.events import TrackContent
from genlock.timeline.model import Gap, Item, Track, Transition
from genlock_otio.fcpx.clipping import Clipper
from genlock_otio.fcpx.marks import write_mark
from genlock_otio.fcpx.notes import write_note
from genlock_otio.fcpx.pairs import pairs_of, sounding
from genlock_otio.fcpx.pool import CROSSFADE, DISSOLVE, Pool
from genlock_otio.fcpx.reader import SOUND
from genlock_otio.fcpx.seconds import ZERO, of_frames, written
from genlock_otio.fcpx.timing import Place
from genlock_otio.fcpx.tracks import KEY, Told, tell
from genlock_otio.fcpx.trees import grow
from genlock_otio.outgoing import Outgoing


class _Laid(Struct):
    """What lies on a track: an item, or room (None)."""

    start: int
    duration: int
    item: Item | None

    @property
    def end(self) -> int:
        return self.start + self.duration


class Weaver:
    """Writes one sequence."""

    def __init__(self, outgoing: Outgoing, pool: Pool, compound: Any) -> None:
        self.outgoing, self.pool = outgoing, pool
        self.rate = outgoing.rate
        self.content = outgoing.content
        self.pairs = pairs_of(outgoing)
        self.sounds = {picture: pair.item.id for picture, pair in self.pairs.items()}
        self.clipper = Clipper(outgoing, pool, compound, self.pairs)
        self.first = of_frames(self.content.start_frame, self.rate)
        self._spine: list[tuple[int, Element, Place]] = []
        self._starts: list[int] = []

    def write(self, parent: Element, id_: str, facts: dict[str, Any]) -> None:
        """Writes the `sequence` element below `parent`; its note says `id_` and the facts. What tracks have beyond lanes
        stands in the metadata, and in the note as well: nobody knows which of the two another program keeps."""
        content = self.content
        kept = content.foreign.get("fcpx")
        about = kept if isinstance(kept, dict) else {}
        made = SubElement(parent, "sequence", format=self.pool.format(self.rate, content.resolution))
        end = self._end()
        made.set("duration", written(of_frames(end, self.rate)))
        made.set("tcStart", written(self.first))
        made.set("tcFormat", "DF" if content.drop_frame else "NDF")
        attributes = about.get("attributes")
        for key, default in SOUND.items():
            value = attributes.get(key, default) if isinstance(attributes, dict) else default
            if isinstance(value, str):
                made.set(key, value)
        tracks = [("video", n, part) for n, part in enumerate(self.outgoing.tracks("video"))]
        tracks += [("audio", -n - 1, part) for n, part in enumerate(self.outgoing.tracks("audio"))]
        told = tell([_told(lane, part.track) for _, lane, part in tracks])
        text = about.get("note")
        SubElement(made, "note").text = write_note(
            text if isinstance(text, str) else "", id_, {**facts, "tracks": told}
        )
        spine = SubElement(made, "spine")
        self._primary(spine, tracks[0][2] if tracks and tracks[0][0] == "video" else None, end)
        for kind, lane, part in tracks:
            if lane:
                self._connected(kind, lane, part)
        for marker in self.outgoing.markers(None):
            _, element, where = self._anchor(marker.start)
            local = where.local(of_frames(marker.start, self.rate))
            write_mark(element, marker, local, of_frames(max(1, marker.duration), self.rate))
        SubElement(SubElement(made, "metadata"), "md", key=KEY, value=told, type="string", displayName="Genlock tracks")

    def _end(self) -> int:
        """Returns the length of the spine: of all there is, markers and what fades beyond the last clip included."""
        ends = [marker.start + 1 for marker in self.outgoing.markers(None)]
        for part in self.content.tracks:
            rows = list(_laid(part))
            if rows:
                tail = self.outgoing.around(rows[-1].item.id)[1] if rows[-1].item is not None else None
                ends.append(rows[-1].end + (tail.out_offset if tail is not None and tail.right is None else 0))
        return max(ends, default=0)

    # -- the primary storyline

    def _primary(self, spine: Element, part: TrackContent | None, end: int) -> None:
        cursor = 0
        rows: list[_Laid] = []
        for row in _laid(part) if part is not None else ():
            if row.start > cursor:
                rows.append(_Laid(cursor, row.start - cursor, None))
            rows.append(row)
            cursor = row.end
        if cursor < end:
            rows.append(_Laid(cursor, end - cursor, None))
        enabled = part is None or part.track.enabled
        self._story(spine, rows, "video", enabled, self.first, self._spine)
        self._starts = [start for start, _, _ in self._spine]

    def _story(
        self,
        spine: Element,
        rows: list[_Laid],
        kind: str,
        enabled: bool,
        zero: Fraction,
        anchors: list[tuple[int, Element, Place]] | None = None,
    ) -> None:
        """Fills a storyline with rows that lie side by side; `zero` is its own time at its first frame."""
        base = rows[0].start if rows else 0
        for number, row in enumerate(rows):
            item = row.item
            if item is not None and not isinstance(item.source, Gap):
                head, tail = self.outgoing.around(item.id)
                if head is not None:
                    self._transition(spine, head, row.start, base, kind, zero, number == 0)
            element, where = self._element(row, kind, enabled)
            element.set("offset", written(zero + of_frames(row.start - base, self.rate)))
            spine.append(element)
            if anchors is not None:
                anchors.append((row.start, element, where))
            if item is not None and not isinstance(item.source, Gap) and tail is not None and tail.right is None:
                self._transition(spine, tail, row.end, base, kind, zero, False)

    def _element(self, row: _Laid, kind: str, enabled: bool) -> tuple[Element, Place]:
        if row.item is not None:
            return self.clipper.make(row.item, row.start, kind, enabled)
        made = Element("gap", name="Gap", start="0s", duration=written(of_frames(row.duration, self.rate)))
        SubElement(made, "note").text = write_note("", "", {"filler": 1})
        return made, Place(of_frames(row.start, self.rate), ZERO)

    def _transition(
        self, spine: Element, one: Transition, cut: int, base: int, kind: str, zero: Fraction, leading: bool
    ) -> None:
        before = one.in_offset
        if leading and before:
            self.outgoing.lost("part of a fade before its clip", one.name or one.kind)
            before = 0
        if before + one.out_offset == 0:
            return
        made = SubElement(spine, "transition")
        kept = one.foreign.get("fcpx")
        trees = [t for t in kept if isinstance(t, dict) and "effect" in t] if isinstance(kept, list) else []
        if one.name:
            made.set("name", one.name)
        made.set("offset", written(zero + of_frames(cut - base - before, self.rate)))
        made.set("duration", written(of_frames(before + one.out_offset, self.rate)))
        self._filters(made, one, kind, trees)
        facts = {"kind": one.kind, "name": one.name, "plain": None if trees else 1}
        SubElement(
            SubElement(made, "metadata"), "md", key="com.genlock.transition", value=write_note("", "", dict(facts))
        )

    def _filters(self, made: Element, one: Transition, kind: str, trees: list[Any]) -> None:
        picture = next((t for t in trees if t.get("tag") == "filter-video"), None)
        sound = next((t for t in trees if t.get("tag") == "filter-audio"), None)
        wanted = kind == "audio" or self._sounds(one)
        if kind == "video":
            if picture is not None:
                grow(made, picture, self.pool.effect, {}, self.pool.style)
            else:
                SubElement(made, "filter-video", ref=self.pool.effect(DISSOLVE), name=str(DISSOLVE["name"]))
        apart = any(side is not None and side not in self.sounds for side in (one.left, one.right))
        if sound is not None and (wanted or apart):
            grow(made, sound, self.pool.effect, {}, self.pool.style)
        elif wanted:
            SubElement(made, "filter-audio", ref=self.pool.effect(CROSSFADE), name=str(CROSSFADE["name"]))

    def _sounds(self, one: Transition) -> bool:
        """Returns whether the sound that lies in the clips beside a transition has it too."""
        sides = [None if side is None else self.sounds.get(side, "") for side in (one.left, one.right)]
        if "" in sides:
            return False
        its = self.outgoing.transition(sides[0], sides[1])
        return its is not None and sounding(one, its, self.sounds)

    # -- what is connected

    def _connected(self, kind: str, lane: int, part: TrackContent) -> None:
        within = {pair.item.id for pair in self.pairs.values()}
        track = part.track
        rows = [row for row in _laid(part) if row.item is None or row.item.id not in within]
        if track.placement == "magnetic" and rows:
            closed = self._closed(rows)
            self._storyline(kind, lane, self._led(closed, 0), track.enabled)
            return
        end = 0
        for group in self._groups(rows):
            items = [row.item.id for row in group if row.item is not None]
            if len(group) == 1 and not any(self.outgoing.around(items[0])):
                element, _ = self.clipper.make(_item(group[0]), group[0].start, kind, track.enabled)
                self._anchored(element, group[0].start, lane)
            else:
                self._storyline(kind, lane, self._led(group, end), track.enabled)
            end = group[-1].end

    def _closed(self, rows: list[_Laid]) -> list[_Laid]:
        """Fills the room that sounds written with their pictures left on a magnetic track."""
        found: list[_Laid] = []
        for row in rows:
            end = found[-1].end if found else 0
            if row.start > end:
                found.append(_Laid(end, row.start - end, None))
            found.append(row)
        return found

    def _groups(self, rows: list[_Laid]) -> Iterator[list[_Laid]]:
        """Yields the rows of a free track, those joined by a transition together."""
        group: list[_Laid] = []
        for row in rows:
            joined = bool(group) and self.outgoing.transition(_item(group[-1]).id, _item(row).id) is not None
            if group and not joined:
                yield group
                group = []
            group.append(row)
        if group:
            yield group

    def _led(self, group: list[_Laid], end: int) -> list[_Laid]:
        """Adds the room that fades reaching out of a storyline need; `end` is where the track's last one ended."""
        first, last = group[0], group[-1]
        head = self.outgoing.around(first.item.id)[0] if first.item is not None else None
        tail = self.outgoing.around(last.item.id)[1] if last.item is not None else None
        if head is not None and head.left is None and 0 < head.in_offset <= first.start - end:
            group = [_Laid(first.start - head.in_offset, head.in_offset, None), *group]
        if tail is not None and tail.right is None and tail.out_offset > 0:
            group = [*group, _Laid(last.end, tail.out_offset, None)]
        return group

    def _storyline(self, kind: str, lane: int, rows: list[_Laid], enabled: bool) -> None:
        made = Element("spine", format=self.pool.format(self.rate, self.content.resolution))
        self._story(made, rows, kind, enabled, ZERO)
        self._anchored(made, rows[0].start, lane)

    def _anchored(self, element: Element, start: int, lane: int) -> None:
        _, parent, where = self._anchor(start)
        element.set("lane", str(lane))
        element.set("offset", written(where.local(of_frames(start, self.rate))))
        parent.append(element)

    def _anchor(self, frame: int) -> tuple[int, Element, Place]:
        return self._spine[max(0, bisect_right(self._starts, frame) - 1)]


def _laid(part: TrackContent) -> Iterator[_Laid]:
    cursor = 0
    for placed in part.items:
        start = cursor if placed.start is None else placed.start
        cursor = start + placed.item.duration
        yield _Laid(start, placed.item.duration, placed.item)


def _item(row: _Laid) -> Item:
    assert row.item is not None
    return row.item


def _told(lane: int, track: Track) -> Told:
    return Told(lane, track.kind, track.id, track.name, track.placement, track.enabled, track.locked, track.sync_lock)
