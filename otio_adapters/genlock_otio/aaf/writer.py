"""Writes AAF files: the cut as OpenTimelineIO in the shape that the AAF library accepts."""

from __future__ import annotations

from fractions import Fraction
from hashlib import blake2b
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson
from msgspec import Struct

from genlock.timeline.events import TrackContent
from genlock.timeline.model import (
    Generator,
    Item,
    Media,
    Nested,
    Shot,
    Transition,
    available_range,
    source_range,
)
from genlock_otio.aaf.notes import AAF, EXPORT, OFFLINE, OPEN, SEQUENCE, SIZE, VERSION
from genlock_otio.aaf.process import run
from genlock_otio.keeping import Json
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.times import range_json, rounded, time_json

_DISSOLVE: Final = {
    "picture": ("0c3bea40-fc05-11d2-8a29-0050040ef7d2", "Video Dissolve", "Picture"),
    "sound": ("0c3bea41-fc05-11d2-8a29-0050040ef7d2", "Mono Audio Dissolve", "Sound"),
}


def write(outgoing: Outgoing) -> Written:
    """Writes the cut as one composition with a master clip for each file and name. Raises BadInput where the library
    fails."""
    timeline = _Cut(outgoing).timeline()
    data = run("write", orjson.dumps(timeline), outgoing.content.name or "The cut")
    return Written(data, outgoing.loss())


class _Master(Struct):
    """A master clip: one file under one name, with the frames that are there or shown, at the sequence's rate."""

    mob: str
    url: str
    name: str
    low: int
    high: int
    known: tuple[int, int] | None
    comments: Json


