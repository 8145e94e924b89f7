"""Reads Final Cut Pro's XML, versions 1.8 to 1.13, as it comes: from Final Cut Pro, from Resolve, from converters."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.model import Media, Resolution
from genlock.timeline.rate import Rate
from genlock_otio.dialects import Incoming
from genlock_otio.draft import Draft
from genlock_otio.fcpx.filling import fill
from genlock_otio.fcpx.notes import Note, read_note
from genlock_otio.fcpx.resources import Asset, Resources, sequence_rate
from genlock_otio.fcpx.seconds import ZERO, of_frames, place, seconds
from genlock_otio.fcpx.story import CLIPS, NestedClip, Story
from genlock_otio.fcpx.tracks import KEY, told
from genlock_otio.keeping import Json
from genlock_otio.markup import parse_xml
from genlock_otio.times import rounded
from genlock_otio.values import Imported, Tag

OFFLINE: Final = "file:///genlock-offline/"
"""Where the writer says that media lies which is known by name only."""
DEEPEST: Final = 24
"""Compound clips within compound clips."""
SOUND: Final = {"audioLayout": "stereo", "audioRate": "48k", "renderFormat": None, "keywords": None}
"""A sequence's attributes that are kept, and what the writer says without."""


def knows(data: bytes) -> bool:
    """Returns whether the bytes look like FCPXML."""
    head = data[:4096]
    return b"<fcpxml" in head or b"<\0f\0c\0p\0x\0m\0l" in head or b"\0<\0f\0c\0p\0x\0m\0l" in head


def read(incoming: Incoming) -> Imported:
    """Reads one project. Raises BadInput: bad_xml, too_large, too_deep, bad_timeline, bad_time, bad_rate, bad_value."""
    root = parse_xml(incoming.data, incoming.limits, incoming.name or "The file")
    if root.tag != "fcpxml":
        raise BadInput(
            "bad_timeline", f"{incoming.name or 'The file'} is XML, but no FCPXML: it begins with <{root.tag}>."
        )
    return _Reader(incoming, root).read()


