"""What the planner accepts, what it turns down and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.errors import BadInput, NotFound
from genlock.generation import planner
from genlock.generation.engine import Engines
from genlock.project.request import Conditioning, Span
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.generation import trial_engines
from tests.generation.desk import request

HERE = str(Path(__file__).resolve())
ENGINES = Engines()


def reason(**fields: Any) -> str:
    with pytest.raises(BadInput) as caught:
        planner.plans(request(**fields), ENGINES)
    assert caught.value.code == "bad_generation"
    return caught.value.message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"resolution": Resolution(15, 96)}, "15x96"),
        ({"resolution": Resolution(9000, 96)}, "9000x96"),
        ({"resolution": Resolution(161, 96)}, "even"),
        ({"frames": 0}, "not 0"),
        ({"frames": -4}, "not -4"),
        ({"frames": 10**9}, "1000000000"),
        ({"rate": Rate(0)}, "rate"),
        ({"rate": Rate(24, 0)}, "rate"),
        ({"rate": Rate(1000)}, "rate"),
        ({"rate": Rate(25), "drop_frame": True}, "drop-frame"),
        ({"seed": 2**63}, "seed"),
        ({"start_frame": -1}, "start frame"),
        ({"mode": "image_to_video"}, "conditioning"),
        ({"mode": "keyframes"}, "keyframe"),
        ({"mode": "extend"}, "source"),
        ({"mode": "retake"}, "source"),
        ({"mode": "retake", "source": HERE}, "span"),
        ({"mode": "retake", "source": HERE, "span": Span(3, 10)}, "frames again"),
        ({"mode": "retake", "source": HERE, "span": Span(4, 4)}, "holds no frame"),
        ({"mode": "retake", "source": HERE, "span": Span(-2, 4)}, "holds no frame"),
        ({"mode": "fill_gap"}, "both"),
        ({"mode": "extend", "source": "/nowhere/a.mov"}, "not there"),
        ({"mode": "extend", "source": "a.mov"}, "absolute"),
        ({"audio": "/nowhere/a.wav"}, "audio"),
        ({"conditioning": (Conditioning(HERE, frame=9),)}, "frame 9"),
        ({"conditioning": (Conditioning(HERE, frame=-10),)}, "frame -10"),
        ({"conditioning": (Conditioning(HERE, strength=1.5),)}, "strength"),
        ({"conditioning": (Conditioning(HERE, strength=float("nan")),)}, "strength"),
        ({"conditioning": (Conditioning(HERE, first=-1),)}, "range"),
        ({"conditioning": (Conditioning(""),)}, "no path"),
        ({"conditioning": (Conditioning(HERE, frame=8), Conditioning(HERE, frame=-1))}, "sits already"),
        ({"mode": "inpaint"}, "inpaint"),
        ({"mode": "inpaint", "engine": "animatic"}, "no engine here can"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_requests_are_refused_with_the_reason(fields: dict[str, Any], said: str) -> None:
    assert said in reason(**fields)


def test_an_unknown_engine() -> None:
    with pytest.raises(NotFound) as caught:
        planner.plans(request(engine="dream"), ENGINES)
    assert caught.value.code == "no_such_engine"
    assert "animatic" in caught.value.message


def test_an_engine_that_cannot_be_loaded_is_named_and_passed_over() -> None:
    engines = Engines({"absent": "genlock.absent:ENGINE", **ENGINES.targets})
    assert [plan.engine for plan in planner.plans(request(), engines)] == ["animatic"]
    rows = {row["name"]: row for row in engines.describe()}
    assert rows["absent"]["available"] is False
    assert "absent" in rows["absent"]["reason"]
    assert rows["animatic"]["available"] is True
    with pytest.raises(NotFound):
        planner.plans(request(engine="absent"), engines)


def test_an_engine_for_another_mode_names_those_that_can() -> None:
    engines = Engines({**ENGINES.targets, "plain": f"{trial_engines.MODULE}:plain"})
    with pytest.raises(BadInput, match="animatic can"):
        planner.plans(request("image", engine="plain"), engines)


def test_every_able_engine_plans_in_order_of_preference() -> None:
    plans = planner.plans(request(), trial_engines.engines())
    names = [plan.engine for plan in plans]
    assert names == [name for name in trial_engines.NAMES for _ in range(2 if name == "hungry" else 1)]


def test_the_animatics_plan_says_what_it_is() -> None:
    (plan,) = planner.plans(request(frames=97), ENGINES)
    assert (plan.engine, plan.product, plan.draft, plan.asked, plan.made) == ("animatic", "movie", True, 97, 97)
    assert 0 < plan.bytes < 1 << 30
    (still,) = planner.plans(request("image", frames=97), ENGINES)
    assert (still.product, still.asked) == ("still", 1)


@given(st.integers(1, 5000), st.sampled_from([(1, 0), (8, 1), (4, 1), (16, 0)]))
def test_snapped_lengths_hold_what_was_asked(frames: int, grid: tuple[int, int]) -> None:
    step, offset = grid
    made = planner.snap(frames, step, offset)
    assert made >= frames
    assert made - frames < step or made == offset
    assert (made - offset) % step == 0
