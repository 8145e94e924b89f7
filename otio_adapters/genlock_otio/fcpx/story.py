"""The storyline and what is connected to it, as rows: what lies where, in exact seconds."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.model import Gap, Kind, Media, Nested, Source
from genlock.timeline.rate import Rate
from genlock_otio.fcpx.clips import Kept, generator_of, kept_of
from genlock_otio.fcpx.marks import TAGS, Mark, read_mark
from genlock_otio.fcpx.resources import Asset, Resources
from genlock_otio.fcpx.seconds import ZERO, length, place, seconds
from genlock_otio.fcpx.timing import IDENTITY, Line, Place, inside, scale_of, time_map
from genlock_otio.keeping import Json

CLIPS: Final = frozenset(
    {"clip", "asset-clip", "ref-clip", "sync-clip", "mc-clip", "video", "audio", "title", "gap", "audition"}
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,5}")
DEEPEST: Final = 8
"""Clips within clips."""


class NestedClip(NamedTuple):
    """A compound clip read: its sequence's id, the second its time begins at, rate and length in frames, and its name."""

    id: str
    first: Fraction
    rate: Rate
    frames: int
    name: str


class Row:
    """One item: where it lies in seconds of the sequence, and what it shows."""

    __slots__ = (
        "at",
        "enabled",
        "first",
        "kept",
        "kind",
        "lane",
        "length",
        "line",
        "link",
        "marks",
        "name",
        "own",
        "place",
        "ramp",
        "sound",
        "source",
    )  # fmt: skip

    def __init__(
        self, kind: Kind, lane: int, where: Place, long: Fraction, name: str, source: Source, kept: Kept
    ) -> None:
        self.kind = kind
        self.lane = lane
        self.place = where
        self.at = where.at
        self.length = long
        self.name = name
        self.source = source
        self.kept = kept
        self.own: Rate | None = None
        self.line = IDENTITY
        self.first = ZERO  # the source's second that its frame 0 counts from
        self.enabled = True
        self.marks: list[tuple[Mark, Line, Place]] = []
        """Markers, with the line from their local time to the source's and the place of that time."""
        self.link: str | None = None
        self.sound: Row | None = None
        self.ramp: Json | None = None


class Cut(NamedTuple):
    """A transition as it was found: the rows beside it, the second of the cut, and the seconds before and after it."""

    left: Row | None
    right: Row | None
    at: Fraction
    before: Fraction
    after: Fraction
    element: Element


Window = tuple[Fraction, Fraction] | None
"""The seconds of the sequence that the clip around an element shows of it."""
_Waiting = tuple[Element, Place, int, Window, Row | None]