class _Cut:
    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._rate = outgoing.rate
        self._masters: dict[tuple[str, str], _Master] = {}
        self._tracks = [part for kind in ("video", "audio") for part in outgoing.tracks(kind)]
        for part in self._tracks:
            for row in outgoing.rows(part):
                self._show(row.item)

    def timeline(self) -> Json:
        content, tag = self._outgoing.content, self._outgoing.tag
        comments: Json = {SIZE: f"{content.resolution.width}x{content.resolution.height}"}
        if tag.sequence:
            comments[SEQUENCE] = tag.sequence
        if tag.version:
            comments[VERSION] = tag.version
        if tag.export:
            comments[EXPORT] = tag.export
        ours = {"drop_frame": content.drop_frame, "nominal": content.rate.nominal}
        return {
            "OTIO_SCHEMA": "Timeline.1",
            "name": content.name,
            "metadata": {AAF: {"UserComments": comments}, "genlock": ours},
            "global_start_time": time_json(content.start_frame, content.rate),
            "tracks": _composition("Stack.1", "tracks", [self._track(part) for part in self._tracks if part.items]),
        }

    def _track(self, part: TrackContent) -> Json:
        made = _composition("Track.1", part.track.name, list(self._children(part)))
        made["kind"] = "Audio" if part.track.kind == "audio" else "Video"
        made["metadata"] = {"genlock": {"id": part.track.id}}
        return made

    def _children(self, part: TrackContent) -> Any:
        left: str | None = None
        for row in self._outgoing.rows(part):
            if row.gap:
                yield _gap(range_json(0, self._rate, row.gap, self._rate))
            elif left is not None and (transition := self._outgoing.transition(left, row.item.id)) is not None:
                yield self._transition(transition, part.track.kind)
            yield self._clip(row.item)
            left = row.item.id

    def _clip(self, item: Item) -> Json:
        master = self._master(item)
        low, _ = self._shown(item)
        ref: Json = {
            "OTIO_SCHEMA": "ExternalReference.1" if master.url else "MissingReference.1",
            "metadata": {},
            "name": master.name,
            "available_range": range_json(master.low, self._rate, master.high - master.low, self._rate),
        }
        if master.url:
            ref["target_url"] = master.url
        return {
            "OTIO_SCHEMA": "Clip.2",
            "name": item.name or master.name,
            "metadata": {AAF: {"MobID": master.mob, "UserComments": master.comments}, "genlock": {"id": item.id}},
            "source_range": range_json(low, self._rate, item.duration, self._rate),
            "effects": [],
            "markers": [],
            "enabled": True,
            "media_references": {"DEFAULT_MEDIA": ref},
            "active_media_reference_key": "DEFAULT_MEDIA",
        }

    def _transition(self, transition: Transition, kind: str) -> Json:
        """Returns a dissolve with all that the library wants to know of one (docs/formats.md)."""
        sort = "sound" if kind == "audio" else "picture"
        identity, name, data = _DISSOLVE[sort]
        operation = {
            "DataDefinition": {"Name": data},
            "Description": "",
            "Name": name,
            "Identification": identity,
            "Bypass": 1,
            "IsTimeWarp": False,
            "NumberInputs": 2,
            "OperationCategory": "OperationCategory_Effect",
        }
        points = [{"ControlPointSource": 2, "Time": str(n), "Value": str(n)} for n in (0, 1)]
        about = {
            "PointList": points,
            "OperationGroup": {"Operation": operation, "Parameters": {}},
            "CutPoint": transition.in_offset,
            "Length": transition.in_offset + transition.out_offset,
            "DataDefinition": {"Name": data},
        }
        return {
            "OTIO_SCHEMA": "Transition.1",
            "name": name,
            "metadata": {AAF: about},
            "transition_type": "SMPTE_Dissolve",
            "in_offset": time_json(transition.in_offset, self._rate),
            "out_offset": time_json(transition.out_offset, self._rate),
        }

    # -- master clips

    def _show(self, item: Item) -> None:
        """Makes room for what the item and its transitions show of its master clip."""
        master = self._master(item)
        low, high = self._shown(item)
        head, tail = self._outgoing.around(item.id)
        low -= head.in_offset if head else 0
        high += tail.out_offset if tail else 0
        if master.low == master.high:
            master.low, master.high = master.known or (low, high)
        master.low, master.high = min(master.low, low), max(master.high, high)

    def _master(self, item: Item) -> _Master:
        file = self._outgoing.file(item)
        url = file.path if file is not None else ""
        name = item.name or (file.name if file is not None else "") or "offline"
        whole = item.id if isinstance(item.source, Generator | Nested) else url or (file.id if file is not None else "")
        mob = _mob_of(item, url) or _mob(f"{whole}/{name}")
        key = (mob, name)
        if key not in self._masters:
            self._masters[key] = self._new_master(item, mob, url, name)
        return self._masters[key]

    def _new_master(self, item: Item, mob: str, url: str, name: str) -> _Master:
        known = available_range(item)
        if known is not None:
            known = self._here(item, known[0]), self._here(item, known[1])
        file = self._outgoing.file(item)
        comments: Json = {} if known is not None else {OPEN: "unknown"}
        if not url:
            comments[OFFLINE] = (file.name if file is not None else "") or "yes"
        users = _kept(item).get("UserComments")
        comments |= {k: v for k, v in users.items() if isinstance(v, str | int)} if isinstance(users, dict) else {}
        return _Master(mob, url, name, 0, 0, known, comments)

    def _shown(self, item: Item) -> tuple[int, int]:
        """Returns the frames the clip shows at normal speed, in frames of the sequence."""
        if not isinstance(item.source, Media | Shot):
            return 0, item.duration
        low = self._here(item, source_range(item, self._rate)[0])
        return low, low + item.duration

    def _here(self, item: Item, frame: int) -> int:
        """Returns a source frame counted at the sequence's rate: the library knows one rate."""
        own = self._outgoing.source_rate(item)
        return frame if own == self._rate else rounded(Fraction(frame) * self._rate.fraction / own.fraction)


def _composition(label: str, name: str, children: list[Json]) -> Json:
    return {
        "OTIO_SCHEMA": label,
        "name": name,
        "metadata": {},
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": True,
        "children": children,
    }


def _gap(span: Json) -> Json:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "name": "",
        "metadata": {},
        "source_range": span,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _kept(item: Item) -> Json:
    found = item.foreign.get(AAF)
    return found if isinstance(found, dict) else {}


def _mob_of(item: Item, url: str) -> str:
    """Returns the id of the master clip the item came with, while it still shows that file: Avid relinks by it."""
    mob, media = _kept(item).get("MobID"), _kept(item).get("Media")
    known = isinstance(mob, str) and mob.startswith("urn:smpte:umid:") and isinstance(item.source, Media)
    return str(mob) if known and isinstance(media, str) and unquote(urlsplit(media).path) == url else ""


def _mob(seed: str) -> str:
    """Returns the id of a master clip: the same file under the same name is the same clip in every export."""
    made = blake2b(seed.encode(), digest_size=16).hexdigest()
    parts = ".".join(made[at : at + 8] for at in range(0, 32, 8))
    return f"urn:smpte:umid:060a2b34.01010105.01010f20.13000000.{parts}"
