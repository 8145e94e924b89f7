"""Media references: where the picture comes from, both ways."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple, assert_never
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.model import Gap, Generator, Item, Media, Nested, Shot, Source
from genlock.timeline.rate import Rate
from genlock_otio.carriers import placeholder
from genlock_otio.keeping import Json, schema, text
from genlock_otio.times import frames, length, range_json, rate_of, rounded, says_range

MAIN: Final = "DEFAULT_MEDIA"
_PATTERN: Final = re.compile(r"^(.*?)%(?:0(\d+))?d([._-][^/\\]*)$", re.DOTALL)
_NUMBERED: Final = re.compile(r"\[(\d+)-(\d+)\](?=\.\w+$)")
_DRIVE: Final = re.compile(r"^/?[A-Za-z]:[\\/]")
_READ: Final = frozenset({"OTIO_SCHEMA", "target_url", "available_range"})
_READ_ELSE: Final = _READ - {"target_url"}
_PLAIN: Final[Json] = {"metadata": {}, "name": "", "available_image_bounds": None}


class Reference(NamedTuple):
    """A media reference read: its source, and what to keep of it."""

    source: Source
    kept: Json


def active_reference(clip: Json) -> tuple[str, Any]:
    """Returns (key, reference) of a clip's active media reference; Clip.1 has one without a key."""
    references = clip.get("media_references")
    if references is None:
        return MAIN, clip.get("media_reference")
    key = clip.get("active_media_reference_key", MAIN)
    if not isinstance(references, dict) or not isinstance(key, str):
        raise BadInput(
            "bad_timeline", f"The media references of {text(clip, 'name')!r} are no object with an active key."
        )
    return key, references.get(key)


def rate_of_source(source: Source) -> Rate | None:
    """Returns the source's own rate, None where it runs at the sequence's."""
    match source:
        case Media(rate=rate) | Shot(rate=rate) | Nested(rate=rate):
            return rate
        case Generator() | Gap():
            return None
        case _:
            assert_never(source)