class _Reader:
    def __init__(self, incoming: Incoming, root: Element) -> None:
        self.incoming = incoming
        self.root = root
        self.resources = Resources(root)
        self.main: Draft | None = None
        self._compounds: dict[str, NestedClip] = {}
        self._angles: dict[int, NestedClip] = {}
        self._sources: dict[tuple[int, Rate], Media] = {}
        self._open: list[str] = []

    def read(self) -> Imported:
        projects = list(self.root.iter("project"))
        found = next((p for p in projects if p.find("sequence") is not None), None)
        if found is None:
            draft = self._loose()
        else:
            sequence = found.find("sequence")
            assert sequence is not None
            draft = self._sequence(sequence, found.get("name") or self.incoming.name)
            others = [p.get("name", "") for p in projects if p is not found]
            if others:
                names = ", ".join(repr(name) for name in others[:10])
                draft.warn(f"The file holds {len(projects)} projects; {found.get('name', '')!r} was read, not {names}.")
        if self._version() is None:
            draft.warn(f"The file says FCPXML version {self.root.get('version', '')[:20]!r}.")
        return draft.finish("fcpx")

    def _version(self) -> tuple[int, int] | None:
        one, _, two = self.root.get("version", "").partition(".")
        return (int(one), int(two)) if one == "1" and two.isascii() and two.isdigit() and len(two) < 4 else None

    def _loose(self) -> Draft:
        """Reads a file without a project: its clips one after another, or the compound clip it holds."""
        events = list(self.root.iter("event")) or [self.root]
        clips = [clip for event in events for clip in event if clip.tag in CLIPS]
        if len(clips) == 1 and clips[0].tag == "ref-clip":
            media = self.resources.get(clips[0])
            if (sequence := media.find("sequence")) is not None:
                return self._sequence(sequence, clips[0].get("name") or media.get("name") or self.incoming.name)
        if not clips:
            sequence = next(self.root.iter("sequence"), None)
            if sequence is not None:
                return self._sequence(sequence, self.incoming.name)
            raise BadInput("bad_timeline", f"{self.incoming.name or 'The file'} holds no project and no clips.")
        for clip in clips:
            clip.attrib.pop("offset", None)
        exact = next((rate for clip in clips if (rate := self._rate_of_clip(clip)) is not None), None)
        draft = self._draft(self.incoming.name, self._rate(exact, clips[0]), None, {})
        draft.warn("The file holds no project; its clips were put one after another.")
        self._story(draft, clips, ZERO, None)
        return draft

    def _rate_of_clip(self, clip: Element) -> Fraction | None:
        found = self.resources.rate_of_frames(clip.get("format"))
        if found is not None or clip.get("ref") is None:
            return found
        resource = self.resources.get(clip)
        inner = resource.find("sequence") if resource.tag == "media" else resource
        return None if inner is None else self.resources.rate_of_frames(inner.get("format"))

    def _rate(self, exact: Fraction | None, where: Element) -> Rate:
        if exact is not None:
            return sequence_rate(exact, where)
        if self.incoming.rate is not None:
            return self.incoming.rate
        return self.main.rate if self.main is not None else Rate(24)

    # -- sequences

    def _sequence(self, sequence: Element, name: str) -> Draft:
        size = self.resources.format(sequence.get("format")).size
        exact = self.resources.rate_of_frames(sequence.get("format"))
        if exact is None:
            clips = (clip for clip in sequence.iter() if clip.tag in CLIPS)
            exact = next((found for clip in clips if (found := self._rate_of_clip(clip)) is not None), None)
        rate = self._rate(exact, sequence)
        note = read_note(sequence.findtext("note") or "")
        draft = self._draft(name, rate, size, self._foreign(sequence, note), note)
        if exact is None:
            draft.warn(f"{name!r} does not say its frame rate; {rate} was taken.")
        first = seconds(sequence, "tcStart") or ZERO
        draft.start_frame = rounded(first * rate.fraction)
        draft.bound(draft.start_frame, name)
        draft.drop_frame = sequence.get("tcFormat") == "DF" and bool(rate.drop_per_minute)
        spine = sequence.find("spine")
        self._story(draft, () if spine is None else spine, first, sequence)
        return draft

    def _foreign(self, sequence: Element, note: Note) -> Json:
        about: Json = {"note": note.text} if note.text else {}
        attributes = {key: value for key, usual in SOUND.items() if (value := sequence.get(key)) not in (None, usual)}
        if attributes:
            about["attributes"] = attributes
        return {"fcpx": about} if about else {}

    def _draft(self, name: str, rate: Rate, size: Resolution | None, foreign: Json, note: Note | None = None) -> Draft:
        if self.main is None:
            draft = Draft(self.incoming.data, self.incoming.base, name, rate, resolution=size, foreign=foreign)
            self.main = draft
            if note is not None and note.ours:
                version = note.facts.get("version", "")
                number = int(version) if version.isascii() and version.isdigit() and len(version) < 16 else 0
                draft.tag = Tag(note.id, number, note.facts.get("export", ""))
            return draft
        draft = Draft(b"", self.incoming.base, name, rate, resolution=size, foreign=foreign)
        draft.reading = self.main.reading
        return draft

    def _story(self, draft: Draft, children: Iterable[Element], first: Fraction, sequence: Element | None) -> None:
        story = Story(
            self.resources,
            draft.rate,
            draft.warn,
            media=lambda asset: self._media(draft, asset),
            nested=self._nested,
            inner=self._inner,
        )
        story.read(children, first)
        table = None
        if sequence is not None:
            table = next((md.get("value") for md in sequence.iterfind("metadata/md") if md.get("key") == KEY), None)
            table = table or read_note(sequence.findtext("note") or "").facts.get("tracks")
        fill(draft, story, told(table))

    def _media(self, draft: Draft, asset: Asset) -> Media:
        key = id(asset), draft.rate
        if key not in self._sources:
            self._sources[key] = self._source(draft, asset)
        return self._sources[key]

    def _source(self, draft: Draft, asset: Asset) -> Media:
        own = asset.rate or draft.rate
        url, name = asset.url, asset.name
        if url.startswith(OFFLINE):
            url = ""
        return draft.media(
            url,
            name=name,
            first=asset.first * own.fraction,
            frames=None if asset.length is None else asset.length * own.fraction,
            rate=asset.rate,
        )

    # -- compound clips

    def _nested(self, element: Element) -> NestedClip:
        media = self.resources.get(element)
        id_ = media.get("id", "")
        if id_ in self._compounds:
            return self._compounds[id_]
        if id_ in self._open:
            raise BadInput(
                "bad_timeline", f"The compound clip {media.get('name', id_)!r} contains itself ({place(element)})."
            )
        sequence = media.find("sequence")
        if media.tag != "media" or (sequence is None and len(media)):
            raise BadInput("bad_timeline", f"{place(element)} refers to a <{media.tag}> that is no compound clip.")
        name = media.get("name") or element.get("name") or "Compound Clip"
        self._enter(id_, element)
        if sequence is None:
            draft = self._draft(name, self._rate(None, element), None, {})
            draft.warn(f"The compound clip {name!r} is not in the file.")
            note = read_note("")
        else:
            draft = self._sequence(sequence, name)
            note = read_note(sequence.findtext("note") or "")
        found = self._finished(draft, note.id)
        self._open.pop()
        self._compounds[id_] = found
        return found

    def _inner(self, holder: Element, children: Iterable[Element], first: Fraction) -> NestedClip:
        """Reads a clip that holds several others, or an angle, as a nested sequence."""
        key = id(children) if isinstance(children, Element) else id(holder)
        if key in self._angles:
            return self._angles[key]
        name = (children.get("name") if isinstance(children, Element) else "") or holder.get("name") or "Clip"
        self._enter(f"#{key}", holder)
        draft = self._draft(name, self._rate(self.resources.rate_of_frames(holder.get("format")), holder), None, {})
        size = self.resources.format(holder.get("format")).size
        if size is not None:
            draft.resolution = size
        draft.start_frame = max(0, rounded(first * draft.rate.fraction))
        draft.bound(draft.start_frame, name)
        flat = [c for one in children for c in (one if one.tag == "spine" else (one,))]
        self._story(draft, flat, first, None)
        found = self._finished(draft, "")
        self._open.pop()
        self._angles[key] = found
        return found

    def _enter(self, key: str, element: Element) -> None:
        if len(self._open) >= DEEPEST:
            raise BadInput("too_deep", f"{place(element)} lies in {DEEPEST} compound clips, one in the other.")
        self._open.append(key)

    def _finished(self, draft: Draft, id_: str) -> NestedClip:
        content = draft.content()
        frames = max((_end(part.items) for part in content.tracks), default=0)
        start = of_frames(content.start_frame, content.rate)
        return NestedClip(draft.nested(content, id_), start, content.rate, frames, content.name)


def _end(items: Iterable[object]) -> int:
    end = 0
    for placed in items:
        start = getattr(placed, "start", None)
        end = (end if start is None else start) + placed.item.duration  # type: ignore[attr-defined]
    return end
