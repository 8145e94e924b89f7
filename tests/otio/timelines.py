"""Material for the OTIO tests: random sound contents, and files as other tools see them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import opentimelineio as otio
from msgspec.structs import replace

from genlock.project.media import MediaFile
from genlock.timeline.check import violations
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import (
    Gap,
    Generator,
    Item,
    Marker,
    Media,
    Nested,
    Resolution,
    Shot,
    Source,
    Track,
    Transition,
)
from genlock.timeline.rate import RATES, Rate, Speed
from genlock_otio.references import media_id

SAMPLES = Path(__file__).parent / "samples"
FILES = [
    MediaFile(media_id("/footage/A001.mov"), "/footage/A001.mov", "A001.mov"),
    MediaFile("pool-7", "/footage/B 002 100%.mxf", "b roll"),
    MediaFile(media_id("E:\\rushes\\C003.mov"), "E:\\rushes\\C003.mov", "C003.mov"),
    MediaFile("seq", "/plates/sh010.%04d.exr", "sh010 plate"),
    MediaFile(media_id("missing:offline reel"), "", "offline reel", missing=True),
]
SPEEDS = [Speed(), Speed(), Speed(2), Speed(1, 2), Speed(-1), Speed(-3, 2), Speed(0), Speed(1001, 1000), Speed(7, 1013)]
POOL = {file.id: file for file in FILES}
TAKES = {"take-1": MediaFile("take-1", "/takes/SH0010_v001.mov", "SH0010_v001.mov")}


def take(shot: str, take_id: str | None) -> MediaFile | None:
    return TAKES.get(take_id or ("take-1" if shot == "s1" else ""))


def sample(path: Path) -> dict[str, Any]:
    """Returns a sample as a timeline: single objects are put into one."""
    thing = json.loads(path.read_text())
    if thing["OTIO_SCHEMA"].startswith("Clip"):
        thing = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [thing], "name": "", "metadata": {}}
    if thing["OTIO_SCHEMA"].startswith("Track"):
        stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [thing]}
        thing = {"OTIO_SCHEMA": "Timeline.1", "metadata": {}, "name": "wrapped", "tracks": stack}
    return thing  # type: ignore[no-any-return]


def without_ours(thing: Any) -> Any:
    """Returns a JSON tree without our metadata key."""
    if isinstance(thing, dict):
        return {key: without_ours(value) for key, value in thing.items() if key != "genlock"}
    return [without_ours(value) for value in thing] if isinstance(thing, list) else thing


def loaded(thing: Any) -> Any:
    """Returns what OpenTimelineIO itself makes of a JSON tree."""
    return otio.adapters.read_from_string(json.dumps(thing))


class Maker:
    """Makes random sound contents."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nested: dict[str, Content] = {}
        self._count = 0

    def id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def content(self, rate: Rate | None = None, depth: int = 0) -> Content:
        r = self.random
        rate = rate or r.choice(RATES)
        parts = [self.part(rate, n, depth) for n in range(r.randrange(1, 4))]
        transitions = [t for part in parts for t in self.transitions(part)]
        ids = [placed.item.id for part in parts for placed in part.items]
        made = Content(
            r.choice(["cut", "reel 1 é", "x"]),
            rate,
            drop_frame=bool(rate.drop_per_minute) and r.random() < 0.5,
            start_frame=r.choice([0, 86400, 107892]),
            resolution=Resolution(*r.choice([(1920, 1080), (1280, 720)])),
            tracks=tuple(parts),
            transitions=tuple(transitions),
            markers=tuple(self.marker(r.choice([None, *ids])) for _ in range(r.randrange(4))),
            foreign=r.choice([{}, {"show": {"name": "x", "n": [1, 2.5, None]}}]),
        )
        return self.sound(made)

    def sound(self, content: Content) -> Content:
        """Takes away what the model refuses (a transition without handles), and puts things in the model's order."""
        bad = {conflict.id for conflict in violations(restore("0" * 32, 1, content))}
        kept = tuple(t for t in content.transitions if bad.isdisjoint({t.key, t.left, t.right}))
        return content_of(restore("0" * 32, 1, replace(content, transitions=kept)))

    def part(self, rate: Rate, n: int, depth: int) -> TrackContent:
        r = self.random
        placement = r.choice(["magnetic", "free"])
        kind = r.choice(["video", "audio"])
        track = Track(
            self.id("t"),
            kind,  # type: ignore[arg-type]
            r.choice(["", f"V{n}"]),
            placement,  # type: ignore[arg-type]
            enabled=r.random() < 0.9,
            locked=r.random() < 0.1,
            sync_lock=r.random() < 0.9,
            foreign=r.choice([{}, {"Resolve_OTIO": {"SoloOn": False}}]),
        )
        placed, end = [], 0
        for _ in range(r.randrange(6)):
            item = self.item(rate, depth, gaps=placement == "magnetic")
            end += r.choice([0, 0, 1, 30]) if placement == "free" else 0
            placed.append(Placed(item, end if placement == "free" else None))
            end += item.duration
        return TrackContent(track, tuple(placed))

    def item(self, rate: Rate, depth: int, *, gaps: bool) -> Item:
        r = self.random
        source, into = self.source(rate, depth)
        if gaps and r.random() < 0.15:
            source, into = Gap(), 0
        retimed = isinstance(source, Media | Shot) and source.frames is None
        return Item(
            self.id("i"),
            source,
            r.randrange(1, 60),
            r.choice(["", "shot", "weird 😀 name"]),
            into,
            r.choice(SPEEDS) if retimed else Speed(),
            enabled=r.random() < 0.9,
            effects=r.choice(
                [(), ({"OTIO_SCHEMA": "Effect.1", "effect_name": "Blur", "metadata": {"n": 1}, "name": ""},)]
            ),
            link=r.choice([None, None, "l1"]) if not isinstance(source, Gap) else None,
            foreign=r.choice([{}, {"cmx_3600": {"reel": "A001"}}]),
        )

    def source(self, rate: Rate, depth: int) -> tuple[Source, int]:
        r = self.random
        own = r.choice([None, None, *(other for other in RATES if other != rate)])
        first = r.choice([0, 86400])
        frames = r.choice([None, 100_000])
        kind = r.randrange(8)
        if kind < 4:
            media = r.choice(FILES).id
            if frames is None and r.random() < 0.7:
                return Media(media), 5
            return Media(media, first, frames, own), first + 500
        if kind == 4:
            return Shot(r.choice(["s1", "s2"]), r.choice([None, "take-1", "take-9"]), first, frames, own), first + 500
        if kind == 5 and depth < 2:
            id_ = f"{len(self.nested):032x}"
            self.nested[id_] = Content("taken", rate)
            content = self.content(r.choice([rate, r.choice(RATES)]), depth + 1)
            self.nested[id_] = content
            return Nested(id_, 0, None, None if content.rate == rate else content.rate), 0
        return Generator(r.choice(["SMPTEBars", "title"]), r.choice([{}, {"text": "x", "size": 3}])), 0

    def transitions(self, part: TrackContent) -> list[Transition]:
        r, found = self.random, []
        state = restore("0" * 32, 1, Content("", Rate(24), tracks=(part,)))
        row = list(state.placed(part.track.id))
        for (one, left), (two, right) in pairwise(row):
            if r.random() < 0.4 and one.end == two.start and not isinstance(left.source, Gap):
                if isinstance(right.source, Gap):
                    found.append(Transition(left.id, None, 1, 0, "dissolve"))
                else:
                    kind = r.choice(["dissolve", "Custom_Transition", "wipe"])
                    found.append(Transition(left.id, right.id, r.randrange(2), 1, kind, r.choice(["", "mix"])))
        return found

    def marker(self, item: str | None) -> Marker:
        r = self.random
        return Marker(
            self.id("m"),
            r.randrange(200),
            r.randrange(5),
            item,
            r.choice(["", "note"]),
            r.choice(["RED", "GREEN"]),
            r.choice(["", "fix this"]),
            r.choice([{}, {"Resolve_OTIO": {"Note": "n"}}]),
        )
