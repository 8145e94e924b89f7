"""The strictest reader of FCPXML: it refuses what Final Cut Pro would, and what it would only round.

Written from Apple's document type and reference, and from nothing in genlock_otio: what the writer means and what this
reads there must come from two heads.
"""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

TIME = re.compile(r"(-?\d+)(?:/(\d+))?s")
ADJUST = (
    "adjust-crop? adjust-corners? adjust-conform? adjust-transform? adjust-blend? adjust-stabilization? "
    "adjust-rollingShutter? adjust-360-transform? adjust-reorient? adjust-orientation? adjust-cinematic? "
    "adjust-colorConform?"
)
LOUD = "adjust-volume? adjust-panner?"
TIMING = "conform-rate? timeMap?"
CONNECTED = "(audio|video|clip|title|caption|mc-clip|ref-clip|sync-clip|asset-clip|audition|spine)*"
MARKS = "(marker|chapter-marker|rating|keyword|analysis-marker)*"
FILTERS = "(filter-video|filter-video-mask)*"
BODY = f"note? {TIMING} {ADJUST} {LOUD} {CONNECTED} {MARKS}"
MODELS = {
    "fcpxml": "resources? library?",
    "resources": "(asset|effect|format|media)*",
    "library": "event*",
    "event": "project*",
    "project": "sequence",
    "media": "sequence?",
    "format": "",
    "effect": "",
    "asset": "media-rep+ metadata?",
    "media-rep": "bookmark?",
    "metadata": "md*",
    "md": "array?",
    "array": "string*",
    "sequence": "note? spine metadata?",
    "spine": "(audio|video|clip|title|mc-clip|ref-clip|sync-clip|asset-clip|audition|gap|transition)*",
    "asset-clip": f"{BODY} audio-channel-source* {FILTERS} filter-audio* metadata?",
    "ref-clip": f"{BODY} audio-role-source* {FILTERS} filter-audio* metadata?",
    "video": f"param* note? {TIMING} {ADJUST} {CONNECTED} {MARKS} {FILTERS}",
    "title": f"param* text* text-style-def* note? {ADJUST} {CONNECTED} {MARKS} {FILTERS} metadata?",
    "gap": f"note? {CONNECTED} {MARKS} metadata?",
    "transition": f"filter-video? filter-audio? {MARKS} metadata?",
    "timeMap": "timept*",
    "text-style-def": "text-style",
}
CLIP = {"name", "lane", "offset", "start", "duration", "enabled"}
ATTRIBUTES = {
    "asset-clip": ({"ref"}, CLIP | {"srcEnable", "audioRole", "videoRole", "format", "tcFormat"}),
    "ref-clip": ({"ref", "duration"}, CLIP | {"srcEnable", "useAudioSubroles"}),
    "video": ({"ref", "duration"}, CLIP | {"role"}),
    "title": ({"ref", "duration"}, CLIP | {"role"}),
    "gap": ({"duration"}, {"name", "offset", "start", "enabled"}),
    "transition": ({"duration"}, {"name", "offset"}),
    "spine": (set(), {"lane", "offset", "name", "format"}),
    "sequence": (
        {"format"},
        {"duration", "tcStart", "tcFormat", "audioLayout", "audioRate", "renderFormat", "keywords"},
    ),
    "format": ({"id"}, {"name", "frameDuration", "width", "height"}),
    "asset": ({"id"}, {"name", "start", "duration", "hasVideo", "hasAudio", "videoSources", "audioSources", "format"}),
    "media-rep": ({"src"}, {"kind"}),
    "effect": ({"id", "uid"}, {"name", "src"}),
    "media": ({"id"}, {"name"}),
    "marker": ({"start", "value"}, {"duration", "completed", "note"}),
    "chapter-marker": ({"start", "value"}, {"duration", "posterOffset", "note"}),
    "timept": ({"time", "value"}, {"interp"}),
    "conform-rate": (set(), {"scaleEnabled", "srcFrameRate"}),
    "md": ({"key"}, {"value", "type", "displayName", "editable"}),
}
VALUES = {
    "enabled": {"0", "1"}, "srcEnable": {"all", "audio", "video"}, "tcFormat": {"DF", "NDF"}, "scaleEnabled": {"0", "1"},
    "interp": {"smooth2", "linear", "smooth"}, "completed": {"0", "1"}, "audioLayout": {"mono", "stereo", "surround"},
    "srcFrameRate": {"23.98", "24", "25", "29.97", "30", "60", "47.95", "48", "50", "59.94"},
}  # fmt: skip
REFERS = {"asset-clip": {"asset"}, "ref-clip": {"media"}, "video": {"effect", "asset"}, "title": {"effect"}}
TIMES = {"offset", "start", "duration", "tcStart", "frameDuration", "time"}
OWN = ("asset-clip", "ref-clip", "video", "title", "gap")


