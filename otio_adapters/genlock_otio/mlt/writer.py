"""A cut to MLT XML. The document has Kdenlive's shape (each track a tractor of two playlists, so that clips of a dissolve
can overlap), which melt renders as it stands."""

from __future__ import annotations

import json
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from genlock.timeline.events import TrackContent
from genlock.timeline.layout import Row
from genlock.timeline.model import Generator, Nested, Transition
from genlock_otio.mlt.producers import Producers, put
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.tracks import first_of

GUIDES: Final = {
    "PURPLE": 0,
    "CYAN": 1,
    "BLUE": 2,
    "GREEN": 3,
    "YELLOW": 4,
    "ORANGE": 5,
    "RED": 6,
    "PINK": 7,
    "MAGENTA": 7,
}
"""Kdenlive's marker categories by colour."""


def write(outgoing: Outgoing) -> Written:
    """Writes MLT XML (.mlt, .kdenlive) and notes what it does not carry."""
    return Written(_Document(outgoing).bytes(), outgoing.loss())


class _Document:
    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        content = outgoing.content
        self.root = Element("mlt", {"LC_NUMERIC": "C", "producer": "main_bin", "version": "7.0.0", "root": ""})
        self.root.append(_profile(outgoing))
        self.producers = Producers(self.root, outgoing)
        self.length = max(1, max((row.slot.end for part in content.tracks for row in outgoing.rows(part)), default=1))
        self.root.set("title", content.name)

    def bytes(self) -> bytes:
        tracks = [*reversed(self.outgoing.tracks("audio")), *self.outgoing.tracks("video")]
        made = [self._track(number, part) for number, part in enumerate(tracks, 1)]
        self._bin()
        black = SubElement(self.root, "producer", {"id": "black_track", "in": "0", "out": str(self.length - 1)})
        for name, value in (("length", str(self.length)), ("eof", "continue"), ("resource", "black")):
            put(black, name, value)
        put(black, "mlt_service", "color")
        put(black, "set.test_audio", "0")
        for tractor in made:
            self.root.append(tractor)
        main = SubElement(self.root, "tractor", {"id": "maintractor", "in": "0", "out": str(self.length - 1)})
        put(main, "genlock:name", self.outgoing.content.name)
        SubElement(main, "track", {"producer": "black_track"})
        for tractor, part in zip(made, tracks, strict=True):
            hide = (
                {"hide": "both"} if not part.track.enabled else {"hide": "video"} if part.track.kind == "audio" else {}
            )
            SubElement(main, "track", {"producer": tractor.get("id", ""), **hide})
        for number in range(1, len(tracks) + 1):
            self._sound(main, number)
        indent(self.root, " ")
        text: bytes = tostring(self.root, encoding="utf-8")
        return b'<?xml version="1.0" encoding="utf-8"?>\n' + text + b"\n"

    def _sound(self, main: Element, number: int) -> None:
        """Adds a track's sound to that of the others: without it only one of them sounds."""
        transition = SubElement(main, "transition", {"id": f"mix{number}"})
        for name, value in (("a_track", "0"), ("b_track", str(number)), ("mlt_service", "mix")):
            put(transition, name, value)
        for name, value in (("always_active", "1"), ("sum", "1"), ("internal_added", "237")):
            put(transition, name, value)

    def _bin(self) -> None:
        """Writes Kdenlive's project bin; melt passes over it."""
        content, tag = self.outgoing.content, self.outgoing.tag
        bin_ = SubElement(self.root, "playlist", {"id": "main_bin"})
        put(bin_, "kdenlive:docproperties.version", "1.04")
        put(bin_, "kdenlive:docproperties.kdenliveversion", "22.12.0")
        put(bin_, "kdenlive:docproperties.profile", "genlock")
        if tag.sequence:
            put(bin_, "kdenlive:docproperties.genlock", f"{tag.sequence} {tag.version} {tag.export}")
        guides = [
            {"comment": m.name, "pos": m.start, "type": GUIDES.get(m.color, 6)} for m in self.outgoing.markers(None)
        ]
        put(bin_, "kdenlive:docproperties.guides", json.dumps(guides, ensure_ascii=False))
        put(bin_, "xml_retain", "1")
        for id_ in self.producers.bin:
            SubElement(bin_, "entry", {"producer": id_})
        for marker in content.markers:
            if marker.item is not None:
                self.outgoing.lost("markers on clips", marker.name or marker.id)

    # -- tracks

    def _track(self, number: int, part: TrackContent) -> Element:
        lanes = (_Lane(self.root, f"playlist{number}a"), _Lane(self.root, f"playlist{number}b"))
        tractor = Element("tractor", {"id": f"tractor{number}", "in": "0", "out": str(self.length - 1)})
        track = part.track
        if track.kind == "audio":
            put(tractor, "kdenlive:audio_track", "1")
            put(lanes[0].element, "kdenlive:audio_track", "1")
            put(lanes[1].element, "kdenlive:audio_track", "1")
        put(tractor, "kdenlive:track_name", track.name)
        if track.locked:
            put(tractor, "kdenlive:locked_track", "1")
        put(tractor, "genlock:id", track.id)
        hide = "video" if track.kind == "audio" else "audio"
        for lane in lanes:
            SubElement(tractor, "track", {"producer": lane.element.get("id", ""), "hide": hide})
        self._items(tractor, lanes, part)
        return tractor

    def _items(self, tractor: Element, lanes: tuple[_Lane, _Lane], part: TrackContent) -> None:
        on = 0
        for row in self.outgoing.rows(part):
            head, tail = self.outgoing.around(row.item.id)
            if head is not None and head.left is not None:
                on = 1 - on  # the two sides of a dissolve overlap: they lie on different playlists
                self._mix(tractor, row.slot.start - head.in_offset, on, head)
            before = head.in_offset if head is not None and head.left is not None else 0
            after = tail.out_offset if tail is not None and tail.right is not None else 0
            self._place(lanes[on], row, part.track.kind, before, after)
            entry = lanes[on].last
            if head is not None and head.left is None:
                _fade(entry, "fade_from_black", 0, head.out_offset, head)
            if tail is not None and tail.right is None:
                _fade(entry, "fade_to_black", row.item.duration - tail.in_offset, tail.in_offset, tail)

    def _place(self, lane: _Lane, row: Row, kind: str, before: int, after: int) -> None:
        item = row.item
        self._note_loss(row)
        used = self.producers.use(item, kind)
        start, end = row.slot.start - before, row.slot.end + after
        into, out = used.into - before, used.out + after
        if item.speed.num == 0:
            into, out = 0, end - start - 1
        entry = lane.entry(used.producer, into, out, start)
        put(entry, "kdenlive:id", used.producer.removeprefix("producer"))
        put(entry, "genlock:id", item.id)
        if not used.exact:
            put(entry, "genlock:source", f"{into} {out} {first_of(item, self.outgoing.rate)}")
        if item.speed.num == 0:
            put(entry, "genlock:freeze", str(used.into))
            _filter(entry, "freeze", {"frame": str(used.into), "freeze_before": "0", "freeze_after": "0"})
        if not item.enabled:
            put(entry, "set.test_image", "1")
            put(entry, "set.test_audio", "1")
        if item.link:
            put(entry, "genlock:link", item.link)

    def _note_loss(self, row: Row) -> None:
        item = row.item
        name = item.name or item.id
        if isinstance(item.source, Nested):
            self.outgoing.lost("nested sequences (a grey place holder was written)", name)
        elif isinstance(item.source, Generator) and item.source.parameters.keys() - {"colour", "color"}:
            self.outgoing.lost("generators (a colour was written)", name)

    def _mix(self, tractor: Element, start: int, on: int, transition: Transition) -> None:
        into, length = transition.in_offset, transition.in_offset + transition.out_offset
        element = SubElement(tractor, "transition", {"in": str(start), "out": str(start + length - 1)})
        properties = {
            "a_track": str(1 - on),
            "b_track": str(on),
            "mlt_service": "luma",
            "kdenlive_id": "luma",
            "kdenlive:mixcut": str(length - into),
            "genlock:kind": transition.kind,
            "genlock:in_offset": str(into),
        }
        for name, value in properties.items():
            put(element, name, value)


