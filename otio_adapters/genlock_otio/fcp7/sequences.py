"""One sequence being read: its settings, tracks and markers."""

from __future__ import annotations

from typing import Any, Final, TypeGuard
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.model import Kind, Resolution
from genlock.timeline.rate import RATES, Rate
from genlock_otio.draft import Draft, DraftTrack
from genlock_otio.fcp7.clips import (
    Clip,
    Shown,
    bounded,
    first_frame,
    foreign_of,
    lowest,
    read_clip,
    retime_of,
    settle_edges,
    shown_media,
    speed_of,
    whole_length,
)
from genlock_otio.fcp7.crossings import OWN, Crossing, read_crossing
from genlock_otio.fcp7.files import FileIndex
from genlock_otio.fcp7.generators import read_generator
from genlock_otio.fcp7.marks import ID, read_marker
from genlock_otio.fcp7.notes import REMARKS, id_of, meant, read_note, remarks
from genlock_otio.fcp7.rates import read_rate, read_timecode
from genlock_otio.fcp7.trees import clipitems, flag, kept_tree, number, text
from genlock_otio.keeping import Json
from genlock_otio.times import Exact, rounded

_READ: Final = frozenset(
    {
        *("name", "duration", "rate", "in", "out", "timecode", "media", "marker", "uuid"),
        "updatebehavior",
    }
)
_READ_TRACK: Final = frozenset({"name", "clipitem", "generatoritem", "transitionitem", "enabled", "locked"})


def rate_of_sequence(sequence: Element, asked: Rate | None, place: str) -> tuple[Rate, str]:
    """Returns (the rate of a sequence, a warning): its own, its format's, its first clip's, or the one asked for.

    Raises BadInput(bad_rate) for one that no sequence can have.
    """
    places = [sequence, sequence.find("media/video/format/samplecharacteristics"), *clipitems(sequence)]
    for number_, element in enumerate(places):
        found = read_rate(element.find("rate"), place) if element is not None else None
        if found is not None:
            if found not in RATES:
                raise BadInput("bad_rate", f"{place} runs at {found} frames per second, which no sequence can.")
            return found, "" if number_ == 0 else f"{place} says no rate of its own; {found} was taken."
        if number_ > 1:
            break
    if asked is None:
        raise BadInput("bad_rate", f"{place} says no frame rate.", hint="Name it with --rate.")
    return asked, ""


def new_draft(sequence: Element, rate: Rate, place: str, **more: Any) -> Draft:
    """Returns the draft of a sequence with its settings."""
    timecode = read_timecode(sequence.find("timecode"), rate, place)
    size = sequence.find("media/video/format/samplecharacteristics")
    wide, high = (number(size.find(tag), place) if size is not None else None for tag in ("width", "height"))
    draft = Draft(
        name=text(sequence, "name"),
        rate=rate,
        drop_frame=timecode is not None and timecode.drop_frame and bool(rate.drop_per_minute),
        start_frame=rounded(timecode.at(rate)) if timecode is not None else 0,
        resolution=Resolution(int(wide), int(high)) if _is_size(wide) and _is_size(high) else None,
        foreign=_foreign(sequence),
        **more,
    )
    if timecode is not None and timecode.contradiction:
        draft.warn(timecode.contradiction)
    return draft


def _is_size(pixels: Exact | None) -> TypeGuard[Exact]:
    return pixels is not None and 1 <= pixels <= 10**6


def _foreign(sequence: Element) -> Json:
    kept: Json = {}
    if attributes := {name: value for name, value in sequence.attrib.items() if name != "id"}:
        kept["attributes"] = attributes
    trees = (remarks(c) if c.tag in REMARKS else kept_tree(c) for c in sequence if c.tag not in _READ)
    if rest := [tree for tree in trees if tree is not None]:
        kept["children"] = rest
    return {OWN: kept} if kept else {}


