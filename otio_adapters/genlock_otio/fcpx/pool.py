"""The resources of a file being written: each format, file, effect and compound clip once."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from genlock.project.media import MediaFile
from genlock.timeline.model import Media, Resolution, Shot
from genlock.timeline.rate import Rate
from genlock_otio.fcpx.reader import OFFLINE
from genlock_otio.fcpx.seconds import of_frames, written
from genlock_otio.keeping import Json

DISSOLVE: Final[Json] = {"name": "Cross Dissolve", "uid": "FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"}
CROSSFADE: Final[Json] = {"name": "Audio Crossfade", "uid": "FFAudioTransition"}
TITLE: Final[Json] = {
    "name": "Basic Title",
    "uid": ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/Basic Title.moti",
}
SOLID: Final[Json] = {
    "name": "Custom",
    "uid": ".../Generators.localized/Solids.localized/Custom.localized/Custom.motn",
}
NAMES: Final = {
    "23.976": "2398", "24": "24", "25": "25", "29.97": "2997", "30": "30", "50": "50", "59.94": "5994", "60": "60",
}  # fmt: skip
_SIZES: Final = {
    (1280, 720): "720p", (1920, 1080): "1080p", (2048, 1080): "2048x1080p", (3840, 2160): "3840x2160p",
    (4096, 2160): "4096x2160p",
}  # fmt: skip
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class Pool:
    """The `resources` element being filled. `media_rep`: files are written as FCPXML 1.9 and later have them."""

    def __init__(self, resources: Element, *, media_rep: bool) -> None:
        self._to = resources
        self._media_rep = media_rep
        self._formats: dict[tuple[Rate, Resolution], str] = {}
        self._assets: dict[tuple[str, str, int, int | None, Rate], Element] = {}
        self._effects: dict[tuple[tuple[str, str], ...], str] = {}
        self._count = self._styles = 0

    def new(self) -> str:
        """Returns an id no other resource has."""
        self._count += 1
        return f"r{self._count}"

    def style(self) -> str:
        """Returns an id no other text style has."""
        self._styles += 1
        return f"ts{self._styles}"

    def format(self, rate: Rate, size: Resolution) -> str:
        """Returns the id of the format of a rate and picture size."""
        if (rate, size) not in self._formats:
            made = SubElement(self._to, "format", id=self.new())
            known = _SIZES.get((size.width, size.height)), NAMES.get(str(rate))
            if known[0] and known[1]:
                made.set("name", f"FFVideoFormat{known[0]}{known[1]}")
            made.set("frameDuration", written(of_frames(1, rate)))
            made.set("width", str(size.width))
            made.set("height", str(size.height))
            self._formats[rate, size] = made.attrib["id"]
        return self._formats[rate, size]

    def asset(
        self, file: MediaFile, source: Media | Shot, rate: Rate, size: Resolution, *, video: bool, audio: bool
    ) -> str:
        """Returns the id of a file's asset; its range is what the source says there is."""
        name = file.name or re.split(r"[/\\]", file.path)[-1]
        key = (file.path, name, source.first, source.frames, source.rate or rate)
        if key not in self._assets:
            self._assets[key] = self._asset(file.path, name, source, rate)
        made = self._assets[key]
        if video:
            made.set("hasVideo", "1")
            made.set("videoSources", "1")
        if audio or (file.info is not None and file.info.audio):
            made.set("hasAudio", "1")
            made.set("audioSources", "1")
        if (video or source.rate is not None) and "format" not in made.attrib:
            if file.info is not None and file.info.width and file.info.height:
                size = Resolution(file.info.width, file.info.height)
            made.set("format", self.format(source.rate or rate, size))
        return made.attrib["id"]

    def _asset(self, path: str, name: str, source: Media | Shot, rate: Rate) -> Element:
        own = source.rate or rate
        made = SubElement(self._to, "asset", id=self.new(), name=name, start=written(of_frames(source.first, own)))
        if source.frames is not None:
            made.set("duration", written(of_frames(source.frames, own)))
        src = _url(path) if path else OFFLINE + quote(name, safe="")
        if self._media_rep:
            SubElement(made, "media-rep", kind="original-media", src=src)
        else:
            made.set("src", src)
        return made

    def effect(self, effect: Json) -> str:
        """Returns the id of an effect, given by name, uid and src."""
        facts = tuple((key, str(effect[key])) for key in ("name", "uid", "src") if effect.get(key) is not None)
        if facts not in self._effects:
            made = SubElement(self._to, "effect", {"id": self.new(), **dict(facts)})
            made.attrib.setdefault("uid", "")
            self._effects[facts] = made.attrib["id"]
        return self._effects[facts]

    def compound(self, id_: str, name: str) -> Element:
        """Returns the element of a compound clip, to be filled."""
        return SubElement(self._to, "media", id=id_, name=name)


def _url(path: str) -> str:
    if _SCHEME.match(path) or path.startswith("\\\\"):
        return path
    return "file://" + quote(path if path.startswith("/") else "/" + path, safe="/:", errors="surrogatepass")