class Story:
    """One sequence being read into rows. `nested` reads a compound clip, `angle` an angle of a multicam clip, `inner` a
    clip that holds a storyline of its own; `media` gives the source for an asset."""

    def __init__(
        self,
        resources: Resources,
        rate: Rate,
        warn: Callable[[str], None],
        *,
        media: Callable[[Asset], Media],
        nested: Callable[[Element], NestedClip],
        inner: Callable[[Element, Iterable[Element], Fraction], NestedClip],
    ) -> None:
        self.resources = resources
        self.rate = rate
        self.warn = warn
        self.rows: list[Row] = []
        self.cuts: list[Cut] = []
        self._media = media
        self._nested = nested
        self._inner = inner
        self._frame = 1 / rate.fraction
        self._todo: deque[_Waiting] = deque()
        self._links = 0

    def read(self, children: Iterable[Element], start: Fraction) -> None:
        """Reads a primary storyline whose time begins at `start`, and everything connected to it."""
        self._spine(children, Place(ZERO, start), 0)
        while self._todo:
            self._connected(*self._todo.popleft())

    # -- storylines

    def _spine(self, children: Iterable[Element], where: Place, lane: int) -> None:
        cursor = where.at
        last: Row | None = None
        waiting: list[Element] = []
        for child in children:
            if child.tag == "transition":
                waiting.append(child)
                continue
            if child.tag not in CLIPS:
                continue
            offset = seconds(child, "offset")
            at = cursor if offset is None else where.on_sequence(offset)
            row = self._item(child, at, lane, None)
            if row is None:
                continue
            touching = last if last is not None and (at == cursor or at - cursor < self._frame) else None
            for one in waiting:
                self._cut(one, touching, row, row.at, where)
            waiting = []
            cursor, last = row.at + row.length, row
        for one in waiting:
            self._cut(one, last, None, cursor, where)

    def _cut(self, element: Element, left: Row | None, right: Row | None, at: Fraction, where: Place) -> None:
        long = length(element)
        if long is None:
            raise BadInput("bad_time", f"{place(element)} has no duration.")
        offset = seconds(element, "offset")
        start = where.on_sequence(offset) if offset is not None else at - long / 2
        if right is not None and left is None and start + long < at:
            start = at
        sides = [None if side is None or isinstance(side.source, Gap) else side for side in (left, right)]
        before, after = at - start, start + long - at
        if before < 0 or after < 0:
            self.warn(f"The transition {element.get('name', '')!r} does not lie over a cut; it was moved onto it.")
            before = after = long / 2
        self.cuts.append(Cut(sides[0], sides[1], at, before, after, element))
        if element.find("filter-audio") is not None:
            sounds = [None if side is None else side.sound for side in sides]
            if all(sound is not None or side is None for side, sound in zip(sides, sounds, strict=True)) and any(
                sounds
            ):
                self.cuts.append(Cut(sounds[0], sounds[1], at, before, after, element))

    def _connected(self, element: Element, parent: Place, lane: int, window: Window, beside: Row | None) -> None:
        offset = seconds(element, "offset")
        at = parent.at if offset is None else parent.on_sequence(offset)
        if element.tag == "spine":
            self._spine(element, Place(at, ZERO), lane)
        elif element.tag == "caption":
            self.warn("Captions were left out.")
        else:
            row = self._item(element, at, lane, window)
            if row is not None and beside is not None and row.kind == "audio" and row.link is None:
                beside.link = row.link = beside.link or self._pair()

    def _connect(self, element: Element, where: Place, lane: int, window: Window, beside: Row | None = None) -> None:
        """Puts what is connected to an element in the queue: no depth of connecting is too deep. `beside` is the picture
        whose clip the element is in: its sound is linked to it, and the channels of one sound are one."""
        seen: set[tuple[str | None, ...]] = set()
        for child in element:
            if (child.tag in CLIPS or child.tag in ("spine", "caption")) and child.get("lane") is not None:
                channel = tuple(child.get(key) for key in ("ref", "offset", "start", "duration"))
                if window is not None and child.tag == "audio":
                    if channel in seen:
                        continue
                    seen.add(channel)
                self._todo.append((child, where, lane + _lane(child), window, beside))

    def _pair(self) -> str:
        self._links += 1
        return f"pair {self._links}"

    # -- items

    def _item(self, element: Element, at: Fraction, lane: int, window: Window) -> Row | None:
        if element.tag == "audition":
            picks = [child for child in element if child.tag in CLIPS]
            if not picks:
                return None
            if len(picks) > 1:
                self.warn(f"The audition of {picks[0].get('name', '')!r} has other picks; the active one was taken.")
            element = picks[0]
        first = len(self.rows)
        row = self._row(element, at, lane, window, 0)
        for made in self.rows[first:]:
            if window is not None:
                _within(made, window)
            if made.at < 0:
                self.warn(f"{made.name!r} begins before the sequence does; its head was cut off.")
                _within(made, (ZERO, made.at + made.length))
        self.rows[first:] = [made for made in self.rows[first:] if made.length > 0 or window is None]
        return row

    def _row(self, element: Element, at: Fraction, lane: int, window: Window, depth: int) -> Row | None:
        if depth > DEEPEST:
            raise BadInput("too_deep", f"{place(element)} lies in more than {DEEPEST} clips, one in the other.")
        match element.tag:
            case "gap":
                where = Place(at, seconds(element, "start") or ZERO)
                row = self._plain(element, "video", lane, where, Gap())
            case "title":
                where = Place(at, seconds(element, "start") or ZERO)
                row = self._plain(element, "video", lane, where, None)
            case "asset-clip" | "video" | "audio":
                resource = self.resources.get(element)
                if resource.tag == "effect":
                    where = Place(at, seconds(element, "start") or ZERO)
                    row = self._plain(element, "video", lane, where, None)
                elif resource.tag == "asset":
                    return self._asset(element, self.resources.asset(resource), at, lane, window)
                else:
                    raise BadInput("bad_timeline", f"{place(element)} refers to a <{resource.tag}>.")
            case "ref-clip":
                row = self._compound(element, self._nested(element), at, lane)
            case "mc-clip":
                row = self._multicam(element, at, lane)
            case _:
                return self._container(element, at, lane, window, depth)
        self._connect(element, row.place, lane, window)
        return row

    def _plain(self, element: Element, kind: Kind, lane: int, where: Place, source: Source | None) -> Row:
        kept = kept_of(element, self.resources)
        made = source or generator_of(element, self.resources, kept)
        if kept.facts.get("kind") == "audio":  # Genlock has synthetic sound, and gaps between sounds
            kind = "audio"
        row = Row(kind, lane, where, self._long(element), self._name(element, kept, ""), made, kept)
        if isinstance(made, Gap) and lane and (not kept.ours or "filler" in kept.facts):
            return row  # room in a connected storyline is no item
        return self._add(row, element)

    def _asset(self, element: Element, asset: Asset, at: Fraction, lane: int, window: Window) -> Row:
        scale = scale_of(element, asset.rate, self.rate)
        start = seconds(element, "start")
        where = Place(at, _start(start, asset.first), scale)
        long = length(element)
        if long is None:
            long = self._rest(element, asset, where)
        kept = kept_of(element, self.resources)
        enable = element.get("srcEnable", "all")
        audio = element.tag == "audio" or not asset.video or (enable == "audio" and asset.audio)
        row = Row("audio" if audio else "video", lane, where, long, self._name(element, kept, asset.name),
                  self._media(asset), kept)  # fmt: skip
        row.own = asset.rate
        self._timed(row, element, asset.first, asset.length)
        self._add(row, element)
        if not audio and asset.audio and enable == "all" and element.tag == "asset-clip":
            self._sound(row, element)
        self._connect(element, where, lane, window, None if window is None else row)
        return row

    def _rest(self, element: Element, asset: Asset, where: Place) -> Fraction:
        if asset.length is None:
            raise BadInput("bad_time", f"{place(element)} has no duration, and its asset has none.")
        return max(ZERO, asset.first + asset.length - where.start) / where.scale

    def _sound(self, row: Row, element: Element) -> None:
        """Adds the sound that comes with a picture, linked to it; a split edit gives it times of its own."""
        start, long = seconds(element, "audioStart"), length(element, "audioDuration")
        where = row.place
        if start is not None:
            where = Place(where.on_sequence(start), start, where.scale)
        kept = Kept(row.kept.facts.get("audio", ""), row.kept.ours, {}, {}, ())
        sound = Row("audio", row.lane, where, row.length if long is None else long, row.name, row.source, kept)
        sound.own, sound.line, sound.enabled = row.own, row.line, row.enabled
        if _NUMBER.fullmatch(row.kept.facts.get("lane", "")):
            sound.lane = int(row.kept.facts["lane"])
        sound.link = row.link = row.link or self._pair()
        row.sound = sound
        self.rows.append(sound)

    def _compound(self, element: Element, found: NestedClip, at: Fraction, lane: int) -> Row:
        scale = scale_of(element, found.rate, self.rate)
        where = Place(at, _start(seconds(element, "start"), found.first), scale)
        kept = kept_of(element, self.resources)
        frames: int | None = found.frames or None
        if kept.ours and (told := kept.facts.get("frames", "")) != str(frames):
            frames = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None
        source = Nested(found.id, 0, frames, None if found.rate == self.rate else found.rate)
        kind: Kind = "audio" if element.get("srcEnable") == "audio" else "video"
        row = Row(kind, lane, where, self._long(element), self._name(element, kept, found.name), source, kept)
        row.own, row.first = found.rate, found.first
        self._timed(row, element, ZERO, None)
        return self._add(row, element)

    def _multicam(self, element: Element, at: Fraction, lane: int) -> Row:
        resource = self.resources.get(element)
        multicam = resource.find("multicam")
        angles = [] if multicam is None else multicam.findall("mc-angle")
        if multicam is None or not angles:
            raise BadInput("bad_timeline", f"{place(element)} refers to a multicam clip without angles.")
        wanted = [one.get("angleID") for one in element.findall("mc-source") if one.get("srcEnable", "all") != "audio"]
        chosen = next((a for a in angles if wanted and a.get("angleID") == wanted[0]), angles[0])
        self.warn(f"Of the multicam clip {element.get('name', '')!r} the angle {chosen.get('name', '')!r} was read.")
        first = seconds(multicam, "tcStart") or ZERO
        return self._compound(element, self._inner(multicam, chosen, first), at, lane)

    # -- clips that hold clips

    def _container(self, element: Element, at: Fraction, lane: int, window: Window, depth: int) -> Row | None:
        """Reads a `clip` or `sync-clip`: one that holds a single picture becomes that picture, with the sound beside it;
        any other becomes a nested sequence."""
        where = Place(at, seconds(element, "start") or ZERO, scale_of(element, None, self.rate))
        long = self._long(element)
        first = seconds(element, "tcStart") or ZERO
        contents = [c for c in element if (c.tag in CLIPS or c.tag == "spine") and c.get("lane") is None]
        found = _single(contents, first)
        if found is None:
            if not contents:
                self.warn(f"{place(element)} holds nothing.")
            row: Row | None = self._compound(element, self._inner(element, contents, first), at, lane)
            self._connect(element, where, lane, window)
            return row
        inner, content = found
        shown = (at, at + long)
        if window is not None:
            shown = max(shown[0], window[0]), min(shown[1], window[1])
        before = len(self.rows)
        mapped, constant = self._mapped(element, where, long)
        row = self._row(inner, where.on_sequence(content), lane, shown, depth + 1)
        for made in self.rows[before:]:
            self._through(made, where, mapped, constant, element)
            _within(made, shown)
        if row is not None:
            self._take_over(row, element, where)
        if element.tag == "sync-clip":
            self._connect(element, where, lane, shown, row)
        else:
            self._connect(element, where, lane, window)
        return row

    def _mapped(self, element: Element, where: Place, long: Fraction) -> tuple[Line | None, bool]:
        found = element.find("timeMap")
        if found is None:
            return None, True
        return time_map(found, where.start, where.start + long * where.scale)

    def _through(self, row: Row, where: Place, mapped: Line | None, constant: bool, element: Element) -> None:
        """Lets a row inside a clip follow the clip's own time map."""
        if mapped is None:
            return
        inner = Line(
            where.local(row.place.at), row.line.at(row.place.start), row.line.slope * row.place.scale / where.scale
        )
        row.line = mapped.after(inner)
        row.place = Place(where.at, where.start, where.scale)
        row.at, row.length = where.at, self._long(element)
        if not constant:
            self._ramp(row, element)

    def _take_over(self, row: Row, element: Element, where: Place) -> None:
        """Gives a picture what its clip says of it."""
        kept = kept_of(element, self.resources)
        row.kept = Kept(
            kept.id or row.kept.id,
            kept.ours or row.kept.ours,
            {**row.kept.facts, **kept.facts},
            {**row.kept.about, **kept.about},
            (*row.kept.effects, *kept.effects),
        )
        row.name = self._name(element, kept, row.name)
        row.enabled = row.enabled and element.get("enabled") != "0"
        if row.sound is not None:
            row.sound.name, row.sound.enabled = row.name, row.enabled
        slope = row.line.slope * row.place.scale / where.scale
        line = Line(where.start, row.line.at(row.place.local(where.at)), slope)
        row.marks += [(read_mark(child), line, where) for child in element if child.tag in TAGS]

    # -- what all have

    def _add(self, row: Row, element: Element) -> Row:
        row.enabled = element.get("enabled") != "0"
        row.marks = [(read_mark(child), row.line, row.place) for child in element if child.tag in TAGS]
        link = row.kept.facts.get("link")
        row.link = f"genlock:{link}" if link else None
        self.rows.append(row)
        return row

    def _timed(self, row: Row, element: Element, first: Fraction, long: Fraction | None) -> None:
        found = element.find("timeMap")
        if found is None:
            return
        start, end = row.place.start, row.place.start + row.length * row.place.scale
        line, constant = time_map(found, start, end)
        row.line = line if row.kept.ours else inside(line, start, end, first, long)
        if not constant:
            self._ramp(row, element)

    def _ramp(self, row: Row, element: Element) -> None:
        self.warn(f"The speed of {row.name!r} changes; it is shown at its mean speed, and the ramp is kept.")
        row.ramp = {"start": element.get("start", "0s"), "element": element.find("timeMap")}

    def _long(self, element: Element) -> Fraction:
        long = length(element)
        if long is None:
            raise BadInput("bad_time", f"{place(element)} has no duration.")
        return long

    def _name(self, element: Element, kept: Kept, default: str) -> str:
        return element.get("name", "" if kept.ours else default)


