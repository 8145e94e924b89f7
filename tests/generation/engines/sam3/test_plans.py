"""What the engine promises before anything heavy is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from genlock.errors import BadInput, GenerationError
from genlock.generation import planner
from genlock.generation.engine import Engines
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.engines.sam3.prompts import gather
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Box, Point, Selection
from tests.generation.engines.sam3.conftest import asked

CLICK = Selection(points=(Point(80, 96),))


def test_masks_are_for_a_waiting_person_and_tracks_are_not(tiny_models: Path, source: Path) -> None:
    engine = Sam3Engine(Library(tiny_models), Machine("a card", "cuda", device=24 << 30))
    (mask,) = engine.plans(asked("mask", source, CLICK))
    (track,) = engine.plans(asked("track", source, CLICK))
    assert (mask.lane, mask.asked, track.lane, track.asked) == ("interactive", 1, "heavy", 12)
    assert mask.product == track.product == "matte"
    assert mask.components == track.components
    assert mask.components[0].name == "sam3/model@bfloat16"


@pytest.mark.parametrize(("kind", "width"), [("cuda", 2), ("mps", 2), ("cpu", 4)])
def test_a_component_is_as_large_as_its_numbers(tiny_models: Path, source: Path, kind: str, width: int) -> None:
    library = Library(tiny_models)
    (plan,) = Sam3Engine(library, Machine("fake", kind)).plans(asked("mask", source, CLICK))
    assert plan.components[0].bytes == library.require("sam3").parts[""].parameters * width
    assert plan.bytes > plan.components[0].bytes
    assert ("45 s" in " ".join(plan.notes)) == (kind == "cpu")


def test_looking_by_name_says_that_frames_come_late(tiny_models: Path, source: Path) -> None:
    engine = Sam3Engine(Library(tiny_models), Machine("fake"))
    (plan,) = engine.plans(asked("track", source, Selection(text="disc")))
    assert any("over 2 frames" in note for note in plan.notes)
    (plan,) = engine.plans(asked("track", source, CLICK))
    assert not any("frames come" in note or "judged" in note for note in plan.notes)


def test_without_its_model_the_engine_says_how_to_get_it(tmp_path: Path, source: Path) -> None:
    engine = Sam3Engine(Library(tmp_path), Machine("fake"))
    assert "genlock models pull sam3" in engine.missing()
    with pytest.raises(GenerationError) as caught:
        engine.plans(asked("mask", source, CLICK))
    assert caught.value.code == "model_missing"


@pytest.mark.parametrize(
    ("selections", "reason"),
    [
        ((), "needs a selection"),
        ((Selection(text="  "),), "is empty"),
        ((Selection(boxes=(Box(50, 10, 40, 20),)),), "left before its right"),
        ((Selection(text="a" * 100_000),), "400 characters"),
        ((Selection(mask="mask.png"),), "absolute path"),
        ((Selection(mask="/nowhere/mask.png"),), "not there"),
        ((Selection(points=(Point(1, 1),) * 300),), "200 points"),
        (tuple(Selection(points=(Point(1, 1),), thing=n) for n in range(40)), "32 things"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tiny_models: Path, source: Path, selections: tuple[Selection, ...], reason: str
) -> None:
    engine = Sam3Engine(Library(tiny_models), Machine("fake"))
    with pytest.raises(BadInput, match=reason) as caught:
        engine.plans(asked("track", source, *selections))
    assert caught.value.code == "bad_generation"


@pytest.mark.parametrize("settings", [{"threshold": 2}, {"threshold": "high"}, {"clean": -1}, {"clean": True}])
def test_settings_have_bounds(tiny_models: Path, source: Path, settings: dict[str, object]) -> None:
    engine = Sam3Engine(Library(tiny_models), Machine("fake"))
    with pytest.raises(BadInput, match="lies between"):
        engine.plans(asked("mask", source, CLICK, settings=settings))


def test_selections_of_a_thing_and_frame_are_one_prompt(source: Path) -> None:
    request = asked(
        "track",
        source,
        CLICK,
        Selection(points=(Point(5, 5, False),), frame=-12),
        Selection(text="disc", frame=-1),
        Selection(text="disc", thing=2),
    )
    prompts = gather(request, 12, (320, 192))
    assert [(p.thing, p.frame) for p in prompts] == [(1, 0), (1, 11), (2, 0)]
    assert prompts[0].points == (Point(80, 96), Point(5, 5, False))
    assert [p.by_name for p in prompts] == [False, True, True]


@pytest.mark.parametrize(
    ("selections", "reason"),
    [
        ((Selection(points=(Point(320, 10),)),), "outside 320x192"),
        ((Selection(boxes=(Box(-20, -20, -1, -1),)),), "outside 320x192"),
        ((Selection(text="disc", frame=12),), "none numbered 12"),
        ((Selection(text="disc", frame=-13),), "none numbered -13"),
        ((Selection(text="disc"), Selection(text="ball")), "two names"),
        ((CLICK, Selection(points=(Point(1, 1),), frame=3)), "of one frame"),
        ((Selection(points=(Point(1, 1, False),)),), "only not to be"),
        ((Selection(boxes=(Box(1, 1, 9, 9, False),)),), "only not to be"),
        ((Selection(points=(Point(1, 1),), boxes=(Box(1, 1, 9, 9, False),)),), "no example"),
    ],
)
def test_what_the_source_does_not_have_is_refused(source: Path, selections: tuple[Selection, ...], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        gather(asked("mask", source, *selections), 12, (320, 192))


def test_plans_import_nothing_heavy(tiny_models: Path, source: Path) -> None:
    script = f"""
import sys
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.models.library import Library
from genlock.generation.memory.machine import Machine
from genlock.project.request import GenerationRequest, Point, Selection
request = GenerationRequest("track", source={str(source)!r}, selections=(Selection(points=(Point(1, 1),)),))
engine = Sam3Engine(Library({str(tiny_models)!r}), Machine("fake"))
engine.missing(), engine.libraries(), engine.plans(request)
heavy = {{"torch", "transformers", "torchvision", "cv2", "numpy", "PIL", "av"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_engine_is_known_by_its_name(tiny_models: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_MODELS", str(tiny_models))
    plans = planner.plans(asked("mask", source, CLICK, engine="sam3"), Engines())
    assert [plan.engine for plan in plans] == ["sam3"]
