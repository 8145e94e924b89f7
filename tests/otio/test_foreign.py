"""Files of strangers, at random: read and written unedited they are the same to OpenTimelineIO."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock_otio import read_data
from genlock_otio.compose import Composer
from genlock_otio.outgoing import Outgoing
from tests.otio.timelines import loaded, without_ours

RATES = [24, 25, 23.976, 24000 / 1001, 30000 / 1001, 29.97, 60, 12, 24000, 1]


class Stranger:
    """Makes timelines as tools write them: odd rates, fractions of frames, gaps of any kind, fields nobody asked for."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def timeline(self) -> dict[str, Any]:
        r = self.random
        return {
            "OTIO_SCHEMA": "Timeline.1",
            "name": r.choice(["", "cut", "\t", "x" * 300]),
            "metadata": self.metadata(),
            "global_start_time": r.choice([None, self.time(86400)]),
            "tracks": self.stack(0, name=r.choice(["", "tracks"])),
        }

    def time(self, value: float) -> dict[str, Any]:
        r = self.random
        odd = r.choice([0, 0, 0, 0.25, 0.5, 0.9999999])
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": self.rate(), "value": float(value + odd)}

    def rate(self) -> float:
        return self.random.choice([24, 24, 24, 24, *RATES])

    def span(self, start: int, duration: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": self.time(start), "duration": self.time(duration)}

    def metadata(self) -> dict[str, Any]:
        return self.random.choice([{}, {}, {"tool": {"x": [1, None, "é"]}}, {"Resolve_OTIO": {"Link Group ID": 3}}])

    def base(self, **more: Any) -> dict[str, Any]:
        r = self.random
        return {
            "metadata": self.metadata(),
            "name": r.choice(["", "n", "ü"]),
            "enabled": r.random() < 0.8,
            "markers": [self.marker() for _ in range(r.choice([0, 0, 0, 2]))],
            "effects": [self.effect() for _ in range(r.choice([0, 0, 1, 3]))],
            "source_range": self.span(r.choice([0, 5, 100]), r.randrange(1, 40)),
            **more,
        }

    def effect(self) -> dict[str, Any]:
        r = self.random
        kind = r.choice(["Effect.1", "LinearTimeWarp.1", "FreezeFrame.1", "TimeEffect.1"])
        made = {"OTIO_SCHEMA": kind, "name": "", "effect_name": r.choice(["", "e"]), "metadata": self.metadata()}
        if kind in ("LinearTimeWarp.1", "FreezeFrame.1"):
            made["time_scalar"] = r.choice([0.5, -1.0, 1.01, 3.3333333]) if kind == "LinearTimeWarp.1" else 0.0
            made["enabled"] = r.random() < 0.8
        return made

    def marker(self) -> dict[str, Any]:
        r = self.random
        return {
            "OTIO_SCHEMA": "Marker.2",
            "name": r.choice(["", "m"]),
            "color": r.choice(["RED", "PINK", ""]),
            "marked_range": self.span(r.randrange(50), r.randrange(3)),
            "comment": r.choice(["", "c"]),
            "metadata": self.metadata(),
        }

    def reference(self) -> dict[str, Any]:
        r = self.random
        made: dict[str, Any] = {"metadata": self.metadata(), "name": r.choice(["", "file.mov"])}
        made["available_range"] = r.choice([None, self.span(r.choice([0, 5]), 500)])
        made["available_image_bounds"] = None
        match r.randrange(5):
            case 0:
                return {"OTIO_SCHEMA": "MissingReference.1", **made}
            case 1:
                return {"OTIO_SCHEMA": "GeneratorReference.1", **made, "generator_kind": "bars", "parameters": {"a": 1}}
            case 2:
                more = {
                    "target_url_base": r.choice(["/p", "file:///p/", ""]),
                    "name_prefix": "a.",
                    "name_suffix": ".exr",
                }
                numbers = {"start_frame": 5, "frame_step": 1, "rate": 24.0, "frame_zero_padding": r.choice([0, 4])}
                made = {**made, **more, **numbers, "missing_frame_policy": r.choice(["error", "hold"])}
                return {"OTIO_SCHEMA": "ImageSequenceReference.1", **made}
            case _:
                urls = ["", "/a/b.mov", "file:///a/b%20c.mov", "rel/x.mov", "C:\\x.mov", "/a/%04d.exr", "/a/50%d.mov"]
                return {"OTIO_SCHEMA": "ExternalReference.1", **made, "target_url": r.choice(urls)}

    def clip(self) -> dict[str, Any]:
        r = self.random
        keys = r.choice([["DEFAULT_MEDIA"], ["DEFAULT_MEDIA"], ["hi", "lo"]])
        references = {key: self.reference() for key in keys}
        active = r.choice(keys)
        made = self.base(media_references=references, active_media_reference_key=active)
        if references[active]["available_range"] is not None and r.random() < 0.2:
            made["source_range"] = None
        return {"OTIO_SCHEMA": "Clip.2", **made}

    def gap(self) -> dict[str, Any]:
        r = self.random
        if r.random() < 0.5:
            return {"OTIO_SCHEMA": "Gap.1", "source_range": self.span(0, r.choice([0, 1, 30]))}
        return {"OTIO_SCHEMA": "Gap.1", **self.base()}

    def transition(self) -> dict[str, Any]:
        made = {"OTIO_SCHEMA": "Transition.1", "name": "t", "metadata": self.metadata()}
        kind = self.random.choice(["SMPTE_Dissolve", "Custom_Transition"])
        before, after = self.random.choice([(2, 1), (0, 3), (30, 30)])
        return {**made, "in_offset": self.time(before), "out_offset": self.time(after), "transition_type": kind}

    def track(self, depth: int) -> dict[str, Any]:
        r = self.random
        children: list[Any] = []
        for _ in range(r.randrange(6)):
            roll = r.random()
            if roll < 0.15 and children and children[-1]["OTIO_SCHEMA"] == "Clip.2":
                children += [self.transition(), self.clip()]
            elif roll < 0.35:
                children.append(self.gap())
            elif roll < 0.45 and depth < 2:
                children.append(self.nested(depth + 1))
            else:
                children.append(self.clip())
        kind = r.choice(["Video", "Audio", "Video", "Subtitle"])
        trim = r.choice([None, None, None, self.span(0, 20)])
        return {"OTIO_SCHEMA": "Track.1", **self.base(source_range=trim), "kind": kind, "children": children}

    def nested(self, depth: int) -> dict[str, Any]:
        if self.random.random() < 0.3:
            return {**self.track(depth), "kind": "Video", **self.base()}
        return self.stack(depth, source_range=self.span(0, 10))

    def stack(self, depth: int, **more: Any) -> dict[str, Any]:
        r = self.random
        children = [self.track(depth) if r.random() < 0.9 else self.clip() for _ in range(r.randrange(1, 4))]
        return {"OTIO_SCHEMA": "Stack.1", **self.base(source_range=None), **more, "children": children}


@given(st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_a_strangers_file_is_the_same_after_reading_and_writing(seed: int) -> None:
    original = Stranger(Random(seed)).timeline()
    imported = read_data(json.dumps(original).encode(), Path("/folder"), "file")
    for content in (imported.content, *dict(imported.nested).values()):
        assert not violations(restore("0" * 32, 1, content))
    pool = {file.id: file for file in imported.media}
    outgoing = Outgoing(imported.content, media=pool, nested=dict(imported.nested).get)
    written = Composer(outgoing).timeline()
    assert outgoing.loss().rows == ()
    assert loaded(original).is_equivalent_to(loaded(without_ours(written)))
    again = read_data(json.dumps(written).encode(), Path("/folder"), "file")
    assert again.content == imported.content
    assert again.nested == imported.nested
