"""MLT XML of melt, Kdenlive and Shotcut to a cut.

All of them write producers (files), playlists (tracks with entries and blanks) and tractors (tracks over each other).
Kdenlive makes each track a tractor of two playlists, so that the clips of a dissolve can overlap; Shotcut puts a small
tractor with both clips where the dissolve is. Either way a dissolve comes out as a transition at the cut.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.model import Generator, Resolution, Source
from genlock.timeline.rate import FREEZE, NORMAL, Rate, Speed, snap_rate
from genlock_otio.dialects import Incoming
from genlock_otio.draft import Draft, DraftTrack
from genlock_otio.markup import parse_xml
from genlock_otio.mlt.clock import frames_of
from genlock_otio.mlt.producers import OFFLINE, warp_text
from genlock_otio.mlt.writer import GUIDES
from genlock_otio.times import Exact, rounded
from genlock_otio.values import Imported, Tag

_SYNTHETIC: Final = frozenset({"color", "colour", "count", "noise", "kdenlivetitle", "qtext", "pango", "tone", "blank"})
_COLORS: Final = {number: color for color, number in reversed(GUIDES.items())}
_NOTE: Final = re.compile(r"^(-?\d+) (-?\d+) (-?\d+)$")


def knows(data: bytes) -> bool:
    """Returns whether the bytes look like MLT XML."""
    return b"<mlt" in data[:4096]


def read(incoming: Incoming) -> Imported:
    """Reads MLT XML. Raises BadInput: bad_xml, bad_timeline (no tracks, ids that are not there), bad_time, bad_rate."""
    root = parse_xml(incoming.data, incoming.limits, incoming.name)
    if root.tag != "mlt":
        raise BadInput("bad_timeline", f"{incoming.name} holds <{root.tag[:40]}>, no <mlt>.")
    return _Document(root, incoming).read()


class _Clip:
    """One entry of a playlist on its way to the track."""

    def __init__(self, at: Exact, end: Exact, entry: Element, producer: Element, into: Exact, lane: int) -> None:
        self.at = at
        self.end = end
        self.entry = entry
        self.producer = producer
        self.into = into
        self.lane = lane
        self.id = ""


class _Mix(NamedTuple):
    """A dissolve: the clips on both sides, how many frames of it lie before the cut and behind it."""

    left: _Clip
    right: _Clip
    before: Exact
    after: Exact
    kind: str


class _Document:
    def __init__(self, root: Element, incoming: Incoming) -> None:
        self.root = root
        self.incoming = incoming
        self.by_id = {element.get("id", ""): element for element in root if element.get("id")}
        profile = root.find("profile")
        self.rate = _rate(profile, incoming)
        self.draft = Draft(
            incoming.data,
            incoming.base,
            root.get("title") or incoming.name,
            self.rate,
            resolution=_size(profile),
            tag=self._tag(),
        )
        self.base = root.get("root", "")

    def read(self) -> Imported:
        main = self._main()
        tracks = [(track, self._producer(track, "a track")) for track in _tracks(main)]
        # MLT counts tracks from below; Kdenlive puts A1 next to the picture, so its sound runs the other way
        kdenlive = any(properties(made).get("kdenlive:audio_track") for _, made in tracks)
        sound = [(t, made) for t, made in tracks if self._is_sound(t, made)]
        picture = [(t, made) for t, made in tracks if not self._is_sound(t, made)]
        for track, made in picture:
            self._track("video", track, made)
        for track, made in reversed(sound) if kdenlive else sound:
            self._track("audio", track, made)
        self._guides()
        return self.draft.finish("mlt")

    # -- structure

    def _main(self) -> Element:
        """Returns the tractor that holds the tracks: the last one, or the sequence inside of Kdenlive's outermost."""
        tractors = [element for element in self.root if element.tag == "tractor"]
        if not tractors:
            playlists = [e for e in self.root if e.tag == "playlist" and e.get("id") != "main_bin"]
            if not playlists:
                raise BadInput("bad_timeline", f"{self.incoming.name} has neither a tractor nor a playlist.")
            wrapped = Element("tractor")
            wrapped.append(Element("track", {"producer": playlists[-1].get("id", "")}))
            return wrapped
        main, seen = tractors[-1], 0
        while seen < len(tractors):
            seen += 1
            inner = [self.by_id.get(track.get("producer", "")) for track in _tracks(main)]
            single = inner[0] if len(inner) == 1 else None
            if single is None or single.tag != "tractor" or properties(single).get("kdenlive:track_name") is not None:
                break
            main = single
        return main

    def _producer(self, element: Element, what: str) -> Element:
        """Returns what an entry or a track plays: named by id, or inside of it."""
        id_ = element.get("producer")
        inner = next((child for child in element if child.tag in ("producer", "chain", "playlist", "tractor")), None)
        found = self.by_id.get(id_) if id_ else inner
        if found is None:
            raise BadInput("bad_timeline", f"{what} plays {id_ or 'nothing'!r}, which is not in {self.incoming.name}.")
        return found

    def _is_sound(self, track: Element, made: Element) -> bool:
        told = properties(made)
        if told.get("kdenlive:audio_track") == "1" or told.get("shotcut:audio") == "1":
            return True
        inner = _tracks(made) if made.tag == "tractor" else []
        return track.get("hide") == "video" or (bool(inner) and all(t.get("hide") == "video" for t in inner))

    def _track(self, kind: Any, track: Element, made: Element) -> None:
        told = properties(made)
        playlists = [made]
        if made.tag == "tractor":
            playlists = [self._producer(inner, f"the track {made.get('id')}") for inner in _tracks(made)]
            if any(playlist.tag == "tractor" for playlist in playlists):
                raise BadInput("bad_timeline", f"The track {made.get('id')} is made of tractors, not of playlists.")
        clips = [clip for lane, playlist in enumerate(playlists) for clip in self._clips(playlist, lane)]
        if made.tag in ("producer", "chain") or self._is_background(playlists, clips):
            return
        hidden = track.get("hide") == "both" or (kind == "video" and track.get("hide") == "video")
        to = self.draft.track(
            kind,
            told.get("kdenlive:track_name") or told.get("shotcut:name") or "",
            enabled=not hidden,
            locked=told.get("kdenlive:locked_track") == "1" or told.get("shotcut:lock") == "1",
            id=told.get("genlock:id", ""),
        )
        mixes = self._mixes(made, clips)
        self._place(to, clips)
        for mix in mixes:
            self.draft.transition(mix.left.id, mix.right.id, mix.before, mix.after, kind=mix.kind)

    def _is_background(self, playlists: list[Element], clips: list[_Clip]) -> bool:
        """Returns whether it is the black track that all of them lay under the others."""
        if any(playlist.get("id") in ("background", "black_track") for playlist in playlists):
            return True
        return bool(clips) and all(clip.producer.get("id") in ("black", "black_track") for clip in clips)

    def _clips(self, playlist: Element, lane: int) -> list[_Clip]:
        found: list[_Clip] = []
        cursor: Exact = 0
        name = f"the playlist {playlist.get('id')}"
        for number, child in enumerate(playlist):
            where = f"entry {number} of {name}"
            if child.tag == "blank":
                cursor += frames_of(child.get("length", "0"), self.rate, where)
            elif child.tag == "entry":
                producer = self._producer(child, where)
                told = child.get("in") or producer.get("in") or "0"
                into = frames_of(told, self.rate, where)
                out = self._out(child, producer, into, where)
                length = out - into + 1
                if length < 1:
                    raise BadInput("bad_time", f"{where} ends before it starts.")
                found.append(_Clip(cursor, cursor + length, child, producer, into, lane))
                cursor += length
        return [part for clip in found for part in self._unmixed(clip)]

    def _out(self, entry: Element, producer: Element, into: Exact, where: str) -> Exact:
        told = entry.get("out") or producer.get("out")
        if told is None and (length := properties(producer).get("length")) is not None:
            return frames_of(length, self.rate, where) - 1
        if told is None:
            raise BadInput("bad_time", f"{where} has no end.")
        return frames_of(told, self.rate, where)

    def _unmixed(self, clip: _Clip) -> list[_Clip]:
        """Takes Shotcut's dissolve apart: a tractor with both clips becomes an end of the one and a head of the other."""
        if clip.producer.tag != "tractor" or properties(clip.producer).get("shotcut:transition") is None:
            return [clip]
        sides = []
        for inner in _tracks(clip.producer)[:2]:
            producer = self._producer(inner, "a dissolve")
            into = frames_of(inner.get("in", "0"), self.rate, "a dissolve")
            side = _Clip(clip.at, clip.end, inner, producer, into, clip.lane)
            sides.append(side)
        return sides if len(sides) == 2 else [clip]

    # -- dissolves

    def _mixes(self, made: Element, clips: list[_Clip]) -> list[_Mix]:
        """Finds the overlaps that dissolves make, and cuts the clips where the dissolve says the cut is."""
        clips.sort(key=lambda clip: (clip.at, clip.end))
        clips[:] = _rejoined(clips)
        heads = {(clip.lane, clip.at): clip for clip in clips}
        tails = {(clip.lane, clip.end): clip for clip in clips}
        found = []
        for mix in (child for child in made if child.tag == "transition"):
            told = properties(mix)
            left, right = self._sides(mix, told, heads, tails)
            if left is not None and right is not None:
                found.append((left, right, told))
        joined = {(id(left), id(right)) for left, right, _ in found}
        clips.sort(key=lambda clip: clip.at + clip.end)
        for left, right in pairwise(clips):  # Shotcut's, and those that nothing says anything about
            if right.at < left.end and left.at < right.at and (id(left), id(right)) not in joined:
                found.append((left, right, {}))
        return [cut for row in found if (cut := self._cut(*row)) is not None]

    def _sides(
        self, mix: Element, told: dict[str, str], heads: dict[Any, _Clip], tails: dict[Any, _Clip]
    ) -> tuple[_Clip | None, _Clip | None]:
        """Returns the clip that a mix leads from, and the one it leads to: by their playlists and the frames it lasts."""
        if not (_whole(told.get("a_track")) and _whole(told.get("b_track"))):
            return None, None
        into = frames_of(mix.get("in", "0"), self.rate, "a transition")
        out = frames_of(mix.get("out", "0"), self.rate, "a transition")
        lanes = {int(told["a_track"]), int(told["b_track"])}
        for lane in lanes:  # Kdenlive counts the clip below first, whichever comes first
            for last in (out + 1, out, out + 2):
                left = tails.get((lane, last))
                right = next((heads[k, into] for k in lanes - {lane} if (k, into) in heads), None)
                if left is not None and right is not None:
                    return left, right
        return None, None

    def _cut(self, left: _Clip, right: _Clip, told: dict[str, str]) -> _Mix | None:
        overlap = left.end - right.at
        if overlap <= 0:
            return None
        before = frames_of(told["genlock:in_offset"], self.rate, "a mix") if "genlock:in_offset" in told else None
        if before is None and "kdenlive:mixcut" in told:
            before = overlap - frames_of(told["kdenlive:mixcut"], self.rate, "a mix")
        if before is None or not 0 <= before <= overlap:
            before = overlap // 2
        right.at, right.into, left.end = right.at + before, right.into + before, right.at + before
        return _Mix(left, right, before, overlap - before, told.get("genlock:kind") or "dissolve")

    # -- items

    def _place(self, to: DraftTrack, clips: list[_Clip]) -> None:
        for clip in clips:
            told, about = properties(clip.producer), properties(clip.entry)
            source, first, speed = self._source(clip, told, about)
            enabled = about.get("set.test_image") != "1" and not (
                about.get("set.test_audio") == "1" and to.track.kind == "audio"
            )
            clip.id = to.add(
                clip.at,
                clip.end - clip.at,
                source,
                name=_name(told),
                first=first,
                speed=speed,
                enabled=enabled,
                id=about.get("genlock:id", ""),
                link=f"genlock:{group}" if (group := about.get("genlock:link")) else None,
            )
            self._fades(clip)

    def _source(self, clip: _Clip, told: dict[str, str], about: dict[str, str]) -> tuple[Source, Exact, Speed]:
        """Returns (source, lowest source frame shown, speed) of a clip."""
        service = told.get("mlt_service", "")
        name = told.get("kdenlive:clipname", "") or told.get("shotcut:caption", "")
        if clip.producer.tag in ("tractor", "playlist") or (service in _SYNTHETIC and not name.startswith(OFFLINE)):
            if clip.producer.tag in ("tractor", "playlist"):
                self.draft.warn(f"{name or clip.producer.get('id')!r} is a clip made of others; it stands as one.")
            parameters = {"colour": told["resource"]} if service in ("color", "colour") and told.get("resource") else {}
            kind = name or service or "nested"
            noted = _noted(clip.entry, about)
            return Generator(kind, parameters), clip.into if noted is None else noted, NORMAL
        own = _own_rate(told, self.rate)
        scale = own.fraction / self.rate.fraction
        start = int(told["genlock:first"]) if _whole(told.get("genlock:first")) else 0
        length = self._length(clip.producer, told)
        speed = self._speed(told)
        url = told.get("warp_resource") or _unwarped(told.get("resource", ""), service)
        offline = name.startswith(OFFLINE)
        source = self.draft.media(
            "" if offline else _joined(self.base, url),
            name=name.removeprefix(OFFLINE) if offline else "",
            first=start,
            frames=None if length is None or "genlock:endless" in told else self._media_length(length, speed, scale),
            rate=own,
        )
        return source, start + self._first(clip, about, speed, scale, start), self._held(about, speed)

    def _first(self, clip: _Clip, about: dict[str, str], speed: Speed, scale: Fraction, start: int) -> Exact:
        """Returns the lowest source frame shown, counted from the media's first."""
        if (noted := _noted(clip.entry, about, tail=speed.num < 0)) is not None:
            return noted - start
        if (freeze := about.get("genlock:freeze")) is not None and _whole(freeze):
            return int(freeze) * scale
        held = next((f for f in clip.entry.iter("filter") if properties(f).get("mlt_service") == "freeze"), None)
        if held is not None:
            return frames_of(properties(held).get("frame", "0"), self.rate, "a freeze filter") * scale
        if speed.num < 0:
            last = frames_of(clip.producer.get("out", "0"), self.rate, "a producer")
            highest = (last - clip.into) * -speed.fraction
            back = -speed.fraction * scale * rounded(clip.end - clip.at - 1)
            return rounded(highest * scale) - -(-back.numerator // back.denominator)
        return clip.into * speed.fraction * scale

    def _held(self, about: dict[str, str], speed: Speed) -> Speed:
        return FREEZE if "genlock:freeze" in about else speed

    def _speed(self, told: dict[str, str]) -> Speed:
        exactly = _exact_speed(told)
        if told.get("mlt_service") != "timewarp":
            return exactly or NORMAL
        if exactly is not None and warp_text(exactly.fraction) == told.get("warp_speed"):
            return exactly
        text = (told.get("warp_speed") or told.get("resource", "").partition(":")[0]).replace(",", ".")
        try:
            exact = Fraction(text)
        except (ValueError, ZeroDivisionError) as error:
            raise BadInput("bad_time", f"The speed {text[:40]!r} of {told.get('resource', '')!r} is none.") from error
        near = exact.limit_denominator(1000)
        exact = near if abs(near - exact) < Fraction(1, 10**8) else exact
        if not exact or not Fraction(1, 10_000) <= abs(exact) <= 10_000:
            raise BadInput("bad_time", f"The speed {text[:40]} is too small or too large.")
        return Speed.of(exact.limit_denominator(10**6))

    def _media_length(self, length: Exact, speed: Speed, scale: Fraction) -> Exact:
        return Fraction(length) * abs(speed.fraction) * scale

    def _length(self, producer: Element, told: dict[str, str]) -> Exact | None:
        if told.get("length"):
            return frames_of(told["length"], self.rate, f"the producer {producer.get('id')}")
        if producer.get("out"):
            return frames_of(producer.get("out", "0"), self.rate, f"the producer {producer.get('id')}") + 1
        return None

    def _fades(self, clip: _Clip) -> None:
        for made in clip.entry.iter("filter"):
            told = properties(made)
            kind = told.get("kdenlive_id") or told.get("shotcut:filter", "")
            if kind not in ("fade_from_black", "fade_to_black"):
                continue
            start = frames_of(made.get("in", "0"), self.rate, "a fade")
            length = frames_of(made.get("out", "0"), self.rate, "a fade") - start + 1
            before, _, after = told.get("genlock:offsets", "").partition(" ")
            over = (int(before), int(after)) if _whole(before) and _whole(after) else (0, 0)
            if kind == "fade_from_black":
                self.draft.transition(None, clip.id, over[0] if over[1] == length else 0, length)
            else:
                self.draft.transition(clip.id, None, length, over[1] if over[0] == length else 0)

    # -- about the whole

    def _guides(self) -> None:
        for element in self.root.iter("property"):
            name = element.get("name", "")
            if name not in ("kdenlive:docproperties.guides", "kdenlive:sequenceproperties.guides") or not element.text:
                continue
            try:
                rows = json.loads(element.text)
            except (ValueError, RecursionError):
                self.draft.warn("The guides of the project cannot be read; left out.")
                continue
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, dict) and isinstance(row.get("pos"), int):
                    color = _COLORS.get(row.get("type", 6) if isinstance(row.get("type"), int) else 6, "RED")
                    self.draft.marker(row["pos"], name=str(row.get("comment", "")), color=color)

    def _tag(self) -> Tag:
        for element in self.root.iter("property"):
            if element.get("name") == "kdenlive:docproperties.genlock" and element.text:
                parts = element.text.split(" ")
                if len(parts) == 3 and _whole(parts[1]):
                    return Tag(parts[0], int(parts[1]), parts[2])
        return Tag()


