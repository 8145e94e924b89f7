"""XGES, the project format of GStreamer Editing Services (Pitivi): written only, cuts, gaps and upper tracks.

Times are nanoseconds, so a frame's edge is rounded; GES renders on the grid of the restriction caps.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from genlock.timeline.layout import Row
from genlock.timeline.model import available_range
from genlock.timeline.rate import NORMAL, Rate
from genlock_otio.outgoing import Outgoing, Written

SECOND: Final = 1_000_000_000
_VIDEO, _AUDIO = "4", "2"


def write(outgoing: Outgoing) -> Written:
    """Writes XGES. What has no file, a speed or a transition is noted as lost."""
    root = Element("ges", {"version": "0.4"})
    project = SubElement(root, "project", {"properties": "properties;", "metadatas": _metadata(outgoing)})
    resources = SubElement(project, "ressources")
    timeline = SubElement(project, "timeline", {"properties": "properties, auto-transition=(boolean)true;"})
    rate, size = outgoing.rate, outgoing.content.resolution
    caps = f"video/x-raw, framerate=(fraction){rate.num}/{rate.den}, width=(int){size.width}, height=(int){size.height}"
    for number, (kind, media, extra) in enumerate(
        (
            (_VIDEO, "video/x-raw(ANY)", f'restriction-caps=(string)"{_escaped(caps)}", '),
            (_AUDIO, "audio/x-raw(ANY)", ""),
        )
    ):
        properties = f"properties, {extra}mixing=(boolean)true;"
        SubElement(
            timeline,
            "track",
            {"caps": media, "track-type": kind, "track-id": str(number), "properties": properties},
        )
    tracks = [*reversed(outgoing.tracks("video")), *outgoing.tracks("audio")]  # the topmost layer has priority 0
    known: dict[str, Element] = {}
    count = 0
    for priority, part in enumerate(tracks):
        layer = SubElement(timeline, "layer", {"priority": str(priority), "properties": "properties;"})
        kind = _VIDEO if part.track.kind == "video" else _AUDIO
        for row in outgoing.rows(part):
            if _clip(layer, row, kind, priority, count, outgoing, known, resources):
                count += 1
    _lose(outgoing)
    indent(root, " ")
    text: bytes = tostring(root, encoding="utf-8")
    return Written(b'<?xml version="1.0" encoding="utf-8"?>\n' + text + b"\n", outgoing.loss())


def _clip(
    layer: Element, row: Row, kind: str, priority: int, number: int, outgoing: Outgoing, known: dict[str, Element],
    resources: Element,
) -> bool:  # fmt: skip
    item, file = row.item, outgoing.file(row.item)
    name = item.name or item.id
    if file is None or not file.path:
        outgoing.lost("clips without a file", name)
        return False
    if not item.enabled:
        outgoing.lost("clips that are switched off (left out)", name)
        return False
    if item.speed != NORMAL:
        outgoing.lost("speeds", name)
    uri = file.path if "://" in file.path else "file://" + quote(str(PurePosixPath(file.path.replace("\\", "/"))))
    known_range = available_range(item)
    first = known_range[0] if known_range else file.info.start if file.info else 0
    own = outgoing.source_rate(item)
    if uri not in known:
        length = known_range[1] - known_range[0] if known_range else item.source_in - first + item.duration
        properties = f"properties, supported-formats=(int)6, duration=(guint64){_time(length, own)};"
        known[uri] = SubElement(
            resources, "asset", {"id": uri, "extractable-type-name": "GESUriClip", "properties": properties}
        )
    start = _time(row.slot.start, outgoing.rate)
    SubElement(
        layer,
        "clip",
        {
            "id": str(number),
            "asset-id": uri,
            "type-name": "GESUriClip",
            "layer-priority": str(priority),
            "track-types": kind,
            "start": str(start),
            "duration": str(_time(row.slot.end, outgoing.rate) - start),
            "inpoint": str(_time(item.source_in - first, own)),
            "rate": "0",
            "properties": f'properties, name=(string)"{_escaped(item.id)}";',
            "metadatas": f'metadatas, genlock-name=(string)"{_escaped(name)}";',
        },
    )
    return True


def _lose(outgoing: Outgoing) -> None:
    content = outgoing.content
    for transition in content.transitions:
        outgoing.lost("transitions", transition.name or transition.kind)
    for marker in content.markers:
        outgoing.lost("markers", marker.name or marker.id)


def _time(frame: int, rate: Rate) -> int:
    """Returns frames as nanoseconds, rounded down as GStreamer does: an edge just behind a frame would cut it off."""
    exact = SECOND * frame / rate.fraction
    return exact.numerator // exact.denominator


def _metadata(outgoing: Outgoing) -> str:
    return f'metadatas, name=(string)"{_escaped(outgoing.content.name)}";'


def _escaped(text: str) -> str:
    """Returns a text as GStreamer's structures write one between quotes."""
    return "".join(c if c.isprintable() else " " for c in text).replace("\\", "\\\\").replace('"', '\\"')
