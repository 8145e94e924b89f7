"""Rows in seconds become a draft's tracks, items, markers and transitions, on the sequence's frames."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from genlock.timeline.model import Gap, Nested
from genlock.timeline.rate import NORMAL, Rate, Speed
from genlock_otio.draft import Draft, DraftTrack
from genlock_otio.fcpx.clips import Kept
from genlock_otio.fcpx.marks import Mark
from genlock_otio.fcpx.notes import read_note
from genlock_otio.fcpx.resources import Resources
from genlock_otio.fcpx.seconds import ZERO, in_frames
from genlock_otio.fcpx.story import Cut, Row, Story
from genlock_otio.fcpx.timing import IDENTITY, ONE, Line, Place
from genlock_otio.fcpx.tracks import Lane, Told, in_order, placement_of
from genlock_otio.fcpx.trees import kept_tree
from genlock_otio.keeping import Json
from genlock_otio.times import Exact, rounded, whole


def fill(draft: Draft, story: Story, told: dict[Lane, Told] | None) -> None:
    """Puts what a story holds into a draft; `told` are the tracks the file tells of, None where it tells nothing."""
    _Filling(draft, story, told).fill()


class _Filling:
    def __init__(self, draft: Draft, story: Story, told: dict[Lane, Told] | None) -> None:
        self.draft, self.story, self.told = draft, story, told
        self.rate = draft.rate
        self.fps = draft.rate.fraction
        self.ids: dict[int, str] = {}

    def fill(self) -> None:
        lanes: dict[Lane, list[Row]] = {}
        for row in self.story.rows:
            lanes.setdefault((row.kind, row.lane), []).append(row)
        spine = lanes.get(("video", 0), [])
        others = len(lanes) > bool(spine)
        room = others if self.told is None else ("video", 0) not in self.told
        if room and all(isinstance(row.source, Gap) for row in spine):
            for row in lanes.pop(("video", 0), []):  # sound only: the storyline is nothing but room
                self._marks(row, self.rate)
        elif self.told is None:
            lanes.setdefault(("video", 0), [])
        for lane in in_order(set(lanes) | set(self.told or ())):
            self._track(lane, lanes.get(lane, []))
        for cut in self.story.cuts:
            self._transition(cut)

    def _track(self, lane: Lane, rows: list[Row]) -> None:
        row = None if self.told is None else self.told.get(lane)
        rows, apart = _joined(rows, 1 / self.fps)
        placement = placement_of(lane, row) if apart else "free"
        if placement == "magnetic":
            rows = self._closed(rows)
        about = row or Told(lane[1], lane[0])
        made = self.draft.track(
            lane[0], about.name, enabled=about.enabled, locked=about.locked, id=about.id, placement=placement
        )
        made.track = replace(made.track, sync_lock=about.sync_lock)
        for one in rows:
            if isinstance(one.source, Gap) and placement == "free":
                self._marks(one, self.rate)
            else:
                self._add(made, one, about.enabled)

    def _closed(self, rows: list[Row]) -> list[Row]:
        """Fills the room of a magnetic track, and takes away what only closed a storyline for something connected."""
        while rows and isinstance(rows[-1].source, Gap) and "filler" in rows[-1].kept.facts:
            self._marks(rows.pop(), self.rate)
        closed: list[Row] = []
        end = ZERO
        for row in rows:
            if row.at != end and row.at > end:
                self.draft.bound(self.frames(row.at), row.name)
                closed.append(Row("video", 0, Place(end, ZERO), row.at - end, "", Gap(), Kept("", False, {}, {}, ())))
            closed.append(row)
            end = row.at + row.length
        return closed

    def _add(self, track: DraftTrack, row: Row, track_enabled: bool) -> None:
        own = row.own or self.rate
        speed, first = self._shown(row, own)
        self.draft.bound(first, row.name)
        about = row.kept.about
        effects = row.kept.effects if row.ramp is None else (*row.kept.effects, self._ramp(row, speed, first))
        name = "" if isinstance(row.source, Gap) and row.name == "Gap" and not row.kept.ours else row.name
        made = track.add(
            self.frames(row.at),
            self.frames(row.length),
            row.source,
            name=name,
            first=first,
            speed=speed,
            enabled=row.enabled or (not track_enabled and row.kept.facts.get("enabled") == "1"),
            effects=effects,
            link=row.link,
            id=row.kept.id,
            foreign={"fcpx": about} if about else None,
        )
        self.ids[id(row)] = made
        self._marks(row, own, made)

    def _shown(self, row: Row, own: Rate) -> tuple[Speed, Exact]:
        """Returns the speed, and the lowest source frame shown, as exactly as the file says it."""
        if row.line is IDENTITY and row.place.scale is ONE and row.first is ZERO:
            return NORMAL, in_frames(row.place.start, own)
        slope = row.line.slope * row.place.scale
        into = (row.line.at(row.place.start) - row.first) * own.fraction
        if slope >= 0:
            return Speed.of(slope), whole(into)
        # played backwards the time a clip begins with is the end of the frame it shows first
        count = rounded(self.frames(row.at + row.length)) - rounded(self.frames(row.at))
        back = -slope * own.fraction / self.fps * (max(count, 1) - 1)
        return Speed.of(slope), whole(into - 1 + (-back.numerator // back.denominator))

    def _ramp(self, row: Row, speed: Speed, first: Exact) -> Json:
        assert row.ramp is not None
        element: Any = row.ramp["element"]
        facts = [str(first), str(speed.fraction), rounded(self.frames(row.length))]
        return {"fcpx": kept_tree(element, lambda _ref: None), "start": row.ramp["start"], "of": facts}

    def frames(self, second: Fraction) -> Exact:
        return in_frames(second, self.rate)

    # -- markers and transitions

    def _marks(self, row: Row, own: Rate, item: str | None = None) -> None:
        for mark, line, where in row.marks:
            if item is None or mark.whole or (isinstance(row.source, Gap) and not mark.ours):
                start = self.frames(where.on_sequence(mark.start))
                self._mark(mark, start, self.rate, None)
            elif line is IDENTITY and row.first is ZERO:
                self._mark(mark, in_frames(mark.start, own), own, item)
            else:
                self._mark(mark, _source_frame(mark, line, where, row, own), own, item, abs(line.slope))

    def _mark(self, mark: Mark, start: Exact, rate: Rate, item: str | None, slope: Fraction = ONE) -> None:
        count: Exact = 0
        if mark.frames is not None:
            count = mark.frames
        elif mark.duration is not None:
            count = 1 if self.frames(mark.duration) == 1 else in_frames(mark.duration * slope, rate)
        self.draft.bound(start, mark.name)
        self.draft.marker(
            start, count, item=item, name=mark.name, color=mark.color, comment=mark.comment, id=mark.id,
            foreign=mark.foreign,
        )  # fmt: skip

    def _transition(self, cut: Cut) -> None:
        sides = []
        for side in (cut.left, cut.right):
            if side is not None and id(side) not in self.ids:
                return
            sides.append(None if side is None else self.ids[id(side)])
        at = rounded(self.frames(cut.at))
        start, end = rounded(self.frames(cut.at - cut.before)), rounded(self.frames(cut.at + cut.after))
        kind, name, foreign = described(cut.element, self.story.resources)
        self.draft.transition(sides[0], sides[1], at - start, end - at, kind=kind, name=name, foreign=foreign)


def described(element: Element, resources: Resources) -> tuple[str, str, Json]:
    """Returns a transition's kind, its name, and what is kept of it."""
    note = read_note("")
    for md in element.iterfind("metadata/md"):
        if md.get("key") == "com.genlock.transition":
            note = read_note(md.get("value", ""))
    trees = [kept_tree(child, resources.effect) for child in element if child.tag in ("filter-video", "filter-audio")]
    name = element.get("name", "")
    if note.ours:
        plain = note.facts.get("plain") == "1"
        return note.facts.get("kind", "dissolve"), note.facts.get("name", ""), {} if plain else {"fcpx": trees}
    effect = next((t["effect"].get("name", "") for t in trees if "effect" in t and t["tag"] == "filter-video"), name)
    kind = "dissolve" if "dissolve" in (effect or "dissolve").lower() else effect
    return kind, name, {"fcpx": trees} if trees else {}


def _source_frame(mark: Mark, line: Line, where: Place, row: Row, own: Rate) -> Exact:
    if line.slope == 0:  # a still shows one frame only: its markers keep their distance in time
        return whole((line.at(mark.start) + mark.start - where.start - row.first) * own.fraction)
    first = ZERO if not isinstance(row.source, Nested) else row.first
    exact = (line.at(mark.start) - first) * own.fraction
    return whole(exact - 1 if line.slope < 0 else exact)


def _joined(rows: list[Row], frame: Fraction) -> tuple[list[Row], bool]:
    """Returns the rows in order of time, and whether none overlaps another; what is apart, or overlaps, by less than a
    frame is put side by side."""
    apart = True
    found = sorted(rows, key=lambda row: row.at)
    for one, two in pairwise(found):
        end = one.at + one.length
        if end == two.at:
            continue
        if one.length and abs(two.at - end) < frame and two.at > one.at:
            one.length = two.at - one.at
        elif end > two.at:
            apart = False
    return found, apart
