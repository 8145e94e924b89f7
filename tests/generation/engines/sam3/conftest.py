"""The engine on tiny weights, a clip with a moving disc, and parts that stay from test to test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Direction, GenerationRequest, Mode, Selection
from genlock.timeline.model import Resolution
from tests.generation.footage import clip, disc
from tests.generation.recording import Parts, Recording, run

CPU = Machine("a test's", "cpu")
FRAMES = 12
Make = Callable[..., Recording]


@pytest.fixture(scope="session")
def engine(tiny_models: Path) -> Sam3Engine:
    return Sam3Engine(Library(tiny_models), CPU)


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of 320x192, an orange disc of radius 36 whose middle is at 80 + 2 n, 96."""
    return clip(tmp_path_factory.mktemp("sam3") / "disc.mov", [disc(number)[0] for number in range(FRAMES)])


@pytest.fixture(scope="session")
def parts() -> Parts:
    import torch

    torch.set_num_threads(1)
    return Parts()


@pytest.fixture
def make(engine: Sam3Engine, source: Path, parts: Parts) -> Make:
    """Runs a request on the clip with the detector's bar where random weights pass it."""

    def made(mode: Mode, *selections: Selection, direction: Direction = "forward", **fields: Any) -> Recording:
        settings = {"threshold": 0.05, **fields.pop("settings", {})}
        return run(engine, asked(mode, source, *selections, direction=direction, settings=settings, **fields), parts)

    return made


def asked(mode: Mode, source: Path, *selections: Selection, **fields: Any) -> GenerationRequest:
    fields = {"resolution": Resolution(320, 192), "frames": FRAMES, **fields}
    return GenerationRequest(mode, source=str(source), selections=selections, **fields)
