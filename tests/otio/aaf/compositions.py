"""Cuts for the tests of AAF, their media, and the trip out and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from genlock.project.media import MediaFile
from genlock.timeline.events import Content, restore
from genlock.timeline.model import Media, Shot, Source
from genlock.timeline.profiles import AAF
from genlock.timeline.reconcile import Reconciled, reconcile
from genlock_otio.aaf import reader, writer
from genlock_otio.dialects import Incoming
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.values import Imported, Tag

SEQUENCE = "0123456789abcdef" * 2
TAG = Tag(SEQUENCE, 7, "fedcba9876543210" * 2)
POOL = {
    id_: MediaFile(id_, f"/rushes/{id_}.mov", f"{id_}.mov", missing=False) for id_ in ("m1", "m2", "mA", "mB", "mC")
}


def takes(shot: str, take: str | None) -> MediaFile:
    return MediaFile(f"{shot}-{take}", f"/takes/{shot}_{take or 'v001'}.mov", f"{shot}.mov", missing=False)


def base_path(source: Source) -> str:
    match source:
        case Media(media=id_):
            return POOL[id_].path if id_ in POOL else ""
        case Shot(shot=shot, take=take):
            return takes(shot, take).path
        case _:
            return ""


def path_in(found: Imported) -> Callable[[Source], str]:
    pool = {file.id: file.path for file in found.media}
    return lambda source: pool.get(source.media, "") if isinstance(source, Media) else ""


def write(content: Content, pool: dict[str, MediaFile] = POOL, tag: Tag = TAG) -> Written:
    return writer.write(Outgoing(content, media=pool, takes=takes, tag=tag))


def read(data: bytes, name: str = "cut") -> Imported:
    return reader.read(Incoming(data, name, Path("/somewhere")))


def back(content: Content, found: Imported) -> Reconciled:
    """Returns what the file made of the cut, as an edit of it."""
    state = restore(SEQUENCE, 7, content)
    return reconcile(state, found.content, AAF, base_path=base_path, path=path_in(found), told=found.ids)