def properties(element: Element) -> dict[str, str]:
    """Returns the properties of an element."""
    return {child.get("name", ""): child.text or "" for child in element if child.tag == "property"}


def _tracks(tractor: Element) -> list[Element]:
    """Returns the tracks of a tractor; old files put them into a multitrack."""
    inner = tractor.find("multitrack")
    return [child for child in (inner if inner is not None else tractor) if child.tag == "track"]


def _rejoined(clips: list[_Clip]) -> list[_Clip]:
    """Puts clips and the ends of theirs that a dissolve's tractor held back together: same producer, next frames."""
    made: list[_Clip] = []
    for clip in clips:
        before = next(
            (
                c
                for c in reversed(made[-3:])
                if c.end == clip.at and c.producer is clip.producer and c.into + (c.end - c.at) == clip.into
            ),
            None,
        )
        if before is not None and "track" in (clip.entry.tag, before.entry.tag):
            before.end = clip.end
            if before.entry.tag == "track":
                before.entry = clip.entry
            continue
        made.append(clip)
    return made


def _rate(profile: Element | None, incoming: Incoming) -> Rate:
    if profile is None:
        return incoming.rate or Rate(25)  # MLT's own default, PAL
    num, den = profile.get("frame_rate_num", "25"), profile.get("frame_rate_den", "1")
    if not (_whole(num) and _whole(den) and int(num) > 0 and int(den) > 0):
        raise BadInput("bad_rate", f"The profile's rate {num[:20]}/{den[:20]} is none.")
    try:
        return snap_rate(Fraction(int(num), int(den)))
    except BadInput as error:
        raise BadInput("bad_rate", f"The profile's rate {num}/{den} is none that a cut can have.") from error


