"""<pathurl>, both ways. Nothing here ever looks at a disk."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from genlock_otio.references import path_of

_DRIVE: Final = re.compile(r"/?([A-Za-z]:)(.*)\Z", re.DOTALL)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_FILE: Final = re.compile(r"file:(?://([^/\\]*))?(.*)\Z", re.DOTALL | re.IGNORECASE)
_RANGE: Final = re.compile(r"\[(\d{1,12})-(\d{1,12})\](\.[^/\\.\]]+)\Z", re.ASCII)
_COUNTER: Final = re.compile(r"%0(\d{1,2})d(\.[^/\\.]+)\Z", re.ASCII)
AUDIO: Final = frozenset(
    {".wav", ".aif", ".aiff", ".mp3", ".flac", ".m4a", ".aac", ".ogg", ".opus", ".bwf", ".caf", ".w64"}
)
STILL: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".tga", ".bmp", ".psd", ".webp", ".gif"}
)


def read_path(url: str, base: Path) -> str:
    """Returns the native path a path URL names: file://localhost/..., file:///C%3a/..., a bare or a relative path.

    One that names another machine stays the text it is. Resolve's frame ranges ([0001-0100]) become %04d.
    """
    found = _FILE.match(url)
    if found is None:
        return _pattern(path_of(url, base))
    host, path = found[1] or "", unquote(found[2], errors="surrogateescape")
    if host and _DRIVE.match(host + path):  # file://C:/x
        host, path = "", "/" + host + path
    if host and host.lower() != "localhost":
        return url
    if (drive := _DRIVE.match(path)) is not None:
        return _pattern(drive[1] + drive[2].replace("/", "\\"))
    if path.startswith("//"):  # a share, as Premiere writes it
        return _pattern("\\\\" + path.lstrip("/").replace("/", "\\"))
    return "" if "\0" in path else _pattern(path)


def write_path(path: str, first: int, frames: int | None) -> str:
    """Returns the URL of a path: file://localhost/... with everything unusual quoted. `first` and `frames` are the numbers
    of an image sequence (frames None: unknown)."""
    if _URL.match(path):
        return path
    path = _range(path, first, frames)
    if path.startswith("\\\\"):
        path = "//" + path.lstrip("\\").replace("\\", "/")
    elif (drive := _DRIVE.match(path)) is not None and not path.startswith("/"):
        path = "/" + drive[1] + drive[2].replace("\\", "/")
    quoted = quote(path, safe="/", errors="surrogateescape")
    return f"file://localhost{quoted}" if quoted.startswith("/") else quoted


def _pattern(path: str) -> str:
    found = _RANGE.search(path)
    if found is None or len(found[1]) != len(found[2]):
        return path
    return f"{path[: found.start()]}%0{len(found[1])}d{found[3]}"


def _range(path: str, first: int, frames: int | None) -> str:
    found = _COUNTER.search(path)
    if found is None or frames is None or first < 0:
        return path
    one, last = (f"{number:0{int(found[1])}}" for number in (first, first + frames - 1))
    if len(one) != int(found[1]) or len(last) != len(one):
        return path
    return f"{path[: found.start()]}[{one}-{last}]{found[2]}"


def first_number(url: str) -> int | None:
    """Returns the number of the first image of a frame range, None for other paths."""
    found = _RANGE.search(unquote(url))
    return None if found is None or len(found[1]) != len(found[2]) else int(found[1])


def suffix_of(path: str) -> str:
    dot = path.rpartition(".")
    return "." + dot[2].lower() if dot[1] else ""
