"""The straight way makes of a clip what the general one makes, or leaves it alone."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock_otio import Imported, read_data
from genlock_otio.plain import Plain
from tests.otio.test_read import clip, timeline, track

TIMES = [0.0, 1.0, 24.0, 86400.0, 86400, 12.5, -3.0]
COUNTS = [1.0, 24.0, 24, 0.0, 3.5, 1000.0]
RATES = [24.0, 24.0, 24.0, 24, 25.0, 23.976]


class Odd:
    """Makes clips that are plain but for a thing or two."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def pick(self, usual: Any, *others: Any) -> Any:
        return self.random.choice(others) if self.random.random() < 0.06 else usual

    def time(self, values: list[Any]) -> Any:
        r = self.random
        value = r.choice(values) if r.random() < 0.3 else r.choice(values[:3])
        made = {"OTIO_SCHEMA": "RationalTime.1", "rate": r.choice(RATES), "value": value}
        return {**made, "x": 1} if r.random() < 0.02 else made

    def span(self) -> Any:
        made = {"OTIO_SCHEMA": "TimeRange.1", "start_time": self.time(TIMES), "duration": self.time(COUNTS)}
        return self.pick(made, None)

    def clip(self, n: int) -> dict[str, Any]:
        r = self.random
        path = r.choice(["/m/a.mov", "/m/b.mov", "file:///m/c%20d.mov", "m/e.mov", "/m/f.%04d.exr", "/m/[1-9].tif", ""])
        ours = {"v": 1, "id": r.choice([f"i{n}", "same"]), "link": r.choice(["l", ""])}
        ref = {
            "OTIO_SCHEMA": self.pick("ExternalReference.1", "MissingReference.1"),
            "metadata": self.pick({}, {"x": 1}, None),
            "name": self.pick("", "a.mov", "take", None),
            "available_range": self.pick(
                {"start_time": self.time([0.0]), "duration": self.time([200000.0])}, None, self.span()
            ),
            "available_image_bounds": self.pick(None, {"min": 1}),
            "target_url": self.pick(path, None, "/Genlock/offline/x"),
            **self.pick({}, {"odd": 1}),
        }
        made = {
            "OTIO_SCHEMA": self.pick("Clip.2", "Clip.3"),
            "metadata": self.pick(
                {"show": {"n": n}}, {}, None, {"genlock": ours}, {"genlock": {"v": 1, "id": "x"}, "b": 2},
                {"Resolve_OTIO": {"Link Group ID": 3}}, {"genlock.otio": {"range": 1}}, {"genlock": {"source": {}}},
            ),
            "name": self.pick(f"c{n}", "", None),
            "source_range": self.span(),
            "effects": self.pick([], None, [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2.0}]),
            "markers": self.pick([], None, [{"OTIO_SCHEMA": "Marker.2", "marked_range": self.span()}]),
            "enabled": self.pick(True, False, None),
            "color": self.pick(None, "red"),
            "media_references": self.pick({"DEFAULT_MEDIA": ref}, {"x": ref}, {"DEFAULT_MEDIA": ref, "y": ref}),
            "active_media_reference_key": self.pick("DEFAULT_MEDIA", "x"),
        }  # fmt: skip
        for key in list(made):
            if key != "OTIO_SCHEMA" and r.random() < 0.01:
                del made[key]
        return made


def read(tree: Any) -> Imported | str:
    try:
        return read_data(json.dumps(tree).encode(), Path("/folder"), "file")
    except Exception as error:
        return f"{type(error).__name__} {error}"


@given(seed=st.integers(0, 2**32))
@settings(max_examples=300, deadline=None)
def test_both_ways_make_the_same(seed: int) -> None:
    odd = Odd(seed)
    tree = timeline(track(*[odd.clip(n) for n in range(odd.random.randrange(1, 6))]))
    straight = read(tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plain, "read", lambda _self, _clip: None)
        general = read(tree)
    assert straight == general


def test_most_clips_of_a_cut_take_the_straight_way() -> None:
    taken: list[bool] = []
    real = Plain.read

    def seen(self: Plain, thing: Any) -> Any:
        found = real(self, thing)
        taken.append(found is not None)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Plain, "read", seen)
        read(timeline(track(*[clip(f"c{n}") for n in range(10)])))
    assert taken == [True] * 10
