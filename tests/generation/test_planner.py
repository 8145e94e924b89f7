"""What the planner accepts, what it turns down and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genlock.errors import BadInput, GenerationError, NotFound
from genlock.generation import planner
from genlock.generation.engine import BUILTIN, Engines, Plan
from genlock.project.request import Box, Conditioning, GenerationRequest, Point, Selection, Span
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.generation import trial_engines
from tests.generation.desk import request

HERE = str(Path(__file__).resolve())
WORDS = Selection(text="the lighthouse")
ENGINES = Engines({"animatic": BUILTIN["animatic"], "plain": f"{trial_engines.MODULE}:plain"})


def masked(selection: Selection) -> dict[str, Any]:
    return {"mode": "mask", "source": HERE, "selections": (selection,)}


def picture(path: Path, width: int = 64, height: int = 48) -> str:
    Image.new("L", (width, height)).save(path)
    return str(path)


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
        ({"mode": "inpaint"}, "source"),
        ({"mode": "inpaint", "source": HERE}, "what to make again"),
        ({"mode": "edit_image"}, "picture to edit"),
        ({"mode": "mask", "selections": (WORDS,)}, "source"),
        ({"mode": "mask", "source": HERE}, "needs selections"),
        ({"mode": "track", "source": HERE}, "needs selections"),
        ({"mode": "track", "selections": (WORDS,)}, "source"),
        ({"mode": "upscale"}, "source"),
        ({"mode": "retime"}, "source"),
        ({"mode": "scenes"}, "source"),
        ({"mode": "enhance_prompt", "prompt": " "}, "needs a prompt or a picture"),
        ({"prompt": "x" * 100_000}, "100000 characters"),
        ({"negative_prompt": "x" * 100_000}, "100000 characters"),
        ({"references": (Conditioning("/nowhere/a.png"),)}, "reference 1 is not there"),
        ({"references": (Conditioning(HERE, strength=2),)}, "strength"),
        ({"mask": "mask.png"}, "absolute"),
        (masked(Selection()), "selects nothing"),
        (masked(Selection(text="a", thing=0)), "count from 1"),
        (masked(Selection((Point(float("nan"), 4),))), "outside"),
        (masked(Selection((Point(-1, 4),))), "outside"),
        (masked(Selection((Point(1e9, 4),))), "outside"),
        (masked(Selection(boxes=(Box(4, 4, 4, 9),))), "holds nothing"),
        (masked(Selection(boxes=(Box(0, 0, float("inf"), 9),))), "holds nothing"),
        (masked(Selection((Point(1, 1),) * 1001)), "1001"),
        (masked(Selection(mask="/nowhere/a.png")), "mask of selection 1 is not there"),
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
    engines = Engines({"absent": "genlock.absent:ENGINE", "animatic": BUILTIN["animatic"]})
    assert [plan.engine for plan in planner.plans(request(), engines)] == ["animatic"]
    rows = {row["name"]: row for row in engines.describe()}
    assert rows["absent"]["available"] is False
    assert "absent" in rows["absent"]["reason"]
    assert rows["animatic"]["available"] is True
    with pytest.raises(NotFound):
        planner.plans(request(engine="absent"), engines)


def test_an_engine_for_another_mode_names_those_that_can() -> None:
    with pytest.raises(BadInput, match="animatic can"):
        planner.plans(request("image", engine="plain"), ENGINES)
    with pytest.raises(BadInput, match="no engine here can"):
        planner.plans(request("image", engine="plain"), trial_engines.engines())


def test_drafts_come_last() -> None:
    found = planner.plans(request(), Engines(dict(reversed(ENGINES.targets.items()))))
    assert [plan.engine for plan in found] == ["plain", "animatic"]
    assert [plan.engine for plan in planner.plans(request(), ENGINES)] == ["plain", "animatic"]


def test_plans_say_which_engines_could_not_and_why() -> None:
    class Choosy(trial_engines.Trial):
        def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
            raise BadInput("bad_generation", "It takes 1 to 40 steps, not 99.")

    engines = Engines(ENGINES.targets)
    engines._loaded["plain"] = Choosy("plain")
    (draft,) = planner.plans(request(), engines)
    assert (draft.engine, draft.notes[-1]) == ("animatic", "Not by plain: It takes 1 to 40 steps, not 99.")


def test_a_mask_has_the_size_of_its_source(tmp_path: Path) -> None:
    source, mask = picture(tmp_path / "a.png"), picture(tmp_path / "mask.png", 32, 24)
    said = reason(mode="inpaint", source=source, mask=mask)
    assert "32x24" in said
    assert "64x48" in said
    refined = {"mode": "mask", "source": source, "selections": (Selection(mask=mask),)}
    assert "32x24" in reason(**refined)
    equal = request("inpaint", source=source, mask=picture(tmp_path / "equal.png"))
    assert not list(planner.complaints(equal))


def test_marks_lie_in_the_picture(tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png")

    def said(*, points: tuple[Point, ...] = (), boxes: tuple[Box, ...] = ()) -> list[str]:
        return list(planner.complaints(request("mask", source=source, selections=(Selection(points, boxes),))))

    assert not said(points=(Point(0, 0), Point(63.9, 47.9)))
    assert not said(boxes=(Box(-3, -3, 70, 50),))
    assert said(points=(Point(64, 0),))
    assert said(points=(Point(0, 48),))
    assert said(boxes=(Box(64, 0, 70, 48),))


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "a.png"
    broken.write_bytes(b"GIF89a no, not at all")
    assert "no picture that can be read" in reason(mode="upscale", source=str(broken))
    assert "no picture that can be read" in reason(conditioning=(Conditioning(str(broken)),))
    broken.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    assert "no picture that can be read" in reason(references=(Conditioning(str(broken)),))


@pytest.mark.parametrize(
    ("mode", "lane"),
    [("text_to_video", "heavy"), ("track", "heavy"), ("mask", "interactive"), ("enhance_prompt", "language")],
)
def test_the_likely_lane(mode: str, lane: str) -> None:
    assert planner.lane(request(mode)) == lane


def test_every_able_engine_plans_in_order_of_preference() -> None:
    engines = trial_engines.engines()
    names = [plan.engine for plan in planner.plans(request(), engines)]
    able = [n for n in engines.names() if "text_to_video" in engines.get(n).modes and not engines.get(n).missing()]
    assert list(dict.fromkeys(names)) == able
    assert "bare" not in able
    assert names.count("hungry") == 2


def test_the_animatics_plan_says_what_it_is() -> None:
    (plan,) = planner.plans(request(frames=97, engine="animatic"), ENGINES)
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


class Odd(trial_engines.Trial):
    """Raises what no engine should; `asked` says whether somebody wanted to know what it lacks."""

    asked = False

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        raise OSError(36, "File name too long")

    def missing(self) -> str:
        self.asked = True
        return ""


odd, tool = Odd("odd"), Odd("tool")
tool.modes = frozenset({"mask"})
WITH_ODD = Engines({"odd": f"{__name__}:odd", "tool": f"{__name__}:tool", **ENGINES.targets})


def test_an_engine_that_raises_anything_costs_its_own_plans_only() -> None:
    assert {plan.engine for plan in planner.plans(request(), WITH_ODD)} == {"animatic", "plain"}
    with pytest.raises(GenerationError, match="odd cannot plan this: OSError") as caught:
        planner.plans(request(engine="odd"), WITH_ODD)
    assert caught.value.code == "engine_failed"


def test_only_those_that_make_such_a_thing_are_asked_what_they_lack() -> None:
    tool.asked = False
    planner.plans(request(), WITH_ODD)
    assert not tool.asked
