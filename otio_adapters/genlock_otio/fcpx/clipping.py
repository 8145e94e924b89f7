"""One item as an element: what it refers to, its times, and what was kept with it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

import msgspec

from genlock.project.media import MediaFile
from genlock.timeline.layout import handles
from genlock.timeline.model import Gap, Generator, Item, Media, Nested, Shot
from genlock.timeline.rate import Rate
from genlock_otio.fcpx.clips import ROLE
from genlock_otio.fcpx.marks import write_mark
from genlock_otio.fcpx.notes import write_note
from genlock_otio.fcpx.pairs import Pair
from genlock_otio.fcpx.pool import SOLID, TITLE, Pool
from genlock_otio.fcpx.seconds import ZERO, of_frames, parsed, written
from genlock_otio.fcpx.timing import Place, conform
from genlock_otio.fcpx.trees import grow
from genlock_otio.keeping import Json
from genlock_otio.outgoing import Outgoing
from genlock_otio.times import rounded

_CONFORM: Final = {
    "23.976": "23.98", "24": "24", "25": "25", "29.97": "29.97", "30": "30", "47.952": "47.95", "48": "48", "50": "50",
    "59.94": "59.94", "60": "60",
}  # fmt: skip
_PICTURE: Final = (
    "adjust-crop", "adjust-corners", "adjust-conform", "adjust-transform", "adjust-blend", "adjust-stabilization",
    "adjust-rollingShutter", "adjust-360-transform", "adjust-reorient", "adjust-orientation", "adjust-cinematic",
    "adjust-colorConform",
)  # fmt: skip
_FILTERS: Final = ("filter-video", "filter-video-mask")
_SOUND: Final = ("adjust-volume", "adjust-panner", "filter-audio")
_MARKS: Final = ("keyword", "rating", "analysis-marker")
ALLOWED: Final = {
    "asset-clip": frozenset((*_PICTURE, *_FILTERS, *_SOUND, *_MARKS, "audio-channel-source", "metadata")),
    "ref-clip": frozenset((*_PICTURE, *_FILTERS, *_SOUND, *_MARKS, "audio-role-source", "metadata")),
    "title": frozenset((*_PICTURE, *_FILTERS, *_MARKS, "metadata")),
    "video": frozenset((*_PICTURE, *_FILTERS, *_MARKS)),
    "gap": frozenset((*_MARKS, "metadata")),
}
_SETTINGS: Final = {"title": ("param", "text", "text-style-def"), "video": ("param",)}
_ATTRIBUTES: Final = {
    "asset-clip": frozenset({"audioRole", "videoRole"}),
    "ref-clip": frozenset({"useAudioSubroles"}),
    "title": frozenset({"role"}),
    "video": frozenset({"role"}),
    "gap": frozenset[str](),
}
RANKS: Final = {
    tag: rank
    for rank, tag in enumerate(
        (
            "param", "text", "text-style-def", "note", "conform-rate", "timeMap", *_PICTURE, "adjust-volume",
            "adjust-panner", "spine", "marker", "audio-channel-source", "filter-video", "filter-audio", "metadata",
        )
    )
} | {"chapter-marker": -1, "keyword": -1, "rating": -1, "analysis-marker": -1, "filter-video-mask": -2}  # fmt: skip
_SAME: Final = {-1: "marker", -2: "filter-video"}


def rank(tag: str) -> int:
    """Returns where a child stands among its parent's: what is connected, between settings and markers."""
    if tag == "audio-role-source":
        tag = "audio-channel-source"
    found = RANKS.get(tag, RANKS["spine"])
    return RANKS[_SAME[found]] if found < 0 else found