class SequenceReader:
    """Reads the tracks of one sequence into a draft. `nest` reads the sequence that a clip item holds."""

    def __init__(
        self, sequence: Element, draft: Draft, files: FileIndex, nest: Any, premiere: bool, place: str
    ) -> None:
        self._sequence = sequence
        self._draft = draft
        self._files = files
        self._nest = nest
        self._premiere = premiere
        self._place = place
        self._groups = _link_groups(sequence)
        self._notes = {clip: note for clip in clipitems(sequence) if (note := read_note(clip))}
        self._claimed = _claimed(self._notes)

    def read(self) -> None:
        """Raises BadInput with the clip item's id or place."""
        for kind, letter in (("video", "V"), ("audio", "A")):
            for count, track in enumerate(self._sequence.iterfind(f"media/{kind}/track"), 1):
                self._track(track, "video" if letter == "V" else "audio", f"{self._place}{letter}{count}")
        for marker in self._sequence.iterfind("marker"):
            read_marker(marker, self._draft, f"{self._place}the sequence", self._premiere)

    def _track(self, element: Element, kind: Kind, place: str) -> None:
        track = self._draft.track(
            kind,
            element.get("MZ.TrackName") or text(element, "name"),
            enabled=flag(element.find("enabled"), True),
            locked=flag(element.find("locked"), False),
            id=element.get(ID, ""),
            foreign=_track_foreign(element),
        )
        row: list[Clip | Crossing] = []
        for count, child in enumerate(element, 1):
            if child.tag in ("clipitem", "generatoritem"):
                note = self._notes.get(child, {})
                row.append(read_clip(child, self._draft.rate, _named(child, count, place), note))
            elif child.tag == "transitionitem":
                row.append(read_crossing(child, self._draft.rate, f"The transition in place {count} of {place}"))
        self._row(row, track, kind)

    def _row(self, row: list[Clip | Crossing], track: DraftTrack, kind: Kind) -> None:
        before: Exact = 0
        made: list[tuple[str, Exact, Exact] | None] = []
        for at, one in enumerate(row):
            if isinstance(one, Crossing):
                made.append(None)
                continue
            head, tail = _beside(row, at, -1), _beside(row, at, 1)
            start, end = settle_edges(one, head, tail, before, self._draft.rate, self._draft)
            before = max(before, end)
            made.append(self._item(one, head, tail, start, end, track, kind))
        for at, one in enumerate(row):
            if isinstance(one, Crossing):
                left, right = (made[n] if 0 <= n < len(row) else None for n in (at - 1, at + 1))
                self._draft.transition(
                    left[0] if left is not None and one.left and left[2] == one.cut else None,
                    right[0] if right is not None and one.right and right[1] == one.cut else None,
                    one.cut - one.start,
                    one.end - one.cut,
                    kind=one.kind,
                    foreign=one.foreign,
                )

    def _item(
        self, clip: Clip, head: Crossing | None, tail: Crossing | None, start: Exact, end: Exact, track: DraftTrack,
        kind: Kind,
    ) -> tuple[str, Exact, Exact] | None:  # fmt: skip
        """Adds one clip; returns (id, start, end) of what it became, None when nothing remains of it."""
        draft = self._draft
        at = head.cut if head is not None and head.right and head.start <= start <= head.cut else start
        until = tail.cut if tail is not None and tail.left and tail.cut <= end <= tail.end else end
        if until <= at:
            draft.warn(f"{clip.place} is {'all under its transitions' if end > start else '0 frames long'}; left out.")
            return None
        shown = self._shown(clip)
        retime, filters = retime_of(clip, shown.still)
        if retime is not None and retime.ramp:
            draft.warn(f"{clip.place} changes its speed on the way; the ramp is kept, not applied.")
        speed = speed_of(retime)
        first = first_frame(clip, shown, retime, end - start, at - start, draft, draft.rate)
        bounded(clip, first, until, draft)
        length = whole_length(at, until)
        ramp = first if retime is not None and retime.ramp else None
        foreign, effects = foreign_of(clip, filters, shown.media, ramp)
        item = track.add(
            at,
            until - at,
            shown.source,
            name=_name(clip),
            first=lowest(first, speed, length, shown.rate, draft.rate),
            speed=speed,
            enabled=flag(clip.parts.get("enabled"), True),
            effects=effects,
            link=self._groups.get(clip.id),
            id=self._id(clip),
            foreign=foreign,
        )
        scale = 1 if shown.rate == clip.rate else shown.rate.fraction / clip.rate.fraction
        for child in clip.element.iterfind("marker") if "marker" in clip.parts else ():
            read_marker(child, draft, clip.place, self._premiere, item=item, first=shown.first, scale=scale)
        clip.element.clear()  # a document of a reel holds millions of elements
        return item, at, until

    def _shown(self, clip: Clip) -> Shown:
        if clip.element.tag == "generatoritem":
            return Shown(read_generator(clip.element, clip.note), 0, None, self._draft.rate)
        nested = clip.parts.get("sequence")
        if nested is not None:
            found: Shown = self._nest(clip, nested, self._draft.rate)
            return found
        return shown_media(clip, self._files, self._draft)

    def _id(self, clip: Clip) -> str:
        """Returns our id of a clip. Of several clips with one id it is the one that shows what was noted."""
        id_ = id_of(clip.note)
        best = self._claimed.get(id_)
        return id_ if best is None or best is clip.element else ""


