"""OpenTimelineIO's objects to our values and back, for its adapters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from genlock.timeline.rate import Rate, source_rate
from genlock_otio.files import read, write
from genlock_otio.outgoing import Outgoing
from genlock_otio.reader import read_data
from genlock_otio.values import Imported
from genlock_otio.writer import write as otio_of

Reading = Callable[..., Any]
Writing = Callable[..., str]


def both_ways(dialect: str) -> tuple[Reading, Writing]:
    """Returns `read_from_file` and `write_to_file` of an adapter for the dialect."""

    def read_from_file(filepath: str, rate: Any = None) -> Any:
        """Returns the file as OpenTimelineIO's timeline; `rate` for formats that do not say theirs."""
        return to_otio(read(Path(filepath), dialect=dialect, rate=_rate(rate)))

    def write_to_file(input_otio: Any, filepath: str, ids: bool = False) -> str:
        """Writes the timeline; returns the path."""
        found = from_otio(input_otio)
        media = {file.id: file for file in found.media}
        nested = dict(found.nested).get
        write(found.content, Path(filepath), media=media, nested=nested, dialect=dialect, tag=found.tag, ids=ids)
        return filepath

    return read_from_file, write_to_file


def to_otio(found: Imported) -> Any:
    """Returns what was read as OpenTimelineIO's timeline."""
    import opentimelineio as otio

    media = {file.id: file for file in found.media}
    outgoing = Outgoing(found.content, media=media, nested=dict(found.nested).get, tag=found.tag)
    return otio.adapters.read_from_string(otio_of(outgoing).data.decode(), "otio_json")


def from_otio(thing: Any) -> Imported:
    """Returns OpenTimelineIO's timeline as ours. Raises BadInput."""
    return read_data(thing.to_json_string(indent=-1).encode(), Path.cwd(), thing.name or "timeline")


def _rate(rate: Any) -> Rate | None:
    return None if rate is None else source_rate(float(rate))
