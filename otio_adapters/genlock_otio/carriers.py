"""Where an id of ours rides through Resolve, which drops all metadata but its own: in a marker's note. And what stands for
media that is nowhere."""

from __future__ import annotations

from typing import Any, Final

import orjson

from genlock_otio.keeping import OURS, Json

NOTE: Final = "Note"
MARKER: Final = "Genlock"
PLACEHOLDER: Final = "/Genlock/offline/"
"""The folder of files that are nowhere, on any system."""


def carrier(item: str, tag: Json, span: Json) -> Json:
    """Returns a marker that carries an item's id ("" for the sequence's own tag)."""
    told = {"id": item} if item else {"export": "", **{key: value for key, value in tag.items() if value}}
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {"Resolve_OTIO": {"Keywords": [], NOTE: orjson.dumps({OURS: told}).decode()}},
        "name": MARKER,
        "color": "CYAN",
        "marked_range": span,
        "comment": "",
    }


def carried(marker: Any) -> Json | None:
    """Returns what a carrier says, None for any other marker."""
    if not isinstance(marker, dict) or marker.get("name") != MARKER:
        return None
    metadata = marker.get("metadata")
    theirs = metadata.get("Resolve_OTIO") if isinstance(metadata, dict) else None
    note = theirs.get(NOTE) if isinstance(theirs, dict) else None
    if not isinstance(note, str) or len(note) > 1000:
        return None
    try:
        told = orjson.loads(note)
    except orjson.JSONDecodeError:
        return None
    ours = told.get(OURS) if isinstance(told, dict) else None
    return ours if isinstance(ours, dict) else None


def placeholder(url: str) -> str | None:
    """Returns the name of what a placeholder stands for, None for any other path."""
    plain = url.replace("\\", "/")
    folder, _, name = plain.rpartition("/")
    return name if folder.endswith(PLACEHOLDER.rstrip("/")) else None
