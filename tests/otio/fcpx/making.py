"""FCPXML made by hand for the tests, and the way in and out."""

from __future__ import annotations

from pathlib import Path

from genlock.project.media import MediaFile
from genlock.timeline.check import violations
from genlock.timeline.events import Content, restore
from genlock.timeline.model import Item, Media, Shot, Source
from genlock_otio.dialects import Incoming
from genlock_otio.fcpx import reader, writer
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Tag
from tests.otio.timelines import POOL, SAMPLES, Maker, take

FCPX = SAMPLES / "fcpx"
BASE = Path("/cuts")
RESOURCES = """
<format id="f24" frameDuration="1/24s" width="1920" height="1080"/>
<format id="f2398" name="FFVideoFormat1080p2398" frameDuration="1001/24000s" width="1920" height="1080"/>
<asset id="a1" name="A001" start="0s" duration="100s" hasVideo="1" hasAudio="1" format="f24">
  <media-rep kind="original-media" src="file:///footage/A001.mov"/></asset>
<asset id="v1" name="plate" start="3600s" duration="100s" hasVideo="1" format="f24" src="file:///footage/plate.mov"/>
<asset id="s1" name="music" start="0s" duration="300s" hasAudio="1" src="file:///footage/music.wav"/>
<effect id="e1" name="Cross Dissolve" uid="FxPlug:4731E73A-8DAC-4113-9A30-AE85B1761265"/>
"""


def document(spine: str, *, resources: str = RESOURCES, attributes: str = "", version: str = "1.10") -> bytes:
    """A project at 24 frames per second with the given storyline."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE fcpxml><fcpxml version="{version}">'
        f'<resources>{resources}</resources><library><event><project name="P">'
        f'<sequence format="f24" {attributes}><spine>{spine}</spine></sequence></project></event></library></fcpxml>'
    ).encode()


def read(data: bytes) -> Imported:
    """Reads bytes; what comes is sound."""
    imported = reader.read(Incoming(data, "cut", BASE))
    sound(imported.content)
    for _, content in imported.nested:
        sound(content)
    return imported


def sound(content: Content) -> None:
    assert violations(restore("0" * 32, 1, content)) == []


def spine(text: str, **more: str) -> Imported:
    return read(document(text, **more))


def written(imported: Imported, version: str = "1.10") -> bytes:
    """Writes what was read."""
    media = {file.id: file for file in imported.media}
    outgoing = Outgoing(imported.content, media=media, nested=dict(imported.nested).get, tag=imported.tag)
    return writer.write(outgoing, version).data


def exported(maker: Maker, content: Content, tag: Tag = Tag()) -> bytes:
    """Writes a random cut of tests.otio.timelines."""
    return writer.write(Outgoing(content, media=POOL, takes=take, nested=maker.nested.get, tag=tag)).data


def rows(content: Content, kind: str = "video", track: int = 0) -> list[tuple[int, int, Item]]:
    """(start, duration, item) of a track."""
    part = [part for part in content.tracks if part.track.kind == kind][track]
    found, cursor = [], 0
    for placed in part.items:
        start = cursor if placed.start is None else placed.start
        cursor = start + placed.item.duration
        found.append((start, placed.item.duration, placed.item))
    return found


def cuts(content: Content, kind: str = "video", track: int = 0) -> list[tuple[int, int, str, int]]:
    """(start, duration, name, source_in) of a track."""
    return [(start, long, item.name, item.source_in) for start, long, item in rows(content, kind, track)]


def same_files(pool: dict[str, MediaFile]) -> object:
    """Returns whether two sources show the same file, for projection.disagreements."""

    def path(source: Source) -> str | None:
        if isinstance(source, Media):
            file = POOL.get(source.media) or pool[source.media]
            return file.path or file.name
        if isinstance(source, Shot):
            found = take(source.shot, source.take)
            return found.path if found else "offline"
        return getattr(source, "sequence", None)

    return lambda one, two: path(one) in ("offline", path(two))