class Clipper:
    """Makes the elements of one sequence's items. `compound` gives the resource of a nested sequence, and the second its
    time begins at; None for one that is not there."""

    def __init__(self, outgoing: Outgoing, pool: Pool, compound: Any, pairs: dict[str, Pair]) -> None:
        self.outgoing, self.pool, self.pairs = outgoing, pool, pairs
        self.rate = outgoing.rate
        self._compound = compound

    def make(self, item: Item, start: int, kind: str, track_enabled: bool) -> tuple[Element, Place]:
        """Returns an item's element, and where its local time lies. `start` is its first frame on the sequence."""
        facts: dict[str, str | int | None] = {"link": item.link}
        if not track_enabled and item.enabled and not isinstance(item.source, Gap):
            facts["enabled"] = 1
        made, own, first = self._element(item, kind, facts)
        if item.name:
            made.set("name", item.name)
        made.set("duration", written(of_frames(item.duration, self.rate)))
        if not item.enabled or (not track_enabled and not isinstance(item.source, Gap)):
            made.set("enabled", "0")
        where = self._times(made, item, of_frames(start, self.rate), own, first)
        made.set("start", written(where.start))
        about = item.foreign.get("fcpx")
        self._keep(made, item, about if isinstance(about, dict) else {}, facts)
        for marker in self.outgoing.markers(item.id):
            self._mark(made, marker, item, where, own)
        return made, where

    # -- what it refers to

    def _element(self, item: Item, kind: str, facts: dict[str, Any]) -> tuple[Element, Rate, Fraction]:
        source = item.source
        if isinstance(source, Gap | Generator) and kind == "audio":
            facts["kind"] = kind
        if isinstance(source, Gap):
            return Element("gap"), self.rate, ZERO
        if isinstance(source, Generator):
            return self._generator(item, source, facts), self.rate, ZERO
        own = source.rate or self.rate
        if isinstance(source, Nested):
            found = self._compound(source.sequence)
            if found is not None:
                made = Element("ref-clip", ref=found[0])
                if kind == "audio":
                    made.set("srcEnable", "audio")
                facts["frames"] = "none" if source.frames is None else source.frames
                return made, own, found[1]
            self.outgoing.lost("nested sequence that was not found", item.name or item.id)
            source = Media("", 0, source.frames, source.rate)
        return self._asset(item, source, kind, facts), own, ZERO

    def _asset(self, item: Item, source: Media | Shot, kind: str, facts: dict[str, Any]) -> Element:
        file = self.outgoing.file(item)
        if file is None:
            if isinstance(item.source, Media):
                self.outgoing.lost("media that is not in the pool", item.name or item.id)
            elif isinstance(item.source, Shot):
                self.outgoing.lost("shot without a take (an offline clip was written)", item.name or item.id)
            file = MediaFile("", "", item.name or "offline media", missing=True)
        pair = self.pairs.get(item.id) if kind == "video" else None
        size = self.outgoing.content.resolution
        audio = kind == "audio" or pair is not None
        ref = self.pool.asset(file, source, self.rate, size, video=kind == "video", audio=audio)
        made = Element("asset-clip", ref=ref)
        if pair is not None:
            facts["audio"], facts["lane"] = pair.item.id, pair.lane
        else:
            made.set("srcEnable", kind)
        if audio:
            made.set("audioRole", ROLE)
        return made

    def _generator(self, item: Item, source: Generator, facts: dict[str, Any]) -> Element:
        tree = source.parameters.get("fcpx")
        if isinstance(tree, dict) and tree.get("tag") in ("title", "video") and isinstance(tree.get("effect"), dict):
            made = Element(tree["tag"], ref=self.pool.effect(tree["effect"]))
            styles: dict[str, str] = {}
            for child in tree.get("children", ()):
                if isinstance(child, dict) and child.get("tag") in _SETTINGS[made.tag]:
                    grow(made, child, self.pool.effect, styles, self.pool.style)
            return made
        facts["generator"] = source.generator
        if source.parameters:
            facts["parameters"] = msgspec.json.encode(source.parameters).decode()
        if "title" not in source.generator.lower() and "text" not in source.generator.lower():
            return Element("video", ref=self.pool.effect(SOLID))
        made = Element("title", ref=self.pool.effect(TITLE))
        text = str(source.parameters.get("text") or "") or item.name
        if text:
            style = self.pool.style()
            SubElement(SubElement(made, "text"), "text-style", ref=style).text = text
            define = SubElement(made, "text-style-def", id=style)
            SubElement(define, "text-style", font="Helvetica", fontSize="63", fontColor="1 1 1 1", alignment="center")
        return made

    # -- times

    def _times(self, made: Element, item: Item, at: Fraction, own: Rate, first: Fraction) -> Place:
        speed = item.speed.fraction
        shown = first + of_frames(item.source_in, own)
        if isinstance(item.source, Gap | Generator) or made.tag in ("gap", "title", "video"):
            if speed != 1:
                self.outgoing.lost("speed of a generator", item.name or item.id)
            return Place(at, shown)
        if (ramp := self._ramp(made, item)) is not None:
            return Place(at, ramp)
        scaled = speed != 1 and own != self.rate and speed == conform(own, self.rate)
        if own != self.rate:
            rate = {"srcFrameRate": _CONFORM[str(own)]} if str(own) in _CONFORM else {}
            SubElement(made, "conform-rate", {} if scaled else {"scaleEnabled": "0"}, **rate)
        if speed == 1 or scaled:
            return Place(at, shown, speed)
        return self._retimed(made, item, at, own, first, speed)

    def _retimed(self, made: Element, item: Item, at: Fraction, own: Rate, first: Fraction, speed: Fraction) -> Place:
        """Writes a time map over the clip and its handles. Local time begins at 0, so that all of it lies on the grid."""
        frame = of_frames(1, self.rate)
        known, around = handles(item, self.rate), self.outgoing.around(item.id)
        head = known[0] if known[0] is not None else around[0].in_offset if around[0] is not None else 0
        tail = known[1] if known[1] is not None else around[1].out_offset if around[1] is not None else 0
        early = [_since(marker.start, item, own) for marker in self.outgoing.markers(item.id)]
        before = max(head, *(-(one // frame) for one in early), 0) if early else head
        start = before * frame
        shown = first + of_frames(item.source_in + (speed < 0), own)
        points = SubElement(made, "timeMap")
        for count in (-head, item.duration + tail):
            time, value = start + count * frame, shown + count * frame * speed
            SubElement(points, "timept", time=written(time), value=written(value), interp="smooth2")
        return Place(at, start)

    def _ramp(self, made: Element, item: Item) -> Fraction | None:
        """Writes a ramp back as it was read, while the clip is what it was; returns the clip's start."""
        for effect in item.effects:
            facts = effect.get("of")
            if not isinstance(facts, list) or len(facts) != 3 or not isinstance(effect.get("fcpx"), dict):
                continue
            first, start = parsed(str(facts[0])), parsed(str(effect.get("start")))
            same = facts[1:] == [str(item.speed.fraction), item.duration]
            if same and start is not None and first is not None and rounded(first) == item.source_in:
                grow(made, effect["fcpx"], self.pool.effect, {}, self.pool.style)
                return start
            self.outgoing.lost("speed ramp of a clip changed since", item.name or item.id)
        return None

    def _mark(self, made: Element, marker: Any, item: Item, where: Place, own: Rate) -> None:
        speed = item.speed.fraction
        plain = isinstance(item.source, Gap | Generator) or made.tag in ("gap", "title", "video")
        step = (
            of_frames(1, own)
            if plain or speed == 0 or where.scale != 1 or speed == 1
            else of_frames(1, own) / abs(speed)
        )
        delta = (
            of_frames(marker.start - item.source_in, own) if plain else _since(marker.start, item, own) * where.scale
        )
        write_mark(made, marker, where.start + delta, max(1, marker.duration) * step)

    # -- what was kept

    def _keep(self, made: Element, item: Item, about: Json, facts: dict[str, Any]) -> None:
        text = about.get("note")
        SubElement(made, "note").text = write_note(text if isinstance(text, str) else "", item.id, facts)
        attributes = about.get("attributes")
        for key, value in attributes.items() if isinstance(attributes, dict) else ():
            if key in _ATTRIBUTES[made.tag] and isinstance(value, str):
                made.set(key, value)
        styles: dict[str, str] = {}
        taken: set[str] = set()
        trees = [effect.get("fcpx") for effect in item.effects if "of" not in effect]
        for tree in [*trees, *(about["children"] if isinstance(about.get("children"), list) else [])]:
            tag = tree.get("tag", "") if isinstance(tree, dict) else ""
            once = tag.startswith("adjust-") or tag == "metadata"
            if tag not in ALLOWED[made.tag] or (once and tag in taken) or _dangling(tree):
                if tag:  # of effects that are none of Final Cut's the profile tells
                    self.outgoing.lost("part of a clip that has no place there", item.name or item.id)
                continue
            taken.add(tag)
            grow(made, tree, self.pool.effect, styles, self.pool.style)


def _dangling(tree: Any) -> bool:
    """Returns whether a filter lost the effect it refers to."""
    return tree["tag"] in ("filter-video", "filter-audio") and "effect" not in tree


def _since(frame: int, item: Item, own: Rate) -> Fraction:
    """Returns the sequence's seconds from an item's first frame to where a source frame is shown."""
    speed = item.speed.fraction
    return of_frames(frame - item.source_in, own) / (speed or 1)