@lru_cache(maxsize=20_000)
def media_id(path: str) -> str:
    """Returns the id of a file in the pool: the same path always gets the same one."""
    return "f" + blake2b(path.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@lru_cache(maxsize=10_000)  # a cut shows the same files again and again
def path_of(url: str, base: str | Path) -> str:
    """Returns the native path of a target URL; relative ones lie beside the file. Never looks at the disk.

    URLs that name another machine stay as they are, so that nothing ever opens them as a path.
    """
    if "\0" in url:
        return ""
    if _DRIVE.match(url) or url.startswith(("/", "\\\\")):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        path = unquote(parts.path)
        return path[1:] if _DRIVE.match(path) else path
    if len(parts.scheme) > 1:
        return url
    return os.path.normpath(os.path.join(base, unquote(url))) if url else ""


def read_reference(ref: Any, name: str, ours: Json, rate: Rate, base: str, pool: dict[str, MediaFile]) -> Reference:
    """Reads the active media reference of a clip, and adds its file to the pool. `name` is the clip's, for media that
    has no name of its own."""
    kind = schema(ref)
    if not kind:
        raise BadInput("bad_timeline", f"The media reference of {name!r} is no OpenTimelineIO object.")
    own = own_source(ours, text(ref, "target_url"))
    first, count, own_rate = _available(ref, rate, name)
    known = _READ if kind == "ExternalReference" else _READ_ELSE
    kept: Json = {key: ref[key] for key in ref.keys() - known if key not in _PLAIN or ref[key] != _PLAIN[key]}
    if kind == "GeneratorReference":
        return _generator(ref, own, kept)
    path = _path(ref, kind, base)
    title = text(ref, "name") or _basename(path) or name or "offline media"
    id_ = media_id(path or "missing:" + title)
    source = own or Media(id_, first, count, own_rate)
    if not isinstance(source, Media):
        return Reference(source, {})
    file = pool.get(source.media)
    if file is None:
        file = pool[source.media] = MediaFile(source.media, path, title, missing=not path)
    if own is not None and ours.get("stand_in") is True:
        return Reference(source, {})
    kept.pop("name", None)
    if text(ref, "name") != file.name:
        kept["name"] = text(ref, "name")
    made = _image_sequence(found, source, rate) if (found := _PATTERN.match(path)) else {}
    if kind == "ImageSequenceReference" and made and all(ref.get(key) == value for key, value in made.items()):
        kept = {key: value for key, value in kept.items() if key not in made}
    elif kind != ("ExternalReference" if path and not found else "MissingReference"):
        kept["schema"], kept["path"] = ref["OTIO_SCHEMA"], path
        if kind == "ExternalReference":  # without a path, or one that looks like an image sequence
            kept["target_url"] = ref.get("target_url")
    elif text(ref, "target_url") != path:
        kept["url"], kept["path"] = ref.get("target_url"), path
    if not _says_available(ref.get("available_range"), source, rate):
        kept["range"] = [ref.get("available_range"), _facts(source)]
    if kept:
        kept["of"] = source.media
    return Reference(source, kept)


def _path(ref: Json, kind: str, base: str) -> str:
    match kind:
        case "ExternalReference":
            url = text(ref, "target_url")
            return "" if placeholder(url) is not None else _NUMBERED.sub(_printf, path_of(url, base))
        case "ImageSequenceReference":
            folder = path_of(text(ref, "target_url_base"), base)
            slash = "" if not folder or folder.endswith(("/", "\\")) else "/"
            return folder + slash + _pattern(ref)
        case _:
            return ""


def runs_of_images(path: str) -> bool:
    """Returns whether the path is a numbered run of images, as printf or Resolve writes one."""
    return ("%" in path or "[" in path) and bool(_PATTERN.match(path) or _NUMBERED.search(path))


def _printf(found: re.Match[str]) -> str:
    """Returns printf's place holder for Resolve's [1001-1099]."""
    wide = len(found[1]) if len(found[1]) == len(found[2]) else 1
    return f"%0{wide}d" if wide > 1 else "%d"


def without_end(source: Media | Nested, kept: Json, ref: Any) -> Source:
    """Returns the source as one of unknown length, for a clip that shows frames outside of the available range it names:
    Hiero and others count the two from different starts. What the file said stays in `kept`."""
    endless = replace(source, frames=None)
    if isinstance(endless, Media):
        kept["range"] = [ref, _facts(endless)]
        kept["of"] = endless.media
    return endless


def _generator(ref: Json, own: Source | None, kept: Json) -> Reference:
    parameters = kept.pop("parameters", {})
    generator = kept.pop("generator_kind", "")
    source = Generator(
        generator if isinstance(generator, str) else "", parameters if isinstance(parameters, dict) else {}
    )
    if ref.get("available_range") is not None:
        kept["range"] = [ref["available_range"], []]
    if kept:
        kept["of"] = source.generator
    return Reference(own or source, kept)


def own_source(ours: Json, url: str) -> Source | None:
    """Returns the source that Genlock wrote, unless another tool has relinked the clip since."""
    if "source" not in ours or ours.get("url", "") != url:
        return None
    try:
        found: Source = msgspec.convert(ours["source"], Source)
    except msgspec.ValidationError:
        return None
    return found


def _available(ref: Json, rate: Rate, name: str) -> tuple[int, int | None, Rate | None]:
    """Returns (first, frames, own rate) of the available range; rates no camera has (ticks, seconds) count as `rate`."""
    span = ref.get("available_range")
    if span is None:
        return 0, None, None
    if not isinstance(span, dict) or not isinstance(span.get("start_time"), dict):
        raise BadInput("bad_time", f"The available range of {name!r} is no time range.")
    own = rate_of(span["start_time"])
    if not 4 * own.den <= own.num <= 480 * own.den:
        own = rate
    count = rounded(length(span.get("duration"), own, f"The media of {name!r}"))
    return rounded(frames(span["start_time"], own)), count, None if own == rate else own


def _available_json(source: Media | Shot | Nested, rate: Rate) -> Json | None:
    if source.frames is None:
        return None
    own = source.rate or rate
    return range_json(source.first, own, source.frames, own)


def _says_available(span: Any, source: Media, rate: Rate) -> bool:
    if source.frames is None:
        return span is None
    own = source.rate or rate
    return says_range(span, source.first, own, source.frames, own)


def _facts(source: Media) -> list[Any]:
    return [source.first, source.frames, [source.rate.num, source.rate.den] if source.rate else None]


def _pattern(ref: Json) -> str:
    """Returns the file name of an image sequence, with printf's place holder for the frame."""
    pad = ref.get("frame_zero_padding")
    middle = f"%0{pad}d" if isinstance(pad, int) and 0 < pad < 20 else "%d"
    return f"{text(ref, 'name_prefix')}{middle}{text(ref, 'name_suffix')}"


def _basename(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


# -- writing


class References(NamedTuple):
    """What writing needs to know: the pool, the takes of shots, and where to note what is lost."""

    rate: Rate
    media: Mapping[str, MediaFile]
    takes: Callable[[str, str | None], MediaFile | None]
    lost: Callable[[str, str], None]
    known: dict[Media, tuple[Json, Json]]


def write_reference(item: Item, kept: Json, to: References) -> tuple[str, Json, Json]:
    """Returns (key, media reference, additions to our own metadata) of a clip's active reference."""
    source = item.source
    match source:
        case Media():
            if kept or source.media not in to.media:
                return MAIN, *_media_json(item, source, kept, to)
            known = to.known.get(source)
            if known is None:
                known = to.known[source] = _media_json(item, source, kept, to)
            return MAIN, *known
        case Shot():
            return _shot_json(item, source, to)
        case Generator():
            same = kept.get("of") == source.generator
            extra = {k: v for k, v in kept.items() if k not in ("of", "range")} if same else {}
            span = kept["range"][0] if same and "range" in kept else None
            made = {"generator_kind": source.generator, "parameters": source.parameters}
            return MAIN, {"OTIO_SCHEMA": "GeneratorReference.1", **_PLAIN, **extra, "available_range": span, **made}, {}
        case Nested():
            to.lost("nested sequence that was not found", item.name or item.id)
            return MAIN, _missing(item, source, to.rate), {"source": msgspec.to_builtins(source)}
        case Gap():
            raise AssertionError("a gap has no media")
        case _:
            assert_never(source)


def _media_json(item: Item, source: Media, kept: Json, to: References) -> tuple[Json, Json]:
    file = to.media.get(source.media)
    if file is None:
        to.lost("media that is not in the pool", item.name or item.id)
        return _missing(item, source, to.rate), {"source": msgspec.to_builtins(source), "stand_in": True}
    same = kept.get("of") == source.media
    extra = {k: v for k, v in kept.items() if k not in _KEPT_FACTS} if same else {}
    span = _available_json(source, to.rate)
    if same and "range" in kept and kept["range"][1] == _facts(source):
        span = kept["range"][0]
    untouched = same and kept.get("path") == file.path
    if untouched and "schema" in kept:
        ref = {"OTIO_SCHEMA": kept["schema"], **_PLAIN, "name": file.name, **extra, "available_range": span}
    elif not file.path:
        ref = {"OTIO_SCHEMA": "MissingReference.1", **_PLAIN, "name": file.name, **extra, "available_range": span}
    elif "%" in file.path and (found := _PATTERN.match(file.path)) is not None:
        ref = {"OTIO_SCHEMA": "ImageSequenceReference.1", **_PLAIN, "name": file.name, **extra, "available_range": span}
        ref |= _image_sequence(found, source, to.rate)
    else:
        url = kept["url"] if untouched and "url" in kept else file.path
        ref = {
            "OTIO_SCHEMA": "ExternalReference.1",
            **_PLAIN,
            "name": file.name,
            **extra,
            "available_range": span,
            "target_url": url,
        }
    named = bool(file.path) or ref["name"] == file.name  # media that is known by its clip's name only is lost with that
    return ref, {} if named and _derivable(source, file, to.rate) else _sourced(source, ref)


_KEPT_FACTS: Final = frozenset({"of", "url", "path", "range", "schema"})


def _derivable(source: Media, file: MediaFile, rate: Rate) -> bool:
    """Returns whether reading the reference gives the source back."""
    expected = media_id(file.path or "missing:" + file.name)
    if source.media != expected or source.rate == rate:
        return False
    if source.frames is None:
        return source.first == 0 and source.rate is None
    return source.rate is None or 4 * source.rate.den <= source.rate.num <= 480 * source.rate.den


def _sourced(source: Source, ref: Json) -> Json:
    url = ref.get("target_url")
    return {"source": msgspec.to_builtins(source), **({"url": url} if url else {})}


def _image_sequence(found: re.Match[str], source: Media, rate: Rate) -> Json:
    folder, _, prefix = found[1].rpartition("/")
    own = source.rate or rate
    return {
        "target_url_base": folder + "/" if folder else "",
        "name_prefix": prefix,
        "name_suffix": found[3],
        "start_frame": source.first,
        "frame_step": 1,
        "rate": own.num / own.den,
        "frame_zero_padding": int(found[2] or 0),
        "missing_frame_policy": "error",
    }


def _shot_json(item: Item, source: Shot, to: References) -> tuple[str, Json, Json]:
    file = to.takes(source.shot, source.take)
    about = {"genlock": {"v": 1, "shot": source.shot, "take": source.take}}
    if file is None or not file.path:
        to.lost("shot without a take (a place holder was written)", item.name or item.id)
        ref = {**_missing(item, source, to.rate), "metadata": about}
        return source.take or MAIN, ref, _sourced(source, ref)
    span = _available_json(source, to.rate)
    if span is None and file.info is not None and file.info.rate is not None:
        span = range_json(file.info.start, file.info.rate, file.info.frames, file.info.rate)
    ref = {
        "OTIO_SCHEMA": "ExternalReference.1",
        **_PLAIN,
        "metadata": about,
        "name": file.name or _basename(file.path),
        "available_range": span or _shown(item, source, to.rate),
        "target_url": file.path,
    }
    return source.take or file.id or MAIN, ref, _sourced(source, ref)


def _missing(item: Item, source: Media | Shot | Nested, rate: Rate) -> Json:
    span = _available_json(source, rate) or _shown(item, source, rate)
    return {"OTIO_SCHEMA": "MissingReference.1", **_PLAIN, "name": item.name, "available_range": span}


def _shown(item: Item, source: Media | Shot | Nested, rate: Rate) -> Json:
    own = source.rate or rate
    return range_json(item.source_in, own, item.duration, rate)
