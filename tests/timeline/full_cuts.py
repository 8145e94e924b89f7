"""Random sound cuts that have everything a format may lose: material for the tests of profiles."""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import (
    Gap,
    Generator,
    Item,
    Marker,
    Media,
    Nested,
    Shot,
    Source,
    Transition,
    available_range,
    source_range,
)
from genlock.timeline.profiles import ALL, Profile
from genlock.timeline.rate import RATES, Rate, Speed
from tests.timeline.op_programs import sequence_after

SPEEDS = (Speed(2), Speed(1, 2), Speed(-1), Speed(-3, 2), Speed(0), Speed(110, 100), Speed(17, 10))


def full_cut(random: Random, edits: int = 25) -> Content:
    """Returns a random sound cut with speeds, shots, titles, nested sequences, effects, links, markers, foreign keys."""
    content = content_of(sequence_after(random, edits))
    parts = [
        TrackContent(
            replace(
                part.track,
                name=random.choice(["", part.track.name]),
                locked=random.random() < 0.1,
                sync_lock=random.random() < 0.8,
                foreign=_foreign(random),
            ),
            tuple([Placed(_item(random, placed.item), placed.start) for placed in part.items]),
        )
        for part in content.tracks
    ]
    items = [placed.item for part in parts for placed in part.items]
    made = replace(
        content,
        rate=random.choice(RATES),
        tracks=tuple(parts),
        transitions=tuple([_transition(random, it) for it in content.transitions]),
        markers=tuple(sorted(_markers(random, content.markers, items), key=lambda m: (m.item or "", m.start, m.id))),
        foreign=_foreign(random),
    )
    return _sound(made)


def random_profile(random: Random) -> Profile:
    """Returns a profile nobody wrote: any features, any limits."""
    return Profile(
        "random",
        "Random",
        (".x",),
        frozenset(feature for feature in ALL if random.random() < 0.6),
        random.choice([None, None, 1, 2]),
        random.choice([None, None, 0, 1]),
        placeholders=random.random() < 0.5,
        speed_steps=random.choice([None, 10]),
    )


def _item(random: Random, item: Item) -> Item:
    if isinstance(item.source, Gap):
        return item
    r = random.random
    return replace(
        item,
        source=_source(random, item.source),
        speed=random.choice(SPEEDS) if r() < 0.3 else item.speed,
        enabled=r() < 0.85,
        effects=({"OTIO_SCHEMA": "Effect.1", "effect_name": "blur"},) if r() < 0.2 else (),
        foreign=_foreign(random),
    )


def _source(random: Random, source: Source) -> Source:
    kind = random.random()
    rate = random.choice([None, None, None, Rate(25), Rate(24000, 1001), Rate(48)])
    if isinstance(source, Media):
        if kind < 0.2:
            return Shot(random.choice("st"), random.choice([None, "take1"]), 0, random.choice([None, 5000]), rate)
        if kind < 0.3:
            return Nested("n" * 32, 0, 9000, rate)
        return replace(source, rate=rate)
    return Generator("title", {"text": "Hi"}) if kind < 0.5 else source


def _foreign(random: Random) -> dict[str, Any]:
    return random.choice([{}, {}, {"Tool": {"x": 1}}, {"genlock.otio": {"residual": {"at": "1/2"}}}])


def _transition(random: Random, it: Transition) -> Transition:
    kind = random.choice(["dissolve", "dissolve", "SMPTE_Wipe"])
    return replace(it, kind=kind, name=random.choice(["", "Dip"]), foreign=_foreign(random))


def _markers(random: Random, markers: tuple[Marker, ...], items: list[Item]) -> list[Marker]:
    found = [
        replace(m, color=random.choice(["RED", "GREEN"]), comment=random.choice(["", "look"]), foreign=_foreign(random))
        for m in markers
    ]
    for n, item in enumerate(items):
        if random.random() < 0.2:
            found.append(Marker(f"mm{n}", item.source_in, random.choice([0, 3]), item.id, random.choice(["", "note"])))
    return found


def _sound(content: Content) -> Content:
    """Takes the ends off media that would not reach, and drops the transitions that no longer fit."""
    parts = []
    for part in content.tracks:
        row = []
        for placed in part.items:
            item, available = placed.item, available_range(placed.item)
            if available is not None:
                low, high = source_range(item, content.rate)
                if low - 60 < available[0] or high + 60 > available[1]:
                    item = replace(item, source=replace(item.source, frames=None))
            row.append(Placed(item, placed.start))
        parts.append(TrackContent(part.track, tuple(row)))
    made = replace(content, tracks=tuple(parts))
    bad = {conflict.id for conflict in violations(restore("0" * 32, 1, made))}
    made = replace(made, transitions=tuple([t for t in made.transitions if t.key not in bad]))
    assert not violations(restore("0" * 32, 1, made))
    return made
