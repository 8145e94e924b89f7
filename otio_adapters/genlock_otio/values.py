"""What reading and writing answer."""

from __future__ import annotations

from msgspec import Struct

from genlock.project.media import MediaFile
from genlock.timeline.events import Content


class Imported(Struct, frozen=True):
    """A timeline read. `media` are the files it names, never probed; `nested` its nested sequences (id -> content),
    innermost first. `dialect` is the tool it comes from. `sequence` is the id of the Genlock sequence it was written
    from, "" for a stranger."""

    content: Content
    media: tuple[MediaFile, ...] = ()
    nested: tuple[tuple[str, Content], ...] = ()
    warnings: tuple[str, ...] = ()
    dialect: str = "otio"
    sequence: str = ""


class LossRow(Struct, frozen=True):
    """One kind of thing the file does not carry: how often, and the names of the first ten."""

    what: str
    count: int
    names: tuple[str, ...] = ()


class Loss(Struct, frozen=True):
    """What was left behind in writing; empty when nothing was."""

    rows: tuple[LossRow, ...] = ()
