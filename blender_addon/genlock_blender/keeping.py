# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a link is kept in the .blend, as scene["genlock"]: ids, versions and the shadow. No token, no job, no address."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, Final, NamedTuple

from .states import Channel, Mark, Picture, Strip

KEY: Final = "genlock"
SCHEMA: Final = 1
"""Raised when older files need to be told apart."""
LIMIT: Final = 256 * 1024 * 1024
"""Bytes of an unpacked shadow; a file that claims more is not believed."""

Value = dict[str, Any]


class Unreadable(Exception):
    """What the scene holds was written by a newer add-on, or is damaged; the message is a sentence for a person."""


class Kept(NamedTuple):
    """One scene's link. `version` and `bases` are what `shadow` stands for, `book` is the mapping's part, `path` the file
    this was saved as, `file` its identity, which copies of the file share. `before` is the shadow without
    what `pending` says."""

    project: str
    sequence: str
    log: str = ""
    version: int = 0
    bases: dict[str, int] = {}  # noqa: RUF012
    book: Value = {}  # noqa: RUF012
    file: str = ""
    path: str = ""
    shadow: Picture | None = None
    pending: tuple[str, Value] | None = None
    before: Picture | None = None


def write(scene: Any, kept: Kept) -> None:
    """Puts the link into the scene."""
    book = kept.book
    inner = {"bases": kept.bases, "owners": book.get("owners", {}), "metas": book.get("metas", {})}
    scene[KEY] = {
        "schema": SCHEMA,
        "project": kept.project,
        "sequence": kept.sequence,
        "log": kept.log,
        "version": kept.version,
        "origin": int(book.get("origin", 0)),
        "homes": json.dumps(book.get("homes", {}), separators=(",", ":")),
        "file": kept.file,
        "path": kept.path,
        "shadow": _pack({**inner, "picture": kept.shadow, "before": kept.before}),
        "pending": "" if kept.pending is None else _pack(list(kept.pending)),
    }


def read(scene: Any) -> Kept | None:
    """Returns the scene's link, None when it has none. Raises Unreadable."""
    found = scene.get(KEY)
    if found is None:
        return None
    try:
        fields = dict(found)
        schema = int(fields.get("schema", 0))
        if schema > SCHEMA:
            raise Unreadable("This file was linked by a newer Genlock add-on: update this one.")
        project, sequence = _text(fields, "project"), _text(fields, "sequence")
        if not project or not sequence:
            raise Unreadable("This scene's link to Genlock names no sequence.")
        if schema < 1:  # written before there was a shadow: everything is looked at anew
            return Kept(project, sequence, _text(fields, "log"), file=_text(fields, "file"), path=_text(fields, "path"))
        inner = _unpack(_text(fields, "shadow"))
        book = {
            "homes": json.loads(_text(fields, "homes") or "{}"),
            "owners": dict(inner["owners"]),
            "metas": dict(inner["metas"]),
            "origin": int(fields["origin"]),
        }
        pending = _unpack(_text(fields, "pending")) if fields.get("pending") else None
        return Kept(
            project,
            sequence,
            _text(fields, "log"),
            int(fields["version"]),
            {str(id_): int(version) for id_, version in inner["bases"].items()},
            book,
            _text(fields, "file"),
            _text(fields, "path"),
            inner["picture"],
            None if pending is None else (str(pending[0]), dict(pending[1])),
            inner.get("before"),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, zlib.error) as error:
        raise Unreadable(f"This scene's link to Genlock is damaged ({type(error).__name__}).") from error


def erase(scene: Any) -> None:
    """Forgets the link."""
    if KEY in scene:
        del scene[KEY]


def _text(fields: Value, name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise TypeError(name)
    return value


def _pack(value: Any) -> str:
    text = json.dumps(_plain(value), separators=(",", ":"), allow_nan=True)
    return base64.b85encode(zlib.compress(text.encode(), 6)).decode()


def _unpack(text: str) -> Any:
    opened = zlib.decompressobj()
    data = opened.decompress(base64.b85decode(text), LIMIT)
    if opened.unconsumed_tail:
        raise ValueError("too large")
    return _rich(json.loads(data))


_SHAPES: Final[dict[str, Any]] = {shape.__name__: shape for shape in (Strip, Channel, Mark, Picture)}


def _plain(value: Any) -> Any:
    """Returns the value as JSON has it; tuples and numbered keys are marked, so that they come back as they were."""
    if type(value).__name__ in _SHAPES and isinstance(value, tuple):
        return {"!": type(value).__name__, "v": [_plain(each) for each in value]}
    if isinstance(value, tuple):
        return {"!": "", "v": [_plain(each) for each in value]}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        if any(not isinstance(key, str) or key == "!" for key in value):
            return {"!": "{}", "v": [[_plain(key), _plain(each)] for key, each in value.items()]}
        return {key: _plain(each) for key, each in value.items()}
    return value


def _rich(value: Any) -> Any:
    if isinstance(value, list):
        return [_rich(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("!")
    if kind is None:
        return {key: _rich(each) for key, each in value.items()}
    parts = value["v"]
    if kind == "{}":
        return {_rich(key): _rich(each) for key, each in parts}
    if kind == "":
        return tuple(_rich(each) for each in parts)
    return _SHAPES[kind](*(_rich(each) for each in parts))