def _size(profile: Element | None) -> Resolution | None:
    if profile is None:
        return None
    width, height = profile.get("width", ""), profile.get("height", "")
    if not (_whole(width) and _whole(height) and 0 < int(width) <= 100_000 and 0 < int(height) <= 100_000):
        return None
    return Resolution(int(width), int(height))


def _own_rate(told: dict[str, str], rate: Rate) -> Rate:
    """Returns the media's own rate where we noted it: MLT itself counts in frames of the profile."""
    num, _, den = told.get("genlock:rate", "").partition("/")
    return Rate(int(num), int(den)) if _whole(num) and _whole(den) and int(num) > 0 and int(den) > 0 else rate


def _noted(entry: Element, about: dict[str, str], tail: bool = False) -> int | None:
    """Returns the lowest source frame that was noted because rounding to the profile's frames took it away; it holds while
    the entry starts where it did, and for a `tail`, ends there."""
    note = _NOTE.match(about.get("genlock:source", ""))
    if note is not None and note[1] == entry.get("in") and (not tail or note[2] == entry.get("out")):
        return int(note[3])
    return None


def _exact_speed(told: dict[str, str]) -> Speed | None:
    num, _, den = told.get("genlock:speed", "").partition("/")
    if not (_whole(num) and _whole(den)) or int(num) == 0 or int(den) < 1:
        return None
    return Speed.of(Fraction(int(num), int(den)))


def _whole(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"-?\d{1,12}", text) is not None


def _unwarped(resource: str, service: str) -> str:
    return resource.partition(":")[2] if service == "timewarp" else resource


def _joined(base: str, url: str) -> str:
    """Returns the path of a resource; relative ones lie under the document's root."""
    if not url or not base or url.startswith(("/", "\\")) or re.match(r"^[A-Za-z]:[\\/]|^[a-z]+://", url):
        return url
    return f"{base.rstrip('/')}/{url}"


def _name(told: dict[str, str]) -> str:
    name = told.get("kdenlive:clipname") or told.get("shotcut:caption") or ""
    path = told.get("warp_resource") or told.get("resource", "")
    return name.removeprefix(OFFLINE) or path.replace("\\", "/").rpartition("/")[2]