def _start(start: Fraction | None, first: Fraction) -> Fraction:
    return first if start is None else start


def _lane(element: Element) -> int:
    text = element.get("lane", "0")
    try:
        lane = int(text[:12])
    except ValueError as error:
        raise BadInput("bad_value", f"`lane` of {place(element)} is {text[:40]!r}.") from error
    if abs(lane) > 100_000:
        raise BadInput("bad_value", f"`lane` of {place(element)} is {text[:40]!r}.")
    return lane


def _within(row: Row, window: tuple[Fraction, Fraction]) -> None:
    """Cuts a row down to what a window shows."""
    end = min(row.at + row.length, window[1])
    if row.at < window[0]:
        row.place = Place(window[0], row.place.local(window[0]), row.place.scale)
        row.at = window[0]
    row.length = max(ZERO, end - row.at)


def _single(contents: list[Element], first: Fraction) -> tuple[Element, Fraction] | None:
    """Returns the one thing that a clip holds, and where it lies in the clip's time; None for none or several. Detached
    sound lies on a gap."""
    flat: list[tuple[Element, Fraction]] = []
    for one in contents:
        base = (seconds(one, "offset") or ZERO) if one.tag == "spine" else ZERO
        for child in one if one.tag == "spine" else (one,):
            if child.tag == "transition":
                return None
            offset = seconds(child, "offset")
            if child.tag in CLIPS:
                flat.append((child, base + (first if offset is None else offset)))
    if len(flat) != 1 or flat[0][0].tag != "gap":
        return flat[0] if len(flat) == 1 else None
    gap, at = flat[0]
    start = seconds(gap, "start") or ZERO
    held = [child for child in gap if child.tag in CLIPS]
    if not held or len({child.get("ref") for child in held}) != 1:
        return None
    offset = seconds(held[0], "offset")
    return held[0], at + (start if offset is None else offset) - start
