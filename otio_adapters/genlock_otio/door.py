"""The door: bytes from anywhere become a bounded JSON tree, or a coded error, before any other reader sees them.

OpenTimelineIO's own reader crashes the process on deep nesting (docs/why/otio.md); nothing here recurses over the input.
"""

from __future__ import annotations

import re
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import orjson
from msgspec import Struct

from genlock.errors import BadInput, NotFound

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_ODD_NUMBER: Final = re.compile(rb"\b(NaN|Infinity|inf|nan)\b")
_HUGE_NUMBER: Final = re.compile(rb"\d[eE]\+?\d{3,}")
_BRACKETS: Final = bytes(c for c in range(256) if c not in b"[]{}")
_STEP: Final = [{91: 1, 123: 1, 93: -1, 125: -1}.get(c, 0) for c in range(256)]
_OUR_DEPTH: Final = 254  # where orjson.dumps stops


class Limits(Struct, frozen=True):
    """What a file may be: bytes of JSON, nesting depth, JSON values; and for bundles bytes of media and their number."""

    size: int = 256 * 1024 * 1024
    depth: int = 200
    nodes: int = 20_000_000
    media_size: int = 2 * 1024**4
    media_files: int = 100_000


LIMITS: Final = Limits()


def read_bytes(path: Path, limits: Limits) -> bytes:
    """Returns the whole file. Raises NotFound(no_such_file), BadInput(too_large)."""
    try:
        with path.open("rb") as file:
            data = file.read(limits.size + 1)
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
    if data.count(b",") > limits.nodes:
        raise BadInput("too_large", f"{name} holds more than {limits.nodes} values.")
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    try:
        tree = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _reason(data, limits, name, error) from error
    if _deeper_than(tree, limits.depth):
        raise BadInput("too_deep", f"{name} nests deeper than {limits.depth} levels.")
    if not isinstance(tree, dict) or not isinstance(tree.get("OTIO_SCHEMA"), str):
        raise BadInput("bad_timeline", f"{name} is JSON, but no OpenTimelineIO object.")
    return tree


def _reason(data: bytes, limits: Limits, name: str, error: orjson.JSONDecodeError) -> BadInput:
    """Says why a text did not parse; only then is it worth a slow look."""
    bare = _STRING.sub(b"", data)
    if max(accumulate(map(_STEP.__getitem__, bare.translate(None, _BRACKETS))), default=0) > limits.depth:
        return BadInput("too_deep", f"{name} nests deeper than {limits.depth} levels.")
    if _ODD_NUMBER.search(bare) or _HUGE_NUMBER.search(bare):
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
