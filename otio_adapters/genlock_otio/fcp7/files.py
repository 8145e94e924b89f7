"""<file> elements: the media of a clip, both ways. A file is described in full where it is used first; FCP7 and Premiere
then name it by its id only, and so may any file read here."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

from msgspec import Struct
from msgspec.structs import replace

from genlock.project.media import MediaFile
from genlock.timeline.model import Item, Media, Resolution, Shot, source_range
from genlock.timeline.rate import Rate
from genlock_otio.fcp7.paths import AUDIO, STILL, first_number, read_path, suffix_of, write_path
from genlock_otio.fcp7.rates import Timecode, read_rate, read_timecode, write_rate, write_timecode
from genlock_otio.fcp7.trees import Page, kept_tree, number, text
from genlock_otio.keeping import Json
from genlock_otio.outgoing import Outgoing
from genlock_otio.times import Exact, whole

_SHOWN: Final = 10**9
"""Frames at most that a media of unknown length is said to have."""


class Facts(Struct, frozen=True):
    """What a <file> says. `rate` None: that of the clip; `frames` None: unknown. `generator` is Premiere's word for what
    is no file (Slug, GraphicAndType); `media` is then the whole element."""

    name: str = ""
    path: str = ""
    generator: str = ""
    rate: Rate | None = None
    frames: Exact | None = None
    timecode: Timecode | None = None
    media: Json | None = None
    odd: str = ""


class FileIndex:
    """The files of one document, by id."""

    def __init__(self, root: Element, base: Path) -> None:
        self._base = base
        self._full: dict[str, Element] = {}
        self._known: dict[tuple[str, str], Facts] = {}
        for element in root.iter("file"):
            id_ = element.get("id")
            if id_ and len(element):
                self._full.setdefault(id_, element)

    def facts(self, element: Element, place: str) -> Facts:
        """Returns what is known of the file a clip names; its <media> and what is odd about it the first time only.

        Nuke Studio gives several files one id: a file that names a path is what it says itself.
        """
        id_ = element.get("id") or ""
        full = element if element.find("pathurl") is not None else self._full.get(id_, element)
        if not len(full):
            return Facts(odd=f"The file {id_!r} is described nowhere; it is offline.")
        if not id_:
            return self._read(full, place)
        key = id_, text(full, "pathurl")
        known = self._known.get(key)
        if known is None:
            known = self._read(full, place)
            self._known[key] = replace(known, media=known.media if known.generator else None, odd="")
        return known

    def _read(self, element: Element, place: str) -> Facts:
        what = f"the file {element.get('id') or text(element, 'name')!r} of {place}"
        url = text(element, "pathurl").strip()
        rate = read_rate(element.find("rate"), what)
        timecode = read_timecode(element.find("timecode"), rate, what)
        media = element.find("media")
        path = read_path(url, self._base) if url else ""
        if timecode is None and (numbered := first_number(url)) is not None:
            timecode = Timecode(numbered, False, None)
        generator = "" if path else text(element, "mediaSource").strip()
        frames = number(element.find("duration"), what)
        odd = timecode.contradiction if timecode is not None else ""
        if frames is not None and frames < 0:
            frames, odd = None, f"{what} has a negative duration; its length counts as unknown."
        return Facts(
            text(element, "name"),
            path,
            generator,
            rate,
            frames,
            timecode,
            kept_tree(element) if generator else kept_tree(media) if media is not None and len(media) else None,
            odd,
        )


def media_span(facts: Facts, rate: Rate) -> tuple[Exact, Exact | None]:
    """Returns (number of the first frame, frames) of a media in frames of its `rate`."""
    first = facts.timecode.at(rate) if facts.timecode is not None else 0
    if facts.frames is None or facts.rate is None or facts.rate == rate:
        return first, facts.frames
    return first, whole(Fraction(facts.frames) * rate.fraction / facts.rate.fraction)


class Described(Struct, frozen=True):
    """A media as it is written: the number of its first frame and its length, in its own frames. `said` and `known` tell
    them apart from what the model says: a length that nobody knows is written as what is shown."""

    id: str
    first: int
    frames: int
    rate: Rate
    file: MediaFile | None
    name: str
    media: Any = None
    audio: bool = False
    size: Resolution = Resolution()

    def note(self, source: Media | Shot) -> Json:
        """Returns what to note at each clip of it."""
        made: Json = {}
        if source.frames != self.frames:
            made["frames"] = [self.frames, -1 if source.frames is None else source.frames]
        if source.first != self.first:
            made["first"] = [self.first, source.first]
        return made


class FileList:
    """The files of a document being written: which clips share one, and which are described already."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Described] = {}
        self._reach: dict[tuple[Any, ...], int] = {}
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._heard: set[tuple[Any, ...]] = set()
        self._used: dict[tuple[Any, ...], int] = {}
        self._written: set[str] = set()
        self._own = 0
        self._of: dict[str, tuple[Item, tuple[tuple[Any, ...], int]]] = {}
        self._size: dict[tuple[Any, ...], Resolution] = {}

    def see(self, to: Outgoing, item: Item, kind: str, tree: Any) -> None:
        """Takes notice of a clip before anything is written; `tree` is its file's <media> as it was read."""
        key, first = self._key(to, item)
        self._reach[key] = max(self._reach.get(key, 1), source_range(item, to.rate)[1] - first)
        self._used[key] = self._used.get(key, 0) + 1
        self._size.setdefault(key, to.content.resolution)
        if tree is not None:
            self._kept.setdefault(key, tree)
        if kind == "audio":
            self._heard.add(key)

    def _key(self, to: Outgoing, item: Item) -> tuple[tuple[Any, ...], int]:
        """Returns (what tells the item's file from others, the number of its first frame)."""
        known = self._of.get(item.id)
        if known is not None and known[0] is item:
            return known[1]
        found = self._found(to, item)
        self._of[item.id] = item, found
        return found

    def _found(self, to: Outgoing, item: Item) -> tuple[tuple[Any, ...], int]:
        source = item.source
        assert isinstance(source, Media | Shot)
        file = to.file(item)
        first, frames = source.first, source.frames
        info = file.info if file is not None else None
        if frames is None and first == 0 and info is not None and info.rate == to.source_rate(item):
            first = info.start
        path = file.path if file is not None else ""
        name = file.name if file is not None else ""
        if not path and not name:
            name = item.name or (source.shot if isinstance(source, Shot) else source.media)
        return (path, name, first, frames, to.source_rate(item)), first

    def describe(self, to: Outgoing, item: Item) -> Described:
        """Returns the file of a clip that was seen."""
        key, first = self._key(to, item)
        if key not in self._made:
            path, name, _, frames, rate = key
            file = to.file(item)
            if frames is None:
                info = file.info if file is not None else None
                probed = info.frames if info is not None and info.rate == rate else 0
                frames = min(max(probed, self._reach[key]), _SHOWN)
            self._made[key] = Described(
                f"file-{len(self._made) + 1}", first, frames, rate, file if path else None,
                name or path.replace("\\", "/").rpartition("/")[2], self._kept.get(key), key in self._heard,
                self._size[key],
            )  # fmt: skip
        return self._made[key]

    def placeholder(self, name: str, frames: int, rate: Rate) -> Described:
        """Returns a file that does not exist, for what the document cannot hold."""
        key = ("", name, None, frames, rate)
        made = Described(f"file-{len(self._made) + 1}", 0, frames, rate, None, name)
        return self._made.setdefault(key, made)

    def next_id(self) -> str:
        """Returns the id of a file that is like no other."""
        self._own += 1
        return f"file-own-{self._own}"

    def first_time(self, it: Described) -> bool:
        """Returns whether a file was not written yet; it counts as written from now on."""
        if it.id in self._written:
            return False
        self._written.add(it.id)
        return True

    def alone(self, to: Outgoing, item: Item) -> bool:
        """Returns whether no other clip shows the file."""
        return self._used.get(self._key(to, item)[0]) == 1