def _named(element: Element, count: int, place: str) -> str:
    name = element.get("id") or text(element, "name")
    return f"The {element.tag} {name!r} in place {count} of {place}"


def _name(clip: Clip) -> str:
    name = text(clip.parts.get("name"))
    exact = meant(clip.note, "name", name)
    return exact if isinstance(exact, str) else name


def _beside(row: list[Clip | Crossing], at: int, side: int) -> Crossing | None:
    found = row[at + side] if 0 <= at + side < len(row) else None
    return found if isinstance(found, Crossing) and (found.right if side < 0 else found.left) else None


def _track_foreign(element: Element) -> Json:
    kept: Json = {}
    if attributes := {name: v for name, v in element.attrib.items() if name not in ("MZ.TrackName", ID)}:
        kept["attributes"] = attributes
    if rest := [kept_tree(child) for child in element if child.tag not in _READ_TRACK]:
        kept["children"] = rest
    return {OWN: kept} if kept else {}


def _link_groups(sequence: Element) -> dict[str, str]:
    """Returns clip item id -> the group it is linked in; clips linked to themselves only are in none."""
    parent: dict[str, str] = {}

    def root(id_: str) -> str:
        while parent[id_] != id_:
            parent[id_] = parent[parent[id_]]
            id_ = parent[id_]
        return id_

    links: list[tuple[str, str]] = []
    for clip in clipitems(sequence):
        id_ = clip.get("id")
        if not id_:
            continue
        parent.setdefault(id_, id_)
        links += [(id_, text(link, "linkclipref").strip()) for link in clip.iterfind("link")]
    joined: set[str] = set()
    for one, two in links:
        if two in parent and one != two:
            parent[root(one)] = root(two)
            joined |= {one, two}
    return {id_: root(id_) for id_ in joined}


def _claimed(notes: dict[Element, Json]) -> dict[str, Element]:
    """Returns our id -> the clip that has it, for ids that several clips claim: a copy in an editor copies the note."""
    seen: dict[str, list[tuple[Json, Element]]] = {}
    for clip, note in notes.items():
        if id_ := id_of(note):
            seen.setdefault(id_, []).append((note, clip))
    return {
        id_: next((clip for note, clip in claims if _as_noted(note, clip)), claims[0][1])
        for id_, claims in seen.items()
        if len(claims) > 1
    }


def _as_noted(note: Json, clip: Element) -> bool:
    return note.get("at") == [text(clip, tag).strip() for tag in ("start", "end", "in", "out")]
