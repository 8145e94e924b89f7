"""What reading and writing answer."""

from __future__ import annotations

from msgspec import Struct

from genlock.project.media import MediaFile
from genlock.timeline.events import Content


class Tag(Struct, frozen=True, omit_defaults=True):
    """What a written file says about where it comes from, so that it is known when it returns: the sequence's id, its
    version, and the export (32 hex digits)."""

    sequence: str = ""
    version: int = 0
    export: str = ""


class Imported(Struct, frozen=True):
    """A timeline read. `media` are the files it names, never probed; `nested` its nested sequences (id -> content),
    innermost first. `dialect` is the tool it comes from. `tag` names the Genlock sequence, version and export it was
    written from, empty for a stranger. `ids` are the items, tracks and markers whose ids came with the file; the others
    are made up from the file's bytes."""

    content: Content
    media: tuple[MediaFile, ...] = ()
    nested: tuple[tuple[str, Content], ...] = ()
    warnings: tuple[str, ...] = ()
    dialect: str = "otio"
    tag: Tag = Tag()
    ids: frozenset[str] = frozenset()


class LossRow(Struct, frozen=True):
    """One kind of thing the file does not carry: how often, and the names of the first ten."""

    what: str
    count: int
    names: tuple[str, ...] = ()


class Loss(Struct, frozen=True):
    """What was left behind in writing; empty when nothing was. `files` are the names of the files written, the one asked
    for first; none before writing."""

    rows: tuple[LossRow, ...] = ()
    files: tuple[str, ...] = ()
