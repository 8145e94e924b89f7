"""What a stage took corrects the estimate of its part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genlock.application.learning import factors, learn
from genlock.generation.engine import Component, Plan, Stage
from genlock.generation.memory.measured import FILE
from genlock.generation.models.library import HOME

PART = Component("toy/transformer@bfloat16", 8)
PLAN = Plan("toy", "resident", components=(PART,), stages=(Stage("denoise", (PART.name,), 1000),), model="toy")


def model(folder: Path, header: bytes) -> None:
    (folder / "transformer").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "Toy", "transformer": ["toy", "Toy"]}))
    (folder / "transformer" / "config.json").write_text(json.dumps({"_class_name": "Toy"}))
    weights = len(header).to_bytes(8, "little") + header + bytes(8)
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(weights)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME, str(tmp_path))
    model(tmp_path / "toy", json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode())
    model(tmp_path / "broken", b"no header")
    return tmp_path


def ratios(home: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((home / FILE).read_text())["ratios"]
    return found


def test_a_stage_that_took_twice_as_much_is_expected_to(home: Path) -> None:
    learn(PLAN, "denoise", 2000, 1.0)
    ((key, ratio),) = ratios(home).items()
    assert key.startswith("toy/transformer|")
    assert ratio["most"] == pytest.approx(2.2)


@pytest.mark.parametrize(
    ("plan", "stage", "measured"),
    [
        (PLAN, "decode", 2000),
        (PLAN, "denoise", 0),
        (Plan("toy", "x", components=(PART,), stages=(Stage("denoise", (PART.name,)),), model="toy"), "denoise", 9),
        (Plan("toy", "x", components=PLAN.components, stages=PLAN.stages, model="absent"), "denoise", 9),
        (Plan("toy", "x", components=PLAN.components, stages=PLAN.stages, model="broken"), "denoise", 9),
    ],
)
def test_nothing_is_learnt_from_nothing(home: Path, plan: Plan, stage: str, measured: int) -> None:
    learn(plan, stage, measured, 1.0)
    assert not (home / FILE).exists()
    assert stage == "decode" or measured == 0 or not factors(plan)


def test_a_stage_that_comes_again_and_again_teaches_the_same_each_time(home: Path) -> None:
    """As in a clip painted key frame by key frame: the estimate is the one of its planning throughout."""
    before = factors(PLAN)["denoise"]
    for _ in range(10):
        learn(PLAN, "denoise", 2000, before)
    (ratio,) = ratios(home).values()
    assert ratio["most"] == pytest.approx(2.2)
    assert ratio["mean"] == pytest.approx(2.2)
    assert factors(PLAN)["denoise"] == pytest.approx(2.2)
