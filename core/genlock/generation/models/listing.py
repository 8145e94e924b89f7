"""One row a model: what is known of it and what is here of it, for the command line and the panel."""

from __future__ import annotations

from typing import Any

import msgspec

from genlock.errors import GenlockError
from genlock.generation.models.catalog import CATALOG
from genlock.generation.models.library import Library


def rows(library: Library) -> list[dict[str, Any]]:
    """Returns JSON-ready rows: the catalog's models in its order, then others that are here."""
    here = library.names()
    return [_row(library, name, is_here=name in here) for name in dict.fromkeys((*CATALOG, *here))]


def _row(library: Library, name: str, *, is_here: bool) -> dict[str, Any]:
    entry = CATALOG.get(name)
    row: dict[str, Any] = {
        "name": name,
        "title": entry.title if entry else "",
        "engines": list(entry.engines) if entry else [],
        "licence": msgspec.to_builtins(entry.licence) if entry else None,
        "repository": entry.repository if entry else "",
        "bytes": entry.bytes if entry else 0,
        "pieces": {piece.name or "model": piece.bytes for piece in entry.pieces} if entry else {},
        "note": entry.note if entry else "",
        "here": is_here,
        "path": "",
        "revision": "",
        "problem": "",
    }
    if is_here:
        row["path"] = str(library.folder(name))
        try:
            model = library.require(name)
        except GenlockError as error:
            return row | {"problem": error.message}
        row["bytes"], row["revision"] = model.bytes, model.revision
        row["pieces"] = {part.name or "model": part.bytes for part in model.parts.values() if part.bytes}
    return row
