"""Schemas of earlier OpenTimelineIO releases, for tools that are built on one.

Between 0.14.0 and 0.18.1 one schema we write changed: a clip had a single media reference until 0.14 (Clip.1) and several
under keys since (Clip.2). Fields that a release does not know are passed over by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import orjson

from genlock.errors import BadInput
from genlock_otio.keeping import Json, schema
from genlock_otio.references import active_reference

FAMILIES: Final = ("0.14.0", "0.15.0", "0.16.0", "0.17.0", "0.18.0", "0.18.1")
"""OpenTimelineIO's releases, as its family OTIO_CORE labels them."""


def as_of(data: bytes, family: str, lost: Callable[[str, str], None]) -> bytes:
    """Returns an .otio file with the schemas of a release; media references but the active one are lost before 0.15.
    Raises BadInput(bad_value) for a release that is none."""
    if family not in FAMILIES:
        raise BadInput("bad_value", f"{family!r} is no release of OpenTimelineIO; known are {', '.join(FAMILIES)}.")
    if family != FAMILIES[0]:
        return data
    tree = orjson.loads(data)
    waiting = [tree["tracks"]]
    while waiting:
        for child in waiting.pop()["children"]:
            if schema(child) == "Clip" and "media_references" in child:
                _single(child, lost)
            elif "children" in child:
                waiting.append(child)
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _single(clip: Json, lost: Callable[[str, str], None]) -> None:
    _, reference = active_reference(clip)
    if len(clip.pop("media_references")) > 1:
        lost("media reference that is not the active one", str(clip.get("name")))
    del clip["active_media_reference_key"]
    clip["OTIO_SCHEMA"] = "Clip.1"
    clip["media_reference"] = reference