class _Lane:
    """One playlist being filled from left to right."""

    def __init__(self, root: Element, id_: str) -> None:
        self.element = SubElement(root, "playlist", {"id": id_})
        self._end = 0
        self.last = self.element

    def entry(self, producer: str, into: int, out: int, start: int) -> Element:
        if start > self._end:
            SubElement(self.element, "blank", {"length": str(start - self._end)})
        self._end = start + out - into + 1
        self.last = SubElement(self.element, "entry", {"producer": producer, "in": str(into), "out": str(out)})
        return self.last


def _fade(entry: Element, kind: str, at: int, length: int, fade: Transition) -> None:
    into = int(entry.get("in", "0"))
    levels = "0=0;{}=1" if kind == "fade_from_black" else "0=1;{}=0"
    properties = {"kdenlive_id": kind, "level": levels.format(max(1, length - 1)), "alpha": "1"}
    made = _filter(entry, "brightness", properties)
    made.set("in", str(into + at))
    made.set("out", str(into + at + length - 1))
    if fade.in_offset and fade.out_offset:  # over the edge of the clip, where there is no picture to fade
        put(made, "genlock:offsets", f"{fade.in_offset} {fade.out_offset}")


def _filter(entry: Element, service: str, properties: dict[str, str]) -> Element:
    made = SubElement(entry, "filter")
    put(made, "mlt_service", service)
    for name, value in properties.items():
        put(made, name, value)
    return made


def _profile(outgoing: Outgoing) -> Element:
    rate, size = outgoing.rate, outgoing.content.resolution
    return Element(
        "profile",
        {
            "description": f"Genlock {size.width}x{size.height} {rate}",
            "width": str(size.width),
            "height": str(size.height),
            "progressive": "1",
            "sample_aspect_num": "1",
            "sample_aspect_den": "1",
            "display_aspect_num": str(size.width),
            "display_aspect_den": str(size.height),
            "frame_rate_num": str(rate.num),
            "frame_rate_den": str(rate.den),
            "colorspace": "709",
        },
    )
