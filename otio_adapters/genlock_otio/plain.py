"""The straight way for what nearly all clips of a cut are: one file at the cut's own rate, whole frames, no effects.

It makes what `tracks` would make of the same clip, in a fifth of the time (docs/why/otio.md); a clip that is anything but
plain is left to the general way. The tests hold both against each other.
"""

from __future__ import annotations

from typing import Any, Final

from genlock.project.media import MediaFile
from genlock.timeline.model import Item, Media
from genlock.timeline.rate import NORMAL, Rate
from genlock_otio.carriers import placeholder
from genlock_otio.keeping import KEEP, OURS, Json
from genlock_otio.reading import Reading
from genlock_otio.references import MAIN, media_id, path_of, runs_of_images

_CLIP: Final = frozenset(
    {
        *("OTIO_SCHEMA", "metadata", "name", "enabled", "source_range", "effects", "markers", "color"),
        *("media_references", "active_media_reference_key"),
    }
)
_REFERENCE: Final = frozenset(
    {"OTIO_SCHEMA", "metadata", "name", "available_range", "available_image_bounds", "target_url"}
)
_OURS: Final = frozenset({"v", "id", "link"})
_LONGEST: Final = 10_000_000
"""Frames: no film is longer at any rate."""
_NUMBERS: Final = (float, int)
_NOTHING: Final[Json] = {}
_NONE: Final[tuple[Any, ...]] = ([], None)

_Span = tuple[int, int]
_Known = tuple[Media, Json]


class Plain:
    """Reads the plain clips of one stack."""

    def __init__(self, reading: Reading, rate: Rate) -> None:
        self._reading = reading
        self._rate = rate.num / rate.den
        self._base = reading.base
        self._files: dict[tuple[str, str], tuple[str, Json]] = {}
        self._known: dict[tuple[str, str, _Span | None], _Known] = {}

    def read(self, clip: Json) -> Item | None:
        """Returns the item of a plain clip, None for any other."""
        references = clip.get("media_references")
        if (
            clip["OTIO_SCHEMA"] != "Clip.2"
            or not clip.keys() <= _CLIP
            or type(references) is not dict
            or len(references) != 1
            or clip.get("active_media_reference_key", MAIN) != MAIN
            or clip.get("effects") not in _NONE
            or clip.get("markers") not in _NONE
            or clip.get("color") is not None
        ):
            return None
        name, metadata = clip.get("name"), clip.get("metadata")
        if type(name) is not str:
            return None
        foreign: Json = {}
        wanted = link = None
        if metadata:
            if type(metadata) is not dict:
                return None
            ours = metadata.get(OURS, _NOTHING)
            if type(ours) is not dict or not ours.keys() <= _OURS or KEEP in metadata:
                return None
            wanted = ours.get("id")
            if len(metadata) > 1 or ours is _NOTHING:
                foreign = {key: metadata[key] for key in metadata if key != OURS}
            if "link" in ours or "Resolve_OTIO" in foreign:
                link = self._reading.link(foreign, ours)
        elif metadata is not None and metadata != {}:
            return None
        shown = self._span(clip.get("source_range"))
        found = self._source(references.get(MAIN)) if shown is not None else None
        if shown is None or found is None:
            return None
        source, reference = found
        first, duration = shown
        if source.frames is not None and (first < source.first or first + duration > source.first + source.frames):
            return None
        if reference:
            foreign[KEEP] = {"reference": reference}
        enabled = clip.get("enabled") is not False
        return Item(self._reading.id("i", wanted), source, duration, name, first, NORMAL, enabled, (), link, foreign)

    def _span(self, span: Any) -> _Span | None:
        """Returns (first, frames) of a time range in whole frames of the cut's rate, as we would write it."""
        try:
            start, length = span["start_time"], span["duration"]
            if start["rate"] != self._rate or length["rate"] != self._rate or len(start) != 3 or len(length) != 3:
                return None
            first, frames = start["value"], length["value"]
        except (KeyError, TypeError):
            return None
        if type(first) not in _NUMBERS or type(frames) not in _NUMBERS:
            return None
        if not (-_LONGEST < first < _LONGEST and 0 < frames < _LONGEST):
            return None
        whole = int(first), int(frames)
        return whole if whole == (first, frames) else None

    def _source(self, ref: Any) -> _Known | None:
        """Returns the source of a plain reference, and what is kept of it."""
        if type(ref) is not dict or ref.get("OTIO_SCHEMA") != "ExternalReference.1" or not ref.keys() <= _REFERENCE:
            return None
        url, name, span = ref.get("target_url"), ref.get("name", ""), ref.get("available_range")
        if (
            type(url) is not str
            or type(name) is not str
            or ref.get("metadata", _NOTHING) != _NOTHING
            or ref.get("available_image_bounds") is not None
        ):
            return None
        available = None if span is None else self._span(span)
        if available is None and span is not None:
            return None
        key = (url, name, available)
        known = self._known.get(key)
        if known is None:
            file = self._files.get((url, name)) or self._file(url, name)
            if file is None:
                return None
            first, frames = available or (0, None)
            known = self._known[key] = Media(file[0], first, frames), file[1]
        return known

    def _file(self, url: str, name: str) -> tuple[str, Json] | None:
        """Returns (media id, what is kept of the reference) of a file, which joins the pool."""
        path = path_of(url, self._base)
        if not path or runs_of_images(path) or ("offline" in url and placeholder(url) is not None):
            return None
        title = name or path.replace("\\", "/").rpartition("/")[2]
        if not title:
            return None
        id_ = media_id(path)
        pool = self._reading.pool
        file = pool.get(id_)
        if file is None:
            file = pool[id_] = MediaFile(id_, path, title)
        kept: Json = {}
        if name != file.name:
            kept["name"] = name
        if url != path:
            kept |= {"url": url, "path": path}
        if kept:
            kept["of"] = id_
        made = self._files[url, name] = id_, kept
        return made
