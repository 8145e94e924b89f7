"""Small xmeml documents as other programs write them, and what we make of them."""

from __future__ import annotations

from pathlib import Path

from genlock.timeline.events import Content, restore
from genlock.timeline.layout import rows
from genlock.timeline.model import Item
from genlock_otio.dialects import Incoming
from genlock_otio.fcp7 import reader, writer
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Tag

RATE = "<rate><timebase>24</timebase><ntsc>FALSE</ntsc></rate>"


def rate(timebase: object, ntsc: bool = False) -> str:
    return f"<rate><timebase>{timebase}</timebase><ntsc>{'TRUE' if ntsc else 'FALSE'}</ntsc></rate>"


def file(
    id_: str = "f", *, url: str = "file://localhost/a.mov", own: str = RATE, frames: object = 1000, more: str = ""
) -> str:
    return f"<file id='{id_}'><name>a.mov</name><pathurl>{url}</pathurl>{own}<duration>{frames}</duration>{more}</file>"


def clip(
    start: object, end: object, into: object, out: object, *, id_: str = "c", more: str = "", own: str = RATE
) -> str:
    """Returns a clip item; without a <file> in `more` it shows file f."""
    if "<file" not in more and "<sequence" not in more:
        more += file()
    numbers = f"<start>{start}</start><end>{end}</end><in>{into}</in><out>{out}</out>"
    return f"<clipitem id='{id_}'><name>shot</name><enabled>TRUE</enabled>{own}{numbers}{more}</clipitem>"


def document(*video: str, audio: tuple[str, ...] = (), own: str = RATE, more: str = "", root: str = "") -> bytes:
    tracks = "".join(f"<track>{track}</track>" for track in video)
    sound = "".join(f"<track>{track}</track>" for track in audio)
    media = f"<media><video>{tracks}</video><audio>{sound}</audio></media>"
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><!DOCTYPE xmeml><xmeml version='4'>"
        f"<sequence id='s1'><name>cut</name>{own}{media}{more}</sequence>{root}</xmeml>"
    ).encode()


def read(data: bytes) -> Imported:
    return reader.read(Incoming(data, "cut", Path("/base")))


def rewritten(imported: Imported, tag: Tag = Tag()) -> bytes:
    media = {one.id: one for one in imported.media}
    return writer.write(Outgoing(imported.content, media=media, nested=dict(imported.nested).get, tag=tag)).data


def placed(content: Content, track: int = 0) -> list[tuple[int, int, int]]:
    """Returns (start, duration, source in) of a track's items."""
    state = restore("0" * 32, 1, content)
    return [(row.slot.start, row.item.duration, row.item.source_in) for row in rows(state, state.order[track])]


def first(imported: Imported) -> Item:
    return imported.content.tracks[0].items[0].item


def remap(
    speed: object, *, reverse: bool = False, graph: tuple[tuple[object, object], ...] = (), ramp: bool = False
) -> str:
    """Returns a Time Remap filter in Premiere's shape."""
    keys = "".join(f"<keyframe><when>{when}</when><value>{value}</value></keyframe>" for when, value in graph)
    values = {
        "variablespeed": "1" if ramp else "0",
        "speed": speed,
        "reverse": "TRUE" if reverse else "FALSE",
        "frameblending": "FALSE",
    }
    parameters = "".join(
        f"<parameter authoringApp='PremierePro'><parameterid>{name}</parameterid><name>{name}</name>"
        f"<value>{value}</value></parameter>"
        for name, value in values.items()
    )
    if keys:
        parameters += f"<parameter><parameterid>graphdict</parameterid><name>graphdict</name>{keys}</parameter>"
    return (
        "<filter><effect><name>Time Remap</name><effectid>timeremap</effectid><effectcategory>motion</effectcategory>"
        f"<effecttype>motion</effecttype><mediatype>video</mediatype>{parameters}</effect></filter>"
    )