def write_file(page: Page, it: Described, full: bool) -> None:
    """Writes the <file> of a clip, in full where it comes first: Resolve drops clips whose file is described twice
    (docs/why/fcp7.md)."""
    if not full:
        page.leaf("file", "", {"id": it.id})
        return
    page.open("file", {"id": it.id})
    page.leaf("name", it.name)
    path = it.file.path if it.file is not None else ""
    if path:
        page.leaf("pathurl", write_path(path, it.first, it.frames))
    write_rate(page, it.rate)
    page.leaf("duration", it.frames)
    info = it.file.info if it.file is not None else None
    write_timecode(page, it.first, it.rate, bool(info and info.drop_frame and it.rate.drop_per_minute))
    if it.media is not None:
        page.tree(it.media)
    else:
        _media(page, it, suffix_of(path))
    page.close("file")


def _media(page: Page, it: Described, suffix: str) -> None:
    info = it.file.info if it.file is not None else None
    page.open("media")
    if info.rate is not None or info.width if info is not None else suffix not in AUDIO:
        known = info is not None and info.width and info.height
        page.open("video")
        page.leaf("duration", it.frames)
        page.open("samplecharacteristics")
        write_rate(page, it.rate)
        page.leaf("width", info.width if info is not None and known else it.size.width)
        page.leaf("height", info.height if info is not None and known else it.size.height)
        page.leaf("anamorphic", "FALSE")
        page.leaf("pixelaspectratio", "square")
        page.leaf("fielddominance", "none")
        page.close("samplecharacteristics")
        page.close("video")
    if bool(info.audio) if info is not None else suffix in AUDIO or (it.audio and suffix not in STILL):
        stream = info.audio[0] if info is not None else None
        page.open("audio")
        page.open("samplecharacteristics")
        page.leaf("depth", 16)
        page.leaf("samplerate", stream.sample_rate if stream else 48000)
        page.close("samplecharacteristics")
        page.leaf("channelcount", stream.channels if stream else 2)
        page.close("audio")
    page.close("media")
