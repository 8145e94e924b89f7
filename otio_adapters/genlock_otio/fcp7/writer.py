"""Writes Final Cut Pro 7 XML (xmeml 4) in the shape that Premiere Pro, DaVinci Resolve and OpenShot read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.timeline.events import TrackContent
from genlock.timeline.layout import Row
from genlock.timeline.model import Generator, Media, Nested, Shot, Transition
from genlock.timeline.rate import NORMAL
from genlock_otio.fcp7.crossings import OWN, write_crossing
from genlock_otio.fcp7.extent import length_of
from genlock_otio.fcp7.files import Described, FileList, write_file
from genlock_otio.fcp7.generators import write_generator
from genlock_otio.fcp7.items import (
    FIRST_CHANNEL,
    Kept,
    Lying,
    Shape,
    attributes_of,
    filters_of,
    kept_children,
    kept_media,
    name_of,
    note_of,
    shape_of,
    source_span,
    synthetic,
)
from genlock_otio.fcp7.marks import ID, write_marker
from genlock_otio.fcp7.notes import note_text
from genlock_otio.fcp7.rates import ticks, write_rate, write_timecode
from genlock_otio.fcp7.speed import write_retime
from genlock_otio.fcp7.trees import Page, sound_attributes
from genlock_otio.keeping import Json
from genlock_otio.outgoing import Outgoing, Written

NESTING: Final = 32
_LINKED: Final = 32
"""Members of a link group up to which each names all the others; in larger ones each names the first."""


def write(outgoing: Outgoing) -> Written:
    """Returns the document. Raises BadInput(too_deep) for sequences nested without end."""
    writer = _Writer(outgoing)
    return Written(writer.document(), outgoing.loss())


class _Writer:
    """One document. `_to` is the cut whose losses are noted; inner sequences are cuts of their own."""

    def __init__(self, to: Outgoing) -> None:
        self._to = to
        self._page = Page()
        self._files = FileList()
        self._clips = 0
        self._sequences: dict[str, int] = {}
        self._inner: dict[str, Outgoing | None] = {}
        self._lengths: dict[str, int] = {}

    def document(self) -> bytes:
        self._survey(self._to, 0)
        self._page.open("xmeml", {"version": "4"})
        tag = self._to.tag
        note = {"sequence": tag.sequence, "version": tag.version, "export": tag.export}
        self._sequence(self._to, 1, {key: value for key, value in note.items() if value})
        self._page.close("xmeml")
        return self._page.data()

    def _survey(self, to: Outgoing, depth: int) -> None:
        """Looks at every clip before the first is written: how far media of unknown length are shown."""
        if depth > NESTING:
            raise BadInput("too_deep", f"Sequences are nested more than {NESTING} deep.")
        for part in (*to.tracks("video"), *to.tracks("audio")):
            for placed in part.items:
                match placed.item.source:
                    case Media() | Shot():
                        self._files.see(to, placed.item, part.track.kind, kept_media(placed.item))
                    case Nested(sequence=id_):
                        if id_ not in self._inner:
                            self._inner[id_] = inner = self._nested(id_)
                            self._lengths[id_] = length_of(inner.content) if inner is not None else 0
                        if (inner := self._inner[id_]) is not None and depth >= 0:
                            self._survey_once(id_, inner, depth)
                    case _:
                        pass

    def _survey_once(self, id_: str, inner: Outgoing, depth: int) -> None:
        if id_ in self._sequences:
            if self._sequences[id_] == 0:
                raise BadInput("too_deep", f"The sequence {inner.content.name!r} contains itself.")
            return
        self._sequences[id_] = 0  # being looked at
        self._survey(inner, depth + 1)
        self._sequences[id_] = -1  # not written yet

    def _nested(self, id_: str) -> Outgoing | None:
        content = self._to.nested(id_)
        if content is None:
            return None
        return self._to.within(content)

    # -- a sequence

    def _sequence(self, to: Outgoing, number: int, note: Json) -> None:
        page, content = self._page, to.content
        kept = kept_children(content.foreign)
        page.open("sequence", {"id": f"sequence-{number}", **_attributes(content.foreign)})
        if len(id_ := str(note.get("sequence", ""))) == 32:
            page.leaf("uuid", "-".join((id_[:8], id_[8:12], id_[12:16], id_[16:20], id_[20:])))
        page.leaf("duration", length_of(content))
        write_rate(page, to.rate)
        page.leaf("name", content.name)
        page.open("media")
        lying = self._lay(to)
        groups = _groups(lying)
        self._video(to, lying, groups)
        self._audio(to, lying, groups)
        page.close("media")
        write_timecode(page, content.start_frame, to.rate, content.drop_frame)
        for marker in to.markers(None):
            write_marker(page, marker)
        self._remarks(kept, note, log="logginginfo" not in kept.tags)
        for tree in (*kept.first, *kept.middle, *kept.last):
            page.tree(tree)
        page.close("sequence")

    def _lay(self, to: Outgoing) -> dict[str, list[Lying]]:
        """Returns the items of each track with their ids in the document."""
        found: dict[str, list[Lying]] = {}
        for kind in ("video", "audio"):
            for number, part in enumerate(to.tracks(kind), 1):
                row: list[Lying] = []
                for place, slot in enumerate(to.rows(part), 1):
                    self._clips += 1
                    head, tail = to.around(slot.item.id)
                    head, id_ = self._clamped(head, slot), f"clipitem-{self._clips}"
                    row.append(Lying(slot, head, tail, id_, part.track.kind, number, place))
                found[part.track.id] = row
        return found

    def _clamped(self, head: Transition | None, row: Row) -> Transition | None:
        """Returns a transition that does not begin before the sequence does."""
        if head is None or head.in_offset <= row.slot.start:
            return head
        self._to.lost("part of a transition before the first frame", row.item.name or row.item.id)
        cut = replace(head, in_offset=row.slot.start)
        return cut if cut.in_offset + cut.out_offset else None

    def _video(self, to: Outgoing, lying: dict[str, list[Lying]], groups: dict[str, list[Lying]]) -> None:
        page, size = self._page, to.content.resolution
        page.open("video")
        page.open("format")
        page.open("samplecharacteristics")
        write_rate(page, to.rate)
        page.leaf("width", size.width)
        page.leaf("height", size.height)
        page.leaf("anamorphic", "FALSE")
        page.leaf("pixelaspectratio", "square")
        page.leaf("fielddominance", "none")
        page.leaf("colordepth", 24)
        page.close("samplecharacteristics")
        page.close("format")
        for part in to.tracks("video"):
            self._track(to, part, lying[part.track.id], groups)
        page.close("video")

    def _audio(self, to: Outgoing, lying: dict[str, list[Lying]], groups: dict[str, list[Lying]]) -> None:
        page = self._page
        page.open("audio")
        page.leaf("numOutputChannels", 2)
        page.open("format")
        page.open("samplecharacteristics")
        page.leaf("depth", 16)
        page.leaf("samplerate", 48000)
        page.close("samplecharacteristics")
        page.close("format")
        for part in to.tracks("audio"):
            self._track(to, part, lying[part.track.id], groups)
        page.close("audio")

    def _track(self, to: Outgoing, part: TrackContent, row: list[Lying], groups: dict[str, list[Lying]]) -> None:
        page, track = self._page, part.track
        attributes = {ID: track.id, **_attributes(track.foreign)}
        if track.name:
            attributes["MZ.TrackName"] = track.name
        page.open("track", attributes)
        if track.name:
            page.leaf("name", track.name)
        for lying in row:
            if lying.head is not None and lying.head.left is None:
                write_crossing(page, lying.head, lying.row.slot.start, to.rate, track.kind)
            self._item(to, lying, groups)
            if lying.tail is not None:
                write_crossing(page, lying.tail, lying.row.slot.end, to.rate, track.kind)
        page.flag("enabled", track.enabled)
        page.flag("locked", track.locked)
        for tree in kept_children(track.foreign).last:
            page.tree(tree)
        page.close("track")

    # -- an item

    def _item(self, to: Outgoing, lying: Lying, groups: dict[str, list[Lying]]) -> None:
        page, item = self._page, lying.item
        inner, described, more = self._shown(to, lying)
        reach = max(self._lengths.get(getattr(item.source, "sequence", ""), 0), 1)
        length, first, rate = source_span(to, item, described, inner.content if inner is not None else None, reach)
        shape = shape_of(to, lying, length, first, rate)
        kept = kept_children(item.foreign)
        plain = not isinstance(item.source, Generator) or synthetic(item) is not None
        tag = "clipitem" if plain else "generatoritem"
        page.open(tag, {"id": lying.id, **self._attributes(lying, described)})
        for tree in kept.first:
            page.tree(tree)
        name = name_of(lying.item, described.name if described is not None else "")
        self._numbers(lying, shape, name, length)
        for tree in kept.middle:
            page.tree(tree)
        self._content(lying, inner, described)
        if item.speed != NORMAL:
            write_retime(page, shape.play, shape.into, shape.out, shape.place, lying.kind)
        for tree in filters_of(item):
            page.tree(tree)
        if kept.channel is not None:
            page.tree(kept.channel)
        elif lying.kind == "audio":
            page.tree(FIRST_CHANNEL)
        for marker in to.markers(item.id):
            write_marker(page, marker, first)
        for member in _members(groups.get(item.link or "", []), lying):
            self._link(member)
        alone = described is not None and isinstance(item.source, Media | Shot) and self._files.alone(to, item)
        self._remarks(
            kept, note_of(lying, shape, name, more), log=alone and "logginginfo" not in kept.tags, short=item.id
        )
        for tree in kept.last:
            page.tree(tree)
        page.close(tag)

    def _shown(self, to: Outgoing, lying: Lying) -> tuple[Outgoing | None, Described | None, Json]:
        """Returns the nested cut or the file that an item shows, and what to note about it."""
        item = lying.item
        match item.source:
            case Media() as source:
                described = self._files.describe(to, item)
                return None, described, described.note(source)
            case Shot() as source:
                described = self._files.describe(to, item)
                if described.file is None:
                    self._to.lost("shot without a take (a place holder was written)", item.name or item.id)
                return None, described, described.note(source)
            case Nested(sequence=id_) as source:
                inner = self._inner[id_]
                if inner is None:
                    name, frames = item.name or "Nested", source.frames or item.duration
                    self._to.lost("nested sequence that is not there (a place holder was written)", name)
                    made = self._files.placeholder(name, frames, to.source_rate(item))
                    return None, made, {}
                reach = self._lengths[id_]
                count = -1 if source.frames is None else source.frames
                return inner, None, {} if count == (reach or -1) else {"frames": [reach, count]}
            case _:
                return None, None, {}

    def _attributes(self, lying: Lying, described: Described | None) -> dict[str, str]:
        own = attributes_of(lying.item)
        own.pop("id", None)
        if lying.kind == "audio" and described is not None and "premiereChannelType" not in own:
            info = described.file.info if described.file is not None else None
            if info is not None and info.audio:
                own["premiereChannelType"] = "stereo" if info.audio[0].channels > 1 else "mono"
        return own

    def _numbers(self, lying: Lying, shape: Shape, name: str, length: int) -> None:
        page, item = self._page, lying.item
        page.leaf("name", name)
        page.flag("enabled", item.enabled)
        page.leaf("duration", max(shape.out, length if item.speed == NORMAL else shape.play.whole))
        write_rate(page, shape.rate)
        page.leaf("start", shape.start)
        page.leaf("end", shape.end)
        page.leaf("in", shape.into)
        page.leaf("out", shape.out)
        exact = ticks(shape.into, shape.rate), ticks(shape.out, shape.rate)
        if None not in exact:
            page.leaf("pproTicksIn", exact[0])
            page.leaf("pproTicksOut", exact[1])

    def _content(self, lying: Lying, inner: Outgoing | None, described: Described | None) -> None:
        source = lying.item.source
        if (made := synthetic(lying.item)) is not None:
            self._page.tree({**made, "attributes": {**made.get("attributes", {}), "id": self._files.next_id()}})
        elif isinstance(source, Generator):
            write_generator(self._page, source, lying.kind)
        elif inner is not None and isinstance(source, Nested):
            self._nest(source.sequence, inner)
        elif described is not None:
            write_file(self._page, described, self._files.first_time(described))

    def _nest(self, id_: str, inner: Outgoing) -> None:
        """Writes a nested sequence in full where it is shown first, by its id elsewhere."""
        number = self._sequences[id_]
        if number > 0:
            self._page.leaf("sequence", "", {"id": f"sequence-{number}"})
            return
        number = 2 + sum(1 for other in self._sequences.values() if other > 0)
        self._sequences[id_] = number
        self._sequence(inner, number, {"sequence": id_})

    def _link(self, member: Lying) -> None:
        page = self._page
        page.open("link")
        page.leaf("linkclipref", member.id)
        page.leaf("mediatype", member.kind)
        page.leaf("trackindex", member.track)
        page.leaf("clipindex", member.place)
        page.close("link")

    def _remarks(self, kept: Kept, note: Json, *, log: bool, short: str = "") -> None:
        """Writes our note beside the remarks that others left."""
        page = self._page
        if note or kept.comments:
            page.open("comments")
            for leaf in kept.comments:
                page.tree(leaf)
            if note:
                taken = {leaf["tag"] for leaf in kept.comments}
                page.leaf(next(tag for tag in _COMMENTS if tag not in taken), note_text(note))
            page.close("comments")
        if log and note:
            page.open("logginginfo")
            for tag in ("description", "scene", "shottake"):
                page.leaf(tag)
            page.leaf("lognote", note_text({"id": short} if short else note))
            page.close("logginginfo")


_COMMENTS: Final = (
    *(
        "mastercomment1",
        "mastercomment2",
        "mastercomment3",
        "mastercomment4",
        "clipcommenta",
        "clipcommentb",
        "genlock",
    ),
)


def _attributes(foreign: Json) -> dict[str, str]:
    own = foreign.get(OWN)
    found = sound_attributes(own.get("attributes")) if isinstance(own, dict) else {}
    found.pop("id", None)
    return found


def _groups(lying: dict[str, list[Lying]]) -> dict[str, list[Lying]]:
    """Returns the link groups of a sequence that have more than one member."""
    found: dict[str, list[Lying]] = {}
    for row in lying.values():
        for one in row:
            if one.item.link:
                found.setdefault(one.item.link, []).append(one)
    return {link: members for link, members in found.items() if len(members) > 1}


def _members(group: list[Lying], lying: Lying) -> Iterator[Lying]:
    if len(group) <= _LINKED:
        yield from group
        return
    yield group[0]
    if lying is not group[0]:
        yield lying
