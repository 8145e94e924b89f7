"""The door: bytes from anywhere become a bounded JSON tree, or a coded error, before any other reader sees them.

OpenTimelineIO's own reader crashes the process on deep nesting (docs/why/otio.md); nothing here recurses over the input.
"""

from __future__ import annotations

import re
from itertools import accumulate
from os import fstat
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
from msgspec import Struct

from genlock.errors import BadInput, NotFound

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ODD_NUMBER: Final = re.compile(rb"\b(NaN|Infinity|inf|nan)\b")
_HUGE_NUMBER: Final = re.compile(rb"\d[eE]\+?\d{3,}")
_BRACKETS: Final = bytes(c for c in range(256) if c not in b"[]{}")
_STEP: Final = [{91: 1, 123: 1, 93: -1, 125: -1}.get(c, 0) for c in range(256)]
_DIGITS: Final = bytes(48 if 48 <= c < 58 else 32 for c in range(256))
_ITEMS: Final = ("Clip", "Gap", "Transition", "Marker", "Stack")
_LARGE: Final = 32 * 1024 * 1024
_OUR_DEPTH: Final = 254  # where orjson.dumps stops


class Limits(Struct, frozen=True):
    """What a file may be: bytes, nesting depth, values, objects among the values of JSON (a clip is about twelve), clips
    or gaps or transitions or markers, tracks; and for bundles bytes of media and their number."""

    size: int = 256 * 1024 * 1024
    depth: int = 200
    nodes: int = 6_000_000
    objects: int = 1_000_000
    items: int = 100_000
    tracks: int = 1_000
    media_size: int = 2 * 1024**4
    media_files: int = 100_000


LIMITS: Final = Limits()


def read_bytes(path: Path, limits: Limits) -> bytes:
    """Returns the whole file. Raises NotFound(no_such_file), BadInput(too_large)."""
    try:
        with path.open("rb") as file:
            data = file.read(min(limits.size, fstat(file.fileno()).st_size) + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("no_such_file", f"{path} does not exist.") from error
    except OSError as error:
        raise BadInput("unknown_format", f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > limits.size:
        raise BadInput("too_large", f"{path.name} is larger than {limits.size} bytes.")
    return data


def parse(data: bytes, limits: Limits, name: str = "The file") -> dict[str, Any]:
    """Returns the JSON object in `data`.

    Raises BadInput: too_large, too_deep, bad_time (NaN and infinite numbers), bad_json, bad_timeline (no OTIO object).
    """
    if len(data) > limits.size:
        raise BadInput("too_large", f"{name} is larger than {limits.size} bytes.")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    brackets = data.translate(None, _BRACKETS)
    objects = brackets.count(b"{")
    if objects > limits.objects:
        raise BadInput("too_large", f"{name} holds more than {limits.objects} objects: no cut has so many clips.")
    most = limits.nodes // 2  # a value of JSON weighs twice what one of XML does
    if len(data) > 2 * most and data.count(b",") > most:
        raise BadInput("too_large", f"{name} holds more than {most} values.")
    if objects > 2 * limits.items:  # looking costs as much as parsing does: only where it may be
        for kind, limit in (*((kind, limits.items) for kind in _ITEMS), ("Track", limits.tracks)):
            if data.count(f'"{kind}.'.encode()) > limit:
                raise BadInput("too_large", f"{name} holds more than {limit} objects of the kind {kind}.")
    shallow = _shallow(brackets, limits.depth)
    try:
        tree = _large(data) if len(data) > _LARGE else orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _reason(data, limits, name, error) from error
    if not shallow and _deeper_than(tree, limits.depth):
        raise BadInput("too_deep", f"{name} nests deeper than {limits.depth} levels.")
    if not isinstance(tree, dict) or not isinstance(tree.get("OTIO_SCHEMA"), str):
        raise BadInput("bad_timeline", f"{name} is JSON, but no OpenTimelineIO object.")
    return tree


def _large(data: bytes) -> Any:
    """Parses a long text without orjson's second copy of it, which is twice the file (docs/why/otio.md)."""
    if b"0" * 19 not in data.translate(_DIGITS):  # msgspec makes endless integers of such; nothing else holds them
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # orjson says where
    return orjson.loads(data)


def _shallow(brackets: bytes, depth: int) -> bool:
    """Returns whether the brackets surely nest no deeper: what is innermost is taken away, level by level. Brackets in
    texts may spoil it; then the tree itself is asked."""
    for _ in range(depth):
        if not brackets:
            return True
        fewer = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(brackets) - len(fewer) < len(brackets) >> 8:  # it goes nowhere, or nests as no file does
            return False
        brackets = fewer
    return not brackets


def _reason(data: bytes, limits: Limits, name: str, error: orjson.JSONDecodeError) -> BadInput:
    """Says why a text did not parse; only then is it worth a slow look."""
    bare = _STRING.sub(b"", data) if len(data) <= _LARGE else b""  # a long file is not worth the wait
    steps = bare.translate(None, _BRACKETS)
    if "depth" in error.msg or max(accumulate(map(_STEP.__getitem__, steps)), default=0) > limits.depth:
        return BadInput("too_deep", f"{name} nests deeper than {limits.depth} levels.")
    if "infinity" in error.msg or _ODD_NUMBER.search(bare) or _HUGE_NUMBER.search(bare):
        return BadInput("bad_time", f"{name} holds a number that is infinite or none at all.")
    return BadInput("bad_json", f"{name} is not valid JSON: {error.msg} in line {error.lineno}.")


def _deeper_than(tree: Any, depth: int) -> bool:
    """Lets the JSON writer find out, which is a hundred times faster than a walk: it stops at a fixed depth."""
    for _ in range(_OUR_DEPTH - min(depth, _OUR_DEPTH)):
        tree = [tree]
    try:
        orjson.dumps(tree)
    except TypeError:
        return True
    return False