def time(text: str) -> Fraction:
    found = TIME.fullmatch(text)
    assert found, f"{text!r} is no time"
    value = Fraction(int(found[1]), int(found[2] or 1))
    lowest = f"{value.numerator}s" if value.denominator == 1 else f"{value.numerator}/{value.denominator}s"
    assert text == lowest, f"{text} is not in lowest terms ({lowest})"
    return value


def children_pattern(model: str) -> re.Pattern[str]:
    """A content model as a pattern over the children's tags, each followed by a space."""
    return re.compile("".join(re.sub(r"([\w-]+(?:\|[\w-]+)*)", r"(?:(?:\1) )", part) for part in model.split()))


PATTERNS = {tag: children_pattern(model) for tag, model in MODELS.items()}


class Strict:
    """One checked file; `clips` and `markers` count what it found."""

    def __init__(self, data: bytes) -> None:
        assert data.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
        self.root = ElementTree.fromstring(data)
        assert self.root.tag == "fcpxml"
        self.version = self.root.attrib["version"]
        self.clips = self.markers = 0
        self.by_id: dict[str, Element] = {}
        for element in self.root.iter():
            if (id_ := element.get("id")) is not None:
                assert id_ not in self.by_id, f"two elements are {id_}"
                self.by_id[id_] = element
            self.shape(element)
        resources = self.root.find("resources")
        assert resources is not None
        assert len(self.root.findall("library/event/project")) == 1
        for sequence in self.root.iter("sequence"):
            self.sequence(sequence)

    def shape(self, element: Element) -> None:
        tag = element.tag
        if tag == "asset" and self.version == "1.8":
            assert "src" in element.attrib
            return
        if tag in PATTERNS:
            tags = "".join(f"{child.tag} " for child in element)
            assert PATTERNS[tag].fullmatch(tags), f"<{tag}> holds {tags}"
        if tag in ATTRIBUTES:
            needed, allowed = ATTRIBUTES[tag]
            assert needed <= set(element.keys()) <= needed | allowed, f"<{tag}> has {sorted(element.keys())}"
        for key, value in element.attrib.items():
            if key in VALUES:
                assert value in VALUES[key], f"{key}={value}"
            if (key in TIMES and tag in ATTRIBUTES) or (tag, key) == ("timept", "value"):
                time(value)
        if tag in REFERS:
            assert self.root.find(f"resources/*[@id='{element.attrib['ref']}']") is not None
        if tag in ("filter-video", "filter-audio"):
            found = self.root.find(f"resources/effect[@id='{element.attrib['ref']}']")
            assert found is not None

    def sequence(self, sequence: Element) -> None:
        format_ = self.by_id[sequence.attrib["format"]]
        assert format_.tag == "format"
        frame = time(format_.attrib["frameDuration"])
        spine = sequence.find("spine")
        assert spine is not None
        start = time(sequence.attrib["tcStart"])
        assert "lane" not in spine.attrib
        self.on(start, frame, "tcStart")
        end = self.spine(spine, start, frame)
        assert end - start == time(sequence.attrib["duration"]), "the storyline is not as long as the sequence says"

    def on(self, value: Fraction, frame: Fraction, what: str) -> None:
        assert (value / frame).denominator == 1, f"{what} of {value}s is off the grid of {frame}s"

    def spine(self, spine: Element, start: Fraction, frame: Fraction) -> Fraction:
        """Returns where the storyline ends; its elements lie end to end, its transitions over them."""
        cursor, edges, over = start, [start], []
        for child in spine:
            assert "lane" not in child.attrib, "what lies in a storyline has no lane"
            offset, long = time(child.attrib["offset"]), time(child.attrib["duration"])
            self.on(offset, frame, "offset")
            self.on(long, frame, "duration")
            assert long > 0
            if child.tag == "transition":
                over.append((offset, offset + long, cursor))
                continue
            assert offset == cursor, f"<{child.tag}> lies at {offset} and should at {cursor}"
            cursor += long
            edges.append(cursor)
            self.clip(child, frame)
        last = start
        for begin, end, cut in over:
            assert start <= begin <= cut <= end <= cursor, (
                f"a transition from {begin} to {end} is not over the cut at {cut}"
            )
            assert begin >= last, "two transitions overlap"
            last = end
        return cursor

    def clip(self, clip: Element, frame: Fraction) -> None:
        self.clips += clip.tag != "gap"
        start, long = time(clip.get("start", "0s")), time(clip.attrib["duration"])
        scale, own = self.scale(clip, frame)
        assert start >= 0
        points = clip.findall("timeMap/timept")
        if points:
            self.time_map(points, start, start + long * scale)
            self.on(start, frame, "start of a retimed clip")
        else:
            self.on(start, own, "start")
            self.inside(clip, start, start + long * scale)
        for mark in clip:
            if mark.tag in ("marker", "chapter-marker"):
                self.markers += 1
                at = time(mark.attrib["start"])
                assert time(mark.get("duration", "1s")) > 0
                if not points and scale == 1:
                    assert ((at - start) / own).denominator == 1 or ((at - start) / frame).denominator == 1
        for child in clip:
            if child.get("lane") is None:
                continue
            assert int(child.attrib["lane"]) != 0
            at = (time(child.attrib["offset"]) - start) / scale
            self.on(at, frame, "offset of what is connected")
            assert 0 <= at < long, "what is connected starts elsewhere than over its clip"
            if child.tag == "spine":
                self.spine(child, Fraction(0), frame)
            else:
                self.on(time(child.attrib["duration"]), frame, "duration")
                self.clip(child, frame)

    def scale(self, clip: Element, frame: Fraction) -> tuple[Fraction, Fraction]:
        """Returns local seconds in a second of the sequence, and the frame duration the clip's source counts in."""
        own = frame
        if clip.tag in ("asset-clip", "ref-clip"):
            resource = self.by_id[clip.attrib["ref"]]
            holder = resource if clip.tag == "asset-clip" else resource.find("sequence")
            if holder is not None and "format" in holder.attrib:
                own = time(self.by_id[holder.attrib["format"]].attrib["frameDuration"])
        conform = clip.find("conform-rate")
        if own != frame:
            assert conform is not None, "a clip of another rate says how it is conformed"
        if conform is None or conform.get("scaleEnabled") == "0":
            return Fraction(1), own
        one, two = round(1 / own), round(1 / frame)
        steps = Fraction(1) if abs(Fraction(one, two) - 1) < Fraction(6, 100) else Fraction(one, two)
        return steps * own / frame, own

    def time_map(self, points: list[Element], start: Fraction, end: Fraction) -> None:
        times = [time(point.attrib["time"]) for point in points]
        assert times == sorted(set(times)), "a time map goes forward"
        assert times[0] <= start, "a time map covers its clip"
        assert end <= times[-1]
        assert times[0] >= 0

    def inside(self, clip: Element, start: Fraction, end: Fraction) -> None:
        if clip.tag != "asset-clip":
            return
        asset = self.by_id[clip.attrib["ref"]]
        if "duration" in asset.attrib:
            first = time(asset.attrib["start"])
            assert first <= start, "a clip begins before its media"
            assert end <= first + time(asset.attrib["duration"]) + Fraction(1, 20), "a clip ends behind its media"
